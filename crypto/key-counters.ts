import type { Clock } from '../core/clock.ts'
import type { KeyStats } from '../core/record-transform.ts'

/** Counts what one sealer or opener does with data keys. */
export class KeyCounters {
  hits = 0
  misses = 0
  readonly #clock: Clock
  #serviceCalls = 0
  #serviceMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  readonly onKeyServiceCall = (): void => {
    this.#serviceCalls += 1
  }

  /** Counts the time until the data key is there, or cannot be had. */
  async time<T>(ask: () => Promise<T>): Promise<T> {
    const startedMs = this.#clock.now()
    try {
      return await ask()
    } finally {
      this.#serviceMs += this.#clock.now() - startedMs
    }
  }

  stats(open: number): KeyStats {
    const { hits, misses } = this
    return { hits, misses, serviceCalls: this.#serviceCalls, serviceMs: this.#serviceMs, open }
  }
}
