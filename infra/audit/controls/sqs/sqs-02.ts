import type { Control } from '../../control.ts'
import { judge } from '../../judge.ts'
import { transportProblems } from '../../transport.ts'
import { queuesOf } from './queues.ts'

export const sqs02: Control = {
  id: 'SQS-02',
  severity: 'high',
  title: 'The policy of a queue denies requests that did not come over TLS.',
  rationale:
    'Unlike Kinesis and KMS, SQS answers on http as well: a client with the wrong address sends in the clear.',
  fix: 'Deny sqs:* with aws:SecureTransport = false for everybody in the policy of the queue.',
  kind: 'resources',
  sources: { statements: [22], cdkNag: ['SQS4'] },
  evaluate: model =>
    queuesOf(model).map(queue =>
      judge(
        queue,
        transportProblems(model, {
          owner: queue.arn,
          requests: ['sqs:SendMessage', 'sqs:ReceiveMessage'].map(action => ({
            action,
            resource: queue.arn
          })),
          bad: [{ what: 'plain transport', context: { 'aws:SecureTransport': 'false' } }]
        }),
        'plain transport is denied'
      )
    )
}
