import { sentinelPosition } from '../../consumer/checkpoint/extended-sequence-number.ts'
import type { Lease } from '../../consumer/leases/lease.ts'
import { parseLeaseKey } from '../../consumer/leases/lease-key.ts'

/** A lease that nobody holds, at TRIM_HORIZON, with what a test wants to be otherwise. */
export function aLease(leaseKey: string, more: Partial<Lease> = {}): Lease {
  return {
    leaseKey,
    ...parseLeaseKey(leaseKey),
    leaseOwner: undefined,
    checkpointOwner: undefined,
    leaseCounter: 0,
    ownerSwitchesSinceCheckpoint: 0,
    checkpoint: sentinelPosition('TRIM_HORIZON'),
    pendingCheckpoint: undefined,
    pendingCheckpointState: undefined,
    parentShardIds: [],
    childShardIds: [],
    hashKeyRange: undefined,
    throughputKBps: undefined,
    ...more
  }
}
