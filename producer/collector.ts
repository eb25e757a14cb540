import type { CancelTimer, Clock } from '../core/clock.ts'
import type { KinesisRecord } from './kinesis-record.ts'

export interface CollectorOptions {
  readonly clock: Clock
  readonly maxRequestBytes: number
  /** Takes the records of one PutRecords request. */
  readonly onRequest: (records: readonly KinesisRecord[]) => void
}

/** Most entries of one PutRecords request (API reference). */
const maxEntries = 500
/** Most bytes of one shard in a request, as in the KPL: a quarter of what the shard takes in a second. */
const maxShardBytes = 262_144

/** Gathers Kinesis records into requests until size, count, a shard's share or the earliest deadline. */
export class Collector {
  readonly #options: CollectorOptions
  #records: KinesisRecord[] = []
  #bytes = 0
  readonly #shardBytes = new Map<string, number>()
  #timerMs = Number.POSITIVE_INFINITY
  #cancelTimer: CancelTimer | undefined

  constructor(options: CollectorOptions) {
    this.#options = options
  }

  add(record: KinesisRecord): void {
    const { maxRequestBytes, clock } = this.#options
    // A record may be larger than a request is to be; then it goes alone.
    if (this.#bytes > 0 && this.#bytes + record.bytes > maxRequestBytes) this.flush()
    this.#records.push(record)
    this.#bytes += record.bytes
    const { shardId } = record.batch
    const shardBytes = (this.#shardBytes.get(shardId) ?? 0) + record.bytes
    this.#shardBytes.set(shardId, shardBytes)
    const isFull =
      this.#records.length === maxEntries ||
      this.#bytes >= maxRequestBytes ||
      // Without a predicted shard there is no share.
      (shardId !== '' && shardBytes >= maxShardBytes)
    if (isFull) this.flush()
    else if (record.deadlineMs < this.#timerMs) {
      this.#cancelTimer?.()
      this.#timerMs = record.deadlineMs
      this.#cancelTimer = clock.schedule(() => this.flush(), Math.max(0, record.deadlineMs - clock.now()))
    }
  }

  flush(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#timerMs = Number.POSITIVE_INFINITY
    if (this.#records.length === 0) return
    const records = this.#records
    this.#records = []
    this.#bytes = 0
    this.#shardBytes.clear()
    this.#options.onRequest(records)
  }

  close(): void {
    this.#records = []
    this.flush()
  }
}
