import { hash } from 'node:crypto'

/** Where the ids of a run stand. `accepted` = `delivered` + `deadLettered` + `handedBack` + `inFlight` + `lost`. */
export interface LedgerSummary {
  readonly accepted: number
  /** Distinct ids whose delivered bytes have the input's digest. */
  readonly delivered: number
  /** Further deliveries of ids that were delivered already: legitimate, since delivery is at least once. */
  readonly duplicates: number
  readonly deadLettered: number
  readonly handedBack: number
  /** Put, and neither acknowledged nor handed back. */
  readonly inFlight: number
  /** Accepted ids that are neither delivered, dead-lettered, handed back nor in flight. */
  readonly lost: number
  /** Delivered bytes that belong to no accepted id, or differ from what was put. */
  readonly foreign: number
}

const State = { put: 0, acknowledged: 1, delivered: 2, deadLettered: 3, handedBack: 4 } as const
type State = (typeof State)[keyof typeof State]

/** Records with equal bytes are interchangeable: they are delivered in the order in which they were accepted. */
interface EqualRecords {
  readonly indices: number[]
  delivered: number
}

/**
 * Follows every id of a run from acceptance to delivery. Ids are told apart by the digest of their bytes, so
 * a record that was altered on the way does not count as delivered. Input lines with equal bytes count one
 * by one: the n-th delivery of such bytes stands for the n-th of them, and what comes after the last is a
 * duplicate. Keeps about 100 bytes per record, and no payload.
 */
export class Ledger {
  /** Digest as a binary string -> the index with these bytes, or all of them where they occur more than once. */
  readonly #byDigest = new Map<string, number | EqualRecords>()
  /** Sequence number of a Kinesis record -> the index of each user record inside, by sub-sequence number. */
  readonly #bySequence = new Map<string, number[]>()
  /** Sequence number of a dead-lettered Kinesis record -> the sub-sequence numbers that it was for, or all. */
  readonly #deadLetters = new Map<string, ReadonlySet<number> | 'all'>()
  #states = new Uint8Array(1024)
  #count = 0
  /** Digest -> deliveries that found no id waiting for them: foreign ones and duplicates. */
  readonly #unclaimed = new Map<string, number>()
  #duplicates = 0
  #foreign = 0
  readonly #totals: Record<State, number> = { 0: 0, 1: 0, 2: 0, 3: 0, 4: 0 }

  /** A record is about to be put. Returns its index, which later calls take. */
  accept(data: Uint8Array): number {
    const index = this.#count++
    if (index === this.#states.length) {
      const larger = new Uint8Array(this.#states.length * 2)
      larger.set(this.#states)
      this.#states = larger
    }
    this.#totals[State.put] += 1
    const digest = digestOf(data)
    const known = this.#byDigest.get(digest)
    if (known === undefined) this.#byDigest.set(digest, index)
    else if (typeof known === 'number') {
      const delivered = this.#states[known] === State.delivered ? 1 : 0
      this.#byDigest.set(digest, { indices: [known, index], delivered })
    } else known.indices.push(index)
    // Delivered before: by the same run, which was interrupted and puts them again.
    const delivered = known === undefined ? (this.#unclaimed.get(digest) ?? 0) : 0
    this.#foreign -= delivered
    this.#duplicates += delivered
    return index
  }

  /**
   * A record that the run has put before it was interrupted, and does not put again: what was delivered of it already
   * is its own. Returns its index.
   */
  acceptAgain(data: Uint8Array): number {
    const index = this.accept(data)
    const digest = digestOf(data)
    const delivered = this.#unclaimed.get(digest) ?? 0
    if (delivered > 0) {
      this.#unclaimed.set(digest, delivered - 1)
      this.#duplicates -= 1
      this.deliver(data)
    }
    return index
  }

  /** Kinesis has the record, inside the Kinesis record of this sequence number. */
  acknowledge(index: number, sequenceNumber: string, subSequenceNumber: number): void {
    if (this.#states[index] !== State.put) return
    this.#move(index, State.acknowledged)
    let indices = this.#bySequence.get(sequenceNumber)
    if (indices === undefined) {
      indices = []
      this.#bySequence.set(sequenceNumber, indices)
    }
    indices[subSequenceNumber] = index
    // A worker may have had the record before its producer got the answer.
    const dead = this.#deadLetters.get(sequenceNumber)
    if (dead === 'all' || dead?.has(subSequenceNumber)) this.#move(index, State.deadLettered)
  }

  /** The producer gave the record back with its cause. */
  handBack(index: number): void {
    if (this.#states[index] === State.put) this.#move(index, State.handedBack)
  }

  /** The record was dead-lettered before it was put. */
  deadLetterInput(index: number): void {
    this.#move(index, State.deadLettered)
  }

  /**
   * A Kinesis record was dead-lettered: all its ids, or those at the given indices inside the aggregate.
   * What was delivered all the same stays delivered. May come before `acknowledge`.
   */
  deadLetter(sequenceNumber: string, subSequenceNumbers?: readonly number[]): void {
    const known = this.#deadLetters.get(sequenceNumber)
    this.#deadLetters.set(
      sequenceNumber,
      subSequenceNumbers === undefined || known === 'all'
        ? 'all'
        : new Set([...(known ?? []), ...subSequenceNumbers])
    )
    const indices = this.#bySequence.get(sequenceNumber) ?? []
    const chosen = subSequenceNumbers?.map(sub => indices[sub]) ?? indices
    for (const index of chosen) {
      if (index !== undefined && this.#states[index] !== State.delivered)
        this.#move(index, State.deadLettered)
    }
  }

  /** One record as the destination holds it. */
  deliver(data: Uint8Array): void {
    const digest = digestOf(data)
    const known = this.#byDigest.get(digest)
    const index = typeof known === 'object' ? known.indices[known.delivered] : known
    if (index === undefined || this.#states[index] === State.delivered) {
      this.#unclaimed.set(digest, (this.#unclaimed.get(digest) ?? 0) + 1)
      if (known === undefined) this.#foreign += 1
      else this.#duplicates += 1
    } else {
      this.#move(index, State.delivered)
      if (typeof known === 'object') known.delivered += 1
    }
  }

  /** Whether every accepted id has come to an end. */
  get settled(): boolean {
    return this.#totals[State.put] === 0 && this.#totals[State.acknowledged] === 0
  }

  get summary(): LedgerSummary {
    return {
      accepted: this.#count,
      delivered: this.#totals[State.delivered],
      duplicates: this.#duplicates,
      deadLettered: this.#totals[State.deadLettered],
      handedBack: this.#totals[State.handedBack],
      inFlight: this.#totals[State.put],
      lost: this.#totals[State.acknowledged],
      foreign: this.#foreign
    }
  }

  #move(index: number, state: State): void {
    this.#totals[this.#states[index] as State] -= 1
    this.#states[index] = state
    this.#totals[state] += 1
  }
}

function digestOf(data: Uint8Array): string {
  return hash('sha256', data, 'binary')
}
