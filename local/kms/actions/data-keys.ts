import { randomBytes } from 'node:crypto'
import { type Action, AwsError } from '../../aws-json.ts'
import type { KmsStore } from '../store.ts'
import { contextBytes } from '../validations/encryption-context.ts'

const maxPlaintextBytes = 4_096
const maxDataKeyBytes = 1_024

export const generateDataKey =
  (store: KmsStore, withPlaintext: boolean): Action =>
  input => {
    const key = store.findUsable(input.KeyId)
    const plaintext = randomBytes(dataKeyBytes(input))
    const blob = store.wrap(key, plaintext, contextBytes(input.EncryptionContext))
    return {
      KeyId: key.arn,
      CiphertextBlob: blob.toString('base64'),
      ...(withPlaintext ? { Plaintext: plaintext.toString('base64') } : {})
    }
  }

export const encrypt =
  (store: KmsStore): Action =>
  input => {
    const key = store.findUsable(input.KeyId)
    const plaintext = blobOf('plaintext', input.Plaintext, maxPlaintextBytes)
    const blob = store.wrap(key, plaintext, contextBytes(input.EncryptionContext))
    return {
      KeyId: key.arn,
      CiphertextBlob: blob.toString('base64'),
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT'
    }
  }

export const decrypt =
  (store: KmsStore): Action =>
  input => {
    const { keyArn, plaintext } = open(store, input.CiphertextBlob, input.KeyId, input.EncryptionContext)
    return {
      KeyId: keyArn,
      Plaintext: plaintext.toString('base64'),
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT'
    }
  }

export const reEncrypt =
  (store: KmsStore): Action =>
  input => {
    const { keyArn, plaintext } = open(
      store,
      input.CiphertextBlob,
      input.SourceKeyId,
      input.SourceEncryptionContext
    )
    const key = store.findUsable(input.DestinationKeyId)
    const blob = store.wrap(key, plaintext, contextBytes(input.DestinationEncryptionContext))
    return { KeyId: key.arn, SourceKeyId: keyArn, CiphertextBlob: blob.toString('base64') }
  }

function open(
  store: KmsStore,
  ciphertext: unknown,
  keyId: unknown,
  context: unknown
): { readonly keyArn: string; readonly plaintext: Buffer } {
  const blob = blobOf('ciphertextBlob', ciphertext, 6_144)
  // Named keys are looked up first: a caller that names a key learns about that key, not about the blob.
  const named = keyId === undefined || keyId === null ? undefined : store.findUsable(keyId)
  const { key, material } = store.keyOf(blob)
  if (named !== undefined && named !== key) {
    throw new AwsError(
      'IncorrectKeyException',
      'The key ID in the request does not identify a CMK that can perform this operation.'
    )
  }
  store.findUsable(key.id)
  return { keyArn: key.arn, plaintext: store.unwrap(blob, material, contextBytes(context)) }
}

function dataKeyBytes(input: Readonly<Record<string, unknown>>): number {
  const { NumberOfBytes: bytes, KeySpec: spec } = input
  if ((bytes === undefined) === (spec === undefined)) {
    throw new AwsError('ValidationException', 'Please specify either number of bytes or key spec.')
  }
  if (spec !== undefined) return spec === 'AES_128' ? 16 : 32
  if (typeof bytes === 'number' && Number.isInteger(bytes) && bytes >= 1 && bytes <= maxDataKeyBytes)
    return bytes
  throw new AwsError(
    'ValidationException',
    `1 validation error detected: Value at 'numberOfBytes' failed to satisfy constraint: Member must be between 1 and ${maxDataKeyBytes}`
  )
}

function blobOf(member: string, value: unknown, maxBytes: number): Buffer {
  const blob = typeof value === 'string' ? Buffer.from(value, 'base64') : Buffer.alloc(0)
  if (blob.length >= 1 && blob.length <= maxBytes) return blob
  throw new AwsError(
    'ValidationException',
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must have length between 1 and ${maxBytes}`
  )
}
