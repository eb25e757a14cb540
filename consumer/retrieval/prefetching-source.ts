import { type Deferred, deferred, Semaphore } from '../../core/concurrency.ts'
import { WorkerStoppedError } from '../errors.ts'
import type { ShardBudget } from './read-budget.ts'
import type { ReadBatch, RecordSource } from './record-source.ts'

export interface PrefetchingSourceOptions {
  readonly source: RecordSource
  readonly budget: ShardBudget
  /** Ends reading ahead, also while a handler keeps the source from being closed. */
  readonly signal: AbortSignal
  /** Batches that wait at most, beside the one in hand. @default 4 */
  readonly maxBatches?: number
}

/** Estimates in bytes, guessed: of the first answer, and the least of any. */
const firstEstimate = 64 * 1024
const leastEstimate = 4 * 1024

/**
 * Reads ahead while the handler works, within a number of batches and a budget of bytes. What waits here is lost for
 * nobody: it is never given up while the source is open, and after `close` the next owner reads it again.
 */
export class PrefetchingSource implements RecordSource {
  readonly #source: RecordSource
  readonly #budget: ShardBudget
  readonly #slots: Semaphore
  readonly #stop = new AbortController()
  readonly #queue: ReadBatch[] = []
  #arrival: Deferred<void> | undefined
  #reading: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined
  #estimate = firstEstimate

  constructor({ source, budget, signal, maxBatches = 4 }: PrefetchingSourceOptions) {
    this.#source = source
    this.#budget = budget
    this.#slots = new Semaphore(maxBatches)
    if (signal.aborted) this.#stop.abort(signal.reason)
    signal.addEventListener('abort', () => this.#stop.abort(signal.reason), { once: true })
  }

  async next(signal: AbortSignal): Promise<ReadBatch> {
    this.#reading ??= this.#readAhead()
    for (;;) {
      signal.throwIfAborted()
      const batch = this.#queue.shift()
      if (batch !== undefined) {
        this.#slots.release(1)
        return batch
      }
      if (this.#failure !== undefined) throw this.#failure.error
      await this.#untilArrival(signal)
    }
  }

  async close(): Promise<void> {
    this.#stop.abort(new WorkerStoppedError())
    await this.#reading
    this.#queue.length = 0
    // The batch in hand too: whoever closes does not finish it.
    this.#budget.close()
  }

  /** Ends at the end of the shard, with a failure, and when the source is closed; then the source below is closed. */
  async #readAhead(): Promise<void> {
    const { signal } = this.#stop
    try {
      for (let isAtEnd = false; !isAtEnd; ) {
        await this.#slots.take(1, signal)
        const reservation = await this.#budget.reserve(this.#estimate, signal)
        let batch: ReadBatch
        try {
          batch = await this.#source.next(signal)
        } catch (error) {
          reservation.release()
          throw error
        }
        // It stays here until it is finished or the source is closed: the source below need not keep it.
        batch.done()
        reservation.resize(batch.sizeBytes)
        // Falls slowly, so that a shard in bursts does not take the budget by surprise each time.
        this.#estimate = Math.max(batch.sizeBytes, Math.ceil(this.#estimate / 2), leastEstimate)
        isAtEnd = batch.children !== undefined
        if (batch.records.length === 0) reservation.release()
        if (batch.records.length === 0 && !isAtEnd && this.#queue.length > 0) this.#slots.release(1)
        else this.#queue.push({ ...batch, done: () => reservation.release() })
        this.#arrival?.resolve()
      }
    } catch (error) {
      this.#failure = { error }
      this.#arrival?.resolve()
    } finally {
      await this.#source.close()
    }
  }

  async #untilArrival(signal: AbortSignal): Promise<void> {
    const arrival = deferred<void>()
    this.#arrival = arrival
    const onAbort = (): void => arrival.resolve()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await arrival.promise
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#arrival = undefined
    }
  }
}
