import { backoffDelayMs } from '../core/backoff.ts'
import { Semaphore } from '../core/concurrency.ts'
import { FailureClass, isTransient, type ServiceError } from '../core/service-errors.ts'
import type { ConsumedRecord } from '../core/user-record.ts'
import type { ResolvedSinkOptions } from './options.ts'
import { type BatchOutcome, mayBlameRecord, putRecordBatch } from './put-record-batch.ts'
import type { FirehosePort } from './types.ts'

/** One record with the bytes that go to Firehose. */
export interface Entry {
  readonly record: ConsumedRecord
  readonly data: Uint8Array
}

/** An entry that Firehose refused when it stood alone in its request. */
export interface RefusedEntry {
  readonly entry: Entry
  readonly error: ServiceError
}

/** One call of `deliver`, while it is under way. */
export interface Delivery {
  /** By the clock's `now`. */
  readonly deadline: number
  readonly signal: AbortSignal | undefined
  /** Entries that have a RecordId so far. */
  delivered: number
}

/** The counters that the sender moves. */
export interface SenderCounters {
  delivered: number
  requests: number
  retries: number
  throttled: number
  bytesDelivered: number
}

/** First and longest bound of a backoff, in milliseconds; guessed, not published by the service. */
const backoff = { baseMs: 100, maxMs: 5_000 }

/** Sends one batch until every entry has a RecordId, was refused by itself, or time is over. */
export class BatchSender {
  readonly #firehose: FirehosePort
  readonly #options: ResolvedSinkOptions
  readonly #counters: SenderCounters
  readonly #slots: Semaphore

  constructor(firehose: FirehosePort, options: ResolvedSinkOptions, counters: SenderCounters) {
    this.#firehose = firehose
    this.#options = options
    this.#counters = counters
    this.#slots = new Semaphore(options.maxConcurrentRequests)
  }

  /**
   * Resolves with the entries that were refused by themselves. Rejects with `signal.reason`, and with a
   * `ServiceError` when trying again is no use or the deadline comes first.
   */
  async send(entries: readonly Entry[], delivery: Delivery): Promise<readonly RefusedEntry[]> {
    const { clock, random } = this.#options
    const { deadline, signal } = delivery
    let pending = entries
    for (let attempt = 0; ; attempt += 1) {
      const { failed, error, isRefused } = await this.#request(pending, delivery)
      if (error === undefined) return []
      if (error.failure === FailureClass.aborted) signal?.throwIfAborted()
      if (isRefused && mayBlameRecord(error)) return this.#findRefused(pending, error, delivery)
      if (!isTransient(error.failure)) throw error
      if (error.failure === FailureClass.throttled) this.#counters.throttled += isRefused ? 1 : failed.length
      const delayMs = backoffDelayMs(attempt, { ...backoff, random })
      if (clock.now() + delayMs >= deadline) throw error
      this.#tell(failed.length, error, delayMs)
      await clock.sleep(delayMs, signal)
      pending = failed.map(index => pending[index]!)
      this.#counters.retries += pending.length
    }
  }

  async #request(entries: readonly Entry[], delivery: Delivery): Promise<BatchOutcome> {
    await this.#slots.take(1, delivery.signal)
    try {
      const { deliveryStreamName } = this.#options
      const data = entries.map(entry => entry.data)
      this.#counters.requests += 1
      const outcome = await putRecordBatch(this.#firehose, deliveryStreamName, data, delivery.signal)
      const delivered = data.length - outcome.failed.length
      delivery.delivered += delivered
      this.#counters.delivered += delivered
      this.#counters.bytesDelivered += sizeOf(data) - sizeOf(outcome.failed.map(index => data[index]!))
      return outcome
    } finally {
      this.#slots.release(1)
    }
  }

  /** Firehose refuses a whole request for one bad record: halves are sent, in order, until it stands alone. */
  async #findRefused(
    entries: readonly Entry[],
    error: ServiceError,
    delivery: Delivery
  ): Promise<readonly RefusedEntry[]> {
    if (entries.length === 1) return [{ entry: entries[0]!, error }]
    const middle = entries.length >>> 1
    const first = await this.send(entries.slice(0, middle), delivery)
    return [...first, ...(await this.send(entries.slice(middle), delivery))]
  }

  #tell(entries: number, { failure, serviceCode }: ServiceError, delayMs: number): void {
    const { onEvent, logger, deliveryStreamName } = this.#options
    onEvent({ type: 'retrying', entries, failure, errorCode: serviceCode, delayMs })
    logger.warn(
      { deliveryStreamName, entries, failure, errorCode: serviceCode },
      'entries failed and are sent again'
    )
  }
}

function sizeOf(data: readonly Uint8Array[]): number {
  return data.reduce((bytes, { length }) => bytes + length, 0)
}
