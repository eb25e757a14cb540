import type { Control } from '../../control.ts'
import { deliveryRolesOf, deliveryStreamsOf, objectsOf, unknownPartsOf } from '../../delivery-streams.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { ask, encryptionContextIn, principalOf } from '../../questions.ts'
import { resourceFor, resourcesOf, textAt } from '../../readers.ts'

const forbiddenOnObjects = [
  's3:DeleteObject',
  's3:DeleteObjectVersion',
  's3:PutObjectAcl',
  's3:PutObjectRetention',
  's3:PutObjectLegalHold',
  's3:BypassGovernanceRetention'
]
const forbiddenOnBuckets = [
  's3:DeleteBucket',
  's3:PutBucketPolicy',
  's3:PutBucketAcl',
  's3:PutEncryptionConfiguration'
]
const forbiddenElsewhere = [
  'iam:PassRole',
  'kinesis:PutRecords',
  'firehose:UpdateDestination',
  'lambda:UpdateFunctionCode',
  'secretsmanager:PutSecretValue'
]

export const fh03: Control = {
  id: 'FH-03',
  severity: 'high',
  title:
    'A delivery role can write to its destination: not delete, not change who may read or for how long, and use no key directly.',
  rationale:
    'The role is held by a service that takes records from whoever may put them. With more than its destination needs, ' +
    'what was delivered could be removed or laid open, and with a key of its own what is sealed could be opened.',
  fix: 'Give the role the actions of its destination on named resources, and keys through kms:ViaService alone.',
  kind: 'resources',
  sources: { statements: [17] },
  evaluate: model =>
    deliveryStreamsOf(model)
      .filter(stream => deliveryRolesOf(stream).length > 0)
      .map(stream =>
        judge(
          stream,
          [
            ...unknownPartsOf(stream),
            ...deliveryRolesOf(stream).flatMap(role => roleProblems(model, stream, role))
          ],
          'its roles can do none of what a delivery does not need'
        )
      )
}

function roleProblems(model: AuditModel, stream: AuditResource, reference: unknown): readonly Problem[] {
  const role = resourceFor(model, reference, 'AWS::IAM::Role')
  if (role === undefined) return [unknown('a role that it uses is not here')]
  const principal = principalOf(role.arn)
  const buckets = objectsOf(stream).flatMap(({ configuration }) => textAt(configuration, 'BucketARN') ?? [])
  const questions = [
    ...buckets.flatMap(bucket => [
      ...forbiddenOnObjects.map(action => ({ action, resource: `${bucket}/any/object` })),
      ...forbiddenOnBuckets.map(action => ({ action, resource: bucket }))
    ]),
    ...forbiddenElsewhere.map(action => ({ action, resource: elsewhere(model, action) }))
  ]
  const answers = questions.map(({ action, resource }) => [
    action,
    ask(model, { principal, action, resource })
  ])
  const allowed = [...new Set(answers.filter(([, answer]) => answer === 'allow').map(([action]) => action))]
  return [
    ...(allowed.length > 0 ? [wrong(`${role.id} may ${allowed.join(', ')}`)] : []),
    ...(answers.some(([, answer]) => answer === 'unknown')
      ? [unknown(`what ${role.id} may do cannot be told`)]
      : []),
    ...resourcesOf(model, 'AWS::KMS::Key').flatMap(key => keyProblems(model, role, key))
  ]
}

/** Whether the role may use a key by itself, with whatever context the policies ask for. */
function keyProblems(model: AuditModel, role: AuditResource, key: AuditResource): readonly Problem[] {
  const policies = [model.resourcePolicies.get(key.arn), ...(model.identityPolicies.get(role.arn) ?? [])]
  const demanded = policies.map(policy => encryptionContextIn(policy?.document))
  const answers = [{}, Object.assign({}, ...demanded) as Record<string, string>].flatMap(context =>
    ['kms:Decrypt', 'kms:GenerateDataKey'].map(action =>
      ask(model, { principal: principalOf(role.arn), action, resource: key.arn, context })
    )
  )
  if (answers.includes('allow')) return [wrong(`${role.id} may use ${key.id} without a service between`)]
  return answers.includes('unknown')
    ? [unknown(`whether ${role.id} may use ${key.id} directly cannot be told`)]
    : []
}

/** Something of the account that no policy has a reason to name. */
function elsewhere({ partition, region, accountId }: AuditModel, action: string): string {
  const at = (name: string, service: string) => `arn:${partition}:${service}:${region}:${accountId}:${name}`
  switch (action.split(':', 1)[0]) {
    case 'iam':
      return `arn:${partition}:iam::${accountId}:role/another-name`
    case 'kinesis':
      return at('stream/another-name', 'kinesis')
    case 'firehose':
      return at('deliverystream/another-name', 'firehose')
    case 'lambda':
      return at('function:another-name', 'lambda')
    default:
      return at('secret:another-name-AbCdEf', 'secretsmanager')
  }
}
