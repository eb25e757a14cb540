import type { Control } from '../../control.ts'
import { encryptionKeys } from '../../envelope-key.ts'
import { judge, type Problem } from '../../judge.ts'
import {
  type Asker,
  circumstancesOfKey,
  cryptographicActions,
  type KeyContext,
  problemsOfTried,
  tryUse
} from '../../key-access.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { everyRight, principalOf, stranger } from '../../questions.ts'

const actions = [...cryptographicActions, 'kms:CreateGrant', 'kms:PutKeyPolicy'] as const

export const kms04: Control = {
  id: 'KMS-04',
  severity: 'critical',
  title:
    'No key can be used from outside of the account, unless its policy names who and binds it by a condition.',
  rationale:
    'A principal of * admits every account of AWS. What another account may do with a key is decided by that account as ' +
    'soon as the key policy lets it.',
  fix: 'Name roles instead of *, and bind what other accounts may do by a condition, such as an encryption context.',
  kind: 'resources',
  sources: {
    securityHub: ['KMS.5'],
    prowler: ['kms_key_not_publicly_accessible'],
    checkov: ['CKV_AWS_33']
  },
  evaluate: model =>
    encryptionKeys(model).map(key =>
      judge(
        key,
        [
          ...problemsOf(
            model,
            key,
            outsider('everyone', stranger(model).arn),
            circumstancesOfKey(model, key)
          ),
          ...foreignAccountsOf(model, key).flatMap(account =>
            // Of an account that is named on purpose: whether it is bound by anything.
            problemsOf(model, key, outsider(`account ${account}`, rootOf(model, account)), [{}])
          )
        ],
        'refuses other accounts'
      )
    )
}

function problemsOf(
  model: AuditModel,
  key: AuditResource,
  asker: Asker,
  circumstances: readonly KeyContext[]
): readonly Problem[] {
  return problemsOfTried(
    actions.flatMap(action =>
      circumstances.map(context => tryUse(model, key, { asker, action, context }, 'from outside'))
    )
  )
}

function outsider(name: string, arn: string): Asker {
  return { name, principal: principalOf(arn), identity: [everyRight] }
}

function rootOf({ partition }: AuditModel, account: string): string {
  return `arn:${partition}:iam::${account}:role/outsider`
}

function foreignAccountsOf(model: AuditModel, key: AuditResource): readonly string[] {
  const statements = model.resourcePolicies.get(key.arn)?.document.Statement ?? []
  const named = statements.flatMap(({ Principal }) =>
    Principal === undefined || Principal === '*' ? [] : [Principal.AWS ?? []].flat()
  )
  const accounts = named.flatMap(name => /^(?:arn:[^:]+:iam::)?(\d{12})(?::|$)/.exec(name)?.[1] ?? [])
  return [...new Set(accounts)].filter(account => account !== model.accountId)
}
