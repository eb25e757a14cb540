import { fromFirehose } from '../core/deaggregate.ts'
import {
  InvalidOptionError,
  InvalidRecordError,
  isSealstreamError,
  KeyUnavailableError,
  RecordFaultError
} from '../core/errors.ts'
import { Framing, frameRecord } from '../core/record-framing.ts'
import { type ReadRecord, RecordReader } from '../core/record-reader.ts'
import type {
  FirehoseTransformEvent,
  FirehoseTransformEventRecord,
  FirehoseTransformResponse,
  TransformedRecord
} from './firehose-event.ts'
import { streamNameOf } from './kinesis-event.ts'
import {
  type FirehoseTransformOptions,
  type ResolvedTransformOptions,
  resolveTransform,
  type TransformContext,
  type TransformRecord
} from './options.ts'
import { readAll } from './read-all.ts'
import { failed, ResponseBudget } from './response-budget.ts'
import { StreamOpeners } from './stream-openers.ts'
import { checkResult, type Output, TransformError } from './transform-result.ts'
import { type FirehoseTransformStats, type LambdaContext, TransformFailure } from './types.ts'

/** A function that transforms the records of a delivery stream. It does nothing between two invocations. */
export interface FirehoseTransform {
  (event: FirehoseTransformEvent, context?: LambdaContext): Promise<FirehoseTransformResponse>
  readonly stats: FirehoseTransformStats
  /** Wipes the data keys that are held. Lambda itself gives no chance to call it. */
  close(): void
}

/**
 * Makes the transformation function of a delivery stream: it opens the records, and may re-shape or drop them. Each
 * record of the event is answered, in its order: opened, dropped, or as failed, and then Firehose keeps it as it came
 * under its error prefix.
 *
 * A record that holds several user records, as a sealed aggregate does, becomes one output of as many lines. That is
 * only possible where records are glued together anyway: `s3` without dynamic partitioning, `redshift` and `splunk`.
 * Elsewhere, and with the framing 'none', it fails as `aggregateRefused`: seal in mode `record` for these.
 *
 * The function rejects with `KeyUnavailableError` when a key cannot be had at the moment, with an error of `transform`
 * whose member `retryable` is true, and with `InvalidRecordError` or `InvalidOptionError` for an event that it was not
 * made for. Firehose then invokes again, as often as the delivery stream says.
 * @throws InvalidOptionError
 */
export function firehoseTransform(options: FirehoseTransformOptions): FirehoseTransform {
  const invocations = new Invocations(resolveTransform(options))
  const handle = (event: FirehoseTransformEvent, context?: LambdaContext) =>
    invocations.handle(event, context)
  return Object.defineProperties(handle, {
    stats: { get: () => invocations.stats },
    close: { value: () => invocations.close() }
  }) as FirehoseTransform
}

class Invocations {
  readonly #options: ResolvedTransformOptions
  readonly #openers: StreamOpeners
  readonly #counts = {
    invocations: 0,
    failedInvocations: 0,
    records: 0,
    ok: 0,
    dropped: 0,
    userRecords: 0,
    plaintextAccepted: 0,
    malformedAggregates: 0
  }
  readonly #failed: Record<TransformFailure, number> = {
    recordFault: 0,
    aggregateRefused: 0,
    framing: 0,
    transformFailed: 0,
    invalidResult: 0,
    tooLarge: 0
  }

  constructor(options: ResolvedTransformOptions) {
    this.#options = options
    this.#openers = new StreamOpeners(options.open)
  }

  get stats(): FirehoseTransformStats {
    return { ...this.#counts, failed: { ...this.#failed }, keys: this.#openers.keyStats }
  }

  close(): void {
    this.#openers.close()
  }

  async handle(
    event: FirehoseTransformEvent,
    lambda: LambdaContext | undefined
  ): Promise<FirehoseTransformResponse> {
    this.#counts.invocations += 1
    try {
      const reads = await this.#open(event)
      const { records: given, ...rest } = event
      const outputs: (Output | TransformError)[] = []
      for (const [index, read] of reads.entries()) {
        outputs.push(await this.#transform(given[index]!, read, { event: rest, lambda }))
      }
      return { records: this.#answer(event, reads, outputs) }
    } catch (error) {
      this.#counts.failedInvocations += 1
      if (error instanceof KeyUnavailableError) {
        const { serviceCode } = error
        this.#options.onEvent({ type: 'keyUnavailable', serviceCode })
        this.#options.logger.warn({ serviceCode }, 'the key cannot be had; the invocation fails')
      }
      throw error
    }
  }

  #open(event: FirehoseTransformEvent): Promise<readonly ReadRecord[]> {
    if (!Array.isArray(event?.records)) {
      throw new InvalidRecordError(
        'records',
        'must be a list; expected the event of a Firehose transformation'
      )
    }
    const reader = new RecordReader({
      streamName: '',
      shardId: '',
      opener: this.#openers.areNeeded ? this.#openers.of(this.#streamNameOf(event)) : undefined,
      acceptPlaintext: this.#openers.acceptPlaintext,
      hashKeyRange: undefined
    })
    const records = event.records.map(record => {
      const { partitionKey, data, sequenceNumber = '', approximateArrivalTimestamp } = fromFirehose(record)
      return {
        SequenceNumber: sequenceNumber,
        PartitionKey: partitionKey,
        Data: data,
        ApproximateArrivalTimestamp: approximateArrivalTimestamp
      }
    })
    return readAll(reader, records)
  }

  #streamNameOf({ sourceKinesisStreamArn }: FirehoseTransformEvent): string {
    if (this.#options.streamName !== undefined) return this.#options.streamName
    if (sourceKinesisStreamArn !== undefined)
      return streamNameOf('sourceKinesisStreamArn', sourceKinesisStreamArn)
    throw new InvalidOptionError(
      'streamName',
      'expected the stream that the records were sealed for: the delivery stream reads none'
    )
  }

  /** What one record becomes, or why it fails. Rejects with what fails the invocation. */
  async #transform(
    given: FirehoseTransformEventRecord,
    read: ReadRecord,
    context: TransformContext
  ): Promise<Output | TransformError> {
    try {
      const [fault] = read.faults
      // One output stands for all that the record holds: it is not delivered in part.
      if (fault !== undefined) throw new TransformError(TransformFailure.recordFault, fault.error)
      if (read.userRecords.length > 1) this.#checkSeveralAllowed()
      const { framing, dynamicPartitioning, transform } = this.#options
      const pieces: Uint8Array[] = []
      let partitionKeys: Readonly<Record<string, string>> | undefined
      for (const record of transformRecordsOf(given, read)) {
        const output = checkResult(await transforming(() => transform(record, context)), dynamicPartitioning)
        if (output === undefined) continue
        pieces.push(framed(framing, output.data))
        partitionKeys = output.partitionKeys
      }
      if (pieces.length === 0) return undefined
      return { data: pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces), partitionKeys }
    } catch (error) {
      if (error instanceof TransformError) return error
      throw error
    }
  }

  #checkSeveralAllowed(): void {
    const { dynamicPartitioning, framing } = this.#options
    // Destinations that keep records apart take no other framing.
    if (dynamicPartitioning || framing === Framing.none) {
      throw new TransformError(TransformFailure.aggregateRefused)
    }
  }

  #answer(
    { records }: FirehoseTransformEvent,
    reads: readonly ReadRecord[],
    outputs: readonly (Output | TransformError)[]
  ): readonly TransformedRecord[] {
    const counts = this.#counts
    const budget = new ResponseBudget(records.map(({ recordId }) => recordId))
    for (const { userRecords, plaintextAccepted, isMalformedAggregate } of reads) {
      counts.userRecords += userRecords.length
      counts.plaintextAccepted += plaintextAccepted
      if (isMalformedAggregate) counts.malformedAggregates += 1
    }
    counts.records += records.length
    return records.map(({ recordId }, index) => {
      const output = outputs[index]
      if (output instanceof TransformError) return this.#fail(recordId, output)
      if (output === undefined) {
        counts.dropped += 1
        return { recordId, result: 'Dropped' }
      }
      const taken = budget.take(recordId, output.data, output.partitionKeys)
      if (taken === undefined) return this.#fail(recordId, new TransformError(TransformFailure.tooLarge))
      counts.ok += 1
      return taken
    })
  }

  #fail(recordId: string, { reason, cause }: TransformError): TransformedRecord {
    const errorCode = isSealstreamError(cause) ? cause.code : undefined
    const errorName = cause instanceof Error ? cause.name : undefined
    this.#failed[reason] += 1
    this.#options.onEvent({ type: 'transformFailed', recordId, reason, errorCode, errorName })
    this.#options.logger.warn({ recordId, reason, errorCode, errorName }, 'a record is returned as failed')
    return failed(recordId)
  }
}

function transformRecordsOf(
  given: FirehoseTransformEventRecord,
  read: ReadRecord
): readonly TransformRecord[] {
  const whole = fromFirehose(given)
  const { recordId } = given
  const shardId = given.kinesisRecordMetadata?.shardId
  const isOne = read.userRecords.length === 1
  return read.userRecords.map(user => ({
    recordId,
    data: user.data,
    partitionKey: user.partitionKey,
    explicitHashKey: user.explicitHashKey,
    shardId,
    sequenceNumber: whole.sequenceNumber,
    // Firehose counts what it took apart itself.
    subSequenceNumber: isOne ? whole.subSequenceNumber : user.subSequenceNumber,
    approximateArrivalTimestamp: user.approximateArrivalTimestamp
  }))
}

/** @throws TransformError for what is the record's own, and the error itself when the invocation is to fail */
async function transforming<T>(transform: () => Promise<T> | T): Promise<T> {
  try {
    return await transform()
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'retryable' in error && error.retryable === true) {
      throw error
    }
    throw new TransformError(TransformFailure.transformFailed, error)
  }
}

function framed(framing: Framing, data: Uint8Array): Uint8Array {
  try {
    return frameRecord(framing, data)
  } catch (error) {
    if (error instanceof RecordFaultError) throw new TransformError(TransformFailure.framing, error)
    throw error
  }
}
