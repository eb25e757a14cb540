import { Semaphore } from '../../core/concurrency.ts'

/** Bytes that a read has taken of the budget. */
export interface Reservation {
  /** Corrects the estimate once the size is known. It may go beyond the budget: the bytes are there already. */
  resize(bytes: number): void
  /** Gives everything back. Further calls do nothing. */
  release(): void
}

/**
 * The bytes of Kinesis records that all shards of a worker hold together: those in hand, those read ahead, and those
 * on their way. One half is for shards that hold nothing, the other for reading ahead; each half is served in the
 * order of asking. So whatever is read ahead for a shard whose handler is slow or hangs, it never keeps another shard
 * from its next batch.
 *
 * The size of an answer is known when it is there. Until then an estimate stands for it, so the budget is exceeded by
 * what the answers on their way turn out larger than estimated, and nothing more is read until that is worked off.
 */
export class ReadBudget {
  readonly #first: Semaphore
  readonly #ahead: Semaphore

  constructor(maxBytes: number) {
    this.#first = new Semaphore(Math.ceil(maxBytes / 2))
    this.#ahead = new Semaphore(Math.floor(maxBytes / 2))
  }

  get takenBytes(): number {
    return this.#first.taken + this.#ahead.taken
  }

  /** The part of one shard. */
  openShard(): ShardBudget {
    return new ShardBudget(this.#first, this.#ahead)
  }
}

export class ShardBudget {
  readonly #first: Semaphore
  readonly #ahead: Semaphore
  readonly #held = new Set<Reservation>()
  /** Ends the wait for reading ahead when the shard holds nothing any more. */
  #onEmptied: (() => void) | undefined

  constructor(first: Semaphore, ahead: Semaphore) {
    this.#first = first
    this.#ahead = ahead
  }

  /** Takes `bytes`, waiting for room; rejects with the signal's reason. One call at a time. */
  async reserve(bytes: number, signal: AbortSignal): Promise<Reservation> {
    if (this.#held.size > 0 && (await this.#takeAhead(bytes, signal)))
      return this.#reserved(this.#ahead, bytes)
    await this.#first.take(bytes, signal)
    return this.#reserved(this.#first, bytes)
  }

  /** Gives back whatever the shard still holds. */
  close(): void {
    for (const reservation of this.#held) reservation.release()
  }

  /** False when the shard held nothing any more before it was its turn: then the other half is open to it. */
  async #takeAhead(bytes: number, signal: AbortSignal): Promise<boolean> {
    if (this.#ahead.tryTake(bytes)) return true
    const wait = new AbortController()
    const onAbort = (): void => wait.abort()
    this.#onEmptied = onAbort
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await this.#ahead.take(bytes, wait.signal)
      return true
    } catch {
      signal.throwIfAborted()
      return false
    } finally {
      this.#onEmptied = undefined
      signal.removeEventListener('abort', onAbort)
    }
  }

  #reserved(semaphore: Semaphore, reserved: number): Reservation {
    let bytes = reserved
    const reservation: Reservation = {
      resize: size => {
        if (size > bytes) semaphore.takeAtOnce(size - bytes)
        else semaphore.release(bytes - size)
        bytes = size
      },
      release: () => {
        if (!this.#held.delete(reservation)) return
        semaphore.release(bytes)
        if (this.#held.size === 0) this.#onEmptied?.()
      }
    }
    this.#held.add(reservation)
    return reservation
  }
}
