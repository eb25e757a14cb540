import type { Clock } from '../../core/clock.ts'
import type { ShardConsumerState } from './states.ts'

/** When something last moved in a shard, and whether its handler runs. */
export class Progress {
  readonly #clock: Clock
  #movedMs: number
  #handlerSinceMs: number | undefined
  #isTold = false
  #state: ShardConsumerState = 'waitingOnParents'

  constructor(clock: Clock) {
    this.#clock = clock
    this.#movedMs = clock.now()
  }

  get state(): ShardConsumerState {
    return this.#state
  }

  get idleMs(): number {
    return this.#clock.now() - this.#movedMs
  }

  get inHandlerMs(): number | undefined {
    return this.#handlerSinceMs === undefined ? undefined : this.#clock.now() - this.#handlerSinceMs
  }

  enter(state: ShardConsumerState): void {
    if (state === this.#state) return
    this.#state = state
    this.moved()
  }

  moved(): void {
    this.#movedMs = this.#clock.now()
    this.#isTold = false
  }

  handlerRuns(isRunning: boolean): void {
    this.moved()
    this.#handlerSinceMs = isRunning ? this.#clock.now() : undefined
  }

  /** True once, when nothing has moved for that long. */
  isNewlyStalled(afterMs: number): boolean {
    if (this.#isTold || this.idleMs < afterMs) return false
    this.#isTold = true
    return true
  }
}
