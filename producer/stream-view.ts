import type { Shard } from '@aws-sdk/client-kinesis'
import type { KinesisWriterPort } from '../core/aws-ports.ts'
import type { Clock } from '../core/clock.ts'
import { SingleFlight } from '../core/concurrency.ts'
import type { Logger } from '../core/logger.ts'
import { isTransient, ServiceError } from '../core/service-errors.ts'
import { ShardMap } from './shard-map.ts'
import type { ProducerEvent } from './types.ts'

export interface StreamViewOptions {
  readonly kinesis: KinesisWriterPort
  readonly streamName: string
  readonly clock: Clock
  readonly logger: Logger
  readonly onEvent: (event: ProducerEvent) => void
  /** Called after every listing that failed, also when it is tried again. */
  readonly onFailure: (error: ServiceError) => void
  /** A newer map, or another description, has taken the place of `previous`. */
  readonly onChanged: (previous: ShardMap | undefined) => void
  readonly signal: AbortSignal
}

const firstRetryMs = 1_000
const retryFactor = 1.5
const longestRetryMs = 30_000
/** How long a view serves that cannot tell by itself that it is out of date, in milliseconds. */
const blindAgeMs = 60_000

/**
 * What the producer knows of its stream: the open shards, and what DescribeStreamSummary says beside them. The old
 * map serves until its successor is complete.
 */
export class StreamView {
  readonly #options: StreamViewOptions
  readonly #loading = new SingleFlight<'map', ShardMap>()
  #map: ShardMap | undefined
  #describedAuto: boolean | undefined
  #symptomOfAuto = false
  #maxRecordBytes: number | undefined
  #isDescribed = false
  #toldUndescribed = false

  constructor(options: StreamViewOptions) {
    this.#options = options
  }

  get map(): ShardMap | undefined {
    return this.#map
  }

  /** Whether Kinesis spreads the records as it likes, by neither partition key nor explicit hash key. */
  get isAuto(): boolean {
    return this.#describedAuto ?? this.#symptomOfAuto
  }

  /** Largest record, data and partition key, that the stream takes; undefined while that is not known. */
  get maxRecordBytes(): number | undefined {
    return this.#maxRecordBytes
  }

  /**
   * A map that is not older than `sinceMs`, on the monotonic clock. Tries until it has one. Rejects with the signal's
   * reason, and, while there is no map at all, with a `ServiceError` that trying again would not mend.
   */
  async newerThan(sinceMs: number): Promise<ShardMap> {
    for (;;) {
      if (this.#map !== undefined && this.#map.asOfMs >= sinceMs) return this.#map
      // A listing that runs already may have begun too early; then a second one follows.
      await this.#loading.run('map', () => this.#load())
    }
  }

  /** Looks again, in the background, at what no answer of Kinesis would tell. */
  refreshIfBlind(nowMs: number): void {
    if (this.#isDescribed && !this.isAuto) return
    if (this.#map === undefined || nowMs - this.#map.asOfMs < blindAgeMs) return
    this.newerThan(nowMs).catch(() => {})
  }

  /** A record lies where its hash key cannot have led it, by a map that is newer than the record. */
  onSymptomOfAuto(): void {
    if (this.#describedAuto !== undefined || this.#symptomOfAuto) return
    this.#symptomOfAuto = true
    this.#tellAuto(true)
    this.#options.onChanged(this.#map)
  }

  async #load(): Promise<ShardMap> {
    const { clock, signal, onEvent, onFailure, onChanged } = this.#options
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(longestRetryMs, retryMs * retryFactor)) {
      signal.throwIfAborted()
      try {
        const [map] = await Promise.all([this.#list(), this.#describe()])
        const previous = this.#map
        this.#map = map
        onEvent({ type: 'shardMapRefreshed', shards: map.size })
        onChanged(previous)
        return map
      } catch (cause) {
        signal.throwIfAborted()
        const error = cause instanceof ServiceError ? cause : new ServiceError('kinesis', 'ListShards', cause)
        onEvent({ type: 'shardMapUnavailable', failure: error.failure, serviceCode: error.serviceCode })
        onFailure(error)
        if (this.#map === undefined && !isTransient(error.failure)) throw error
      }
      await clock.sleep(retryMs, signal)
    }
  }

  async #list(): Promise<ShardMap> {
    const { kinesis, streamName, clock, signal } = this.#options
    const asOfMs = clock.now()
    const shards: Shard[] = []
    let token: string | undefined
    do {
      const page = await kinesis.listShards(
        token === undefined
          ? { StreamName: streamName, ShardFilter: { Type: 'AT_LATEST' }, MaxResults: 1_000 }
          : { NextToken: token, MaxResults: 1_000 },
        { signal }
      )
      shards.push(...(page.Shards ?? []))
      token = page.NextToken
    } while (token !== undefined)
    if (shards.length === 0) {
      // Seen while a stream is being made or deleted; nothing can be predicted from it.
      throw new ServiceError(
        'kinesis',
        'ListShards',
        Object.assign(new Error('no open shard'), {
          name: 'NoOpenShards',
          $metadata: { httpStatusCode: 503 }
        })
      )
    }
    return new ShardMap(shards, asOfMs)
  }

  /** Never fails: without a description the producer goes on, and says so. */
  async #describe(): Promise<void> {
    const { kinesis, streamName, signal, onEvent, logger } = this.#options
    try {
      const { StreamDescriptionSummary: summary } = await kinesis.describeStreamSummary(
        { StreamName: streamName },
        { signal }
      )
      this.#isDescribed = true
      this.#toldUndescribed = false
      if (summary?.MaxRecordSizeInKiB !== undefined) this.#maxRecordBytes = summary.MaxRecordSizeInKiB * 1_024
      const wasAuto = this.isAuto
      // An engine that knows nothing of distributions says nothing of them.
      if (summary?.RecordDistributionStrategy !== undefined)
        this.#describedAuto = summary.RecordDistributionStrategy === 'AUTO'
      if (this.isAuto !== wasAuto) this.#tellAuto(this.isAuto)
    } catch (cause) {
      if (signal.aborted) return
      const error = new ServiceError('kinesis', 'DescribeStreamSummary', cause)
      this.#isDescribed = false
      if (this.#toldUndescribed) return
      this.#toldUndescribed = true
      const { failure, serviceCode } = error
      onEvent({ type: 'streamUndescribed', failure, serviceCode })
      logger.warn(
        { streamName, serviceCode },
        'the stream cannot be described: grant kinesis:DescribeStreamSummary, or its record limit is taken to be 1 MiB and its distribution by partition key'
      )
    }
  }

  #tellAuto(isAuto: boolean): void {
    const { onEvent, logger, streamName } = this.#options
    onEvent({ type: 'recordDistribution', isAuto })
    if (isAuto) logger.warn({ streamName }, 'record distribution is AUTO: aggregation is off')
    else logger.info({ streamName }, 'record distribution is by partition key: aggregation is on')
  }
}
