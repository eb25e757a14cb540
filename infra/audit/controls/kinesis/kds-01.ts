import type { Control } from '../../control.ts'
import { judge } from '../../judge.ts'
import { encryptionProblems, streamsOf } from './streams.ts'

export const kds01: Control = {
  id: 'KDS-01',
  severity: 'high',
  title: 'The stream is encrypted at rest with a customer-managed key.',
  rationale:
    'A key of AWS has a policy that nobody here can narrow, log apart or withdraw. Sealed records do not make this ' +
    'needless: partition keys, and whatever a foreign producer puts in the clear, are guarded by it alone.',
  fix: 'Set StreamEncryption with EncryptionType KMS and the ARN of the stream key as KeyId.',
  kind: 'resources',
  sources: {
    statements: [12],
    securityHub: ['Kinesis.1'],
    cdkNag: ['KDS1'],
    checkov: ['CKV_AWS_43', 'CKV_AWS_185']
  },
  evaluate: model =>
    streamsOf(model).map(stream =>
      judge(stream, encryptionProblems(model, stream), 'encrypted by KMS with a customer-managed key')
    )
}
