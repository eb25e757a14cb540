// The whole put path against a stream in memory: what the library itself takes of a core, and what sealing adds.
import { createHash, randomBytes } from 'node:crypto'
import { rawAesKeyring } from 'sealstream/crypto'
import { Producer } from 'sealstream/producer'

const recordCount = 20_000
const recordBytes = 150
const partitionKeyCount = 1_000
const shardCount = 4
const shardWidth = 2n ** 128n / BigInt(shardCount)
const streamName = 'orders'
const baseline = 'no sealing'

export async function prepare() {
  const keyring = rawAesKeyring({ namespace: 'bench', name: 'key-1', key: randomBytes(32) })
  const records = Array.from({ length: recordCount }, (_, index) => ({
    partitionKey: `customer-${index % partitionKeyCount}`,
    data: randomBytes(recordBytes)
  }))
  const producers = [
    { name: baseline, producer: aProducer(undefined) },
    { name: "sealed, mode 'aggregate'", producer: aProducer({ keyring, mode: 'aggregate' }) },
    { name: "sealed, mode 'record'", producer: aProducer({ keyring, mode: 'record' }) }
  ]
  const cases = producers.map(({ name, producer }) => ({ name, run: putting(producer, records) }))
  const notes = [
    `${recordCount} puts of ${recordBytes} bytes at a time, ${partitionKeyCount} partition keys, ${shardCount} shards in memory, all awaited`
  ]
  for (const [index, { name, producer }] of producers.entries()) {
    // Loads the shard map and the data key, which no sample pays for. Before the data key was had, the size of a
    // sealed record is only estimated, so these aggregates are smaller than later ones.
    await cases[index]?.run(recordCount)
    const before = producer.stats
    await cases[index]?.run(recordCount)
    const after = producer.stats
    notes.push(
      `${name}: ${((after.bytesSealed - before.bytesSealed) / recordCount).toFixed(1)} bytes stored for each record, ` +
        `${after.kinesisRecords - before.kinesisRecords} Kinesis records in ` +
        `${after.putRecordsRequests - before.putRecordsRequests} requests`
    )
  }
  return {
    notes,
    groups: [{ name: 'put', unit: 'records', baseline, iterations: recordCount, cases }],
    async finish() {
      for (const { name, producer } of producers) {
        const { handedBack, retries, wrongShard, inFlight } = producer.stats
        // Any of these would be another path than the one that is measured.
        if (handedBack + retries + wrongShard + inFlight > 0) {
          throw new Error(
            `${name}: ${handedBack} handed back, ${retries} retries, ${wrongShard} to a wrong shard, ${inFlight} left`
          )
        }
        await producer.close()
      }
    }
  }
}

/**
 * @param {Producer} producer
 * @param {readonly import('sealstream/producer').UserRecord[]} records
 */
function putting(producer, records) {
  return async (/** @type {number} */ iterations) => {
    const puts = records.slice(0, iterations).map(record => producer.put(record))
    // The last aggregates are not measured waiting for company.
    await producer.flush()
    await Promise.all(puts)
  }
}

/** @param {import('sealstream/producer').SealOptions | undefined} seal */
function aProducer(seal) {
  return new Producer({
    streamName,
    kinesis: memoryStream(),
    // The library's own cost, not the pace of a shard.
    rateLimitPercent: 1_000_000,
    ...(seal === undefined ? {} : { seal })
  })
}

/**
 * A stream that stores nothing and answers at once, with the shard that the hash key falls into.
 * @returns {NonNullable<import('sealstream/producer').ProducerOptions['kinesis']>}
 */
function memoryStream() {
  const $metadata = {}
  const shards = Array.from({ length: shardCount }, (_, index) => ({
    ShardId: `shardId-${String(index).padStart(12, '0')}`,
    HashKeyRange: {
      StartingHashKey: String(BigInt(index) * shardWidth),
      EndingHashKey: String(BigInt(index + 1) * shardWidth - 1n)
    },
    SequenceNumberRange: { StartingSequenceNumber: '0' }
  }))
  let sequenceNumber = 0
  return {
    async listShards() {
      return { $metadata, Shards: shards }
    },
    async putRecords({ Records = [] }) {
      return {
        $metadata,
        FailedRecordCount: 0,
        Records: Records.map(({ PartitionKey, ExplicitHashKey }) => {
          sequenceNumber += 1
          return {
            ShardId: shards[shardOf(PartitionKey, ExplicitHashKey)]?.ShardId,
            SequenceNumber: String(sequenceNumber)
          }
        })
      }
    },
    async describeStreamSummary() {
      return { $metadata, StreamDescriptionSummary: undefined }
    }
  }
}

/**
 * @param {string | undefined} partitionKey
 * @param {string | undefined} explicitHashKey
 */
function shardOf(partitionKey = '', explicitHashKey = undefined) {
  const hashKey = BigInt(explicitHashKey ?? `0x${createHash('md5').update(partitionKey).digest('hex')}`)
  return Number(hashKey / shardWidth)
}
