// The put path down to the socket: the SDK's client, HTTP/1.1, and a service in another process that answers at once.
import { randomBytes } from 'node:crypto'
import { rawAesKeyring } from 'sealstream/crypto'
import { startLoopbackKinesis } from './loopback-kinesis.js'
import { evenRecords, Putter, shuffled, someRecords } from './putting.js'
import { rounded } from './report.js'

export { soak } from './producer-soak.js'

const kibibyte = 1_024
/** Size of a user record -> records of one sample: some megabytes of requests, and a second or more. */
const samples = new Map([
  [100, 200_000],
  [kibibyte, 80_000]
])
const shardCounts = [1, 16, 256]
/** The same for one shard: the producer keeps to its rate, so that a second holds no more. */
const samplesOfOneShard = new Map([
  [100, 12_000],
  [kibibyte, 2_000]
])
const partitionKeyCount = 10_000

const fewShards = 16
const manyShards = 4_096
const recordsPerAggregate = 16
/** Aggregates that every one of the many shards gets in a sample. */
const aggregatesPerShard = 3
/** Room for a half-filled aggregate of each of the many shards, and as much again on its way. */
const growthBufferedBytes = 256 * 1_048_576
/** Nothing leaves because of its age. */
const growthBufferedMs = 20_000

/**
 * @typedef {import('./measure.js').BenchGroup} BenchGroup
 * @typedef {import('./measure.js').Measured} Measured
 */

/** @returns {Promise<import('./measure.js').Bench>} */
export async function prepare() {
  const kinesis = await startLoopbackKinesis()
  const keyring = rawAesKeyring({ namespace: 'bench', name: 'key-1', key: randomBytes(32) })
  const seals = { none: {}, aggregate: { seal: { keyring, mode: /** @type {const} */ ('aggregate') } } }
  /** @type {Putter[]} of the group whose turn it is */
  const putters = []

  const closePutters = async () => {
    for (const putter of putters.splice(0)) await putter.close()
  }

  /** @returns {Promise<BenchGroup>} */
  const rowsGroup = async (/** @type {number} */ bytes, /** @type {number} */ shards) => {
    await closePutters()
    const records = shuffled(someRecords(partitionKeyCount, [bytes]))
    const cases = Object.entries(seals).map(([name, options]) => {
      const putter = new Putter(kinesis.clientConfig, shards, records, options)
      putters.push(putter)
      return { name, run: (/** @type {number} */ count) => putter.put(count) }
    })
    return {
      name: `put ${bytes} B, shards ${shards}`,
      unit: 'records',
      baseline: 'none',
      iterations: (shards === 1 ? samplesOfOneShard : samples).get(bytes) ?? 0,
      watchProcess: true,
      cases,
      row: { bytes, shards }
    }
  }

  /** @returns {Promise<BenchGroup>} */
  const growthGroup = async (/** @type {number} */ growthBytes) => {
    await closePutters()
    const even = evenRecords(manyShards, recordsPerAggregate, growthBytes)
    const records = shuffled(Array.from({ length: aggregatesPerShard }, () => even).flat())
    const cases = [fewShards, manyShards].map(shards => {
      const putter = new Putter(kinesis.clientConfig, shards, records, {
        maxRecordsPerAggregate: recordsPerAggregate,
        maxBufferedBytes: growthBufferedBytes,
        maxBufferedMs: growthBufferedMs
      })
      putters.push(putter)
      return { name: `${shards} shards`, run: (/** @type {number} */ count) => puttingEvenly(putter, count) }
    })
    return {
      name: `put ${growthBytes} B, growth with the shards`,
      unit: 'records',
      baseline: `${fewShards} shards`,
      iterations: records.length,
      watchProcess: true,
      cases,
      row: { growthBytes }
    }
  }

  return {
    notes: [
      'SDK client over HTTP/1.1 to a service in a process of its own that answers at once; CPU is that of the producer',
      `rows: default options, ${partitionKeyCount} partition keys, no more put than the buffer takes, a turn of the event loop at times`,
      `growth: the same records in the same order into ${fewShards} and ${manyShards} shards, every aggregate of ` +
        `${recordsPerAggregate} records on either side, the same buffer, not sealed; the many shards hold more records at a time`,
      'event loop: milliseconds between two turns as a timer sees them, the wait of the timer included; median of the samples',
      'every record acknowledged, in the shard that was predicted, at the first attempt'
    ],
    groups: [
      ...[...samples.keys()].flatMap(bytes => shardCounts.map(shards => () => rowsGroup(bytes, shards))),
      ...[...samples.keys()].map(bytes => () => growthGroup(bytes))
    ],
    rowOf: (group, result) => rowsOf(group, result, putters),
    summary,
    async finish() {
      await closePutters()
      await kinesis.close()
    }
  }
}

/**
 * A whole round of the records fills every aggregate, and only then are the few and the many shards alike.
 * @param {Putter} putter
 * @param {number} count
 */
async function puttingEvenly(putter, count) {
  const before = putter.producer.stats.kinesisRecords
  await putter.put(count)
  const aggregates = putter.producer.stats.kinesisRecords - before
  const isWhole = count === aggregatesPerShard * recordsPerAggregate * manyShards
  if (isWhole && aggregates * recordsPerAggregate !== count) {
    throw new Error(`${count} records in ${aggregates} aggregates, expected ${recordsPerAggregate} in each`)
  }
}

/**
 * @param {BenchGroup} group
 * @param {import('./measure.js').GroupResult} result
 * @param {readonly Putter[]} putters of the group, in the order of its cases
 */
function rowsOf({ row }, { cases }, putters) {
  if (row === undefined || 'growthBytes' in row) return []
  return cases.map(({ name, opsPerSecond, process }, index) => {
    const { acknowledged = 0, kinesisRecords = 0 } = putters[index]?.producer.stats ?? {}
    return {
      bytes: row.bytes,
      seal: name,
      shards: row.shards,
      recordsPerSecond: Math.round(opsPerSecond.median),
      // Microseconds for one are seconds for a million.
      cpuSecondsPerMillion: rounded(process?.cpuUs.median, 3),
      eventLoopP999Ms: rounded(process?.eventLoopP999Ms.median, 1),
      eventLoopMaxMs: rounded(process?.eventLoopMaxMs, 1),
      recordsPerAggregate: rounded(acknowledged / kinesisRecords, 1)
    }
  })
}

/** @param {readonly Measured[]} measured */
function summary(measured) {
  return {
    ratios: {
      sealedToPlainCpu1KiB: measured
        .filter(({ group }) => group.row?.bytes === kibibyte)
        .map(({ group, result }) => ({
          shards: group.row?.shards,
          ratio: rounded(cpuRatioOf(result, 'aggregate'), 3)
        })),
      // Of the smaller records: the shards weigh least on a large one.
      growth4096to16: growthAt(measured, Math.min(...samples.keys())),
      growth4096to16At1KiB: growthAt(measured, kibibyte)
    }
  }
}

/**
 * @param {readonly Measured[]} measured
 * @param {number} bytes
 */
function growthAt(measured, bytes) {
  const found = measured.find(({ group }) => group.row?.growthBytes === bytes)
  return rounded(found && cpuRatioOf(found.result, `${manyShards} shards`), 3)
}

/**
 * @param {import('./measure.js').GroupResult} result
 * @param {string} name
 */
function cpuRatioOf({ cases }, name) {
  return cases.find(found => found.name === name)?.process?.cpuRatio.median
}
