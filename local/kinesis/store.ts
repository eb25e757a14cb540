import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'
import { evenRanges, hashOfPartitionKey } from './hash-keys.ts'

export interface StoredRecord {
  readonly sequenceNumber: bigint
  /** Undefined for a record that came without one, as a stream with AUTO distribution allows. */
  readonly partitionKey: string | undefined
  /** As it came and as it goes out: base64, so that neither direction converts. */
  readonly data: string
  readonly arrivedMs: number
  readonly bytes: number
}

export interface Shard {
  readonly id: string
  readonly start: bigint
  readonly end: bigint
  readonly parents: readonly string[]
  readonly startingSequenceNumber: bigint
  /** Set when the shard was split or merged. */
  endingSequenceNumber: bigint | undefined
  children: readonly Shard[]
  records: StoredRecord[]
  nextSequenceNumber: bigint
  closedMs: number | undefined
  readonly records1s: TokenBucket
  readonly bytes1s: TokenBucket
  /** Called when there is something new: a record, the end of the shard, the end of the stream. */
  readonly watchers: Set<() => void>
}

/** Reads shards by SubscribeToShard. */
export interface StreamConsumer {
  readonly name: string
  readonly arn: string
  readonly createdMs: number
  status: 'CREATING' | 'ACTIVE' | 'DELETING'
}

export const streamModes = ['PROVISIONED', 'ON_DEMAND'] as const
export type StreamMode = (typeof streamModes)[number]

/** How records find their shard. `AUTO` ignores partition key and explicit hash key; on-demand streams alone have it. */
export const recordDistributions = ['AUTO', 'USER_PARTITION_KEY'] as const
export type RecordDistribution = (typeof recordDistributions)[number]

export interface Stream {
  readonly name: string
  readonly arn: string
  readonly createdMs: number
  status: 'CREATING' | 'ACTIVE' | 'UPDATING' | 'DELETING'
  readonly shards: Shard[]
  readonly retentionHours: number
  /** Data and partition key of one record. */
  maxRecordBytes: number
  mode: StreamMode
  recordDistribution: RecordDistribution
  /** Records that AUTO distribution has placed so far: whose turn it is. */
  placed: number
  readonly consumers: StreamConsumer[]
}

/** What CreateStream asks for. */
export interface NewStream {
  readonly name: string
  readonly shards: number
  readonly maxRecordBytes: number
  readonly mode: StreamMode
  readonly recordDistribution: RecordDistribution
}

/** One record of a put, checked. */
export interface NewRecord {
  readonly partitionKey: string | undefined
  readonly explicitHashKey: string | undefined
  /** Base64. */
  readonly data: string
  readonly dataBytes: number
}

export type PutOutcome =
  | { readonly shard: Shard; readonly sequenceNumber: string }
  | { readonly shard: Shard; readonly throttled: true }

export const isOpen = ({ endingSequenceNumber }: Shard): boolean => endingSequenceNumber === undefined

/** What a shard takes in a second (https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html). */
const recordsPerSecond = 1_000
const bytesPerSecond = 1024 * 1024

/** What fits through in a second, with a second's worth in store. */
export class TokenBucket {
  readonly #perSecond: number
  #tokens: number
  #atMs: number

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond
    this.#tokens = perSecond
    this.#atMs = nowMs
  }

  has(count: number, nowMs: number): boolean {
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((nowMs - this.#atMs) / 1000) * this.#perSecond)
    this.#atMs = nowMs
    // Something larger than the whole bucket passes when the bucket is full.
    return this.#tokens >= Math.min(count, this.#perSecond)
  }

  take(count: number): void {
    this.#tokens -= count
  }
}

export interface KinesisStoreOptions {
  readonly clock: Clock
  readonly region: string
  readonly accountId: string
  /** Whether shards refuse more than 1,000 records and 1 MiB of data and keys a second. @default false */
  readonly throttle?: boolean | undefined
  /** How long streams and consumers stay CREATING, UPDATING and DELETING. @default 0 */
  readonly statusDelayMs?: number | undefined
  /** How long a subscription to a shard lives. @default 300_000 */
  readonly subscriptionLifeMs?: number | undefined
  /** Bytes kept over all streams; beyond it the oldest records of the fullest shard go. @default 256 MiB */
  readonly maxStoredBytes?: number | undefined
}

const mebibyte = 1024 * 1024
/** Sequence numbers have 56 digits, as on AWS. */
const sequenceBase = 49_600_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000n
/** Room between two shards' numbers; within a shard they rise by one. */
const shardStep = 10n ** 30n

/** Streams, shards and their records, in memory. */
export class KinesisStore {
  readonly options: KinesisStoreOptions
  readonly clock: Clock
  readonly #streams = new Map<string, Stream>()
  #generation = 0n
  #storedBytes = 0

  constructor(options: KinesisStoreOptions) {
    this.options = options
    this.clock = options.clock
  }

  get streamNames(): readonly string[] {
    return [...this.#streams.keys()].sort()
  }

  /** Bytes of all records held. */
  get storedBytes(): number {
    return this.#storedBytes
  }

  /** The stream that the input names by `StreamName` or `StreamARN`. */
  streamOf(input: Readonly<Record<string, unknown>>): Stream {
    const arn = input.StreamARN
    const name = typeof arn === 'string' ? arn.slice(arn.lastIndexOf('/') + 1) : input.StreamName
    if (typeof name !== 'string') {
      throw new AwsError('InvalidArgumentException', 'Either StreamName or StreamARN must be provided.')
    }
    const stream = this.#streams.get(name)
    if (stream === undefined) {
      throw new AwsError(
        'ResourceNotFoundException',
        `Stream ${name} under account ${this.options.accountId} not found.`
      )
    }
    return stream
  }

  create({ name, shards, maxRecordBytes, mode, recordDistribution }: NewStream): Stream {
    if (this.#streams.has(name)) {
      throw new AwsError(
        'ResourceInUseException',
        `Stream ${name} under account ${this.options.accountId} already exists.`
      )
    }
    const stream: Stream = {
      name,
      arn: `arn:aws:kinesis:${this.options.region}:${this.options.accountId}:stream/${name}`,
      createdMs: this.clock.wallTime(),
      status: 'CREATING',
      shards: [],
      retentionHours: 24,
      maxRecordBytes,
      mode,
      recordDistribution,
      placed: 0,
      consumers: []
    }
    for (const { start, end } of evenRanges(shards)) this.addShard(stream, start, end, [])
    this.#streams.set(name, stream)
    this.settle(stream)
    return stream
  }

  delete(stream: Stream): void {
    stream.status = 'DELETING'
    this.later(() => {
      for (const shard of stream.shards) this.#forget(shard, shard.records.length)
      this.#streams.delete(stream.name)
      for (const shard of stream.shards) notify(shard)
    })
  }

  addShard(stream: Stream, start: bigint, end: bigint, parents: readonly Shard[]): Shard {
    const first = sequenceBase + this.#generation++ * shardStep
    const now = this.clock.now()
    const shard: Shard = {
      id: `shardId-${String(stream.shards.length).padStart(12, '0')}`,
      start,
      end,
      parents: parents.map(({ id }) => id),
      startingSequenceNumber: first,
      endingSequenceNumber: undefined,
      children: [],
      records: [],
      nextSequenceNumber: first + 1n,
      closedMs: undefined,
      records1s: new TokenBucket(recordsPerSecond, now),
      bytes1s: new TokenBucket(bytesPerSecond, now),
      watchers: new Set()
    }
    stream.shards.push(shard)
    return shard
  }

  /** Closes `parents` and puts shards with the given ranges in their place. */
  reshard(
    stream: Stream,
    parents: readonly Shard[],
    ranges: readonly { readonly start: bigint; readonly end: bigint }[]
  ): void {
    const children = ranges.map(({ start, end }) => this.addShard(stream, start, end, parents))
    for (const parent of parents) {
      parent.endingSequenceNumber = parent.nextSequenceNumber
      parent.children = children
      parent.closedMs = this.clock.wallTime()
      notify(parent)
    }
    this.update(stream)
  }

  /** Makes the stream UPDATING, and ACTIVE after the delay. */
  update(stream: Stream): void {
    stream.status = 'UPDATING'
    this.settle(stream)
  }

  /** Makes the stream ACTIVE after the delay. */
  settle(stream: Stream): void {
    this.later(() => {
      // It may have been deleted in the meantime, and is on its way out.
      if (stream.status !== 'DELETING') stream.status = 'ACTIVE'
    })
  }

  /** Makes a change of status after the delay; at once when there is none. */
  later(change: () => void): void {
    const delay = this.options.statusDelayMs ?? 0
    if (delay === 0) change()
    else this.clock.schedule(change, delay, { unref: true })
  }

  /** Stores one record, unless the limits of its shard are reached. */
  put(stream: Stream, { partitionKey, explicitHashKey, data, dataBytes }: NewRecord): PutOutcome {
    const shard =
      stream.recordDistribution === 'AUTO'
        ? shardInTurn(stream)
        : shardOfHashKey(
            stream,
            explicitHashKey === undefined ? hashOfPartitionKey(partitionKey ?? '') : BigInt(explicitHashKey)
          )
    const bytes = dataBytes + Buffer.byteLength(partitionKey ?? '')
    if (this.options.throttle) {
      const now = this.clock.now()
      if (!shard.records1s.has(1, now) || !shard.bytes1s.has(bytes, now)) return { shard, throttled: true }
      shard.records1s.take(1)
      shard.bytes1s.take(bytes)
    }
    const sequenceNumber = shard.nextSequenceNumber++
    shard.records.push({ sequenceNumber, partitionKey, data, arrivedMs: this.clock.wallTime(), bytes })
    this.#storedBytes += bytes
    this.#trim(stream, shard)
    notify(shard)
    return { shard, sequenceNumber: String(sequenceNumber) }
  }

  /** Every piece of text and data that is held, for the scan for plaintext. */
  *everything(): Generator<Uint8Array> {
    for (const stream of this.#streams.values()) {
      yield Buffer.from(stream.arn)
      for (const shard of stream.shards) {
        for (const { partitionKey, data } of shard.records) {
          if (partitionKey !== undefined) yield Buffer.from(partitionKey)
          yield Buffer.from(data, 'base64')
        }
      }
    }
  }

  #trim(stream: Stream, shard: Shard): void {
    const oldest = this.clock.wallTime() - stream.retentionHours * 3_600_000
    let expired = 0
    while (expired < shard.records.length && shard.records[expired]!.arrivedMs < oldest) expired += 1
    if (expired > 0) this.#forget(shard, expired)
    const cap = this.options.maxStoredBytes ?? 256 * mebibyte
    while (this.#storedBytes > cap) {
      const all = [...this.#streams.values()].flatMap(({ shards }) => shards)
      const fullest = all.reduce((a, b) => (b.records.length > a.records.length ? b : a))
      this.#forget(fullest, Math.max(1, Math.ceil(fullest.records.length / 10)))
    }
  }

  #forget(shard: Shard, count: number): void {
    for (const { bytes } of shard.records.splice(0, count)) this.#storedBytes -= bytes
  }
}

export function notify({ watchers }: Shard): void {
  for (const watcher of [...watchers]) watcher()
}

/** AUTO distribution: every open shard in turn, whatever the record's keys say. */
function shardInTurn(stream: Stream): Shard {
  const open = stream.shards.filter(isOpen)
  return open[stream.placed++ % open.length]!
}

function shardOfHashKey(stream: Stream, hashKey: bigint): Shard {
  return stream.shards.find(shard => isOpen(shard) && hashKey >= shard.start && hashKey <= shard.end)!
}
