import type { KinesisReaderPort } from '../../core/aws-ports.ts'
import { backoffDelayMs } from '../../core/backoff.ts'
import { FailureClass, ServiceError } from '../../core/service-errors.ts'
import { type ReadBatch, type RecordSource, type SourceOptions, sizeOf } from './record-source.ts'
import { ShardEnd } from './shard-end.ts'

export interface PollingSourceOptions extends SourceOptions {
  readonly kinesis: KinesisReaderPort
  readonly streamName: string
  /** From the beginning of one read to that of the next; 200 or more keeps to five reads a second. */
  readonly idleTimeBetweenReadsMs: number
  readonly maxRecordsPerRead: number
}

const longestBackoffMs = 10_000
/**
 * What a shard gives to all who poll it together. One answer may hold five times as much, and then the shard refuses
 * for as long as that takes (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html).
 */
const readBytesPerSecond = 2 * 1024 * 1024
/** Reads one shard by GetRecords, one batch at a time, within the limits of the shard. */
export class PollingSource implements RecordSource {
  readonly #options: PollingSourceOptions
  readonly #end: ShardEnd
  #iterator: string | undefined
  /** When the limits of the shard allow the next read. */
  #nextReadMs = Number.NEGATIVE_INFINITY

  constructor(options: PollingSourceOptions) {
    this.#options = options
    this.#end = new ShardEnd(options)
  }

  /** Waits out the idle time since the last read, what the last answer used up, and every failure that may pass. */
  async next(signal: AbortSignal): Promise<ReadBatch> {
    const { clock, idleTimeBetweenReadsMs, random, onFailure } = this.#options
    for (let attempt = 0; ; attempt += 1) {
      const waitMs = this.#nextReadMs - clock.now()
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
      this.#nextReadMs = clock.now() + idleTimeBetweenReadsMs
      await clock.sleep(
        backoffDelayMs(attempt, { baseMs: idleTimeBetweenReadsMs, maxMs: longestBackoffMs, random }),
        signal
      )
    }
  }

  /** Nothing runs between two calls of `next`, and the signal of that call ends what it does. */
  async close(): Promise<void> {}

  /** Undefined for an answer that says the shard has ended while it is still open. */
  async #read(signal: AbortSignal): Promise<ReadBatch | undefined> {
    const { kinesis, maxRecordsPerRead, clock, position, idleTimeBetweenReadsMs } = this.#options
    this.#iterator ??= await this.#newIterator(signal)
    this.#nextReadMs = clock.now() + idleTimeBetweenReadsMs
    const answer = await kinesis.getRecords(
      { ShardIterator: this.#iterator, Limit: maxRecordsPerRead },
      { signal }
    )
    const records = answer.Records ?? []
    const sizeBytes = sizeOf(records)
    // Counted from the answer: an answer of 10 MiB means 5 s of refusals, however long it was on its way.
    this.#nextReadMs = Math.max(this.#nextReadMs, clock.now() + (sizeBytes / readBytesPerSecond) * 1_000)
    const isAtEnd = answer.NextShardIterator === undefined || answer.NextShardIterator === null
    const children = isAtEnd ? await this.#end.confirm(answer.ChildShards) : undefined
    if (isAtEnd && children === undefined) return undefined
    this.#end.goesOn()
    this.#iterator = answer.NextShardIterator
    position.moveBehind(records.at(-1)?.SequenceNumber)
    return {
      records,
      sizeBytes,
      millisBehindLatest: answer.MillisBehindLatest ?? 0,
      children,
      done: () => {}
    }
  }

  async #newIterator(signal: AbortSignal): Promise<string | undefined> {
    const { kinesis, streamName, shardId, position } = this.#options
    const { Type, ...at } = position.startingPosition()
    const input = {
      StreamName: streamName,
      ShardId: shardId,
      ShardIteratorType: Type,
      ...('SequenceNumber' in at ? { StartingSequenceNumber: at.SequenceNumber } : at)
    }
    try {
      return (await kinesis.getShardIterator(input, { signal })).ShardIterator
    } catch (cause) {
      signal.throwIfAborted()
      throw new ServiceError('kinesis', 'GetShardIterator', cause)
    }
  }
}
