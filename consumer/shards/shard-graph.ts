import type { Shard } from '@aws-sdk/client-kinesis'
import {
  type ExtendedSequenceNumber,
  isSentinel,
  Sentinel,
  sentinelPosition
} from '../checkpoint/extended-sequence-number.ts'
import { hasBegun, isFinished, type Lease } from '../leases/lease.ts'
import { leaseKeyOf } from '../leases/lease-key.ts'

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

/** A lease that nobody holds yet. `streamIdentifier` undefined for a table of one stream. */
export function newLease(
  shard: Omit<ShardInfo, 'isOpen' | 'startingSequenceNumber'>,
  checkpoint: ExtendedSequenceNumber,
  streamIdentifier?: string
): Lease {
  return {
    leaseKey: leaseKeyOf(streamIdentifier, shard.shardId),
    streamIdentifier,
    shardId: shard.shardId,
    leaseOwner: undefined,
    checkpointOwner: undefined,
    leaseCounter: 0,
    ownerSwitchesSinceCheckpoint: 0,
    checkpoint,
    pendingCheckpoint: undefined,
    pendingCheckpointState: undefined,
    parentShardIds: shard.parentShardIds,
    childShardIds: [],
    hashKeyRange: shard.hashKeyRange,
    throughputKBps: undefined
  }
}

/**
 * The leases of one stream that are missing, oldest first, so that every open shard is covered: by its own lease,
 * or by an ancestor's that is not finished and will make the younger ones when it ends.
 *
 * A shard whose parents are all finished starts at TRIM_HORIZON; one without listed parents at `initial`. So
 * nothing that was written since a reshard is left out, also with LATEST. Pure.
 */
export function missingLeases(
  shards: readonly ShardInfo[],
  leases: readonly Lease[],
  initial: ExtendedSequenceNumber,
  streamIdentifier?: string
): readonly Lease[] {
  const shardById = new Map(shards.map(shard => [shard.shardId, shard]))
  const leaseById = new Map(leases.map(lease => [lease.shardId, lease]))
  const childrenById = childrenOf(shards)
  const missing = new Map<string, Lease>()

  // Shards that were split and merged many times have many paths between them: each is looked at once.
  const readThrough = new Map<string, boolean>()
  const visited = new Set<string>()

  /** Whether a shard without a lease was read to its end: something after it has begun, and its row was cleaned up. */
  const isReadThrough = (shardId: string): boolean => {
    const known = readThrough.get(shardId)
    if (known !== undefined) return known
    const found = (childrenById.get(shardId) ?? []).some(child => {
      const lease = leaseById.get(child)
      return lease === undefined ? isReadThrough(child) : hasBegun(lease)
    })
    readThrough.set(shardId, found)
    return found
  }

  /** Sees to it that the shard comes into being: by a lease of its own, or by those of its ancestors. */
  const cover = (shard: ShardInfo): void => {
    if (visited.has(shard.shardId) || leaseById.has(shard.shardId) || isReadThrough(shard.shardId)) return
    visited.add(shard.shardId)
    let isPending = false
    let hasFinishedParent = false
    for (const parentId of shard.parentShardIds) {
      const lease = leaseById.get(parentId)
      const parent = shardById.get(parentId)
      if (lease === undefined ? isReadThrough(parentId) : isFinished(lease)) hasFinishedParent = true
      else if (lease !== undefined) isPending = true
      // A parent beyond the retention has nothing left to read.
      else if (parent !== undefined) {
        cover(parent)
        isPending = true
      }
    }
    if (isPending) return
    const start = hasFinishedParent ? sentinelPosition(Sentinel.trimHorizon) : initial
    missing.set(shard.shardId, newLease(shard, start, streamIdentifier))
  }
  // What a finished shard names as its children must be there, also when it is closed by now.
  const named = new Set(leases.filter(isFinished).flatMap(({ childShardIds }) => childShardIds))
  const ordered = oldestFirst(shards)
  for (const shard of ordered) if (shard.isOpen || named.has(shard.shardId)) cover(shard)
  return ordered.flatMap(({ shardId }) => missing.get(shardId) ?? [])
}

/** By starting sequence number; shards of the same stay in their order. */
export function oldestFirst(shards: readonly ShardInfo[]): readonly ShardInfo[] {
  return [...shards].sort((a, b) => {
    const [first, second] = [a.startingSequenceNumber, b.startingSequenceNumber]
    return first < second ? -1 : first > second ? 1 : 0
  })
}

/** Ids of the shards that followed each shard. */
export function childrenOf(shards: readonly ShardInfo[]): ReadonlyMap<string, readonly string[]> {
  const children = new Map<string, string[]>()
  for (const { shardId, parentShardIds } of shards) {
    for (const parentId of parentShardIds) {
      const known = children.get(parentId)
      if (known === undefined) children.set(parentId, [shardId])
      else known.push(shardId)
    }
  }
  return children
}

/**
 * Why a lease cannot have been written for this shard: the stream was deleted, and another one of the same name
 * counts its shards anew. Undefined when it fits. Pure.
 */
export function misfit(lease: Lease, shard: ShardInfo): string | undefined {
  const { sequenceNumber } = lease.checkpoint
  if (isFinished(lease)) return shard.isOpen ? 'finished, and the shard is open' : undefined
  const { hashKeyRange: range } = lease
  if (
    range !== undefined &&
    (range.start !== shard.hashKeyRange.start || range.end !== shard.hashKeyRange.end)
  ) {
    return 'its hash key range is not the shard’s'
  }
  // Sequence numbers rise with time: what lies before the shard's first is of another shard.
  return !isSentinel(sequenceNumber) && BigInt(sequenceNumber) < shard.startingSequenceNumber
    ? 'its checkpoint lies before the shard’s first record'
    : undefined
}

/** Whether every parent that has a lease is finished. A parent without a lease does not block. */
export function parentsAreFinished(lease: Lease, leases: ReadonlyMap<string, Lease>): boolean {
  return lease.parentShardIds.every(id => {
    const parent = leases.get(leaseKeyOf(lease.streamIdentifier, id))
    return parent === undefined || isFinished(parent)
  })
}
