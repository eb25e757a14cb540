import type { _Record as KinesisRecord } from '@aws-sdk/client-kinesis'
import { backoffDelayMs } from '../../core/backoff.ts'
import { ErrorCode, isSealstreamError, KeyUnavailableError, type SealstreamError } from '../../core/errors.ts'
import type { EventLoopTurn } from '../../core/event-loop-turn.ts'
import type { ReadRecord, RecordReader } from '../../core/record-reader.ts'
import type { ConsumedRecord } from '../../core/user-record.ts'
import type { AggregateBounds } from '../checkpoint/aggregate-bounds.ts'
import type { Checkpointer } from '../checkpoint/checkpointer.ts'
import { compareSequence, type ExtendedSequenceNumber } from '../checkpoint/extended-sequence-number.ts'
import type { WorkerCounters } from '../counters.ts'
import { ProcessorFailedError, UnprocessableRecordError } from '../errors.ts'
import type { ConsumerMetrics } from '../metrics.ts'
import type { ResolvedWorkerOptions } from '../options.ts'
import type { GivenUp, HandlerRunner } from './handler-runner.ts'

export interface BatchProcessorOptions {
  readonly shardId: string
  readonly options: ResolvedWorkerOptions
  readonly reader: RecordReader
  readonly runner: HandlerRunner
  readonly checkpointer: Checkpointer
  /** Beside workers of another kind alone. */
  readonly bounds: AggregateBounds | undefined
  readonly counters: WorkerCounters
  readonly metrics: ConsumerMetrics
  /** Of the worker: all of its shards open in turns. */
  readonly turn: EventLoopTurn
  /** Ends waits between attempts: at shutdown, and when the lease is lost. */
  readonly waitSignal: AbortSignal
  /** Handed to the handler: ends when the lease is lost, or the time to shut down is over. */
  readonly handlerSignal: AbortSignal
}

/** A Kinesis record, or some user records of it, that will never be processed. */
interface Fault {
  readonly record: KinesisRecord
  readonly error: SealstreamError
  readonly subSequenceNumbers: readonly number[] | undefined
  readonly attempts: number
}

/** One read, opened. */
export interface OpenedBatch {
  readonly kinesisRecords: readonly KinesisRecord[]
  readonly userRecords: readonly ConsumedRecord[]
  readonly faults: readonly Fault[]
  /** Position of the last user record; undefined for an empty batch. */
  readonly end: ExtendedSequenceNumber | undefined
  /** Bytes of the Kinesis records' data. */
  readonly bytes: number
}

/** Backoffs in milliseconds; guessed. */
const keyBackoff = { baseMs: 200, maxMs: 5_000 }
const storeBackoff = { baseMs: 100, maxMs: 10_000 }

/** Takes one read through opening, the handler and dead letters. It never skips. */
export class BatchProcessor {
  readonly #given: BatchProcessorOptions
  #isKeyUnavailable = false
  /** Waits for a key so far. */
  #keyWaits = 0

  constructor(given: BatchProcessorOptions) {
    this.#given = given
  }

  /** Opens and de-aggregates what lies behind `from`. Rejects with the reason of a signal; then nothing counts. */
  async open(records: readonly KinesisRecord[], from: ExtendedSequenceNumber): Promise<OpenedBatch> {
    const { counters } = this.#given
    const userRecords: ConsumedRecord[] = []
    const faults: Fault[] = []
    let end: ExtendedSequenceNumber | undefined
    let filtered = 0
    let bytes = 0
    let outOfRange = 0
    let ahead = await this.#readAhead(records)
    for (const [index, record] of records.entries()) {
      const opened = ahead[index]!
      const waits = this.#keyWaits
      const read = opened instanceof Promise ? await this.#openPatiently(record, opened) : opened
      // What failed together with this one is asked for together again.
      if (this.#keyWaits > waits) {
        ahead = [...ahead.slice(0, index + 1), ...(await this.#readAhead(records.slice(index + 1)))]
      }
      const sequenceNumber = record.SequenceNumber!
      const last = { sequenceNumber, subSequenceNumber: read.lastSubSequenceNumber }
      bytes += record.Data!.length
      counters.kinesisRecordsRead += 1
      counters.bytesRead += record.Data!.length
      counters.plaintextAccepted += read.plaintextAccepted
      if (read.isMalformedAggregate) counters.malformedAggregates += 1
      const isDone = this.#isDone(read, sequenceNumber, from)
      if (read.isSealedAggregate) this.#given.bounds?.note(end ?? from, last)
      for (const user of read.userRecords) {
        const isOutside = read.outOfRange?.has(user.subSequenceNumber) ?? false
        if (isOutside) outOfRange += 1
        if (isDone(user.subSequenceNumber) || (isOutside && this.#given.options.filterOutOfRange))
          filtered += 1
        else userRecords.push(user)
      }
      for (const fault of read.faults) {
        if (isDone(fault.subSequenceNumbers?.[0] ?? 0)) filtered += 1
        else faults.push({ record, attempts: 1, ...fault })
      }
      if (compareSequence(last, end ?? from) > 0) end = last
    }
    counters.read += userRecords.length + faults.length + filtered
    counters.filtered += filtered
    counters.outOfRange += outOfRange
    return { kinesisRecords: records, userRecords, faults, end, bytes }
  }

  /** What of the record was processed under an earlier tenure. */
  #isDone(
    read: ReadRecord,
    sequenceNumber: string,
    from: ExtendedSequenceNumber
  ): (subSequenceNumber: number) => boolean {
    if (sequenceNumber !== from.sequenceNumber) return () => false
    // To a worker of another kind a sealed aggregate is one plain record: its checkpoint means all of it.
    if (this.#given.bounds !== undefined && read.isSealedAggregate) return () => true
    return subSequenceNumber => subSequenceNumber <= from.subSequenceNumber
  }

  /**
   * Hands the batch to the handler, and what can never be processed to the dead letters. Rejects with the reason of one
   * of the signals, then what is not settled counts as not read, and with `UnprocessableRecordError`. `onProgress` is
   * told of positions up to which everything is settled before the end.
   */
  async deliver(
    batch: OpenedBatch,
    millisBehindLatest: number,
    onProgress: (end: ExtendedSequenceNumber) => void
  ): Promise<void> {
    const { counters, runner, checkpointer, options, shardId, metrics } = this.#given
    const { userRecords, faults, kinesisRecords, end } = batch
    let settled = 0
    /** User records up to which all are processed, while the handler works. */
    let done = 0
    try {
      for (const fault of faults) {
        await this.#deadLetter(fault)
        settled += 1
      }
      if (end !== undefined) checkpointer.permit(end)
      if (userRecords.length === 0) return
      const { streamName, clock } = options
      const startedMs = clock.now()
      const givenUp = await runner.run(userRecords, {
        streamName,
        shardId,
        millisBehindLatest,
        checkpointer,
        onProgress: record => {
          done = userRecords.indexOf(record, done) + 1
          const { sequenceNumber, subSequenceNumber } = record
          onProgress({ sequenceNumber, subSequenceNumber })
        }
      })
      done = 0
      const processed = userRecords.length - givenUp.length
      counters.processed += processed
      settled += processed
      metrics.onProcessed(shardId, processed, batch.bytes, clock.now() - startedMs)
      for (const fault of groupGivenUp(givenUp, kinesisRecords)) {
        await this.#deadLetter(fault)
        settled += fault.subSequenceNumbers?.length ?? 1
      }
    } catch (error) {
      // These may be behind the checkpoint already.
      counters.processed += done
      settled += done
      // What is given up here is read again by the next owner.
      counters.read -= userRecords.length + faults.length - settled
      throw error
    }
  }

  /** Opens all without waiting for keys, so that those of many writers are asked for beside each other. */
  async #readAhead(
    records: readonly KinesisRecord[]
  ): Promise<readonly (ReadRecord | Promise<ReadRecord>)[]> {
    const { turn } = this.#given
    const ahead: (ReadRecord | Promise<ReadRecord>)[] = []
    for (const record of records) {
      while (turn.isUsedUp) await turn.next()
      const opened = this.#read(record)
      // Looked at when its turn comes, if it does.
      if (opened instanceof Promise) opened.catch(() => {})
      ahead.push(opened)
    }
    return ahead
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

  /** Tries until the store has it, or a signal ends it: the checkpoint does not pass before. */
  async #deadLetter({ record, error, subSequenceNumbers, attempts }: Fault): Promise<void> {
    const { options, shardId, counters, waitSignal, handlerSignal } = this.#given
    const { deadLetters, streamName, clock, random } = options
    const sequenceNumber = record.SequenceNumber!
    const mustStop = options.failurePolicy.lastResort === 'stop' && error instanceof ProcessorFailedError
    if (deadLetters === undefined || mustStop) {
      throw new UnprocessableRecordError(shardId, sequenceNumber, error)
    }
    options.onEvent({ type: 'recordFault', shardId, sequenceNumber, errorCode: error.code })
    const deadLetter = {
      streamName,
      shardId,
      sequenceNumber,
      subSequenceNumbers,
      partitionKey: record.PartitionKey,
      data: record.Data!,
      approximateArrivalTimestamp: record.ApproximateArrivalTimestamp,
      errorCode: error.code,
      attempts
    }
    for (let attempt = 0; ; attempt += 1) {
      try {
        await deadLetters.put(deadLetter, { signal: handlerSignal })
        counters.deadLettered += subSequenceNumbers?.length ?? 1
        return
      } catch (failure) {
        handlerSignal.throwIfAborted()
        const errorCode = isSealstreamError(failure) ? failure.code : ErrorCode.processorFailed
        const errorName = failure instanceof Error ? failure.name : typeof failure
        options.onEvent({ type: 'batchFailed', shardId, attempt: attempt + 1, errorCode, errorName })
        options.logger.error({ shardId, errorCode }, 'a dead letter cannot be stored; the shard holds')
      }
      counters.retries += 1
      await clock.sleep(backoffDelayMs(attempt, { ...storeBackoff, random }), waitSignal)
    }
  }
}

/** One dead letter per Kinesis record, which is kept as it was received. */
function groupGivenUp(givenUp: readonly GivenUp[], records: readonly KinesisRecord[]): readonly Fault[] {
  const groups = new Map<string, { error: SealstreamError; subSequenceNumbers: number[]; attempts: number }>()
  for (const { record, error, attempts } of givenUp) {
    const group = groups.get(record.sequenceNumber)
    if (group === undefined) {
      groups.set(record.sequenceNumber, { error, attempts, subSequenceNumbers: [record.subSequenceNumber] })
    } else group.subSequenceNumbers.push(record.subSequenceNumber)
  }
  return records.flatMap(record => {
    const group = groups.get(record.SequenceNumber!)
    return group === undefined ? [] : [{ record, ...group }]
  })
}
