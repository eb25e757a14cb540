import type { CancelTimer, Clock } from '../core/clock.ts'
import { AggregateFill } from './aggregate-fill.ts'
import type { Batch } from './kinesis-record.ts'
import type { PendingRecord } from './pending-record.ts'
import type { TurnBudget } from './turn-budget.ts'

export interface AggregatorOptions {
  readonly clock: Clock
  readonly maxRecords: number
  readonly maxBufferedMs: number
  /** Bytes that the aggregate of this record and others may have before the whole of it is sealed. */
  readonly maxBytes: (first: PendingRecord) => number
  readonly turnBudget: TurnBudget
  readonly onBatch: (batch: Batch) => void
}

interface OpenBatch {
  readonly container: string
  readonly shardId: string
  readonly fill: AggregateFill
  readonly records: readonly PendingRecord[]
  deadlineMs: number
}

/** Batches due within this part of the buffering time go together with the one that is due. */
const togetherPart = 0.1

/** Gathers the user records of each container until size, count or the earliest deadline. */
export class Aggregator {
  readonly #options: AggregatorOptions
  readonly #open = new Map<string, OpenBatch>()
  #timerMs = Number.POSITIVE_INFINITY
  #cancelTimer: CancelTimer | undefined

  constructor(options: AggregatorOptions) {
    this.#options = options
  }

  add(container: string, shardId: string, record: PendingRecord): void {
    let batch = this.#open.get(container)
    if (batch !== undefined && !batch.fill.fits(record)) {
      this.#cut(batch)
      batch = undefined
    }
    if (batch === undefined) {
      const fill = new AggregateFill(this.#options.maxBytes(record))
      batch = { container, shardId, fill, records: fill.records, deadlineMs: record.deadlineMs }
      this.#open.set(container, batch)
    }
    batch.fill.add(record)
    if (record.deadlineMs < batch.deadlineMs) batch.deadlineMs = record.deadlineMs
    if (batch.records.length >= this.#options.maxRecords || batch.fill.isFull) this.#cut(batch)
    else if (batch.deadlineMs < this.#timerMs) this.#arm(batch.deadlineMs)
  }

  /** What is open, container by container. */
  get open(): readonly Batch[] {
    return [...this.#open.values()]
  }

  /** Takes the records of one container out, without a batch. */
  take(container: string): readonly PendingRecord[] {
    const batch = this.#open.get(container)
    if (batch === undefined) return []
    this.#remove(batch)
    return batch.records
  }

  /** All that is open leaves, turn by turn. */
  flush(): void {
    if (this.#open.size === 0) return
    const now = this.#options.clock.now()
    for (const batch of this.#open.values()) batch.deadlineMs = Math.min(batch.deadlineMs, now)
    this.#cutDue(now)
  }

  close(): void {
    this.#open.clear()
    this.#disarm()
  }

  #cut(batch: OpenBatch): void {
    this.#remove(batch)
    this.#options.onBatch(batch)
  }

  #remove({ container }: OpenBatch): void {
    this.#open.delete(container)
    if (this.#open.size === 0) this.#disarm()
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
    this.#cutDue(clock.now() + maxBufferedMs * togetherPart)
  }

  #cutDue(dueMs: number): void {
    let next = Number.POSITIVE_INFINITY
    for (const batch of this.#open.values()) {
      const isNext = batch.deadlineMs <= dueMs && this.#options.turnBudget.tryTake(batch.fill.mostBytes)
      if (isNext) this.#cut(batch)
      else next = Math.min(next, batch.deadlineMs)
    }
    if (next < this.#timerMs) this.#arm(next)
  }
}
