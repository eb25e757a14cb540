import { AggregateSize } from '../core/aggregated-record.ts'
import type { CancelTimer, Clock } from '../core/clock.ts'
import type { PendingRecord } from './pending-record.ts'

export interface AggregatorOptions {
  readonly clock: Clock
  readonly maxRecords: number
  readonly maxBufferedMs: number
  /** Bytes that the aggregate may have before the whole of it is sealed; asked whenever a batch opens. */
  readonly maxBytes: () => number
  /** Bytes of one user record's data inside the aggregate. */
  readonly dataBytes: (record: PendingRecord) => number
  /** Takes user records of one predicted shard, in the order of their puts. */
  readonly onBatch: (shardId: string, records: readonly PendingRecord[]) => void
}

interface OpenBatch {
  readonly records: PendingRecord[]
  readonly size: AggregateSize
  readonly maxBytes: number
  deadlineMs: number
}

/** Batches due within this part of the buffering time go together with the one that is due. */
const togetherPart = 0.1

/** Gathers the user records of each predicted shard until size, count or the earliest deadline. */
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
    let batch = this.#open.get(shardId)
    if (
      batch !== undefined &&
      batch.size.with(partitionKey, record.explicitHashKey, dataBytes) > batch.maxBytes
    ) {
      this.#cut(shardId)
      batch = undefined
    }
    if (batch === undefined) {
      batch = {
        records: [],
        size: new AggregateSize(),
        maxBytes: this.#options.maxBytes(),
        deadlineMs: record.deadlineMs
      }
      this.#open.set(shardId, batch)
    }
    batch.size.add(partitionKey, record.explicitHashKey, dataBytes)
    batch.records.push(record)
    if (record.deadlineMs < batch.deadlineMs) batch.deadlineMs = record.deadlineMs
    if (batch.records.length >= this.#options.maxRecords || batch.size.bytes >= batch.maxBytes)
      this.#cut(shardId)
    else if (batch.deadlineMs < this.#timerMs) this.#arm(batch.deadlineMs)
  }

  flush(): void {
    for (const shardId of [...this.#open.keys()]) this.#cut(shardId)
  }

  close(): void {
    this.#open.clear()
    this.#disarm()
  }

  #cut(shardId: string): void {
    const { records } = this.#open.get(shardId)!
    this.#open.delete(shardId)
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
    for (const [shardId, { deadlineMs }] of [...this.#open]) {
      if (deadlineMs <= due) this.#cut(shardId)
      else next = Math.min(next, deadlineMs)
    }
    if (next < this.#timerMs) this.#arm(next)
  }
}
