import type {
  EncryptionContext,
  OpenerOptions,
  RecordOpener,
  RecordSealer,
  SealerOptions,
  SealingKeyring
} from '../../core/record-transform.ts'
import type { AlgorithmSuite } from '../algorithm-suites.ts'
import type { DataKey, EncryptedDataKey } from '../materials.ts'
import { type KeyringOptions, type ResolvedKeyringOptions, resolveKeyringOptions } from '../options.ts'
import { Opener, Sealer } from '../record-encryption.ts'

/** What a keyring is asked for, and whom it tells of every call to a key service. */
export interface KeyRequest {
  readonly suite: AlgorithmSuite
  readonly context: EncryptionContext
  readonly onKeyServiceCall: () => void
}

export interface GeneratedDataKey {
  readonly dataKey: DataKey
  readonly encryptedDataKeys: readonly EncryptedDataKey[]
}

/**
 * Makes, wraps and unwraps data keys. A keyring keeps no data key: the sealers and openers that it creates
 * do, each for itself.
 */
export abstract class Keyring implements SealingKeyring {
  readonly #options: ResolvedKeyringOptions

  constructor(options: KeyringOptions) {
    this.#options = resolveKeyringOptions(options)
  }

  /**
   * Makes a fresh data key, wrapped at least once.
   * @throws KeyUnavailableError
   */
  abstract generateDataKey(request: KeyRequest): Promise<GeneratedDataKey>

  /**
   * Wraps a data key that another keyring made.
   * @throws KeyUnavailableError
   */
  abstract wrapDataKey(request: KeyRequest, dataKey: DataKey): Promise<readonly EncryptedDataKey[]>

  /**
   * The data key behind the first encrypted data key that this keyring can unwrap, in the message's order.
   * @throws NoUsableDataKeyError when none is for this keyring, or none fits
   * @throws KeyUnavailableError when one may fit but its key cannot be had at the moment
   */
  abstract unwrapDataKey(
    request: KeyRequest,
    encryptedDataKeys: readonly EncryptedDataKey[]
  ): Promise<DataKey>

  createSealer(options: SealerOptions): RecordSealer {
    return new Sealer(this, options, this.#options)
  }

  createOpener(options: OpenerOptions): RecordOpener {
    return new Opener(this, options, this.#options)
  }
}
