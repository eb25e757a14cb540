// A plan with everything that a template can make: `npx sealstream plan --config examples/plans/everything.config.ts` prints
// it, and `npx sealstream plan --steps --config …` what is left to do. Accounts, networks and names of buckets are examples:
// put your own.
import type { PipelinePlan } from 'sealstream'

const account = '111122223333'
const role = (name: string): string => `arn:aws:iam::${account}:role/${name}`
const code = (key: string) => ({ bucket: 'orders-code-111122223333', key, version: 'pTyBd3Vn5fQk' })

export default {
  name: 'orders',
  stream: {
    mode: 'on-demand',
    readers: [
      { kind: 'kcl', roleArn: role('orders-archive') },
      { kind: 'lambda', handler: 'sealstream', functionName: 'orders-totals', qualifier: 'live' },
      {
        kind: 'firehose',
        destination: 's3',
        deliveryStreamName: 'orders-raw',
        transform: { functionName: 'orders-open', qualifier: 'live' }
      }
    ]
  },
  sealing: { mode: 'record', context: { schema: 'order-1' } },
  consumer: { retrieval: 'fan-out', fallBackToPolling: true },
  destinations: [
    { kind: 's3', bufferSizeMiB: 64 },
    { kind: 'opensearch', domainArn: 'made' },
    {
      kind: 'redshift',
      // Firehose reaches a cluster by a public address alone: the one that is made here has none.
      jdbcUrl: 'jdbc:redshift://reports.abc123.eu-west-1.redshift.amazonaws.com:5440/reports',
      table: 'orders',
      username: 'loader',
      password: { env: 'ORDERS_REDSHIFT_PASSWORD' },
      secret: 'orders-redshift'
    },
    {
      kind: 'splunk',
      endpoint: 'https://hec.example.com:8088',
      token: { env: 'ORDERS_SPLUNK_TOKEN' },
      secret: 'orders-splunk'
    }
  ],
  roles: {
    deployerArn: role('orders-deployer'),
    custodianArn: role('orders-custodian'),
    analystArn: role('orders-analyst')
  },
  network: {
    vpcId: 'vpc-0f1e2d3c4b5a69788',
    subnetIds: ['subnet-0f1e2d3c4b5a69781', 'subnet-0f1e2d3c4b5a69782'],
    securityGroupIds: ['sg-0f1e2d3c4b5a69783'],
    routeTableIds: ['rtb-0f1e2d3c4b5a69784'],
    endpoints: [
      'kinesis-streams',
      'kinesis-firehose',
      'kms',
      'sqs',
      'monitoring',
      's3',
      'dynamodb',
      'logs',
      'sts',
      'secretsmanager',
      'glue'
    ],
    pinToEndpoint: true
  },
  alarms: { topicArn: `arn:aws:sns:eu-west-1:${account}:operations` },
  services: {
    cloudHsm: {},
    functions: [
      { name: 'orders-totals', code: code('totals.zip'), variables: { TOTALS_TABLE: 'orders-totals' } },
      { name: 'orders-open', code: code('open.zip') }
    ],
    flink: {
      code: code('flink.zip'),
      output: { streamName: 'orders-counted' },
      reference: { bucket: 'orders-reference-111122223333', key: 'countries.csv' }
    },
    iot: {},
    glue: {
      conversions: [
        {
          deliveryStreamName: 'orders-s3',
          format: 'parquet',
          columns: { id: 'bigint', customer: 'string', total: 'decimal(12,2)', tags: 'array<string>' }
        }
      ],
      connection: {
        jdbcUrl: 'jdbc:postgresql://orders.abc123.eu-west-1.rds.amazonaws.com:5432/orders',
        secret: 'orders-rds'
      }
    },
    redshift: {},
    openSearch: { masterRoleArn: role('orders-search-master') },
    rds: { resourceId: 'cluster-ABCDEFGHIJKL1234', user: 'lookup', securityGroupId: 'sg-0f1e2d3c4b5a69785' }
  }
} satisfies PipelinePlan
