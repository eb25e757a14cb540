import type { Control } from '../../control.ts'
import { demand, judge, wrong } from '../../judge.ts'
import { valueAt } from '../../readers.ts'

export const s308: Control = {
  id: 'S3-08',
  severity: 'low',
  title: 'Vaults of Glacier are locked, and no new one is made.',
  rationale:
    'Vaults are closed to new customers since December 2025. Object Lock with a storage class of Glacier does the same ' +
    'under the policies and keys of the bucket.',
  fix: 'Lock the vault (write once, read many), or move its archives to a bucket with Object Lock and DEEP_ARCHIVE.',
  kind: 'resources',
  sources: { statements: [43], prowler: ['glacier_vaults_policy_public_access'] },
  evaluate: model =>
    model.resources
      .filter(({ type }) => /glacier/i.test(type) && /vault/i.test(type))
      .map(vault =>
        judge(
          vault,
          model.source === 'template'
            ? [wrong('it makes a vault')]
            : [
                demand(
                  'VaultLock.State',
                  valueAt(vault.properties, 'VaultLock', 'State'),
                  state => state === 'Locked',
                  'it is not locked'
                )
              ],
          'it is locked'
        )
      )
}
