import type { Control } from '../../control.ts'
import { demand, judge } from '../../judge.ts'
import { isTrue, knownListAt, resourcesOf, valueAt } from '../../readers.ts'

const blocks = ['BlockPublicAcls', 'BlockPublicPolicy', 'IgnorePublicAcls', 'RestrictPublicBuckets']

export const s305: Control = {
  id: 'S3-05',
  severity: 'critical',
  title: 'Public access to a bucket is blocked in all four ways, and access control lists are off.',
  rationale:
    'The blocks hold whatever a later policy says. Lists are a second set of rights that no policy shows, and that each ' +
    'object may bring along.',
  fix: 'Set the four members of PublicAccessBlockConfiguration, and OwnershipControls to BucketOwnerEnforced.',
  kind: 'resources',
  sources: {
    statements: [36],
    securityHub: ['S3.1', 'S3.8', 'S3.12'],
    cis: ['2.1.4'],
    cdkNag: ['S2'],
    checkov: ['CKV_AWS_53', 'CKV_AWS_54', 'CKV_AWS_55', 'CKV_AWS_56']
  },
  evaluate: model =>
    resourcesOf(model, 'AWS::S3::Bucket').map(bucket => {
      const { PublicAccessBlockConfiguration: access, OwnershipControls: ownership } = bucket.properties
      const rules = valueAt(ownership, 'Rules')
      const [rule] = typeof rules === 'symbol' ? [rules] : knownListAt(ownership, 'Rules')
      return judge(
        bucket,
        [
          ...blocks.map(name => demand(name, valueAt(access, name), isTrue, `${name} is not set`)),
          demand(
            'ObjectOwnership',
            valueAt(rule, 'ObjectOwnership'),
            value => value === 'BucketOwnerEnforced',
            'access control lists are not disabled'
          )
        ],
        'public access is blocked and lists are off'
      )
    })
}
