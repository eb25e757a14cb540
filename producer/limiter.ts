import { backoffDelayMs } from '../core/backoff.ts'
import type { CancelTimer, Clock } from '../core/clock.ts'
import type { KinesisRecord } from './kinesis-record.ts'
import { TokenBucket } from './token-bucket.ts'

/** What a shard takes (Kinesis quotas). The service counts data and partition key. */
const shardRecordsPerSecond = 1_000
const shardBytesPerSecond = 1_048_576
/** Guessed: how a shard's share falls when it throttles, and how fast it comes back. */
const cutFactor = 0.6
const regainPerSecond = 0.15
const leastFactor = 0.05
/** How long a shard is left alone after it throttled, in milliseconds; doubles until it takes a record. */
const pause = { baseMs: 100, maxMs: 5_000 }
/** Sooner than this no timer looks again. */
const shortestWaitMs = 2

export interface LimiterOptions {
  readonly clock: Clock
  readonly random: () => number
  /** Part of a shard's quota that this producer may use, in percent. */
  readonly rateLimitPercent: number
  readonly onGranted: (record: KinesisRecord) => void
}

interface ShardLimit {
  readonly records: TokenBucket
  readonly bytes: TokenBucket
  /** Part of the allowed rate that is used: falls when Kinesis throttles, and comes back. */
  factor: number
  factorAtMs: number
  cutAtMs: number
  /** Signs of throttling in a row, and until when it is left alone. */
  throttles: number
  resumeAtMs: number
  /** Shards that the limit stands for. */
  shards: number
  waiting: KinesisRecord[]
}

/**
 * Lets Kinesis records through as fast as their shard takes them: a bucket for records and one for bytes by predicted
 * shard, whether or not there is aggregation. Learns from throttling: the shard is left alone for a while, by all its
 * records together, and then gets less: additive increase, multiplicative decrease.
 */
export class Limiter {
  readonly #options: LimiterOptions
  readonly #limits = new Map<string, ShardLimit>()
  /** Those in which a record waits. */
  readonly #waiting = new Set<ShardLimit>()
  #cancelTimer: CancelTimer | undefined
  #timerMs = Number.POSITIVE_INFINITY

  constructor(options: LimiterOptions) {
    this.#options = options
  }

  /** `shards`: how many shards stand behind the record's predicted shard; more than one where none can be predicted. */
  add(record: KinesisRecord, shards = 1): void {
    const now = this.#options.clock.now()
    const limit = this.#limitOf(record.batch.shardId, shards, now)
    if (limit.waiting.length === 0) {
      const waitMs = this.#waitMs(limit, record, now)
      if (waitMs === 0) {
        this.#grant(limit, record)
        return
      }
      this.#arm(now + waitMs, now)
    }
    limit.waiting.push(record)
    this.#waiting.add(limit)
  }

  /** A request that was sent at `sentAtMs` was throttled. One that was under way before the last sign tells nothing new. */
  onThrottled(shardId: string, sentAtMs: number): void {
    const now = this.#options.clock.now()
    const limit = this.#limits.get(shardId)
    if (limit === undefined || sentAtMs <= limit.cutAtMs) return
    this.#regain(limit, now)
    limit.cutAtMs = now
    limit.factor = Math.max(leastFactor, limit.factor * cutFactor)
    this.#setRates(limit, now)
    limit.records.drain(now)
    limit.bytes.drain(now)
    limit.resumeAtMs = now + backoffDelayMs(limit.throttles, { ...pause, random: this.#options.random })
    limit.throttles += 1
  }

  onStored(shardId: string): void {
    const limit = this.#limits.get(shardId)
    if (limit !== undefined) limit.throttles = 0
  }

  /** Part of the allowed rate that a shard gets at the moment, 0 to 1. */
  factorOf(shardId: string): number {
    const limit = this.#limits.get(shardId)
    if (limit === undefined) return 1
    this.#regain(limit, this.#options.clock.now())
    return limit.factor
  }

  /** Forgets the shards for which this is false, and returns what waits for them, in order. */
  keep(isOpen: (shardId: string) => boolean): KinesisRecord[] {
    const left: KinesisRecord[] = []
    for (const [shardId, limit] of this.#limits) {
      if (isOpen(shardId)) continue
      left.push(...limit.waiting)
      this.#waiting.delete(limit)
      this.#limits.delete(shardId)
    }
    return left
  }

  close(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#limits.clear()
    this.#waiting.clear()
  }

  #limitOf(shardId: string, shards: number, now: number): ShardLimit {
    let limit = this.#limits.get(shardId)
    if (limit === undefined) {
      const share = (this.#options.rateLimitPercent / 100) * shards
      limit = {
        records: new TokenBucket(shardRecordsPerSecond * share, now),
        bytes: new TokenBucket(shardBytesPerSecond * share, now),
        factor: 1,
        factorAtMs: now,
        cutAtMs: Number.NEGATIVE_INFINITY,
        throttles: 0,
        resumeAtMs: now,
        shards,
        waiting: []
      }
      this.#limits.set(shardId, limit)
    } else if (limit.shards !== shards) {
      limit.shards = shards
      this.#setRates(limit, now)
    }
    return limit
  }

  #waitMs(limit: ShardLimit, { bytes }: KinesisRecord, now: number): number {
    this.#regain(limit, now)
    return Math.max(limit.resumeAtMs - now, limit.records.waitMs(1, now), limit.bytes.waitMs(bytes, now))
  }

  #grant(limit: ShardLimit, record: KinesisRecord): void {
    limit.records.take(1)
    limit.bytes.take(record.bytes)
    this.#options.onGranted(record)
  }

  #regain(limit: ShardLimit, now: number): void {
    if (limit.factor === 1) return
    const regained = ((now - limit.factorAtMs) / 1_000) * regainPerSecond
    if (regained < 0.01) return
    limit.factor = Math.min(1, limit.factor + regained)
    this.#setRates(limit, now)
  }

  #setRates(limit: ShardLimit, now: number): void {
    limit.factorAtMs = now
    const share = (this.#options.rateLimitPercent / 100) * limit.shards * limit.factor
    limit.records.setRate(shardRecordsPerSecond * share, now)
    limit.bytes.setRate(shardBytesPerSecond * share, now)
  }

  #arm(atMs: number, now: number): void {
    if (atMs >= this.#timerMs) return
    this.#cancelTimer?.()
    this.#timerMs = atMs
    this.#cancelTimer = this.#options.clock.schedule(
      () => this.#onTimer(),
      Math.max(shortestWaitMs, atMs - now)
    )
  }

  #onTimer(): void {
    this.#cancelTimer = undefined
    this.#timerMs = Number.POSITIVE_INFINITY
    for (const limit of [...this.#waiting]) this.#drain(limit)
  }

  #drain(limit: ShardLimit): void {
    const now = this.#options.clock.now()
    let passed = 0
    for (const record of limit.waiting) {
      // What was handed back meanwhile costs the shard nothing.
      const isWanted = record.batch.records.some(({ state }) => state !== 'settled')
      const waitMs = isWanted ? this.#waitMs(limit, record, now) : 0
      if (waitMs > 0) {
        this.#arm(now + waitMs, now)
        break
      }
      passed += 1
      if (isWanted) this.#grant(limit, record)
      else this.#options.onGranted(record)
    }
    limit.waiting.splice(0, passed)
    if (limit.waiting.length === 0) this.#waiting.delete(limit)
  }
}
