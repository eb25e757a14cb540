export interface BackoffOptions {
  /** Upper bound of the first delay, in milliseconds. */
  readonly baseMs: number
  /** Upper bound of every delay, in milliseconds. */
  readonly maxMs: number
  /** Source of randomness in [0, 1). @default Math.random */
  readonly random?: () => number
}

/** Delay in milliseconds before attempt `attempt` (0 = first retry): full jitter over an exponential bound. */
export function backoffDelayMs(attempt: number, options: BackoffOptions): number {
  const bound = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt, 30))
  return Math.floor((options.random ?? Math.random)() * bound)
}
