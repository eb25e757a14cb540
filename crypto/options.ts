import { checkInteger, checkKnownOptions, checkOneOf } from '../core/check-option.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { type AlgorithmSuite, committingSignedSuite, committingSuite } from './algorithm-suites.ts'
import { defaultFrameLength, defaultMaxEncryptedDataKeys } from './message-format/identifiers.ts'

/**
 * Which messages are opened, and whether any are sealed. A message that does not commit to its data key can be
 * made to open differently under two keys.
 */
export const CommitmentPolicy = {
  /** Only committing messages, in both directions. */
  requireRequire: 'require-require',
  /** Seals committing messages and opens all: while old messages are still in the stream. */
  requireAllow: 'require-allow',
  /** Opens all and seals nothing: for reading what older writers left behind. */
  forbidAllow: 'forbid-allow'
} as const
export type CommitmentPolicy = (typeof CommitmentPolicy)[keyof typeof CommitmentPolicy]

/** The suites that messages are sealed with; both are AES-256-GCM with HKDF-SHA-512 and key commitment. */
export const SealingSuite = {
  committing: '0x0478',
  /** With an ECDSA P-384 signature as well, which costs more than a millisecond on either side. */
  committingSigned: '0x0578'
} as const
export type SealingSuite = (typeof SealingSuite)[keyof typeof SealingSuite]

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
  /** Data keys that an opener keeps; the one not used for longest goes first. Range 1 to 100_000. @default 10_000 */
  readonly maxOpenKeys?: number
}

/** Largest value of `maxEncryptedDataKeys`. */
export const mostEncryptedDataKeys = 100

/** What every keyring takes. */
export interface KeyringOptions {
  readonly cache?: DataKeyCacheOptions
  /** Most encrypted data keys that a message may hold to be read, and written. Range 1 to 100. @default 5 */
  readonly maxEncryptedDataKeys?: number
  /** @default '0x0478' */
  readonly algorithmSuite?: SealingSuite
  /** @default 'require-require' */
  readonly commitmentPolicy?: CommitmentPolicy
  /** Plaintext bytes of one frame; a payload up to this size is one frame. Range 1 to 10_485_760. @default 65_536 */
  readonly frameLength?: number
  /** @default the system's clock */
  readonly clock?: Clock
}

export interface ResolvedKeyringOptions {
  readonly cache: Required<DataKeyCacheOptions>
  readonly maxEncryptedDataKeys: number
  readonly suite: AlgorithmSuite
  readonly commitmentPolicy: CommitmentPolicy
  readonly frameLength: number
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
      maxOpenKeys: checkInteger('cache.maxOpenKeys', cache.maxOpenKeys ?? 10_000, 1, 100_000)
    },
    maxEncryptedDataKeys: checkInteger(
      'maxEncryptedDataKeys',
      options.maxEncryptedDataKeys ?? defaultMaxEncryptedDataKeys,
      1,
      mostEncryptedDataKeys
    ),
    suite: suiteOf(options.algorithmSuite),
    commitmentPolicy: checkOneOf(
      'commitmentPolicy',
      options.commitmentPolicy ?? CommitmentPolicy.requireRequire,
      Object.values(CommitmentPolicy)
    ),
    frameLength: checkInteger('frameLength', options.frameLength ?? defaultFrameLength, 1, 10_485_760),
    clock: options.clock ?? systemClock
  }
}

function suiteOf(name: SealingSuite = SealingSuite.committing): AlgorithmSuite {
  checkOneOf('algorithmSuite', name, Object.values(SealingSuite))
  return name === SealingSuite.committing ? committingSuite : committingSignedSuite
}
