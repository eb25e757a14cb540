import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'
import { constraintError } from '../constraint-error.ts'
import { rangeOutput } from './actions/shards.ts'
import type { RecordLog, StoredRecord } from './record-log.ts'
import { type Shard, sequenceNumberOf } from './shard.ts'
import type { KinesisStore, Stream } from './store.ts'

/** Where a reader wants to begin, not checked. */
export interface StartingPosition {
  readonly type: unknown
  /** Of AT_SEQUENCE_NUMBER and AFTER_SEQUENCE_NUMBER. */
  readonly startingNumber: unknown
  /** Of AT_TIMESTAMP, in seconds since 1970. */
  readonly timestamp: unknown
}

/** Number of the first record that a starting position asks for; those of iterators and subscriptions are alike. */
export function startOf(
  shard: Shard,
  { type, startingNumber, timestamp }: StartingPosition,
  clock: Clock
): bigint {
  switch (type) {
    case 'TRIM_HORIZON':
      return shard.startingSequenceNumber
    case 'LATEST':
      return shard.nextSequenceNumber
    case 'AT_SEQUENCE_NUMBER':
      return sequenceNumber(shard, type, startingNumber)
    case 'AFTER_SEQUENCE_NUMBER': {
      const after = sequenceNumber(shard, type, startingNumber) + 1n
      // After the number that comes next there is nothing to leave out yet.
      return after < shard.nextSequenceNumber ? after : shard.nextSequenceNumber
    }
    case 'AT_TIMESTAMP':
      return atTimestamp(shard, timestamp, clock)
    default:
      throw constraintError(
        'shardIteratorType',
        'Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]'
      )
  }
}

/** A number whose record was trimmed is as good as any: reading goes on at the horizon. */
function sequenceNumber(shard: Shard, type: string, value: unknown): bigint {
  if (value === undefined || value === null) throw missing('startingSequenceNumber', type)
  const number = typeof value === 'string' && /^(0|[1-9]\d{0,128})$/.test(value) ? BigInt(value) : -1n
  if (number >= shard.startingSequenceNumber && number <= shard.nextSequenceNumber) return number
  throw new AwsError(
    'InvalidArgumentException',
    `StartingSequenceNumber ${String(value)} used in GetShardIterator on shard ${shard.id} is invalid.`
  )
}

/** The first record that came at this millisecond or later; past the last one when there is none. */
function atTimestamp(shard: Shard, seconds: unknown, clock: Clock): bigint {
  if (typeof seconds !== 'number') throw missing('timestampInMillis', 'AT_TIMESTAMP')
  // Milliseconds in floating-point seconds: 1.005 * 1000 is below 1005.
  const ms = Math.round(seconds * 1000)
  const now = clock.wallTime()
  if (ms > now) {
    throw new AwsError(
      'InvalidArgumentException',
      `The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: ${ms}, currentTimestampInMillis: ${now}`
    )
  }
  const { records } = shard
  const left = records.length - records.indexOfArrival(ms)
  return shard.nextSequenceNumber - BigInt(left)
}

function missing(parameter: string, type: string): AwsError {
  return new AwsError(
    'InvalidArgumentException',
    `Must specify ${parameter} parameter for iterator of type ${type}. Current request has no ${parameter} parameter.`
  )
}

/** What one answer holds at most. */
export interface ReadLimits {
  readonly maxRecords: number
  /** Of data and partition keys. */
  readonly maxBytes: number
}

/** One answer's worth of a shard, as both ways of reading give it out. */
export interface ShardOutput {
  readonly Records: readonly object[]
  /** Of their data and partition keys. */
  readonly bytes: number
  /** Age of the oldest record that is left to read; 0 when there is none. */
  readonly MillisBehindLatest: number
  /** At the end of the shard alone. */
  readonly ChildShards?: readonly object[]
  /** Where the next read begins. */
  readonly next: bigint
  readonly isAtEnd: boolean
}

export function readShard(
  shard: Shard,
  from: bigint,
  { maxRecords, maxBytes }: ReadLimits,
  clock: Clock
): ShardOutput {
  const log = shard.records
  const start = log.indexOfOrdinal(Number(from - shard.startingSequenceNumber))
  const { end, bytes } = endOfPage(log, start, maxRecords, maxBytes)
  const records = Array.from({ length: end - start }, (_, index) => log.at(start + index))
  const next = nextAfter(shard, from, records.at(-1))
  const isAtEnd = shard.endingSequenceNumber !== undefined && next >= shard.endingSequenceNumber
  const behindMs = log.arrivedMsAt(end)
  return {
    Records: records.map(record => recordOutput(shard, record)),
    bytes,
    MillisBehindLatest: behindMs === undefined ? 0 : Math.max(0, clock.wallTime() - behindMs),
    ...(isAtEnd
      ? {
          ChildShards: shard.children.map(child => ({
            ShardId: child.id,
            ParentShards: child.parents,
            HashKeyRange: rangeOutput(child)
          }))
        }
      : {}),
    next,
    isAtEnd
  }
}

/** Index behind the last record of an answer that begins at `start`; the first record goes whatever its size. */
function endOfPage(
  records: RecordLog,
  start: number,
  maxRecords: number,
  maxBytes: number
): { readonly end: number; readonly bytes: number } {
  let end = start
  let bytes = 0
  for (; end < records.length && end - start < maxRecords; end += 1) {
    const more = records.bytesAt(end)
    if (bytes + more > maxBytes && end > start) break
    bytes += more
  }
  return { end, bytes }
}

function nextAfter(shard: Shard, from: bigint, last: StoredRecord | undefined): bigint {
  const { startingSequenceNumber, nextSequenceNumber } = shard
  if (last !== undefined) return startingSequenceNumber + BigInt(last.ordinal + 1)
  return from > nextSequenceNumber ? from : nextSequenceNumber
}

function recordOutput(shard: Shard, record: StoredRecord): object {
  return {
    SequenceNumber: sequenceNumberOf(shard, record.ordinal),
    ...(record.partitionKey === undefined ? {} : { PartitionKey: record.partitionKey }),
    Data: record.data,
    ApproximateArrivalTimestamp: record.arrivedMs / 1000,
    EncryptionType: encryptionType(record.isEncrypted)
  }
}

export function encryptionType(isEncrypted: boolean): 'KMS' | 'NONE' {
  return isEncrypted ? 'KMS' : 'NONE'
}

export function rateExceeded(store: KinesisStore, stream: Stream, shard: Shard): string {
  return `Rate exceeded for shard ${shard.id} in stream ${stream.name} under account ${store.options.accountId}.`
}

export function shardOf(stream: Stream, id: unknown): Shard {
  const shard = stream.shards.find(candidate => candidate.id === id)
  if (shard !== undefined) return shard
  throw new AwsError(
    'ResourceNotFoundException',
    `Shard ${String(id)} in stream ${stream.name} does not exist.`
  )
}
