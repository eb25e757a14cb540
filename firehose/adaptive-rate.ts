import type { Clock } from '../core/clock.ts'

export interface AdaptiveRateOptions {
  readonly clock: Clock
  /** The bound in bytes a second; undefined when there is none any more. */
  readonly onChange: (bytesPerSecond: number | undefined) => void
}

/**
 * A request counts as so many bytes at least: the quotas of a delivery stream are raised together, and stand at 2,000
 * requests to 5 MiB a second. https://docs.aws.amazon.com/firehose/latest/dev/limits.html
 */
const leastRequestBytes = 2_622
/** Below the smallest quota, 1 MiB a second, by so much that several senders may share it; guessed. */
const leastBytesPerSecond = 65_536
/** Over so long what the stream takes is measured, and no further cut is made; guessed. */
const periodMs = 1_000
/** The bound grows by this part in its first second without throttling, by twice of it in the next, and so on. */
const growth = 0.05
const mostGrowth = 0.5

/**
 * Bytes a second that a delivery stream takes. Nothing is bounded until it throttles; then the bound is what it took,
 * and falls by half of the share that is refused, at most once a second. It rises faster the longer nothing is
 * refused, and goes when four times as much is allowed as is sent.
 */
export class AdaptiveRate {
  readonly #clock: Clock
  readonly #onChange: (bytesPerSecond: number | undefined) => void
  #limit = Number.POSITIVE_INFINITY
  /** Below zero for what is on its way and has to wait. */
  #tokens = 0
  #refilledMs: number
  #cutMs = Number.NEGATIVE_INFINITY
  /** What was taken in this period, and bytes a second in the one before. */
  #taken = 0
  #periodStartMs: number
  #takenPerSecond = 0

  constructor({ clock, onChange }: AdaptiveRateOptions) {
    this.#clock = clock
    this.#onChange = onChange
    this.#refilledMs = clock.now()
    this.#periodStartMs = clock.now()
  }

  /** Bytes a second; undefined without a bound. */
  get limit(): number | undefined {
    return Number.isFinite(this.#limit) ? Math.round(this.#limit) : undefined
  }

  /** Resolves when a request of so many bytes may be made, in the order of the calls. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    this.#endPeriods()
    if (!Number.isFinite(this.#limit)) return
    this.#refill()
    this.#tokens -= Math.max(bytes, leastRequestBytes)
    if (this.#tokens < 0) await this.#clock.sleep((-this.#tokens / this.#limit) * 1_000, signal)
  }

  /** What became of a request: bytes that were stored, and bytes that were throttled. */
  note(storedBytes: number, throttledBytes: number): void {
    this.#endPeriods()
    this.#taken += Math.max(storedBytes, storedBytes > 0 ? leastRequestBytes : 0)
    if (throttledBytes === 0) return
    const now = this.#clock.now()
    // Others that were under way then were refused for the same rate.
    if (now - this.#cutMs < periodMs) return
    this.#cutMs = now
    this.#refill()
    const wasFree = !Number.isFinite(this.#limit)
    const share = throttledBytes / (storedBytes + throttledBytes)
    const taken = Math.max(this.#takenPerSecond, this.#taken)
    this.#limit = Math.max(leastBytesPerSecond, wasFree ? taken : this.#limit * (1 - share / 2))
    if (wasFree) this.#tokens = 0
    this.#onChange(this.limit)
  }

  #endPeriods(): void {
    const now = this.#clock.now()
    const ms = now - this.#periodStartMs
    if (ms < periodMs) return
    this.#takenPerSecond = (this.#taken / ms) * 1_000
    this.#taken = 0
    this.#periodStartMs = now
    if (!Number.isFinite(this.#limit)) return
    this.#refill()
    for (let second = 1; second <= ms / periodMs; second += 1) {
      const quietSeconds = (now - ms - this.#cutMs) / 1_000 + second
      this.#limit *= 1 + Math.min(mostGrowth, growth * Math.max(0, Math.floor(quietSeconds)))
      if (this.#limit <= Math.max(leastBytesPerSecond, 4 * this.#takenPerSecond)) continue
      this.#limit = Number.POSITIVE_INFINITY
      this.#onChange(undefined)
      return
    }
  }

  /** At most what comes in within a second is kept for later. */
  #refill(): void {
    const now = this.#clock.now()
    const earned = ((now - this.#refilledMs) / 1_000) * this.#limit
    this.#refilledMs = now
    if (Number.isFinite(this.#limit)) this.#tokens = Math.min(this.#limit, this.#tokens + earned)
  }
}
