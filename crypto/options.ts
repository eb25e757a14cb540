import { checkInteger, checkKnownOptions } from '../core/check-option.ts'
import { type Clock, systemClock } from '../core/clock.ts'

/** Limits of the data keys that are kept for further records. */
export interface DataKeyCacheOptions {
  /**
   * Longest time a data key is used, in milliseconds; it is replaced in the background shortly before.
   * Range 1_000 to 3_600_000.
   * @default 300_000
   */
  readonly maxAgeMs?: number
  /** Messages sealed with one data key. Range 1 to 2^32. @default 1_048_576 */
  readonly maxMessages?: number
  /** Payload bytes sealed with one data key. Range 1 to 2^53 - 1. @default 2^36 */
  readonly maxBytes?: number
  /** Data keys that an opener keeps; the one not used for longest goes first. Range 1 to 100_000. @default 1_000 */
  readonly maxOpenKeys?: number
}

/** What every keyring takes. */
export interface KeyringOptions {
  readonly cache?: DataKeyCacheOptions
  /** Most encrypted data keys that a message may hold to be read, and written. Range 1 to 100. @default 5 */
  readonly maxEncryptedDataKeys?: number
  /** @default the system's clock */
  readonly clock?: Clock
}

export interface ResolvedKeyringOptions {
  readonly cache: Required<DataKeyCacheOptions>
  readonly maxEncryptedDataKeys: number
  readonly clock: Clock
}

export function resolveKeyringOptions(options: KeyringOptions): ResolvedKeyringOptions {
  const cache = options.cache ?? {}
  checkKnownOptions('cache', cache, ['maxAgeMs', 'maxMessages', 'maxBytes', 'maxOpenKeys'])
  return {
    cache: {
      maxAgeMs: checkInteger('cache.maxAgeMs', cache.maxAgeMs ?? 300_000, 1_000, 3_600_000),
      maxMessages: checkInteger('cache.maxMessages', cache.maxMessages ?? 2 ** 20, 1, 2 ** 32),
      maxBytes: checkInteger('cache.maxBytes', cache.maxBytes ?? 2 ** 36, 1, Number.MAX_SAFE_INTEGER),
      maxOpenKeys: checkInteger('cache.maxOpenKeys', cache.maxOpenKeys ?? 1_000, 1, 100_000)
    },
    maxEncryptedDataKeys: checkInteger('maxEncryptedDataKeys', options.maxEncryptedDataKeys ?? 5, 1, 100),
    clock: options.clock ?? systemClock
  }
}
