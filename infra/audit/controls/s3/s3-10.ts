import { dataBucketsOf } from '../../buckets.ts'
import type { Control } from '../../control.ts'
import { demand, judge } from '../../judge.ts'
import { demandCustomerKey } from '../../keys.ts'
import { knownListAt, valueAt } from '../../readers.ts'

export const s310: Control = {
  id: 'S3-10',
  severity: 'low',
  title:
    'No other site reads a bucket from a browser, and copies elsewhere are encrypted with a key that is named.',
  rationale:
    'Nothing in the pipeline reads from a browser. A replica is as readable as the object, and without a key of its own ' +
    'falls back to that of the service.',
  fix: 'Delete CorsConfiguration, and set EncryptionConfiguration.ReplicaKmsKeyID in each rule of replication.',
  kind: 'resources',
  sources: { statements: [41] },
  evaluate: model =>
    dataBucketsOf(model).map(bucket => {
      const { CorsConfiguration: cors, ReplicationConfiguration: replication } = bucket.properties
      return judge(
        bucket,
        [
          demand('CorsConfiguration', cors, value => value === undefined, 'it has a CORS configuration'),
          demand('Rules of replication', valueAt(replication, 'Rules'), () => true, ''),
          ...knownListAt(replication, 'Rules').map(rule =>
            demandCustomerKey(
              model,
              'ReplicaKmsKeyID',
              valueAt(rule, 'Destination', 'EncryptionConfiguration', 'ReplicaKmsKeyID')
            )
          )
        ],
        'no CORS, and no replica without a key'
      )
    })
}
