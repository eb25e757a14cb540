import type { Control } from '../../control.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { ask, everyRight, stranger } from '../../questions.ts'
import { resourcesOf } from '../../readers.ts'

const actions = [
  'kinesis:GetRecords',
  'kinesis:GetShardIterator',
  'kinesis:SubscribeToShard',
  'kinesis:PutRecord',
  'kinesis:PutRecords',
  'kinesis:DescribeStreamConsumer'
]

export const kds07: Control = {
  id: 'KDS-07',
  severity: 'high',
  title: 'The policy of the stream, and of each fan-out consumer, lets in no account that it does not name.',
  rationale:
    'The policy of a stream is there for other accounts. With a wildcard principal whoever has an account may read, or ' +
    'put records of his own.',
  fix: 'Name accounts or roles as principals in AWS::Kinesis::ResourcePolicy, or delete it.',
  kind: 'resources',
  sources: {},
  evaluate: model =>
    resourcesOf(model, 'AWS::Kinesis::Stream', 'AWS::Kinesis::StreamConsumer')
      .filter(({ arn }) => model.resourcePolicies.has(arn) || model.unreadablePolicies?.has(arn))
      .map(resource => judge(resource, problemsOf(model, resource), 'its policy lets in no stranger'))
}

function problemsOf(model: AuditModel, { arn }: AuditResource): readonly Problem[] {
  return actions.flatMap(action => {
    const answer = ask(model, { principal: stranger(model), action, resource: arn, identity: [everyRight] })
    if (answer === 'allow') return [wrong(`any account may ${action}`)]
    return answer === 'unknown' ? [unknown('its policy cannot be told')] : []
  })
}
