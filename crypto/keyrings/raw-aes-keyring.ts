import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { checkString } from '../../core/check-option.ts'
import { InvalidOptionError } from '../../core/errors.ts'
import { ivBytes, tagBytes } from '../algorithm-suites.ts'
import { encodeContext } from '../encryption-context.ts'
import { NoUsableDataKeyError } from '../errors.ts'
import { DataKey, type EncryptedDataKey } from '../materials.ts'
import type { KeyringOptions } from '../options.ts'
import { type GeneratedDataKey, type KeyRequest, Keyring } from './keyring.ts'

export interface RawAesKeyringOptions extends KeyringOptions {
  /** Provider id of the encrypted data keys. Must not begin with `aws-kms`. */
  readonly namespace: string
  /** Name of the wrapping key; travels readable in every message. */
  readonly name: string
  /** Wrapping key of 16, 24 or 32 bytes. A copy is kept. */
  readonly key: Uint8Array
}

/** Wraps data keys with a key that the process holds itself: for tests, and for keys from a store of your own. */
export function rawAesKeyring(options: RawAesKeyringOptions): Keyring {
  return new RawAesKeyring(options)
}

/*
 * Encrypted data key of a raw AES keyring:
 *   provider info = name ‖ tag bits (4) = 128 ‖ IV length (4) = 12 ‖ IV (12)
 *   wrapped key   = ciphertext ‖ tag (16); AAD = the serialised context
 */
class RawAesKeyring extends Keyring {
  readonly #namespace: string
  readonly #infoPrefix: Buffer
  readonly #key: KeyObject
  readonly #cipher: 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm'

  constructor(options: RawAesKeyringOptions) {
    super(options)
    this.#namespace = checkString('namespace', options.namespace)
    if (this.#namespace.startsWith('aws-kms')) {
      throw new InvalidOptionError('namespace', 'names that begin with aws-kms are reserved')
    }
    const lengths = Buffer.alloc(8)
    lengths.writeUInt32BE(tagBytes * 8, 0)
    lengths.writeUInt32BE(ivBytes, 4)
    this.#infoPrefix = Buffer.concat([Buffer.from(checkString('name', options.name)), lengths])
    const size = options.key instanceof Uint8Array ? options.key.length : 0
    if (size !== 16 && size !== 24 && size !== 32)
      throw new InvalidOptionError('key', 'expected 16, 24 or 32 bytes')
    this.#cipher = size === 16 ? 'aes-128-gcm' : size === 24 ? 'aes-192-gcm' : 'aes-256-gcm'
    this.#key = createSecretKey(Buffer.from(options.key))
  }

  async generateDataKey(request: KeyRequest): Promise<GeneratedDataKey> {
    const dataKey = new DataKey(randomBytes(request.suite.keyBytes))
    return { dataKey, encryptedDataKeys: await this.wrapDataKey(request, dataKey) }
  }

  async wrapDataKey(request: KeyRequest, dataKey: DataKey): Promise<readonly EncryptedDataKey[]> {
    const iv = randomBytes(ivBytes)
    const gcm = createCipheriv(this.#cipher, this.#key, iv, { authTagLength: tagBytes })
    gcm.setAAD(encodeContext(request.context))
    const wrappedKey = Buffer.concat([gcm.update(dataKey.bytes), gcm.final(), gcm.getAuthTag()])
    return [{ providerId: this.#namespace, providerInfo: Buffer.concat([this.#infoPrefix, iv]), wrappedKey }]
  }

  async unwrapDataKey(request: KeyRequest, encryptedDataKeys: readonly EncryptedDataKey[]): Promise<DataKey> {
    const aad = encodeContext(request.context)
    for (const { providerId, providerInfo, wrappedKey } of encryptedDataKeys) {
      if (providerId !== this.#namespace) continue
      if (providerInfo.length !== this.#infoPrefix.length + ivBytes) continue
      if (!providerInfo.subarray(0, this.#infoPrefix.length).equals(this.#infoPrefix)) continue
      if (wrappedKey.length !== request.suite.keyBytes + tagBytes) continue
      const iv = providerInfo.subarray(this.#infoPrefix.length)
      const gcm = createDecipheriv(this.#cipher, this.#key, iv, { authTagLength: tagBytes })
      gcm.setAAD(aad)
      gcm.setAuthTag(wrappedKey.subarray(request.suite.keyBytes))
      const unwrapped = gcm.update(wrappedKey.subarray(0, request.suite.keyBytes))
      try {
        gcm.final()
        return new DataKey(unwrapped)
      } catch {
        unwrapped.fill(0)
      }
    }
    throw new NoUsableDataKeyError('sealed message: no encrypted data key is for this raw AES keyring')
  }
}
