import type { Control } from '../../control.ts'
import { demand, judge, type Problem, unknown, wrong } from '../../judge.ts'
import { circumstancesIn } from '../../key-access.ts'
import { demandCustomerKey, keyFor } from '../../keys.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { ask, service } from '../../questions.ts'
import { isTrue, valueAt } from '../../readers.ts'
import { applicationsOf } from './applications.ts'

// Of the two, one takes what is durable, the other what the application works with:
// https://docs.aws.amazon.com/managed-flink/latest/java/key-management-flink.html
const principals = ['kinesisanalytics.amazonaws.com', 'infrastructure.kinesisanalytics.amazonaws.com']
const actions = [
  'kms:Decrypt',
  'kms:GenerateDataKey',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:CreateGrant'
]

export const msf02: Control = {
  id: 'MSF-02',
  severity: 'medium',
  title: 'Checkpoints of a Flink application are made, and encrypted with a customer-managed key.',
  rationale:
    'What an application remembers is what it read: opened records may be in its checkpoints and snapshots. Without ' +
    'checkpoints it begins anew after each failure.',
  fix:
    'Set ApplicationEncryptionConfiguration to CUSTOMER_MANAGED_KEY and a KeyId whose policy lets in both principals of ' +
    'the service, and leave CheckpointingEnabled on.',
  kind: 'resources',
  sources: { statements: [20], cdkNag: ['KDA3'] },
  reads: ['kinesisanalytics:DescribeApplication'],
  evaluate: model =>
    applicationsOf(model).map(application =>
      judge(
        application,
        [...keyProblems(model, application), checkpointProblem(application)],
        'its state is encrypted with a customer-managed key, and checkpoints are made'
      )
    )
}

function keyProblems(model: AuditModel, { properties }: AuditResource): readonly (Problem | undefined)[] {
  const encryption = valueAt(properties, 'ApplicationConfiguration', 'ApplicationEncryptionConfiguration')
  const keyType = demand(
    'KeyType',
    valueAt(encryption, 'KeyType'),
    value => value === 'CUSTOMER_MANAGED_KEY',
    'its state is encrypted with a key of AWS'
  )
  if (keyType !== undefined) return [keyType]
  const reference = valueAt(encryption, 'KeyId')
  const keyProblem = demandCustomerKey(model, 'KeyId', reference)
  return keyProblem === undefined ? policyProblems(model, reference) : [keyProblem]
}

function policyProblems(model: AuditModel, reference: unknown): readonly Problem[] {
  const key = keyFor(model, reference)
  if (key === undefined) return [unknown('the policy of its key is not here')]
  const document = model.resourcePolicies.get(key.arn)?.document
  const contexts = [{}, ...(document === undefined ? [] : circumstancesIn(document))]
  return principals.flatMap(name => {
    const answers = contexts.flatMap(context =>
      actions.map(action => ask(model, { principal: service(name), action, resource: key.arn, context }))
    )
    if (answers.includes('allow')) return []
    return [
      answers.includes('unknown')
        ? unknown(`whether the policy of ${key.id} lets in ${name} cannot be told`)
        : wrong(`the policy of ${key.id} does not let in ${name}`)
    ]
  })
}

/** They are made unless the application says otherwise. */
function checkpointProblem({ properties }: AuditResource): Problem | undefined {
  const path = [
    'ApplicationConfiguration',
    'FlinkApplicationConfiguration',
    'CheckpointConfiguration'
  ] as const
  const checkpoints = valueAt(properties, ...path)
  const isDefault = valueAt(checkpoints, 'ConfigurationType') === 'DEFAULT'
  if (checkpoints === undefined || isDefault) return undefined
  return demand(
    'CheckpointingEnabled',
    checkpoints === unknownValue ? unknownValue : valueAt(checkpoints, 'CheckpointingEnabled'),
    value => value === undefined || isTrue(value),
    'it makes no checkpoints'
  )
}
