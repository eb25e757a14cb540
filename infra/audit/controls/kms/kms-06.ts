import type { Control } from '../../control.ts'
import { encryptionKeys, isEnvelopeKey } from '../../envelope-key.ts'
import { judge } from '../../judge.ts'
import {
  askKey,
  cryptographicActions,
  isThroughService,
  type KeyContext,
  type KeyUse,
  problemsOfTried,
  type TriedUse,
  throughService,
  tryUse,
  unknownUses,
  usesOf,
  withForeignPairs
} from '../../key-access.ts'
import type { AuditModel, AuditResource } from '../../model.ts'

const servicesOfPipelines = ['kinesis', 'firehose', 's3', 'dynamodb', 'sqs', 'secretsmanager']
// Whatever a key of a pipeline encrypts, it is no volume.
const foreignService = 'ec2'

export const kms06: Control = {
  id: 'KMS-06',
  severity: 'high',
  title:
    'The envelope key is used directly, and every other key through its service and for its resource alone.',
  rationale:
    'A right to a key at rest is meant for what a service does with it. Without kms:ViaService its holder can decrypt any ' +
    'copy of the ciphertext by itself; with it on the envelope key, a service could be made to open records.',
  fix: 'Demand Null kms:ViaService on the envelope key; elsewhere the service by kms:ViaService, and its resource by the encryption context.',
  kind: 'resources',
  sources: { statements: [12] },
  evaluate: model =>
    encryptionKeys(model).map(key => {
      const isEnvelope = isEnvelopeKey(model, key)
      const { allowed, unknown: untold } = usesOf(model, key, cryptographicActions)
      const makers = isEnvelope ? [] : tableMakers(model, key, allowed)
      const tried = allowed.flatMap(use =>
        isEnvelope
          ? throughServices(model, key, use)
          : pastService(model, key, use, makers.includes(use.asker.principal.arn))
      )
      return judge(
        key,
        [...problemsOfTried(tried), ...unknownUses(untold)],
        isEnvelope ? 'used directly alone' : 'used through its services alone'
      )
    })
}

function throughServices(model: AuditModel, key: AuditResource, use: KeyUse): readonly TriedUse[] {
  return servicesOfPipelines.map(service => {
    const context = throughService(model, use.context, service)
    return tryUse(model, key, { ...use, context }, 'through a service')
  })
}

function pastService(
  model: AuditModel,
  key: AuditResource,
  use: KeyUse,
  makesTables: boolean
): readonly TriedUse[] {
  const withContext = (context: KeyContext, how: string) => tryUse(model, key, { ...use, context }, how)
  const direct = withContext(throughService(model, use.context, undefined), 'directly')
  if (!isThroughService(use.context)) return [direct]
  return [
    direct,
    withContext(
      throughService(model, use.context, foreignService),
      `through another service, ${foreignService}`
    ),
    ...(makesTables
      ? []
      : withForeignPairs(use.context).map(foreign => withContext(foreign, 'for another resource')))
  ]
}

/** ARNs of those who make tables: DynamoDB uses the key in their name before there is a table to name. */
function tableMakers(model: AuditModel, key: AuditResource, uses: readonly KeyUse[]): readonly string[] {
  const context = throughService(model, {}, 'dynamodb')
  const askers = new Map(uses.map(({ asker }) => [asker.principal.arn, asker]))
  return [...askers]
    .filter(([, asker]) => askKey(model, key, { asker, action: 'kms:CreateGrant', context }) === 'allow')
    .map(([arn]) => arn)
}
