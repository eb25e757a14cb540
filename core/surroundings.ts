import { type Channel, channel } from 'node:diagnostics_channel'
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

/** Channels of `node:diagnostics_channel` on which every event is published as `{ source, event }`. */
export const DiagnosticsChannel = {
  producer: 'sealstream:producer',
  worker: 'sealstream:worker',
  sink: 'sealstream:sink',
  replay: 'sealstream:replay',
  lambda: 'sealstream:lambda',
  queue: 'sealstream:queue',
  migration: 'sealstream:migration'
} as const

/** `source` names what the events come from, such as the stream. */
export function resolveSurroundings<Event>(
  options: Partial<Surroundings<Event>>,
  channelName: (typeof DiagnosticsChannel)[keyof typeof DiagnosticsChannel],
  source: string
): Surroundings<Event> {
  return {
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    logger: options.logger ?? silentLogger,
    onEvent: publishing(channel(channelName), source, options.onEvent)
  }
}

function publishing<Event>(
  published: Channel,
  source: string,
  onEvent: ((event: Event) => void) | undefined
): (event: Event) => void {
  return event => {
    if (published.hasSubscribers) published.publish({ source, event })
    onEvent?.(event)
  }
}
