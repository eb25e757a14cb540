import { compareSequence, type ExtendedSequenceNumber } from './extended-sequence-number.ts'

interface Bounds {
  readonly before: ExtendedSequenceNumber
  readonly last: ExtendedSequenceNumber
}

/**
 * Where the sealed aggregates begin and end that were handed over. To a worker of another kind such an aggregate is one
 * plain record, so a position inside of it means nothing there: the one before it is stored instead.
 */
export class AggregateBounds {
  readonly #bounds = new Map<string, Bounds>()

  note(before: ExtendedSequenceNumber, last: ExtendedSequenceNumber): void {
    this.#bounds.set(last.sequenceNumber, { before, last })
  }

  /** Forgets what lies before the checkpoint. */
  forget(checkpoint: ExtendedSequenceNumber): void {
    for (const [sequenceNumber, { last }] of this.#bounds)
      if (compareSequence(last, checkpoint) <= 0) this.#bounds.delete(sequenceNumber)
  }

  storable(position: ExtendedSequenceNumber): ExtendedSequenceNumber {
    const bounds = this.#bounds.get(position.sequenceNumber)
    return bounds !== undefined && compareSequence(position, bounds.last) < 0 ? bounds.before : position
  }
}
