// A worker in a process of its own, which stands still between the samples: it then blocks on its standard input, so that
// nothing moves and no CPU is used while another one is measured. Started by consuming.js, which writes how many records
// a sample has, a line for each; the answers are lines, too.
import { readSync, writeSync } from 'node:fs'
import { Worker } from 'sealstream/consumer'
import { CountingLeaseTable } from './lease-table.js'
import { benchKeyring } from './loopback-shards.js'
import { watchProcess } from './measure.js'

/** @type {import('./consuming.js').ConsumingSettings} */
const settings = JSON.parse(process.argv[2] ?? '{}')
const { streamName, seal, key, userRecordBytes, userRecordsPerRecord } = settings
const sampleHeapMs = 20
/** Nobody takes over from a process that stands still. */
const failoverTimeMs = 300_000

// Whoever started it is gone. While it stands still, the end of the input tells the same.
process.on('disconnect', () => process.exit())
let wanted = readCommand()
let consumed = 0
let isRightSize = true
let peakHeapBytes = 0
let stopWatching = watchProcess()

const worker = new Worker({
  applicationName: 'bench',
  streamName,
  initialPosition: 'TRIM_HORIZON',
  kinesis: { clientConfig: settings.clientConfig },
  leaseTable: new CountingLeaseTable(),
  failoverTimeMs,
  idleTimeBetweenReadsMs: 200,
  maxRecordsPerRead: settings.maxRecordsPerRead,
  ...(seal === 'none' ? {} : { open: { keyring: benchKeyring(key) } }),
  eachBatch(records) {
    consumed += records.length
    isRightSize &&= records[0]?.data.length === userRecordBytes
    if (consumed < wanted) return
    const use = stopWatching(consumed)
    writeSync(1, `${JSON.stringify({ consumed, ...use, ...memoryUse(), faults: faults() })}\n`)
    wanted = readCommand()
    consumed = 0
    stopWatching = watchProcess()
  }
})

setInterval(() => {
  const { heapUsed, external } = process.memoryUsage()
  peakHeapBytes = Math.max(peakHeapBytes, heapUsed + external)
}, sampleHeapMs).unref()
await worker.run()

/** @returns {number} */
function readCommand() {
  const bytes = Buffer.alloc(32)
  const length = readSync(0, bytes)
  if (length === 0) process.exit()
  return Number(bytes.toString('utf8', 0, length))
}

function memoryUse() {
  return { peakRssBytes: process.resourceUsage().maxRSS * 1_024, peakHeapBytes }
}

/** What would be another path than the one that is measured, in words. */
function faults() {
  const { processed, retries, deadLettered, filtered, outOfRange, kinesisRecordsRead, read } = worker.stats
  const found = { retries, deadLettered, filtered, outOfRange }
  const wrong = Object.entries(found).flatMap(([name, count]) => (count === 0 ? [] : [`${count} ${name}`]))
  // The shards hold aggregates of slightly different sizes.
  const expected = kinesisRecordsRead * userRecordsPerRecord
  if (Math.abs(read / expected - 1) > 0.01) wrong.push(`${read} records of ${Math.round(expected)}`)
  if (!isRightSize) wrong.push('records of another size')
  if (processed > read) wrong.push(`${processed} records processed of ${read} read`)
  return wrong
}
