import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { InvalidOptionError } from '../../core/errors.ts'
import { ivBytes, tagBytes } from '../algorithm-suites.ts'
import { encodeContext } from '../encryption-context.ts'
import { NoUsableDataKeyError } from '../errors.ts'
import { DataKey, type EncryptedDataKey } from '../materials.ts'
import type { KeyringOptions } from '../options.ts'
import { type GeneratedDataKey, type KeyRequest, Keyring } from './keyring.ts'
import { RawAesLayout } from './raw-aes-layout.ts'

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

class RawAesKeyring extends Keyring {
  readonly #layout: RawAesLayout
  readonly #key: KeyObject
  readonly #cipher: 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm'

  constructor(options: RawAesKeyringOptions) {
    super(options)
    this.#layout = new RawAesLayout(options.namespace, options.name)
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
    const ciphertext = Buffer.concat([gcm.update(dataKey.bytes), gcm.final()])
    return [this.#layout.write({ iv, ciphertext, tag: gcm.getAuthTag() })]
  }

  async unwrapDataKey(request: KeyRequest, encryptedDataKeys: readonly EncryptedDataKey[]): Promise<DataKey> {
    const aad = encodeContext(request.context)
    for (const encrypted of encryptedDataKeys) {
      const wrapped = this.#layout.read(encrypted, request.suite.keyBytes)
      if (wrapped === undefined) continue
      const gcm = createDecipheriv(this.#cipher, this.#key, wrapped.iv, { authTagLength: tagBytes })
      gcm.setAAD(aad)
      gcm.setAuthTag(wrapped.tag)
      const unwrapped = gcm.update(wrapped.ciphertext)
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
