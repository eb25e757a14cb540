import { setMaxListeners } from 'node:events'
import { startsWithMagic } from '../core/aggregated-record.ts'
import type { KinesisWriterPort } from '../core/aws-ports.ts'
import { Semaphore } from '../core/concurrency.ts'
import { InvalidOptionError, InvalidRecordError, KeyUnavailableError } from '../core/errors.ts'
import { type RecordSealer, SealMode } from '../core/record-transform.ts'
import { FailureClass } from '../core/service-errors.ts'
import { Aggregator } from './aggregator.ts'
import { Collector } from './collector.ts'
import { LaneStoppedError } from './errors.ts'
import { KeyOrder } from './key-order.ts'
import { KeyOutages } from './key-outages.ts'
import type { Batch, KinesisRecord } from './kinesis-record.ts'
import { Lanes } from './lanes.ts'
import { Limiter } from './limiter.ts'
import { ProducerMetric, ProducerMetrics } from './metrics.ts'
import { largestRecordBytes, type ResolvedProducerOptions } from './options.ts'
import { Outstanding, type StoredAt } from './outstanding.ts'
import { Packer } from './packer.ts'
import type { PendingRecord } from './pending-record.ts'
import { RecordSealing } from './record-sealing.ts'
import { judge, wrongShardDelayMs } from './retrier.ts'
import { type EntryOutcome, sendRecords } from './sender.ts'
import type { ShardMap } from './shard-map.ts'
import { StreamView } from './stream-view.ts'
import { TurnBudget } from './turn-budget.ts'

/** Largest record of a stream that was not told to take larger ones (Kinesis quotas). */
const usualRecordBytes = 1_048_576
/** About 10 ms of packing, or of the SDK's making a request; guessed. */
const bytesPerTurn = 2_097_152

export interface PipelineCounters {
  kinesisRecords: number
  bytesSealed: number
  putRecordsRequests: number
  retries: number
  throttled: number
  wrongShard: number
}

export interface PipelineOptions extends ResolvedProducerOptions {
  readonly port: KinesisWriterPort
  readonly sealer: RecordSealer | undefined
  readonly onSettled: (record: PendingRecord) => void
  /** Order of the last put so far, see `PendingRecord`. */
  readonly lastOrder: () => number
  /** Bytes of the buffer that are taken. */
  readonly pendingBytes: () => number
}

/**
 * Wires the stages of one stream:
 *
 *   accept -> seal (mode record) -> aggregator -> lanes (ordered) -> packer (seals aggregates) -> limiter -> collector
 *     -> sender -> retrier -> settled
 *
 * What failed goes back to the limiter after a backoff, as the same bytes. What can no longer go where it was meant to
 * go (wrong shard, resharding) goes back to the aggregator, user record by user record.
 */
export class Pipeline {
  readonly counters: PipelineCounters = {
    kinesisRecords: 0,
    bytesSealed: 0,
    putRecordsRequests: 0,
    retries: 0,
    throttled: 0,
    wrongShard: 0
  }
  readonly outstanding: Outstanding
  readonly #options: PipelineOptions
  readonly #stop = new AbortController()
  readonly #metrics: ProducerMetrics
  readonly #view: StreamView
  readonly #outages: KeyOutages
  readonly #sealing: RecordSealing | undefined
  readonly #aggregator: Aggregator
  readonly #packer: Packer
  readonly #limiter: Limiter
  readonly #collector: Collector
  readonly #slots: Semaphore
  readonly #turnBudget = new TurnBudget(bytesPerTurn)
  /** Both in ordered mode alone. */
  readonly #lanes: Lanes | undefined
  readonly #keyOrder: KeyOrder | undefined
  /** Records that wait for the first shard map. */
  readonly #withoutMap = new Set<PendingRecord>()

  constructor(options: PipelineOptions) {
    const { clock, streamName, random, logger, onEvent, port, sealer, seal } = options
    // One listener per backoff is no leak.
    setMaxListeners(0, this.#stop.signal)
    const { signal } = this.#stop
    this.#options = options
    this.#metrics = new ProducerMetrics({
      sink: options.metrics,
      streamName,
      level: options.metricsLevel,
      granularity: options.metricsGranularity
    })
    this.outstanding = new Outstanding({
      clock,
      recordTtlMs: options.recordTtlMs,
      onExpired: record => this.#expire([record]),
      onSettled: record => this.#onSettled(record)
    })
    this.#view = new StreamView({
      kinesis: port,
      streamName,
      clock,
      logger,
      signal,
      onEvent,
      onFailure: error => {
        for (const record of this.#withoutMap) record.cause = error
      },
      onChanged: previous => this.#onViewChanged(previous)
    })
    this.#outages = new KeyOutages({ random, logger, onEvent })
    this.#packer = new Packer({
      mode: seal?.mode,
      sealer,
      isByPartitionKey: options.aggregateBy === 'partitionKey'
    })
    this.#sealing =
      sealer === undefined || seal?.mode !== SealMode.record
        ? undefined
        : new RecordSealing({
            sealer,
            clock,
            outages: this.#outages,
            signal,
            onSealed: record => this.#onSealed(record),
            onFailed: (record, error) => this.#handBack([record], error)
          })
    this.#aggregator = new Aggregator({
      clock,
      maxRecords: options.maxRecordsPerAggregate,
      maxBufferedMs: options.maxBufferedMs,
      maxBytes: first => this.#packer.aggregateBytes(options.maxAggregateBytes, first),
      turnBudget: this.#turnBudget,
      onBatch: batch => this.#onBatch(batch)
    })
    if (options.ordered) {
      this.#keyOrder = new KeyOrder()
      this.#lanes = new Lanes({
        onTurn: batch => this.#pack(batch),
        isOfShard: container => !isOfOneHashKey(container),
        takeOpen: container => this.#aggregator.take(container),
        onDissolved: records => this.#routeAll(records)
      })
    }
    this.#limiter = new Limiter({
      clock,
      random,
      rateLimitPercent: options.rateLimitPercent,
      onGranted: record => this.#collect(record)
    })
    this.#collector = new Collector({
      clock,
      maxRequestBytes: options.maxRequestBytes,
      onRequest: records => void this.#send(records)
    })
    this.#slots = new Semaphore(options.maxConcurrentRequests)
  }

  /** Largest Kinesis record, data and partition key, in bytes. */
  get maxRecordBytes(): number {
    const { maxRecordBytes } = this.#options
    return Math.min(
      maxRecordBytes ?? largestRecordBytes,
      this.#view.maxRecordBytes ?? maxRecordBytes ?? usualRecordBytes
    )
  }

  /** Whether `maxRecordBytes` may still rise with the first description of the stream. */
  get isLimitKnown(): boolean {
    return this.#options.maxRecordBytes !== undefined || this.#view.map !== undefined
  }

  /** Resolves when the stream has been looked at. Rejects with a `ServiceError`, or with the signal's reason. */
  async known(): Promise<void> {
    await this.#view.newerThan(Number.NEGATIVE_INFINITY)
  }

  /** Ordered mode: throws when the record may not be accepted behind, or beside, the others of its key. */
  checkOrder(partitionKey: string, tenant: string | undefined, order: number, isLastWaiting: boolean): void {
    if (this.#keyOrder === undefined) return
    if (this.#keyOrder.isStopped(partitionKey, order)) throw new LaneStoppedError()
    if (isLastWaiting) this.#keyOrder.forgetStops()
    const other = this.#keyOrder.tenantOf(partitionKey)
    if (other !== undefined && other !== tenant) {
      throw new InvalidRecordError(
        'tenant',
        'in ordered mode seal.keyFor must give one tenant for all records of a partition key'
      )
    }
  }

  accept(record: PendingRecord): void {
    this.outstanding.add(record)
    this.#keyOrder?.add(record)
    this.#metrics.put(ProducerMetric.userRecordsReceived, 1)
    if (this.#sealing === undefined) this.#route(record)
    else this.#sealing.seal(record)
    this.#hurry()
  }

  /** Sends what is held; resolves when all that was accepted before is settled. */
  flush(): Promise<void> {
    const flushed = this.outstanding.flush()
    this.#hurry()
    return flushed
  }

  /** Ends everything at once; what is not settled is handed back with `cause`. */
  destroy(cause: unknown): void {
    this.#stop.abort(cause)
    this.#aggregator.close()
    this.#limiter.close()
    this.#collector.close()
    for (const record of this.outstanding.all) {
      // The answer to the request that carries it will not be waited for.
      if (record.state === 'sent') record.maybeStored = true
      this.outstanding.handBack(record, cause)
    }
  }

  #onSealed(record: PendingRecord): void {
    const bytes = record.payload.length + Buffer.byteLength(record.record.partitionKey)
    if (bytes > this.maxRecordBytes) this.#handBack([record], this.#tooLarge(bytes))
    else {
      this.#route(record)
      // A flush that was asked for while the key was fetched waits for this record, too.
      this.#hurry()
    }
  }

  #route(record: PendingRecord): void {
    const { map } = this.#view
    // Behind those that wait for it.
    if (map === undefined || this.#withoutMap.size > 0) {
      this.#waitForMap(record)
      return
    }
    this.#view.refreshIfBlind(record.acceptedMs)
    if (this.#view.isAuto) this.#routeAlone(record)
    else if (!this.#lanes?.hold(record)) this.#routeByMap(record, map)
  }

  #routeByMap(record: PendingRecord, map: ShardMap): void {
    const { aggregation, aggregateBy, ordered } = this.#options
    const shardId = map.predict(record.hashKey)
    if (!aggregation && !ordered) {
      this.#pack({ container: shardId, shardId, records: [record] })
      return
    }
    const common = aggregation && aggregateBy === 'shard' ? shardId : containerOf(record.hashKey)
    // Neither a shard id nor a number holds a slash.
    const container = record.tenant === undefined ? common : `${common}/${record.tenant}`
    if (!aggregation) {
      this.#onBatch({ container, shardId, records: [record] })
      return
    }
    try {
      this.#aggregator.add(container, shardId, record)
    } catch (error) {
      // The record's tenant has become unknown since it was accepted.
      this.#handBack([record], error)
    }
  }

  /** Nobody can say where Kinesis puts it, and a reader may drop any aggregate. */
  #routeAlone(record: PendingRecord): void {
    if (this.#options.ordered) {
      this.#handBack(
        [record],
        new InvalidOptionError('ordered', 'cannot be kept on a stream whose record distribution is AUTO')
      )
    } else if (this.#options.seal === undefined && startsWithMagic(record.record.data)) {
      this.#handBack([record], new InvalidRecordError('data', 'would be taken for an aggregated record'))
    } else this.#pack({ container: '', shardId: '', records: [record] })
  }

  #routeAll(records: readonly PendingRecord[]): void {
    for (const record of records) if (record.state === 'waiting') this.#route(record)
    this.#hurry()
  }

  #waitForMap(record: PendingRecord): void {
    this.#withoutMap.add(record)
    if (this.#withoutMap.size > 1) return
    this.known().then(
      () => this.#routeAll(this.#takeWithoutMap()),
      (error: unknown) => this.#handBack(this.#takeWithoutMap(), error)
    )
  }

  #takeWithoutMap(): readonly PendingRecord[] {
    const records = [...this.#withoutMap]
    this.#withoutMap.clear()
    return records
  }

  /** Sends what was meant for shards that are no more through the new map; nothing of it is under way. */
  #onViewChanged(previous: ShardMap | undefined): void {
    this.#metrics.put(ProducerMetric.shardMapRefreshes, 1)
    const { map, isAuto } = this.#view
    if (previous === undefined || map === undefined) return
    const isOpen = (shardId: string): boolean => (shardId === '' ? isAuto : !isAuto && map.has(shardId))
    const again: PendingRecord[] = []
    for (const { batch } of this.#limiter.keep(isOpen)) {
      if (this.#lanes === undefined) again.push(...batch.records)
      else this.#end(batch, batch.records)
    }
    this.#lanes?.move(shardId => (isOpen(shardId) ? undefined : previous.rangeOf(shardId)))
    for (const { container, shardId } of this.#aggregator.open) {
      if (!isOpen(shardId) && !isOfOneHashKey(container)) again.push(...this.#aggregator.take(container))
    }
    this.#routeAll(again)
  }

  #onBatch(batch: Batch): void {
    if (this.#lanes === undefined) this.#pack(batch)
    else this.#lanes.add(batch)
  }

  /** A batch is over; `again` are those of its records that go round once more. */
  #end({ container }: Batch, again: readonly PendingRecord[] = []): void {
    if (this.#lanes === undefined) this.#routeAll(again)
    else this.#lanes.finish(container, again)
  }

  #pack(offered: Batch): void {
    const records = offered.records.filter(({ state }) => state === 'waiting')
    if (records.length === 0) {
      this.#end(offered)
      return
    }
    const batch = this.#placed(offered, records)
    if (batch === undefined) {
      this.#end(offered, records)
      return
    }
    let packed: KinesisRecord | Promise<KinesisRecord>
    try {
      packed = this.#packer.pack(batch)
    } catch (error) {
      this.#onPackFailure(batch, error)
      return
    }
    if (packed instanceof Promise) {
      packed.then(
        record => this.#onPacked(record),
        (error: unknown) => this.#onPackFailure(batch, error)
      )
    } else this.#onPacked(packed)
  }

  #onPacked(record: KinesisRecord): void {
    // The key may have come after the end.
    if (this.#stop.signal.aborted) return
    if (this.#sealing === undefined) this.#outages.onAvailable(record.batch.records[0]!.tenant)
    this.#limit(record)
  }

  /** The batch with the shard that it goes to by the present map; undefined when there is no one shard for it. */
  #placed({ container, shardId }: Batch, records: readonly PendingRecord[]): Batch | undefined {
    const { map, isAuto } = this.#view
    if (isAuto) return shardId === '' ? { container, shardId, records } : undefined
    if (map!.has(shardId)) return { container, shardId, records }
    // A container of one hash key has a shard in every map.
    return isOfOneHashKey(container)
      ? { container, shardId: map!.predict(records[0]!.hashKey), records }
      : undefined
  }

  #onPackFailure(batch: Batch, error: unknown): void {
    if (!(error instanceof KeyUnavailableError)) {
      this.#handBack(batch.records, error)
      this.#end(batch)
      return
    }
    const delayMs = this.#outages.onUnavailable(batch.records[0]!.tenant, error)
    const now = this.#options.clock.now()
    for (const record of batch.records) record.noteFailure(error.code, error, now)
    this.#later(delayMs, () => this.#pack(batch))
  }

  #limit(record: KinesisRecord): void {
    const { batch, bytes } = record
    if (bytes > this.maxRecordBytes) this.#shrink(record)
    else this.#limiter.add(record, batch.shardId === '' ? this.#view.map!.size : 1)
  }

  /** Sealing added more than was foreseen, as it may before the first data key is there: halves fit. */
  #shrink({ batch, bytes }: KinesisRecord): void {
    const { records } = batch
    if (records.length === 1) {
      this.#handBack(records, this.#tooLarge(bytes))
      this.#end(batch)
      return
    }
    const middle = records.length >>> 1
    const second = { ...batch, records: records.slice(middle) }
    if (this.#lanes !== undefined) this.#lanes.addNext(second)
    this.#pack({ ...batch, records: records.slice(0, middle) })
    if (this.#lanes === undefined) this.#pack(second)
  }

  #tooLarge(bytes: number): InvalidRecordError {
    return new InvalidRecordError(
      'data',
      `is stored as ${bytes} bytes; at most ${this.maxRecordBytes} are allowed`
    )
  }

  #collect(record: KinesisRecord): void {
    this.#collector.add(record)
    if (this.outstanding.isFlushing) this.#collector.flush()
  }

  async #send(offered: readonly KinesisRecord[]): Promise<void> {
    await this.#slots.take(1)
    try {
      await this.#turnBudget.take(offered.reduce((sum, { bytes }) => sum + bytes, 0))
      if (this.#stop.signal.aborted) return
      const { clock, port, streamName, onEvent } = this.#options
      const startedMs = clock.now()
      const records = offered.filter(record => this.#isReady(record, startedMs))
      if (records.length === 0) return
      this.#metrics.onSending(records, startedMs)
      for (const { batch } of records) {
        for (const record of batch.records) {
          record.state = 'sent'
          record.attempts += 1
        }
      }
      this.counters.putRecordsRequests += 1
      const { entries, error } = await sendRecords(port, streamName, records, this.#stop.signal)
      if (this.#stop.signal.aborted) return
      this.#metrics.put(ProducerMetric.requestTime, clock.now() - startedMs)
      if (error !== undefined) {
        onEvent({ type: 'requestFailed', failure: error.failure, serviceCode: error.serviceCode })
      }
      this.#conclude(records, entries, startedMs)
    } finally {
      this.#slots.release(1)
    }
  }

  /** Whether all of it may go, and where it was meant to go; what is left of one that may not is packed anew. */
  #isReady({ batch }: KinesisRecord, nowMs: number): boolean {
    const expired = batch.records.filter(
      ({ state, expiresAtMs }) => state === 'waiting' && expiresAtMs <= nowMs
    )
    if (expired.length > 0) this.#expire(expired)
    if (this.#isAsPacked(batch)) return true
    this.#pack(batch)
    return false
  }

  /** Whether all of it still waits, and goes to the shard that it was packed for. */
  #isAsPacked(batch: Batch): boolean {
    const isWhole = batch.records.every(({ state }) => state === 'waiting')
    return isWhole && this.#placed(batch, batch.records)?.shardId === batch.shardId
  }

  #conclude(records: readonly KinesisRecord[], outcomes: readonly EntryOutcome[], startedMs: number): void {
    const bisected: KinesisRecord[] = []
    let throttled = 0
    records.forEach((record, index) => {
      const outcome = outcomes[index]!
      if (outcome.kind === 'failed') {
        this.#noteFailure(record, outcome, startedMs)
        if (outcome.failure === FailureClass.throttled) throttled += 1
      } else {
        this.#limiter.onStored(record.batch.shardId)
        this.#metrics.onStored(record)
      }
      const verdict = judge(record, outcome, records.length, this.#options)
      switch (verdict.kind) {
        case 'done':
          this.#acknowledge(record, verdict)
          if (verdict.shardId !== record.batch.shardId) void this.#lookAgain(record, verdict, startedMs)
          break
        case 'judge':
          void this.#judgeByNewMap(record, verdict, startedMs)
          break
        case 'retry':
          this.#retry(record, verdict.delayMs)
          break
        case 'bisect':
          // Nothing is known of it yet: what another one did costs it no attempt.
          for (const user of record.batch.records) user.attempts -= 1
          this.#wait(record)
          bisected.push(record)
          break
        case 'fail':
          this.#fail(record)
          break
      }
    })
    if (throttled > 0) {
      this.counters.throttled += throttled
      this.#options.onEvent({ type: 'throttled', records: throttled })
    }
    if (this.#metrics.isOn) {
      this.#metrics.put(ProducerMetric.userRecordsPending, this.outstanding.count)
      this.#metrics.put(ProducerMetric.bufferedBytes, this.#options.pendingBytes())
    }
    const middle = bisected.length >>> 1
    for (const half of [bisected.slice(0, middle), bisected.slice(middle)])
      if (half.length > 0) void this.#send(half)
  }

  #noteFailure(
    record: KinesisRecord,
    outcome: Extract<EntryOutcome, { kind: 'failed' }>,
    startedMs: number
  ): void {
    const now = this.#options.clock.now()
    const { batch } = record
    for (const user of batch.records) {
      user.noteFailure(outcome.errorCode, outcome.cause, now)
      if (outcome.maybeStored) user.maybeStored = true
    }
    this.#metrics.onFailed(record, outcome.errorCode)
    if (outcome.failure !== FailureClass.throttled) return
    this.#limiter.onThrottled(batch.shardId, startedMs)
    if (this.#metrics.isOn) {
      const percent = Math.round(this.#limiter.factorOf(batch.shardId) * 100)
      this.#metrics.put(ProducerMetric.limiterPercent, percent, batch.shardId)
    }
  }

  #fail({ batch }: KinesisRecord): void {
    this.#handBack(batch.records, batch.records[0]!.cause)
    this.#end(batch)
  }

  /** The same bytes go again after a backoff; what expires until then is packed out. */
  #retry(record: KinesisRecord, delayMs: number): void {
    this.counters.retries += 1
    this.#wait(record)
    this.#later(delayMs, () => {
      record.deadlineMs = this.#options.clock.now()
      if (this.#isAsPacked(record.batch)) this.#limit(record)
      else this.#pack(record.batch)
    })
  }

  /** Its user records are nobody's for a while: they can expire again. */
  #wait({ batch }: KinesisRecord): void {
    const now = this.#options.clock.now()
    const expired: PendingRecord[] = []
    for (const record of batch.records) {
      if (record.state !== 'sent') continue
      record.state = 'waiting'
      record.freeSinceMs = now
      if (record.expiresAtMs <= now) expired.push(record)
    }
    this.#expire(expired)
  }

  /** A lone record counts wherever it lies, but the map is out of date, or says nothing on this stream. */
  async #lookAgain(record: KinesisRecord, { shardId }: StoredAt, startedMs: number): Promise<void> {
    if (record.batch.shardId === '') return
    const map = await this.#view.newerThan(startedMs).catch(() => undefined)
    if (map !== undefined) this.#checkSymptom(record, shardId, map)
  }

  /** By a map that is newer than the record. */
  #checkSymptom({ batch }: KinesisRecord, shardId: string, map: ShardMap): void {
    // The first record's hash key is the one that Kinesis was given.
    if (map.has(shardId) && !map.covers(shardId, [batch.records[0]!.hashKey])) this.#view.onSymptomOfAuto()
  }

  /**
   * Atomic for the aggregate: it counts as delivered only when its shard covers every hash key inside, because a
   * KCL drops the whole of it otherwise. Judged by a map that is newer than the request.
   */
  async #judgeByNewMap(record: KinesisRecord, stored: StoredAt, startedMs: number): Promise<void> {
    const { onEvent } = this.#options
    const { batch } = record
    this.counters.wrongShard += 1
    this.#metrics.put(ProducerMetric.wrongShard, 1, batch.shardId)
    onEvent({ type: 'wrongShard', predicted: batch.shardId, actual: stored.shardId })
    // It is stored; should it expire before it is judged, its caller is to know that.
    const before = batch.records.map(({ maybeStored }) => maybeStored)
    for (const user of batch.records) user.maybeStored = true
    this.#wait(record)
    const map = await this.#view.newerThan(startedMs).catch(() => undefined)
    if (map === undefined) return
    const hashKeys = batch.records.map(({ hashKey }) => hashKey)
    if (map.covers(stored.shardId, hashKeys) && !this.#view.isAuto) {
      batch.records.forEach((user, index) => {
        user.maybeStored = before[index]!
      })
      this.#acknowledge(record, stored)
      return
    }
    this.#checkSymptom(record, stored.shardId, map)
    const now = this.#options.clock.now()
    const waiting = batch.records.filter(({ state }) => state === 'waiting')
    for (const user of waiting) user.noteFailure('WrongShard', undefined, now)
    const delayMs = wrongShardDelayMs(record, this.#options)
    if (delayMs === undefined) {
      this.#handBack(waiting, new Error('stored in a shard that does not cover its aggregate'))
      this.#end(batch)
      return
    }
    this.counters.retries += 1
    this.#later(delayMs, () => {
      const soon = this.#options.clock.now() + this.#options.maxBufferedMs / 2
      for (const user of waiting) user.deadlineMs = soon
      this.#end(batch, waiting)
    })
  }

  #acknowledge(record: KinesisRecord, stored: StoredAt): void {
    const { batch, data } = record
    this.counters.kinesisRecords += 1
    this.counters.bytesSealed += data.length
    batch.records.forEach((user, subSequenceNumber) => {
      if (user.state === 'settled') return
      this.#metrics.onSettled(user, 'acknowledged', stored.shardId)
      this.outstanding.acknowledge(user, stored, subSequenceNumber)
    })
    this.#end(batch)
  }

  #handBack(records: readonly PendingRecord[], cause: unknown): void {
    const unsettled = records.filter(({ state }) => state !== 'settled')
    this.#stopLanesSoon(unsettled)
    for (const record of unsettled) {
      this.#metrics.onSettled(record, 'handedBack', '')
      this.outstanding.handBack(record, cause)
    }
    this.#stopLanes(unsettled)
  }

  #expire(records: readonly PendingRecord[]): void {
    this.#stopLanesSoon(records)
    for (const record of records) {
      if (record.state === 'settled') continue
      this.#metrics.onSettled(record, 'expired', '')
      this.outstanding.expire(record)
    }
    this.#stopLanes(records)
  }

  /**
   * To be called before the callers are told: reaches what they put until they can hear of it, such as the rest of a
   * loop whose first put failed at once.
   */
  #stopLanesSoon(failed: readonly PendingRecord[]): void {
    if (this.#keyOrder === undefined || failed.length === 0) return
    queueMicrotask(() => this.#stopLanes(failed))
  }

  /** Ordered mode: nothing of a partition key is delivered behind a record that was handed back. */
  #stopLanes(failed: readonly PendingRecord[]): void {
    if (this.#keyOrder === undefined || this.#options.onLaneFailure === 'continue') return
    // The last of a key is set first: its earliest failure counts.
    const earliest = new Map(failed.toReversed().map(({ record, order }) => [record.partitionKey, order]))
    for (const [partitionKey, order] of earliest) {
      const behind = this.#keyOrder.stop(partitionKey, order, this.#options.lastOrder())
      if (behind.length === 0) continue
      for (const record of behind) {
        this.#metrics.onSettled(record, 'handedBack', '')
        this.outstanding.handBack(record, new LaneStoppedError())
      }
      this.#options.onEvent({ type: 'laneStopped', records: behind.length })
    }
  }

  #onSettled(record: PendingRecord): void {
    this.#withoutMap.delete(record)
    this.#keyOrder?.delete(record)
    this.#options.onSettled(record)
  }

  /** While somebody waits for a flush nothing stays in a buffer. */
  #hurry(): void {
    if (!this.outstanding.isFlushing) return
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

/** Container of the records of one hash key; any other is of one shard, whose id never begins so. */
function containerOf(hashKey: bigint): string {
  return `#${hashKey}`
}

function isOfOneHashKey(container: string): boolean {
  return container.startsWith('#')
}
