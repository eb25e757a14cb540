import { type HashKeyRange, maxHashKey } from '../../core/hash-key.ts'
import { isFinished, type Lease } from '../leases/lease.ts'

/** Something of the stream that nobody will read as the table stands. */
export type LeaseHole =
  | { readonly kind: 'range'; readonly range: HashKeyRange }
  /** A shard that its finished parent names has no lease, and its parent will not make it again. */
  | { readonly kind: 'shard'; readonly shardId: string }

/** The same hole has the same id at every look. */
export function holeId(hole: LeaseHole): string {
  return hole.kind === 'shard' ? hole.shardId : `${hole.range.start}-${hole.range.end}`
}

/** The parts of the hash key range that none of `ranges` covers, in order. Ranges may overlap. Pure. */
export function uncovered(ranges: readonly HashKeyRange[]): readonly HashKeyRange[] {
  const holes: HashKeyRange[] = []
  let next = 0n
  for (const { start, end } of [...ranges].sort((a, b) => (a.start < b.start ? -1 : 1))) {
    if (start > next) holes.push({ start: next, end: start - 1n })
    if (end >= next) next = end + 1n
  }
  if (next <= maxHashKey) holes.push({ start: next, end: maxHashKey })
  return holes
}

/**
 * What the leases of one stream leave out. A lease without a range may stand for any of it: then no range is told
 * to be missing. Pure.
 */
export function findHoles(leases: readonly Lease[]): readonly LeaseHole[] {
  const shardIds = new Set(leases.map(({ shardId }) => shardId))
  // A parent's row is removed only after its children have begun, so that those of a row that stands must stand.
  const lost = leases
    .filter(isFinished)
    .flatMap(({ childShardIds }) => childShardIds.filter(id => !shardIds.has(id)))
  const shards = [...new Set(lost)].map(shardId => ({ kind: 'shard', shardId }) as const)
  const unfinished = leases.filter(lease => !isFinished(lease))
  const ranges = unfinished.flatMap(({ hashKeyRange }) => hashKeyRange ?? [])
  if (ranges.length < unfinished.length) return shards
  return [...shards, ...uncovered(ranges).map(range => ({ kind: 'range', range }) as const)]
}
