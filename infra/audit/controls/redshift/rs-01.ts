import type { Control } from '../../control.ts'
import { demand, judge, toConfirm } from '../../judge.ts'
import { demandCustomerKey } from '../../keys.ts'
import { isTrue } from '../../readers.ts'
import { clustersOf } from './clusters.ts'

export const rs01: Control = {
  id: 'RS-01',
  severity: 'high',
  title: 'Clusters of Redshift are encrypted with a customer-managed key of KMS.',
  rationale:
    'What Firehose delivers is there in the clear for whoever queries, and under this key alone on disk and in snapshots. ' +
    'A key in an HSM is no way: Redshift takes the classic HSM alone, which is gone.',
  fix: 'Set Encrypted and KmsKeyId to the sink key, and remove HsmConfigurationIdentifier.',
  kind: 'resources',
  sources: { statements: [7], securityHub: ['Redshift.10'], cdkNag: ['RS6'], checkov: ['CKV_AWS_64'] },
  reads: ['redshift:DescribeClusters'],
  evaluate: model =>
    clustersOf(model).map(cluster => {
      const { Encrypted: encrypted, KmsKeyId: key, HsmConfigurationIdentifier: hsm } = cluster.properties
      return judge(
        cluster,
        hsm === undefined
          ? [
              demand('Encrypted', encrypted, isTrue, 'it is not encrypted, or by the default alone'),
              demandCustomerKey(model, 'KmsKeyId', key)
            ]
          : [toConfirm('its key is in a classic HSM: when it moves to KMS is to be said')],
        'encrypted with a customer-managed key'
      )
    })
}
