import type { NamedPolicy } from '../../../access.ts'
import type { Control, Finding } from '../../control.ts'
import { type Problem, unknown, wrong } from '../../judge.ts'
import { circumstancesIn } from '../../key-access.ts'
import type { AuditModel } from '../../model.ts'
import { ask, principalOf } from '../../questions.ts'
import { judgePrincipal } from '../iam/principals.ts'

export const kms10: Control = {
  id: 'KMS-10',
  severity: 'high',
  title: 'No policy of a role allows decryption with all keys, and none names a key by its alias.',
  rationale:
    'A right to all keys is a right to every key that leaves its use to IAM. An alias can be pointed to another key by ' +
    'whoever may update it.',
  fix: 'Name the ARN of the key in the Resource of each statement that allows an action of KMS.',
  kind: 'resources',
  sources: { securityHub: ['KMS.1', 'KMS.2'] },
  evaluate: model =>
    [...model.identityPolicies].map(([arn, policies]): Finding => {
      const problems = [...allKeys(model, arn, policies), ...aliases(policies)]
      return judgePrincipal(model, arn, problems, 'has no right to all keys, and names none by its alias')
    })
}

function allKeys(model: AuditModel, arn: string, policies: readonly NamedPolicy[]): readonly Problem[] {
  const { partition, region, accountId } = model
  const root = `arn:${partition}:iam::${accountId}:root`
  const answers = [{}, ...policies.flatMap(({ document }) => circumstancesIn(document))].flatMap(context =>
    ['kms:Decrypt', 'kms:ReEncryptFrom'].map(action =>
      ask(model, {
        principal: principalOf(arn),
        action,
        // A key of somebody else, which leaves everything to IAM.
        resource: `arn:${partition}:kms:${region}:${accountId}:key/00000000-0000-0000-0000-000000000000`,
        resourcePolicy: {
          name: 'a key that leaves everything to IAM',
          document: {
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Principal: { AWS: root }, Action: 'kms:*', Resource: '*' }]
          }
        },
        context
      })
    )
  )
  if (answers.includes('allow')) return [wrong('may decrypt with every key that leaves its use to IAM')]
  return answers.includes('unknown') ? [unknown('what it may decrypt with cannot be told')] : []
}

function aliases(policies: readonly NamedPolicy[]): readonly Problem[] {
  return policies.flatMap(({ name, document }) =>
    document.Statement.filter(
      ({ Effect, Action, Resource }) =>
        Effect === 'Allow' &&
        // To name an alias is right for what is done to the alias itself.
        [Action ?? []].flat().some(action => /^kms:(?!\w+Alias$)/i.test(action)) &&
        [Resource ?? []].flat().some(resource => /^arn:[^:]*:kms:[^:]*:[^:]*:alias\//.test(resource))
    ).map(() => wrong(`${name} names a key by its alias`))
  )
}
