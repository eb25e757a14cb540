import type { PendingRecord } from './pending-record.ts'

/** One Kinesis record that is ready to be sent, and the user records inside, in the order of their sub-sequence numbers. */
export interface KinesisRecord {
  readonly data: Uint8Array
  readonly partitionKey: string
  readonly explicitHashKey: string | undefined
  readonly predictedShardId: string
  readonly userRecords: readonly PendingRecord[]
  /** A reader may drop it from a shard that does not cover all of its hash keys. */
  readonly isAggregated: boolean
  /** Data and partition key, which is what the service counts. */
  readonly bytes: number
  deadlineMs: number
}
