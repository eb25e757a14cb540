import type { Control } from '../../control.ts'
import { envelopeKeys } from '../../envelope-key.ts'
import { judge, unknown } from '../../judge.ts'
import {
  cryptographicActions,
  hasEncryptionContext,
  type KeyContext,
  type KeyUse,
  problemsOfTried,
  type TriedUse,
  tryUse,
  unknownUses,
  usesOf,
  withExtraPair,
  withForeignPairs,
  withoutEncryptionContext
} from '../../key-access.ts'
import type { AuditModel, AuditResource } from '../../model.ts'

export const kms05: Control = {
  id: 'KMS-05',
  severity: 'critical',
  title:
    'The envelope key is used with the encryption context of the pipeline alone: no other, no missing, no further pair.',
  rationale:
    'The context binds a sealed record to its pipeline and stream. A policy that does not ask for it lets a right to one ' +
    'pipeline open the records of every other that has the same key.',
  fix: 'Demand each pair by StringEquals, bound the names by ForAllValues:StringEquals on kms:EncryptionContextKeys, and deny what has another pipeline.',
  kind: 'resources',
  sources: {},
  evaluate: model =>
    envelopeKeys(model).map(key => {
      const { allowed, unknown: untold } = usesOf(model, key, cryptographicActions)
      const tried = allowed.flatMap(use => alteredUses(model, key, use))
      const problems = [...problemsOfTried(tried), ...unknownUses(untold)]
      if (allowed.length === 0 && problems.length === 0) {
        problems.push(unknown('nobody here may use it with any context that a policy names'))
      }
      return judge(key, problems, 'right context allowed; missing, foreign and further pairs refused')
    })
}

function alteredUses(model: AuditModel, key: AuditResource, use: KeyUse): readonly TriedUse[] {
  const { context } = use
  const withContext = (altered: KeyContext, how: string) =>
    tryUse(model, key, { ...use, context: altered }, how)
  const withNone = withContext(withoutEncryptionContext(context), 'without an encryption context')
  if (!hasEncryptionContext(context)) return [withNone]
  return [
    withNone,
    ...withForeignPairs(context).map(foreign => withContext(foreign, 'with a foreign encryption context')),
    withContext(withExtraPair(context), 'with a further pair in the encryption context')
  ]
}
