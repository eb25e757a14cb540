import type { Control } from '../../control.ts'
import { encryptedBy, envelopeKeys } from '../../envelope-key.ts'
import { judge, wrong } from '../../judge.ts'

export const kms01: Control = {
  id: 'KMS-01',
  severity: 'high',
  title:
    'The envelope key seals records and nothing else: it encrypts no stream, bucket, queue, table or log at rest.',
  rationale:
    'Who reads a resource that is encrypted at rest needs a right to its key. With one key for both, whoever may read the ' +
    'stream could also open what it holds, and the conditions of either use would have to admit the other.',
  fix: 'Give the envelope a key of its own, and name other keys in the properties of streams, buckets, queues, tables and logs.',
  kind: 'resources',
  sources: { statements: [13] },
  evaluate: model =>
    envelopeKeys(model).map(key => {
      const resources = encryptedBy(model, key)
      return judge(
        key,
        resources.map(({ id }) => wrong(`it also encrypts ${id} at rest`)),
        'encrypts nothing at rest'
      )
    })
}
