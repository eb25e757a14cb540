import type { KinesisClient } from '@aws-sdk/client-kinesis'
import type { KinesisFanOutPort, KinesisReaderPort } from '../../core/aws-ports.ts'
import { createFanOutClient, fanOutPort } from '../../core/kinesis-client.ts'
import type { ExtendedSequenceNumber } from '../checkpoint/extended-sequence-number.ts'
import type { ResolvedWorkerOptions, WorkerOptions } from '../options.ts'
import { ConsumerRegistration } from './consumer-registration.ts'
import { FallbackSource } from './fallback-source.ts'
import { FanOutSource } from './fan-out-source.ts'
import { PollingSource } from './polling-source.ts'
import { PrefetchingSource } from './prefetching-source.ts'
import type { ReadBudget } from './read-budget.ts'
import { ReadPosition } from './read-position.ts'
import type { RecordSource, SourceOptions } from './record-source.ts'

export interface SourceOpenerOptions {
  readonly options: ResolvedWorkerOptions
  /** As given to the worker: what the client of enhanced fan-out is made from. */
  readonly given: WorkerOptions['kinesis']
  /** For polling and for what both ways ask. */
  readonly kinesis: KinesisReaderPort
  /** Of all that the worker reads; undefined without reading ahead. */
  readonly budget: ReadBudget | undefined
}

export interface ShardToRead extends Pick<SourceOptions, 'shardId' | 'onFailure' | 'findChildren'> {
  /** Reading begins behind this position. */
  readonly start: ExtendedSequenceNumber
  /** Aborted when the shard is to be read no further. */
  readonly signal: AbortSignal
}

/** What the sources of one stream share: the consumer of enhanced fan-out and its client. */
export class SourceOpener {
  readonly #given: SourceOpenerOptions
  readonly #fanOut: FanOut | undefined

  constructor(given: SourceOpenerOptions) {
    this.#given = given
    this.#fanOut = openFanOut(given)
  }

  /** The source that the options ask for. Whoever opens it closes it. */
  open(shard: ShardToRead): RecordSource {
    const source = this.#openUnbuffered(shard)
    const { budget } = this.#given
    return budget === undefined
      ? source
      : new PrefetchingSource({ source, budget: budget.openShard(), signal: shard.signal })
  }

  close(): void {
    this.#fanOut?.registration.close()
    this.#fanOut?.ownClient?.destroy()
  }

  #openUnbuffered({ start, signal: _, ...shard }: ShardToRead): RecordSource {
    const { kinesis, options } = this.#given
    const { streamName, clock, random, initialPosition, retrieval, onEvent } = options
    const { shardId } = shard
    const timestamp = typeof initialPosition === 'string' ? undefined : initialPosition.timestamp
    const common = {
      ...shard,
      position: new ReadPosition({ start, timestamp, clock }),
      clock,
      random,
      onUnconfirmedEnd: (times: number) => onEvent({ type: 'shardEndUnconfirmed', shardId, times })
    }
    const { idleTimeBetweenReadsMs, maxRecordsPerRead } = options
    const poll = (): RecordSource =>
      new PollingSource({ ...common, kinesis, streamName, idleTimeBetweenReadsMs, maxRecordsPerRead })
    if (this.#fanOut === undefined || retrieval.kind === 'polling') return poll()
    const fanOut = new FanOutSource({
      ...common,
      kinesis: this.#fanOut.port,
      registration: this.#fanOut.registration
    })
    if (!retrieval.fallBackToPolling) return fanOut
    return new FallbackSource({
      fanOut,
      poll,
      onFallback: ({ obstacle }) => onEvent({ type: 'fanOutUnavailable', shardId, obstacle })
    })
  }
}

interface FanOut {
  readonly port: KinesisFanOutPort
  readonly registration: ConsumerRegistration
  /** Made here, so destroyed here. */
  readonly ownClient: KinesisClient | undefined
}

function openFanOut({ options, given, kinesis }: SourceOpenerOptions): FanOut | undefined {
  const { retrieval, streamName, clock } = options
  if (retrieval.kind === 'polling') return undefined
  const injected = given?.client
  const ownClient =
    injected === undefined && given?.port === undefined ? createFanOutClient(given?.clientConfig) : undefined
  // The options were checked: a port that was injected for fan-out has its calls.
  const port = (given?.port as KinesisFanOutPort | undefined) ?? fanOutPort(injected ?? ownClient!)
  const registration = new ConsumerRegistration({
    kinesis: {
      describeStreamSummary: (input, call) => kinesis.describeStreamSummary(input, call),
      describeStreamConsumer: (input, call) => port.describeStreamConsumer(input, call),
      registerStreamConsumer: (input, call) => port.registerStreamConsumer(input, call)
    },
    streamName,
    consumerName: retrieval.consumerName,
    consumerArn: retrieval.consumerArn,
    register: retrieval.registerConsumer,
    clock
  })
  return { port, registration, ownClient }
}
