import { dataBucketsOf, isSink } from '../../buckets.ts'
import type { Control } from '../../control.ts'
import { demand, judge, type Problem, toConfirm, unknown, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { anybody, ask, circumstancesOf, everyRight } from '../../questions.ts'
import { isTrue, numberOf, valueAt } from '../../readers.ts'

// Ours: what nobody, root included, can take back for longer than a year is to be confirmed by somebody.
const longDays = 365

export const s307: Control = {
  id: 'S3-07',
  severity: 'high',
  title:
    'What was delivered is locked for a time by default, and nobody but a named custodian goes past the lock.',
  rationale:
    'Object Lock is what holds against whoever has every right in the account. In compliance mode it holds against its ' +
    'owner, too: objects, and their cost, stay until the day has come.',
  fix: 'Set ObjectLockEnabled and a DefaultRetention, and deny s3:BypassGovernanceRetention to all but a custodian.',
  kind: 'resources',
  sources: { statements: [40, 43], securityHub: ['S3.15'] },
  evaluate: model =>
    dataBucketsOf(model)
      // Staged objects are to go, and failures are to be worked through.
      .filter(bucket => isSink(model, bucket))
      .map(bucket =>
        judge(
          bucket,
          [...lockProblems(bucket), ...bypassProblems(model, bucket)],
          'locked by default, and the lock can be lifted by nobody that its policy does not name'
        )
      )
}

function retentionOf({ properties }: AuditResource): unknown {
  return valueAt(properties, 'ObjectLockConfiguration', 'Rule', 'DefaultRetention')
}

function lockProblems(bucket: AuditResource): readonly (Problem | undefined)[] {
  const retention = retentionOf(bucket)
  const mode = valueAt(retention, 'Mode')
  const days = numberOf(valueAt(retention, 'Days')) ?? (numberOf(valueAt(retention, 'Years')) ?? 0) * 365
  return [
    demand('ObjectLockEnabled', bucket.properties.ObjectLockEnabled, isTrue, 'it has no Object Lock'),
    demand(
      'DefaultRetention.Mode',
      mode,
      value => value === 'GOVERNANCE' || value === 'COMPLIANCE',
      'objects are not locked by default'
    ),
    mode === 'COMPLIANCE' && days > longDays
      ? toConfirm(`nobody can shorten ${days} days in compliance mode: to be confirmed`)
      : undefined
  ]
}

function bypassProblems(model: AuditModel, bucket: AuditResource): readonly Problem[] {
  // In compliance mode there is no way past it.
  if (valueAt(retentionOf(bucket), 'Mode') === 'COMPLIANCE') return []
  const answers = circumstancesOf(model.resourcePolicies.get(bucket.arn)).map(context =>
    ask(model, {
      principal: anybody(model),
      action: 's3:BypassGovernanceRetention',
      resource: `${bucket.arn}/any/object`,
      identity: [everyRight],
      context
    })
  )
  if (answers.includes('allow')) return [wrong('whomever IAM lets may go past the lock')]
  return answers.includes('unknown') ? [unknown('whether the lock can be passed cannot be told')] : []
}
