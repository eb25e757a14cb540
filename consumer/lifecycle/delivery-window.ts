import type { Clock } from '../../core/clock.ts'
import { Semaphore } from '../../core/concurrency.ts'
import type { ExtendedSequenceNumber } from '../checkpoint/extended-sequence-number.ts'

export interface DeliveryWindowOptions {
  readonly clock: Pick<Clock, 'now'>
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
  /** `onProgress` takes positions up to which the batch is acknowledged before it is as a whole. */
  readonly deliver: (onProgress: (end: ExtendedSequenceNumber) => void) => Promise<void>
  /** It is acknowledged, with all before it, and the mark has moved. */
  readonly done: () => void
}

/** The mark moves inside of a batch no more often than this, in milliseconds: each time is a write. Guessed. */
const partialMarkMs = 1_000

/**
 * Batches of one shard that were handed over and are acknowledged in any order; the mark follows the oldest that is
 * not, and into that one when it takes its time. Bounded in batches and bytes. The first failure ends it.
 */
export class DeliveryWindow {
  readonly #options: DeliveryWindowOptions
  readonly #batches: Semaphore
  readonly #bytes: Semaphore
  readonly #failed = new AbortController()
  /** Settles when all so far are acknowledged, in order. */
  #tail: Promise<void> = Promise.resolve()
  #markedMs: number

  constructor(options: DeliveryWindowOptions) {
    this.#options = options
    this.#batches = new Semaphore(options.maxBatches)
    this.#bytes = new Semaphore(options.maxBytes)
    this.#markedMs = options.clock.now()
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
    const startedMs = this.#options.clock.now()
    let isOldest = false
    let isMarking = false
    let partial = Promise.resolve()
    const delivered = deliver(position => {
      const waitedMs = this.#options.clock.now() - Math.max(startedMs, this.#markedMs)
      if (!isOldest || isMarking || waitedMs < partialMarkMs) return
      isMarking = true
      partial = this.#mark(position).finally(() => {
        isMarking = false
      })
      partial.catch((error: unknown) => this.#failed.abort(error))
    }).finally(() => {
      this.#bytes.release(bytes)
      this.#batches.release(1)
    })
    // Looked at when its turn comes.
    delivered.catch(() => {})
    const before = this.#tail
    this.#tail = before
      .then(() => {
        isOldest = true
        return delivered
      })
      .then(() => partial)
      .then(() => (end === undefined ? undefined : this.#mark(end)))
      .then(done)
    this.#tail.catch((error: unknown) => this.#failed.abort(error))
  }

  /** Resolves when everything is acknowledged and the mark has moved; rejects with the first failure. */
  drained(): Promise<void> {
    return this.#tail
  }

  #mark(end: ExtendedSequenceNumber): Promise<void> {
    this.#markedMs = this.#options.clock.now()
    return this.#options.onAcknowledged(end)
  }
}
