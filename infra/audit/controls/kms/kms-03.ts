import type { Control } from '../../control.ts'
import { encryptionKeys } from '../../envelope-key.ts'
import { judge } from '../../judge.ts'
import {
  administrator,
  circumstancesOfKey,
  cryptographicActions,
  problemsOfTried,
  tryUse
} from '../../key-access.ts'

export const kms03: Control = {
  id: 'KMS-03',
  severity: 'critical',
  title: 'The policy of a key leaves its administration to IAM, and its use to nobody whom it does not name.',
  rationale:
    'A key policy that allows the account everything, as KMS and the CDK make it, leaves it to IAM who decrypts: every ' +
    'administrator does, and everyone who can write a policy.',
  fix: 'List the administrative actions in the statement of the account root, and name the roles that use the key.',
  kind: 'resources',
  sources: {},
  evaluate: model =>
    encryptionKeys(model).map(key => {
      const asker = administrator(model)
      const tried = cryptographicActions.flatMap(action =>
        circumstancesOfKey(model, key).map(context =>
          tryUse(model, key, { asker, action, context }, 'by IAM alone')
        )
      )
      return judge(key, problemsOfTried(tried), 'leaves no use of it to IAM')
    })
}
