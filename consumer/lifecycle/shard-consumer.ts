import type { ChildShard } from '@aws-sdk/client-kinesis'
import { backoffDelayMs } from '../../core/backoff.ts'
import type { EventLoopTurn } from '../../core/event-loop-turn.ts'
import { RecordReader } from '../../core/record-reader.ts'
import type { RecordOpener } from '../../core/record-transform.ts'
import { ServiceError } from '../../core/service-errors.ts'
import { callFailed } from '../call-failed.ts'
import { AggregateBounds } from '../checkpoint/aggregate-bounds.ts'
import { Checkpointer } from '../checkpoint/checkpointer.ts'
import {
  type ExtendedSequenceNumber,
  Sentinel,
  sentinelPosition
} from '../checkpoint/extended-sequence-number.ts'
import type { WorkerCounters } from '../counters.ts'
import { LeaseLostError } from '../errors.ts'
import type { ShardHandler } from '../handlers/shard-handler.ts'
import type { HeldLease } from '../leases/held-lease.ts'
import type { LeaseCoordinator } from '../leases/lease-coordinator.ts'
import type { LeaseTable } from '../leases/lease-table.ts'
import { ConsumerMetric, type ConsumerMetrics } from '../metrics.ts'
import type { ResolvedWorkerOptions } from '../options.ts'
import type { SourceOpener } from '../retrieval/open-source.ts'
import type { RecordSource } from '../retrieval/record-source.ts'
import { newLease, parentsAreFinished } from '../shards/shard-graph.ts'
import type { ShardSync } from '../shards/shard-sync.ts'
import type { ShardHealth, WorkerEvent } from '../types.ts'
import { BatchProcessor } from './batch-processor.ts'
import { DeliveryWindow } from './delivery-window.ts'
import { HandlerRunner } from './handler-runner.ts'
import { Progress } from './progress.ts'
import { nextState, type Outcome, type ShardConsumerState } from './states.ts'

export interface ShardConsumerOptions {
  readonly held: HeldLease
  readonly options: ResolvedWorkerOptions
  readonly sources: SourceOpener
  readonly opener: RecordOpener | undefined
  readonly handler: ShardHandler
  readonly table: LeaseTable
  readonly shardSync: ShardSync
  readonly coordinator: LeaseCoordinator
  readonly counters: WorkerCounters
  readonly metrics: ConsumerMetrics
  readonly turn: EventLoopTurn
  /** Aborted when the worker is to stop: what is in hand is finished. */
  readonly stopSignal: AbortSignal
  /** Aborted when the time to finish is over. */
  readonly killSignal: AbortSignal
}

const parentPollMs = 250
const checkpointBackoff = { baseMs: 100, maxMs: 2_000 }
const callbackBackoff = { baseMs: 500, maxMs: 10_000 }
/** Pause between two flushes of a sink that is waited for, in milliseconds; guessed. */
const flushEveryMs = 250
/** Most batches that a sink has in hand for one shard. */
const sinkBatches = 16

type Callback = Extract<WorkerEvent, { type: 'callbackFailed' }>['callback']

/** Reads one shard under one tenure of its lease, from its checkpoint to its end, or until it has to stop. */
export class ShardConsumer {
  readonly #given: ShardConsumerOptions
  readonly #checkpointer: Checkpointer
  readonly #bounds: AggregateBounds | undefined
  readonly #processor: BatchProcessor
  readonly #window: DeliveryWindow
  readonly #progress: Progress
  /** Ends reading and waiting. */
  readonly #waitSignal: AbortSignal
  /** Ends what should be finished even when the worker is to stop. */
  readonly #finishSignal: AbortSignal
  #source: RecordSource | undefined
  /** Everything before it was handed over. */
  #position: ExtendedSequenceNumber
  #children: readonly ChildShard[] = []
  #millisBehindLatest = 0

  constructor(given: ShardConsumerOptions) {
    const { held, options, opener, handler, counters, metrics, turn, killSignal } = given
    // The leader may give the lease to another worker: here that is as if the worker stopped.
    const stopSignal = AbortSignal.any([given.stopSignal, held.handoffSignal])
    this.#given = { ...given, stopSignal }
    this.#finishSignal = AbortSignal.any([held.signal, killSignal])
    this.#waitSignal = AbortSignal.any([held.signal, stopSignal])
    this.#position = held.lease.checkpoint
    this.#progress = new Progress(options.clock)
    const { shardId } = held.lease
    this.#bounds = options.foreignWorkers ? new AggregateBounds() : undefined
    this.#checkpointer = new Checkpointer({
      leaseKey: held.leaseKey,
      start: held.lease.checkpoint,
      storable: position => this.#bounds?.storable(position) ?? position,
      writer: {
        checkpoint: position => this.#writeCheckpoint(position),
        prepare: (position, state) => held.prepareCheckpoint(position, state),
        end: () => this.#writeEnd()
      }
    })
    const signals = { waitSignal: this.#waitSignal, handlerSignal: this.#finishSignal }
    this.#processor = new BatchProcessor({
      shardId,
      options,
      counters,
      metrics,
      turn,
      checkpointer: this.#checkpointer,
      bounds: this.#bounds,
      reader: new RecordReader({
        streamName: options.streamName,
        shardId,
        opener,
        asReceived: options.asReceived,
        acceptPlaintext: options.open?.acceptPlaintext ?? false,
        hashKeyRange: held.lease.hashKeyRange
      }),
      runner: new HandlerRunner({
        shardId,
        options,
        handler,
        counters,
        ...signals,
        ensureHeld: () => held.ensureHeld(),
        onCall: isRunning => this.#progress.handlerRuns(isRunning),
        onStuck: () => held.lose()
      }),
      ...signals
    })
    this.#window = new DeliveryWindow({
      maxBatches: handler.isSink ? sinkBatches : 1,
      maxBytes: options.maxOutstandingBytes,
      clock: options.clock,
      onAcknowledged: end => this.#onAcknowledged(end)
    })
  }

  get leaseKey(): string {
    return this.#given.held.leaseKey
  }

  get millisBehindLatest(): number {
    return this.#millisBehindLatest
  }

  get health(): ShardHealth {
    const { held, coordinator, options } = this.#given
    const { state, idleMs, inHandlerMs } = this.#progress
    const isWaiting = state === 'waitingOnParents'
    return {
      streamName: options.streamName,
      shardId: held.lease.shardId,
      state,
      idleMs,
      inHandlerMs,
      millisBehindLatest: this.#millisBehindLatest,
      checkpoint: held.lease.checkpoint.sequenceNumber,
      waitsFor: isWaiting
        ? held.lease.parentShardIds.filter(
            id => !parentsAreFinished({ ...held.lease, parentShardIds: [id] }, coordinator.leases)
          )
        : []
    }
  }

  /** Tells, once, of a shard in which nothing moves any more. A child may wait for its parents as long as it takes. */
  checkProgress(): void {
    const { held, options } = this.#given
    const { state, idleMs, inHandlerMs } = this.#progress
    if (state === 'waitingOnParents' || !this.#progress.isNewlyStalled(options.stallAfterMs)) return
    const isInHandler = inHandlerMs !== undefined
    options.onEvent({ type: 'shardStalled', shardId: held.lease.shardId, state, idleMs, isInHandler })
    options.logger.error(
      { shardId: held.lease.shardId, state, idleMs, isInHandler },
      'nothing moves in a shard'
    )
  }

  /** Resolves when nothing is held any more. Rejects with what must end the worker; the lease is given up then, too. */
  async run(): Promise<void> {
    const { held, coordinator } = this.#given
    let state: ShardConsumerState = 'waitingOnParents'
    try {
      while (state !== 'done') {
        this.#progress.enter(state)
        state = nextState(state, await this.#runTask(state))
      }
    } catch (error) {
      await coordinator.giveUp(held, { release: true })
      throw error
    } finally {
      this.#progress.enter('done')
      await this.#source?.close()
    }
  }

  async #runTask(state: Exclude<ShardConsumerState, 'done'>): Promise<Outcome> {
    const { held, coordinator, handler } = this.#given
    if (state === 'releasing') {
      await coordinator.giveUp(held, { release: true })
      return 'succeeded'
    }
    if (state === 'losing') {
      await this.#once('leaseLost', () => handler.leaseLost())
      return 'succeeded'
    }
    try {
      switch (state) {
        case 'waitingOnParents':
          return await this.#waitOnParents()
        case 'initializing':
          return await this.#initialize()
        case 'processing':
          return await this.#process()
        case 'endingShard':
          return await this.#endShard()
        case 'stopping':
          return await this.#stop()
      }
    } catch (error) {
      const { stopSignal, killSignal } = this.#given
      if (held.signal.aborted || error instanceof LeaseLostError) {
        await coordinator.giveUp(held, { release: false })
        return 'leaseLost'
      }
      if (
        stopSignal.aborted &&
        (error === stopSignal.reason || error === killSignal.reason || isAbort(error))
      ) {
        return 'shutdownRequested'
      }
      throw error
    }
  }

  async #waitOnParents(): Promise<Outcome> {
    const { held, coordinator, options, shardSync } = this.#given
    const restore = () => shardSync.restoreParents(held.lease, coordinator.leases)
    for (;;) {
      if (parentsAreFinished(held.lease, coordinator.leases)) {
        // A parent whose row was lost would be passed over.
        const restored = await this.#untilWritten(restore, this.#waitSignal)
        if (restored.length === 0) return 'succeeded'
        for (const parent of restored) coordinator.note(parent)
      }
      await options.clock.sleep(parentPollMs, this.#waitSignal)
    }
  }

  async #initialize(): Promise<Outcome> {
    const { held, handler } = this.#given
    const { checkpoint, pendingCheckpoint: pending, pendingCheckpointState: state } = held.lease
    const pendingCheckpoint = pending === undefined ? undefined : { checkpoint: pending, state }
    this.#source = this.#openSource()
    await this.#patiently('initialize', () =>
      handler.initialize({ checkpoint, pendingCheckpoint, signal: this.#finishSignal })
    )
    return 'succeeded'
  }

  #openSource(): RecordSource {
    const { sources, held } = this.#given
    return sources.open({
      shardId: held.lease.shardId,
      start: this.#position,
      signal: this.#waitSignal,
      onFailure: error => this.#report(error),
      findChildren: () => this.#findChildren()
    })
  }

  async #process(): Promise<Outcome> {
    const { handler, metrics, held } = this.#given
    const ended = handler.isSink ? AbortSignal.any([this.#waitSignal, this.#window.signal]) : this.#waitSignal
    const batch = await this.#source!.next(ended)
    this.#progress.moved()
    this.#millisBehindLatest = batch.millisBehindLatest
    held.noteRead(batch.records.reduce((bytes, { Data: data }) => bytes + (data?.byteLength ?? 0), 0))
    metrics.put(ConsumerMetric.millisBehindLatest, batch.millisBehindLatest, held.leaseKey)
    if (batch.records.length === 0) batch.done()
    else {
      const opened = await this.#processor.open(batch.records, this.#position)
      this.#position = opened.end ?? this.#position
      await this.#window.add(
        {
          bytes: opened.bytes,
          end: opened.end,
          deliver: onProgress => this.#processor.deliver(opened, batch.millisBehindLatest, onProgress),
          done: () => batch.done()
        },
        this.#waitSignal
      )
    }
    // A sink acknowledges by itself; a handler's calls follow one another.
    if (!handler.isSink || batch.children !== undefined) await this.#drain()
    if (batch.children === undefined) {
      this.#waitSignal.throwIfAborted()
      return 'succeeded'
    }
    this.#children = batch.children
    return 'shardEnded'
  }

  /** Everything that was handed over is settled. What a sink holds for company is sent: nothing follows from here. */
  async #drain(): Promise<void> {
    const { handler, options } = this.#given
    const drained = this.#window.drained()
    if (handler.flush === undefined) return drained
    const isDrained = new AbortController()
    const settled = drained.then(
      () => isDrained.abort(),
      () => isDrained.abort()
    )
    while (!isDrained.signal.aborted) {
      // Again and again: what was handed over may be on its way into the sink.
      handler.flush()
      await Promise.race([settled, options.clock.sleep(flushEveryMs, isDrained.signal).catch(() => {})])
    }
    return drained
  }

  /** The low-water mark of the shard has moved. */
  async #onAcknowledged(end: ExtendedSequenceNumber): Promise<void> {
    this.#progress.moved()
    if (this.#given.options.checkpoints === 'manual') return
    await this.#untilWritten(() => this.#checkpointer.checkpoint(end))
  }

  /** The children's leases stand before the shard is marked as finished, so that a crash in between loses nothing. */
  async #endShard(): Promise<Outcome> {
    const { held, table, handler, options } = this.#given
    for (const child of this.#children) {
      const lease = newLease(
        {
          shardId: child.ShardId!,
          parentShardIds: child.ParentShards ?? [held.lease.shardId],
          hashKeyRange: {
            start: BigInt(child.HashKeyRange!.StartingHashKey!),
            end: BigInt(child.HashKeyRange!.EndingHashKey!)
          }
        },
        sentinelPosition(Sentinel.trimHorizon),
        held.lease.streamIdentifier
      )
      await this.#untilWritten(() => table.create(lease))
    }
    this.#checkpointer.permitEnd()
    await this.#patiently('shardEnded', () => handler.shardEnded(this.#checkpointer))
    // Whatever the processor has checkpointed: everything was processed.
    await this.#untilWritten(() => this.#checkpointer.checkpoint())
    const childShardIds = this.#children.map(child => child.ShardId!)
    options.onEvent({ type: 'shardEnded', shardId: held.lease.shardId, childShardIds })
    return 'succeeded'
  }

  async #stop(): Promise<Outcome> {
    // What was handed over may end in time; what does not comes again.
    await this.#drain()
    await this.#once('shutdownRequested', () => this.#given.handler.shutdownRequested(this.#checkpointer))
    return 'succeeded'
  }

  async #writeCheckpoint(checkpoint: ExtendedSequenceNumber): Promise<void> {
    await this.#given.held.checkpoint({ checkpoint })
    this.#bounds?.forget(checkpoint)
    this.#given.counters.checkpoints += 1
  }

  async #writeEnd(): Promise<void> {
    const { held, coordinator, counters } = this.#given
    const childShardIds = this.#children.map(child => child.ShardId!)
    await held.checkpoint({ checkpoint: sentinelPosition(Sentinel.shardEnd), childShardIds })
    counters.checkpoints += 1
    coordinator.note(held.lease)
  }

  /** A callback that must succeed, or the lease be lost. */
  async #patiently(callback: Callback, call: () => Promise<void>): Promise<void> {
    const { options, held } = this.#given
    for (let attempt = 0; ; attempt += 1) {
      try {
        held.ensureHeld()
        this.#progress.handlerRuns(true)
        await call()
        return
      } catch (error) {
        this.#finishSignal.throwIfAborted()
        if (error instanceof LeaseLostError) throw error
        this.#reportCallback(callback, error)
      } finally {
        this.#progress.handlerRuns(false)
      }
      await options.clock.sleep(
        backoffDelayMs(attempt, { ...callbackBackoff, random: options.random }),
        this.#waitSignal
      )
    }
  }

  /** A callback at the end of a tenure: there is no second time. */
  async #once(callback: Callback, call: () => Promise<void>): Promise<void> {
    try {
      this.#progress.handlerRuns(true)
      await call()
    } catch (error) {
      if (error instanceof LeaseLostError) throw error
      this.#reportCallback(callback, error)
    } finally {
      this.#progress.handlerRuns(false)
    }
  }

  #reportCallback(callback: Callback, error: unknown): void {
    const { options, held } = this.#given
    const errorName = error instanceof Error ? error.name : typeof error
    options.onEvent({ type: 'callbackFailed', shardId: held.lease.shardId, callback, errorName })
    options.logger.error({ shardId: held.lease.shardId, callback, errorName }, 'a callback failed')
  }

  /** What was processed is worth its checkpoint: tries until it is written, or the lease is lost. */
  async #untilWritten<T>(write: () => Promise<T>, signal = this.#finishSignal): Promise<T> {
    const { options } = this.#given
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await write()
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error
        this.#report(error)
      }
      await options.clock.sleep(
        backoffDelayMs(attempt, { ...checkpointBackoff, random: options.random }),
        signal
      )
    }
  }

  async #findChildren(): Promise<readonly ChildShard[] | undefined> {
    const { held, shardSync } = this.#given
    const shards = await shardSync.listShards()
    const ended = held.lease.shardId
    if (shards.find(({ shardId }) => shardId === ended)?.isOpen !== false) return undefined
    return shards
      .filter(({ parentShardIds }) => parentShardIds.includes(ended))
      .map(({ shardId, parentShardIds, hashKeyRange }) => ({
        ShardId: shardId,
        ParentShards: [...parentShardIds],
        HashKeyRange: { StartingHashKey: String(hashKeyRange.start), EndingHashKey: String(hashKeyRange.end) }
      }))
  }

  #report(error: ServiceError): void {
    this.#given.options.onEvent(callFailed(error))
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
