import type { Shard } from '@aws-sdk/client-kinesis'
import type { KinesisWriterPort } from '../core/aws-ports.ts'
import type { Clock } from '../core/clock.ts'
import { SingleFlight } from '../core/concurrency.ts'
import { isTransient, ServiceError } from '../core/service-errors.ts'
import { ShardMap } from './shard-map.ts'
import type { ProducerEvent } from './types.ts'

export interface ShardMapLoaderOptions {
  readonly kinesis: KinesisWriterPort
  readonly streamName: string
  readonly clock: Clock
  readonly onEvent: (event: ProducerEvent) => void
  /** Called after every listing that failed, also when it is tried again. */
  readonly onFailure: (error: ServiceError) => void
  readonly signal: AbortSignal
}

const firstRetryMs = 1_000
const retryFactor = 1.5
const longestRetryMs = 30_000

/** Keeps the shard map. The old map serves until its successor is complete. */
export class ShardMapLoader {
  readonly #options: ShardMapLoaderOptions
  readonly #loading = new SingleFlight<'map', ShardMap>()
  #current: ShardMap | undefined

  constructor(options: ShardMapLoaderOptions) {
    this.#options = options
  }

  get current(): ShardMap | undefined {
    return this.#current
  }

  /**
   * A map that is not older than `sinceMs`. Tries until it has one. Rejects with the signal's reason, and, while
   * there is no map at all, with a `ServiceError` that trying again would not mend.
   */
  async newerThan(sinceMs: number): Promise<ShardMap> {
    for (;;) {
      if (this.#current !== undefined && this.#current.asOfMs >= sinceMs) return this.#current
      // A listing that runs already may have begun too early; then a second one follows.
      await this.#loading.run('map', () => this.#load())
    }
  }

  async #load(): Promise<ShardMap> {
    const { clock, signal, onEvent, onFailure } = this.#options
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(longestRetryMs, retryMs * retryFactor)) {
      signal.throwIfAborted()
      try {
        this.#current = await this.#list()
        onEvent({ type: 'shardMapRefreshed', shards: this.#current.size })
        return this.#current
      } catch (cause) {
        signal.throwIfAborted()
        const error = cause instanceof ServiceError ? cause : new ServiceError('kinesis', 'ListShards', cause)
        onEvent({ type: 'shardMapUnavailable', failure: error.failure, serviceCode: error.serviceCode })
        onFailure(error)
        if (this.#current === undefined && !isTransient(error.failure)) throw error
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
}
