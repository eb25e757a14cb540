/** Weight of the newest value; the KCL's. */
const alpha = 0.5
const bytesPerKiB = 1024
/** Six decimals, as the KCL stores it. */
const precision = 1e6

/** How much is read of one shard, as a moving average over the renewals of its lease. */
export class ThroughputMeter {
  #average: number | undefined
  #sinceMs: number
  #bytes = 0

  /** `average`: what a former owner measured, in KiB a second. */
  constructor(average: number | undefined, nowMs: number) {
    this.#average = average
    this.#sinceMs = nowMs
  }

  add(bytes: number): void {
    this.#bytes += bytes
  }

  /** In KiB a second; undefined as long as no time has passed. */
  sample(nowMs: number): number | undefined {
    const seconds = (nowMs - this.#sinceMs) / 1_000
    if (seconds <= 0) return this.#average
    const current = this.#bytes / bytesPerKiB / seconds
    const average = this.#average === undefined ? current : alpha * current + (1 - alpha) * this.#average
    this.#average = Math.round(average * precision) / precision
    this.#bytes = 0
    this.#sinceMs = nowMs
    return this.#average
  }
}
