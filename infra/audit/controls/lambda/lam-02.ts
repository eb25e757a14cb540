import type { Control } from '../../control.ts'
import { functionsOf } from '../../functions.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import { type AuditResource, unknownValue } from '../../model.ts'
import { isObject, valueAt } from '../../readers.ts'
import { isReference, isSecretName, looksLikeSecret } from './secret-shapes.ts'

export const lam02: Control = {
  id: 'LAM-02',
  severity: 'high',
  title: 'No environment variable of a function holds a secret in the clear.',
  rationale:
    'Variables are shown to whoever may read the configuration of the function, and to whoever may read the template.',
  fix: 'Put the secret into Secrets Manager or a SecureString, its ARN or name into the variable, and read it in the function.',
  kind: 'resources',
  sources: {
    statements: [62, 63],
    prowler: ['awslambda_function_no_secrets_in_variables'],
    checkov: ['CKV_AWS_45', 'CKV_AWS_173']
  },
  evaluate: model =>
    functionsOf(model).map(each => judge(each, problemsOf(each), 'no variable looks like a secret'))
}

/** Names of variables alone: no value is ever told. */
function problemsOf({ properties }: AuditResource): readonly Problem[] {
  const variables = valueAt(properties, 'Environment', 'Variables')
  if (variables === unknownValue) return [unknown('its variables cannot be told')]
  if (!isObject(variables)) return []
  return Object.entries(variables).flatMap(([name, value]) => {
    if (value === unknownValue) {
      // A parameter: with NoEcho it is hidden in the template, and not in the function.
      return isSecretName(name) ? [unknown(`what ${name} holds cannot be told`)] : []
    }
    if (typeof value !== 'string' || value === '') return []
    const isSecret = looksLikeSecret(value) || (isSecretName(name) && !isReference(value))
    return isSecret ? [wrong(`${name} holds what looks like a secret`)] : []
  })
}
