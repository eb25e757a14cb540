import { AwsError } from '../../aws-json.ts'
import { isOpen } from '../../kinesis/shard.ts'
import { readShard, shardOf } from '../../kinesis/shard-reading.ts'
import type { KinesisStore } from '../../kinesis/store.ts'

/** The part of the Kinesis engine that delivery streams read from. */
export interface SourceStreams {
  /** Whether there is a Kinesis at all. */
  readonly isRunning: boolean
  /** The stream as it is now. @throws {AwsError} ResourceNotFoundException */
  open(streamArn: string): SourceStream
}

export interface SourceStream {
  /** A stream that was deleted and made again is another one. */
  readonly createdMs: number
  readonly shards: readonly SourceShard[]
}

export interface SourceShard {
  readonly id: string
  readonly parents: readonly string[]
  readonly isOpen: boolean
  readonly trimHorizon: bigint
  /** The record that comes next. */
  readonly latest: bigint
  /** One GetRecords; undefined when the limits of the shard are reached. */
  read(from: bigint): SourceRead | undefined
}

export interface SourceRead {
  readonly records: readonly SourceRecord[]
  /** Where the next read begins. */
  readonly next: bigint
  readonly isAtEnd: boolean
  readonly millisBehindLatest: number
}

export interface SourceRecord {
  readonly sequenceNumber: string
  readonly partitionKey: string
  readonly data: Buffer
  /** Milliseconds since 1970. */
  readonly arrivedMs: number
}

/** One GetRecords (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html). */
const readLimits = { maxRecords: 10_000, maxBytes: 10 * 1024 * 1024 }

/** Where no Kinesis runs. What a state folder holds waits for a start with one. */
export const noStreams: SourceStreams = {
  isRunning: false,
  open(streamArn) {
    throw new AwsError('ResourceNotFoundException', `Stream ${streamArn} not found.`)
  }
}

/** Streams of the embedded Kinesis, read within the limits that their other readers share. */
export function sourceStreams(store: KinesisStore): SourceStreams {
  return {
    isRunning: true,
    open(streamArn) {
      const stream = store.streamOf({ StreamARN: streamArn })
      return {
        createdMs: stream.createdMs,
        shards: stream.shards.map(shard => ({
          id: shard.id,
          parents: shard.parents,
          isOpen: isOpen(shard),
          trimHorizon: shard.startingSequenceNumber,
          latest: shard.nextSequenceNumber,
          read(from) {
            if (!store.mayRead(shard)) return undefined
            const { Records, next, isAtEnd, bytes, MillisBehindLatest } = readShard(
              shardOf(stream, shard.id),
              from,
              readLimits,
              store.clock
            )
            shard.readBytes1s.takeAnswer(bytes)
            return {
              records: (Records as readonly RecordOutput[]).map(toSourceRecord),
              next,
              isAtEnd,
              millisBehindLatest: MillisBehindLatest
            }
          }
        }))
      }
    }
  }
}

/** As GetRecords writes it. */
interface RecordOutput {
  readonly SequenceNumber: string
  readonly PartitionKey?: string
  readonly Data: string
  readonly ApproximateArrivalTimestamp: number
}

function toSourceRecord(record: RecordOutput): SourceRecord {
  return {
    sequenceNumber: record.SequenceNumber,
    // A stream that places its records itself takes them without one.
    partitionKey: record.PartitionKey ?? '',
    data: Buffer.from(record.Data, 'base64'),
    // Milliseconds in floating-point seconds.
    arrivedMs: Math.round(record.ApproximateArrivalTimestamp * 1000)
  }
}
