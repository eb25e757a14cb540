import type { HashKeyRange } from '../../core/hash-key.ts'
import { type ExtendedSequenceNumber, Sentinel } from '../checkpoint/extended-sequence-number.ts'

/** One row of the lease table. */
export interface Lease {
  /** The shard's id, for a table of one stream. */
  readonly leaseKey: string
  /** Undefined while nobody holds it. */
  readonly leaseOwner: string | undefined
  /** Rises with every renewal, take and checkpoint; an owner that lives changes it. */
  readonly leaseCounter: number
  readonly ownerSwitchesSinceCheckpoint: number
  readonly checkpoint: ExtendedSequenceNumber
  readonly parentShardIds: readonly string[]
  readonly childShardIds: readonly string[]
  /** Undefined in rows of old writers. */
  readonly hashKeyRange: HashKeyRange | undefined
}

/** Whether the shard was read to its end. */
export function isFinished(lease: Lease): boolean {
  return lease.checkpoint.sequenceNumber === Sentinel.shardEnd
}
