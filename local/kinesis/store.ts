import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'
import { evenRanges, type HashKeyText, hashKeyText, hashOfPartitionKey } from './hash-keys.ts'
import { RecordLog } from './record-log.ts'
import { validateStreamReference } from './validations/stream-reference.ts'

export interface Shard {
  readonly id: string
  readonly start: bigint
  readonly end: bigint
  readonly startText: HashKeyText
  readonly endText: HashKeyText
  readonly parents: readonly string[]
  readonly startingSequenceNumber: bigint
  /** What all sequence numbers of the shard begin with. */
  readonly sequencePrefix: string
  /** Set when the shard was split or merged. */
  endingSequenceNumber: bigint | undefined
  children: readonly Shard[]
  readonly records: RecordLog
  readonly nextSequenceNumber: bigint
  /** When its parents closed; a shard without parents is as old as the stream, whatever time is asked for. */
  readonly openedMs: number
  closedMs: number | undefined
  readonly records1s: TokenBucket
  readonly bytes1s: TokenBucket
  readonly reads1s: TokenBucket
  readonly readBytes1s: TokenBucket
  /** Called when there is something new: a record, the end of the shard, the end of the stream. */
  readonly watchers: Set<() => void>
}

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

export const isOpen = ({ endingSequenceNumber }: Shard): boolean => endingSequenceNumber === undefined

// What a shard takes and gives in a second (https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html).
const recordsPerSecond = 1_000
const bytesPerSecond = 1024 * 1024
const readsPerSecond = 5
const readBytesPerSecond = 2 * 1024 * 1024

/** What fits through in a second, with a second's worth in store. */
export class TokenBucket {
  readonly #capacity: number
  /** Thousandths, so that whole milliseconds add whole numbers and no rounding is left over. */
  #thousandths: number
  #atMs: number

  constructor(perSecond: number, nowMs: number) {
    this.#capacity = perSecond * 1000
    this.#thousandths = this.#capacity
    this.#atMs = nowMs
  }

  has(count: number, nowMs: number): boolean {
    const refilled = this.#thousandths + ((nowMs - this.#atMs) * this.#capacity) / 1000
    this.#thousandths = Math.min(this.#capacity, refilled)
    this.#atMs = nowMs
    // Something larger than the whole bucket passes when the bucket is full.
    return this.#thousandths >= Math.min(count * 1000, this.#capacity)
  }

  take(count: number): void {
    this.#thousandths -= count * 1000
  }

  /**
   * Takes what an answer turned out to hold. More than a second's worth also takes what was in store, so that an
   * answer of 10 MiB at 2 MiB a second is followed by 5 s without one, as AWS has it.
   */
  takeAnswer(count: number): void {
    const taken = count * 1000
    this.#thousandths = taken > this.#capacity ? -taken : this.#thousandths - taken
  }
}

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
}

const defaultMaxStoredBytes = 512 * 1024 * 1024
/** What a record takes beside its data and partition key, rounded up. */
const recordOverheadBytes = 32
/** Sequence numbers have 56 digits, as on AWS. */
const sequenceBase = 49_600_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000n
/** Room between two shards' numbers; within a shard they rise by one. */
const ordinalDigits = 30
const shardStep = 10n ** BigInt(ordinalDigits)

/** Streams, shards and their records, in memory. */
export class KinesisStore {
  readonly options: KinesisStoreOptions
  readonly clock: Clock
  readonly #streams = new Map<string, Stream>()
  #generation = 0n
  #arrivals = 0
  #storedBytes = 0

  constructor(options: KinesisStoreOptions) {
    this.options = options
    this.clock = options.clock
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
    const first = sequenceBase + this.#generation++ * shardStep
    const now = this.clock.now()
    const shard: Shard = {
      id: `shardId-${String(stream.shardsMade++).padStart(12, '0')}`,
      start,
      end,
      startText: hashKeyText(start),
      endText: hashKeyText(end),
      parents: parents.map(({ id }) => id),
      startingSequenceNumber: first,
      sequencePrefix: String(first).slice(0, -ordinalDigits),
      endingSequenceNumber: undefined,
      children: [],
      records: new RecordLog(),
      get nextSequenceNumber() {
        return first + BigInt(this.records.nextOrdinal)
      },
      openedMs: parents.length === 0 ? Number.NEGATIVE_INFINITY : this.clock.wallTime(),
      closedMs: undefined,
      records1s: new TokenBucket(recordsPerSecond, now),
      bytes1s: new TokenBucket(bytesPerSecond, now),
      reads1s: new TokenBucket(readsPerSecond, now),
      readBytes1s: new TokenBucket(readBytesPerSecond, now),
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
    shard.records.append({
      partitionKey,
      data,
      arrivedMs: this.clock.wallTime(),
      isEncrypted: stream.keyId !== undefined,
      arrival: this.#arrivals++
    })
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
    for (let index = 0; index < count; index += 1) {
      this.#storedBytes -= records.bytesAt(index) + recordOverheadBytes
    }
    records.trim(count)
  }
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

export function notify({ watchers }: Shard): void {
  if (watchers.size === 0) return
  for (const watcher of [...watchers]) watcher()
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

/** As on the wire: 56 decimal digits, the last ones of which count within the shard. */
export function sequenceNumberOf({ sequencePrefix }: Shard, ordinal: number): string {
  return sequencePrefix + String(ordinal).padStart(ordinalDigits, '0')
}
