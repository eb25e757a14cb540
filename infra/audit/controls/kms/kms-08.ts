import type { Control } from '../../control.ts'
import { encryptionKeys, isEnvelopeKey } from '../../envelope-key.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import { askersOf, circumstancesOfKey, problemsOfTried, throughService, tryUse } from '../../key-access.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { isObject, knownListAt, valueAt } from '../../readers.ts'

export const kms08: Control = {
  id: 'KMS-08',
  severity: 'high',
  title: 'Nobody can make a grant on the envelope key, and on other keys only a service for itself.',
  rationale:
    'A grant allows past the key policy, is not seen in it, and can be handed on. Services make grants for what they ' +
    'encrypt at rest; the envelope key serves none.',
  fix: 'Deny kms:CreateGrant on the envelope key; elsewhere bind it by kms:ViaService or kms:GrantIsForAWSResource.',
  kind: 'resources',
  sources: {},
  evaluate: model =>
    encryptionKeys(model).map(key => {
      const isEnvelope = isEnvelopeKey(model, key)
      return judge(
        key,
        [...grantsAllowed(model, key, isEnvelope), ...grantsThere(key, isEnvelope)],
        isEnvelope ? 'nobody may make a grant' : 'services alone may make grants'
      )
    })
}

function grantsAllowed(model: AuditModel, key: AuditResource, isEnvelope: boolean): readonly Problem[] {
  const circumstances = circumstancesOfKey(model, key).map(context =>
    isEnvelope
      ? context
      : { ...throughService(model, context, undefined), 'kms:GrantIsForAWSResource': 'false' }
  )
  return problemsOfTried(
    askersOf(model, key).flatMap(asker =>
      circumstances.map(context =>
        tryUse(
          model,
          key,
          { asker, action: 'kms:CreateGrant', context },
          isEnvelope ? '' : 'that is not of a service'
        )
      )
    )
  )
}

/** `Grants` is what an account tells, as ListGrants has it; a template has none. */
function grantsThere({ properties }: AuditResource, isEnvelope: boolean): readonly Problem[] {
  if (properties.Grants === unknownValue) return [unknown('its grants cannot be told')]
  const grants = knownListAt(properties, 'Grants')
  if (isEnvelope) return grants.map(() => wrong('has a grant'))
  return grants
    .filter(grant => {
      const constraints = valueAt(grant, 'Constraints')
      return !isObject(constraints) || Object.keys(constraints).length === 0
    })
    .map(() => wrong('has a grant without constraints'))
}
