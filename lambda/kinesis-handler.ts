import { fromLambda } from '../core/deaggregate.ts'
import { InvalidRecordError, KeyUnavailableError, type RecordFaultError } from '../core/errors.ts'
import { type ReadRecord, RecordReader } from '../core/record-reader.ts'
import type { ConsumedRecord } from '../core/user-record.ts'
import { type KinesisEvent, type KinesisResponse, originOf } from './kinesis-event.ts'
import {
  type KinesisBatchContext,
  type KinesisHandlerOptions,
  type RecordPosition,
  type ResolvedKinesisHandlerOptions,
  resolveKinesisHandler,
  type TumblingWindow
} from './options.ts'
import { readAll } from './read-all.ts'
import { StreamOpeners } from './stream-openers.ts'
import type { KinesisHandlerStats, LambdaContext } from './types.ts'

/** A function for a Kinesis event source. It does nothing between two invocations. */
export interface KinesisHandler {
  (event: KinesisEvent, context?: LambdaContext): Promise<KinesisResponse>
  readonly stats: KinesisHandlerStats
  /** Wipes the data keys that are held. Lambda itself gives no chance to call it. */
  close(): void
}

/**
 * Makes the function of a Kinesis event source: it opens and de-aggregates the records of an event, and hands their user
 * records on in their order. What it could not process comes again, from the first failure on.
 *
 * The event source must have `FunctionResponseTypes: ['ReportBatchItemFailures']`: without it Lambda ignores what is
 * returned, and passes over what failed.
 *
 * The function rejects with `KeyUnavailableError` when a key cannot be had at the moment, before anything was handed on;
 * with what `eachBatch` or `onComeAgain` threw; and with `InvalidRecordError` for another kind of event.
 * @throws InvalidOptionError
 */
export function kinesisHandler(options: KinesisHandlerOptions): KinesisHandler {
  const invocations = new Invocations(resolveKinesisHandler(options))
  const handle = (event: KinesisEvent, context?: LambdaContext) => invocations.handle(event, context)
  return Object.defineProperties(handle, {
    stats: { get: () => invocations.stats },
    close: { value: () => invocations.close() }
  }) as KinesisHandler
}

/** A user record, or what could not be opened, at its place in the event. */
type Item =
  | { readonly kind: 'userRecord'; readonly position: RecordPosition; readonly record: ConsumedRecord }
  | {
      readonly kind: 'fault'
      readonly position: RecordPosition
      readonly error: RecordFaultError
      readonly subSequenceNumbers: readonly number[] | undefined
      /** The Kinesis record, by its place in the event. */
      readonly index: number
    }

/** Where a batch is taken up again, and which of its items are done all the same. */
interface Outcome {
  /** Index of the first item that was not settled; undefined when all were. */
  readonly failedAt: number | undefined
  readonly isProcessed: (index: number) => boolean
  readonly errorName?: string | undefined
}

const noRecords: KinesisResponse = { batchItemFailures: [] }

class Invocations {
  readonly #options: ResolvedKinesisHandlerOptions
  readonly #openers: StreamOpeners
  readonly #counts = {
    invocations: 0,
    failedInvocations: 0,
    kinesisRecords: 0,
    read: 0,
    processed: 0,
    deadLettered: 0,
    returned: 0,
    comeAgain: 0,
    plaintextAccepted: 0,
    malformedAggregates: 0
  }

  constructor(options: ResolvedKinesisHandlerOptions) {
    this.#options = options
    this.#openers = new StreamOpeners(options.open)
  }

  get stats(): KinesisHandlerStats {
    return { ...this.#counts, keys: this.#openers.keyStats }
  }

  close(): void {
    this.#openers.close()
  }

  async handle(event: KinesisEvent, lambda: LambdaContext | undefined): Promise<KinesisResponse> {
    this.#counts.invocations += 1
    try {
      return await this.#handle(event, lambda)
    } catch (error) {
      this.#counts.failedInvocations += 1
      throw error
    }
  }

  async #handle(event: KinesisEvent, lambda: LambdaContext | undefined): Promise<KinesisResponse> {
    const origin = originOf(event)
    if (origin === undefined) return noRecords
    const context: KinesisBatchContext = { ...origin, window: windowOf(event), lambda }
    const items = await this.#open(event, context)
    const { batchItemFailures } = await this.#settle(items, event, context)
    return context.window === undefined
      ? { batchItemFailures }
      : { batchItemFailures, state: context.window.state }
  }

  async #open(event: KinesisEvent, { streamName, shardId }: KinesisBatchContext): Promise<readonly Item[]> {
    const { onEvent, logger, streamName: sealedFor = streamName } = this.#options
    const reader = new RecordReader({
      streamName,
      shardId,
      opener: this.#openers.of(sealedFor),
      acceptPlaintext: this.#openers.acceptPlaintext,
      hashKeyRange: undefined
    })
    const records = event.Records.map(fromLambda).map(whole => ({
      SequenceNumber: whole.sequenceNumber,
      PartitionKey: whole.partitionKey,
      Data: whole.data,
      ApproximateArrivalTimestamp: whole.approximateArrivalTimestamp
    }))
    try {
      const reads = await readAll(reader, records)
      this.#counts.kinesisRecords += reads.length
      for (const { plaintextAccepted, isMalformedAggregate } of reads) {
        this.#counts.plaintextAccepted += plaintextAccepted
        if (isMalformedAggregate) this.#counts.malformedAggregates += 1
      }
      return reads.flatMap((read, index) => itemsOf(read, index, records[index]!.SequenceNumber))
    } catch (error) {
      if (error instanceof KeyUnavailableError) {
        const { serviceCode } = error
        onEvent({ type: 'keyUnavailable', serviceCode })
        logger.warn({ shardId, serviceCode }, 'the key cannot be had; the invocation fails')
      }
      throw error
    }
  }

  /** Hands on what was opened, and finds where the batch is to be taken up again. */
  async #settle(
    items: readonly Item[],
    event: KinesisEvent,
    context: KinesisBatchContext
  ): Promise<KinesisResponse> {
    const counts = this.#counts
    counts.read += items.length
    let processed = 0
    let deadLettered = 0
    try {
      const { failedAt, isProcessed, errorName } = await this.#run(items, event, context)
      items.forEach(({ kind }, index) => {
        if (!isProcessed(index)) return
        if (kind === 'fault') deadLettered += 1
        else processed += 1
      })
      if (failedAt === undefined) return noRecords
      const { sequenceNumber, subSequenceNumber } = items[failedAt]!.position
      // The source begins again at the Kinesis record, so what is done of it and behind it comes again.
      const from = items.findIndex(({ position }) => position.sequenceNumber === sequenceNumber)
      const comeAgain = items.flatMap((item, index) =>
        index >= from && item.kind === 'userRecord' && isProcessed(index) ? [item.record] : []
      )
      counts.comeAgain += comeAgain.length
      const { shardId } = context
      this.#options.onEvent({
        type: 'batchReturned',
        shardId,
        sequenceNumber,
        subSequenceNumber,
        comeAgain: comeAgain.length,
        errorName
      })
      this.#options.logger.warn(
        { shardId, sequenceNumber, subSequenceNumber, comeAgain: comeAgain.length, errorName },
        'the batch comes again from this record on'
      )
      if (comeAgain.length > 0) await this.#options.onComeAgain?.(comeAgain, context)
      return { batchItemFailures: [{ itemIdentifier: sequenceNumber }] }
    } finally {
      counts.processed += processed
      counts.deadLettered += deadLettered
      counts.returned += items.length - processed - deadLettered
    }
  }

  #run(items: readonly Item[], event: KinesisEvent, context: KinesisBatchContext): Promise<Outcome> {
    return this.#options.eachRecord === undefined
      ? this.#runBatch(items, event, context)
      : this.#runEach(items, event, context)
  }

  async #runEach(
    items: readonly Item[],
    event: KinesisEvent,
    context: KinesisBatchContext
  ): Promise<Outcome> {
    for (const [index, item] of items.entries()) {
      const isProcessed = (other: number): boolean => other < index
      if (item.kind === 'fault') {
        if (!(await this.#deadLetter(item, event, context))) return { failedAt: index, isProcessed }
        continue
      }
      try {
        await this.#options.eachRecord!(item.record, context)
      } catch (error) {
        return { failedAt: index, isProcessed, errorName: nameOf(error) }
      }
    }
    return { failedAt: undefined, isProcessed: () => true }
  }

  async #runBatch(
    items: readonly Item[],
    event: KinesisEvent,
    context: KinesisBatchContext
  ): Promise<Outcome> {
    let end = items.length
    for (const [index, item] of items.entries()) {
      if (item.kind === 'userRecord' || (await this.#deadLetter(item, event, context))) continue
      end = index
      break
    }
    const records = items.slice(0, end).flatMap(item => (item.kind === 'userRecord' ? [item.record] : []))
    let failed: readonly RecordPosition[] = []
    // The last invocation of a window may hold no records, and its handler waits for it.
    if (records.length > 0 || context.window !== undefined) {
      failed = (await this.#options.eachBatch!(records, context)) ?? []
    }
    const failedIndices = indicesOf(items.slice(0, end), failed)
    const firstFailed = Math.min(...failedIndices, end)
    return {
      failedAt: firstFailed < items.length ? firstFailed : undefined,
      isProcessed: index => index < end && !failedIndices.has(index)
    }
  }

  /** Whether the record is kept, and so settled. */
  async #deadLetter(
    { error, subSequenceNumbers, index }: Item & { readonly kind: 'fault' },
    event: KinesisEvent,
    { streamName, shardId }: KinesisBatchContext
  ): Promise<boolean> {
    const { deadLetters, onEvent, logger } = this.#options
    const { partitionKey, data, sequenceNumber, approximateArrivalTimestamp } = fromLambda(
      event.Records[index]!
    )
    const { code: errorCode } = error
    let isDeadLettered = false
    try {
      await deadLetters?.put({
        streamName,
        shardId,
        sequenceNumber,
        subSequenceNumbers,
        partitionKey,
        data,
        approximateArrivalTimestamp,
        errorCode
      })
      isDeadLettered = deadLetters !== undefined
    } catch (failure) {
      logger.error({ shardId, sequenceNumber, errorName: nameOf(failure) }, 'a dead letter cannot be stored')
    }
    onEvent({ type: 'recordFault', shardId, sequenceNumber, errorCode, isDeadLettered })
    return isDeadLettered
  }
}

/** What the Kinesis record holds, faults included, in the order of its sub-sequence numbers. */
function itemsOf(read: ReadRecord, index: number, sequenceNumber: string): readonly Item[] {
  const items: Item[] = read.userRecords.map(record => ({ kind: 'userRecord', position: record, record }))
  if (read.faults.length === 0) return items
  for (const { error, subSequenceNumbers } of read.faults) {
    const position = { sequenceNumber, subSequenceNumber: subSequenceNumbers?.[0] ?? 0 }
    items.push({ kind: 'fault', position, error, subSequenceNumbers, index })
  }
  return items.sort((a, b) => a.position.subSequenceNumber - b.position.subSequenceNumber)
}

/** @throws InvalidRecordError for a position that was not handed on */
function indicesOf(items: readonly Item[], positions: readonly RecordPosition[]): ReadonlySet<number> {
  if (positions.length === 0) return new Set()
  const keyOf = (position: RecordPosition): string =>
    `${position.sequenceNumber}/${position.subSequenceNumber}`
  const handedOn = new Map<string, number>()
  for (const [index, { kind, position }] of items.entries()) {
    if (kind === 'userRecord') handedOn.set(keyOf(position), index)
  }
  const indices = positions.map(position => handedOn.get(keyOf(position)))
  if (!indices.includes(undefined)) return new Set(indices as number[])
  throw new InvalidRecordError('position', 'that eachBatch returned is of no record of its batch')
}

function windowOf(event: KinesisEvent): TumblingWindow | undefined {
  if (event.window === undefined) return undefined
  return {
    ...event.window,
    isFinal: event.isFinalInvokeForWindow ?? false,
    isTerminatedEarly: event.isWindowTerminatedEarly ?? false,
    state: event.state
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
