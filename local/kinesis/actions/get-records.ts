import { type Action, AwsError } from '../../aws-json.ts'
import { decodeIterator, encodeIterator } from '../iterators.ts'
import type { KinesisStore, Shard, StoredRecord, Stream } from '../store.ts'
import { validateCount } from '../validations/stream.ts'
import { rangeOutput } from './shards.ts'

/** Largest answer of one GetRecords call. */
const maxAnswerBytes = 10 * 1024 * 1024

export const getShardIterator =
  (store: KinesisStore): Action =>
  input => {
    const stream = store.streamOf(input)
    const shard = shardOf(stream, input.ShardId)
    const from = startOf(shard, input)
    return {
      ShardIterator: encodeIterator(
        { stream: stream.name, createdMs: stream.createdMs, shardId: shard.id, from },
        store.clock
      )
    }
  }

function startOf(shard: Shard, input: Readonly<Record<string, unknown>>): bigint {
  switch (input.ShardIteratorType) {
    case 'TRIM_HORIZON':
      return shard.startingSequenceNumber
    case 'LATEST':
      return shard.nextSequenceNumber
    case 'AT_SEQUENCE_NUMBER':
      return sequenceNumber(shard, input.StartingSequenceNumber)
    case 'AFTER_SEQUENCE_NUMBER':
      return sequenceNumber(shard, input.StartingSequenceNumber) + 1n
    case 'AT_TIMESTAMP': {
      const ms = Number(input.Timestamp) * 1000
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
    `StartingSequenceNumber used in GetShardIterator on shard ${shard.id} is invalid.`
  )
}

export const getRecords =
  (store: KinesisStore): Action =>
  input => {
    const limit = validateCount('limit', input.Limit ?? 10_000, 1, 10_000)
    const position = decodeIterator(input.ShardIterator, store.clock)
    const stream = store.streamOf({ StreamName: position.stream })
    if (stream.createdMs !== position.createdMs) {
      throw new AwsError('ResourceNotFoundException', `Stream ${stream.name} was created anew.`)
    }
    const shard = shardOf(stream, position.shardId)
    const { records, next } = page(shard, position.from, limit)
    const isAtEnd = shard.endingSequenceNumber !== undefined && next >= shard.endingSequenceNumber
    const behind = shard.records.find(({ sequenceNumber: number }) => number >= next)
    return {
      Records: records.map(recordOutput),
      MillisBehindLatest: behind === undefined ? 0 : Math.max(0, store.clock.wallTime() - behind.arrivedMs),
      ...(isAtEnd
        ? {
            ChildShards: shard.children.map(child => ({
              ShardId: child.id,
              ParentShards: child.parents,
              HashKeyRange: rangeOutput(child)
            }))
          }
        : { NextShardIterator: encodeIterator({ ...position, from: next }, store.clock) })
    }
  }

function page(shard: Shard, from: bigint, limit: number): { records: readonly StoredRecord[]; next: bigint } {
  const start = lowerBound(shard.records, from)
  let end = start
  let bytes = 0
  while (end < shard.records.length && end - start < limit) {
    bytes += shard.records[end]!.bytes
    if (bytes > maxAnswerBytes && end > start) break
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

function shardOf(stream: Stream, id: unknown): Shard {
  const shard = stream.shards.find(candidate => candidate.id === id)
  if (shard !== undefined) return shard
  throw new AwsError(
    'ResourceNotFoundException',
    `Shard ${String(id)} in stream ${stream.name} does not exist.`
  )
}
