import { CheckpointRejectedError } from '../errors.ts'
import type { RecordPosition } from '../handlers/handlers.ts'
import { compareSequence, type ExtendedSequenceNumber, isSentinel } from './extended-sequence-number.ts'

export interface CheckpointWriter {
  /** @throws LeaseLostError, ServiceError */
  checkpoint(position: ExtendedSequenceNumber): Promise<void>
  /** @throws LeaseLostError, ServiceError */
  prepare(position: ExtendedSequenceNumber, state: Uint8Array | undefined): Promise<void>
  /** Marks the shard as read to its end. */
  end(): Promise<void>
}

export interface CheckpointerOptions {
  readonly leaseKey: string
  readonly start: ExtendedSequenceNumber
  readonly writer: CheckpointWriter
  /** The position to store for this one: the same, or an earlier one where readers of another kind cannot begin there. */
  readonly storable: (position: ExtendedSequenceNumber) => ExtendedSequenceNumber
}

/** A checkpoint that is stored as pending until it is committed. */
export interface PreparedCheckpoint {
  readonly position: ExtendedSequenceNumber
  /** Makes it the checkpoint. */
  checkpoint(): Promise<void>
}

/**
 * Moves the checkpoint of one shard, under one tenure of its lease: from the last checkpoint to what was handed to the
 * handler, never back. After the lease is lost every call rejects with a `LeaseLostError`.
 */
export class Checkpointer {
  readonly #options: CheckpointerOptions
  #last: ExtendedSequenceNumber
  #permitted: ExtendedSequenceNumber
  #isAtEnd = false
  #hasEnded = false

  constructor(options: CheckpointerOptions) {
    this.#options = options
    this.#last = options.start
    this.#permitted = options.start
  }

  /** The last checkpoint that was written, or where reading began. */
  get last(): ExtendedSequenceNumber {
    return this.#last
  }

  /** The largest position that may be checkpointed: the last record that was handed over. */
  get permitted(): ExtendedSequenceNumber {
    return this.#permitted
  }

  /** Whether the shard is checkpointed as finished. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /**
   * Everything up to this position, a record or a sequence number with a sub-sequence number, was processed; without
   * one everything that was handed over, and in `shardEnded` the whole shard. Writes nothing when it is there already.
   *
   * @throws CheckpointRejectedError when it lies before the last checkpoint or behind what was handed over
   * @throws LeaseLostError; ServiceError when the outcome is not known: try again
   */
  async checkpoint(at?: RecordPosition): Promise<void> {
    const position = this.#check(at)
    if (this.#isAtEnd && compareSequence(position, this.#permitted) === 0) {
      await this.#end()
      return
    }
    if (compareSequence(position, this.#last) <= 0) return
    await this.#options.writer.checkpoint(position)
    this.#last = position
  }

  /**
   * Stores the position, and a little state of yours, beside the checkpoint: whoever owns the lease next gets them in
   * `initialize`, unless the handle that is returned, or any checkpoint, has been written before.
   */
  async prepareCheckpoint(at?: RecordPosition, state?: Uint8Array): Promise<PreparedCheckpoint> {
    const position = this.#check(at)
    if (compareSequence(position, this.#last) > 0 || state !== undefined)
      await this.#options.writer.prepare(position, state)
    return { position, checkpoint: () => this.checkpoint(position) }
  }

  /** Of the worker: the position was handed over. */
  permit(position: ExtendedSequenceNumber): void {
    if (compareSequence(position, this.#permitted) > 0) this.#permitted = position
  }

  /** Of the worker: nothing follows in this shard. */
  permitEnd(): void {
    this.#isAtEnd = true
  }

  async #end(): Promise<void> {
    if (this.#hasEnded) return
    await this.#options.writer.end()
    this.#hasEnded = true
  }

  #check(at: RecordPosition | undefined): ExtendedSequenceNumber {
    const { leaseKey, storable } = this.#options
    if (at === undefined) return storable(this.#permitted)
    const { sequenceNumber, subSequenceNumber } = at
    const isNumber = /^\d+$/.test(sequenceNumber) || isSentinel(sequenceNumber)
    if (!isNumber || !Number.isInteger(subSequenceNumber) || subSequenceNumber < 0) {
      throw new CheckpointRejectedError(leaseKey, 'is no position')
    }
    const position = { sequenceNumber, subSequenceNumber }
    if (compareSequence(position, this.#permitted) > 0)
      throw new CheckpointRejectedError(leaseKey, 'lies behind what was handed over')
    if (compareSequence(position, this.#last) < 0)
      throw new CheckpointRejectedError(leaseKey, 'lies before the last checkpoint')
    const stored = storable(position)
    return compareSequence(stored, this.#last) < 0 ? this.#last : stored
  }
}
