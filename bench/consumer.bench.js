// The read path from the socket to the handler: the SDK's client, HTTP/1.1, a service in another process that serves
// records it has made before, opening, de-aggregation, and the checkpoint in a lease table in memory.
import { randomBytes } from 'node:crypto'
import { ConsumingProcess } from './consuming.js'
import { handoverTimes } from './handover.js'
import { leaseWrites } from './lease-writes.js'
import { loopbackStream, startLoopbackKinesis } from './loopback-kinesis.js'
import { rounded } from './report.js'

const userRecordSizes = [100, 1_024]
const seals = /** @type {const} */ (['none', 'aggregate', 'record'])
/** Bytes of a Kinesis record, which is what our producer fills an aggregate up to. */
const kinesisRecordBytes = 51_200
/**
 * Shards -> Kinesis records of one read. A worker reads a shard five times a second: one read is as large as the service
 * allows where there is one shard, and just large enough to keep the worker busy where there are many.
 */
const reads = new Map([
  [1, 200],
  [16, 20],
  [256, 4]
])
/** Kinesis records of one sample: at least two reads. */
const sampleRecords = 400
/** Different Kinesis records of a stream, and of one of its shards at least. */
const differentRecords = { ofStream: 32, ofShard: 2 }
const mebibyte = 1_048_576

/**
 * @typedef {import('./measure.js').BenchGroup} BenchGroup
 */

/**
 * @param {{ readonly handoverRuns: number }} options
 * @returns {Promise<import('./measure.js').Bench>}
 */
export async function prepare({ handoverRuns }) {
  const kinesis = await startLoopbackKinesis()
  const key = randomBytes(32).toString('hex')
  /** @type {ConsumingProcess[]} of the group whose turn it is */
  const processes = []

  const closeProcesses = async () => {
    for (const each of processes.splice(0)) await each.close()
  }

  /** @returns {Promise<BenchGroup>} */
  const rowsGroup = async (/** @type {number} */ bytes, /** @type {number} */ shards) => {
    await closeProcesses()
    const maxRecordsPerRead = reads.get(shards) ?? 1
    const cases = []
    for (const seal of seals) {
      const streamName = loopbackStream(shards, `${bytes}-${seal}`)
      const kinesisRecordsPerShard = Math.max(
        differentRecords.ofShard,
        Math.ceil(differentRecords.ofStream / shards)
      )
      const userRecordsPerRecord = await kinesis.fill({
        streamName,
        userRecordBytes: bytes,
        kinesisRecordBytes,
        kinesisRecordsPerShard,
        seal,
        key
      })
      const { clientConfig } = kinesis
      const consuming = new ConsumingProcess({
        streamName,
        clientConfig,
        seal,
        key,
        maxRecordsPerRead,
        userRecordBytes: bytes,
        userRecordsPerRecord
      })
      processes.push(consuming)
      cases.push({
        name: seal,
        units: userRecordsPerRecord,
        run: async (/** @type {number} */ count) =>
          (await consuming.consume(count * userRecordsPerRecord)) / userRecordsPerRecord,
        watch: () => () => /** @type {import('./consuming.js').ConsumedSample} */ (consuming.last)
      })
    }
    return {
      name: `consume ${bytes} B, shards ${shards}, ${maxRecordsPerRead} Kinesis records a read`,
      unit: 'records',
      baseline: 'none',
      iterations: sampleRecords,
      watchProcess: true,
      cases,
      row: { bytes, shards }
    }
  }

  return {
    notes: [
      'SDK client over HTTP/1.1 to a service in a process of its own that answers at once; leases in memory; a handler that does nothing; CPU is that of the worker, which is alone in its process',
      `Kinesis records of ${kinesisRecordBytes} B at most, every user record with a partition key of its own`,
      'a worker reads a shard five times a second and one read at a time: a single shard may leave it idle between two reads (busy, CPU seconds per second, tells); the service itself would give 2 MB/s of a shard',
      'with more shards a read is smaller, so that the calls weigh more: inHandMiB is what one read of every shard holds',
      'event loop: milliseconds between two turns as a timer sees them, the wait of the timer included; of all samples'
    ],
    groups: userRecordSizes.flatMap(bytes => [...reads.keys()].map(shards => () => rowsGroup(bytes, shards))),
    rowOf: (group, result) => rowsOf(group, result, processes),
    async summary() {
      await closeProcesses()
      // Both wait for timers nearly all of the time.
      const [writes, handover] = await Promise.all([
        leaseWrites(kinesis, { key, kinesisRecordBytes }),
        handoverTimes(handoverRuns)
      ])
      console.log(`  lease writes ${JSON.stringify(writes)}\n  handover ${JSON.stringify(handover)}`)
      return { leaseWrites: writes, handover }
    },
    async finish() {
      await closeProcesses()
      await kinesis.close()
    }
  }
}

/**
 * @param {BenchGroup} group
 * @param {import('./measure.js').GroupResult} result
 * @param {readonly ConsumingProcess[]} processes of the group, in the order of its cases
 */
function rowsOf({ row }, { cases }, processes) {
  const shards = Number(row?.shards)
  return cases.map(({ name, opsPerSecond, process }, index) => {
    const last = processes[index]?.last
    return {
      bytes: row?.bytes,
      seal: name,
      shards,
      recordsPerSecond: Math.round(opsPerSecond.median),
      // Microseconds for one are seconds for a million.
      cpuSecondsPerMillion: rounded(process?.cpuUs.median, 3),
      cpuRatioToNone: rounded(process?.cpuRatio.median, 2),
      busy: rounded(((process?.cpuUs.median ?? Number.NaN) * opsPerSecond.median) / 1e6, 2),
      peakRssMiB: rounded((last?.peakRssBytes ?? Number.NaN) / mebibyte, 0),
      peakHeapMiB: rounded((last?.peakHeapBytes ?? Number.NaN) / mebibyte, 0),
      inHandMiB: rounded((shards * (reads.get(shards) ?? 0) * kinesisRecordBytes) / mebibyte, 0),
      eventLoopP999Ms: rounded(last?.eventLoopP999Ms, 1),
      eventLoopMaxMs: rounded(last?.eventLoopMaxMs, 1)
    }
  })
}
