import type { FirehoseClient } from '@aws-sdk/client-firehose'
import type { CallOptions } from '../core/aws-ports.ts'
import { ClosedError } from '../core/errors.ts'
import type { RecordSink, UndeliverableRecord } from '../core/record-sink.ts'
import type { ConsumedRecord } from '../core/user-record.ts'
import { BatchSender, type Entry } from './batch-sender.ts'
import { UndeliverableError } from './errors.ts'
import { createFirehoseClient, firehosePort } from './firehose-client.ts'
import { type DeliveryStreamSinkOptions, type ResolvedSinkOptions, resolveOptions } from './options.ts'
import { frameRecord } from './record-framing.ts'
import { splitBatches } from './split-batches.ts'
import type { SinkStats } from './types.ts'

/**
 * Hands records to a delivery stream by PutRecordBatch. One call of `deliver` sends its batches one after the
 * other; several calls, one per shard in a worker, share the request slots. Firehose itself promises no order.
 */
export class DeliveryStreamSink implements RecordSink, AsyncDisposable {
  readonly #options: ResolvedSinkOptions
  /** Made here, so destroyed here. */
  readonly #ownClient: FirehoseClient | undefined
  readonly #sender: BatchSender
  readonly #running = new Set<Promise<unknown>>()
  readonly #counters = {
    offered: 0,
    delivered: 0,
    undeliverable: 0,
    failed: 0,
    requests: 0,
    retries: 0,
    throttled: 0,
    bytesDelivered: 0
  }
  #isClosed = false

  /** @throws InvalidOptionError */
  constructor(options: DeliveryStreamSinkOptions) {
    this.#options = resolveOptions(options)
    const { client, clientConfig, firehose } = options
    this.#ownClient =
      client === undefined && firehose === undefined ? createFirehoseClient(clientConfig) : undefined
    this.#sender = new BatchSender(
      firehose ?? firehosePort(client ?? this.#ownClient!),
      this.#options,
      this.#counters
    )
  }

  get stats(): SinkStats {
    const { offered, delivered, undeliverable, failed } = this.#counters
    return { ...this.#counters, inFlight: offered - delivered - undeliverable - failed }
  }

  /**
   * Resolves when every record has a RecordId, with those that never can have one: too large, or not what the
   * framing takes. Failed entries alone are sent again, with a growing pause.
   * Rejects with `signal.reason`; with a `ServiceError` when the stream is missing or rights are, and after
   * `maxElapsedMs`; with a `ClosedError`. The same records may then be offered again, at least once each.
   */
  async deliver(
    records: readonly ConsumedRecord[],
    options: CallOptions = {}
  ): Promise<readonly UndeliverableRecord[]> {
    if (this.#isClosed) throw new ClosedError('sink')
    options.signal?.throwIfAborted()
    const running = this.#deliver(records, options.signal)
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  /** Waits for what is under way; nothing is held beyond that. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#running)
    this.#ownClient?.destroy()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #deliver(
    records: readonly ConsumedRecord[],
    signal: AbortSignal | undefined
  ): Promise<readonly UndeliverableRecord[]> {
    const { clock, maxElapsedMs } = this.#options
    const delivery = { deadline: clock.now() + maxElapsedMs, signal, delivered: 0 }
    this.#counters.offered += records.length
    const { entries, undeliverable } = this.#frame(records)
    try {
      for (const batch of splitBatches(entries, this.#options)) {
        for (const { entry, error } of await this.#sender.send(batch, delivery)) {
          // A stream that never took a record may refuse all of them for what it is itself.
          if (this.#counters.delivered === 0) throw error
          const fault = new UndeliverableError('Firehose refused it', error)
          undeliverable.push(this.#undeliverable(entry.record, fault))
        }
      }
      return undeliverable
    } catch (error) {
      this.#counters.failed += records.length - delivery.delivered - undeliverable.length
      throw error
    }
  }

  #frame(records: readonly ConsumedRecord[]): { entries: Entry[]; undeliverable: UndeliverableRecord[] } {
    const { framing, maxRecordBytes } = this.#options
    const entries: Entry[] = []
    const undeliverable: UndeliverableRecord[] = []
    for (const record of records) {
      try {
        const data = frameRecord(framing, record.data)
        if (data.length > maxRecordBytes) {
          throw new UndeliverableError(`${data.length} bytes with framing, at most ${maxRecordBytes}`)
        }
        entries.push({ record, data })
      } catch (error) {
        if (!(error instanceof UndeliverableError)) throw error
        undeliverable.push(this.#undeliverable(record, error))
      }
    }
    return { entries, undeliverable }
  }

  #undeliverable(record: ConsumedRecord, error: UndeliverableError): UndeliverableRecord {
    this.#counters.undeliverable += 1
    this.#options.onEvent({ type: 'recordUndeliverable', errorCode: error.code })
    return { record, error }
  }
}
