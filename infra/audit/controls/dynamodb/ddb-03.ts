import type { Control } from '../../control.ts'
import { demand, judge } from '../../judge.ts'
import { isTrue, valueAt } from '../../readers.ts'
import { replicasOf, tablesOf } from './tables.ts'

export const ddb03: Control = {
  id: 'DDB-03',
  severity: 'medium',
  title: 'Tables can be restored to a point in time, and are protected against deletion.',
  rationale:
    'A lease table without its rows begins the stream anew at its start, or worse at its end: everything again, or ' +
    'everything in between not at all.',
  fix: 'Set PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled and DeletionProtectionEnabled.',
  kind: 'resources',
  sources: {
    statements: [16],
    securityHub: ['DynamoDB.2', 'DynamoDB.6'],
    cdkNag: ['DDB3'],
    checkov: ['CKV_AWS_28']
  },
  evaluate: model =>
    tablesOf(model).map(table =>
      judge(
        table,
        replicasOf(table).flatMap(({ name, settings }) => [
          demand(
            `point-in-time recovery of ${name}`,
            valueAt(settings, 'PointInTimeRecoverySpecification', 'PointInTimeRecoveryEnabled'),
            isTrue,
            `${name} has no point-in-time recovery`
          ),
          demand(
            `deletion protection of ${name}`,
            valueAt(settings, 'DeletionProtectionEnabled'),
            isTrue,
            `${name} is not protected against deletion`
          )
        ]),
        'it can be restored, and not be deleted by mistake'
      )
    )
}
