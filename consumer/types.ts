import type { KeyStats } from '../core/record-transform.ts'
import type { CallFailedEvent } from './call-failed.ts'
import type { FanOutObstacle } from './errors.ts'
import type { LeaseRules } from './leases/kcl3/fleet-member.ts'
import type { LeaseCounts } from './leases/lease-coordinator.ts'
import type { LeaseTableUsage } from './leases/lease-table.ts'
import type { ShardConsumerState } from './lifecycle/states.ts'

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
  /** Bytes of Kinesis records in hand, read ahead and on their way, out of `maxReadAheadBytes`. */
  readonly readAheadBytes: number
  readonly keys: KeyStats
  /** Handler calls, deliveries and openings that were made again. */
  readonly retries: number
  readonly checkpoints: number
  /** Records that came unsealed and were accepted. */
  readonly plaintextAccepted: number
  /** User records whose hash key lies outside of their shard; see `filterOutOfRange`. */
  readonly outOfRange: number
  /** Records that begin as an aggregate does and cannot be taken apart: handed on as they are, as one record each. */
  readonly malformedAggregates: number
  /** How leases came and went. */
  readonly leases: LeaseCounts
  /** With `leaseProtocol: 'kcl3'`: whether this worker assigns the leases, and by whose rules the fleet works now. */
  readonly fleet?: { readonly isLeader: boolean; readonly rules: LeaseRules }
  /** What the lease table was asked for. */
  readonly leaseTable: LeaseTableUsage
}

/** How one shard stands. */
export interface ShardHealth {
  readonly streamName: string
  readonly shardId: string
  readonly state: ShardConsumerState
  /** Since when it is in this state, or, while it processes, since anything moved; in milliseconds. */
  readonly idleMs: number
  /** Since when the handler runs, in milliseconds; undefined while it does not. */
  readonly inHandlerMs: number | undefined
  /** As of the last read. */
  readonly millisBehindLatest: number
  readonly checkpoint: string
  /** Parents that are not read to their end. */
  readonly waitsFor: readonly string[]
}

/** What a worker tells while it works. Never a payload, a key or a context value. */
export type WorkerEvent =
  | { readonly type: 'leaseTaken'; readonly leaseKey: string; readonly previousOwner: string | undefined }
  | { readonly type: 'leaseLost'; readonly leaseKey: string }
  | { readonly type: 'leaseReleased'; readonly leaseKey: string }
  /** The leader has given a lease of this worker to another one, which waits until this one has done with it. */
  | { readonly type: 'leaseHandoffRequested'; readonly leaseKey: string; readonly to: string }
  /** `isInTime`: before the time for it was over; otherwise its handler may still run. */
  | {
      readonly type: 'leaseHandedOver'
      readonly leaseKey: string
      readonly to: string
      readonly isInTime: boolean
    }
  /** This worker, as the leader, gave a lease to a worker; at once or by way of its owner. */
  | { readonly type: 'leaseAssigned'; readonly leaseKey: string; readonly to: string }
  /** Whether this worker assigns the leases now. */
  | { readonly type: 'leaderChanged'; readonly isLeader: boolean }
  /** A migration of the fleet has changed who decides about leases: each worker (`kcl2`), or the leader (`kcl3`). */
  | { readonly type: 'leaseRulesChanged'; readonly rules: LeaseRules }
  /** A worker holds leases that takes them for itself, where a leader assigns them. Told by the leader, once each. */
  | { readonly type: 'kcl2WorkerSeen'; readonly workerId: string }
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
  /** A handler call took longer than `handlerTimeoutMs`; its signal is aborted. */
  | { readonly type: 'handlerOverdue'; readonly shardId: string; readonly afterMs: number }
  /** Nothing has moved in a shard for longer than `stallAfterMs`. Once until something moves. */
  | {
      readonly type: 'shardStalled'
      readonly shardId: string
      readonly state: ShardConsumerState
      readonly idleMs: number
      readonly isInHandler: boolean
    }
  /** A callback of a record processor failed and is called again, or, at the end of a tenure, is passed over. */
  | {
      readonly type: 'callbackFailed'
      readonly shardId: string
      readonly callback: 'initialize' | 'shardEnded' | 'shutdownRequested' | 'leaseLost'
      readonly errorName: string
    }
  | CallFailedEvent
  /** Answers claim in a row that the shard has ended, while by the listing it is open. It is read again. */
  | { readonly type: 'shardEndUnconfirmed'; readonly shardId: string; readonly times: number }
  /** The shard is polled from now on, because it cannot be read by enhanced fan-out. */
  | { readonly type: 'fanOutUnavailable'; readonly shardId: string; readonly obstacle: FanOutObstacle }
  /** A row is meant as a lease and cannot be read as one; it is left alone. Once per row. `reason`: the attribute. */
  | { readonly type: 'leaseRowCorrupt'; readonly leaseKey: string; readonly reason: string }
  /** A KCL 3 has begun to work on the table while this worker runs: two ways of assigning leases meet. Once. */
  | { readonly type: 'kcl3StateSeen'; readonly signs: readonly string[] }
  /** `maxLeases` keeps this worker below its share: `leases` of it are left to others. When the number changes. */
  | { readonly type: 'leaseSpillover'; readonly leases: number }
  /** A renewal began this late, by the drift of its timer: the event loop was blocked. */
  | { readonly type: 'renewalLate'; readonly lateMs: number }
  /** Somebody else works under this worker's id. The worker ends with `DuplicateWorkerError`. */
  | { readonly type: 'duplicateWorker'; readonly leaseKey: string | undefined }
  /** No lease stands for these hash keys (decimal, inclusive), or a shard's own lease is missing. Once per hole. */
  | {
      readonly type: 'leaseHole'
      readonly streamName: string
      readonly startingHashKey: string | undefined
      readonly endingHashKey: string | undefined
      readonly shardId: string | undefined
    }
  | { readonly type: 'leasesCreated'; readonly streamName: string; readonly leaseKeys: readonly string[] }
  | {
      readonly type: 'leaseDeleted'
      readonly leaseKey: string
      /** Read to its end; the shard is gone; of a stream that is read no more; of a former stream of the name. */
      readonly reason: 'finished' | 'garbage' | 'formerStream' | 'recreatedStream'
    }
