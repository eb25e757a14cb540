import { attributesToCompare, canonicalRow, digestOfRows } from './canonical-row.ts'
import type { TableRow } from './rows.ts'
import type { Verdict } from './verdicts.ts'

/** Two lease tables side by side. In rows unless another unit is named. */
export interface TableComparison {
  /**
   * - `equal`: whatever is not worked on in the target says the same in both, by count and digest.
   * - `moving`: nothing is missing; workers of the source have moved on since it was copied.
   * - `incomplete`: see `differences`.
   */
  readonly state: 'equal' | 'moving' | 'incomplete'
  /** All rows of each table. */
  readonly rows: { readonly source: number; readonly target: number }
  readonly equal: number
  /** Not further in the target than in the source, and nobody holds them there. */
  readonly behind: number
  readonly missing: number
  /** Held in the target, or further there than in the source: the source is not looked at any more. */
  readonly worked: number
  /** Of those: held in the source as well, so that records of theirs come twice. */
  readonly heldInBoth: number
  /** Finished and cleaned up in the target. */
  readonly cleaned: number
  /** Finished and cleaned up in the source. */
  readonly gone: number
  /** In the target alone. */
  readonly foreign: number
  /** Not copied on purpose: the leader's lock and the metrics of the source's workers. */
  readonly leftBehind: number
  readonly conflicts: number
  /** SHA-256 over the canonical rows of what both tables have to say the same of, in hex, whatever their order. */
  readonly digest: { readonly source: string; readonly target: string }
  /** The first hundred that are behind, missing or in conflict, by lease key. */
  readonly differences: readonly TableDifference[]
}

export interface TableDifference {
  readonly leaseKey: string
  readonly is: 'behind' | 'missing' | 'conflict'
  readonly reason: string
}

const maxDifferences = 100

/** Pure. `verdicts`: those of the same rows. */
export function compareTables(
  source: readonly TableRow[],
  target: readonly TableRow[],
  verdicts: readonly Verdict[]
): TableComparison {
  const count = (is: Verdict['is']): number => verdicts.filter(verdict => verdict.is === is).length
  const differences = verdicts.flatMap(verdict => differenceOf(verdict) ?? [])
  const [behind, missing, conflicts] = [count('behind'), count('missing'), count('conflict')]
  const left = new Set(verdicts.filter(({ is }) => is === 'worked' || is === 'cleaned').map(({ key }) => key))
  return {
    state: missing + conflicts > 0 ? 'incomplete' : behind > 0 ? 'moving' : 'equal',
    rows: { source: source.length, target: target.length },
    equal: count('equal'),
    behind,
    missing,
    worked: count('worked'),
    heldInBoth: verdicts.filter(verdict => verdict.is === 'worked' && verdict.isHeldInBoth).length,
    cleaned: count('cleaned'),
    gone: count('gone'),
    foreign: count('foreign'),
    leftBehind: source.filter(({ kind }) => kind === 'live').length,
    conflicts,
    digest: digestsOf(
      source.filter(({ kind, key }) => kind !== 'live' && !left.has(key)),
      target
    ),
    differences: differences.slice(0, maxDifferences)
  }
}

/** What the target knows besides takes no part: it may have learnt more of a shard since. */
function digestsOf(source: readonly TableRow[], target: readonly TableRow[]): TableComparison['digest'] {
  const copies = new Map(target.map(({ key, row }) => [key, row]))
  return {
    source: digestOfRows(source.map(({ row }) => canonicalRow(row, attributesToCompare(row)))),
    target: digestOfRows(
      source.flatMap(({ key, row }) => {
        const copy = copies.get(key)
        return copy === undefined ? [] : [canonicalRow(copy, attributesToCompare(row))]
      })
    )
  }
}

function differenceOf(verdict: Verdict): TableDifference | undefined {
  const { is, key: leaseKey } = verdict
  switch (is) {
    case 'behind':
      return { leaseKey, is, reason: 'the source has moved on since it was copied' }
    case 'missing':
      return { leaseKey, is, reason: 'it is not in the target' }
    case 'conflict':
      return { leaseKey, is, reason: verdict.reason }
    default:
      return undefined
  }
}
