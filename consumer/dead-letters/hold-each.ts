import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import type { DeadLetterSource, HeldDeadLetter } from './dead-letter-source.ts'

/** What a look through a source is bounded by. */
export interface HoldBounds {
  /** Most dead letters. */
  readonly limit: number
  /** Longest time, in milliseconds. */
  readonly maxDurationMs: number
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal | undefined
}

/** Why a look through a source came to its end. */
export type EndedBy = 'empty' | 'limit' | 'time' | 'signal'

/** What `visit` did with a dead letter. What it has taken is its own affair; the rest is released at the end. */
export type Visited = 'taken' | 'kept'

/** Added to the time that is left, so that nothing shows up again while the last call is under way; guessed. */
const spareHoldMs = 30_000

/**
 * Hands every dead letter to `visit` once, one after the other. Those that `visit` has not taken stay out of sight
 * until the end, so that none comes round again, and are then released. The signal that `visit` is given ends with the
 * time, and with the caller's own. `unvisited` counts what was received too late to be visited.
 */
export async function holdEach(
  source: DeadLetterSource,
  bounds: HoldBounds,
  visit: (held: HeldDeadLetter, signal: AbortSignal) => Promise<Visited>
): Promise<{ readonly endedBy: EndedBy; readonly unvisited: number }> {
  const { limit, maxDurationMs, clock, signal } = bounds
  const deadline = clock.now() + maxDurationMs
  const stop = new AbortController()
  const onAbort = (): void => stop.abort(signal?.reason)
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  const cancel = clock.schedule(() => stop.abort(new Error('the time is up')), maxDurationMs)
  /** By id: of one that was received twice the later handle counts. */
  const kept = new Map<string, HeldDeadLetter>()
  const seen = new Set<string>()
  let unvisited = 0
  const end = (endedBy: EndedBy): { readonly endedBy: EndedBy; readonly unvisited: number } => ({
    endedBy,
    unvisited
  })
  try {
    for (;;) {
      if (stop.signal.aborted) return end(signal?.aborted ? 'signal' : 'time')
      if (seen.size >= limit) return end('limit')
      const max = Math.min(10, limit - seen.size)
      const holdMs = Math.min(43_200_000, Math.ceil(deadline - clock.now()) + spareHoldMs)
      const received = await source.receive({ max, holdMs, signal: stop.signal }).catch((error: unknown) => {
        if (stop.signal.aborted) return undefined
        throw error
      })
      if (received === undefined) continue
      for (const held of received) kept.set(held.id, held)
      const fresh = received.filter(({ id }) => !seen.has(id))
      if (fresh.length === 0 && !stop.signal.aborted) return end('empty')
      for (const held of fresh) {
        if (stop.signal.aborted) unvisited += 1
        else {
          seen.add(held.id)
          if ((await visit(held, stop.signal)) === 'taken') kept.delete(held.id)
        }
      }
    }
  } finally {
    cancel()
    signal?.removeEventListener('abort', onAbort)
    await releaseAll([...kept.values()], bounds.logger)
  }
}

/** What cannot be released shows up by itself when its time is over. */
async function releaseAll(kept: readonly HeldDeadLetter[], logger: Logger): Promise<void> {
  let failed = 0
  for (let at = 0; at < kept.length; at += 10) {
    const released = await Promise.allSettled(kept.slice(at, at + 10).map(held => held.release()))
    failed += released.filter(({ status }) => status === 'rejected').length
  }
  if (failed > 0) logger.warn({ failed }, 'dead letters were not released; they come back after a while')
}
