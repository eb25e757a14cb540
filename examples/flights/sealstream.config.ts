// The plan of the flights: `npx sealstream plan --config examples/flights/sealstream.config.ts` prints its template, and
// `npx sealstream run --config …` runs it. Names of buckets are shared by all accounts: choose your own.
import type { PipelinePlan } from 'sealstream'

export default {
  name: 'flights',
  stream: { shards: 4, retentionHours: 168 },
  sealing: { mode: 'aggregate', context: { schema: 'flight-1' } },
  destinations: [{ kind: 's3', compression: 'GZIP' }],
  roles: { assumedBy: ['ecs-tasks.amazonaws.com'] },
  // Where producers and workers run; these are examples, so put your own here.
  network: {
    vpcId: 'vpc-0f1e2d3c4b5a69788',
    subnetIds: ['subnet-0f1e2d3c4b5a69781', 'subnet-0f1e2d3c4b5a69782'],
    securityGroupIds: ['sg-0f1e2d3c4b5a69783'],
    routeTableIds: ['rtb-0f1e2d3c4b5a69784']
  }
} satisfies PipelinePlan
