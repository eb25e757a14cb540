import { randomBytes } from 'node:crypto'
import { AwsError } from '../../aws-json.ts'
import type { EncryptionContext } from '../grants.ts'
import type { KeyMaterial, KmsKey } from '../key.ts'
import { checkUsable, type KmsAction, type KmsRequest, unknownCiphertextKey } from '../request.ts'
import { contextBytes, encryptionContextOf } from '../validations/encryption-context.ts'
import { blobOf, integerOf, invalid } from '../validations/members.ts'

/** Limits of https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html, API_Decrypt and API_GenerateDataKey. */
const maxPlaintextBytes = 4_096
const maxCiphertextBytes = 6_144
const maxRandomBytes = 1_024

const algorithm = 'SYMMETRIC_DEFAULT'

export const generateDataKey =
  (withPlaintext: boolean): KmsAction =>
  async request => {
    const length = dataKeyBytes(request.input)
    const context = encryptionContextOf(request.input.EncryptionContext)
    const key = await request.usableKey('KeyId', { context })
    request.endDryRun()
    const plaintext = randomBytes(length)
    return {
      KeyId: key.arn,
      CiphertextBlob: seal(request, key, plaintext, context),
      KeyMaterialId: currentMaterial(key).id,
      ...(withPlaintext ? { Plaintext: plaintext.toString('base64') } : {})
    }
  }

export const encrypt: KmsAction = async request => {
  const plaintext = blobOf(request.input, 'Plaintext', maxPlaintextBytes)
  const context = encryptionContextOf(request.input.EncryptionContext)
  checkAlgorithm(request.input.EncryptionAlgorithm)
  const key = await request.usableKey('KeyId', { context })
  request.endDryRun()
  return {
    KeyId: key.arn,
    CiphertextBlob: seal(request, key, plaintext, context),
    EncryptionAlgorithm: algorithm
  }
}

export const decrypt: KmsAction = async request => {
  checkAlgorithm(request.input.EncryptionAlgorithm)
  if (ignoresCiphertext(request)) {
    const context = encryptionContextOf(request.input.EncryptionContext)
    await request.usableKey('KeyId', { action: 'Decrypt', context })
    request.endDryRun()
  }
  const { key, material, plaintext } = await open(request, 'Decrypt', 'KeyId', 'EncryptionContext')
  request.endDryRun()
  return {
    KeyId: key.arn,
    Plaintext: plaintext.toString('base64'),
    EncryptionAlgorithm: algorithm,
    KeyMaterialId: material.id
  }
}

export const reEncrypt: KmsAction = async request => {
  checkAlgorithm(request.input.SourceEncryptionAlgorithm)
  checkAlgorithm(request.input.DestinationEncryptionAlgorithm)
  const context = encryptionContextOf(request.input.DestinationEncryptionContext)
  const source = await open(request, 'ReEncryptFrom', 'SourceKeyId', 'SourceEncryptionContext')
  const key = await request.usableKey('DestinationKeyId', { action: 'ReEncryptTo', context })
  request.endDryRun()
  return {
    KeyId: key.arn,
    SourceKeyId: source.key.arn,
    CiphertextBlob: seal(request, key, source.plaintext, context),
    SourceEncryptionAlgorithm: algorithm,
    DestinationEncryptionAlgorithm: algorithm,
    SourceKeyMaterialId: source.material.id,
    DestinationKeyMaterialId: currentMaterial(key).id
  }
}

export const generateRandom: KmsAction = async request => {
  const length = integerOf(request.input, 'NumberOfBytes', 1, maxRandomBytes)
  if (length === undefined) throw invalid('NumberOfBytes', 'not be null')
  await request.permit(undefined)
  return { Plaintext: randomBytes(length).toString('base64') }
}

/** Whether a rehearsal asks about the permission alone: then it names the key and needs no ciphertext. */
function ignoresCiphertext({ input }: KmsRequest): boolean {
  const modifiers = input.DryRunModifiers
  if (modifiers === undefined || modifiers === null) return false
  return input.DryRun === true && (modifiers as readonly string[]).includes('IGNORE_CIPHERTEXT')
}

/** Opens the ciphertext of a request under the key that the request names, else under the one that wrapped it. */
async function open(
  request: KmsRequest,
  action: string,
  keyMember: string,
  contextMember: string
): Promise<{ readonly key: KmsKey; readonly material: KeyMaterial; readonly plaintext: Buffer }> {
  const { input, store, region } = request
  const blob = blobOf(input, 'CiphertextBlob', maxCiphertextBytes)
  const context = encryptionContextOf(input[contextMember])
  const isNamed = input[keyMember] !== undefined && input[keyMember] !== null
  // Named keys are looked up first: a caller that names a key learns about that key, not about the blob.
  const named = isNamed ? await request.usableKey(keyMember, { action, context }) : undefined
  const { keyId, version } = store.sealer.nameOf(blob)
  if (named !== undefined && named.id !== keyId) {
    throw new AwsError(
      'IncorrectKeyException',
      'The key ID in the request does not identify a CMK that can perform this operation.'
    )
  }
  // A multi-Region key has its id and its material in every region, hence opens what a relative has sealed.
  const key = named ?? store.keyOf(keyId, region)
  if (key === undefined) throw unknownCiphertextKey()
  if (named === undefined) {
    await request.permit(key, { action, context, isHidden: true })
    checkUsable(key)
  }
  const material = key.shared.materials[version]!
  return { key, material, plaintext: store.sealer.open(blob, material, contextBytes(context)) }
}

function seal(request: KmsRequest, key: KmsKey, plaintext: Uint8Array, context: EncryptionContext): string {
  const name = { keyId: key.id, version: key.shared.materials.length - 1 }
  return request.store.sealer
    .seal(name, currentMaterial(key), plaintext, contextBytes(context))
    .toString('base64')
}

function currentMaterial(key: KmsKey): KeyMaterial {
  return key.shared.materials.at(-1)!
}

function dataKeyBytes(input: Readonly<Record<string, unknown>>): number {
  const { NumberOfBytes: bytes, KeySpec: spec } = input
  if ((bytes === undefined) === (spec === undefined)) {
    throw new AwsError('ValidationException', 'Please specify either number of bytes or key spec.')
  }
  if (spec === undefined) return integerOf(input, 'NumberOfBytes', 1, maxRandomBytes)!
  if (spec === 'AES_128') return 16
  if (spec === 'AES_256') return 32
  throw invalid('KeySpec', 'satisfy enum value set: [AES_256, AES_128]')
}

function checkAlgorithm(asked: unknown): void {
  if (asked === undefined || asked === null || asked === algorithm) return
  throw new AwsError(
    'InvalidKeyUsageException',
    `Algorithm ${String(asked)} is incompatible with key spec ${algorithm}.`
  )
}
