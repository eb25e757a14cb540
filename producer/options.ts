import type { KinesisClient, KinesisClientConfig } from '@aws-sdk/client-kinesis'
import type { KinesisWriterPort } from '../core/aws-ports.ts'
import {
  checkAtMostOne,
  checkBoolean,
  checkInteger,
  checkKnownOptions,
  checkOneOf,
  checkString
} from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import type { Metrics } from '../core/metrics.ts'
import { type EncryptionContext, type SealingKeyring, SealMode } from '../core/record-transform.ts'
import {
  DiagnosticsChannel,
  resolveSurroundings,
  type Surroundings,
  surroundingNames
} from '../core/surroundings.ts'
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
  /**
   * Whether user records share Kinesis records, in the KPL's format. Off by itself on a stream whose record
   * distribution is AUTO, where readers drop aggregates.
   * @default true
   */
  readonly aggregation?: boolean
  /**
   * What the user records of one aggregate have in common: the predicted shard, which fills aggregates best, or the
   * partition key, for a Lambda that relies on the order of a key with a parallelisation factor. By partition key the
   * outer partition key is the user's, unless the aggregate is sealed.
   * @default 'shard'
   */
  readonly aggregateBy?: 'shard' | 'partitionKey'
  /**
   * Whether records of one partition key reach the stream in the order of their puts, first deliveries compared, also
   * across retries and resharding. Records of one key with several explicit hash keys lie in several shards: for them
   * the order holds per explicit hash key. One Kinesis record of a container is under way at a time. Refused on a stream whose
   * record distribution is AUTO.
   * @default false
   */
  readonly ordered?: boolean
  /**
   * In ordered mode, when a record is handed back: `stop` hands back those behind it, too, in order, as far as
   * they were put before the failure could be known, and are not under way; `continue` leaves a gap.
   * @default 'stop'
   */
  readonly onLaneFailure?: 'stop' | 'continue'
  /**
   * What becomes of data that begins with the four bytes that mark an aggregated record, which readers would take
   * apart: refused, or wrapped into an aggregate of one where it would travel alone.
   * @default 'refuse'
   */
  readonly onMagicPrefix?: 'refuse' | 'wrap'
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
  /**
   * Most requests that carry one record; those that another entry made invalid do not count.
   * @default no bound but `recordTtlMs`
   */
  readonly maxAttempts?: number
  /** Whether a record that Kinesis throttles is handed back instead of sent again. @default false */
  readonly failIfThrottled?: boolean
  /**
   * How much of a shard's quota (1,000 records and 1 MiB a second) this producer sends at most, in percent. Divide
   * by the number of producers to stay below the quota; above 100 it is tried out, and lowered by itself while the
   * shard throttles. Range 1 to 1_000_000, which is no limit.
   * @default 150
   */
  readonly rateLimitPercent?: number
  /**
   * Size at which an aggregate is sent, in bytes as they are stored: sealed, with the partition key. A larger user
   * record goes alone. Range 64 to 10_485_760.
   * @default 50_000, two PUT payload units of 25 KB
   */
  readonly maxAggregateBytes?: number
  /**
   * Most user records in one aggregate. Firehose takes no more than 500 out of one record when it reads the
   * stream itself. Range 1 to 100_000.
   * @default 10_000
   */
  readonly maxRecordsPerAggregate?: number
  /**
   * Largest Kinesis record, data and partition key, in bytes; never more than the stream allows. Range 1_024 to
   * 10_485_760.
   * @default what the stream allows, and 1 MiB while that is not known
   */
  readonly maxRecordBytes?: number
  /** Size at which a PutRecords request is sent, in bytes. Range 65_536 to 10_485_760. @default 2_097_152 */
  readonly maxRequestBytes?: number
  /** Range 1 to 256. @default 8 */
  readonly maxConcurrentRequests?: number
  /**
   * What the producer holds at most, in bytes: data, partition keys, and 1 KiB for the bookkeeping of each
   * record, and the sealed copy where each record is sealed by itself; `put()` waits for room. Aggregates come on
   * top for the time of a request. At least `maxRecordBytes`, or 1_024.
   * @default 33_554_432
   */
  readonly maxBufferedBytes?: number
  /** Bytes of the `put()` calls that may wait for room; further ones are rejected. @default 33_554_432 */
  readonly maxWaitingBytes?: number
  /** Takes measurements under the KPL's names. @default none are made */
  readonly metrics?: Metrics
  /** `summary` leaves out what comes for each user record. @default 'detailed' */
  readonly metricsLevel?: 'summary' | 'detailed'
  /** `shard` adds the dimension ShardId, which may be thousands. @default 'stream' */
  readonly metricsGranularity?: 'stream' | 'shard'
}

export interface ResolvedProducerOptions extends Surroundings<ProducerEvent> {
  readonly streamName: string
  readonly seal: ResolvedSealOptions | undefined
  readonly aggregation: boolean
  readonly aggregateBy: 'shard' | 'partitionKey'
  readonly ordered: boolean
  readonly onLaneFailure: 'stop' | 'continue'
  readonly onMagicPrefix: 'refuse' | 'wrap'
  readonly maxBufferedMs: number
  readonly recordTtlMs: number
  readonly maxAttempts: number
  readonly failIfThrottled: boolean
  readonly rateLimitPercent: number
  readonly maxAggregateBytes: number
  readonly maxRecordsPerAggregate: number
  /** Undefined: what the stream allows. */
  readonly maxRecordBytes: number | undefined
  readonly maxRequestBytes: number
  readonly maxConcurrentRequests: number
  readonly maxBufferedBytes: number
  readonly maxWaitingBytes: number
  readonly metrics: Metrics | undefined
  readonly metricsLevel: 'summary' | 'detailed'
  readonly metricsGranularity: 'stream' | 'shard'
}

const knownOptions = [
  'streamName',
  'seal',
  'client',
  'clientConfig',
  'kinesis',
  'aggregation',
  'aggregateBy',
  'ordered',
  'onLaneFailure',
  'onMagicPrefix',
  'maxBufferedMs',
  'recordTtlMs',
  'maxAttempts',
  'failIfThrottled',
  'rateLimitPercent',
  'maxAggregateBytes',
  'maxRecordsPerAggregate',
  'maxRecordBytes',
  'maxRequestBytes',
  'maxConcurrentRequests',
  'maxBufferedBytes',
  'maxWaitingBytes',
  'metrics',
  'metricsLevel',
  'metricsGranularity',
  ...surroundingNames
] as const satisfies readonly (keyof ProducerOptions)[]

const mebibyte = 1_048_576
/** Largest record of any stream, and largest request (Kinesis quotas). */
export const largestRecordBytes = 10 * mebibyte

export function resolveOptions(options: ProducerOptions): ResolvedProducerOptions {
  checkKnownOptions('', options, knownOptions)
  checkAtMostOne(options, ['client', 'clientConfig', 'kinesis'])
  const streamName = checkString('streamName', options.streamName)
  const integer = (name: IntegerOption, fallback: number, min: number, max: number): number =>
    checkInteger(name, options[name] ?? fallback, min, max)
  const flag = (name: FlagOption, fallback: boolean): boolean => checkBoolean(name, options[name] ?? fallback)
  const recordTtlMs = integer('recordTtlMs', 30_000, 1_000, 86_400_000)
  const maxRecordBytes =
    options.maxRecordBytes === undefined ? undefined : integer('maxRecordBytes', 0, 1_024, largestRecordBytes)
  return {
    streamName,
    seal: resolveSeal(options.seal),
    aggregation: flag('aggregation', true),
    aggregateBy: checkOneOf('aggregateBy', options.aggregateBy ?? 'shard', ['shard', 'partitionKey']),
    ordered: flag('ordered', false),
    onLaneFailure: checkOneOf('onLaneFailure', options.onLaneFailure ?? 'stop', ['stop', 'continue']),
    onMagicPrefix: checkOneOf('onMagicPrefix', options.onMagicPrefix ?? 'refuse', ['refuse', 'wrap']),
    maxBufferedMs: integer('maxBufferedMs', 100, 0, Math.min(60_000, recordTtlMs - 1)),
    recordTtlMs,
    maxAttempts:
      options.maxAttempts === undefined ? Number.POSITIVE_INFINITY : integer('maxAttempts', 0, 1, 1_000_000),
    failIfThrottled: flag('failIfThrottled', false),
    rateLimitPercent: integer('rateLimitPercent', 150, 1, 1_000_000),
    maxAggregateBytes: integer('maxAggregateBytes', 50_000, 64, largestRecordBytes),
    maxRecordsPerAggregate: integer('maxRecordsPerAggregate', 10_000, 1, 100_000),
    maxRecordBytes,
    maxRequestBytes: integer('maxRequestBytes', 2 * mebibyte, 65_536, largestRecordBytes),
    maxConcurrentRequests: integer('maxConcurrentRequests', 8, 1, 256),
    maxBufferedBytes: integer(
      'maxBufferedBytes',
      32 * mebibyte,
      maxRecordBytes ?? 1_024,
      Number.MAX_SAFE_INTEGER
    ),
    maxWaitingBytes: integer('maxWaitingBytes', 32 * mebibyte, 0, Number.MAX_SAFE_INTEGER),
    metrics: options.metrics,
    metricsLevel: checkOneOf('metricsLevel', options.metricsLevel ?? 'detailed', ['summary', 'detailed']),
    metricsGranularity: checkOneOf('metricsGranularity', options.metricsGranularity ?? 'stream', [
      'stream',
      'shard'
    ]),
    ...resolveSurroundings(options, DiagnosticsChannel.producer, streamName)
  }
}

type IntegerOption = {
  [K in keyof ProducerOptions]-?: ProducerOptions[K] extends number | undefined ? K : never
}[keyof ProducerOptions]
type FlagOption = {
  [K in keyof ProducerOptions]-?: ProducerOptions[K] extends boolean | undefined ? K : never
}[keyof ProducerOptions]

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
