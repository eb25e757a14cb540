import type { Control } from '../../control.ts'
import { demand, judge, toConfirm } from '../../judge.ts'
import { numberOf, valueAt } from '../../readers.ts'
import { clustersOf } from './clusters.ts'

// https://docs.aws.amazon.com/cloudhsm/latest/userguide/cluster-hsm-types.html
const currentType = 'hsm2m.medium'
// What CloudHSM keeps backups for by default.
const leastBackupDays = 90

export const hsm02: Control = {
  id: 'HSM-02',
  severity: 'medium',
  title:
    'HSMs are of the current type, in FIPS mode unless somebody answers for the other, with backups for 90 days.',
  rationale:
    'Mode and type are chosen when a cluster is made, and the mode never again. A backup is all that brings keys back of ' +
    'which the last HSM was deleted.',
  fix: 'Set HsmType hsm2m.medium, Mode FIPS, and BackupRetentionPolicy to DAYS and 90 or more.',
  kind: 'resources',
  sources: { statements: [3, 9] },
  reads: ['cloudhsm:DescribeClusters'],
  evaluate: model =>
    clustersOf(model).map(cluster => {
      const { HsmType: type, Mode: mode, BackupRetentionPolicy: backups } = cluster.properties
      return judge(
        cluster,
        [
          demand('HsmType', type, value => value === currentType, `its HSMs are not ${currentType}`),
          demand(
            'Mode',
            mode,
            value => value === 'FIPS' || value === 'NON_FIPS',
            'its mode is not chosen: it cannot be changed later'
          ),
          mode === 'NON_FIPS'
            ? toConfirm('it is not in FIPS mode: which algorithm needs that is to be said')
            : undefined,
          demand(
            'BackupRetentionPolicy.Type',
            valueAt(backups, 'Type'),
            value => value === 'DAYS',
            'how long backups are kept is not set'
          ),
          demand(
            'BackupRetentionPolicy.Value',
            valueAt(backups, 'Value'),
            value => (numberOf(value) ?? 0) >= leastBackupDays,
            `backups are kept for less than ${leastBackupDays} days`
          )
        ],
        `${currentType} in FIPS mode, with backups`
      )
    })
}
