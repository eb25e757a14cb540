import type { KinesisClient, KinesisClientConfig } from '@aws-sdk/client-kinesis'
import type { KinesisWriterPort } from '../core/aws-ports.ts'
import {
  checkAtMostOne,
  checkInteger,
  checkKnownOptions,
  checkOneOf,
  checkString
} from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { type EncryptionContext, type SealingKeyring, SealMode } from '../core/record-transform.ts'
import { resolveSurroundings, type Surroundings, surroundingNames } from '../core/surroundings.ts'
import type { UserRecord } from '../core/user-record.ts'
import type { ProducerEvent } from './types.ts'

export interface SealOptions {
  readonly keyring: SealingKeyring
  /**
   * `aggregate` seals whole aggregates: smallest and fastest, for our own workers. `record` seals every user
   * record by itself, for readers that de-aggregate before they decrypt, such as a Java KCL.
   * @default 'aggregate'
   */
  readonly mode?: SealMode
  /** Further pairs for the encryption context, the same for every record. The pair `stream` is always there. */
  readonly context?: EncryptionContext
  /**
   * For a keyring with a key per tenant: the tenant whose key seals the record. Called once for each `put`; what it
   * throws rejects the put. Records of two tenants never share a sealed message.
   */
  readonly keyFor?: (record: UserRecord) => string
}

export interface ResolvedSealOptions {
  readonly keyring: SealingKeyring
  readonly mode: SealMode
  readonly context: EncryptionContext
  readonly keyFor: ((record: UserRecord) => string) | undefined
}

export interface ProducerOptions extends Partial<Surroundings<ProducerEvent>> {
  readonly streamName: string
  /** Seal every record; without it records are put as they are. */
  readonly seal?: SealOptions
  /** A client to use as it is; the caller destroys it. At most one of `client`, `clientConfig` and `kinesis`. */
  readonly client?: KinesisClient
  /** What to make a client from. @default the SDK's conventions */
  readonly clientConfig?: KinesisClientConfig
  /** The calls themselves, for tests and simulations. */
  readonly kinesis?: KinesisWriterPort
  /** Whether user records share Kinesis records, in the KPL's format. @default true */
  readonly aggregation?: boolean
  /**
   * Longest time a user record may wait before it is sent, in milliseconds.
   * The wait starts when `put()` accepts the record, not when a batch opens.
   * Range 0 to 60_000; `0` sends every record at once. Below `recordTtlMs`.
   * @default 100
   */
  readonly maxBufferedMs?: number
  /**
   * Longest time from acceptance until a record is handed back, in milliseconds, all retries included.
   * Range 1_000 to 86_400_000.
   * @default 30_000
   */
  readonly recordTtlMs?: number
  /** Most requests that carry one record. @default no bound but `recordTtlMs` */
  readonly maxAttempts?: number
  /**
   * Size at which an aggregate is sent, in bytes as they are stored. A larger user record goes alone.
   * Range 64 to 1_048_576.
   * @default 51_200
   */
  readonly maxAggregateBytes?: number
  /**
   * Most user records in one aggregate. Firehose takes no more than 500 out of one record when it reads the
   * stream itself. Range 1 to 100_000.
   * @default 500
   */
  readonly maxRecordsPerAggregate?: number
  /**
   * Largest Kinesis record, data and partition key, in bytes. Larger than 1 MiB only where the stream allows it.
   * Range 1_024 to 10_485_760.
   * @default 1_048_576
   */
  readonly maxRecordBytes?: number
  /** Size at which a PutRecords request is sent, in bytes. Range 65_536 to 10_485_760. @default 2_097_152 */
  readonly maxRequestBytes?: number
  /** Range 1 to 256. @default 8 */
  readonly maxConcurrentRequests?: number
  /**
   * What the producer holds at most, in bytes: data, partition keys, and 1 KiB for the bookkeeping of each
   * record; `put()` waits for room. Sealed copies come on top for the time of a request.
   * At least `maxRecordBytes`.
   * @default 33_554_432
   */
  readonly maxBufferedBytes?: number
  /** Most `put()` calls that may wait for room; further ones are rejected. @default 10_000 */
  readonly maxWaitingPuts?: number
}

export interface ResolvedProducerOptions extends Surroundings<ProducerEvent> {
  readonly streamName: string
  readonly seal: ResolvedSealOptions | undefined
  readonly aggregation: boolean
  readonly maxBufferedMs: number
  readonly recordTtlMs: number
  readonly maxAttempts: number
  readonly maxAggregateBytes: number
  readonly maxRecordsPerAggregate: number
  readonly maxRecordBytes: number
  readonly maxRequestBytes: number
  readonly maxConcurrentRequests: number
  readonly maxBufferedBytes: number
  readonly maxWaitingPuts: number
}

const knownOptions = [
  'streamName',
  'seal',
  'client',
  'clientConfig',
  'kinesis',
  'aggregation',
  'maxBufferedMs',
  'recordTtlMs',
  'maxAttempts',
  'maxAggregateBytes',
  'maxRecordsPerAggregate',
  'maxRecordBytes',
  'maxRequestBytes',
  'maxConcurrentRequests',
  'maxBufferedBytes',
  'maxWaitingPuts',
  ...surroundingNames
] as const satisfies readonly (keyof ProducerOptions)[]

const mebibyte = 1_048_576

export function resolveOptions(options: ProducerOptions): ResolvedProducerOptions {
  checkKnownOptions('', options, knownOptions)
  checkAtMostOne(options, ['client', 'clientConfig', 'kinesis'])
  const recordTtlMs = checkInteger('recordTtlMs', options.recordTtlMs ?? 30_000, 1_000, 86_400_000)
  const maxRecordBytes = checkInteger(
    'maxRecordBytes',
    options.maxRecordBytes ?? mebibyte,
    1_024,
    10 * mebibyte
  )
  const aggregation = options.aggregation ?? true
  return {
    streamName: checkString('streamName', options.streamName),
    seal: resolveSeal(options.seal),
    aggregation,
    maxBufferedMs: checkInteger(
      'maxBufferedMs',
      options.maxBufferedMs ?? 100,
      0,
      Math.min(60_000, recordTtlMs - 1)
    ),
    recordTtlMs,
    maxAttempts:
      options.maxAttempts === undefined
        ? Number.POSITIVE_INFINITY
        : checkInteger('maxAttempts', options.maxAttempts, 1, 1_000_000),
    maxAggregateBytes: checkInteger('maxAggregateBytes', options.maxAggregateBytes ?? 51_200, 64, mebibyte),
    maxRecordsPerAggregate: aggregation
      ? checkInteger('maxRecordsPerAggregate', options.maxRecordsPerAggregate ?? 500, 1, 100_000)
      : 1,
    maxRecordBytes,
    maxRequestBytes: checkInteger(
      'maxRequestBytes',
      options.maxRequestBytes ?? 2 * mebibyte,
      65_536,
      10 * mebibyte
    ),
    maxConcurrentRequests: checkInteger('maxConcurrentRequests', options.maxConcurrentRequests ?? 8, 1, 256),
    maxBufferedBytes: checkInteger(
      'maxBufferedBytes',
      options.maxBufferedBytes ?? Math.max(32 * mebibyte, maxRecordBytes),
      maxRecordBytes,
      Number.MAX_SAFE_INTEGER
    ),
    maxWaitingPuts: checkInteger('maxWaitingPuts', options.maxWaitingPuts ?? 10_000, 0, 10_000_000),
    ...resolveSurroundings(options)
  }
}

function resolveSeal(seal: SealOptions | undefined): ResolvedSealOptions | undefined {
  if (seal === undefined) return undefined
  checkKnownOptions('seal', seal, ['keyring', 'mode', 'context', 'keyFor'])
  if (typeof seal.keyring?.createSealer !== 'function') {
    throw new InvalidOptionError('seal.keyring', 'expected a keyring, such as kmsKeyring({ keyId })')
  }
  if ((seal.keyFor !== undefined) !== (seal.keyring.isPerTenant ?? false)) {
    throw new InvalidOptionError(
      'seal.keyFor',
      'goes with a keyring that has a key per tenant, and with no other'
    )
  }
  return {
    keyring: seal.keyring,
    keyFor: seal.keyFor,
    mode: checkOneOf('seal.mode', seal.mode ?? SealMode.aggregate, Object.values(SealMode)),
    context: seal.context ?? {}
  }
}
