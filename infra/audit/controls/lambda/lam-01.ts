import type { Control } from '../../control.ts'
import { functionsOf, transformFunctionsOf } from '../../functions.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { ask, principalOf } from '../../questions.ts'
import { resourceFor, resourcesOf } from '../../readers.ts'

/** What a transform could carry opened records out by. */
const sideDoors: readonly { readonly action: string; readonly type: string; readonly elsewhere: string }[] = [
  {
    action: 'kinesis:PutRecord',
    type: 'AWS::Kinesis::Stream',
    elsewhere: 'kinesis:{at}:stream/another-name'
  },
  {
    action: 'kinesis:PutRecords',
    type: 'AWS::Kinesis::Stream',
    elsewhere: 'kinesis:{at}:stream/another-name'
  },
  {
    action: 'firehose:PutRecord',
    type: 'AWS::KinesisFirehose::DeliveryStream',
    elsewhere: 'firehose:{at}:deliverystream/another-name'
  },
  {
    action: 'firehose:PutRecordBatch',
    type: 'AWS::KinesisFirehose::DeliveryStream',
    elsewhere: 'firehose:{at}:deliverystream/another-name'
  },
  { action: 'sqs:SendMessage', type: 'AWS::SQS::Queue', elsewhere: 'sqs:{at}:another-name' },
  { action: 's3:PutObject', type: 'AWS::S3::Bucket', elsewhere: 's3:::another-name' }
]

export const lam01: Control = {
  id: 'LAM-01',
  severity: 'high',
  title:
    'Each function has a role of its own, and one that transforms records can write to no stream, queue or bucket.',
  rationale:
    'A role that functions share has the rights of all. The function that opens records holds plaintext: what it gives ' +
    'back goes to Firehose, and no other way out is needed.',
  fix: 'Make a role for each function, and deny the transform kinesis, firehose, sqs and s3 writes.',
  kind: 'resources',
  sources: { statements: [60, 61] },
  evaluate: model => {
    const functions = functionsOf(model)
    const transforms = transformFunctionsOf(model)
    return functions.map(each =>
      judge(
        each,
        [
          ...sharedProblems(each, functions),
          ...(transforms.includes(each) ? writeProblems(model, each) : [])
        ],
        transforms.includes(each) ? 'its role is its own, and can write nowhere' : 'its role is its own'
      )
    )
  }
}

function sharedProblems(own: AuditResource, functions: readonly AuditResource[]): readonly Problem[] {
  const { Role: role } = own.properties
  if (role === unknownValue || role === undefined) return [unknown('its role cannot be told')]
  const others = functions.filter(each => each !== own && each.properties.Role === role)
  return others.length === 0 ? [] : [wrong(`shares its role with ${others.map(({ id }) => id).join(', ')}`)]
}

function writeProblems(model: AuditModel, { properties }: AuditResource): readonly Problem[] {
  const role = resourceFor(model, properties.Role, 'AWS::IAM::Role')
  if (role === undefined) return [unknown('its role is not here')]
  const answers = sideDoors.map(({ action, type, elsewhere }) => {
    const at = `${model.region}:${model.accountId}`
    const targets = [
      ...resourcesOf(model, type).map(({ arn }) => arn),
      `arn:${model.partition}:${elsewhere.replace('{at}', at)}`
    ].map(arn => (type === 'AWS::S3::Bucket' ? `${arn}/any/object` : arn))
    const told = targets.map(resource => ask(model, { principal: principalOf(role.arn), action, resource }))
    return { action, told }
  })
  const allowed = answers.filter(({ told }) => told.includes('allow')).map(({ action }) => action)
  if (allowed.length > 0) return [wrong(`${role.id} may ${allowed.join(', ')}`)]
  return answers.some(({ told }) => told.includes('unknown'))
    ? [unknown(`what ${role.id} may do cannot be told`)]
    : []
}
