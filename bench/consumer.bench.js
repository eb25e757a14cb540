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
 * Shards -> Kinesis records of one read, and of one sample: at least two reads. A worker takes at most 2 MiB a second of
 * a shard: where there is one, a read is as large as that; where there are many, it keeps the worker busy.
 */
const reads = new Map([
  [1, { ofRead: 40, ofSample: 80 }],
  [16, { ofRead: 20, ofSample: 400 }],
  [256, { ofRead: 4, ofSample: 400 }]
])
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
    const { ofRead: maxRecordsPerRead = 1, ofSample = 1 } = reads.get(shards) ?? {}
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
      iterations: ofSample,
      watchProcess: true,
      cases,
      row: { bytes, shards }
    }
  }

  return {
    notes: [
      'SDK client over HTTP/1.1 to a service in a process of its own that answers at once; leases in memory; a handler that does nothing; CPU is that of the worker, which is alone in its process',
      `Kinesis records of ${kinesisRecordBytes} B at most, every user record with a partition key of its own`,
      'a worker keeps to the 2 MiB a second of a shard, as the service would: one shard leaves it idle most of the time (busy, CPU seconds per second, tells), and 16 give 32 MiB a second at most',
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
      inHandMiB: rounded((shards * (reads.get(shards)?.ofRead ?? 0) * kinesisRecordBytes) / mebibyte, 0),
      eventLoopP999Ms: rounded(last?.eventLoopP999Ms, 1),
      eventLoopMaxMs: rounded(last?.eventLoopMaxMs, 1)
    }
  })
}
