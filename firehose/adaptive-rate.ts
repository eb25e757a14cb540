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
/** Over so long it is measured what the stream takes and refuses; guessed. */
const periodMs = 1_000
/** A request holds at most what is allowed in so many seconds; guessed. */
const requestSeconds = 0.25
/** The bound grows by this part in the first period without throttling, by twice of it in the next, and so on. */
const growth = 0.05
const mostGrowth = 0.5

/**
 * Bytes a second that a delivery stream takes. Nothing is bounded until it throttles; then the bound is what it took,
 * and falls by the share that is refused in each second. It rises faster the longer nothing is refused, and goes when
 * four times as much is allowed as is sent.
 */
export class AdaptiveRate {
  readonly #clock: Clock
  readonly #onChange: (bytesPerSecond: number | undefined) => void
  #limit = Number.POSITIVE_INFINITY
  /** Below zero for what is on its way and has to wait. */
  #tokens = 0
  #refilledMs: number
  #periodStartMs: number
  /** In this period. */
  #stored = 0
  #throttled = 0
  /** Bytes a second in the period before. */
  #storedPerSecond = 0
  #quietPeriods = 0
  /** Whether the bound was made in this period. */
  #isNew = false

  constructor({ clock, onChange }: AdaptiveRateOptions) {
    this.#clock = clock
    this.#onChange = onChange
    this.#refilledMs = clock.now()
    this.#periodStartMs = clock.now()
  }

  /** Bytes a second; undefined without a bound. */
  get limit(): number | undefined {
    return this.#isBound ? Math.round(this.#limit) : undefined
  }

  /** More in one request would be refused for coming at once, whatever the rate. */
  get mostRequestBytes(): number {
    return this.#limit * requestSeconds
  }

  get #isBound(): boolean {
    return Number.isFinite(this.#limit)
  }

  /** Resolves when a request of so many bytes may be made, in the order of the calls. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    this.#endPeriods()
    if (!this.#isBound) return
    this.#refill()
    this.#tokens -= Math.max(bytes, leastRequestBytes)
    if (this.#tokens < 0) await this.#clock.sleep((-this.#tokens / this.#limit) * 1_000, signal)
  }

  /** What became of a request: bytes that were stored, and bytes that were throttled. */
  note(storedBytes: number, throttledBytes: number): void {
    this.#endPeriods()
    if (storedBytes > 0) this.#stored += Math.max(storedBytes, leastRequestBytes)
    // What was sent without a bound says nothing of how far the bound is off.
    if (this.#isBound && !this.#isNew) this.#throttled += throttledBytes
    if (throttledBytes === 0 || this.#isBound) return
    this.#isNew = true
    this.#refilledMs = this.#clock.now()
    this.#tokens = 0
    this.#bind(Math.max(this.#storedPerSecond, this.#stored))
  }

  #endPeriods(): void {
    const now = this.#clock.now()
    const ms = now - this.#periodStartMs
    if (ms < periodMs) return
    const share = this.#throttled === 0 ? 0 : this.#throttled / (this.#stored + this.#throttled)
    this.#storedPerSecond = (this.#stored / ms) * 1_000
    this.#stored = 0
    this.#throttled = 0
    this.#isNew = false
    this.#periodStartMs = now
    if (!this.#isBound) return
    this.#refill()
    if (share > 0) {
      this.#bind(this.#limit * (1 - share))
      return
    }
    for (let period = 1; period <= ms / periodMs && this.#isBound; period += 1) this.#grow()
  }

  #bind(bytesPerSecond: number): void {
    const before = this.#limit
    this.#quietPeriods = 0
    this.#limit = Math.max(leastBytesPerSecond, bytesPerSecond)
    // Who waits, waits as long as before.
    this.#tokens *= this.#limit / before
    this.#onChange(this.limit)
  }

  #grow(): void {
    this.#quietPeriods += 1
    this.#limit *= 1 + Math.min(mostGrowth, growth * this.#quietPeriods)
    if (this.#limit <= 4 * Math.max(leastBytesPerSecond, this.#storedPerSecond)) return
    this.#limit = Number.POSITIVE_INFINITY
    this.#onChange(undefined)
  }

  /** At most what one request may hold is kept for later. */
  #refill(): void {
    const now = this.#clock.now()
    const earned = ((now - this.#refilledMs) / 1_000) * this.#limit
    this.#refilledMs = now
    this.#tokens = Math.min(this.mostRequestBytes, this.#tokens + earned)
  }
}
