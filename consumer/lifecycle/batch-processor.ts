import type { _Record as KinesisRecord } from '@aws-sdk/client-kinesis'
import { backoffDelayMs } from '../../core/backoff.ts'
import { ErrorCode, isSealstreamError, KeyUnavailableError, type SealstreamError } from '../../core/errors.ts'
import type { UndeliverableRecord } from '../../core/record-sink.ts'
import type { ConsumedRecord } from '../../core/user-record.ts'
import { compareSequence, type ExtendedSequenceNumber } from '../checkpoint/extended-sequence-number.ts'
import type { WorkerCounters } from '../counters.ts'
import { UnprocessableRecordError } from '../errors.ts'
import type { BatchContext, ResolvedWorkerOptions } from '../options.ts'
import type { ReadRecord, RecordReader } from '../retrieval/record-reader.ts'

/** Takes user records; resolves with those that can never be delivered. */
export type Deliver = (
  records: readonly ConsumedRecord[],
  context: BatchContext
) => Promise<readonly UndeliverableRecord[]>

export interface BatchProcessorOptions {
  readonly shardId: string
  readonly options: ResolvedWorkerOptions
  readonly reader: RecordReader
  readonly deliver: Deliver
  readonly counters: WorkerCounters
  /** Ends waits between attempts: at shutdown, and when the lease is lost. */
  readonly waitSignal: AbortSignal
  /** Handed to the handler: ends when the lease is lost, or the time to shut down is over. */
  readonly handlerSignal: AbortSignal
}

interface Fault {
  readonly record: KinesisRecord
  readonly error: SealstreamError
  readonly subSequenceNumbers: readonly number[] | undefined
}

/** Backoffs in milliseconds; guessed. */
const keyBackoff = { baseMs: 200, maxMs: 5_000 }
const failureBackoff = { baseMs: 100, maxMs: 10_000 }

/** Takes one read through opening, dead letters and delivery. It never skips: what fails comes again. */
export class BatchProcessor {
  readonly #given: BatchProcessorOptions
  #isKeyUnavailable = false
  /** Waits for a key so far. */
  #keyWaits = 0

  constructor(given: BatchProcessorOptions) {
    this.#given = given
  }

  /**
   * Returns the position behind the batch; undefined for an empty one. Rejects with the reason of one of the
   * signals, then nothing of the batch counts, and with `UnprocessableRecordError`.
   */
  async process(
    records: readonly KinesisRecord[],
    millisBehindLatest: number,
    from: ExtendedSequenceNumber
  ): Promise<ExtendedSequenceNumber | undefined> {
    if (records.length === 0) return undefined
    const { counters, shardId, handlerSignal } = this.#given
    const userRecords: ConsumedRecord[] = []
    const faults: Fault[] = []
    let last = from
    let filtered = 0
    let ahead = this.#readAhead(records)
    for (const [index, record] of records.entries()) {
      const opened = ahead[index]!
      const waits = this.#keyWaits
      const read = opened instanceof Promise ? await this.#openPatiently(record, opened) : opened
      // What failed together with this one is asked for together again.
      if (this.#keyWaits > waits) {
        ahead = [...ahead.slice(0, index + 1), ...this.#readAhead(records.slice(index + 1))]
      }
      const sequenceNumber = record.SequenceNumber!
      const end = { sequenceNumber, subSequenceNumber: read.lastSubSequenceNumber }
      counters.kinesisRecordsRead += 1
      counters.bytesRead += record.Data!.length
      counters.plaintextAccepted += read.plaintextAccepted
      const isResumed = sequenceNumber === from.sequenceNumber
      for (const user of read.userRecords) {
        if (isResumed && user.subSequenceNumber <= from.subSequenceNumber) filtered += 1
        else userRecords.push(user)
      }
      for (const fault of read.faults) {
        if (isResumed && (fault.subSequenceNumbers?.[0] ?? 0) <= from.subSequenceNumber) filtered += 1
        else faults.push({ record, ...fault })
      }
      if (compareSequence(end, last) > 0) last = end
    }
    const taken = userRecords.length + faults.length
    counters.read += taken + filtered
    counters.filtered += filtered
    let settled = 0
    try {
      for (const fault of faults) {
        await this.#deadLetter(fault)
        settled += 1
      }
      if (userRecords.length > 0) {
        const context = { shardId, signal: handlerSignal, millisBehindLatest }
        const undeliverable = await this.#patiently(() => this.#given.deliver(userRecords, context))
        const delivered = userRecords.length - undeliverable.length
        counters.processed += delivered
        settled += delivered
        for (const fault of groupUndeliverable(undeliverable, records)) {
          await this.#deadLetter(fault)
          settled += fault.subSequenceNumbers?.length ?? 1
        }
      }
    } catch (error) {
      // What is given up here is read again by the next owner.
      counters.read -= taken - settled
      throw error
    }
    return last
  }

  /** Opens all at once, so that the data keys of many writers are asked for beside each other. */
  #readAhead(records: readonly KinesisRecord[]): readonly (ReadRecord | Promise<ReadRecord>)[] {
    return records.map(record => {
      const opened = this.#read(record)
      // Looked at when its turn comes, if it does.
      if (opened instanceof Promise) opened.catch(() => {})
      return opened
    })
  }

  #read(record: KinesisRecord): ReadRecord | Promise<ReadRecord> {
    try {
      return this.#given.reader.read(record)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The record may be fine, its key is not at hand: the shard holds until it is. */
  async #openPatiently(record: KinesisRecord, first: Promise<ReadRecord>): Promise<ReadRecord> {
    const { options, shardId, counters, waitSignal } = this.#given
    let opening: ReadRecord | Promise<ReadRecord> = first
    for (let attempt = 0; ; attempt += 1) {
      try {
        const read = await opening
        if (this.#isKeyUnavailable) {
          this.#isKeyUnavailable = false
          options.onEvent({ type: 'keyAvailable', shardId })
        }
        return read
      } catch (error) {
        if (!(error instanceof KeyUnavailableError)) throw error
        if (!this.#isKeyUnavailable) {
          this.#isKeyUnavailable = true
          options.onEvent({ type: 'keyUnavailable', shardId, serviceCode: error.serviceCode })
          options.logger.warn(
            { shardId, serviceCode: error.serviceCode },
            'the key cannot be had; the shard holds'
          )
        }
      }
      counters.retries += 1
      this.#keyWaits += 1
      await options.clock.sleep(
        backoffDelayMs(attempt, { ...keyBackoff, random: options.random }),
        waitSignal
      )
      opening = this.#read(record)
    }
  }

  /** Tries until it succeeds or a signal ends it. */
  async #patiently<T>(task: () => Promise<T>): Promise<T> {
    const { options, shardId, counters, waitSignal, handlerSignal } = this.#given
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await task()
      } catch (error) {
        handlerSignal.throwIfAborted()
        const errorCode = isSealstreamError(error) ? error.code : ErrorCode.processorFailed
        options.onEvent({
          type: 'batchFailed',
          shardId,
          attempt: attempt + 1,
          errorCode,
          errorName: nameOf(error)
        })
        options.logger.error(
          { shardId, attempt: attempt + 1, errorCode },
          'a batch failed and is tried again'
        )
      }
      counters.retries += 1
      await options.clock.sleep(
        backoffDelayMs(attempt, { ...failureBackoff, random: options.random }),
        waitSignal
      )
    }
  }

  async #deadLetter({ record, error, subSequenceNumbers }: Fault): Promise<void> {
    const { options, shardId, counters, handlerSignal } = this.#given
    const sequenceNumber = record.SequenceNumber!
    if (options.deadLetters === undefined) throw new UnprocessableRecordError(shardId, sequenceNumber, error)
    options.onEvent({ type: 'recordFault', shardId, sequenceNumber, errorCode: error.code })
    const deadLetter = {
      streamName: options.streamName,
      shardId,
      sequenceNumber,
      subSequenceNumbers,
      partitionKey: record.PartitionKey,
      data: record.Data!,
      approximateArrivalTimestamp: record.ApproximateArrivalTimestamp,
      errorCode: error.code
    }
    await this.#patiently(() => options.deadLetters!.put(deadLetter, { signal: handlerSignal }))
    counters.deadLettered += subSequenceNumbers?.length ?? 1
  }
}

/** One dead letter per Kinesis record, which is kept as it was received. */
function groupUndeliverable(
  undeliverable: readonly UndeliverableRecord[],
  records: readonly KinesisRecord[]
): readonly Fault[] {
  const groups = new Map<string, { error: SealstreamError; subSequenceNumbers: number[] }>()
  for (const { record, error } of undeliverable) {
    const group = groups.get(record.sequenceNumber)
    if (group === undefined)
      groups.set(record.sequenceNumber, { error, subSequenceNumbers: [record.subSequenceNumber] })
    else group.subSequenceNumbers.push(record.subSequenceNumber)
  }
  return records.flatMap(record => {
    const group = groups.get(record.SequenceNumber!)
    return group === undefined ? [] : [{ record, ...group }]
  })
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
