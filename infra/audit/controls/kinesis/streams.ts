import { demand, demandAll, type Problem } from '../../judge.ts'
import { demandCustomerKey } from '../../keys.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { resourcesOf, valueAt } from '../../readers.ts'

export function streamsOf(model: AuditModel): readonly AuditResource[] {
  return resourcesOf(model, 'AWS::Kinesis::Stream')
}

/** What is wrong with the encryption at rest of a stream; a delivery stream that it feeds has no other. */
export function encryptionProblems(model: AuditModel, { properties }: AuditResource): readonly Problem[] {
  const encryption = valueAt(properties, 'StreamEncryption')
  return demandAll(
    demand(
      'StreamEncryption.EncryptionType',
      valueAt(encryption, 'EncryptionType'),
      type => type === 'KMS',
      'the stream is not encrypted by KMS'
    ),
    encryption === undefined
      ? undefined
      : demandCustomerKey(model, 'StreamEncryption.KeyId', valueAt(encryption, 'KeyId'))
  )
}
