import type { ChildShard, _Record as KinesisRecord } from '@aws-sdk/client-kinesis'
import type { Clock } from '../../core/clock.ts'
import type { ServiceError } from '../../core/service-errors.ts'
import type { ReadPosition } from './read-position.ts'
import type { ShardEndOptions } from './shard-end.ts'

/** What one read of a shard brought. */
export interface ReadBatch {
  /** In their order; may be empty. */
  readonly records: readonly KinesisRecord[]
  /** Data and partition keys of the records, as the service counts them. */
  readonly sizeBytes: number
  /** How far the read was behind the newest record of the shard, in milliseconds. */
  readonly millisBehindLatest: number
  /** Set at the end of the shard: what followed it. */
  readonly children: readonly ChildShard[] | undefined
  /**
   * To be called when the batch is finished and its checkpoint written: the source never reads it again, and what it
   * holds of a budget is given back. Before that, a source that has to begin anew begins in front of it. Further
   * calls do nothing.
   */
  done(): void
}

/** Reads one shard, in order, from its position to its end. */
export interface RecordSource {
  /**
   * The next batch, which may be empty. One call at a time. Rejects with the signal's reason, after which it may be
   * called again, and with a `ServiceError` when the stream is gone.
   */
  next(signal: AbortSignal): Promise<ReadBatch>
  /** Gives up what was read ahead. When it resolves nothing is in flight any more. */
  close(): Promise<void>
}

/** What every source of one shard is made with. */
export interface SourceOptions extends ShardEndOptions {
  readonly shardId: string
  readonly position: ReadPosition
  readonly clock: Clock
  readonly random: () => number
  readonly onFailure: (error: ServiceError) => void
}

/** Bytes of records as the service counts them: data and partition keys. */
export function sizeOf(records: readonly KinesisRecord[]): number {
  let bytes = 0
  for (const { Data: data, PartitionKey: key } of records) {
    bytes += (data?.length ?? 0) + (key === undefined ? 0 : Buffer.byteLength(key))
  }
  return bytes
}
