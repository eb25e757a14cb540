import { type Deferred, deferred } from '../../core/concurrency.ts'
import type { ConsumedRecord } from '../../core/user-record.ts'
import type { BatchContext, BatchHandler } from './handlers.ts'

/** What `for await` gives: the user records of one read of one shard. */
export interface ConsumedBatch extends BatchContext {
  readonly records: readonly ConsumedRecord[]
}

interface Offer {
  readonly batch: ConsumedBatch
  readonly done: Deferred<void>
}

/**
 * Turns the calls of a batch handler into an iteration. A batch counts as processed when the next one is asked for; one
 * in whose turn the loop was left comes again. Batches of several shards take turns.
 */
export class BatchIterator {
  readonly #waiting: Offer[] = []
  #asked: Deferred<Offer | undefined> | undefined
  #current: Offer | undefined
  #isOver = false

  /** The handler whose calls are iterated over. */
  readonly handler: BatchHandler = (records, context) => {
    if (this.#isOver) return Promise.reject(new Error('nobody iterates over the batches any more'))
    const offer = { batch: { ...context, records }, done: deferred<void>() }
    if (this.#asked === undefined) this.#waiting.push(offer)
    else {
      this.#asked.resolve(offer)
      this.#asked = undefined
    }
    return offer.done.promise
  }

  /** The next batch, and the one before is done; undefined when no batch follows. */
  async next(): Promise<ConsumedBatch | undefined> {
    this.#current?.done.resolve()
    this.#current = undefined
    const offer = this.#waiting.shift() ?? (await this.#ask())
    this.#current = offer
    return offer?.batch
  }

  /** Nobody asks any more: what is not done fails, and comes again elsewhere. */
  leave(): void {
    this.#isOver = true
    for (const { done } of [...(this.#current === undefined ? [] : [this.#current]), ...this.#waiting])
      done.reject(new Error('the iteration was left'))
    this.#waiting.length = 0
    this.#current = undefined
  }

  /** No batch follows. */
  end(): void {
    this.#isOver = true
    this.#asked?.resolve(undefined)
    this.#asked = undefined
  }

  #ask(): Promise<Offer | undefined> {
    if (this.#isOver) return Promise.resolve(undefined)
    this.#asked = deferred()
    return this.#asked.promise
  }
}
