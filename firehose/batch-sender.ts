import { backoffDelayMs } from '../core/backoff.ts'
import { Semaphore } from '../core/concurrency.ts'
import { UndeliverableError } from '../core/errors.ts'
import { FailureClass, isTransient, type ServiceError } from '../core/service-errors.ts'
import { AdaptiveRate } from './adaptive-rate.ts'
import type { Batch, Entry } from './batch.ts'
import { billedBytes } from './billing.ts'
import type { ResolvedSinkOptions } from './options.ts'
import { type BatchOutcome, mayBlameRecord, putRecordBatch } from './put-record-batch.ts'
import type { FirehosePort } from './types.ts'

/** The counters that the sender moves. */
export interface SenderCounters {
  requests: number
  entriesDelivered: number
  retries: number
  throttled: number
  bytesDelivered: number
  bytesBilled: number
  bytesSaved: number
}

export interface BatchSenderOptions {
  readonly firehose: FirehosePort
  readonly options: ResolvedSinkOptions
  readonly counters: SenderCounters
  /** A request is over, so another one may be made. */
  readonly onFreeSlot: () => void
}

/** First and longest bound of a backoff, in milliseconds; guessed, not published by the service. */
const backoff = { baseMs: 100, maxMs: 5_000 }

/** Sends a batch until every entry has a RecordId, was refused by itself, was given up, or nobody waits for it. */
export class BatchSender {
  readonly #given: BatchSenderOptions
  readonly #slots: Semaphore
  readonly #rate: AdaptiveRate

  constructor(given: BatchSenderOptions) {
    this.#given = given
    const { maxConcurrentRequests, clock, onEvent } = given.options
    this.#slots = new Semaphore(maxConcurrentRequests)
    this.#rate = new AdaptiveRate({
      clock,
      onChange: bytesPerSecond =>
        onEvent(bytesPerSecond === undefined ? { type: 'recovered' } : { type: 'slowed', bytesPerSecond })
    })
  }

  get hasFreeSlot(): boolean {
    return this.#slots.taken + this.#slots.waiting < this.#given.options.maxConcurrentRequests
  }

  /** Bytes a second; undefined without a bound. */
  get rateLimit(): number | undefined {
    return this.#rate.limit
  }

  /** Resolves when all of it is settled. Never rejects: each entry tells the offers of its members. */
  async send(batch: Batch): Promise<void> {
    try {
      await this.#send(batch.entries, 0, batch.signal)
    } catch (error) {
      // Nobody waits for it any more; or a callback of the caller threw, who must not wait for ever then.
      if (!batch.signal.aborted) batch.fail(error)
    } finally {
      batch.end()
    }
  }

  async #send(entries: readonly Entry[], attempts: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#given.options
    let pending = entries
    for (let attempt = attempts; ; attempt += 1) {
      const outcome = await this.#request(pending, signal)
      if (outcome === 'tooLarge') return this.#sendHalves(pending, attempt, signal)
      const { failed, error, isRefused } = outcome
      if (error === undefined) return
      signal.throwIfAborted()
      if (isRefused && mayBlameRecord(error)) return this.#findRefused(pending, error, signal)
      if (!isTransient(error.failure)) return giveUp(pending, error)
      const delayMs = backoffDelayMs(attempt, { ...backoff, random })
      pending = this.#stillWanted(
        failed.map(index => pending[index]!),
        clock.now() + delayMs,
        error
      )
      if (pending.length === 0) return
      this.#tell(pending.length, error, delayMs)
      await clock.sleep(delayMs, signal)
      this.#given.counters.retries += pending.length
    }
  }

  /** One request; `tooLarge` for one that the rate does not allow at once. */
  async #request(entries: readonly Entry[], signal: AbortSignal): Promise<BatchOutcome | 'tooLarge'> {
    const { firehose, options, onFreeSlot } = this.#given
    await this.#slots.take(1, signal)
    try {
      const bytes = sizeOf(entries)
      // The bound may have come while this one waited.
      if (entries.length > 1 && bytes > this.#rate.mostRequestBytes) return 'tooLarge'
      await this.#rate.take(bytes, signal)
      this.#given.counters.requests += 1
      const data = entries.map(entry => entry.data)
      const outcome = await putRecordBatch(firehose, options.deliveryStreamName, data, signal)
      this.#count(entries, outcome)
      return outcome
    } finally {
      this.#slots.release(1)
      onFreeSlot()
    }
  }

  #count(entries: readonly Entry[], { recordIds, failed, error, isRefused }: BatchOutcome): void {
    const { counters } = this.#given
    let stored = 0
    for (const [index, recordId] of recordIds.entries()) {
      if (recordId === undefined) continue
      const { data, members, billedApart } = entries[index]!
      const billed = billedBytes(data.length)
      stored += data.length
      counters.entriesDelivered += 1
      counters.bytesBilled += billed
      counters.bytesSaved += billedApart - billed
      for (const { offer, record, index: at } of members) offer.delivered(record, at, recordId)
    }
    counters.bytesDelivered += stored
    const isThrottled = error?.failure === FailureClass.throttled
    if (isThrottled) counters.throttled += isRefused ? 1 : failed.length
    this.#rate.note(stored, isThrottled ? sizeOf(failed.map(index => entries[index]!)) : 0)
  }

  /** Firehose refuses a whole request for one bad record: halves are sent, in order, until it stands alone. */
  async #findRefused(entries: readonly Entry[], error: ServiceError, signal: AbortSignal): Promise<void> {
    if (entries.length > 1) return this.#sendHalves(entries, 0, signal)
    // A stream that never took a record may refuse all of them for what it is itself.
    if (this.#given.counters.entriesDelivered === 0) return giveUp(entries, error)
    const fault = new UndeliverableError('Firehose refused it', error)
    for (const { offer, record, index } of entries[0]!.members) offer.undeliverable(record, index, fault)
  }

  async #sendHalves(entries: readonly Entry[], attempts: number, signal: AbortSignal): Promise<void> {
    const middle = entries.length >>> 1
    await this.#send(entries.slice(0, middle), attempts, signal)
    await this.#send(entries.slice(middle), attempts, signal)
  }

  /** What somebody waits for, and longer than until then. The others are given up. */
  #stillWanted(entries: readonly Entry[], nextMs: number, error: ServiceError): readonly Entry[] {
    return entries.filter(({ members }) => {
      for (const { offer, record, index, deadlineMs } of members)
        if (nextMs >= deadlineMs) offer.givenUp(record, index, error)
      return members.some(({ offer, deadlineMs }) => !offer.isOver && nextMs < deadlineMs)
    })
  }

  #tell(entries: number, { failure, serviceCode }: ServiceError, delayMs: number): void {
    const { onEvent, logger, deliveryStreamName } = this.#given.options
    onEvent({ type: 'retrying', entries, failure, errorCode: serviceCode, delayMs })
    logger.warn(
      { deliveryStreamName, entries, failure, errorCode: serviceCode },
      'entries failed and are sent again'
    )
  }
}

function giveUp(entries: readonly Entry[], error: ServiceError): void {
  for (const { members } of entries) {
    for (const { offer, record, index } of members) offer.givenUp(record, index, error)
  }
}

function sizeOf(entries: readonly Entry[]): number {
  let bytes = 0
  for (const { data } of entries) bytes += data.length
  return bytes
}
