import type { KeyStats } from '../core/record-transform.ts'
import type { FailureClass } from '../core/service-errors.ts'

/**
 * Counters of one worker since it was made, in user records unless another unit is named. `read` = `processed` +
 * `deadLettered` + `filtered` + `inHand`. A Kinesis record that cannot be opened counts as one. What is given up
 * with a lost lease leaves `read` again: the next owner reads it.
 */
export interface WorkerStats {
  readonly read: number
  /** Acknowledged by the handler or the sink. */
  readonly processed: number
  readonly deadLettered: number
  /** Passed over because the checkpoint says that they were processed before. */
  readonly filtered: number
  readonly inHand: number
  readonly kinesisRecordsRead: number
  /** Bytes of the Kinesis records' data. */
  readonly bytesRead: number
  /** Of the shard that lags most, as of its last read. */
  readonly millisBehindLatest: number
  readonly leasesHeld: number
  readonly keys: KeyStats
  /** Handler calls, deliveries and openings that were made again. */
  readonly retries: number
  readonly checkpoints: number
  /** Records that came unsealed and were accepted. */
  readonly plaintextAccepted: number
}

/** What a worker tells while it works. Never a payload, a key or a context value. */
export type WorkerEvent =
  | { readonly type: 'leaseTaken'; readonly leaseKey: string; readonly previousOwner: string | undefined }
  | { readonly type: 'leaseLost'; readonly leaseKey: string }
  | { readonly type: 'leaseReleased'; readonly leaseKey: string }
  | { readonly type: 'shardEnded'; readonly shardId: string; readonly childShardIds: readonly string[] }
  /** The key cannot be had: the shard and its checkpoint stay where they are. Once per outage. */
  | { readonly type: 'keyUnavailable'; readonly shardId: string; readonly serviceCode: string | undefined }
  | { readonly type: 'keyAvailable'; readonly shardId: string }
  /** A record is wrong for good and is dead-lettered. */
  | {
      readonly type: 'recordFault'
      readonly shardId: string
      readonly sequenceNumber: string
      readonly errorCode: string
    }
  /** The handler, the sink or the dead-letter store failed; the same batch comes again. */
  | {
      readonly type: 'batchFailed'
      readonly shardId: string
      /** From 1. */
      readonly attempt: number
      readonly errorCode: string
      /** Name of what was thrown; its message could quote a payload. */
      readonly errorName: string
    }
  | {
      readonly type: 'callFailed'
      readonly service: string
      readonly operation: string
      readonly failure: FailureClass
      readonly serviceCode: string
    }
