import { type Deferred, deferred } from '../core/concurrency.ts'
import type { SealstreamError, UndeliverableError } from '../core/errors.ts'
import type { Batch } from './batch.ts'
import type { SinkEvent, SinkRecord } from './types.ts'

/** What becomes of records, over all offers of a sink. */
export interface RecordCounters {
  offered: number
  delivered: number
  undeliverable: number
  failed: number
}

export interface OfferOptions {
  readonly counters: RecordCounters
  readonly onEvent: (event: SinkEvent) => void
  readonly onDelivered?: ((record: SinkRecord, index: number, recordId: string) => void) | undefined
  /** A record that can never be delivered, or that was given up. Without it such an error ends the offer. */
  readonly onError?: ((error: SealstreamError, record: SinkRecord, index: number) => void) | undefined
  /** Beside `onError`: whether the offer ends with the first record that is given up. */
  readonly endsWithFailure?: boolean
}

/**
 * The records that one caller handed over, and the one promise for all of them: no record has one of its own. It ends
 * when every record is settled, or at once when it fails; what comes in for it after that is nobody's concern.
 */
export class Offer {
  /** Until every record is counted in, nothing can be the last one. */
  #isComplete = false
  #left = 0
  #isOver = false
  readonly #options: OfferOptions
  readonly #done: Deferred<void> = deferred()
  /** The batch that it joined last, and the others: an offer of one record has none, and there are many of these. */
  #batch: Batch | undefined
  #others: Set<Batch> | undefined

  constructor(options: OfferOptions) {
    this.#options = options
    this.#done.promise.catch(() => {})
  }

  /** Settles with the offer. */
  get done(): Promise<void> {
    return this.#done.promise
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Counts records in. */
  take(records: number): void {
    this.#left += records
    this.#options.counters.offered += records
  }

  /** No more are counted in. */
  complete(): void {
    this.#isComplete = true
    this.#endIfSettled()
  }

  /** The batch is told when the offer fails. */
  joins(batch: Batch): boolean {
    if (this.#batch === batch) return false
    if (this.#batch !== undefined) {
      this.#others ??= new Set()
      this.#others.add(this.#batch)
    }
    this.#batch = batch
    return true
  }

  leaves(batch: Batch): void {
    if (this.#batch === batch) this.#batch = undefined
    else this.#others?.delete(batch)
  }

  delivered(record: SinkRecord, index: number, recordId: string): void {
    if (this.#isOver) return
    this.#left -= 1
    this.#options.counters.delivered += 1
    this.#options.onDelivered?.(record, index, recordId)
    this.#endIfSettled()
  }

  undeliverable(record: SinkRecord, index: number, error: UndeliverableError): void {
    if (this.#isOver) return
    const { counters, onEvent } = this.#options
    this.#left -= 1
    counters.undeliverable += 1
    onEvent({ type: 'recordUndeliverable', errorCode: error.code })
    this.#tell(record, index, error)
  }

  givenUp(record: SinkRecord, index: number, error: SealstreamError): void {
    if (this.#isOver) return
    if (this.#options.endsWithFailure) {
      this.fail(error)
      return
    }
    this.#left -= 1
    this.#options.counters.failed += 1
    this.#tell(record, index, error)
  }

  /** Gives up all that is left. */
  fail(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#options.counters.failed += this.#left
    this.#left = 0
    this.#done.reject(error)
    this.#batch?.offerFailed()
    for (const batch of this.#others ?? []) batch.offerFailed()
  }

  #tell(record: SinkRecord, index: number, error: SealstreamError): void {
    const { onError } = this.#options
    if (onError === undefined) this.fail(error)
    else {
      onError(error, record, index)
      this.#endIfSettled()
    }
  }

  #endIfSettled(): void {
    if (!this.#isComplete || this.#left > 0 || this.#isOver) return
    this.#isOver = true
    this.#done.resolve()
  }
}
