// How often a worker writes to its lease table, beside what the KCL writes with the same settings.
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'sealstream/consumer'
import { CountingLeaseTable } from './lease-table.js'
import { loopbackStream } from './loopback-kinesis.js'
import { rounded } from './report.js'

const shardCount = 16
/** The defaults, ours and the KCL's. */
const failoverTimeMs = 10_000
const idleTimeBetweenReadsMs = 1_000
/** What the KCL renews a lease at: a third of the failover time less its margin. */
const kclRenewalMs = failoverTimeMs / 3 - 25
/** Whole renewals, so that it does not matter when the count begins. */
const countedRenewals = 3
const settleMs = 2_000

/**
 * Of workers whose streams are empty, and have records for every read, at the same time.
 * @param {Awaited<ReturnType<typeof import('./loopback-kinesis.js').startLoopbackKinesis>>} kinesis
 * @param {Pick<import('./loopback-shards.js').Filling, 'key' | 'kinesisRecordBytes'>} filling
 */
export async function leaseWrites(kinesis, filling) {
  const busyStream = loopbackStream(shardCount, 'busy')
  await kinesis.fill({
    ...filling,
    streamName: busyStream,
    userRecordBytes: 1_024,
    kinesisRecordsPerShard: 1,
    seal: 'none'
  })
  const [idle, busy] = await Promise.all(
    [loopbackStream(shardCount, 'idle'), busyStream].map(streamName =>
      writesOf(streamName, kinesis.clientConfig)
    )
  )
  return { shards: shardCount, failoverTimeMs, idleTimeBetweenReadsMs, perLeaseAndSecond: { idle, busy } }
}

/**
 * @param {string} streamName
 * @param {import('@aws-sdk/client-kinesis').KinesisClientConfig} clientConfig
 */
async function writesOf(streamName, clientConfig) {
  const table = new CountingLeaseTable()
  let batches = 0
  const worker = new Worker({
    applicationName: 'bench',
    streamName,
    initialPosition: 'TRIM_HORIZON',
    kinesis: { clientConfig },
    leaseTable: table,
    failoverTimeMs,
    idleTimeBetweenReadsMs,
    maxRecordsPerRead: 1,
    eachBatch: () => {
      batches += 1
    }
  })
  const running = worker.run()
  try {
    await Promise.race([sleep(settleMs), running])
    if (worker.stats.leasesHeld !== shardCount) throw new Error(`holds ${worker.stats.leasesHeld} leases`)
    const before = { writes: table.writes, batches, ms: performance.now() }
    await Promise.race([sleep(countedRenewals * kclRenewalMs), running])
    const leaseSeconds = (shardCount * (performance.now() - before.ms)) / 1_000
    // The KCL renews by its clock alone, whatever else it has written, and writes a checkpoint for each batch.
    const kclCheckpoints = (batches - before.batches) / leaseSeconds
    return {
      ours: rounded((table.writes - before.writes) / leaseSeconds, 3),
      kcl: rounded(1_000 / kclRenewalMs + kclCheckpoints, 3),
      batches: rounded(kclCheckpoints, 3)
    }
  } finally {
    await worker.shutdown()
    await running
  }
}
