import type { ChildShard } from '@aws-sdk/client-kinesis'
import type { KinesisReaderPort } from '../../core/aws-ports.ts'
import { backoffDelayMs } from '../../core/backoff.ts'
import type { RecordOpener } from '../../core/record-transform.ts'
import { ServiceError } from '../../core/service-errors.ts'
import {
  type ExtendedSequenceNumber,
  Sentinel,
  sentinelPosition
} from '../checkpoint/extended-sequence-number.ts'
import type { WorkerCounters } from '../counters.ts'
import { LeaseLostError } from '../errors.ts'
import type { HeldLease } from '../leases/held-lease.ts'
import type { LeaseCoordinator } from '../leases/lease-coordinator.ts'
import type { CheckpointUpdate, LeaseTable } from '../leases/lease-table.ts'
import type { ResolvedWorkerOptions } from '../options.ts'
import { PollingSource } from '../retrieval/polling-source.ts'
import { RecordReader } from '../retrieval/record-reader.ts'
import { newLease, parentsAreFinished } from '../shards/shard-graph.ts'
import type { ShardSync } from '../shards/shard-sync.ts'
import { BatchProcessor, type Deliver } from './batch-processor.ts'
import { nextState, type Outcome, type ShardConsumerState } from './states.ts'

export interface ShardConsumerOptions {
  readonly held: HeldLease
  readonly options: ResolvedWorkerOptions
  readonly kinesis: KinesisReaderPort
  readonly opener: RecordOpener | undefined
  readonly deliver: Deliver
  readonly table: LeaseTable
  readonly shardSync: ShardSync
  readonly coordinator: LeaseCoordinator
  readonly counters: WorkerCounters
  /** Aborted when the worker is to stop: what is in hand is finished. */
  readonly stopSignal: AbortSignal
  /** Aborted when the time to finish is over. */
  readonly killSignal: AbortSignal
}

const parentPollMs = 250
const checkpointBackoff = { baseMs: 100, maxMs: 2_000 }

/** Reads one shard under one tenure of its lease, from its checkpoint to its end, or until it has to stop. */
export class ShardConsumer {
  readonly #given: ShardConsumerOptions
  readonly #processor: BatchProcessor
  /** Ends reading and waiting. */
  readonly #waitSignal: AbortSignal
  /** Ends what should be finished even when the worker is to stop. */
  readonly #finishSignal: AbortSignal
  #state: ShardConsumerState = 'waitingOnParents'
  #source: PollingSource | undefined
  #position: ExtendedSequenceNumber
  #children: readonly ChildShard[] = []
  #millisBehindLatest = 0

  constructor(given: ShardConsumerOptions) {
    const { held, options, opener, deliver, counters, stopSignal, killSignal } = given
    this.#given = given
    this.#finishSignal = AbortSignal.any([held.signal, killSignal])
    this.#position = held.lease.checkpoint
    this.#waitSignal = AbortSignal.any([held.signal, stopSignal])
    const shardId = held.leaseKey
    this.#processor = new BatchProcessor({
      shardId,
      options,
      deliver,
      counters,
      reader: new RecordReader({
        streamName: options.streamName,
        shardId,
        opener,
        acceptPlaintext: options.open?.acceptPlaintext ?? false
      }),
      waitSignal: this.#waitSignal,
      handlerSignal: this.#finishSignal
    })
  }

  get state(): ShardConsumerState {
    return this.#state
  }

  /** As of the last read, in milliseconds. */
  get millisBehindLatest(): number {
    return this.#millisBehindLatest
  }

  /** Resolves when nothing is held any more. Rejects with what must end the worker; the lease is given up then, too. */
  async run(): Promise<void> {
    const { held, coordinator } = this.#given
    try {
      while (this.#state !== 'done') this.#state = nextState(this.#state, await this.#runTask(this.#state))
    } catch (error) {
      await coordinator.giveUp(held, { release: true })
      throw error
    }
  }

  async #runTask(state: Exclude<ShardConsumerState, 'done'>): Promise<Outcome> {
    const { held, coordinator } = this.#given
    if (state === 'releasing') {
      await coordinator.giveUp(held, { release: true })
      return 'succeeded'
    }
    try {
      switch (state) {
        case 'waitingOnParents':
          return await this.#waitOnParents()
        case 'initializing':
          this.#source = this.#openSource()
          return 'succeeded'
        case 'processing':
          return await this.#process()
        case 'endingShard':
          return await this.#endShard()
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
    const { held, coordinator, options } = this.#given
    while (!parentsAreFinished(held.lease, coordinator.leases))
      await options.clock.sleep(parentPollMs, this.#waitSignal)
    return 'succeeded'
  }

  #openSource(): PollingSource {
    const { kinesis, options, held } = this.#given
    const { initialPosition } = options
    return new PollingSource({
      kinesis,
      streamName: options.streamName,
      shardId: held.leaseKey,
      start: this.#position,
      timestamp: typeof initialPosition === 'string' ? undefined : initialPosition.timestamp,
      idleTimeBetweenReadsMs: options.idleTimeBetweenReadsMs,
      maxRecordsPerRead: options.maxRecordsPerRead,
      clock: options.clock,
      random: options.random,
      onFailure: error => this.#report(error),
      findChildren: () => this.#findChildren()
    })
  }

  async #process(): Promise<Outcome> {
    const batch = await this.#source!.next(this.#waitSignal)
    this.#millisBehindLatest = batch.millisBehindLatest
    const end = await this.#processor.process(batch.records, batch.millisBehindLatest, this.#position)
    if (end !== undefined && end !== this.#position) {
      await this.#checkpoint({ checkpoint: end })
      this.#position = end
    }
    if (batch.children === undefined) {
      this.#waitSignal.throwIfAborted()
      return 'succeeded'
    }
    this.#children = batch.children
    return 'shardEnded'
  }

  /** The children's leases stand before the shard is marked as finished, so that a crash in between loses nothing. */
  async #endShard(): Promise<Outcome> {
    const { held, table, coordinator, options } = this.#given
    const childShardIds = this.#children.map(child => child.ShardId!)
    for (const child of this.#children) {
      const lease = newLease(
        {
          shardId: child.ShardId!,
          parentShardIds: child.ParentShards ?? [held.leaseKey],
          hashKeyRange: {
            start: BigInt(child.HashKeyRange!.StartingHashKey!),
            end: BigInt(child.HashKeyRange!.EndingHashKey!)
          }
        },
        sentinelPosition(Sentinel.trimHorizon)
      )
      await this.#untilWritten(() => table.create(lease))
    }
    await this.#checkpoint({ checkpoint: sentinelPosition(Sentinel.shardEnd), childShardIds })
    coordinator.noteFinished(held.lease)
    options.onEvent({ type: 'shardEnded', shardId: held.leaseKey, childShardIds })
    return 'succeeded'
  }

  async #checkpoint(update: CheckpointUpdate): Promise<void> {
    await this.#untilWritten(() => this.#given.held.checkpoint(update))
    this.#given.counters.checkpoints += 1
  }

  /** What was processed is worth its checkpoint: tries until it is written, or the lease is lost. */
  async #untilWritten<T>(write: () => Promise<T>): Promise<T> {
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
        this.#finishSignal
      )
    }
  }

  async #findChildren(): Promise<readonly ChildShard[] | undefined> {
    const { held, shardSync } = this.#given
    const shards = await shardSync.listShards()
    if (shards.find(({ shardId }) => shardId === held.leaseKey)?.isOpen !== false) return undefined
    return shards
      .filter(({ parentShardIds }) => parentShardIds.includes(held.leaseKey))
      .map(({ shardId, parentShardIds, hashKeyRange }) => ({
        ShardId: shardId,
        ParentShards: [...parentShardIds],
        HashKeyRange: { StartingHashKey: String(hashKeyRange.start), EndingHashKey: String(hashKeyRange.end) }
      }))
  }

  #report({ service, operation, failure, serviceCode }: ServiceError): void {
    this.#given.options.onEvent({ type: 'callFailed', service, operation, failure, serviceCode })
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
