/**
 * Tokens that come back at a steady rate, at most those of one second. A take that is larger than the bucket waits
 * until it is full and leaves it in debt, so that it passes and is paid for. Pure: the caller says what time it is.
 */
export class TokenBucket {
  #ratePerSecond: number
  #tokens: number
  #atMs: number

  constructor(ratePerSecond: number, nowMs: number) {
    this.#ratePerSecond = ratePerSecond
    this.#tokens = ratePerSecond
    this.#atMs = nowMs
  }

  /** Milliseconds until `units` may be taken; 0 when they may be now. */
  waitMs(units: number, nowMs: number): number {
    this.#refill(nowMs)
    const missing = Math.min(units, this.#ratePerSecond) - this.#tokens
    return missing <= 0 ? 0 : (missing / this.#ratePerSecond) * 1_000
  }

  take(units: number): void {
    this.#tokens -= units
  }

  /** What is left goes: somebody else has taken it. */
  drain(nowMs: number): void {
    this.#refill(nowMs)
    this.#tokens = Math.min(this.#tokens, 0)
  }

  setRate(ratePerSecond: number, nowMs: number): void {
    this.#refill(nowMs)
    this.#ratePerSecond = ratePerSecond
    this.#tokens = Math.min(this.#tokens, ratePerSecond)
  }

  #refill(nowMs: number): void {
    const elapsedMs = nowMs - this.#atMs
    if (elapsedMs <= 0) return
    this.#tokens = Math.min(this.#ratePerSecond, this.#tokens + (elapsedMs / 1_000) * this.#ratePerSecond)
    this.#atMs = nowMs
  }
}
