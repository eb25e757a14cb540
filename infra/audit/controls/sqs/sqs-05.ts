import type { Control } from '../../control.ts'
import { demandPrivateAccess, hasNetwork } from '../../endpoints.ts'
import { functionFor, streamMappingsOf } from '../../functions.ts'
import { demand, judge } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { ask, principalsOf } from '../../questions.ts'
import { resourceFor, valueAt } from '../../readers.ts'
import { queuesOf } from './queues.ts'

export const sqs05: Control = {
  id: 'SQS-05',
  severity: 'low',
  title:
    'A queue is reached through a VPC endpoint with a policy, and says how long it keeps and for whom it takes failures.',
  rationale:
    'Dead letters that are gone after the default of four days are lost records. A queue that takes the failures of ' +
    'whatever queue names it mixes up whose they are.',
  fix: 'Make an interface endpoint sqs with a policy, and set MessageRetentionPeriod and RedriveAllowPolicy.',
  kind: 'resources',
  sources: { statements: [27], cdkNag: ['SQS3'] },
  reads: ['ec2:DescribeVpcEndpoints'],
  evaluate: model =>
    queuesOf(model).map(queue => {
      const { MessageRetentionPeriod: retention, RedriveAllowPolicy: redrive } = queue.properties
      const isSet = (value: unknown) => value !== undefined
      return judge(
        queue,
        [
          ...(hasNetwork(model) && !isFilledByLambdaAlone(model, queue)
            ? demandPrivateAccess(model, { service: 'sqs', action: 'sqs:SendMessage', resource: queue.arn })
            : []),
          demand('MessageRetentionPeriod', retention, isSet, 'it keeps messages for the default of 4 days'),
          demand(
            'RedriveAllowPolicy',
            redrive,
            isSet,
            'any queue of the account may name it for its failures'
          )
        ],
        'private, and explicit about what it keeps'
      )
    })
}

/**
 * Whether it takes what Lambda gave up, and no role here but those of the functions may send to it: Lambda does not come
 * through anybody's endpoint.
 */
function isFilledByLambdaAlone(model: AuditModel, queue: AuditResource): boolean {
  const mappings = streamMappingsOf(model).filter(
    ({ properties }) =>
      resourceFor(
        model,
        valueAt(properties, 'DestinationConfig', 'OnFailure', 'Destination'),
        'AWS::SQS::Queue'
      ) === queue
  )
  if (mappings.length === 0) return false
  const roles = mappings.map(({ properties }) => functionFor(model, properties.FunctionName)?.properties.Role)
  return principalsOf(model)
    .filter(({ arn }) => !roles.includes(arn))
    .every(principal => ask(model, { principal, action: 'sqs:SendMessage', resource: queue.arn }) === 'deny')
}
