import type { Control } from '../../control.ts'
import { demandPrivateAccess, hasNetwork } from '../../endpoints.ts'
import { judge } from '../../judge.ts'
import { streamsOf } from './streams.ts'

export const kds04: Control = {
  id: 'KDS-04',
  severity: 'medium',
  title: 'The stream is reached through a VPC endpoint whose policy names this stream and account alone.',
  rationale:
    'An endpoint without a policy lets a process inside carry records out to a stream of any other account, with rights ' +
    'that it brought along.',
  fix: 'Make an interface endpoint kinesis-streams with private DNS and a policy that names the stream and the account.',
  kind: 'resources',
  sources: { statements: [15] },
  reads: ['ec2:DescribeVpcEndpoints'],
  evaluate: model =>
    streamsOf(model)
      .filter(() => hasNetwork(model))
      .map(stream =>
        judge(
          stream,
          demandPrivateAccess(model, {
            service: 'kinesis-streams',
            action: 'kinesis:PutRecords',
            resource: stream.arn
          }),
          'the endpoint lets through this stream and no other'
        )
      )
}
