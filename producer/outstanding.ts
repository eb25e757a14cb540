import type { Clock } from '../core/clock.ts'
import { deferred } from '../core/concurrency.ts'
import type { UserRecord } from '../core/user-record.ts'
import { PutFailedError, RecordExpiredError } from './errors.ts'
import { Expirer } from './expirer.ts'
import type { PendingRecord } from './pending-record.ts'

export interface OutstandingOptions {
  readonly clock: Clock
  readonly recordTtlMs: number
  /** The record's time is over, and no request carries it. */
  readonly onExpired: (record: PendingRecord) => void
  readonly onSettled: (record: PendingRecord) => void
}

/** What was acknowledged in one Kinesis record. */
export interface StoredAt {
  readonly shardId: string
  readonly sequenceNumber: string
}

/** Every accepted record that is not settled, and the only ways out: acknowledged, or handed back with its cause. */
export class Outstanding {
  readonly #options: OutstandingOptions
  readonly #expirer: Expirer
  /** Generation -> records of it that are not settled; `flush` ends a generation. */
  readonly #left = new Map<number, number>()
  #generation = 0
  #flushes: { readonly generation: number; readonly done: () => void }[] = []
  #acknowledged = 0
  #handedBack = 0

  constructor(options: OutstandingOptions) {
    this.#options = options
    this.#expirer = new Expirer(options.clock, options.onExpired)
  }

  get acknowledged(): number {
    return this.#acknowledged
  }

  get handedBack(): number {
    return this.#handedBack
  }

  /** Generation that a record accepted now belongs to. */
  get generation(): number {
    return this.#generation
  }

  /** Whether somebody waits for a flush: nothing is to stay in a buffer then. */
  get isFlushing(): boolean {
    return this.#flushes.length > 0
  }

  get count(): number {
    return this.#expirer.size
  }

  /** In the order of acceptance. */
  get all(): readonly PendingRecord[] {
    return [...this.#expirer.all]
  }

  /** The record that was accepted first. */
  get oldest(): PendingRecord | undefined {
    for (const record of this.#expirer.all) return record
    return undefined
  }

  add(record: PendingRecord): void {
    this.#left.set(record.generation, (this.#left.get(record.generation) ?? 0) + 1)
    this.#expirer.add(record)
  }

  /** Ends a generation; resolves when all that was accepted before is settled. */
  async flush(): Promise<void> {
    const generation = this.#generation++
    if (![...this.#left.keys()].some(older => older <= generation)) return
    const { promise, resolve } = deferred<void>()
    this.#flushes.push({ generation, done: resolve })
    await promise
  }

  /** What was accepted up to this generation and is not settled, in order. */
  leftOf(generation: number): UserRecord[] {
    return this.all.filter(record => record.generation <= generation).map(({ record }) => record)
  }

  acknowledge(record: PendingRecord, { shardId, sequenceNumber }: StoredAt, subSequenceNumber: number): void {
    if (record.state === 'settled') return
    this.#acknowledged += 1
    this.#settle(record)
    record.resolve({
      shardId,
      sequenceNumber,
      subSequenceNumber,
      attempts: record.attempts,
      maybeDuplicate: record.maybeStored
    })
  }

  /** Hands the record back, once. */
  handBack(record: PendingRecord, cause: unknown): void {
    this.#handBack(record, () => new PutFailedError(record.handedBack(cause)))
  }

  expire(record: PendingRecord): void {
    const { recordTtlMs } = this.#options
    this.#handBack(record, () => new RecordExpiredError(record.handedBack(record.cause), recordTtlMs))
  }

  #handBack(record: PendingRecord, error: () => Error): void {
    if (record.state === 'settled') return
    this.#handedBack += 1
    this.#settle(record)
    record.reject(error())
  }

  #settle(record: PendingRecord): void {
    record.state = 'settled'
    this.#expirer.delete(record)
    this.#options.onSettled(record)
    const left = this.#left.get(record.generation)! - 1
    if (left > 0) {
      this.#left.set(record.generation, left)
      return
    }
    this.#left.delete(record.generation)
    if (this.#flushes.length === 0) return
    const oldest = Math.min(...this.#left.keys())
    const done = this.#flushes.filter(({ generation }) => generation < oldest)
    this.#flushes = this.#flushes.filter(({ generation }) => generation >= oldest)
    for (const flush of done) flush.done()
  }
}
