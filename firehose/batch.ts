import type { Offer } from './offer.ts'
import type { SinkRecord } from './types.ts'

/** A user record inside an entry. */
export interface Member {
  readonly offer: Offer
  readonly record: SinkRecord
  /** Of the record in its offer. */
  readonly index: number
  /** By the clock's `now`; until then it is tried. */
  readonly deadlineMs: number
}

/** One Firehose record, and the user records in it. */
export interface Entry {
  readonly data: Uint8Array
  readonly members: readonly Member[]
  /** What its members would be billed one by one, in bytes. */
  readonly billedApart: number
}

/** What goes out as one PutRecordBatch request, and what fails of it again. */
export class Batch {
  readonly entries: readonly Entry[]
  readonly bytes: number
  /** User records in it. */
  readonly records: number
  readonly #offers = new Set<Offer>()
  readonly #abandoned = new AbortController()

  constructor(entries: readonly Entry[], bytes: number) {
    this.entries = entries
    this.bytes = bytes
    let records = 0
    for (const { members } of entries) {
      records += members.length
      for (const { offer } of members) if (offer.joins(this)) this.#offers.add(offer)
    }
    this.records = records
    this.offerFailed()
  }

  /** Aborted when nobody waits for any of it any more. */
  get signal(): AbortSignal {
    return this.#abandoned.signal
  }

  offerFailed(): void {
    for (const offer of this.#offers) if (!offer.isOver) return
    this.#abandoned.abort()
  }

  fail(error: unknown): void {
    for (const offer of this.#offers) offer.fail(error)
  }

  /** It is settled. */
  end(): void {
    for (const offer of this.#offers) offer.leaves(this)
  }
}
