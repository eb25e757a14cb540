import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'
import type { StateFolder } from '../state/index.ts'
import { evenRanges, type HashKeyText, hashKeyText, hashOfPartitionKey } from './hash-keys.ts'
import { KinesisJournal } from './journal.ts'
import type { RecordLog } from './record-log.ts'
import { isOpen, makeShard, notify, type Shard, sequenceNumberOf } from './shard.ts'
import { validateStreamReference } from './validations/stream-reference.ts'

export type Tags = ReadonlyMap<string, string>

/** Metrics of enhanced monitoring, in the order in which they are told. */
export const shardMetrics = [
  'IncomingBytes',
  'IncomingRecords',
  'OutgoingBytes',
  'OutgoingRecords',
  'WriteProvisionedThroughputExceeded',
  'ReadProvisionedThroughputExceeded',
  'IteratorAgeMilliseconds'
] as const
export type ShardMetric = (typeof shardMetrics)[number]

/** Reads shards by SubscribeToShard. */
export interface StreamConsumer {
  readonly name: string
  readonly arn: string
  readonly createdMs: number
  status: 'CREATING' | 'ACTIVE' | 'DELETING'
  tags: Tags
  /** Resource policy as it came; undefined when there is none. */
  policy: string | undefined
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
  /** Without those that closed before the trim horizon. */
  shards: Shard[]
  /** Shards made so far, for their ids. */
  shardsMade: number
  retentionHours: number
  /** Data and partition key of one record. */
  maxRecordBytes: number
  mode: StreamMode
  recordDistribution: RecordDistribution
  /** Records that AUTO distribution has placed so far: whose turn it is. */
  placed: number
  readonly consumers: StreamConsumer[]
  tags: Tags
  /** Resource policy as it came; undefined when there is none. */
  policy: string | undefined
  /** Set while records are encrypted at rest with it. */
  keyId: string | undefined
  shardMetrics: readonly ShardMetric[]
}

/** What CreateStream asks for. */
export interface NewStream {
  readonly name: string
  readonly shards: number
  readonly maxRecordBytes: number
  readonly mode: StreamMode
  readonly recordDistribution: RecordDistribution
  readonly tags: Tags
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

export interface KinesisStoreOptions {
  readonly clock: Clock
  readonly region: string
  readonly accountId: string
  /** Whether shards keep to their limits: puts of 1,000 records and 1 MiB a second, 5 reads and 2 MiB. @default false */
  readonly throttle?: boolean | undefined
  /** How long streams and consumers stay CREATING, UPDATING and DELETING. @default 0 */
  readonly statusDelayMs?: number | undefined
  /** How long a subscription to a shard lives. @default 300_000 */
  readonly subscriptionLifeMs?: number | undefined
  /**
   * Bytes of data and partition keys kept over all streams, and 32 for each record; beyond it the oldest records go,
   * whatever their stream's retention period. `0` keeps nothing.
   * @default 512 MiB
   */
  readonly maxStoredBytes?: number | undefined
  /** Where everything is written to, and read from first. @default memory alone */
  readonly state?: StateFolder | undefined
}

const defaultMaxStoredBytes = 512 * 1024 * 1024
/** What a record takes beside its data and partition key, rounded up. */
const recordOverheadBytes = 32
/** Streams, shards and their records, in memory, and in the state folder when there is one. */
export class KinesisStore {
  readonly options: KinesisStoreOptions
  readonly clock: Clock
  readonly #streams = new Map<string, Stream>()
  readonly #journal: KinesisJournal | undefined
  #generation = 0n
  #arrivals = 0
  #storedBytes = 0

  /** @throws {StateError} when the state folder cannot be used */
  constructor(options: KinesisStoreOptions) {
    this.options = options
    this.clock = options.clock
    if (options.state === undefined) return
    this.#journal = new KinesisJournal(options.state, () => this.#streams.values(), this.clock.now())
    const { streams, generation, arrivals } = this.#journal.loaded
    this.#generation = generation
    this.#arrivals = arrivals
    for (const stream of streams) {
      this.#streams.set(stream.name, stream)
      for (const { records } of stream.shards) this.#storedBytes += bytesOf(records, records.length)
    }
    this.keepToCap()
  }

  /** Writes what an operation has changed to the state folder, if there is one. */
  save(operation: string): void {
    this.#journal?.save(operation, this.#generation)
  }

  /** By name. */
  get streams(): readonly Stream[] {
    return [...this.#streams.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Bytes of all records held, as `maxStoredBytes` counts them. */
  get storedBytes(): number {
    return this.#storedBytes
  }

  /** The stream that the input names by `StreamName`, `StreamARN` or both. `StreamId` is reserved, as on AWS. */
  streamOf(input: Readonly<Record<string, unknown>>): Stream {
    const name = validateStreamReference(input)
    const stream = this.#streams.get(name)
    if (stream === undefined || (typeof input.StreamARN === 'string' && input.StreamARN !== stream.arn)) {
      throw new AwsError(
        'ResourceNotFoundException',
        `Stream ${name} under account ${this.options.accountId} not found.`
      )
    }
    this.#expire(stream)
    return stream
  }

  create({ name, shards, maxRecordBytes, mode, recordDistribution, tags }: NewStream): Stream {
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
      shardsMade: 0,
      retentionHours: 24,
      maxRecordBytes,
      mode,
      recordDistribution,
      placed: 0,
      consumers: [],
      tags,
      policy: undefined,
      keyId: undefined,
      shardMetrics: []
    }
    for (const { start, end } of evenRanges(shards)) this.addShard(stream, start, end, [])
    this.#streams.set(name, stream)
    this.settle(stream)
    return stream
  }

  delete(stream: Stream): void {
    stream.status = 'DELETING'
    this.later(() => {
      for (const { records } of stream.shards) this.#trimTo(records, records.length)
      this.#streams.delete(stream.name)
      for (const shard of stream.shards) notify(shard)
    })
  }

  addShard(stream: Stream, start: bigint, end: bigint, parents: readonly Shard[]): Shard {
    const shard = makeShard(
      {
        id: `shardId-${String(stream.shardsMade++).padStart(12, '0')}`,
        generation: Number(this.#generation++),
        start,
        end,
        parents: parents.map(({ id }) => id),
        openedMs: parents.length === 0 ? Number.NEGATIVE_INFINITY : this.clock.wallTime()
      },
      this.clock.now()
    )
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

  /**
   * Stores one record, unless the limits of its shard are reached, or are to be taken for reached. `keepToCap` is for
   * after the last of a request.
   */
  put(
    stream: Stream,
    { partitionKey, explicitHashKey, data, dataBytes }: NewRecord,
    isRefused = false
  ): PutOutcome {
    const shard =
      stream.recordDistribution === 'AUTO'
        ? shardInTurn(stream)
        : shardOfHashKey(
            stream,
            explicitHashKey === undefined
              ? hashOfPartitionKey(partitionKey ?? '')
              : hashKeyText(BigInt(explicitHashKey))
          )
    if (isRefused) return { shard, throttled: true }
    const bytes = dataBytes + Buffer.byteLength(partitionKey ?? '')
    if (this.options.throttle) {
      const now = this.clock.now()
      if (!shard.records1s.has(1, now) || !shard.bytes1s.has(bytes, now)) return { shard, throttled: true }
      shard.records1s.take(1)
      shard.bytes1s.take(bytes)
    }
    const ordinal = shard.records.nextOrdinal
    const record = {
      partitionKey,
      data,
      arrivedMs: this.clock.wallTime(),
      isEncrypted: stream.keyId !== undefined,
      arrival: this.#arrivals++
    }
    shard.records.append(record)
    this.#journal?.add(shard, ordinal, record)
    this.#storedBytes += bytes + recordOverheadBytes
    notify(shard)
    return { shard, sequenceNumber: sequenceNumberOf(shard, ordinal) }
  }

  /** Lets a read of the shard begin, or says that its limits are reached; without `throttle` it always may. */
  mayRead({ reads1s, readBytes1s }: Shard): boolean {
    if (!this.options.throttle) return true
    const now = this.clock.now()
    // Of bytes there must be no debt: how many there will be is not known yet.
    if (!reads1s.has(1, now) || !readBytes1s.has(0, now)) return false
    reads1s.take(1)
    return true
  }

  /** Every piece of text and data that is held, for the scan for plaintext. */
  *everything(): Generator<Uint8Array> {
    for (const stream of this.#streams.values()) {
      yield Buffer.from(stream.arn)
      for (const shard of stream.shards) {
        yield* shard.records.contents()
      }
    }
  }

  /** Takes away the oldest records of all streams until the rest keeps to the byte cap: at the end of each put. */
  keepToCap(): void {
    const cap = this.options.maxStoredBytes ?? defaultMaxStoredBytes
    if (this.#storedBytes <= cap) return
    const logs = [...this.#streams.values()].flatMap(({ shards }) => shards.map(({ records }) => records))
    while (this.#storedBytes > cap) {
      const [oldest, second] = twoOldest(logs)
      if (oldest === undefined) return
      const until = second?.arrivalAt(0) ?? Number.POSITIVE_INFINITY
      let count = 0
      for (let excess = this.#storedBytes - cap; excess > 0; count += 1) {
        if (count === oldest.length || oldest.arrivalAt(count) > until) break
        excess -= oldest.bytesAt(count) + recordOverheadBytes
      }
      this.#trimTo(oldest, count)
    }
  }

  /** When the oldest record that the stream still keeps can have come, in milliseconds since 1970. */
  horizonMs({ retentionHours }: Stream): number {
    return this.clock.wallTime() - retentionHours * 3_600_000
  }

  /** Takes away what the retention period has passed: records, and shards that were closed before. */
  #expire(stream: Stream): void {
    const horizonMs = this.horizonMs(stream)
    let closed = false
    for (const { records, closedMs } of stream.shards) {
      if ((records.arrivedMsAt(0) ?? horizonMs) < horizonMs) {
        this.#trimTo(records, records.indexOfArrival(horizonMs))
      }
      closed ||= closedMs !== undefined && closedMs < horizonMs
    }
    if (closed) stream.shards = stream.shards.filter(shard => (shard.closedMs ?? horizonMs) >= horizonMs)
  }

  #trimTo(records: RecordLog, count: number): void {
    this.#storedBytes -= bytesOf(records, count)
    records.trim(count)
  }
}

/** Of the `count` oldest records, as `maxStoredBytes` counts them. */
function bytesOf(records: RecordLog, count: number): number {
  let bytes = 0
  for (let index = 0; index < count; index += 1) bytes += records.bytesAt(index) + recordOverheadBytes
  return bytes
}

/** Of the logs that have records, the one with the oldest and the one with the next oldest first record. */
function twoOldest(logs: readonly RecordLog[]): readonly [RecordLog | undefined, RecordLog | undefined] {
  const arrivalOf = (log: RecordLog | undefined): number => log?.arrivalAt(0) ?? Number.POSITIVE_INFINITY
  let oldest: RecordLog | undefined
  let second: RecordLog | undefined
  for (const log of logs) {
    if (arrivalOf(log) < arrivalOf(oldest)) {
      second = oldest
      oldest = log
    } else if (arrivalOf(log) < arrivalOf(second)) second = log
  }
  return [oldest, second]
}

/** AUTO distribution: every open shard in turn, whatever the record's keys say. */
function shardInTurn(stream: Stream): Shard {
  const open = stream.shards.filter(isOpen)
  return open[stream.placed++ % open.length]!
}

function shardOfHashKey({ shards }: Stream, hashKey: HashKeyText): Shard {
  for (const shard of shards) {
    if (isOpen(shard) && hashKey >= shard.startText && hashKey <= shard.endText) return shard
  }
  throw new Error(`no open shard has the hash key ${hashKey}`)
}
