import { dataBucketsOf, encryptionRuleOf } from '../../buckets.ts'
import type { Control } from '../../control.ts'
import { demand, judge, type Problem, unknown, wrong } from '../../judge.ts'
import { demandCustomerKey } from '../../keys.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { isTrue, knownListAt, valueAt } from '../../readers.ts'
import { uploadAnswers } from './uploads.ts'

export const s301: Control = {
  id: 'S3-01',
  severity: 'high',
  title:
    'Objects are encrypted by default with a customer-managed key and a Bucket Key, and customer-provided keys are blocked.',
  rationale:
    'The default is what objects get that come without headers, as those of Firehose do. An object under a key that its ' +
    'writer brought along cannot be read by those who have to, nor be withdrawn from those who must not.',
  fix: 'Set BucketEncryption to aws:kms with the sink key, BucketKeyEnabled, and BlockedEncryptionTypes [SSE-C].',
  kind: 'resources',
  sources: { statements: [8, 38], securityHub: ['S3.17'], checkov: ['CKV_AWS_19'] },
  evaluate: model =>
    dataBucketsOf(model).map(bucket =>
      judge(
        bucket,
        [...defaultProblems(model, bucket), ...customerKeyProblems(model, bucket)],
        'aws:kms with a customer-managed key and a Bucket Key; SSE-C is blocked'
      )
    )
}

function defaultProblems(model: AuditModel, bucket: AuditResource): readonly (Problem | undefined)[] {
  const rule = encryptionRuleOf(bucket)
  const byDefault = (name: string) => valueAt(rule, 'ServerSideEncryptionByDefault', name)
  const algorithm = byDefault('SSEAlgorithm')
  const isKms = algorithm === 'aws:kms' || algorithm === 'aws:kms:dsse'
  return [
    demand('SSEAlgorithm', algorithm, () => isKms, 'objects are encrypted with a key of S3 by default'),
    isKms ? demandCustomerKey(model, 'KMSMasterKeyID', byDefault('KMSMasterKeyID')) : undefined,
    // Two layers of encryption know no Bucket Key.
    algorithm === 'aws:kms'
      ? demand('BucketKeyEnabled', valueAt(rule, 'BucketKeyEnabled'), isTrue, 'it has no Bucket Key')
      : undefined
  ]
}

/** Blocked by the bucket, or denied by its policy. */
function customerKeyProblems(model: AuditModel, bucket: AuditResource): readonly Problem[] {
  const blocked = valueAt(encryptionRuleOf(bucket), 'BlockedEncryptionTypes', 'EncryptionType')
  if (knownListAt({ blocked }, 'blocked').includes('SSE-C')) return []
  const answers = uploadAnswers(model, bucket).map(({ customerKey }) => customerKey)
  if (answers.length > 0 && answers.every(answer => answer === 'deny')) return []
  return blocked === unknownValue || answers.includes('unknown')
    ? [unknown('whether SSE-C is blocked cannot be told')]
    : [wrong('SSE-C is not blocked')]
}
