import type { Shard } from '@aws-sdk/client-kinesis'
import {
  type ExtendedSequenceNumber,
  Sentinel,
  sentinelPosition
} from '../checkpoint/extended-sequence-number.ts'
import { isFinished, type Lease } from '../leases/lease.ts'

/** A shard as far as leases are concerned. */
export interface ShardInfo {
  readonly shardId: string
  readonly parentShardIds: readonly string[]
  readonly hashKeyRange: { readonly start: bigint; readonly end: bigint }
  readonly isOpen: boolean
  readonly startingSequenceNumber: bigint
}

export function toShardInfo(shard: Shard): ShardInfo {
  return {
    shardId: shard.ShardId!,
    parentShardIds: [shard.ParentShardId, shard.AdjacentParentShardId].filter(id => id !== undefined),
    hashKeyRange: {
      start: BigInt(shard.HashKeyRange!.StartingHashKey!),
      end: BigInt(shard.HashKeyRange!.EndingHashKey!)
    },
    isOpen: shard.SequenceNumberRange?.EndingSequenceNumber === undefined,
    startingSequenceNumber: BigInt(shard.SequenceNumberRange?.StartingSequenceNumber ?? 0)
  }
}

/** A lease that nobody holds yet. */
export function newLease(
  shard: Omit<ShardInfo, 'isOpen' | 'startingSequenceNumber'>,
  checkpoint: ExtendedSequenceNumber
): Lease {
  return {
    leaseKey: shard.shardId,
    leaseOwner: undefined,
    leaseCounter: 0,
    ownerSwitchesSinceCheckpoint: 0,
    checkpoint,
    parentShardIds: shard.parentShardIds,
    childShardIds: [],
    hashKeyRange: shard.hashKeyRange
  }
}

/**
 * The leases that are missing, oldest first, so that every open shard is covered: by its own lease, or by an
 * ancestor's that is not finished and will make the younger ones when it ends.
 *
 * A shard whose parents are all finished starts at TRIM_HORIZON; one without listed parents at `initial`. So
 * nothing that was written since a reshard is left out, also with LATEST.
 */
export function missingLeases(
  shards: readonly ShardInfo[],
  leases: readonly Lease[],
  initial: ExtendedSequenceNumber
): readonly Lease[] {
  const shardById = new Map(shards.map(shard => [shard.shardId, shard]))
  const leaseByKey = new Map(leases.map(lease => [lease.leaseKey, lease]))
  const missing = new Map<string, Lease>()

  /** Whether the shard will come into being by itself: an ancestor has, or now gets, a lease that is not finished. */
  const cover = (shard: ShardInfo): void => {
    if (leaseByKey.has(shard.shardId) || missing.has(shard.shardId)) return
    let isPending = false
    let hasFinishedParent = false
    for (const parentId of shard.parentShardIds) {
      const lease = leaseByKey.get(parentId)
      if (lease !== undefined) {
        if (isFinished(lease)) hasFinishedParent = true
        else isPending = true
        continue
      }
      const parent = shardById.get(parentId)
      // A parent beyond the retention has nothing left to read.
      if (parent === undefined) continue
      cover(parent)
      isPending = true
    }
    if (isPending) return
    const start = hasFinishedParent ? sentinelPosition(Sentinel.trimHorizon) : initial
    missing.set(shard.shardId, newLease(shard, start))
  }
  const oldestFirst = [...shards].sort((a, b) =>
    a.startingSequenceNumber < b.startingSequenceNumber ? -1 : 1
  )
  for (const shard of oldestFirst) if (shard.isOpen) cover(shard)
  return oldestFirst.flatMap(({ shardId }) => missing.get(shardId) ?? [])
}

/** Whether every parent that has a lease is finished. A parent without a lease does not block. */
export function parentsAreFinished(lease: Lease, leases: ReadonlyMap<string, Lease>): boolean {
  return lease.parentShardIds.every(id => {
    const parent = leases.get(id)
    return parent === undefined || isFinished(parent)
  })
}
