import { randomBytes } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { rawAesKeyring } from 'sealstream/crypto'
import { startLoopbackKinesis } from './loopback-kinesis.js'
import { Putter, shuffled, someRecords } from './putting.js'
import { rounded } from './report.js'

const shardCount = 16
const recordSizes = [100, 1_024]
const partitionKeyCount = 10_000
const warmUpMs = 5_000
const sampleEveryMs = 100
const eventLoopResolutionMs = 2
/** Parts of the time at which the memory is told, each the median of the tenth of the time that ends there. */
const marks = [0.1, 0.5, 1]
const markWidth = 0.1
const mebibyte = 1_048_576

/** @typedef {{ readonly part: number, readonly rss: number, readonly heapUsed: number }} MemorySample */

/**
 * Puts sealed records of two sizes at full speed for so long.
 * @param {number} seconds
 */
export async function soak(seconds) {
  const kinesis = await startLoopbackKinesis()
  const keyring = rawAesKeyring({ namespace: 'bench', name: 'key-1', key: randomBytes(32) })
  const records = shuffled(someRecords(partitionKeyCount, recordSizes))
  const putter = new Putter(kinesis.clientConfig, shardCount, records, { seal: { keyring } })
  await putFor(putter, warmUpMs)
  await putter.producer.flush()

  const heapUsedBefore = heapUsedAfterCollection()
  const before = putter.producer.stats
  /** @type {MemorySample[]} */
  const samples = []
  const eventLoop = monitorEventLoopDelay({ resolution: eventLoopResolutionMs })
  const startedMs = performance.now()
  const sampling = setInterval(() => {
    const { rss, heapUsed } = process.memoryUsage()
    samples.push({ part: (performance.now() - startedMs) / (seconds * 1_000), rss, heapUsed })
  }, sampleEveryMs)
  eventLoop.enable()
  const cpuFrom = process.cpuUsage()
  await putFor(putter, seconds * 1_000)
  await putter.producer.flush()
  const { user, system } = process.cpuUsage(cpuFrom)
  const elapsedMs = performance.now() - startedMs
  eventLoop.disable()
  clearInterval(sampling)
  const heapUsedAfter = heapUsedAfterCollection()

  await putter.close()
  await kinesis.close()
  const { accepted, acknowledged, handedBack, kinesisRecords } = putter.producer.stats
  const put = accepted - before.accepted
  const { stored, handedBack: rejected } = putter.settled
  return {
    seconds: rounded(elapsedMs / 1_000, 1),
    seal: 'aggregate',
    bytes: recordSizes,
    shards: shardCount,
    records: put,
    recordsPerSecond: Math.round((put / elapsedMs) * 1_000),
    cpuSecondsPerMillion: rounded((user + system) / put, 3),
    recordsPerAggregate: rounded(put / (kinesisRecords - before.kinesisRecords), 1),
    rssMiB: { ...atMarks(samples, 'rss'), max: rounded(process.resourceUsage().maxRSS / 1_024, 1) },
    heapUsedMiB: {
      ...atMarks(samples, 'heapUsed'),
      collectedBefore: rounded(heapUsedBefore / mebibyte, 1),
      collectedAfter: rounded(heapUsedAfter / mebibyte, 1)
    },
    eventLoopMs: {
      p50: rounded(eventLoop.percentile(50) / 1e6, 1),
      p99: rounded(eventLoop.percentile(99) / 1e6, 1),
      p999: rounded(eventLoop.percentile(99.9) / 1e6, 1),
      max: rounded(eventLoop.max / 1e6, 1)
    },
    // The warm-up included: nothing may be lost of all that this producer ever took.
    ledger: {
      accepted,
      acknowledged,
      handedBack,
      isBalanced: accepted === acknowledged + handedBack && stored === acknowledged && rejected === handedBack
    }
  }
}

/**
 * @param {Putter} putter
 * @param {number} ms
 */
function putFor(putter, ms) {
  const untilMs = performance.now() + ms
  return putter.putWhile(() => performance.now() < untilMs)
}

/**
 * @param {readonly MemorySample[]} samples
 * @param {'rss' | 'heapUsed'} name
 */
function atMarks(samples, name) {
  return Object.fromEntries(
    marks.map(mark => {
      const values = samples
        .filter(({ part }) => part > mark - markWidth && part <= mark)
        .map(sample => sample[name])
        .sort((a, b) => a - b)
      return [`at${mark * 100}Percent`, rounded((values[values.length >>> 1] ?? Number.NaN) / mebibyte, 1)]
    })
  )
}

function heapUsedAfterCollection() {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
