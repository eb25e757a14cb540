import { type HashKeyText, hashKeyText } from './hash-keys.ts'
import { RecordLog } from './record-log.ts'

export interface Shard {
  readonly id: string
  /** Its number among the shards of all streams, those that are gone included. */
  readonly generation: number
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

/** Sequence numbers have 56 digits, as on AWS. */
const sequenceBase = 49_600_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000n
/** Room between two shards' numbers; within a shard they rise by one. */
const ordinalDigits = 30
const shardStep = 10n ** BigInt(ordinalDigits)

export const isOpen = ({ endingSequenceNumber }: Shard): boolean => endingSequenceNumber === undefined

export function makeShard(
  shard: Pick<Shard, 'id' | 'generation' | 'start' | 'end' | 'parents' | 'openedMs'>,
  nowMs: number
): Shard {
  const first = sequenceBase + BigInt(shard.generation) * shardStep
  return {
    ...shard,
    startText: hashKeyText(shard.start),
    endText: hashKeyText(shard.end),
    startingSequenceNumber: first,
    sequencePrefix: String(first).slice(0, -ordinalDigits),
    endingSequenceNumber: undefined,
    children: [],
    records: new RecordLog(),
    get nextSequenceNumber() {
      return first + BigInt(this.records.nextOrdinal)
    },
    closedMs: undefined,
    records1s: new TokenBucket(recordsPerSecond, nowMs),
    bytes1s: new TokenBucket(bytesPerSecond, nowMs),
    reads1s: new TokenBucket(readsPerSecond, nowMs),
    readBytes1s: new TokenBucket(readBytesPerSecond, nowMs),
    watchers: new Set()
  }
}

export function notify({ watchers }: Shard): void {
  if (watchers.size === 0) return
  for (const watcher of [...watchers]) watcher()
}

/** As on the wire: 56 decimal digits, the last ones of which count within the shard. */
export function sequenceNumberOf({ sequencePrefix }: Shard, ordinal: number): string {
  return sequencePrefix + String(ordinal).padStart(ordinalDigits, '0')
}
