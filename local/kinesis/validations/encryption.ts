import { validateLength, validateOneOf } from './stream.ts'

/** Key id, ARN, alias or alias ARN, as AWS takes them (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StartStreamEncryption.html). */
export function validateEncryption({
  EncryptionType: type,
  KeyId: keyId
}: Readonly<Record<string, unknown>>): string {
  validateOneOf('encryptionType', type, ['KMS'])
  return validateLength('keyId', keyId, 1, 2_048)
}
