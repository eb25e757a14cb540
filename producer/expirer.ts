import type { CancelTimer, Clock } from '../core/clock.ts'
import type { PendingRecord } from './pending-record.ts'

/**
 * Every record that is not settled, in the order of acceptance, which is the order of expiry. One timer stands
 * at the first. A record that a request carries at its time is left to the answer.
 */
export class Expirer {
  readonly #clock: Clock
  readonly #onExpired: (record: PendingRecord) => void
  readonly #records = new Set<PendingRecord>()
  #cancelTimer: CancelTimer | undefined

  constructor(clock: Clock, onExpired: (record: PendingRecord) => void) {
    this.#clock = clock
    this.#onExpired = onExpired
  }

  get size(): number {
    return this.#records.size
  }

  get all(): Iterable<PendingRecord> {
    return this.#records
  }

  add(record: PendingRecord): void {
    this.#records.add(record)
    if (this.#cancelTimer === undefined) this.#arm(record.expiresAtMs)
  }

  delete(record: PendingRecord): void {
    this.#records.delete(record)
    if (this.#records.size > 0) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  #arm(atMs: number): void {
    this.#cancelTimer = this.#clock.schedule(() => this.#onTimer(), Math.max(0, atMs - this.#clock.now()))
  }

  #onTimer(): void {
    this.#cancelTimer = undefined
    const now = this.#clock.now()
    for (const record of this.#records) {
      if (record.expiresAtMs > now) {
        this.#arm(record.expiresAtMs)
        return
      }
      if (record.state === 'waiting') this.#onExpired(record)
    }
  }
}
