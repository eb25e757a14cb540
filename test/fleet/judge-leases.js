/** An attribute of a lease's row that no worker knows. */
export const strangeAttribute = 'noteOfAnotherProgram'

/**
 * A row of the lease table as DynamoDB gives it.
 * @typedef {Readonly<Record<string, import('@aws-sdk/client-dynamodb').AttributeValue>>} Row
 */
/** @typedef {{ readonly second: number, readonly rows: readonly Row[] }} Scan */
/**
 * What happened to the fleet.
 * @typedef {{ readonly workers: readonly string[], readonly failoverTimeMs: number,
 *   readonly script: readonly (readonly [second: number, step: string])[] }} Course
 */

/**
 * How often a step changes what a worker counts: its own kind of workers and others that hold leases, and leases. The
 * children of a split or merge come at once, each parent goes by itself.
 * @type {Readonly<Record<string, number>>}
 */
const changesOfStep = { start: 1, resume: 1, kill: 1, pause: 1, stop: 1, split: 2, merge: 3 }
/** A worker that is gone leaves its leases to expire. */
const stepsThatExpire = ['kill', 'pause', 'stop']
/**
 * How often a lease can be taken from a living worker as long as workers and leases stay the same. By the KCL's rules a
 * worker takes from one above the share and never comes above it thereby, so that this happens to a lease once; and when
 * nobody is above, a worker that is two short takes one more from a worker at the share, comes to less than the share
 * thereby, and only ever that far: once again.
 */
const stealsPerChange = 2

/**
 * Judges what was seen of a lease table.
 * @param {readonly Scan[]} scans
 * @param {Course} course
 */
export function judgeLeases(scans, course) {
  /** @type {string[]} */
  const faults = []
  /** @type {Map<string, { since: number, owner?: string, checkpoint: Checkpoint, isMarked: boolean, moves: number }>} */
  const leases = new Map()
  let moves = 0
  let mostMoves = 0
  let movesAllowed = 0
  let checkpointsBack = 0
  let attributesLost = 0
  for (const { second, rows } of scans) {
    const present = new Set(rows.map(({ leaseKey }) => leaseKey?.S ?? ''))
    for (const key of leases.keys()) if (!present.has(key)) leases.delete(key)
    for (const row of rows) {
      const key = row.leaseKey?.S ?? ''
      const owner = row.leaseOwner?.S
      const checkpoint = checkpointOf(row)
      const known = leases.get(key)
      if (known === undefined) {
        leases.set(key, { since: second, owner, checkpoint, isMarked: true, moves: 0 })
        continue
      }
      if (compareCheckpoints(checkpoint, known.checkpoint) < 0) {
        checkpointsBack += 1
        faults.push(`the checkpoint of ${key} went back after ${second.toFixed()} s`)
      }
      known.checkpoint = checkpoint
      if (owner !== undefined && known.owner !== undefined && owner !== known.owner) {
        known.moves += 1
        moves += 1
        const allowed = allowedMoves(course, known.since)
        if (known.moves > allowed)
          faults.push(`${key} moved ${known.moves} times, the script explains ${allowed}`)
        if (known.moves > mostMoves) [mostMoves, movesAllowed] = [known.moves, allowed]
      }
      known.owner = owner ?? known.owner
      // It is given the attribute when it is first seen.
      if (known.isMarked && row[strangeAttribute] === undefined) {
        known.isMarked = false
        attributesLost += 1
        faults.push(`a worker removed an attribute that it does not know from ${key}`)
      }
    }
  }
  const attributesKept = scans.at(-1)?.rows.filter(row => row[strangeAttribute] !== undefined).length ?? 0
  if (attributesKept === 0) faults.push('no lease still has the attribute that no worker knows')
  return {
    tableScans: scans.length,
    leaseMoves: moves,
    mostMovesOfOneLease: mostMoves,
    movesAllowed,
    checkpointsBack,
    attributesKept,
    attributesLost,
    faults: faults.slice(0, 10)
  }
}

/**
 * How many moves the script explains of a lease that was there since some second.
 * @param {Course} course
 * @param {number} since
 */
export function allowedMoves({ workers, script, failoverTimeMs }, since) {
  // A lease expires after the failover time, and each worker looks every second failover time: after two looks, the first of
  // which still finds the lease held, all have seen what a step brought about.
  const noticedAfter = (5 * failoverTimeMs) / 1_000
  const steps = [...workers.slice(1).map(worker => /** @type {const} */ ([0, `start ${worker}`])), ...script]
  return steps
    .filter(([second]) => second + noticedAfter >= since)
    .map(([, step]) => step.split(' ')[0] ?? '')
    .reduce(
      (sum, verb) =>
        sum + stealsPerChange * (changesOfStep[verb] ?? 0) + (stepsThatExpire.includes(verb) ? 1 : 0),
      0
    )
}

/** @typedef {readonly [rank: number, sequenceNumber: bigint, subSequenceNumber: number]} Checkpoint */

/** The KCL's order: the sentinels at their places around the sequence numbers, then the sub-sequence number. */
const sentinelRanks = /** @type {Readonly<Record<string, number>>} */ ({
  AT_TIMESTAMP: 0,
  TRIM_HORIZON: 1,
  LATEST: 2,
  SHARD_END: 4
})

/**
 * @param {Row} row
 * @returns {Checkpoint}
 */
function checkpointOf({ checkpoint, checkpointSubSequenceNumber }) {
  const text = checkpoint?.S ?? ''
  const rank = sentinelRanks[text]
  return rank === undefined ? [3, BigInt(text), Number(checkpointSubSequenceNumber?.N ?? 0)] : [rank, 0n, 0]
}

/**
 * @param {Checkpoint} a
 * @param {Checkpoint} b
 */
function compareCheckpoints(a, b) {
  if (a[0] !== b[0]) return a[0] - b[0]
  if (a[1] !== b[1]) return a[1] < b[1] ? -1 : 1
  return a[2] - b[2]
}
