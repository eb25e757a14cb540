import { type Clock, systemClock } from './clock.ts'
import { type Logger, silentLogger } from './logger.ts'

/** What producer, worker and sink take from around them. */
export interface Surroundings<Event> {
  readonly clock: Clock
  /** Source of randomness in [0, 1), for backoffs and choices. */
  readonly random: () => number
  readonly logger: Logger
  readonly onEvent: (event: Event) => void
}

export const surroundingNames = ['clock', 'random', 'logger', 'onEvent'] as const

export function resolveSurroundings<Event>(options: Partial<Surroundings<Event>>): Surroundings<Event> {
  return {
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    logger: options.logger ?? silentLogger,
    onEvent: options.onEvent ?? (() => {})
  }
}
