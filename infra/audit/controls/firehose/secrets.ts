import { demand, demandAll, type Problem, wrong } from '../../judge.ts'
import { isTrue, valueAt } from '../../readers.ts'

/** Demands a secret of Secrets Manager, and that none of these members holds one. What they hold is never told. */
export function demandSecret(
  configuration: Readonly<Record<string, unknown>>,
  inlineMembers: readonly string[]
): readonly Problem[] {
  const secret = valueAt(configuration, 'SecretsManagerConfiguration')
  return demandAll(
    // Whatever stands there was written into the template: a value that cannot be told is one from a parameter.
    ...inlineMembers
      .filter(member => configuration[member] !== undefined)
      .map(member => wrong(`${member} stands in the configuration itself`)),
    demand(
      'SecretsManagerConfiguration.Enabled',
      valueAt(secret, 'Enabled'),
      isTrue,
      'SecretsManagerConfiguration is not enabled'
    ),
    demand(
      'SecretsManagerConfiguration.SecretARN',
      valueAt(secret, 'SecretARN'),
      value => typeof value === 'string',
      'SecretsManagerConfiguration names no secret'
    )
  )
}
