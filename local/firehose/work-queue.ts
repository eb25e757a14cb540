import type { Clock } from '../../core/clock.ts'
import { doublingDelayMs } from './destinations/destination.ts'

export interface WorkQueueOptions<Batch> {
  readonly clock: Clock
  /** Settles when the batch is done with, whatever became of it. */
  readonly work: (batch: Batch) => Promise<void>
  /** Not called for what was discarded. */
  readonly onDone: (batch: Batch) => void
}

/**
 * Batches that are worked on one at a time and in order. The work may have to let time pass, between two attempts for
 * example: whoever waits for the queue does not wait for that.
 */
export class WorkQueue<Batch> {
  readonly #options: WorkQueueOptions<Batch>
  readonly #stop = new AbortController()
  #batches: Batch[] = []
  #working: Promise<void> | undefined
  #waiters: (() => void)[] = []
  /** Time has to pass before work goes on. */
  #isWaiting = false

  constructor(options: WorkQueueOptions<Batch>) {
    this.#options = options
  }

  /** The one that is worked on, and those behind it. */
  get batches(): readonly Batch[] {
    return this.#batches
  }

  /** Whether something is under way that does not wait for time to pass. */
  get isBusy(): boolean {
    return this.#working !== undefined && !this.#isWaiting
  }

  /** Aborts when everything is discarded. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Worked on from `start` on, if nothing is under way. */
  push(batch: Batch): void {
    this.#batches.push(batch)
  }

  start(): void {
    if (this.#batches.length === 0) return
    this.#working ??= this.#workAll().finally(() => {
      this.#working = undefined
      this.#wake()
    })
  }

  /** Resolves when nothing is left, or nothing goes on before time has passed. */
  async settled(): Promise<void> {
    if (!this.isBusy) return
    await new Promise<void>(resolve => {
      this.#waiters.push(resolve)
    })
  }

  /** Drops everything. Resolves when nothing is under way. */
  async discard(): Promise<void> {
    this.#stop.abort()
    this.#batches = []
    this.#wake()
    await this.#working
  }

  /** Lets `ms` milliseconds pass. Rejects when everything is discarded. */
  async wait(ms: number): Promise<void> {
    this.#isWaiting = true
    this.#wake()
    try {
      await this.#options.clock.sleep(ms, this.#stop.signal)
    } finally {
      this.#isWaiting = false
    }
  }

  /**
   * Tries again until it succeeds: nothing else would keep what is written. Returns whether it did, before everything
   * was discarded. `onFailed` hears of every attempt that did not.
   */
  async untilDone(write: () => Promise<unknown>, onFailed?: (error: unknown) => void): Promise<boolean> {
    for (let attempts = 1; !this.#stop.signal.aborted; attempts += 1) {
      try {
        await write()
        return true
      } catch (error) {
        onFailed?.(error)
        await this.wait(doublingDelayMs(attempts)).catch(() => {})
      }
    }
    return false
  }

  async #workAll(): Promise<void> {
    while (this.#batches.length > 0) {
      const batch = this.#batches[0]!
      await this.#options.work(batch)
      // A discard in the meantime has emptied the queue.
      if (this.#batches[0] !== batch) continue
      this.#batches.shift()
      this.#options.onDone(batch)
    }
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }
}
