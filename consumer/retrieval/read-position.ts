import type { Clock } from '../../core/clock.ts'
import { type ExtendedSequenceNumber, Sentinel } from '../checkpoint/extended-sequence-number.ts'

/** A position as SubscribeToShard takes it; that of GetShardIterator has the same parts. */
export type StartingPosition =
  | { readonly Type: 'TRIM_HORIZON' | 'LATEST' }
  | { readonly Type: 'AT_TIMESTAMP'; readonly Timestamp: Date }
  | { readonly Type: 'AT_SEQUENCE_NUMBER' | 'AFTER_SEQUENCE_NUMBER'; readonly SequenceNumber: string }

export interface ReadPositionOptions {
  /** Reading begins behind this position. */
  readonly start: ExtendedSequenceNumber
  /** For a start at AT_TIMESTAMP. */
  readonly timestamp: Date | undefined
  readonly clock: Clock
}

/** Where reading of a shard stands, through every iterator and subscription that it takes. */
export class ReadPosition {
  readonly #options: ReadPositionOptions
  #behind: string | undefined
  /** When reading at LATEST began: what has to begin anew before its first record begins here. */
  #latestSince: Date | undefined

  constructor(options: ReadPositionOptions) {
    this.#options = options
  }

  /** Reading goes on behind this sequence number; undefined leaves it where it is. */
  moveBehind(sequenceNumber: string | undefined): void {
    this.#behind = sequenceNumber ?? this.#behind
  }

  /** Where the next iterator or subscription begins. The first call at LATEST pins the time. */
  startingPosition(): StartingPosition {
    const { start, timestamp, clock } = this.#options
    if (this.#behind !== undefined) return { Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: this.#behind }
    switch (start.sequenceNumber) {
      case Sentinel.latest:
        if (this.#latestSince !== undefined) return { Type: 'AT_TIMESTAMP', Timestamp: this.#latestSince }
        this.#latestSince = new Date(clock.wallTime())
        return { Type: 'LATEST' }
      case Sentinel.atTimestamp:
        return timestamp === undefined
          ? { Type: 'TRIM_HORIZON' }
          : { Type: 'AT_TIMESTAMP', Timestamp: timestamp }
      case Sentinel.trimHorizon:
        return { Type: 'TRIM_HORIZON' }
      default:
        // At, not after: user records of the same Kinesis record may be left. What was processed is passed over.
        return { Type: 'AT_SEQUENCE_NUMBER', SequenceNumber: start.sequenceNumber }
    }
  }
}
