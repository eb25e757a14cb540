import type { PendingRecord } from './pending-record.ts'

/** User records that travel together: of one container, in the order of their puts. */
export interface Batch {
  /**
   * What they have in common: the predicted shard, or the hash key, and the tenant whose key seals them. In ordered
   * mode also the lane that they wait in.
   */
  readonly container: string
  /** Where Kinesis is expected to put them; empty where that cannot be predicted. */
  readonly shardId: string
  readonly records: readonly PendingRecord[]
}

/** One Kinesis record that is ready to be sent; the order of its batch is the order of the sub-sequence numbers. */
export interface KinesisRecord {
  readonly batch: Batch
  readonly data: Uint8Array
  readonly partitionKey: string
  readonly explicitHashKey: string | undefined
  /** A reader may drop it from a shard that does not cover all of its hash keys. */
  readonly isAggregated: boolean
  /** Data and partition key, which is what the service counts. */
  readonly bytes: number
  deadlineMs: number
}
