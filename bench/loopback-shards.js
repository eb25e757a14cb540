// Shards of the loopback service that can be read: each holds a few pre-built Kinesis records, which it serves again and
// again as one shard without an end, under sequence numbers that rise.
import { randomBytes } from 'node:crypto'
import { rawAesKeyring } from 'sealstream/crypto'
import { AggregatedRecordBuilder } from 'sealstream/producer'
import { sequenceNumber, shardCountOf, shardOf } from './loopback-shard-map.js'

/**
 * @typedef {ReturnType<import('sealstream/crypto').Keyring['createSealer']>} RecordSealer
 *
 * @typedef {object} Filling What lies in the shards of a stream.
 * @property {string} streamName
 * @property {number} userRecordBytes
 * @property {number} kinesisRecordBytes at most
 * @property {number} kinesisRecordsPerShard different ones
 * @property {'none' | 'aggregate' | 'record'} seal
 * @property {string} key in hexadecimal
 *
 * @typedef {{ readonly json: Buffer, readonly userRecords: number }} ServedRecord its JSON from behind the sequence
 *   number to the end
 *
 * @typedef {object} GetRecordsRequest
 * @property {string} ShardIterator
 * @property {number} Limit
 */

/** A reader that is this far behind does not wait for what comes in. */
const millisBehindLatest = 3_600_000
const arrivalSeconds = 1_800_000_000

/** @type {Map<string, readonly (readonly ServedRecord[])[]>} */
const streams = new Map()

/**
 * @param {Filling} filling
 * @returns {Promise<number>} user records in each Kinesis record on average
 */
export async function fillStream(filling) {
  const { streamName, key, kinesisRecordsPerShard } = filling
  const shardCount = shardCountOf(streamName)
  const nextKey = partitionKeys(shardCount)
  const sealer = benchKeyring(key).createSealer({ streamName })
  // Before a data key was had, the overhead of sealing is only estimated.
  await sealer.seal(new Uint8Array())
  /** @type {ServedRecord[][]} */
  const shards = []
  for (let shard = 0; shard < shardCount; shard += 1) {
    const records = []
    for (let made = 0; made < kinesisRecordsPerShard; made += 1) {
      records.push(await aRecord(() => nextKey(shard), filling, sealer))
    }
    shards.push(records)
  }
  sealer.close()
  streams.set(streamName, shards)
  const userRecords = shards.flat().reduce((sum, record) => sum + record.userRecords, 0)
  return userRecords / (shardCount * kinesisRecordsPerShard)
}

/** @param {string} key in hexadecimal, so that it travels between the processes of a bench */
export function benchKeyring(key) {
  return rawAesKeyring({ namespace: 'bench', name: 'key-1', key: Buffer.from(key, 'hex') })
}

/** A stream that was not filled is empty. */
export function getShardIterator(
  /** @type {{ readonly StreamName: string, readonly ShardId: string }} */ { StreamName, ShardId }
) {
  return { ShardIterator: `${StreamName}/${Number(ShardId.replace('shardId-', ''))}/0` }
}

/**
 * @param {GetRecordsRequest} request
 * @returns {readonly Buffer[]} the pieces of the answer's JSON
 */
export function getRecords({ ShardIterator, Limit }) {
  const [streamName = '', shard = '', from = ''] = ShardIterator.split('/')
  const run = streams.get(streamName)?.[Number(shard)] ?? []
  const count = run.length === 0 ? 0 : Limit
  const next = Number(from) + count
  const behind = count === 0 ? 0 : millisBehindLatest
  const pieces = [
    Buffer.from(
      `{"MillisBehindLatest":${behind},"NextShardIterator":"${streamName}/${shard}/${next}","Records":[`
    )
  ]
  for (let number = Number(from); number < next; number += 1) {
    const comma = number === Number(from) ? '' : ','
    pieces.push(Buffer.from(`${comma}{"SequenceNumber":"${sequenceNumber(number + 1)}"`))
    pieces.push(/** @type {ServedRecord} */ (run[number % run.length]).json)
  }
  pieces.push(Buffer.from(']}'))
  return pieces
}

/**
 * As many user records as fit, each with a partition key of its own.
 * @param {() => string} nextKey
 * @param {Filling} filling
 * @param {RecordSealer} sealer
 * @returns {Promise<ServedRecord>}
 */
async function aRecord(nextKey, { userRecordBytes, kinesisRecordBytes, seal }, sealer) {
  const builder = new AggregatedRecordBuilder()
  const overhead = seal === 'aggregate' ? sealer.overheadBytes(kinesisRecordBytes) : 0
  for (;;) {
    const partitionKey = nextKey()
    const plain = randomBytes(userRecordBytes)
    const data = seal === 'record' ? await sealer.seal(plain) : plain
    if (builder.sizeWith(partitionKey, undefined, data) + overhead > kinesisRecordBytes) break
    builder.add(partitionKey, undefined, data)
  }
  const aggregate = builder.encode()
  const data = Buffer.from(seal === 'aggregate' ? await sealer.seal(aggregate) : aggregate)
  const json = Buffer.from(
    `,"ApproximateArrivalTimestamp":${arrivalSeconds},"PartitionKey":"a","Data":"${data.toString('base64')}"}`
  )
  return { json, userRecords: builder.count }
}

/**
 * @param {number} shardCount
 * @returns {(shard: number) => string} gives another key of the shard with every call
 */
function partitionKeys(shardCount) {
  /** @type {string[][]} keys that were met while those of another shard were wanted */
  const met = Array.from({ length: shardCount }, () => [])
  let made = 0
  return shard => {
    for (;;) {
      const kept = met[shard]?.pop()
      if (kept !== undefined) return kept
      const partitionKey = `customer-${made}`
      made += 1
      met[shardOf({ partitionKey }, shardCount)]?.push(partitionKey)
    }
  }
}
