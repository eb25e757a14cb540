import { identify, type RecordContent, type RecordIdentity } from './record-identity.ts'

/** A destination whose content can be read, and how its records are told apart. */
export interface LedgerDestination {
  readonly name: string
  readonly identity: RecordIdentity
}

/** What came to one destination. */
export interface DestinationSummary {
  /** Distinct ids whose content there has the input's digest. */
  readonly delivered: number
  /** Further deliveries of ids that were delivered there already: legitimate, since delivery is at least once. */
  readonly duplicates: number
  /** Content that belongs to no accepted id, or differs from what was put. */
  readonly foreign: number
}

/** Where the ids of a run stand. `accepted` = `delivered` + `deadLettered` + `handedBack` + `inFlight` + `lost`. */
export interface LedgerSummary {
  readonly accepted: number
  /** Distinct ids that came to every destination. */
  readonly delivered: number
  /** Those of all destinations together. */
  readonly duplicates: number
  readonly deadLettered: number
  readonly handedBack: number
  /** Put, and neither acknowledged nor handed back. */
  readonly inFlight: number
  /** Accepted ids that are not at every destination, and neither dead-lettered, handed back nor in flight. */
  readonly lost: number
  /** Those of all destinations together. */
  readonly foreign: number
  readonly destinations: Readonly<Record<string, DestinationSummary>>
}

const State = { put: 0, acknowledged: 1, delivered: 2, deadLettered: 3, handedBack: 4 } as const
type State = (typeof State)[keyof typeof State]

/** Equal records are interchangeable: they are delivered in the order in which they were accepted. */
interface EqualRecords {
  readonly indices: number[]
  /** How many came to each destination. */
  readonly delivered: number[]
}

/** Digest as a binary string -> the index of the record, or all of them where several are equal. */
type Digests = Map<string, number | EqualRecords>

/**
 * Follows every id of a run from acceptance to each of up to 16 destinations. Ids are told apart by a digest of their
 * bytes, or of what their JSON says where the destination parses it, so a record that was altered on the way does not
 * count as delivered. Equal input lines count one by one: the n-th delivery of their content stands for the n-th of
 * them, and what comes after the last is a duplicate. Keeps about 100 bytes per record and way of telling them apart,
 * and no payload.
 */
export class Ledger {
  readonly #destinations: readonly LedgerDestination[]
  readonly #counts: readonly { -readonly [K in keyof DestinationSummary]: number }[]
  readonly #byDigest: ReadonlyMap<RecordIdentity, Digests>
  /** For each destination: digest -> deliveries that found no id waiting for them, foreign ones and duplicates. */
  readonly #unclaimed: readonly Map<string, number>[]
  /** Sequence number of a Kinesis record -> the index of each user record inside, by sub-sequence number. */
  readonly #bySequence = new Map<string, number[]>()
  /** Sequence number of a dead-lettered Kinesis record -> the sub-sequence numbers that it was for, or all. */
  readonly #deadLetters = new Map<string, ReadonlySet<number> | 'all'>()
  #states = new Uint8Array(1024)
  /** One bit for each destination that has the record. */
  #arrived = new Uint16Array(1024)
  #count = 0
  readonly #totals: Record<State, number> = { 0: 0, 1: 0, 2: 0, 3: 0, 4: 0 }

  constructor(destinations: readonly LedgerDestination[] = [{ name: 's3', identity: 'bytes' }]) {
    this.#destinations = destinations
    this.#counts = destinations.map(() => ({ delivered: 0, duplicates: 0, foreign: 0 }))
    this.#byDigest = new Map(destinations.map(({ identity }) => [identity, new Map()]))
    this.#unclaimed = destinations.map(() => new Map())
  }

  /** A record is about to be put. Returns its index, which later calls take. */
  accept(data: Uint8Array): number {
    const index = this.#count++
    if (index === this.#states.length) this.#grow()
    this.#totals[State.put] += 1
    for (const [identity, digests] of this.#byDigest) {
      const digest = identify(data, identity)
      const known = digests.get(digest)
      if (known === undefined) {
        digests.set(digest, index)
        this.#claim(digest, identity)
      } else if (typeof known === 'object') known.indices.push(index)
      else digests.set(digest, { indices: [known, index], delivered: this.#deliveriesOf(known) })
    }
    return index
  }

  /**
   * A record that the run has put before it was interrupted, and does not put again: what was delivered of it already
   * is its own. Returns its index.
   */
  acceptAgain(data: Uint8Array): number {
    const index = this.accept(data)
    for (const [destination, { identity }] of this.#destinations.entries()) {
      const digest = identify(data, identity)
      const unclaimed = this.#unclaimed[destination]!
      const delivered = unclaimed.get(digest) ?? 0
      if (delivered === 0) continue
      unclaimed.set(digest, delivered - 1)
      this.#counts[destination]!.duplicates -= 1
      this.deliver(data, destination)
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

  /**
   * One record as a destination holds it; `destination` is its place in the list that the ledger was made with. Returns
   * the index of the record; undefined for a foreign one, and when it is there again.
   */
  deliver(content: RecordContent, destination = 0): number | undefined {
    const { identity } = this.#destinations[destination]!
    const counts = this.#counts[destination]!
    const bit = 1 << destination
    const digest = identify(content, identity)
    const known = this.#byDigest.get(identity)!.get(digest)
    const index = typeof known === 'object' ? known.indices[known.delivered[destination]!] : known
    if (index === undefined || (this.#arrived[index]! & bit) !== 0) {
      const unclaimed = this.#unclaimed[destination]!
      unclaimed.set(digest, (unclaimed.get(digest) ?? 0) + 1)
      if (known === undefined) counts.foreign += 1
      else counts.duplicates += 1
      return undefined
    }
    counts.delivered += 1
    if (typeof known === 'object') known.delivered[destination]! += 1
    this.#arrived[index]! |= bit
    if (this.#arrived[index] === 2 ** this.#destinations.length - 1) this.#move(index, State.delivered)
    return index
  }

  /** Whether every accepted id has come to an end. */
  get settled(): boolean {
    return this.#totals[State.put] === 0 && this.#totals[State.acknowledged] === 0
  }

  get summary(): LedgerSummary {
    return {
      accepted: this.#count,
      delivered: this.#totals[State.delivered],
      duplicates: this.#sum('duplicates'),
      deadLettered: this.#totals[State.deadLettered],
      handedBack: this.#totals[State.handedBack],
      inFlight: this.#totals[State.put],
      lost: this.#totals[State.acknowledged],
      foreign: this.#sum('foreign'),
      destinations: Object.fromEntries(
        this.#destinations.map(({ name }, index) => [name, { ...this.#counts[index]! }])
      )
    }
  }

  /** What was delivered before the first record of its kind is accepted: by the same run, before it was interrupted. */
  #claim(digest: string, identity: RecordIdentity): void {
    for (const [destination, counts] of this.#counts.entries()) {
      if (this.#destinations[destination]!.identity !== identity) continue
      const delivered = this.#unclaimed[destination]!.get(digest) ?? 0
      counts.foreign -= delivered
      counts.duplicates += delivered
    }
  }

  #sum(figure: keyof DestinationSummary): number {
    return this.#counts.reduce((sum, counts) => sum + counts[figure], 0)
  }

  /** How often a record that was alone of its kind came to each destination. */
  #deliveriesOf(index: number): number[] {
    return this.#destinations.map((_, destination) => (this.#arrived[index]! >>> destination) & 1)
  }

  #grow(): void {
    const states = new Uint8Array(this.#states.length * 2)
    states.set(this.#states)
    this.#states = states
    const arrived = new Uint16Array(this.#arrived.length * 2)
    arrived.set(this.#arrived)
    this.#arrived = arrived
  }

  #move(index: number, state: State): void {
    this.#totals[this.#states[index] as State] -= 1
    this.#states[index] = state
    this.#totals[state] += 1
  }
}
