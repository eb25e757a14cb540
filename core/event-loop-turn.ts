import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from './clock.ts'

/** Short beside a lease's renewal and a heartbeat, long beside the cost of a turn; guessed. */
const shareMs = 10

/**
 * What many tasks use of one turn of the event loop together: timers and sockets must get their turns, however much
 * there is to do. Ask before each piece of work: `while (turn.isUsedUp) await turn.next()`.
 */
export class EventLoopTurn {
  readonly #clock: Pick<Clock, 'now'>
  #startedMs: number | undefined

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** The first who asks in a turn starts the time. */
  get isUsedUp(): boolean {
    if (this.#startedMs !== undefined) return this.#clock.now() - this.#startedMs >= shareMs
    this.#startedMs = this.#clock.now()
    setImmediate(() => {
      this.#startedMs = undefined
    })
    return false
  }

  /** Whoever comes first in the next turn may use it up again. */
  async next(): Promise<void> {
    await nextTurn()
  }
}
