// A worker in a process of its own, which stands still between the samples: it then blocks on its standard input, so that
// nothing moves and no CPU is used while another one is measured. Started by consuming.js, which writes how many records
// a sample has, a line for each; the answers are lines, too.
import { readSync, writeSync } from 'node:fs'
import { createHistogram } from 'node:perf_hooks'
import { Worker } from 'sealstream/consumer'
import { CountingLeaseTable } from './lease-table.js'
import { benchKeyring } from './loopback-shards.js'

/** @type {import('./consuming.js').ConsumingSettings} */
const settings = JSON.parse(process.argv[2] ?? '{}')
const { streamName, seal, key, userRecordBytes, userRecordsPerRecord } = settings
const sampleHeapMs = 20
/** Short beside any delay that matters, and what an idle event loop shows. */
const turnMs = 2
/** Nobody takes over from a process that stands still. */
const failoverTimeMs = 300_000

// One for all samples: a sample may be over before the event loop has turned, and then it would show nothing.
const turns = createHistogram()
let stoodStillMs = 0
let isRightSize = true
let peakHeapBytes = 0
let consumed = 0

// Whoever started it is gone. While it stands still, the end of the input tells the same.
process.on('disconnect', () => process.exit())
let wanted = readCommand()
let cpuFrom = process.cpuUsage()

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
    const { user, system } = process.cpuUsage(cpuFrom)
    writeSync(
      1,
      `${JSON.stringify({ consumed, cpuUs: (user + system) / consumed, ...delays(), ...memory(), faults: faults() })}\n`
    )
    wanted = readCommand()
    consumed = 0
    cpuFrom = process.cpuUsage()
  }
})

setInterval(() => {
  const { heapUsed, external } = process.memoryUsage()
  peakHeapBytes = Math.max(peakHeapBytes, heapUsed + external)
}, sampleHeapMs).unref()
let lastTurnMs = performance.now()
setInterval(() => {
  const nowMs = performance.now()
  turns.record(Math.max(1, Math.round((nowMs - lastTurnMs - stoodStillMs) * 1e6)))
  lastTurnMs = nowMs
  stoodStillMs = 0
}, turnMs).unref()
await worker.run()

/** @returns {number} */
function readCommand() {
  const bytes = Buffer.alloc(32)
  const fromMs = performance.now()
  const length = readSync(0, bytes)
  stoodStillMs += performance.now() - fromMs
  if (length === 0) process.exit()
  return Number(bytes.toString('utf8', 0, length))
}

function delays() {
  return { eventLoopP999Ms: turns.percentile(99.9) / 1e6, eventLoopMaxMs: turns.max / 1e6 }
}

function memory() {
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
