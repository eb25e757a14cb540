import type { Control } from '../../control.ts'
import { judge } from '../../judge.ts'
import { resourcesOf } from '../../readers.ts'
import { transportProblems } from '../../transport.ts'

export const s302: Control = {
  id: 'S3-02',
  severity: 'high',
  title: 'The policy of a bucket denies requests without TLS, and those below TLS 1.2.',
  rationale: 'S3 answers on http, too, and a presigned address works there as well as on https.',
  fix: 'Deny s3:* on bucket and objects with aws:SecureTransport = false, and with NumericLessThan s3:TlsVersion 1.2.',
  kind: 'resources',
  sources: { statements: [35, 37], securityHub: ['S3.5'], cis: ['2.1.1'], cdkNag: ['S10'] },
  evaluate: model =>
    resourcesOf(model, 'AWS::S3::Bucket').map(bucket =>
      judge(
        bucket,
        transportProblems(model, {
          owner: bucket.arn,
          requests: [
            { action: 's3:GetObject', resource: `${bucket.arn}/any/object` },
            { action: 's3:PutObject', resource: `${bucket.arn}/any/object` },
            { action: 's3:ListBucket', resource: bucket.arn }
          ],
          bad: [
            { what: 'plain transport', context: { 'aws:SecureTransport': 'false' } },
            { what: 'TLS 1.1', context: { 's3:TlsVersion': '1.1' } }
          ]
        }),
        'plain transport and TLS below 1.2 are denied'
      )
    )
}
