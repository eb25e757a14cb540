/**
 * A line in the log of a worker.
 * @typedef {{ readonly workerId: string, readonly at: number, readonly type: string, readonly shardId?: string,
 *   readonly leaseKey?: string, readonly sequenceNumber?: string, readonly subSequenceNumber?: number,
 *   readonly records?: readonly [string, string, number][] }} Entry
 */

/**
 * What the logs of all workers say of the records that were put.
 * @param {readonly string[]} ids
 * @param {readonly Entry[]} entries in the order of time
 * @param {{ readonly harmed: ReadonlyMap<string, 'killed' | 'paused'>, readonly failoverTimeMs: number }} options
 */
export function judge(ids, entries, { harmed, failoverTimeMs }) {
  // Renewal takes place every third of the failover time; the rest is for a busy machine.
  const noticeMs = failoverTimeMs / 3 + 1_000
  /** @type {string[]} */
  const faults = []
  const position = (/** @type {string} */ sequence, /** @type {number} */ sub) =>
    BigInt(sequence) * 1_000_000n + BigInt(sub)
  /** @type {Map<string, { workerId: string, times: number }>} */
  const first = new Map()
  /** @type {Map<string, bigint>} */
  const reached = new Map()
  /** @type {Map<string, Entry>} */
  const holders = new Map()
  /** Shards that somebody has begun. */
  const worked = new Set()
  /** @type {Record<string, number>} */
  const duplicates = { killed: 0, paused: 0, 'lease moved': 0 }
  /** @type {Record<string, number>} */
  const firstBy = {}
  let takeovers = 0
  let midAggregate = 0
  /** @type {Map<string, Entry>} */
  const begun = new Map()
  for (const entry of entries) {
    const { workerId, type, shardId = '' } = entry
    if (type === 'initialize') {
      if (worked.has(shardId)) takeovers += 1
      worked.add(shardId)
      holders.set(shardId, entry)
      begun.set(shardId, entry)
    }
    // It began late, when the lease had moved on already: whoever works there meanwhile is right.
    if (type === 'leaseLost' && holders.get(entry.leaseKey ?? shardId)?.workerId === workerId) {
      holders.delete(entry.leaseKey ?? shardId)
    }
    if (type !== 'process') continue
    const held = holders.get(shardId)
    // Whose lease is taken learns of it at the next renewal or checkpoint; one that slept past its lease knows at once.
    if (held !== undefined && held.workerId !== workerId && entry.at > held.at + noticeMs) {
      faults.push(`${workerId} processed ${shardId} ${entry.at - held.at} ms after ${held.workerId} took it`)
    }
    const start = begun.get(shardId)
    for (const [id, sequence, sub] of entry.records ?? []) {
      if (start !== undefined) {
        // The first record of a tenure: does it go on inside of the aggregate in which the last one stopped?
        if (start.sequenceNumber === sequence && sub > 0 && sub === (start.subSequenceNumber ?? 0) + 1)
          midAggregate += 1
        begun.delete(shardId)
      }
      const known = first.get(id)
      if (known !== undefined) {
        known.times += 1
        const reason =
          known.workerId === workerId ? 'lease moved' : (harmed.get(known.workerId) ?? 'lease moved')
        duplicates[reason] = (duplicates[reason] ?? 0) + 1
        continue
      }
      first.set(id, { workerId, times: 1 })
      firstBy[workerId] = (firstBy[workerId] ?? 0) + 1
      const here = position(sequence, sub)
      if (here < (reached.get(shardId) ?? 0n)) faults.push(`${id} came out of order in ${shardId}`)
      reached.set(shardId, here)
    }
  }
  const lost = ids.filter(id => !first.has(id)).length
  if (lost > 0) faults.push(`${lost} records were never processed`)
  if (first.size > ids.length) faults.push(`${first.size - ids.length} records that nobody put`)
  if (midAggregate === 0) faults.push('no takeover in the middle of an aggregate')
  return {
    put: ids.length,
    processed: first.size,
    lost,
    duplicates,
    takeovers,
    midAggregateTakeovers: midAggregate,
    shards: reached.size,
    workers: new Set(entries.map(({ workerId }) => workerId)).size,
    firstBy,
    // Ten are enough to see what is wrong.
    faults: faults.slice(0, 10)
  }
}
