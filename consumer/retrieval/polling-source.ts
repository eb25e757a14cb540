import type { ChildShard, _Record as KinesisRecord } from '@aws-sdk/client-kinesis'
import type { KinesisReaderPort } from '../../core/aws-ports.ts'
import { backoffDelayMs } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import { FailureClass, ServiceError } from '../../core/service-errors.ts'
import { type ExtendedSequenceNumber, Sentinel } from '../checkpoint/extended-sequence-number.ts'

export interface ReadBatch {
  readonly records: readonly KinesisRecord[]
  readonly millisBehindLatest: number
  /** Set at the end of the shard: what followed it. */
  readonly children: readonly ChildShard[] | undefined
}

export interface PollingSourceOptions {
  readonly kinesis: KinesisReaderPort
  readonly streamName: string
  readonly shardId: string
  /** Reading begins behind this position. */
  readonly start: ExtendedSequenceNumber
  /** For a start at AT_TIMESTAMP. */
  readonly timestamp: Date | undefined
  readonly idleTimeBetweenReadsMs: number
  readonly maxRecordsPerRead: number
  readonly clock: Clock
  readonly random: () => number
  readonly onFailure: (error: ServiceError) => void
  /** The shard's children by the listing of shards; undefined while the shard is open. */
  readonly findChildren: () => Promise<readonly ChildShard[] | undefined>
}

const longestBackoffMs = 10_000

/** Reads one shard by GetRecords, one batch at a time; the next read begins when the last batch is done. */
export class PollingSource {
  readonly #options: PollingSourceOptions
  #iterator: string | undefined
  #lastSequenceNumber: string | undefined
  /** When reading at LATEST began: an iterator that expires before the first record is made anew from here. */
  #latestSince: Date | undefined
  #lastReadMs = Number.NEGATIVE_INFINITY

  constructor(options: PollingSourceOptions) {
    this.#options = options
  }

  /**
   * The next batch, which may be empty. Waits out the idle time since the last read and every failure that may
   * pass. Rejects with the signal's reason, and with a `ServiceError` when the stream is gone.
   */
  async next(signal: AbortSignal): Promise<ReadBatch> {
    const { clock, idleTimeBetweenReadsMs, random, onFailure } = this.#options
    for (let attempt = 0; ; attempt += 1) {
      const waitMs = this.#lastReadMs + idleTimeBetweenReadsMs - clock.now()
      if (waitMs > 0) await clock.sleep(waitMs, signal)
      signal.throwIfAborted()
      try {
        const batch = await this.#read(signal)
        if (batch !== undefined) return batch
      } catch (cause) {
        signal.throwIfAborted()
        const error = cause instanceof ServiceError ? cause : new ServiceError('kinesis', 'GetRecords', cause)
        // An iterator lives for five minutes, and a handler may have taken longer.
        if (error.serviceCode === 'ExpiredIteratorException' || error.failure === FailureClass.invalid) {
          this.#iterator = undefined
          if (error.serviceCode === 'ExpiredIteratorException') continue
        }
        onFailure(error)
        if (error.failure === FailureClass.notFound) throw error
      }
      this.#lastReadMs = clock.now()
      await clock.sleep(
        backoffDelayMs(attempt, { baseMs: idleTimeBetweenReadsMs, maxMs: longestBackoffMs, random }),
        signal
      )
    }
  }

  /** Undefined for an answer that says the shard has ended while it is still open. */
  async #read(signal: AbortSignal): Promise<ReadBatch | undefined> {
    const { kinesis, maxRecordsPerRead, clock } = this.#options
    this.#iterator ??= await this.#newIterator(signal)
    this.#lastReadMs = clock.now()
    const answer = await kinesis.getRecords(
      { ShardIterator: this.#iterator, Limit: maxRecordsPerRead },
      { signal }
    )
    const records = answer.Records ?? []
    const last = records.at(-1)?.SequenceNumber
    const millisBehindLatest = answer.MillisBehindLatest ?? 0
    if (answer.NextShardIterator !== undefined) {
      this.#lastSequenceNumber = last ?? this.#lastSequenceNumber
      this.#iterator = answer.NextShardIterator
      return { records, millisBehindLatest, children: undefined }
    }
    const children = await this.#childrenOf(answer.ChildShards)
    if (children === undefined) return undefined
    this.#lastSequenceNumber = last ?? this.#lastSequenceNumber
    return { records, millisBehindLatest, children }
  }

  /** Some engines name no children at the end of a shard; then the listing of shards decides. */
  async #childrenOf(named: readonly ChildShard[] | undefined): Promise<readonly ChildShard[] | undefined> {
    const isComplete =
      named !== undefined && named.length > 0 && named.every(child => (child.ParentShards ?? []).length > 0)
    return isComplete ? named : this.#options.findChildren()
  }

  async #newIterator(signal: AbortSignal): Promise<string | undefined> {
    const { kinesis, streamName, shardId } = this.#options
    const input = { StreamName: streamName, ShardId: shardId, ...this.#position() }
    try {
      return (await kinesis.getShardIterator(input, { signal })).ShardIterator
    } catch (cause) {
      signal.throwIfAborted()
      throw new ServiceError('kinesis', 'GetShardIterator', cause)
    }
  }

  #position():
    | { readonly ShardIteratorType: 'TRIM_HORIZON' | 'LATEST' }
    | { readonly ShardIteratorType: 'AT_TIMESTAMP'; readonly Timestamp: Date }
    | {
        readonly ShardIteratorType: 'AT_SEQUENCE_NUMBER' | 'AFTER_SEQUENCE_NUMBER'
        readonly StartingSequenceNumber: string
      } {
    const { start, timestamp, clock } = this.#options
    if (this.#lastSequenceNumber !== undefined) {
      return { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: this.#lastSequenceNumber }
    }
    switch (start.sequenceNumber) {
      case Sentinel.latest:
        if (this.#latestSince !== undefined)
          return { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: this.#latestSince }
        this.#latestSince = new Date(clock.wallTime())
        return { ShardIteratorType: 'LATEST' }
      case Sentinel.atTimestamp:
        return timestamp === undefined
          ? { ShardIteratorType: 'TRIM_HORIZON' }
          : { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: timestamp }
      case Sentinel.trimHorizon:
        return { ShardIteratorType: 'TRIM_HORIZON' }
      default:
        // At, not after: user records of the same Kinesis record may be left. What was processed is passed over.
        return { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: start.sequenceNumber }
    }
  }
}
