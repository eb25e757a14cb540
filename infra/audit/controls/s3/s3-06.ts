import { dataBucketsOf } from '../../buckets.ts'
import type { Control } from '../../control.ts'
import { demand, judge } from '../../judge.ts'
import { valueAt } from '../../readers.ts'

export const s306: Control = {
  id: 'S3-06',
  severity: 'medium',
  title: 'Buckets keep the versions of their objects.',
  rationale:
    'Without versions an upload under the same key, or one delete, ends what was delivered. Deletes that ask for a second ' +
    'factor can be set by root alone and by hand: Object Lock is the guard that infrastructure can bring.',
  fix: 'Set VersioningConfiguration.Status to Enabled.',
  kind: 'resources',
  sources: {
    statements: [40],
    securityHub: ['S3.14', 'S3.20'],
    cis: ['2.1.2'],
    checkov: ['CKV_AWS_21']
  },
  evaluate: model =>
    dataBucketsOf(model).map(bucket =>
      judge(
        bucket,
        [
          demand(
            'VersioningConfiguration.Status',
            valueAt(bucket.properties, 'VersioningConfiguration', 'Status'),
            status => status === 'Enabled',
            'it keeps no versions'
          )
        ],
        'it keeps versions'
      )
    )
}
