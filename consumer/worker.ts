import { setMaxListeners } from 'node:events'
import type { KinesisClient } from '@aws-sdk/client-kinesis'
import type { CallOptions, KinesisReaderPort } from '../core/aws-ports.ts'
import { deferred } from '../core/concurrency.ts'
import { ClosedError } from '../core/errors.ts'
import { createKinesisClient, kinesisPort } from '../core/kinesis-client.ts'
import { noKeyStats, type RecordOpener } from '../core/record-transform.ts'
import { newCounters } from './counters.ts'
import { WorkerStoppedError } from './errors.ts'
import { DynamodbLeaseTable } from './leases/dynamodb-lease-table.ts'
import type { HeldLease } from './leases/held-lease.ts'
import { LeaseCoordinator } from './leases/lease-coordinator.ts'
import type { LeaseTable } from './leases/lease-table.ts'
import type { Deliver } from './lifecycle/batch-processor.ts'
import { ShardConsumer } from './lifecycle/shard-consumer.ts'
import { type ResolvedWorkerOptions, resolveOptions, type WorkerOptions } from './options.ts'
import { ShardSync } from './shards/shard-sync.ts'
import type { WorkerStats } from './types.ts'

/**
 * Reads a stream together with the other workers of its application: leases decide who reads which shard. Every
 * record is opened, handed to the handler or the sink, and only then passed by the checkpoint.
 */
export class Worker {
  readonly #options: ResolvedWorkerOptions
  readonly #given: WorkerOptions
  readonly #kinesis: KinesisReaderPort
  /** Made here, so destroyed here. */
  readonly #ownClient: KinesisClient | undefined
  readonly #table: LeaseTable
  readonly #opener: RecordOpener | undefined
  readonly #shardSync: ShardSync
  readonly #coordinator: LeaseCoordinator
  readonly #counters = newCounters()
  readonly #consumers = new Map<ShardConsumer, Promise<void>>()
  readonly #stop = new AbortController()
  readonly #kill = new AbortController()
  readonly #fatal = deferred<never>()
  #running: Promise<void> | undefined

  /** @throws InvalidOptionError */
  constructor(options: WorkerOptions) {
    this.#options = resolveOptions(options)
    this.#given = options
    // One listener per shard and call is no leak.
    setMaxListeners(0, this.#stop.signal, this.#kill.signal)
    this.#fatal.promise.catch(() => {})
    const { streamName, workerId, clock, random, onEvent, failoverTimeMs, maxLeases, open } = this.#options
    const { client, clientConfig, port } = options.kinesis ?? {}
    this.#ownClient =
      client === undefined && port === undefined ? createKinesisClient(clientConfig) : undefined
    this.#kinesis = port ?? kinesisPort(client ?? this.#ownClient!)
    this.#table =
      options.leaseTable ??
      new DynamodbLeaseTable({
        tableName: this.#options.tableName,
        createTable: this.#options.createTable,
        client: options.dynamodb?.client,
        clientConfig: options.dynamodb?.clientConfig,
        callTimeoutMs: Math.ceil(failoverTimeMs / 3),
        clock
      })
    this.#opener = open?.keyring.createOpener({
      streamName,
      context: open.context,
      unstoredContext: open.unstoredContext
    })
    this.#shardSync = new ShardSync({
      kinesis: this.#kinesis,
      streamName,
      table: this.#table,
      initialPosition: this.#options.initialPosition,
      signal: this.#kill.signal
    })
    this.#coordinator = new LeaseCoordinator({
      table: this.#table,
      shardSync: this.#shardSync,
      workerId,
      failoverTimeMs,
      maxLeases,
      clock,
      random,
      onEvent,
      onTaken: held => this.#consume(held)
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
      keys: this.#opener?.keyStats ?? noKeyStats
    }
  }

  /**
   * Works until the signal aborts or `shutdown` is called: then what is in hand is finished, checkpointed, and the
   * leases are released. Rejects when it cannot start, when the stream is gone, and when a record cannot be
   * processed and there is no dead-letter store. To be called once.
   */
  run(options: CallOptions = {}): Promise<void> {
    if (this.#running !== undefined) return Promise.reject(new ClosedError('worker'))
    const { signal } = options
    const onAbort = (): void => this.#stop.abort(new WorkerStoppedError())
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#running = this.#run().finally(() => signal?.removeEventListener('abort', onAbort))
    return this.#running
  }

  /** Stops as the signal of `run` does; resolves when all is released. */
  async shutdown(): Promise<void> {
    this.#stop.abort(new WorkerStoppedError())
    await this.#running?.catch(() => {})
  }

  async #run(): Promise<void> {
    try {
      this.#stop.signal.throwIfAborted()
      await this.#coordinator.start()
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
    const { clock, shutdownTimeoutMs } = this.#options
    clock.sleep(shutdownTimeoutMs, finished.signal).then(
      () => this.#kill.abort(new WorkerStoppedError()),
      () => {}
    )
    // A handler that does not end with its signal is left behind after a grace of the same length.
    await Promise.race([
      Promise.all(this.#consumers.values()),
      clock.sleep(shutdownTimeoutMs * 2, finished.signal).catch(() => {})
    ])
    finished.abort()
    this.#kill.abort(new WorkerStoppedError())
    await this.#coordinator.close()
    await this.#given.sink?.close()
    this.#opener?.close()
    this.#table.close()
    this.#ownClient?.destroy()
  }

  #consume(held: HeldLease): void {
    const consumer = new ShardConsumer({
      held,
      options: this.#options,
      kinesis: this.#kinesis,
      opener: this.#opener,
      deliver: this.#deliver(),
      table: this.#table,
      shardSync: this.#shardSync,
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

  #deliver(): Deliver {
    const { sink, eachBatch } = this.#given
    if (sink !== undefined) return (records, { signal }) => sink.deliver(records, { signal })
    return async (records, context) => {
      await eachBatch!(records, context)
      return []
    }
  }
}
