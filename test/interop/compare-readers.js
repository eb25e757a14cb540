/**
 * A user record as a reader gave it.
 * @typedef {{ readonly shardId: string, readonly sequenceNumber: string, readonly subSequenceNumber: number,
 *   readonly partitionKey: string | undefined, readonly explicitHashKey: string | undefined, readonly text: string }} Given
 */

/**
 * Judges what the KCL gave by what was put and by what our own consumer gave of the same stream. Ours may give more: it
 * hands on every user record, while the KCL leaves out a whole aggregate one of whose records is outside of the shard's
 * range. The producer puts those again, so that both give each record.
 * @param {ReadonlyMap<string, string>} put text -> partition key
 * @param {readonly Given[]} theirs in the order in which they came
 * @param {readonly Given[]} ours
 */
export function compareReaders(put, theirs, ours) {
  /** @type {string[]} */
  const faults = []
  const known = new Map(ours.map(given => [placeOf(given), given]))
  /** @type {Map<string, Given>} */
  const last = new Map()
  /** @type {Set<string>} */
  const read = new Set()
  let strange = 0
  let misplaced = 0
  let disordered = 0
  for (const given of theirs) {
    if (put.get(given.text) !== given.partitionKey) strange += 1
    read.add(given.text)
    const same = known.get(placeOf(given))
    if (same?.text !== given.text || same.explicitHashKey !== given.explicitHashKey) misplaced += 1
    const before = last.get(given.shardId)
    if (before !== undefined && !isAfter(given, before)) disordered += 1
    last.set(given.shardId, given)
  }
  const missing = [...put.keys()].filter(text => !read.has(text)).length
  const readByOurs = new Set(ours.map(({ text }) => text)).size
  if (missing > 0) faults.push(`${missing} records never came`)
  if (strange > 0) faults.push(`${strange} records that nobody put, or with another partition key`)
  if (misplaced > 0) faults.push(`${misplaced} records that our own consumer has not at the same place`)
  if (disordered > 0) faults.push(`${disordered} records not after the one before in their shard`)
  if (readByOurs !== put.size) faults.push(`our own consumer gave ${readByOurs} of ${put.size} records`)
  return {
    put: put.size,
    read: read.size,
    missing,
    altered: strange,
    given: theirs.length,
    // Places beyond the first in an aggregate prove that the KCL counted as we do.
    samePlace: theirs.length - misplaced,
    insideAggregates: theirs.filter(({ subSequenceNumber }) => subSequenceNumber > 0).length,
    shards: last.size,
    // A record behind a stale prediction is put again, and the KCL does not always leave out the first.
    twice: theirs.length - read.size,
    leftOutByTheKcl: new Set(ours.map(placeOf)).size - new Set(theirs.map(placeOf)).size,
    faults
  }
}

/** @param {Given} given */
function placeOf({ shardId, sequenceNumber, subSequenceNumber }) {
  return `${shardId}/${sequenceNumber}/${subSequenceNumber}`
}

/**
 * @param {Given} given
 * @param {Given} before
 */
function isAfter(given, before) {
  if (given.sequenceNumber === before.sequenceNumber)
    return given.subSequenceNumber > before.subSequenceNumber
  return BigInt(given.sequenceNumber) > BigInt(before.sequenceNumber)
}
