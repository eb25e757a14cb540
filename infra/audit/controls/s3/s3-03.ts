import { dataBucketsOf, encryptionRuleOf } from '../../buckets.ts'
import type { Control } from '../../control.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { knownListAt, valueAt } from '../../readers.ts'
import { type UploadHeaders, uploadAnswers } from './uploads.ts'

const denied: readonly (readonly [UploadHeaders, string])[] = [
  ['sseS3', 'an upload with the key of S3'],
  ['twoLayers', 'an upload with another algorithm'],
  ['otherKey', 'an upload with another KMS key'],
  ['customerKey', 'an upload with a key of its own']
]
const allowed: readonly (readonly [UploadHeaders, string])[] = [
  ['right', 'an upload that names the right key'],
  ['none', 'an upload without headers, which takes the default,']
]

export const s303: Control = {
  id: 'S3-03',
  severity: 'high',
  title:
    'Uploads with another algorithm or key are denied, and those without headers still take the default.',
  rationale:
    'The default holds for uploads that say nothing: one that names another key goes past it. A deny in the usual form, ' +
    'on a header that is not the right one, refuses those without a header, too, and with them what Firehose delivers.',
  fix: 'Deny s3:PutObject where a header is there (Null = false) and is not the right one: algorithm, key, customer key.',
  kind: 'resources',
  sources: { statements: [8, 35, 38] },
  evaluate: model =>
    dataBucketsOf(model).map(bucket =>
      judge(bucket, problemsOf(model, bucket), 'other algorithms and keys are denied, and the default is not')
    )
}

function problemsOf(model: AuditModel, bucket: AuditResource): readonly Problem[] {
  const blocked = knownListAt(valueAt(encryptionRuleOf(bucket), 'BlockedEncryptionTypes'), 'EncryptionType')
  const uploads = uploadAnswers(model, bucket)
  const problems: Problem[] = []
  for (const [headers, what] of denied) {
    if (headers === 'customerKey' && blocked.includes('SSE-C')) continue
    const answers = uploads.map(upload => upload[headers])
    if (answers.includes('allow')) problems.push(wrong(`${what} is not denied`))
    else if (answers.includes('unknown')) problems.push(unknown(`whether ${what} is denied cannot be told`))
  }
  for (const [headers, what] of allowed) {
    const answers = uploads.map(upload => upload[headers])
    if (answers.includes('allow')) continue
    problems.push(
      answers.includes('unknown')
        ? unknown(`whether ${what} is let through cannot be told`)
        : wrong(`${what} is denied`)
    )
  }
  return problems
}
