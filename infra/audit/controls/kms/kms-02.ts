import type { Control } from '../../control.ts'
import { encryptionKeys } from '../../envelope-key.ts'
import { demand, judge } from '../../judge.ts'
import { isTrue, numberOf, textAt } from '../../readers.ts'

const minRotationDays = 90
const maxRotationDays = 365

export const kms02: Control = {
  id: 'KMS-02',
  severity: 'high',
  title: 'Keys rotate by themselves, every 90 to 365 days.',
  rationale:
    'New key material limits how much was ever encrypted with the same one. KMS keeps the old material for what it ' +
    'encrypted, so that nothing has to be sealed again.',
  fix: 'Set EnableKeyRotation to true, and RotationPeriodInDays to 90 to 365.',
  kind: 'resources',
  sources: {
    securityHub: ['KMS.4'],
    cis: ['3.6'],
    cdkNag: ['KMS5'],
    prowler: ['kms_cmk_rotation_enabled'],
    checkov: ['CKV_AWS_7']
  },
  evaluate: model =>
    encryptionKeys(model)
      // Material that was imported, or lies in a key store, is rotated there.
      .filter(({ properties }) => (textAt(properties, 'Origin') ?? 'AWS_KMS') === 'AWS_KMS')
      .map(key => {
        const { EnableKeyRotation, RotationPeriodInDays: period } = key.properties
        return judge(
          key,
          [
            demand('EnableKeyRotation', EnableKeyRotation, isTrue, 'does not rotate'),
            demand(
              'RotationPeriodInDays',
              period,
              value => {
                const days = value === undefined ? maxRotationDays : numberOf(value)
                return days !== undefined && days >= minRotationDays && days <= maxRotationDays
              },
              `rotates every ${String(period)} days`
            )
          ],
          `rotates every ${String(period ?? maxRotationDays)} days`
        )
      })
}
