import { setMaxListeners } from 'node:events'
import type { Writable } from 'node:stream'
import type { FirehoseClient } from '@aws-sdk/client-firehose'
import type { CallOptions } from '../core/aws-ports.ts'
import { Semaphore } from '../core/concurrency.ts'
import { ClosedError, InvalidRecordError, type SealstreamError, UndeliverableError } from '../core/errors.ts'
import { EventLoopTurn } from '../core/event-loop-turn.ts'
import type { DeliverOptions, RecordSink, UndeliverableRecord } from '../core/record-sink.ts'
import type { ConsumedRecord } from '../core/user-record.ts'
import type { Batch, Member } from './batch.ts'
import { BatchSender } from './batch-sender.ts'
import { Batcher } from './batcher.ts'
import { type FailedPut, PutAllFailedError, SinkFullError } from './errors.ts'
import { createFirehoseClient, firehosePort } from './firehose-client.ts'
import { createFramer, type Framer } from './framer.ts'
import { Offer, type OfferOptions } from './offer.ts'
import { type DeliveryStreamSinkOptions, type ResolvedSinkOptions, resolveOptions } from './options.ts'
import { SinkWritable } from './sink-writable.ts'
import type { SinkPutAllResult, SinkPutResult, SinkRecord, SinkStats } from './types.ts'

const noOptions: CallOptions = {}

/** What the bookkeeping of one record takes beside its bytes, roughly; it counts against the buffer, too. */
const recordOverheadBytes = 256

/**
 * Hands records to a delivery stream by PutRecordBatch: as a worker's sink, or by itself. All who offer records share
 * one buffer, whose batches leave beside each other; Firehose itself promises no order.
 */
export class DeliveryStreamSink implements RecordSink, AsyncDisposable {
  readonly takes: NonNullable<RecordSink['takes']>
  readonly #options: ResolvedSinkOptions
  readonly #frame: Framer
  /** Made here, so destroyed here. */
  readonly #ownClient: FirehoseClient | undefined
  readonly #budget: Semaphore
  readonly #batcher: Batcher
  readonly #sender: BatchSender
  readonly #turn: EventLoopTurn
  readonly #offers = new Set<Offer>()
  readonly #sending = new Set<Promise<void>>()
  readonly #counters = {
    offered: 0,
    delivered: 0,
    undeliverable: 0,
    failed: 0,
    requests: 0,
    entriesDelivered: 0,
    retries: 0,
    throttled: 0,
    bytesDelivered: 0,
    bytesBilled: 0,
    bytesSaved: 0
  }
  #closed: Promise<void> | undefined

  /** @throws InvalidOptionError */
  constructor(options: DeliveryStreamSinkOptions) {
    this.#options = resolveOptions(options)
    this.takes = this.#options.deliver === 'ciphertext' ? 'kinesisRecords' : 'userRecords'
    this.#frame = createFramer(this.#options)
    this.#turn = new EventLoopTurn(this.#options.clock)
    this.#budget = new Semaphore(this.#options.maxBufferedBytes)
    const { client, clientConfig, firehose } = options
    this.#ownClient =
      client === undefined && firehose === undefined ? createFirehoseClient(clientConfig) : undefined
    this.#sender = new BatchSender({
      firehose: firehose ?? firehosePort(client ?? this.#ownClient!),
      options: this.#options,
      counters: this.#counters,
      onFreeSlot: () => this.#batcher.leaveIfDue()
    })
    this.#batcher = new Batcher({
      ...this.#options,
      mayLeave: () => this.#sender.hasFreeSlot,
      onBatch: batch => this.#send(batch)
    })
  }

  get stats(): SinkStats {
    const { offered, delivered, undeliverable, failed } = this.#counters
    return {
      ...this.#counters,
      inFlight: offered - delivered - undeliverable - failed,
      bufferedBytes: this.#budget.taken,
      bytesPerSecondLimit: this.#sender.rateLimit
    }
  }

  /**
   * Resolves when every record has a RecordId, with those that never can have one: too large, or not what the
   * framing takes. Failed entries alone are sent again, with a growing pause.
   * Rejects with `signal.reason`; with a `ServiceError` when the stream is missing or rights are, and after
   * `maxElapsedMs`; with a `ClosedError`. The same records may then be offered again, at least once each.
   */
  async deliver(
    records: readonly ConsumedRecord[],
    { signal, onAcknowledged }: DeliverOptions = {}
  ): Promise<readonly UndeliverableRecord[]> {
    this.#throwIfClosed()
    signal?.throwIfAborted()
    const undeliverable: UndeliverableRecord[] = []
    const offer = this.#offer({
      endsWithFailure: true,
      onDelivered: onAcknowledged && ((_record, index) => onAcknowledged(index)),
      onError: (error, _record, index) => undeliverable.push({ record: records[index]!, error })
    })
    offer.take(records.length)
    const deadlineMs = this.#deadline()
    await this.#following(offer, signal, async () => {
      for (let index = 0; index < records.length && !offer.isOver; index += 1) {
        while (this.#turn.isUsedUp) await this.#turn.next()
        const waiting = this.#accept(offer, records[index]!, index, deadlineMs, signal)
        if (waiting !== undefined) await waiting
      }
      this.#batcher.pause()
      offer.complete()
      await offer.done
    })
    return undeliverable
  }

  /**
   * Delivers one record. It is taken before `put` returns when there is room, and waits for room otherwise.
   * Rejects with `signal.reason`, `InvalidRecordError`, `UndeliverableError`, `SinkFullError`, `ClosedError`, and with
   * the `ServiceError` for which it was given up.
   */
  async put(record: SinkRecord | Uint8Array, { signal }: CallOptions = noOptions): Promise<SinkPutResult> {
    this.#throwIfClosed()
    signal?.throwIfAborted()
    const checked = checkRecord(record)
    const { maxBufferedBytes } = this.#options
    if (this.#budget.waitingUnits + checked.data.length + recordOverheadBytes > maxBufferedBytes) {
      throw new SinkFullError(maxBufferedBytes)
    }
    let recordId = ''
    const offer = this.#offer({
      onDelivered: (_record, _index, id) => {
        recordId = id
      }
    })
    offer.take(1)
    await this.#following(offer, signal, async () => {
      // Not waited for: it may be given up before there is room.
      void this.#accept(offer, checked, 0, this.#deadline(), signal)
      this.#batcher.pause()
      offer.complete()
      await offer.done
    })
    return { recordId }
  }

  /**
   * Delivers every record, and takes the next one when there is room for it; resolves when all are settled. Without
   * `onError` the first record that is not delivered ends the taking, and `putAll` rejects with a `PutAllFailedError`
   * that has all such records, when the others are settled. The signal ends it at once, and it rejects with its reason.
   */
  async putAll(
    records: Iterable<SinkRecord | Uint8Array> | AsyncIterable<SinkRecord | Uint8Array>,
    options: CallOptions & {
      readonly onDelivered?: (record: SinkRecord, recordId: string) => void
      readonly onError?: (error: SealstreamError, record: SinkRecord) => void
    } = {}
  ): Promise<SinkPutAllResult> {
    const { signal, onDelivered, onError } = options
    this.#throwIfClosed()
    signal?.throwIfAborted()
    const failed: FailedPut[] = []
    let offered = 0
    let failures = 0
    const offer = this.#offer({
      onDelivered: onDelivered && ((record, _index, recordId) => onDelivered(record, recordId)),
      onError: (error, record) => {
        failures += 1
        if (onError === undefined) failed.push({ record, error })
        else onError(error, record)
      }
    })
    const take = (record: SinkRecord | Uint8Array): Promise<void> | undefined => {
      this.#throwIfClosed()
      const checked = checkRecord(record)
      offer.take(1)
      offered += 1
      return this.#accept(offer, checked, offered - 1, this.#deadline(), signal)
    }
    const isOver = (): boolean => offer.isOver || failed.length > 0
    await this.#following(offer, signal, async () => {
      try {
        if (Symbol.iterator in records) {
          // Without the promise for each record that `for await` takes.
          for (const record of records) {
            while (this.#turn.isUsedUp) await this.#turn.next()
            if (isOver()) break
            const waiting = take(record)
            if (waiting !== undefined) await waiting
          }
        } else {
          for await (const record of records) {
            if (isOver()) break
            await take(record)
            this.#batcher.pause()
          }
        }
      } finally {
        offer.complete()
        this.#batcher.due()
        await offer.done
      }
    })
    if (failed.length > 0) throw new PutAllFailedError(failed)
    return { delivered: offered - failures, failed: failures }
  }

  /** A stream in object mode that delivers what is written to it; see `SinkWritable`. */
  writable(): Writable {
    this.#throwIfClosed()
    let index = 0
    let offer: Offer
    const writable = new SinkWritable({
      write: (record, signal) => {
        this.#throwIfClosed()
        const checked = checkRecord(record)
        offer.take(1)
        index += 1
        const waiting = this.#accept(offer, checked, index - 1, this.#deadline(), signal)
        this.#batcher.pause()
        return waiting
      },
      end: () => {
        offer.complete()
        this.#batcher.due()
        return offer.done
      },
      fail: error => offer.fail(error)
    })
    offer = this.#offer({ onError: error => writable.destroy(error) })
    void offer.done.then(
      () => this.#offers.delete(offer),
      error => {
        this.#offers.delete(offer)
        writable.destroy(error as Error)
      }
    )
    return writable
  }

  /** Sends what is held now; resolves when every record that was taken before is settled, one way or the other. */
  async flush(): Promise<void> {
    this.#batcher.seal()
    await Promise.all(this.#sending)
  }

  /**
   * Takes nothing more, sends what is held, and ends. What is not settled after `drainMs` milliseconds fails with a
   * `ClosedError`, and may be stored.
   * @default drainMs: 30_000
   */
  close({ drainMs = 30_000 }: { readonly drainMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(drainMs)
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(drainMs: number): Promise<void> {
    const limit = new AbortController()
    const timedOut = this.#options.clock.sleep(drainMs, limit.signal).catch(() => {})
    this.#batcher.due()
    await Promise.race([Promise.allSettled([...this.#offers].map(({ done }) => done)), timedOut])
    limit.abort()
    for (const offer of this.#offers) offer.fail(new ClosedError('sink'))
    await this.flush()
    this.#ownClient?.destroy()
  }

  #offer(options: Omit<OfferOptions, 'counters' | 'onEvent'>): Offer {
    const offer = new Offer({ ...options, counters: this.#counters, onEvent: this.#options.onEvent })
    this.#offers.add(offer)
    return offer
  }

  /** Fails the offer with the signal, and forgets it when the task is done. */
  async #following(offer: Offer, signal: AbortSignal | undefined, task: () => Promise<void>): Promise<void> {
    const onAbort = signal && ((): void => offer.fail(signal.reason))
    if (onAbort !== undefined) {
      // One listener per call, and one while it waits for room, is no leak.
      setMaxListeners(0, signal!)
      signal!.addEventListener('abort', onAbort, { once: true })
    }
    try {
      await task()
    } catch (error) {
      offer.fail(error)
      throw error
    } finally {
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
      this.#offers.delete(offer)
    }
  }

  /** Frames and holds the record; a promise only when there is no room yet. */
  #accept(
    offer: Offer,
    record: SinkRecord,
    index: number,
    deadlineMs: number,
    signal: AbortSignal | undefined
  ): Promise<void> | undefined {
    let data: Uint8Array
    try {
      data = this.#frame(record)
    } catch (error) {
      if (!(error instanceof UndeliverableError)) throw error
      offer.undeliverable(record, index, error)
      return undefined
    }
    const member = { offer, record, index, deadlineMs }
    const bytes = data.length + recordOverheadBytes
    if (this.#budget.tryTake(bytes)) {
      this.#add(data, member)
      return undefined
    }
    // Whoever waits for room needs what is held to leave.
    this.#batcher.due()
    return this.#budget.take(bytes, signal).then(
      () => {
        if (offer.isOver) this.#budget.release(bytes)
        else {
          this.#add(data, member)
          this.#batcher.pause()
        }
      },
      // The signal has failed the offer.
      () => {}
    )
  }

  #add(data: Uint8Array, member: Member): void {
    this.#batcher.add(data, member)
    // Nobody else comes whom it could wait for.
    if (this.#closed !== undefined) this.#batcher.due()
  }

  #send(batch: Batch): void {
    const sending = this.#sender.send(batch).finally(() => {
      this.#budget.release(batch.bytes + batch.records * recordOverheadBytes)
      this.#sending.delete(sending)
    })
    this.#sending.add(sending)
  }

  #deadline(): number {
    return this.#options.clock.now() + this.#options.maxElapsedMs
  }

  #throwIfClosed(): void {
    if (this.#closed !== undefined) throw new ClosedError('sink')
  }
}

function checkRecord(record: SinkRecord | Uint8Array): SinkRecord {
  if (record instanceof Uint8Array) return { data: record }
  if (record?.data instanceof Uint8Array) return record
  throw new InvalidRecordError('data', `must be bytes, found ${typeof record?.data}`)
}
