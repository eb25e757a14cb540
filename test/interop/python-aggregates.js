// Aggregates of ours taken apart by the Kinesis aggregation library for Python, and the other way round.
// Usage: node python-aggregates.js
import { randomBytes } from 'node:crypto'
import { deaggregate } from 'sealstream/consumer'
import { AggregatedRecordBuilder } from 'sealstream/producer'
import { converse } from './conversation.js'
import { requirePython, startPython } from './python-environment.js'

/**
 * A user record as the judge writes it, too: partition key, explicit hash key or null, data in base64.
 * @typedef {readonly [partitionKey: string, explicitHashKey: string | null, data: string]} UserRecord
 */

const aggregateCount = 200
const maxRecordsPerAggregate = 500
/** What the Python library holds an aggregate to. */
const maxAggregateBytes = 1024 * 1024
/** On both sides of where a length takes another byte, the last two for few records. */
const sizes = [0, 1, 127, 128, 1_000, 16_384, 100_000]

requirePython()
/** @type {string[]} */
const faults = []
let userRecords = 0
let oursTakenApart = 0
let theirsTakenApart = 0
let sameBytes = 0
const judge = converse(startPython('aggregates.py', {}))
try {
  for (let n = 0; n < aggregateCount; n += 1) {
    // The library gives the first explicit hash key to a record without one, so that an aggregate has them or has none.
    const records = userRecordsOf(n, n % 2 === 0 ? 'all' : 'none')
    userRecords += records.length
    const ours = aggregate(records)
    if (same(await ask({ takeApart: ours.toString('base64') }), records)) oursTakenApart += 1
    else faults.push(`ours ${n}: ${records.length} user records came out as others`)

    const theirRecords = n % 4 === 0 ? userRecordsOf(n, 'some') : records
    const theirs = Buffer.from(/** @type {string} */ (await ask({ aggregate: theirRecords })), 'base64')
    if (same(takeApart(theirs), theirRecords)) theirsTakenApart += 1
    else faults.push(`theirs ${n}: ${theirRecords.length} user records came out as others`)
    if (theirs.equals(aggregate(theirRecords))) sameBytes += 1
    else faults.push(`${n}: ours and theirs have other bytes`)
  }
} finally {
  judge.end()
}
for (const fault of faults.slice(0, 10)) console.error(`FAULT: ${fault}`)
console.log(
  JSON.stringify({
    aggregates: aggregateCount,
    userRecords,
    oursTakenApart,
    theirsTakenApart,
    sameBytes,
    faults: faults.length
  })
)
process.exitCode = faults.length === 0 ? 0 : 1

/**
 * 1 to 500 records with keys that come again and keys that do not, some beyond ASCII.
 * @param {number} n
 * @param {'all' | 'some' | 'none'} withExplicitHashKey
 * @returns {UserRecord[]}
 */
function userRecordsOf(n, withExplicitHashKey) {
  const count = n === 1 ? maxRecordsPerAggregate : 1 + ((n * 37) % maxRecordsPerAggregate)
  const usable = count > 8 ? sizes.slice(0, -2) : sizes
  return Array.from({ length: count }, (_, index) => {
    const partitionKey = index % 3 === 0 ? `größe-${n % 7}` : `order-${n}-${index}`
    const has = withExplicitHashKey === 'all' || (withExplicitHashKey === 'some' && index % 2 === 0)
    const explicitHashKey = index % 5 === 0 ? 2n ** 128n - 1n : BigInt(index) ** BigInt(n % 13)
    const data = randomBytes(usable[(n + index) % usable.length] ?? 0)
    return [partitionKey, has ? explicitHashKey.toString() : null, data.toString('base64')]
  })
}

/** @param {readonly UserRecord[]} records */
function aggregate(records) {
  const builder = new AggregatedRecordBuilder()
  for (const [partitionKey, explicitHashKey, data] of records) {
    builder.add(partitionKey, explicitHashKey ?? undefined, Buffer.from(data, 'base64'))
  }
  if (builder.size > maxAggregateBytes) throw new Error(`${builder.size} bytes are too many for the judge`)
  return builder.encode()
}

/**
 * @param {Buffer} bytes
 * @returns {UserRecord[]}
 */
function takeApart(bytes) {
  return deaggregate({ Data: bytes, PartitionKey: 'a', SequenceNumber: '1' }).map(
    ({ partitionKey = '', explicitHashKey = null, data }) => [
      partitionKey,
      explicitHashKey,
      Buffer.from(data).toString('base64')
    ]
  )
}

/** @param {object} order */
async function ask(order) {
  return JSON.parse(await judge.ask(JSON.stringify(order)))
}

/**
 * @param {unknown} left
 * @param {unknown} right
 */
function same(left, right) {
  return JSON.stringify(left) === JSON.stringify(right)
}
