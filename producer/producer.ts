import { setMaxListeners } from 'node:events'
import type { Writable } from 'node:stream'
import type { KinesisClient } from '@aws-sdk/client-kinesis'
import { AggregateSize, startsWithMagic } from '../core/aggregated-record.ts'
import type { CallOptions, KinesisWriterPort } from '../core/aws-ports.ts'
import { Semaphore } from '../core/concurrency.ts'
import { ClosedError, InvalidRecordError } from '../core/errors.ts'
import { hashKeyOf } from '../core/hash-key.ts'
import { createKinesisClient, kinesisPort } from '../core/kinesis-client.ts'
import { noKeyStats, type RecordSealer, SealMode } from '../core/record-transform.ts'
import type { UserRecord } from '../core/user-record.ts'
import { BufferFullError, PutAllFailedError } from './errors.ts'
import {
  largestRecordBytes,
  type ProducerOptions,
  type ResolvedProducerOptions,
  resolveOptions
} from './options.ts'
import { longestHashKeyText } from './packer.ts'
import { PendingRecord } from './pending-record.ts'
import { Pipeline } from './pipeline.ts'
import { RecordWritable } from './record-writable.ts'
import type { ProducerStats, PutAllResult, PutResult } from './types.ts'
import { checkRecord } from './validate-record.ts'

/** What the bookkeeping of one record takes beside its bytes, roughly; it counts against the buffer, too. */
const recordOverheadBytes = 1_024

/** A record that was found valid. */
interface OfferedRecord {
  readonly record: UserRecord
  /** In plain decimal. */
  readonly explicitHashKey: string | undefined
  readonly tenant: string | undefined
  readonly partitionKeyBytes: number
  readonly bytes: number
  readonly order: number
}

/**
 * Puts user records into one Kinesis stream: aggregated in the KPL's format, sealed when asked, retried entry by
 * entry, within a bounded buffer.
 *
 * A record is **accepted** when it was found valid and its bytes have room in the buffer. From then on its `put`
 * resolves when Kinesis has stored it, or rejects with the record, its cause and its attempts. `data` must not be
 * changed until then.
 */
export class Producer implements AsyncDisposable {
  readonly #options: ResolvedProducerOptions
  readonly #refusesMagic: boolean
  readonly #sealer: RecordSealer | undefined
  readonly #pipeline: Pipeline
  readonly #budget: Semaphore
  /** Made here, so destroyed here. */
  readonly #ownClient: KinesisClient | undefined
  readonly #closing = new AbortController()
  #closed: Promise<readonly UserRecord[]> | undefined
  /** Puts that wait until the stream's record limit is known, and the bytes of their records. */
  readonly #undecided = new Set<OfferedRecord>()
  #undecidedBytes = 0
  #known: Promise<void> | undefined
  #accepted = 0
  #bytesIn = 0
  #order = 0

  /** @throws InvalidOptionError */
  constructor(options: ProducerOptions) {
    this.#options = resolveOptions(options)
    // One listener per put that waits for room is no leak.
    setMaxListeners(0, this.#closing.signal)
    this.#ownClient =
      options.client === undefined && options.kinesis === undefined
        ? createKinesisClient(options.clientConfig)
        : undefined
    const port: KinesisWriterPort = options.kinesis ?? kinesisPort(options.client ?? this.#ownClient!)
    const { seal, streamName, maxBufferedBytes, onMagicPrefix } = this.#options
    // Inside a sealed aggregate the data is nobody's to take apart.
    this.#refusesMagic = onMagicPrefix === 'refuse' && seal?.mode !== SealMode.aggregate
    this.#sealer = seal?.keyring.createSealer({ streamName, context: seal.context })
    this.#budget = new Semaphore(maxBufferedBytes)
    this.#pipeline = new Pipeline({
      ...this.#options,
      port,
      sealer: this.#sealer,
      onSettled: ({ bytes }) => this.#budget.release(bytes),
      lastOrder: () => this.#order,
      pendingBytes: () => this.#budget.taken
    })
  }

  get stats(): ProducerStats {
    const { counters, outstanding } = this.#pipeline
    const { acknowledged, handedBack, oldest } = outstanding
    return {
      accepted: this.#accepted,
      acknowledged,
      handedBack,
      inFlight: this.#accepted - acknowledged - handedBack,
      ...counters,
      pendingBytes: this.#budget.taken,
      waitingPuts: this.#budget.waiting + this.#undecided.size,
      waitingBytes: this.#budget.waitingUnits + this.#undecidedBytes,
      oldestMs: oldest === undefined ? 0 : this.#options.clock.now() - oldest.acceptedMs,
      bytesIn: this.#bytesIn,
      keys: this.#sealer?.keyStats ?? noKeyStats
    }
  }

  /**
   * Puts one record. It is accepted before `put` returns when there is room, and waits for room otherwise; the
   * signal ends that wait alone, with nothing accepted.
   *
   * Rejects with `InvalidRecordError`, `BufferFullError`, `LaneStoppedError` or `ClosedError` when the record was not
   * accepted, and with `PutFailedError` or `RecordExpiredError` when it was.
   */
  put(record: UserRecord, options: CallOptions = {}): Promise<PutResult> {
    try {
      this.#throwIfClosed()
      const { explicitHashKey } = checkRecord(record, this.#refusesMagic)
      const tenant = this.#tenantOf(record)
      options.signal?.throwIfAborted()
      const partitionKeyBytes = Buffer.byteLength(record.partitionKey)
      const bytes = this.#bytesOf(record, partitionKeyBytes, tenant)
      this.#order += 1
      const offered = { record, explicitHashKey, tenant, partitionKeyBytes, bytes, order: this.#order }
      const isBehind = this.#options.ordered && this.#undecided.size > 0
      return this.#isUndecided(offered) || isBehind
        ? this.#enterWhenKnown(offered, options.signal)
        : this.#enter(offered, options.signal)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Puts every record, and takes the next one when there is room for it; resolves when all are settled. Without
   * `onError` the first record that is refused or handed back ends the taking, and `putAll` rejects with a
   * `PutAllFailedError` that has all such records, when the others are settled. The signal ends the taking, too, and
   * then `putAll` rejects with its reason.
   */
  async putAll(
    records: Iterable<UserRecord> | AsyncIterable<UserRecord>,
    options: CallOptions & {
      readonly onResult?: (result: PutResult, record: UserRecord) => void
      readonly onError?: (error: unknown, record: UserRecord) => void
    } = {}
  ): Promise<PutAllResult> {
    const { signal, onResult, onError } = options
    const outstanding = new Set<Promise<void>>()
    const errors: unknown[] = []
    let acknowledged = 0
    let handedBack = 0
    const put = async (record: UserRecord): Promise<void> => {
      try {
        const result = await this.put(record)
        acknowledged += 1
        onResult?.(result, record)
      } catch (error) {
        handedBack += 1
        if (onError === undefined) errors.push(error)
        else onError(error, record)
      }
    }
    try {
      for await (const record of records) {
        await this.ready({ signal })
        const putting: Promise<void> = put(record).finally(() => outstanding.delete(putting))
        outstanding.add(putting)
        if (errors.length > 0) break
      }
    } finally {
      await Promise.all(outstanding)
    }
    if (errors.length > 0) throw new PutAllFailedError(errors)
    return { accepted: acknowledged + handedBack, acknowledged, handedBack }
  }

  /** A stream in object mode that puts what is written to it; see `RecordWritable`. */
  writable(): Writable {
    return new RecordWritable(this)
  }

  /** Resolves when a record of any size that is allowed would be accepted at once. */
  async ready(options: CallOptions = {}): Promise<void> {
    this.#throwIfClosed()
    options.signal?.throwIfAborted()
    const bytes = this.#pipeline.maxRecordBytes + recordOverheadBytes
    // Nearly always there is room, and then no signal has to be made.
    if (!this.#budget.tryTake(bytes)) await this.#budget.take(bytes, this.#whileOpen(options.signal))
    this.#budget.release(bytes)
  }

  /**
   * Sends what is held now; resolves when every record accepted before is settled, one way or the other, or after
   * `timeoutMs` milliseconds, with the records that are still on their way, in the order of acceptance.
   * @default timeoutMs: `recordTtlMs`, after which nothing is left by itself
   */
  async flush(options: { readonly timeoutMs?: number } = {}): Promise<readonly UserRecord[]> {
    const { outstanding } = this.#pipeline
    const { generation } = outstanding
    const flushed = this.#pipeline.flush()
    if (options.timeoutMs === undefined) await flushed
    else await this.#atMost(options.timeoutMs, flushed)
    return outstanding.leftOf(generation)
  }

  /**
   * Takes nothing more, sends what is held, and ends. What is not settled after `drainMs` milliseconds is handed
   * back with a `ClosedError` as its cause, and returned as well.
   * @default drainMs: `recordTtlMs`, after which nothing is left by itself
   */
  close(options: { readonly drainMs?: number } = {}): Promise<readonly UserRecord[]> {
    this.#closed ??= this.#close(options.drainMs ?? this.#options.recordTtlMs)
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(drainMs: number): Promise<readonly UserRecord[]> {
    this.#closing.abort(new ClosedError('producer'))
    await this.#atMost(drainMs, this.#pipeline.flush())
    const left = this.#pipeline.outstanding.all.map(({ record }) => record)
    this.#pipeline.destroy(new ClosedError('producer'))
    this.#sealer?.close()
    this.#ownClient?.destroy()
    return left
  }

  /** Waits for `done`, but no longer than that. */
  async #atMost(ms: number, done: Promise<unknown>): Promise<void> {
    const limit = new AbortController()
    const timedOut = this.#options.clock.sleep(ms, limit.signal).catch(() => {})
    await Promise.race([done, timedOut])
    limit.abort()
  }

  #accept(offered: OfferedRecord): Promise<PutResult> {
    const { record, explicitHashKey, tenant, bytes, order } = offered
    const { clock, maxBufferedMs, recordTtlMs } = this.#options
    try {
      this.#pipeline.checkOrder(
        record.partitionKey,
        tenant,
        order,
        this.#budget.waiting + this.#undecided.size === 0
      )
    } catch (error) {
      this.#budget.release(bytes)
      throw error
    }
    this.#accepted += 1
    this.#bytesIn += record.data.length
    return new Promise((resolve, reject) => {
      this.#pipeline.accept(
        new PendingRecord({
          ...offered,
          hashKey: hashKeyOf({ partitionKey: record.partitionKey, explicitHashKey }),
          acceptedMs: clock.now(),
          maxBufferedMs,
          recordTtlMs,
          generation: this.#pipeline.outstanding.generation,
          resolve,
          reject
        })
      )
    })
  }

  /** Accepts the record now, or when there is room. */
  #enter(offered: OfferedRecord, signal: AbortSignal | undefined): Promise<PutResult> {
    if (this.#budget.tryTake(offered.bytes)) return this.#accept(offered)
    this.#checkWaiting(offered)
    // Accepted in the very reaction to the grant: a later put must not come in between.
    return this.#budget.take(offered.bytes, this.#whileOpen(signal)).then(() => {
      if (!this.#closing.signal.aborted) return this.#accept(offered)
      this.#budget.release(offered.bytes)
      throw this.#closing.signal.reason
    })
  }

  /**
   * Whether a record of more than the usual limit may be put is known when the stream has been looked at. In ordered
   * mode those put meanwhile wait behind it.
   */
  #enterWhenKnown(offered: OfferedRecord, signal: AbortSignal | undefined): Promise<PutResult> {
    this.#checkWaiting(offered)
    this.#undecided.add(offered)
    this.#undecidedBytes += offered.bytes
    // One for all of them, so that they go on in the order of their puts.
    this.#known ??= this.#pipeline.known().finally(() => (this.#known = undefined))
    const known = this.#known
    const ended = this.#whileOpen(signal)
    return new Promise((resolve, reject) => {
      const decide = (enter: () => Promise<PutResult>): void => {
        ended.removeEventListener('abort', onAbort)
        if (!this.#undecided.delete(offered)) return
        this.#undecidedBytes -= offered.bytes
        try {
          resolve(enter())
        } catch (error) {
          reject(error)
        }
      }
      const onAbort = (): void => decide(() => Promise.reject(ended.reason))
      ended.addEventListener('abort', onAbort, { once: true })
      const enter = (): Promise<PutResult> => {
        this.#checkSize(offered)
        return this.#enter(offered, signal)
      }
      known.then(
        () => decide(enter),
        (error: unknown) => decide(() => (this.#isUndecided(offered) ? Promise.reject(error) : enter()))
      )
    })
  }

  /** Whether the record may be put only if the stream takes more than usual, which is not known. */
  #isUndecided(offered: OfferedRecord): boolean {
    return offered.record.data.length > this.#pipeline.maxRecordBytes >>> 1 && !this.#checkSize(offered)
  }

  #checkWaiting({ bytes }: OfferedRecord): void {
    const { maxWaitingBytes } = this.#options
    if (this.#budget.waitingUnits + this.#undecidedBytes + bytes > maxWaitingBytes) {
      throw new BufferFullError(maxWaitingBytes)
    }
  }

  /** What the record takes of the buffer. */
  #bytesOf({ data }: UserRecord, partitionKeyBytes: number, tenant: string | undefined): number {
    const bytes = data.length + partitionKeyBytes + recordOverheadBytes
    if (this.#options.seal?.mode !== SealMode.record) return bytes
    return bytes + data.length + this.#sealer!.overheadBytes(data.length, tenant)
  }

  /** Whose key seals the record. @throws what `keyFor` throws, and for a tenant that the keyring does not know */
  #tenantOf(record: UserRecord): string | undefined {
    const keyFor = this.#options.seal?.keyFor
    if (keyFor === undefined) return undefined
    const tenant = keyFor(record)
    if (typeof tenant !== 'string' || tenant === '') {
      throw new InvalidRecordError('tenant', 'seal.keyFor gave no name')
    }
    this.#sealer!.overheadBytes(0, tenant)
    return tenant
  }

  /**
   * What the record takes when it travels alone must fit into one Kinesis record, keys included. False when that
   * cannot be told yet: the stream may take more than usual.
   */
  #checkSize({ record, explicitHashKey, tenant, partitionKeyBytes }: OfferedRecord): boolean {
    const { partitionKey, data } = record
    const { seal } = this.#options
    let stored = data.length
    let keyBytes = partitionKeyBytes
    if (seal?.mode === SealMode.aggregate) {
      stored = new AggregateSize().with(partitionKey, explicitHashKey, data.length)
      keyBytes = longestHashKeyText
    } else if (seal === undefined && startsWithMagic(data)) {
      // It is wrapped, under a key of its own or the aggregates' one.
      stored = new AggregateSize().with(partitionKey, explicitHashKey, data.length)
    }
    stored += (this.#sealer?.overheadBytes(stored, tenant) ?? 0) + keyBytes
    const limit = this.#pipeline.maxRecordBytes
    if (stored <= limit) return true
    if (stored <= largestRecordBytes && !this.#pipeline.isLimitKnown) return false
    throw new InvalidRecordError(
      'data',
      `takes ${stored} bytes with its partition key${seal === undefined ? '' : ', sealed'}; at most ${limit} are allowed`
    )
  }

  #throwIfClosed(): void {
    this.#closing.signal.throwIfAborted()
  }

  #whileOpen(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
  }
}
