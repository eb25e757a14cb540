import type { EncryptionContext } from '../core/record-transform.ts'
import type { AlgorithmSuite } from './algorithm-suites.ts'
import type { SigningKey } from './message-format/footer.ts'

/** One wrapped copy of a data key, as it stands in a message header. */
export interface EncryptedDataKey {
  readonly providerId: string
  readonly providerInfo: Buffer
  readonly wrappedKey: Buffer
}

/** A data key with its wrapped copies: what one or more messages are sealed with. */
export interface EncryptionMaterials {
  readonly suite: AlgorithmSuite
  readonly context: EncryptionContext
  readonly dataKey: DataKey
  readonly encryptedDataKeys: readonly EncryptedDataKey[]
  /** For a signed suite; its public key stands in the context. */
  readonly signingKey: SigningKey | undefined
}

/**
 * A plaintext data key in memory of its own, outside the shared buffer pool, so that wiping it wipes all there
 * is in this process (the engine may have copied it; that is best effort).
 */
export class DataKey {
  readonly #bytes: Buffer
  #wiped = false

  /** Takes a copy and wipes the source. */
  constructor(source: Uint8Array) {
    this.#bytes = Buffer.allocUnsafeSlow(source.length)
    this.#bytes.set(source)
    source.fill(0)
  }

  get length(): number {
    return this.#bytes.length
  }

  /** @throws when the key was wiped: using zeros as a key must be impossible */
  get bytes(): Buffer {
    if (this.#wiped) throw new Error('the data key was wiped')
    return this.#bytes
  }

  get isWiped(): boolean {
    return this.#wiped
  }

  wipe(): void {
    this.#wiped = true
    this.#bytes.fill(0)
  }
}
