import type { RecordSink, UndeliverableRecord } from '../../core/record-sink.ts'
import type { ConsumedRecord } from '../../core/user-record.ts'
import type { Checkpointer } from '../checkpoint/checkpointer.ts'
import type {
  BatchContext,
  BatchHandler,
  PendingCheckpoint,
  RecordHandler,
  RecordPosition,
  RecordProcessor,
  ShardContext
} from './handlers.ts'

/** Records before the one that failed are done. */
export class PartlyProcessed extends Error {
  readonly done: number

  constructor(done: number, cause: unknown) {
    super('some records of the batch were processed', { cause })
    this.done = done
  }
}

/** Told, before a call ends, of the record up to which all of the call's are processed. */
export type OnProgress = (record: ConsumedRecord) => void

/** What a shard consumer calls, whatever the style of the user's handler. */
export interface ShardHandler {
  /** Whether batches may be handed over while earlier ones are not acknowledged. */
  readonly isSink: boolean
  initialize(start: {
    readonly checkpoint: BatchContext['checkpointer']['last']
    readonly pendingCheckpoint: PendingCheckpoint | undefined
    readonly signal: AbortSignal
  }): Promise<void>
  /** Resolves with the positions that failed, and, from a sink, with the records that can never be delivered. */
  process(
    records: readonly ConsumedRecord[],
    context: BatchContext,
    onProgress?: OnProgress
  ): Promise<HandlerResult>
  /** Has what is held for company sent, without waiting for it. */
  flush?(): void
  leaseLost(): Promise<void>
  shardEnded(checkpointer: Checkpointer): Promise<void>
  shutdownRequested(checkpointer: Checkpointer): Promise<void>
}

export interface HandlerResult {
  readonly failed: readonly RecordPosition[]
  readonly undeliverable: readonly UndeliverableRecord[]
}

const allDone: HandlerResult = { failed: [], undeliverable: [] }

/** A handler without a life of its own in each shard. */
function simpleHandler(isSink: boolean, process: ShardHandler['process']): ShardHandler {
  return {
    isSink,
    process,
    async initialize() {},
    async leaseLost() {},
    async shardEnded() {},
    async shutdownRequested() {}
  }
}

export function batchHandler(eachBatch: BatchHandler): ShardHandler {
  return simpleHandler(false, async (records, context) => {
    const failed = await eachBatch(records, context)
    return failed === undefined || failed.length === 0 ? allDone : { failed, undeliverable: [] }
  })
}

export function recordHandler(eachRecord: RecordHandler): ShardHandler {
  return simpleHandler(false, async (records, context) => {
    for (const [index, record] of records.entries()) {
      try {
        context.signal.throwIfAborted()
        await eachRecord(record, context)
      } catch (error) {
        throw index === 0 ? error : new PartlyProcessed(index, error)
      }
    }
    return allDone
  })
}

export function sinkHandler(sink: RecordSink): ShardHandler {
  const handler = simpleHandler(true, async (records, { signal }, onProgress) => {
    const isAcknowledged = new Uint8Array(records.length)
    let mark = 0
    const onAcknowledged = (index: number): void => {
      isAcknowledged[index] = 1
      if (index !== mark) return
      while (isAcknowledged[mark] === 1) mark += 1
      onProgress?.(records[mark - 1]!)
    }
    try {
      const undeliverable = await sink.deliver(records, { signal, onAcknowledged })
      return undeliverable.length === 0 ? allDone : { failed: [], undeliverable }
    } catch (error) {
      throw mark === 0 ? error : new PartlyProcessed(mark, error)
    }
  })
  // What fails is told to whoever had it delivered.
  return sink.flush === undefined ? handler : { ...handler, flush: () => void sink.flush?.().catch(() => {}) }
}

export function processorHandler(processor: RecordProcessor, shard: ShardContext): ShardHandler {
  return {
    isSink: false,
    initialize: async start => processor.initialize?.({ ...shard, ...start }),
    async process(records, context) {
      await processor.processRecords({ ...context, records })
      return allDone
    },
    leaseLost: async () => processor.leaseLost?.(shard),
    shardEnded: async checkpointer => processor.shardEnded?.({ ...shard, checkpointer }),
    shutdownRequested: async checkpointer => processor.shutdownRequested?.({ ...shard, checkpointer })
  }
}
