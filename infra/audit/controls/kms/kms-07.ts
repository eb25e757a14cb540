import type { Control } from '../../control.ts'
import { envelopeKeys } from '../../envelope-key.ts'
import { judge, unknown, wrong } from '../../judge.ts'
import {
  administrator,
  type KeyUse,
  problemsOfTried,
  unknownUses,
  unwrappingActions,
  usesOf,
  wrappingActions
} from '../../key-access.ts'
import { anybody } from '../../questions.ts'

export const kms07: Control = {
  id: 'KMS-07',
  severity: 'critical',
  title: 'Nobody may both wrap and unwrap with the envelope key, and its administrator neither.',
  rationale:
    'A reader that can also wrap could forge records, and a producer that can unwrap could read what others put. An ' +
    'administrator needs neither in order to keep the key.',
  fix: 'Deny wrapping to all but the producer and unwrapping to all but the declared readers, by aws:PrincipalArn in the key policy.',
  kind: 'resources',
  sources: {},
  evaluate: model =>
    envelopeKeys(model).map(key => {
      const wraps = usesOf(model, key, wrappingActions)
      const unwraps = usesOf(model, key, unwrappingActions)
      const wrapping = namesIn(wraps.allowed)
      const unwrapping = namesIn(unwraps.allowed)
      const problems = [
        ...wrapping
          .filter(name => unwrapping.includes(name) && name !== administrator(model).name)
          .map(name => wrong(`${name} may wrap and unwrap`)),
        ...problemsOfTried(
          [...wraps.allowed, ...unwraps.allowed]
            .filter(({ asker }) => asker.principal.arn === anybody(model).arn)
            .map(use => ({ use, how: '', answer: 'allow' }))
        ),
        ...unknownUses([...wraps.unknown, ...unwraps.unknown])
      ]
      if (wrapping.length + unwrapping.length + problems.length === 0) {
        problems.push(unknown('nobody here may use it with any context that a policy names'))
      }
      return judge(key, problems, `wrap: ${listOf(wrapping)}; unwrap: ${listOf(unwrapping)}`)
    })
}

function namesIn(uses: readonly KeyUse[]): readonly string[] {
  return [...new Set(uses.map(({ asker }) => asker.name))]
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? 'nobody' : names.join(', ')
}
