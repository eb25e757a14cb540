/**
 * @typedef {{ readonly partitionKey: string, readonly explicitHashKey: string, readonly data: Buffer }} Put
 * @typedef {{ readonly isOk: boolean, readonly attempts: number, readonly codes: readonly string[],
 *   readonly shardId: string, readonly sequenceNumber: string }} Answer what the producer told of a put; `codes` are those
 *   of the attempts that failed
 * @typedef {Pick<import('sealstream/consumer').ConsumedRecord, 'shardId' | 'sequenceNumber' | 'subSequenceNumber' |
 *   'partitionKey' | 'explicitHashKey' | 'data'>} Delivery
 * @typedef {{ readonly start: bigint, readonly end: bigint }} HashRange
 */

/**
 * Compares what a producer was given, what it told, and what a consumer had. Data begins with the index of its put, in four
 * bytes.
 * @param {readonly Put[]} puts
 * @param {ReadonlyMap<number, Answer>} answers
 * @param {readonly Delivery[]} deliveries
 * @param {ReadonlyMap<string, HashRange>} ranges of all shards, closed ones too
 */
export function judgePuts(puts, answers, deliveries, ranges) {
  /** @type {string[]} */
  const faults = []
  const kinesisRecords = countBy(deliveries.map(positionOfRecord))
  /** @type {Map<number, Delivery[]>} */
  const found = new Map()
  const positions = new Set()
  let redelivered = 0
  for (const delivery of deliveries) {
    const position = `${positionOfRecord(delivery)}/${delivery.subSequenceNumber}`
    // The consumer's own, not the producer's: none is expected while its one worker keeps its leases.
    if (positions.has(position)) redelivered += 1
    positions.add(position)
    const index = Buffer.from(delivery.data).readUInt32BE()
    const put = puts[index]
    if (put === undefined) faults.push(`a record that nobody put: ${index}`)
    else if (!put.data.equals(delivery.data)) faults.push(`${index} has other bytes`)
    else if (put.partitionKey !== delivery.partitionKey) faults.push(`${index} has another partition key`)
    else if (!hasItsHashKey(put, delivery, kinesisRecords))
      faults.push(`${index} has another explicit hash key`)
    else found.set(index, [...(found.get(index) ?? []), delivery])
  }
  if (redelivered > 0) faults.push(`${redelivered} records were read twice`)

  let missing = 0
  let duplicates = 0
  let strayDuplicates = 0
  for (const [index, put] of puts.entries()) {
    const had = found.get(index) ?? []
    const answer = answers.get(index)
    if (had.length === 0) missing += 1
    duplicates += Math.max(0, had.length - 1)
    strayDuplicates += Math.max(0, had.length - (answer?.attempts ?? 0))
    if (answer?.isOk !== true) faults.push(`${index} was given up: ${answer?.codes.at(-1) ?? 'no answer'}`)
    else if (!had.some(delivery => positionOfRecord(delivery) === positionOfRecord(answer)))
      faults.push(`${index} is not where the producer was told that it is`)
    if (had.length > 0 && !had.some(({ shardId }) => isWithin(put, ranges.get(shardId))))
      faults.push(`${index} is in no shard of its hash key`)
  }
  const alone = deliveries.filter(({ explicitHashKey }) => explicitHashKey === undefined).length
  if (alone === deliveries.length) faults.push('nothing was aggregated')
  // First: only the first ones are told.
  if (missing > 0) faults.unshift(`${missing} records are missing`)
  if (strayDuplicates > 0) faults.unshift(`${strayDuplicates} duplicates that no retry explains`)
  const codes = countBy([...answers.values()].flatMap(answer => answer.codes))
  return {
    put: puts.length,
    read: found.size,
    missing,
    duplicates,
    strayDuplicates,
    alone,
    kinesisRecords: kinesisRecords.size,
    shards: ranges.size,
    retries: [...answers.values()].filter(({ attempts }) => attempts > 1).length,
    wrongShard: codes.get('Wrong Shard') ?? 0,
    // Ten are enough to see what is wrong.
    faults: faults.slice(0, 10)
  }
}

/** @param {Pick<Delivery, 'shardId' | 'sequenceNumber'>} record */
function positionOfRecord({ shardId, sequenceNumber }) {
  return `${shardId}/${sequenceNumber}`
}

/**
 * A user record that was put alone is not wrapped, and Kinesis does not tell its hash key.
 * @param {Put} put
 * @param {Delivery} delivery
 * @param {ReadonlyMap<string, number>} kinesisRecords user records of each
 */
function hasItsHashKey(put, delivery, kinesisRecords) {
  if (delivery.explicitHashKey === undefined) return kinesisRecords.get(positionOfRecord(delivery)) === 1
  return delivery.explicitHashKey === put.explicitHashKey
}

/**
 * @param {Put} put
 * @param {HashRange | undefined} range
 */
function isWithin({ explicitHashKey }, range) {
  const hashKey = BigInt(explicitHashKey)
  return range !== undefined && hashKey >= range.start && hashKey <= range.end
}

/** @param {readonly string[]} names */
function countBy(names) {
  /** @type {Map<string, number>} */
  const counts = new Map()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}
