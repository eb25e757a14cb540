import { Semaphore } from '../../core/concurrency.ts'
import type { ExtendedSequenceNumber } from '../checkpoint/extended-sequence-number.ts'

export interface DeliveryWindowOptions {
  /** Most batches, and most bytes, that are not acknowledged. */
  readonly maxBatches: number
  readonly maxBytes: number
  /** Everything up to this position is acknowledged: the low-water mark of the shard. */
  readonly onAcknowledged: (end: ExtendedSequenceNumber) => Promise<void>
}

export interface WindowBatch {
  readonly bytes: number
  /** Position of its last record; undefined when the mark stays where it is. */
  readonly end: ExtendedSequenceNumber | undefined
  readonly deliver: () => Promise<void>
  /** It is acknowledged, with all before it, and the mark has moved. */
  readonly done: () => void
}

/**
 * Batches of one shard that were handed over and are acknowledged in any order; the mark follows the oldest that is
 * not. Bounded in batches and bytes. The first failure ends it.
 */
export class DeliveryWindow {
  readonly #options: DeliveryWindowOptions
  readonly #batches: Semaphore
  readonly #bytes: Semaphore
  readonly #failed = new AbortController()
  /** Settles when all so far are acknowledged, in order. */
  #tail: Promise<void> = Promise.resolve()

  constructor(options: DeliveryWindowOptions) {
    this.#options = options
    this.#batches = new Semaphore(options.maxBatches)
    this.#bytes = new Semaphore(options.maxBytes)
  }

  /** Aborted with the first failure. */
  get signal(): AbortSignal {
    return this.#failed.signal
  }

  /** Waits for room, then has the batch delivered. Rejects with the signal's reason, or with the first failure. */
  async add({ bytes, end, deliver, done }: WindowBatch, signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, this.#failed.signal])
    await this.#batches.take(1, ended)
    try {
      await this.#bytes.take(bytes, ended)
    } catch (error) {
      this.#batches.release(1)
      throw error
    }
    const delivered = deliver().finally(() => {
      this.#bytes.release(bytes)
      this.#batches.release(1)
    })
    // Looked at when its turn comes.
    delivered.catch(() => {})
    const before = this.#tail
    this.#tail = before
      .then(() => delivered)
      .then(() => (end === undefined ? undefined : this.#options.onAcknowledged(end)))
      .then(done)
    this.#tail.catch((error: unknown) => this.#failed.abort(error))
  }

  /** Resolves when everything is acknowledged and the mark has moved; rejects with the first failure. */
  drained(): Promise<void> {
    return this.#tail
  }
}
