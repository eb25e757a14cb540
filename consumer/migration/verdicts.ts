import { compareSequence, Sentinel } from '../checkpoint/extended-sequence-number.ts'
import { hasBegun, type Lease } from '../leases/lease.ts'
import { leaseKeyOf } from '../leases/lease-key.ts'
import { attributesToCompare, canonicalRow } from './canonical-row.ts'
import type { TableRow } from './rows.ts'

type LeaseRow = Extract<TableRow, { kind: 'lease' }>

/** How a row stands in the target, beside the source. */
export type Verdict =
  /** It says the same there. */
  | { readonly is: 'equal'; readonly key: string }
  /** To be made. */
  | { readonly is: 'missing'; readonly key: string; readonly source: TableRow }
  /** Nobody holds it there, and the source is further, or knows more. */
  | { readonly is: 'behind'; readonly key: string; readonly source: LeaseRow; readonly target: LeaseRow }
  /** Its shard is worked on there: the source has no say any more. `isHeldInBoth`: it is in the source as well. */
  | { readonly is: 'worked'; readonly key: string; readonly isHeldInBoth: boolean }
  /** It was finished and cleaned up there. */
  | { readonly is: 'cleaned'; readonly key: string }
  /** It was finished and cleaned up in the source after it was copied: to be removed. */
  | { readonly is: 'gone'; readonly key: string; readonly target: LeaseRow }
  /** The source does not know it. */
  | { readonly is: 'foreign'; readonly key: string }
  /** Somebody has to look at it. */
  | { readonly is: 'conflict'; readonly key: string; readonly reason: string }

/**
 * What every row of the two tables is to the move, but for those that stay behind. Pure.
 * @param onceInTarget keys that the target had before: what is missing of them was cleaned up there
 */
export function judgeRows(
  sourceRows: readonly TableRow[],
  targetRows: readonly TableRow[],
  onceInTarget: ReadonlySet<string> = new Set()
): readonly Verdict[] {
  const [source, target] = [byKey(sourceRows), byKey(targetRows)]
  const verdicts: Verdict[] = []
  // Parents before children: shards are numbered in the order in which they come.
  for (const key of [...source.keys()].sort()) {
    verdicts.push(judgeSource(source.get(key)!, target, onceInTarget))
  }
  for (const [key, row] of target) {
    if (!source.has(key)) verdicts.push(judgeTargetAlone(row, source))
  }
  return verdicts
}

function byKey(rows: readonly TableRow[]): ReadonlyMap<string, TableRow> {
  return new Map(rows.flatMap(row => (row.kind === 'live' ? [] : [[row.key, row] as const])))
}

function judgeSource(
  source: TableRow,
  target: ReadonlyMap<string, TableRow>,
  onceInTarget: ReadonlySet<string>
): Verdict {
  const { key } = source
  const there = target.get(key)
  if (source.kind === 'unreadable') {
    return { is: 'conflict', key, reason: `its ${source.attribute} cannot be read in the source` }
  }
  if (there === undefined) {
    const isCleaned = onceInTarget.has(key) || (source.kind === 'lease' && haveChildrenBegun(source, target))
    return isCleaned ? { is: 'cleaned', key } : { is: 'missing', key, source }
  }
  if (there.kind === 'unreadable') {
    return { is: 'conflict', key, reason: `its ${there.attribute} cannot be read in the target` }
  }
  if (source.kind !== 'lease' || there.kind !== 'lease') {
    return source.kind === there.kind && saysTheSame(source, there)
      ? { is: 'equal', key }
      : { is: 'conflict', key, reason: 'the target has another row under its key' }
  }
  return judgeLease(source, there)
}

function judgeLease(source: LeaseRow, target: LeaseRow): Verdict {
  const { key } = source
  if (isOtherShard(source.lease, target.lease)) {
    return { is: 'conflict', key, reason: 'the target has a lease of another shard under its key' }
  }
  const isOwned = target.lease.leaseOwner !== undefined
  const lead = compareSequence(target.lease.checkpoint, source.lease.checkpoint)
  const isAtLatest = target.lease.checkpoint.sequenceNumber === Sentinel.latest
  // Somebody made it there instead of having it copied: what came since the source's position may be passed over.
  if (isAtLatest && (isOwned ? lead !== 0 : lead > 0)) {
    return { is: 'conflict', key, reason: 'the target stands at LATEST, and the source does not' }
  }
  if (isOwned || lead > 0) {
    return { is: 'worked', key, isHeldInBoth: isOwned && source.lease.leaseOwner !== undefined }
  }
  return saysTheSame(source, target) ? { is: 'equal', key } : { is: 'behind', key, source, target }
}

/** A lease that the source has finished, and removed when its children had begun, is of no use there either. */
function judgeTargetAlone(target: TableRow, source: ReadonlyMap<string, TableRow>): Verdict {
  const { key } = target
  const isGone =
    target.kind === 'lease' && target.lease.leaseOwner === undefined && haveChildrenBegun(target, source)
  return isGone ? { is: 'gone', key, target } : { is: 'foreign', key }
}

/** Whether the table shows that somebody has read beyond this lease: its children are there, and each has begun. */
function haveChildrenBegun({ lease }: LeaseRow, table: ReadonlyMap<string, TableRow>): boolean {
  const { streamIdentifier, shardId, childShardIds } = lease
  const children =
    childShardIds.length > 0
      ? childShardIds.map(child => table.get(leaseKeyOf(streamIdentifier, child)))
      : [...table.values()].filter(
          row =>
            row.kind === 'lease' &&
            row.lease.streamIdentifier === streamIdentifier &&
            row.lease.parentShardIds.includes(shardId)
        )
  return children.length > 0 && children.every(child => child?.kind === 'lease' && hasBegun(child.lease))
}

/** Of two streams, which give their shards the same names. */
function isOtherShard(source: Lease, target: Lease): boolean {
  const [a, b] = [source.hashKeyRange, target.hashKeyRange]
  return a !== undefined && b !== undefined && (a.start !== b.start || a.end !== b.end)
}

function saysTheSame({ row: source }: TableRow, { row: target }: TableRow): boolean {
  const names = attributesToCompare(source)
  return canonicalRow(source, names) === canonicalRow(target, names)
}
