import type { Control } from '../../control.ts'
import { encryptionKeys } from '../../envelope-key.ts'
import { demand, judge, type Problem, unknown, wrong } from '../../judge.ts'
import { administrator, askKey } from '../../key-access.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { numberOf, textAt } from '../../readers.ts'

// The longest that KMS has: https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
const pendingDays = 30

export const kms09: Control = {
  id: 'KMS-09',
  severity: 'critical',
  title: 'The deletion of a key takes 30 days, by its policy too, and does not come with that of its stack.',
  rationale:
    'What was sealed with a deleted key is lost for good. Thirty days are the longest that KMS waits, and the last chance ' +
    'to notice.',
  fix: 'Set DeletionPolicy Retain and PendingWindowInDays 30, and deny ScheduleKeyDeletion with a shorter window.',
  kind: 'resources',
  sources: {
    securityHub: ['KMS.3'],
    cis: ['4.7'],
    prowler: ['kms_cmk_not_deleted_unintentionally']
  },
  evaluate: model =>
    encryptionKeys(model).map(key => {
      const { properties, deletionPolicy } = key
      const isOfTemplate = model.source === 'template'
      return judge(
        key,
        [
          isOfTemplate && !/^Retain/.test(deletionPolicy ?? '') ? wrong('goes with its stack') : undefined,
          demand(
            'PendingWindowInDays',
            properties.PendingWindowInDays,
            // CloudFormation's default is the longest, too.
            days => days === undefined || numberOf(days) === pendingDays,
            `waits for ${String(properties.PendingWindowInDays)} days`
          ),
          textAt(properties, 'KeyState') === 'PendingDeletion' ? wrong('is about to be deleted') : undefined,
          quickDeletion(model, key)
        ],
        `is deleted after ${pendingDays} days, and not with its stack`
      )
    })
}

function quickDeletion(model: AuditModel, key: AuditResource): Problem | undefined {
  const answer = askKey(model, key, {
    asker: administrator(model),
    action: 'kms:ScheduleKeyDeletion',
    context: { 'kms:ScheduleKeyDeletionPendingWindowInDays': '7' }
  })
  if (answer === 'unknown') return unknown('its policy cannot be told')
  return answer === 'allow' ? wrong('its policy allows deletion within 7 days') : undefined
}
