import type { CancelTimer, Clock } from '../../../core/clock.ts'
import { AwsError } from '../../aws-json.ts'
import type { BufferedRecord } from '../destinations/destination.ts'
import { newRecord } from '../record.ts'
import { aggregatedRecords } from './kpl-aggregate.ts'
import type { SourceRead, SourceRecord, SourceShard, SourceStream, SourceStreams } from './source-streams.ts'

export interface KinesisSourceOptions {
  readonly streams: SourceStreams
  readonly streamArn: string
  readonly clock: Clock
  /** Takes the user records of the stream. */
  readonly add: (record: BufferedRecord) => void
  /** Bytes that are not delivered yet. */
  readonly bufferedBytes: () => number
  /** With so much of it nothing is read: the stream keeps what its readers cannot take. @default 64 MiB */
  readonly maxBufferedBytes?: number
  /** Hears how far the stream is read, after its records were taken. */
  readonly onMoved?: (positions: SavedPositions) => void
  /** Hears of every read; undefined when the limits of the shard were reached. */
  readonly onRead?: (shardId: string, read: SourceRead | undefined) => void
}

/** How far a stream is read, as JSON. */
export interface SavedPositions {
  /** Of the Kinesis stream; undefined while there was none. */
  readonly createdMs: number | undefined
  readonly shards: readonly (readonly [id: string, position: string])[]
}

const usualMaxBufferedBytes = 64 * 1024 * 1024
/** Firehose calls GetRecords once a second for each shard. */
const readIntervalMs = 1_000

/** Where the next read of a shard begins; `end` for a shard that is read to its end. */
type Position = bigint | 'end'

/**
 * Reads a Kinesis stream from its latest records on, shard by shard and parents before their children. A stream that is
 * not there is looked for again with every read.
 */
export class KinesisSource {
  readonly #options: KinesisSourceOptions
  readonly #positions = new Map<string, Position>()
  /** Of the stream that the positions are in; undefined while there was none. */
  #createdMs: number | undefined
  #cancel: CancelTimer | undefined

  constructor(options: KinesisSourceOptions) {
    this.#options = options
  }

  /** From here on: what is in the stream already is never read. */
  start(): void {
    const stream = this.#open()
    for (const { id, isOpen, latest } of stream?.shards ?? [])
      this.#positions.set(id, isOpen ? latest : 'end')
    this.#createdMs = stream?.createdMs
    this.#tellPositions()
    this.#schedule()
  }

  /** From where it was read to once. */
  resume({ createdMs, shards }: SavedPositions): void {
    this.#createdMs = createdMs
    for (const [id, position] of shards)
      this.#positions.set(id, position === 'end' ? 'end' : BigInt(position))
    this.#schedule()
  }

  stop(): void {
    this.#cancel?.()
  }

  /** Reads until nothing more comes at this moment. False when too much is buffered to read to the end. */
  catchUp(): boolean {
    while (this.#readShards()) {
      if (this.#isFull) return false
    }
    return !this.#isFull
  }

  get #isFull(): boolean {
    const { bufferedBytes, maxBufferedBytes = usualMaxBufferedBytes } = this.#options
    return bufferedBytes() >= maxBufferedBytes
  }

  #schedule(): void {
    this.#cancel = this.#options.clock.schedule(
      () => {
        this.#readShards()
        this.#schedule()
      },
      readIntervalMs,
      { unref: true }
    )
  }

  /** One read of each shard whose turn has come. Whether there was anything, or a shard has ended. */
  #readShards(): boolean {
    const stream = this.#open()
    if (stream === undefined) return false
    if (stream.createdMs !== this.#createdMs) {
      // Made, or made again, while this looked for it: all that it holds came later.
      this.#positions.clear()
      this.#createdMs = stream.createdMs
    }
    const ids = new Set(stream.shards.map(({ id }) => id))
    for (const id of this.#positions.keys()) if (!ids.has(id)) this.#positions.delete(id)
    let hasMoved = false
    for (const shard of stream.shards) {
      if (this.#isFull) break
      if (this.#read(shard, ids)) hasMoved = true
    }
    if (hasMoved) this.#tellPositions()
    return hasMoved
  }

  #read(shard: SourceShard, ids: ReadonlySet<string>): boolean {
    const position = this.#positions.get(shard.id) ?? shard.trimHorizon
    if (position === 'end') return false
    // A parent that the stream no longer lists is past its retention: there is nothing left to read in it.
    if (shard.parents.some(id => ids.has(id) && this.#positions.get(id) !== 'end')) return false
    const read = shard.read(position)
    this.#options.onRead?.(shard.id, read)
    if (read === undefined) return false
    this.#positions.set(shard.id, read.isAtEnd ? 'end' : read.next)
    for (const record of read.records) this.#take(shard.id, record)
    return read.records.length > 0 || read.isAtEnd
  }

  /** Aggregates of the Kinesis Producer Library as their user records; broken ones are passed on whole. */
  #take(shardId: string, { sequenceNumber, partitionKey, data, arrivedMs }: SourceRecord): void {
    const userRecords = aggregatedRecords(data) ?? [{ partitionKey, data }]
    userRecords.forEach((userRecord, subsequenceNumber) => {
      this.#options.add(
        newRecord(userRecord.data, arrivedMs, {
          sequenceNumber,
          subsequenceNumber,
          partitionKey: userRecord.partitionKey,
          shardId
        })
      )
    })
  }

  #tellPositions(): void {
    const shards = [...this.#positions].map(([id, position]) => [id, String(position)] as const)
    this.#options.onMoved?.({ createdMs: this.#createdMs, shards })
  }

  #open(): SourceStream | undefined {
    const { streams, streamArn } = this.#options
    try {
      return streams.open(streamArn)
    } catch (error) {
      if (error instanceof AwsError) return undefined
      throw error
    }
  }
}
