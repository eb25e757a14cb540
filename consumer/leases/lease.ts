import type { HashKeyRange } from '../../core/hash-key.ts'
import { type ExtendedSequenceNumber, Sentinel } from '../checkpoint/extended-sequence-number.ts'

/** One row of the lease table. */
export interface Lease {
  /** The shard's id in a table of one stream; `<stream identifier>:<shard id>` in a table of several. */
  readonly leaseKey: string
  /** `<account>:<stream>:<creation time in epoch seconds>`; undefined in a table of one stream. */
  readonly streamIdentifier: string | undefined
  readonly shardId: string
  /** Undefined while nobody holds it. While it is handed over: whoever is to have it. */
  readonly leaseOwner: string | undefined
  /** While it is handed over: whoever still works it, up to its last checkpoint. Otherwise undefined. KCL 3 alone. */
  readonly checkpointOwner: string | undefined
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
  /** What its owner reads of the shard, in KiB a second, smoothed; undefined where nobody has measured it. KCL 3 alone. */
  readonly throughputKBps: number | undefined
}

/** Whoever works the shard now. */
export function workingOwner({ checkpointOwner, leaseOwner }: Lease): string | undefined {
  return checkpointOwner ?? leaseOwner
}

/** Whether the shard was read to its end. */
export function isFinished(lease: Lease): boolean {
  return lease.checkpoint.sequenceNumber === Sentinel.shardEnd
}

/** Whether somebody has read of the shard: then nothing of its parents is needed any more. LATEST counts as begun. */
export function hasBegun({ checkpoint: { sequenceNumber } }: Lease): boolean {
  return sequenceNumber !== Sentinel.trimHorizon && sequenceNumber !== Sentinel.atTimestamp
}

/** As it stands after a write that moves its counter. */
export function counted(lease: Lease): Lease {
  return { ...lease, leaseCounter: lease.leaseCounter + 1 }
}

/** As it stands when it has changed hands. */
export function ownedBy(lease: Lease, workerId: string | undefined): Lease {
  const isSwitch = workingOwner(lease) !== workerId
  return {
    ...counted(lease),
    leaseOwner: workerId,
    checkpointOwner: undefined,
    ownerSwitchesSinceCheckpoint: lease.ownerSwitchesSinceCheckpoint + (isSwitch ? 1 : 0)
  }
}
