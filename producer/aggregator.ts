import { AggregateSize } from '../core/aggregated-record.ts'
import type { CancelTimer, Clock } from '../core/clock.ts'
import type { PendingRecord } from './pending-record.ts'

export interface AggregatorOptions {
  readonly clock: Clock
  readonly maxRecords: number
  readonly maxBufferedMs: number
  /** Bytes that the aggregate may have before the whole of it is sealed; asked whenever a batch opens. */
  readonly maxBytes: (tenant: string | undefined) => number
  /** Bytes of one user record's data inside the aggregate. */
  readonly dataBytes: (record: PendingRecord) => number
  /** Takes user records of one predicted shard and one tenant, in the order of their puts. */
  readonly onBatch: (shardId: string, records: readonly PendingRecord[]) => void
}

interface OpenBatch {
  readonly shardId: string
  readonly records: PendingRecord[]
  readonly size: AggregateSize
  readonly maxBytes: number
  deadlineMs: number
}

/** Batches due within this part of the buffering time go together with the one that is due. */
const togetherPart = 0.1

/** Gathers the user records of each predicted shard and tenant until size, count or the earliest deadline. */
export class Aggregator {
  readonly #options: AggregatorOptions
  readonly #open = new Map<string, OpenBatch>()
  #timerMs = Number.POSITIVE_INFINITY
  #cancelTimer: CancelTimer | undefined

  constructor(options: AggregatorOptions) {
    this.#options = options
  }

  add(shardId: string, record: PendingRecord): void {
    const { partitionKey } = record.record
    const dataBytes = this.#options.dataBytes(record)
    // No shard id holds a slash.
    const key = record.tenant === undefined ? shardId : `${shardId}/${record.tenant}`
    let batch = this.#open.get(key)
    if (
      batch !== undefined &&
      batch.size.with(partitionKey, record.explicitHashKey, dataBytes) > batch.maxBytes
    ) {
      this.#cut(key)
      batch = undefined
    }
    if (batch === undefined) {
      batch = {
        shardId,
        records: [],
        size: new AggregateSize(),
        maxBytes: this.#options.maxBytes(record.tenant),
        deadlineMs: record.deadlineMs
      }
      this.#open.set(key, batch)
    }
    batch.size.add(partitionKey, record.explicitHashKey, dataBytes)
    batch.records.push(record)
    if (record.deadlineMs < batch.deadlineMs) batch.deadlineMs = record.deadlineMs
    if (batch.records.length >= this.#options.maxRecords || batch.size.bytes >= batch.maxBytes) this.#cut(key)
    else if (batch.deadlineMs < this.#timerMs) this.#arm(batch.deadlineMs)
  }

  flush(): void {
    for (const key of [...this.#open.keys()]) this.#cut(key)
  }

  close(): void {
    this.#open.clear()
    this.#disarm()
  }

  #cut(key: string): void {
    const { shardId, records } = this.#open.get(key)!
    this.#open.delete(key)
    if (this.#open.size === 0) this.#disarm()
    this.#options.onBatch(shardId, records)
  }

  #arm(atMs: number): void {
    this.#cancelTimer?.()
    this.#timerMs = atMs
    this.#cancelTimer = this.#options.clock.schedule(
      () => this.#onTimer(),
      Math.max(0, atMs - this.#options.clock.now())
    )
  }

  #disarm(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#timerMs = Number.POSITIVE_INFINITY
  }

  #onTimer(): void {
    this.#disarm()
    const { clock, maxBufferedMs } = this.#options
    const due = clock.now() + maxBufferedMs * togetherPart
    let next = Number.POSITIVE_INFINITY
    for (const [key, { deadlineMs }] of [...this.#open]) {
      if (deadlineMs <= due) this.#cut(key)
      else next = Math.min(next, deadlineMs)
    }
    if (next < this.#timerMs) this.#arm(next)
  }
}
