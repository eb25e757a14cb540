import type { CancelTimer, Clock } from '../core/clock.ts'

const usualTurns = 5
interface Timer {
  readonly due: number
  readonly order: number
  readonly callback: () => void
}

/**
 * A clock that moves only when a test says so, for the engines and for what uses them. Timers fire in order of their
 * due time, then of creation.
 */
export class VirtualClock implements Clock {
  #now = 1_000
  #wall = Date.UTC(2026, 6, 13, 14, 5, 0)
  #timers: Timer[] = []
  #order = 0
  /** Called whenever everything that could happen at one moment has happened. */
  onIdle: (() => void) | undefined
  readonly #turns: number
  readonly #unsettled = new Set<() => Promise<boolean>>()

  /** `turns`: of the event loop until everything is taken to have settled; one where nothing but promises is waited for. */
  constructor(turns = usualTurns) {
    this.#turns = turns
  }

  now(): number {
    return this.#now
  }

  wallTime(): number {
    return this.#wall
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.length
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      const onAbort = (): void => {
        cancel()
        reject(signal?.reason)
      }
      const cancel = this.schedule(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  schedule(callback: () => void, ms: number): CancelTimer {
    const timer = { due: this.#now + Math.max(0, ms), order: this.#order++, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  /**
   * Has `advance` wait after each timer for what no promise of a timer tells, such as input and output under way.
   * `settled` resolves with whether there was something to wait for. Returns what takes it back.
   */
  settleWith(settled: () => Promise<boolean>): () => void {
    this.#unsettled.add(settled)
    return () => void this.#unsettled.delete(settled)
  }

  /** Moves time on by `ms`, firing what falls due on the way and letting promises settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await this.#settle()
    for (;;) {
      const next = this.#next()
      if (next === undefined || next.due > end) break
      this.#timers = this.#timers.filter(timer => timer !== next)
      this.#moveTo(Math.max(this.#now, next.due))
      next.callback()
      await this.#settle()
    }
    this.#moveTo(end)
    await this.#settle()
  }

  /** Time passes and nothing can run, as while an event loop is blocked: what fell due runs at the next `advance`. */
  block(ms: number): void {
    this.#moveTo(this.#now + ms)
  }

  /** The wall clock alone jumps, as after a correction by NTP. */
  jumpWallTime(ms: number): void {
    this.#wall += ms
  }

  #next(): Timer | undefined {
    let next = this.#timers[0]
    for (const timer of this.#timers) {
      if (timer.due < next!.due || (timer.due === next!.due && timer.order < next!.order)) next = timer
    }
    return next
  }

  async #settle(): Promise<void> {
    for (let isSettled = false; !isSettled; ) {
      await settle(this.#turns)
      isSettled = true
      for (const settled of this.#unsettled) if (await settled()) isSettled = false
    }
    this.onIdle?.()
  }

  #moveTo(time: number): void {
    this.#wall += time - this.#now
    this.#now = time
  }
}

/** Lets every promise that can settle without time passing do so. */
export async function settle(turns = usualTurns): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise(resolve => setImmediate(resolve))
}
