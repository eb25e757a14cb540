import type { ConsumedRecord } from '../../core/user-record.ts'
import type { Checkpointer } from '../checkpoint/checkpointer.ts'
import type { ExtendedSequenceNumber } from '../checkpoint/extended-sequence-number.ts'

export interface ShardContext {
  readonly streamName: string
  readonly shardId: string
}

export interface BatchContext extends ShardContext {
  /** Aborted when the lease is lost, the deadline of the call or the time to shut down is over. */
  readonly signal: AbortSignal
  /** As of the read. */
  readonly millisBehindLatest: number
  /** Of this shard; only needed with `checkpoints: 'manual'`. */
  readonly checkpointer: Checkpointer
}

/** Position of a user record; a record itself is one. */
export type RecordPosition = Pick<ConsumedRecord, 'sequenceNumber' | 'subSequenceNumber'>

/**
 * Processes the user records of one read, in their order. They count as processed when it resolves, but for those
 * whose positions it returns; these, or all when it rejects, come again after a backoff. Calls for one shard never
 * overlap.
 */
export type BatchHandler = (
  records: readonly ConsumedRecord[],
  context: BatchContext
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler without failures returns nothing
) => Promise<void | readonly RecordPosition[]> | void | readonly RecordPosition[]

/** Processes one user record. When it rejects, this record comes again; those before it do not. */
export type RecordHandler = (record: ConsumedRecord, context: BatchContext) => Promise<void> | void

/**
 * The KCL's record processor: one for each shard that the worker holds. Calls for one shard never overlap, and come as
 * `initialize`, `processRecords` any number of times, `shutdownRequested` when the worker stops, then `leaseLost` or
 * `shardEnded`. What `initialize`, `processRecords` or `shardEnded` throws makes the same call come again.
 */
export interface RecordProcessor {
  initialize?(
    input: ShardContext & {
      /** Reading begins behind it. */
      readonly checkpoint: ExtendedSequenceNumber
      /** What a former owner prepared and did not commit. */
      readonly pendingCheckpoint: PendingCheckpoint | undefined
      readonly signal: AbortSignal
    }
  ): Promise<void> | void
  processRecords(input: BatchContext & { readonly records: readonly ConsumedRecord[] }): Promise<void> | void
  /** Another worker may process the shard already: nothing can be checkpointed. */
  leaseLost?(input: ShardContext): Promise<void> | void
  /** Everything in the shard was processed. The shard is checkpointed as finished when this resolves. */
  shardEnded?(input: ShardContext & { readonly checkpointer: Checkpointer }): Promise<void> | void
  /** The worker stops: the last moment to checkpoint. The lease is released when this resolves. */
  shutdownRequested?(input: ShardContext & { readonly checkpointer: Checkpointer }): Promise<void> | void
}

export interface PendingCheckpoint {
  readonly checkpoint: ExtendedSequenceNumber
  readonly state: Uint8Array | undefined
}

/** Makes the processor of one shard. */
export type RecordProcessorFactory = (shard: ShardContext) => RecordProcessor
