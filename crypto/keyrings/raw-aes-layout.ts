import { checkString } from '../../core/check-option.ts'
import { InvalidOptionError } from '../../core/errors.ts'
import { ivBytes, tagBytes } from '../algorithm-suites.ts'
import type { EncryptedDataKey } from '../materials.ts'

/*
 * Encrypted data key of a raw AES keyring, whoever holds the wrapping key:
 *   provider id   = namespace
 *   provider info = name ‖ tag bits (4) = 128 ‖ IV length (4) = 12 ‖ IV (12)
 *   wrapped key   = ciphertext ‖ tag (16); AAD = the serialised context
 */
export interface WrappedDataKey {
  readonly iv: Buffer
  readonly ciphertext: Buffer
  readonly tag: Buffer
}

/** Names of one wrapping key, as they stand in the encrypted data keys. */
export class RawAesLayout {
  readonly #namespace: string
  readonly #infoPrefix: Buffer

  /** @throws InvalidOptionError */
  constructor(namespace: unknown, name: unknown) {
    this.#namespace = checkString('namespace', namespace)
    if (this.#namespace.startsWith('aws-kms')) {
      throw new InvalidOptionError('namespace', 'names that begin with aws-kms are reserved')
    }
    const lengths = Buffer.alloc(8)
    lengths.writeUInt32BE(tagBytes * 8, 0)
    lengths.writeUInt32BE(ivBytes, 4)
    this.#infoPrefix = Buffer.concat([Buffer.from(checkString('name', name)), lengths])
  }

  write({ iv, ciphertext, tag }: WrappedDataKey): EncryptedDataKey {
    return {
      providerId: this.#namespace,
      providerInfo: Buffer.concat([this.#infoPrefix, iv]),
      wrappedKey: Buffer.concat([ciphertext, tag])
    }
  }

  /** Undefined for an encrypted data key under another name, or of another length. */
  read(
    { providerId, providerInfo, wrappedKey }: EncryptedDataKey,
    keyBytes: number
  ): WrappedDataKey | undefined {
    const prefix = this.#infoPrefix
    if (providerId !== this.#namespace || providerInfo.length !== prefix.length + ivBytes) return undefined
    if (!providerInfo.subarray(0, prefix.length).equals(prefix)) return undefined
    if (wrappedKey.length !== keyBytes + tagBytes) return undefined
    return {
      iv: providerInfo.subarray(prefix.length),
      ciphertext: wrappedKey.subarray(0, keyBytes),
      tag: wrappedKey.subarray(keyBytes)
    }
  }
}
