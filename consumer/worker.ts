import { setMaxListeners } from 'node:events'
import type { KinesisClient } from '@aws-sdk/client-kinesis'
import type { CallOptions, KinesisReaderPort } from '../core/aws-ports.ts'
import type { CancelTimer } from '../core/clock.ts'
import { deferred } from '../core/concurrency.ts'
import { ClosedError, InvalidOptionError } from '../core/errors.ts'
import { EventLoopTurn } from '../core/event-loop-turn.ts'
import { createKinesisClient, kinesisPort } from '../core/kinesis-client.ts'
import { addKeyStats, noKeyStats } from '../core/record-transform.ts'
import { newCounters } from './counters.ts'
import { WorkerStoppedError } from './errors.ts'
import { BatchIterator, type ConsumedBatch } from './handlers/batch-iterator.ts'
import {
  batchHandler,
  processorHandler,
  recordHandler,
  type ShardHandler,
  sinkHandler
} from './handlers/shard-handler.ts'
import { DynamodbLeaseTable } from './leases/dynamodb-lease-table.ts'
import type { HeldLease } from './leases/held-lease.ts'
import { FleetMember } from './leases/kcl3/fleet-member.ts'
import type { Lease } from './leases/lease.ts'
import { LeaseCleaner } from './leases/lease-cleaner.ts'
import { LeaseCoordinator } from './leases/lease-coordinator.ts'
import type { LeaseTable } from './leases/lease-table.ts'
import { ShardConsumer } from './lifecycle/shard-consumer.ts'
import { ConsumerMetric, ConsumerMetrics } from './metrics.ts'
import { type ResolvedWorkerOptions, resolveOptions, type WorkerOptions } from './options.ts'
import { ReadBudget } from './retrieval/read-budget.ts'
import type { ShardHealth, WorkerStats } from './types.ts'
import { WorkerStream } from './worker-stream.ts'

/** How often the shards are looked at for one in which nothing moves, in milliseconds. */
const watchMs = 1_000

/**
 * Reads a stream together with the other workers of its application: leases decide who reads which shard. Every
 * record is opened, handed to the handler or the sink, and only then passed by the checkpoint.
 */
export class Worker implements AsyncDisposable {
  readonly #options: ResolvedWorkerOptions
  readonly #given: WorkerOptions
  readonly #kinesis: KinesisReaderPort
  /** Made here, so destroyed here. */
  readonly #ownClient: KinesisClient | undefined
  readonly #table: LeaseTable
  readonly #budget: ReadBudget | undefined
  readonly #turn: EventLoopTurn
  readonly #streams: readonly WorkerStream[]
  readonly #fleet: FleetMember | undefined
  readonly #coordinator: LeaseCoordinator
  readonly #counters = newCounters()
  readonly #metrics: ConsumerMetrics
  readonly #iterator = new BatchIterator()
  readonly #consumers = new Map<ShardConsumer, Promise<void>>()
  readonly #stop = new AbortController()
  readonly #kill = new AbortController()
  readonly #fatal = deferred<never>()
  #running: Promise<void> | undefined
  #drainMs: number
  #cancelWatch: CancelTimer | undefined

  /** @throws InvalidOptionError */
  constructor(options: WorkerOptions) {
    const resolved = resolveOptions(options)
    this.#metrics = new ConsumerMetrics({ sink: resolved.metrics, granularity: resolved.metricsGranularity })
    this.#options = {
      ...resolved,
      onEvent: event => {
        this.#metrics.onEvent(event)
        resolved.onEvent(event)
      }
    }
    this.#drainMs = resolved.shutdownTimeoutMs
    this.#given = options
    // One listener per shard and call is no leak.
    setMaxListeners(0, this.#stop.signal, this.#kill.signal)
    this.#fatal.promise.catch(() => {})
    const { workerId, clock, random, onEvent, failoverTimeMs, maxLeases } = this.#options
    const { client, clientConfig, port } = options.kinesis ?? {}
    this.#ownClient =
      client === undefined && port === undefined ? createKinesisClient(clientConfig) : undefined
    this.#kinesis = port ?? kinesisPort(client ?? this.#ownClient!)
    this.#table =
      options.leaseTable ??
      new DynamodbLeaseTable({
        tableName: this.#options.tableName,
        applicationName: this.#options.applicationName,
        createTable: this.#options.createTable,
        leaseProtocol: this.#options.leaseProtocol,
        migrateAllEntitiesToLeaseTable: this.#options.migrateAllEntitiesToLeaseTable,
        client: options.dynamodb?.client,
        clientConfig: options.dynamodb?.clientConfig,
        callTimeoutMs: Math.ceil(failoverTimeMs / 3),
        clock,
        onEvent
      })
    this.#turn = new EventLoopTurn(clock)
    const { maxReadAheadBytes } = this.#options
    this.#budget = maxReadAheadBytes === 0 ? undefined : new ReadBudget(maxReadAheadBytes)
    this.#streams = this.#options.streams.map(
      stream =>
        new WorkerStream({
          stream,
          options: this.#options,
          given: options.kinesis,
          kinesis: this.#kinesis,
          table: this.#table,
          budget: this.#budget,
          signal: this.#kill.signal
        })
    )
    const streams = this.#streams.map(({ shardSync }) => shardSync)
    const { formerStreams, maxLeasesToSteal } = this.#options
    this.#fleet = this.#options.leaseProtocol === 'kcl3' ? this.#fleetMember() : undefined
    this.#coordinator = new LeaseCoordinator({
      table: this.#table,
      streams,
      cleaner: this.#options.cleanupLeases
        ? new LeaseCleaner({ table: this.#table, streams, clock, onEvent, formerStreams })
        : undefined,
      fleet: this.#fleet,
      workerId,
      failoverTimeMs,
      maxLeases,
      maxLeasesToSteal,
      clock,
      random,
      onEvent,
      mayTake: leaseKey => ![...this.#consumers.keys()].some(consumer => consumer.leaseKey === leaseKey),
      onTaken: held => this.#consume(held),
      onFatal: error => this.#fatal.reject(error)
    })
  }

  get workerId(): string {
    return this.#options.workerId
  }

  get stats(): WorkerStats {
    const { read, processed, deadLettered, filtered } = this.#counters
    return {
      ...this.#counters,
      inHand: read - processed - deadLettered - filtered,
      millisBehindLatest: [...this.#consumers.keys()].reduce(
        (most, { millisBehindLatest }) => Math.max(most, millisBehindLatest),
        0
      ),
      leasesHeld: this.#coordinator.heldCount,
      readAheadBytes: this.#budget?.takenBytes ?? 0,
      keys: this.#streams.reduce(
        (sum, { opener }) => addKeyStats(sum, opener?.keyStats ?? noKeyStats),
        noKeyStats
      ),
      leases: this.#coordinator.counts,
      ...(this.#fleet === undefined
        ? {}
        : { fleet: { isLeader: this.#fleet.isLeader, rules: this.#fleet.rules } }),
      leaseTable: this.#table.usage
    }
  }

  /** How each shard stands whose lease is held. */
  get health(): readonly ShardHealth[] {
    return [...this.#consumers.keys()].map(({ health }) => health)
  }

  /**
   * Works until the signal aborts or `shutdown` is called: then what is in hand is finished, checkpointed, and the
   * leases are released. Rejects when it cannot start, when the stream is gone, and when a record cannot be
   * processed and there is no dead-letter store. To be called once.
   */
  run(options: CallOptions = {}): Promise<void> {
    const { eachBatch, eachRecord, processor, sink } = this.#given
    if ((eachBatch ?? eachRecord ?? processor ?? sink) === undefined) {
      return Promise.reject(
        new InvalidOptionError(
          'eachBatch',
          'expected a handler, or a sink; without one iterate over batches()'
        )
      )
    }
    return this.#start(options)
  }

  #start(options: CallOptions): Promise<void> {
    if (this.#running !== undefined) return Promise.reject(new ClosedError('worker'))
    const { signal } = options
    const onAbort = (): void => this.#stop.abort(new WorkerStoppedError())
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#running = this.#run().finally(() => signal?.removeEventListener('abort', onAbort))
    return this.#running
  }

  /**
   * Runs the worker, and gives its batches one by one, for a worker without a handler: `for await (const batch of
   * worker.batches())`. A batch counts as processed when the next one is asked for. Leaving the loop stops the worker;
   * the batch in whose turn that happens comes again.
   */
  async *batches(options: CallOptions = {}): AsyncGenerator<ConsumedBatch, void, undefined> {
    const handlers = [this.#given.eachBatch, this.#given.eachRecord, this.#given.processor, this.#given.sink]
    if (handlers.some(handler => handler !== undefined)) {
      throw new InvalidOptionError('eachBatch', 'a worker with a handler gives its batches to that')
    }
    let failure: { readonly error: unknown } | undefined
    const running = this.#start(options)
      .catch((error: unknown) => {
        failure = { error }
      })
      .finally(() => this.#iterator.end())
    try {
      for (let batch = await this.#iterator.next(); batch !== undefined; batch = await this.#iterator.next())
        yield batch
    } finally {
      this.#iterator.leave()
      this.#stop.abort(new WorkerStoppedError())
      await running
    }
    if (failure !== undefined) throw failure.error
  }

  /**
   * Stops as the signal of `run` does; resolves when all is released. After `drainMs` milliseconds the signals of the
   * handlers that still run are aborted.
   * @default drainMs: `shutdownTimeoutMs`
   */
  async shutdown(options: { readonly drainMs?: number } = {}): Promise<void> {
    this.#drainMs = options.drainMs ?? this.#drainMs
    this.#stop.abort(new WorkerStoppedError())
    await this.#running?.catch(() => {})
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown()
  }

  async #run(): Promise<void> {
    try {
      this.#stop.signal.throwIfAborted()
      for (const stream of this.#streams) await stream.checkDistribution()
      await this.#coordinator.start()
      this.#watch()
      const stopped = deferred<void>()
      if (this.#stop.signal.aborted) stopped.resolve()
      else this.#stop.signal.addEventListener('abort', () => stopped.resolve(), { once: true })
      await Promise.race([stopped.promise, this.#fatal.promise])
    } catch (error) {
      if (error !== this.#stop.signal.reason) throw error
    } finally {
      await this.#close()
    }
  }

  async #close(): Promise<void> {
    this.#stop.abort(new WorkerStoppedError())
    await this.#coordinator.stopTaking()
    const finished = new AbortController()
    const { clock } = this.#options
    clock.sleep(this.#drainMs, finished.signal).then(
      () => this.#kill.abort(new WorkerStoppedError()),
      () => {}
    )
    // A handler that does not end with its signal is left behind after a grace of the same length.
    await Promise.race([
      Promise.all(this.#consumers.values()),
      clock.sleep(this.#drainMs * 2, finished.signal).catch(() => {})
    ])
    finished.abort()
    this.#cancelWatch?.()
    this.#kill.abort(new WorkerStoppedError())
    await this.#coordinator.close()
    await this.#given.sink?.close()
    for (const stream of this.#streams) stream.close()
    this.#table.close()
    this.#ownClient?.destroy()
  }

  #fleetMember(): FleetMember {
    const { applicationName, workerId, failoverTimeMs, maxLeases, clock, random, onEvent } = this.#options
    return new FleetMember({
      table: this.#table.fleet!,
      leaseTable: this.#table,
      applicationName,
      workerId,
      failoverTimeMs,
      maxLeases,
      clock,
      random,
      onEvent,
      onFatal: error => this.#fatal.reject(error)
    })
  }

  #streamOf(lease: Lease): WorkerStream {
    return this.#streams.find(stream => stream.owns(lease))!
  }

  #consume(held: HeldLease): void {
    const { options, shardSync, sources, opener } = this.#streamOf(held.lease)
    const consumer = new ShardConsumer({
      held,
      options,
      shardSync,
      sources,
      opener,
      handler: this.#handlerOf(options.streamName, held.lease.shardId),
      metrics: this.#metrics,
      turn: this.#turn,
      table: this.#table,
      coordinator: this.#coordinator,
      counters: this.#counters,
      stopSignal: this.#stop.signal,
      killSignal: this.#kill.signal
    })
    const running = consumer
      .run()
      .catch((error: unknown) => this.#fatal.reject(error))
      .finally(() => this.#consumers.delete(consumer))
    this.#consumers.set(consumer, running)
  }

  #handlerOf(streamName: string, shardId: string): ShardHandler {
    const { sink, eachBatch, eachRecord, processor } = this.#given
    if (sink !== undefined) return sinkHandler(sink)
    if (processor !== undefined)
      return processorHandler(processor({ streamName, shardId }), { streamName, shardId })
    if (eachRecord !== undefined) return recordHandler(eachRecord)
    return batchHandler(eachBatch ?? this.#iterator.handler)
  }

  #watch(): void {
    this.#cancelWatch = this.#options.clock.schedule(
      () => {
        for (const consumer of this.#consumers.keys()) consumer.checkProgress()
        this.#metrics.put(ConsumerMetric.currentLeases, this.#coordinator.heldCount)
        this.#watch()
      },
      watchMs,
      { unref: true }
    )
  }
}
