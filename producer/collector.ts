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

/** Gathers Kinesis records into requests until size, count or the earliest deadline. */
export class Collector {
  readonly #options: CollectorOptions
  #records: KinesisRecord[] = []
  #bytes = 0
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
    if (this.#records.length === maxEntries || this.#bytes >= maxRequestBytes) this.flush()
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
    this.#options.onRequest(records)
  }

  close(): void {
    this.#records = []
    this.flush()
  }
}
