import { setMaxListeners } from 'node:events'
import type { KinesisClient } from '@aws-sdk/client-kinesis'
import { AggregateSize } from '../core/aggregated-record.ts'
import type { CallOptions, KinesisWriterPort } from '../core/aws-ports.ts'
import { Semaphore } from '../core/concurrency.ts'
import { ClosedError, InvalidRecordError } from '../core/errors.ts'
import { hashKeyOf } from '../core/hash-key.ts'
import { createKinesisClient, kinesisPort } from '../core/kinesis-client.ts'
import { noKeyStats, type RecordSealer, SealMode } from '../core/record-transform.ts'
import type { UserRecord } from '../core/user-record.ts'
import { BufferFullError } from './errors.ts'
import { type ProducerOptions, type ResolvedProducerOptions, resolveOptions } from './options.ts'
import { PendingRecord } from './pending-record.ts'
import { Pipeline } from './pipeline.ts'
import type { ProducerStats, PutResult } from './types.ts'
import { checkRecord } from './validate-record.ts'

/** What the bookkeeping of one record takes beside its bytes, roughly; it counts against the buffer, too. */
const recordOverheadBytes = 1_024
/** Longest outer partition key of a sealed aggregate: a hash key in decimal. */
const longestHashKeyText = 39

/** A record that was found valid. */
interface OfferedRecord {
  readonly record: UserRecord
  /** In plain decimal. */
  readonly explicitHashKey: string | undefined
  readonly tenant: string | undefined
  readonly bytes: number
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
  readonly #sealer: RecordSealer | undefined
  readonly #pipeline: Pipeline
  readonly #budget: Semaphore
  /** Made here, so destroyed here. */
  readonly #ownClient: KinesisClient | undefined
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined
  #accepted = 0
  #bytesIn = 0

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
    const { seal, streamName, maxBufferedBytes } = this.#options
    this.#sealer = seal?.keyring.createSealer({ streamName, context: seal.context })
    this.#budget = new Semaphore(maxBufferedBytes)
    this.#pipeline = new Pipeline(this.#options, port, this.#sealer, ({ bytes }) =>
      this.#budget.release(bytes)
    )
  }

  get stats(): ProducerStats {
    const { counters } = this.#pipeline
    return {
      accepted: this.#accepted,
      ...counters,
      inFlight: this.#accepted - counters.acknowledged - counters.handedBack,
      pendingBytes: this.#budget.taken,
      bytesIn: this.#bytesIn,
      keys: this.#sealer?.keyStats ?? noKeyStats
    }
  }

  /**
   * Puts one record. It is accepted before `put` returns when there is room, and waits for room otherwise; the
   * signal ends that wait alone, with nothing accepted.
   *
   * Rejects with `InvalidRecordError`, `BufferFullError` or `ClosedError` when the record was not accepted, and
   * with `PutFailedError` or `RecordExpiredError` when it was.
   */
  put(record: UserRecord, options: CallOptions = {}): Promise<PutResult> {
    try {
      this.#throwIfClosed()
      const { explicitHashKey } = checkRecord(record)
      const tenant = this.#tenantOf(record)
      this.#checkSize(record, explicitHashKey, tenant)
      options.signal?.throwIfAborted()
      const bytes = record.data.length + Buffer.byteLength(record.partitionKey) + recordOverheadBytes
      const offered = { record, explicitHashKey, tenant, bytes }
      if (this.#budget.tryTake(bytes)) return this.#accept(offered)
      return this.#acceptLater(offered, options.signal)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Resolves when a record of any size that is allowed would be accepted at once. */
  async ready(options: CallOptions = {}): Promise<void> {
    this.#throwIfClosed()
    const bytes = this.#options.maxRecordBytes + recordOverheadBytes
    // Nearly always there is room, and then no signal has to be made.
    if (!this.#budget.tryTake(bytes)) await this.#budget.take(bytes, this.#whileOpen(options.signal))
    this.#budget.release(bytes)
  }

  /** Sends what is held now; resolves when every record accepted before is settled, one way or the other. */
  flush(): Promise<void> {
    return this.#pipeline.flush()
  }

  /**
   * Takes nothing more, sends what is held, and ends. What is not settled after `drainMs` milliseconds is handed
   * back with a `ClosedError` as its cause.
   * @default drainMs: `recordTtlMs`, after which nothing is left by itself
   */
  close(options: { readonly drainMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(options.drainMs ?? this.#options.recordTtlMs)
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(drainMs: number): Promise<void> {
    this.#closing.abort(new ClosedError('producer'))
    const limit = new AbortController()
    const timedOut = this.#options.clock.sleep(drainMs, limit.signal).catch(() => {})
    await Promise.race([this.#pipeline.flush(), timedOut])
    limit.abort()
    this.#pipeline.destroy(new ClosedError('producer'))
    this.#sealer?.close()
    this.#ownClient?.destroy()
  }

  #accept({ record, explicitHashKey, tenant, bytes }: OfferedRecord): Promise<PutResult> {
    const { clock, maxBufferedMs, recordTtlMs } = this.#options
    this.#accepted += 1
    this.#bytesIn += record.data.length
    return new Promise((resolve, reject) => {
      this.#pipeline.accept(
        new PendingRecord({
          record,
          explicitHashKey,
          hashKey: hashKeyOf({ partitionKey: record.partitionKey, explicitHashKey }),
          tenant,
          bytes,
          acceptedMs: clock.now(),
          maxBufferedMs,
          recordTtlMs,
          generation: this.#pipeline.generation,
          resolve,
          reject
        })
      )
    })
  }

  async #acceptLater(offered: OfferedRecord, signal: AbortSignal | undefined): Promise<PutResult> {
    const { bytes } = offered
    const { maxWaitingPuts } = this.#options
    if (this.#budget.waiting >= maxWaitingPuts) throw new BufferFullError(maxWaitingPuts)
    await this.#budget.take(bytes, this.#whileOpen(signal))
    if (this.#closing.signal.aborted) {
      this.#budget.release(bytes)
      throw this.#closing.signal.reason
    }
    return this.#accept(offered)
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

  /** What the record takes when it travels alone must fit into one Kinesis record, keys included. */
  #checkSize(
    { partitionKey, data }: UserRecord,
    explicitHashKey: string | undefined,
    tenant: string | undefined
  ): void {
    const { maxRecordBytes, seal } = this.#options
    // Far below the limit there is nothing to work out.
    if (data.length < maxRecordBytes >>> 1) return
    let stored = data.length
    let keyBytes = Buffer.byteLength(partitionKey)
    if (seal?.mode === SealMode.aggregate) {
      stored = new AggregateSize().with(partitionKey, explicitHashKey, data.length)
      keyBytes = longestHashKeyText
    }
    stored += (this.#sealer?.overheadBytes(stored, tenant) ?? 0) + keyBytes
    if (stored > maxRecordBytes) {
      throw new InvalidRecordError(
        'data',
        `takes ${stored} bytes with its partition key${seal === undefined ? '' : ', sealed'}; at most ${maxRecordBytes} are allowed`
      )
    }
  }

  #throwIfClosed(): void {
    this.#closing.signal.throwIfAborted()
  }

  #whileOpen(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
  }
}
