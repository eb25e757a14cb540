import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'
import { rangeOutput } from './actions/shards.ts'
import type { Shard, StoredRecord, Stream } from './store.ts'

/** Number of the first record that a starting position asks for; those of iterators and subscriptions are alike. */
export function startOf(shard: Shard, type: unknown, startingNumber: unknown, timestamp: unknown): bigint {
  switch (type) {
    case 'TRIM_HORIZON':
      return shard.startingSequenceNumber
    case 'LATEST':
      return shard.nextSequenceNumber
    case 'AT_SEQUENCE_NUMBER':
      return sequenceNumber(shard, startingNumber)
    case 'AFTER_SEQUENCE_NUMBER':
      return sequenceNumber(shard, startingNumber) + 1n
    case 'AT_TIMESTAMP': {
      const ms = Number(timestamp) * 1000
      return (
        shard.records.find(({ arrivedMs }) => arrivedMs >= ms)?.sequenceNumber ?? shard.nextSequenceNumber
      )
    }
    default:
      throw new AwsError(
        'ValidationException',
        "1 validation error detected: Value at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]"
      )
  }
}

function sequenceNumber(shard: Shard, value: unknown): bigint {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? BigInt(value) : -1n
  if (number >= shard.startingSequenceNumber && number <= shard.nextSequenceNumber) return number
  throw new AwsError(
    'InvalidArgumentException',
    `StartingSequenceNumber used on shard ${shard.id} is invalid.`
  )
}

/** One answer's worth of a shard, as both ways of reading give it out. */
export interface ShardOutput {
  readonly Records: readonly object[]
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
  limit: number,
  maxBytes: number,
  clock: Clock
): ShardOutput {
  const { records, next } = page(shard, from, limit, maxBytes)
  const isAtEnd = shard.endingSequenceNumber !== undefined && next >= shard.endingSequenceNumber
  const behind = shard.records.find(({ sequenceNumber: number }) => number >= next)
  return {
    Records: records.map(recordOutput),
    MillisBehindLatest: behind === undefined ? 0 : Math.max(0, clock.wallTime() - behind.arrivedMs),
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

function page(
  shard: Shard,
  from: bigint,
  limit: number,
  maxBytes: number
): { readonly records: readonly StoredRecord[]; readonly next: bigint } {
  const start = lowerBound(shard.records, from)
  let end = start
  let bytes = 0
  while (end < shard.records.length && end - start < limit) {
    bytes += shard.records[end]!.bytes
    if (bytes > maxBytes && end > start) break
    end += 1
  }
  const records = shard.records.slice(start, end)
  const last = records.at(-1)
  if (last !== undefined) return { records, next: last.sequenceNumber + 1n }
  return { records, next: from > shard.nextSequenceNumber ? from : shard.nextSequenceNumber }
}

/** First index whose sequence number is not below `from`; the records are in order. */
function lowerBound(records: readonly StoredRecord[], from: bigint): number {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (records[middle]!.sequenceNumber < from) low = middle + 1
    else high = middle
  }
  return low
}

function recordOutput(record: StoredRecord): object {
  return {
    SequenceNumber: String(record.sequenceNumber),
    ...(record.partitionKey === undefined ? {} : { PartitionKey: record.partitionKey }),
    Data: record.data,
    ApproximateArrivalTimestamp: record.arrivedMs / 1000,
    EncryptionType: 'NONE'
  }
}

export function shardOf(stream: Stream, id: unknown): Shard {
  const shard = stream.shards.find(candidate => candidate.id === id)
  if (shard !== undefined) return shard
  throw new AwsError(
    'ResourceNotFoundException',
    `Shard ${String(id)} in stream ${stream.name} does not exist.`
  )
}
