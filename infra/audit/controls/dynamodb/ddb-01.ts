import type { Control } from '../../control.ts'
import { demand, judge } from '../../judge.ts'
import { demandCustomerKey } from '../../keys.ts'
import { isTrue } from '../../readers.ts'
import { encryptionOf, replicasOf, tablesOf } from './tables.ts'

export const ddb01: Control = {
  id: 'DDB-01',
  severity: 'medium',
  title: 'Tables are encrypted with a customer-managed key.',
  rationale:
    'Every table, with its streams and backups, is encrypted; what is left to choose is whose key it is. With one that AWS ' +
    'owns there is no second right to withdraw, and no record of its use.',
  fix: 'Set SSESpecification with SSEEnabled, SSEType KMS and the state key as KMSMasterKeyId.',
  kind: 'resources',
  sources: {
    statements: [16, 45, 47, 49],
    checkov: ['CKV_AWS_119'],
    prowler: ['dynamodb_tables_kms_cmk_encryption_enabled']
  },
  evaluate: model =>
    tablesOf(model).map(table =>
      judge(
        table,
        replicasOf(table).flatMap(({ name, settings }) => {
          const { enabled, type, key } = encryptionOf(table, settings)
          const byKms = (value: unknown) => value === 'KMS' || value === undefined
          return [
            demand('SSEEnabled', enabled, isTrue, `${name} is encrypted with a key that AWS owns`),
            demand('SSEType', type, byKms, `SSEType of ${name} is not KMS`),
            isTrue(enabled) ? demandCustomerKey(model, `KMSMasterKeyId of ${name}`, key) : undefined
          ]
        }),
        'encrypted with a customer-managed key'
      )
    )
}
