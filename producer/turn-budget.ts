import { setImmediate as nextTurn } from 'node:timers/promises'

/**
 * Bytes that one turn of the event loop may work on: what came due together, a whole buffer at times, leaves turn by
 * turn, and timers and sockets get theirs in between.
 */
export class TurnBudget {
  readonly #bytesPerTurn: number
  #taken = 0

  constructor(bytesPerTurn: number) {
    this.#bytesPerTurn = bytesPerTurn
  }

  /** Whether so many bytes may be worked on now; the first piece of a turn may, whatever its size. */
  tryTake(bytes: number): boolean {
    if (this.#taken > 0 && this.#taken + bytes > this.#bytesPerTurn) return false
    if (this.#taken === 0) {
      setImmediate(() => {
        this.#taken = 0
      })
    }
    this.#taken += bytes
    return true
  }

  /** Resolves in a turn that has room. */
  async take(bytes: number): Promise<void> {
    while (!this.tryTake(bytes)) await nextTurn()
  }
}
