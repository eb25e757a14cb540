import type { HashKeyRange } from '../../core/hash-key.ts'
import { type ExtendedSequenceNumber, Sentinel } from '../checkpoint/extended-sequence-number.ts'

/** One row of the lease table. */
export interface Lease {
  /** The shard's id in a table of one stream; `<stream identifier>:<shard id>` in a table of several. */
  readonly leaseKey: string
  /** `<account>:<stream>:<creation time in epoch seconds>`; undefined in a table of one stream. */
  readonly streamIdentifier: string | undefined
  readonly shardId: string
  /** Undefined while nobody holds it. */
  readonly leaseOwner: string | undefined
  /** Rises with every renewal, take and checkpoint; an owner that lives changes it. */
  readonly leaseCounter: number
  readonly ownerSwitchesSinceCheckpoint: number
  readonly checkpoint: ExtendedSequenceNumber
  /** What the owner prepared and did not commit yet; every checkpoint clears it. */
  readonly pendingCheckpoint: ExtendedSequenceNumber | undefined
  /** What the owner stored with it, for whoever goes on from there. */
  readonly pendingCheckpointState: Uint8Array | undefined
  /** Plain shard ids, also in a table of several streams; so are the children's. */
  readonly parentShardIds: readonly string[]
  readonly childShardIds: readonly string[]
  /** Undefined in rows of old writers. */
  readonly hashKeyRange: HashKeyRange | undefined
}

/** Whether the shard was read to its end. */
export function isFinished(lease: Lease): boolean {
  return lease.checkpoint.sequenceNumber === Sentinel.shardEnd
}

/** Whether somebody has read of the shard: then nothing of its parents is needed any more. LATEST counts as begun. */
export function hasBegun({ checkpoint: { sequenceNumber } }: Lease): boolean {
  return sequenceNumber !== Sentinel.trimHorizon && sequenceNumber !== Sentinel.atTimestamp
}
