import { setMaxListeners } from 'node:events'
import type { KinesisWriterPort } from '../core/aws-ports.ts'
import { backoffDelayMs } from '../core/backoff.ts'
import { deferred, Semaphore } from '../core/concurrency.ts'
import { InvalidRecordError, KeyUnavailableError } from '../core/errors.ts'
import type { RecordSealer } from '../core/record-transform.ts'
import { FailureClass } from '../core/service-errors.ts'
import { Aggregator } from './aggregator.ts'
import { Collector } from './collector.ts'
import { PutFailedError, RecordExpiredError } from './errors.ts'
import { Expirer } from './expirer.ts'
import type { KinesisRecord } from './kinesis-record.ts'
import type { ResolvedProducerOptions } from './options.ts'
import { Packer } from './packer.ts'
import type { PendingRecord } from './pending-record.ts'
import { judge, wrongShardDelayMs } from './retrier.ts'
import { type EntryOutcome, sendRecords } from './sender.ts'
import { ShardMapLoader } from './shard-map-loader.ts'

/** Backoff while the key cannot be had, in milliseconds. */
const keyBackoff = { baseMs: 200, maxMs: 5_000 }

export interface PipelineCounters {
  acknowledged: number
  handedBack: number
  kinesisRecords: number
  bytesSealed: number
  putRecordsRequests: number
  retries: number
  throttled: number
  wrongShard: number
}

/**
 * Wires the stages of one stream:
 *
 *   accept -> shard map -> aggregator -> packer (seals) -> collector -> sender -> retrier -> settled
 *                 ^                          ^                              |
 *                 +--- wrong shard ----------+------- key outage, backoff --+
 *
 * A record leaves in one way only: `#settle`.
 */
export class Pipeline {
  readonly counters: PipelineCounters = {
    acknowledged: 0,
    handedBack: 0,
    kinesisRecords: 0,
    bytesSealed: 0,
    putRecordsRequests: 0,
    retries: 0,
    throttled: 0,
    wrongShard: 0
  }
  readonly #options: ResolvedProducerOptions
  readonly #kinesis: KinesisWriterPort
  readonly #onSettled: (record: PendingRecord) => void
  readonly #stop = new AbortController()
  readonly #shardMap: ShardMapLoader
  readonly #packer: Packer
  readonly #aggregator: Aggregator
  readonly #collector: Collector
  readonly #slots: Semaphore
  readonly #expirer: Expirer
  /** Records that wait for the first shard map. */
  readonly #withoutMap = new Set<PendingRecord>()
  /** Generation -> records of it that are not settled; `flush` ends a generation. */
  readonly #outstanding = new Map<number, number>()
  #generation = 0
  #flushes: { readonly generation: number; readonly done: () => void }[] = []
  /** Tenant, or undefined for the one key of all -> failures in a row. */
  readonly #keyFailures = new Map<string | undefined, number>()

  constructor(
    options: ResolvedProducerOptions,
    kinesis: KinesisWriterPort,
    sealer: RecordSealer | undefined,
    onSettled: (record: PendingRecord) => void
  ) {
    const { clock, streamName } = options
    // One listener per backoff is no leak.
    setMaxListeners(0, this.#stop.signal)
    this.#options = options
    this.#kinesis = kinesis
    this.#onSettled = onSettled
    this.#slots = new Semaphore(options.maxConcurrentRequests)
    this.#packer = new Packer(options.seal?.mode, sealer)
    this.#expirer = new Expirer(clock, record => this.#expire(record))
    this.#shardMap = new ShardMapLoader({
      kinesis,
      streamName,
      clock,
      signal: this.#stop.signal,
      onEvent: options.onEvent,
      onFailure: error => {
        for (const record of this.#withoutMap) record.cause = error
      }
    })
    this.#aggregator = new Aggregator({
      clock,
      maxRecords: options.maxRecordsPerAggregate,
      maxBufferedMs: options.maxBufferedMs,
      maxBytes: tenant => this.#packer.aggregateBytes(options.maxAggregateBytes, tenant),
      dataBytes: record => this.#packer.dataBytes(record),
      onBatch: (shardId, records) => this.#pack(shardId, records)
    })
    this.#collector = new Collector({
      clock,
      maxRequestBytes: options.maxRequestBytes,
      onRequest: records => void this.#send(records)
    })
  }

  /** Generation that a record accepted now belongs to. */
  get generation(): number {
    return this.#generation
  }

  accept(record: PendingRecord): void {
    this.#outstanding.set(record.generation, (this.#outstanding.get(record.generation) ?? 0) + 1)
    this.#expirer.add(record)
    this.#route(record)
    this.#hurry()
  }

  /** Sends what is held; resolves when all that was accepted before is settled. */
  async flush(): Promise<void> {
    const generation = this.#generation++
    if (![...this.#outstanding.keys()].some(older => older <= generation)) return
    const { promise, resolve } = deferred<void>()
    this.#flushes.push({ generation, done: resolve })
    this.#hurry()
    await promise
  }

  /** Ends everything at once; what is not settled is handed back with `cause`. */
  destroy(cause: unknown): void {
    this.#stop.abort(cause)
    this.#aggregator.close()
    this.#collector.close()
    for (const record of [...this.#expirer.all]) {
      // The answer to the request that carries it will not be waited for.
      if (record.state === 'sent') record.maybeStored = true
      this.#reject(record, cause)
    }
  }

  #route(record: PendingRecord): void {
    const map = this.#shardMap.current
    if (map !== undefined) {
      try {
        this.#aggregator.add(map.predict(record.hashKey), record)
      } catch (error) {
        // The record's tenant has become unknown since it was accepted.
        this.#reject(record, error)
      }
      return
    }
    this.#withoutMap.add(record)
    if (this.#withoutMap.size > 1) return
    this.#shardMap.newerThan(Number.NEGATIVE_INFINITY).then(
      () => this.#releaseWithoutMap(waiting => this.#route(waiting)),
      (error: unknown) => this.#releaseWithoutMap(waiting => this.#reject(waiting, error))
    )
  }

  #releaseWithoutMap(release: (record: PendingRecord) => void): void {
    const records = [...this.#withoutMap]
    this.#withoutMap.clear()
    for (const record of records) release(record)
    this.#hurry()
  }

  #pack(shardId: string, batch: readonly PendingRecord[]): void {
    const records = batch.filter(({ state }) => state === 'waiting')
    if (records.length === 0) return
    let packed: KinesisRecord | Promise<KinesisRecord>
    try {
      packed = this.#packer.pack(shardId, records)
    } catch (error) {
      this.#onPackFailure(shardId, records, error)
      return
    }
    if (packed instanceof Promise) {
      packed.then(
        record => this.#collect(record),
        (error: unknown) => this.#onPackFailure(shardId, records, error)
      )
    } else this.#collect(packed)
  }

  #onPackFailure(shardId: string, records: readonly PendingRecord[], error: unknown): void {
    if (!(error instanceof KeyUnavailableError)) {
      for (const record of records) this.#reject(record, error)
      return
    }
    const { tenant } = records[0]!
    const failures = (this.#keyFailures.get(tenant) ?? 0) + 1
    this.#keyFailures.set(tenant, failures)
    if (failures === 1) {
      this.#options.onEvent({ type: 'keyUnavailable', serviceCode: error.serviceCode })
      this.#options.logger.warn({ serviceCode: error.serviceCode }, 'the key cannot be had; records are held')
    }
    const now = this.#options.clock.now()
    for (const record of records) record.noteFailure(error.code, error, now)
    const delay = backoffDelayMs(failures - 1, { ...keyBackoff, random: this.#options.random })
    this.#later(delay, () => this.#pack(shardId, records))
  }

  #collect(record: KinesisRecord): void {
    if (this.#keyFailures.size > 0 && this.#keyFailures.delete(record.userRecords[0]!.tenant)) {
      this.#options.onEvent({ type: 'keyAvailable' })
    }
    if (record.bytes > this.#options.maxRecordBytes) {
      this.#shrink(record)
      return
    }
    this.#collector.add(record)
    if (this.#flushes.length > 0) this.#collector.flush()
  }

  /** Sealing added more than was foreseen, as it may before the first data key is there: halves fit. */
  #shrink({ predictedShardId, userRecords, bytes }: KinesisRecord): void {
    if (userRecords.length === 1) {
      const message = `is stored as ${bytes} bytes; at most ${this.#options.maxRecordBytes} are allowed`
      this.#reject(userRecords[0]!, new InvalidRecordError('data', message))
      return
    }
    const middle = userRecords.length >>> 1
    this.#pack(predictedShardId, userRecords.slice(0, middle))
    this.#pack(predictedShardId, userRecords.slice(middle))
  }

  async #send(offered: readonly KinesisRecord[]): Promise<void> {
    await this.#slots.take(1)
    try {
      if (this.#stop.signal.aborted) return
      const records = offered.filter(record => this.#isWhole(record))
      if (records.length === 0) return
      for (const { userRecords } of records) {
        for (const record of userRecords) {
          record.state = 'sent'
          record.attempts += 1
        }
      }
      this.counters.putRecordsRequests += 1
      const startedMs = this.#options.clock.now()
      const { entries, error } = await sendRecords(
        this.#kinesis,
        this.#options.streamName,
        records,
        this.#stop.signal
      )
      if (this.#stop.signal.aborted) return
      if (error !== undefined) {
        this.#options.onEvent({
          type: 'requestFailed',
          failure: error.failure,
          serviceCode: error.serviceCode
        })
      }
      this.#conclude(records, entries, startedMs)
    } finally {
      this.#slots.release(1)
    }
  }

  /** Whether nothing in the record has expired meanwhile; what is left of one that is not whole is packed anew. */
  #isWhole({ predictedShardId, userRecords }: KinesisRecord): boolean {
    if (userRecords.every(({ state }) => state === 'waiting')) return true
    this.#pack(predictedShardId, userRecords)
    return false
  }

  #conclude(records: readonly KinesisRecord[], outcomes: readonly EntryOutcome[], startedMs: number): void {
    const bisected: KinesisRecord[] = []
    let throttled = 0
    records.forEach((record, index) => {
      const outcome = outcomes[index]!
      if (outcome.kind === 'failed') {
        this.#noteFailure(record, outcome)
        if (outcome.failure === FailureClass.throttled) throttled += 1
      }
      const verdict = judge(record, outcome, records.length, this.#options)
      switch (verdict.kind) {
        case 'done':
          this.#acknowledge(record, verdict)
          break
        case 'judge':
          void this.#judgeByNewMap(record, verdict, startedMs)
          break
        case 'retry':
          this.#retry(record, verdict.delayMs)
          break
        case 'bisect':
          this.#wait(record)
          bisected.push(record)
          break
        case 'fail':
          for (const user of record.userRecords) this.#reject(user, user.cause)
          break
      }
    })
    if (throttled > 0) {
      this.counters.throttled += throttled
      this.#options.onEvent({ type: 'throttled', records: throttled })
    }
    if (bisected.length > 0) {
      const middle = bisected.length >>> 1
      for (const half of [bisected.slice(0, middle), bisected.slice(middle)])
        if (half.length > 0) void this.#send(half)
    }
  }

  #noteFailure({ userRecords }: KinesisRecord, outcome: Extract<EntryOutcome, { kind: 'failed' }>): void {
    const now = this.#options.clock.now()
    for (const record of userRecords) {
      record.noteFailure(outcome.errorCode, outcome.cause, now)
      if (outcome.maybeStored) record.maybeStored = true
    }
  }

  /** The same bytes go again after a backoff; what expires until then is packed out. */
  #retry(record: KinesisRecord, delayMs: number): void {
    this.counters.retries += 1
    this.#wait(record)
    this.#later(delayMs, () => {
      record.deadlineMs = this.#options.clock.now()
      this.#collector.add(record)
    })
  }

  /** Its user records are nobody's for a while: they can expire again. */
  #wait({ userRecords }: KinesisRecord): void {
    const now = this.#options.clock.now()
    for (const record of userRecords) {
      if (record.state !== 'sent') continue
      record.state = 'waiting'
      if (record.expiresAtMs <= now) this.#expire(record)
    }
  }

  /**
   * Atomic for the aggregate: it counts as delivered only when its shard covers every hash key inside, because a
   * KCL drops the whole of it otherwise. Judged by a map that is newer than the request.
   */
  async #judgeByNewMap(
    record: KinesisRecord,
    stored: { readonly shardId: string; readonly sequenceNumber: string },
    startedMs: number
  ): Promise<void> {
    const { onEvent } = this.#options
    this.counters.wrongShard += 1
    onEvent({ type: 'wrongShard', predicted: record.predictedShardId, actual: stored.shardId })
    // It is stored; should it expire before it is judged, its caller is to know that.
    const before = record.userRecords.map(({ maybeStored }) => maybeStored)
    for (const user of record.userRecords) user.maybeStored = true
    this.#wait(record)
    const map = await this.#shardMap.newerThan(startedMs).catch(() => undefined)
    if (map === undefined) return
    const waiting = record.userRecords.filter(({ state }) => state === 'waiting')
    if (
      map.covers(
        stored.shardId,
        record.userRecords.map(({ hashKey }) => hashKey)
      )
    ) {
      record.userRecords.forEach((user, index) => {
        user.maybeStored = before[index]!
      })
      this.#acknowledge(record, stored)
      return
    }
    const delayMs = wrongShardDelayMs(record, this.#options)
    const now = this.#options.clock.now()
    for (const user of waiting) user.noteFailure('WrongShard', undefined, now)
    if (delayMs === undefined) {
      for (const user of waiting)
        this.#reject(user, new Error('stored in a shard that does not cover its aggregate'))
      return
    }
    this.counters.retries += 1
    this.#later(delayMs, () => {
      for (const user of waiting) {
        if (user.state !== 'waiting') continue
        user.deadlineMs = this.#options.clock.now() + this.#options.maxBufferedMs / 2
        this.#route(user)
      }
    })
  }

  #acknowledge(
    record: KinesisRecord,
    { shardId, sequenceNumber }: { shardId: string; sequenceNumber: string }
  ): void {
    this.counters.kinesisRecords += 1
    this.counters.bytesSealed += record.data.length
    record.userRecords.forEach((user, subSequenceNumber) => {
      if (user.state === 'settled') return
      this.counters.acknowledged += 1
      this.#settle(user)
      user.resolve({
        shardId,
        sequenceNumber,
        subSequenceNumber,
        attempts: user.attempts,
        maybeDuplicate: user.maybeStored
      })
    })
  }

  #expire(record: PendingRecord): void {
    if (record.state === 'settled') return
    this.counters.handedBack += 1
    this.#settle(record)
    record.reject(new RecordExpiredError(record.handedBack(record.cause), this.#options.recordTtlMs))
  }

  #reject(record: PendingRecord, cause: unknown): void {
    if (record.state === 'settled') return
    this.counters.handedBack += 1
    this.#settle(record)
    record.reject(new PutFailedError(record.handedBack(cause)))
  }

  #settle(record: PendingRecord): void {
    record.state = 'settled'
    this.#expirer.delete(record)
    this.#withoutMap.delete(record)
    this.#onSettled(record)
    const left = this.#outstanding.get(record.generation)! - 1
    if (left > 0) {
      this.#outstanding.set(record.generation, left)
      return
    }
    this.#outstanding.delete(record.generation)
    if (this.#flushes.length === 0) return
    const oldest = Math.min(...this.#outstanding.keys())
    const done = this.#flushes.filter(({ generation }) => generation < oldest)
    this.#flushes = this.#flushes.filter(({ generation }) => generation >= oldest)
    for (const flush of done) flush.done()
  }

  /** While somebody waits for a flush nothing stays in a buffer. */
  #hurry(): void {
    if (this.#flushes.length === 0) return
    this.#aggregator.flush()
    this.#collector.flush()
  }

  #later(ms: number, task: () => void): void {
    this.#options.clock.sleep(ms, this.#stop.signal).then(
      () => {
        task()
        this.#hurry()
      },
      () => {}
    )
  }
}
