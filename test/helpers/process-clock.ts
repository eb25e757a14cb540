import { type Deferred, deferred } from '../../core/concurrency.ts'
import { FakeClock } from './fake-clock.ts'

/**
 * The clock of one process among several on a common time. Its wall clock is off, its monotonic one has an origin
 * of its own, and the process can stand still: then none of its timers fires, while time goes on.
 */
export class ProcessClock extends FakeClock {
  readonly #common: FakeClock
  readonly #skewMs: number
  #standstill: Deferred<void> | undefined
  #late: (() => void)[] = []

  constructor(common: FakeClock, skewMs: number) {
    super()
    this.#common = common
    this.#skewMs = skewMs
  }

  override now(): number {
    return this.#common.now() + Math.abs(this.#skewMs)
  }

  override wallTime(): number {
    return this.#common.wallTime() + this.#skewMs
  }

  override schedule(callback: () => void, ms: number): () => void {
    let isCancelled = false
    const run = (): void => {
      if (isCancelled) return
      if (this.#standstill === undefined) callback()
      else this.#late.push(run)
    }
    const cancel = this.#common.schedule(run, ms)
    return () => {
      isCancelled = true
      cancel()
    }
  }

  /** What the process awaits before it goes on; undefined while it runs. */
  readonly gate = (): Promise<void> | undefined => this.#standstill?.promise

  /** Stands still for `ms`. Then what came in from outside is seen before any timer fires, as in an event loop. */
  pause(ms: number): void {
    if (this.#standstill !== undefined) return
    const standstill = deferred<void>()
    this.#standstill = standstill
    this.#common.schedule(() => {
      standstill.resolve()
      setImmediate(() => {
        this.#standstill = undefined
        for (const run of this.#late.splice(0)) run()
      })
    }, ms)
  }
}
