import type { Control } from '../../control.ts'
import { deliveryStreamsOf, isFedByKinesis } from '../../delivery-streams.ts'
import { demandPrivateAccess, hasNetwork } from '../../endpoints.ts'
import { judge } from '../../judge.ts'

export const fh11: Control = {
  id: 'FH-11',
  severity: 'medium',
  title:
    'Who puts to a delivery stream reaches it through a VPC endpoint whose policy names this delivery stream alone.',
  rationale:
    'Through an endpoint without a policy a worker, or what runs in its place, could put opened records to a delivery ' +
    'stream of another account.',
  fix: 'Make an interface endpoint kinesis-firehose with private DNS and a policy that names the delivery stream.',
  kind: 'resources',
  sources: { statements: [19] },
  reads: ['ec2:DescribeVpcEndpoints'],
  evaluate: model =>
    deliveryStreamsOf(model)
      // Nobody puts to one that reads by itself.
      .filter(stream => hasNetwork(model) && !isFedByKinesis(stream))
      .map(stream =>
        judge(
          stream,
          demandPrivateAccess(model, {
            service: 'kinesis-firehose',
            action: 'firehose:PutRecordBatch',
            resource: stream.arn
          }),
          'the endpoint lets through this delivery stream and no other'
        )
      )
}
