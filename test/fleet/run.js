// `npm run test:fleet`: worker processes that are killed, paused and stopped while a stream of 100,000 sealed records is
// split and merged. On the embedded engines, or, unchanged, at the address in SEALSTREAM_ENDPOINT.
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  SplitShardCommand
} from '@aws-sdk/client-kinesis'
import { clientConfigOf, createPipeline, embeddedEngine, endpointEngine } from 'sealstream'
import { startLocal } from 'sealstream/local'

const recordCount = 100_000
const durationMs = 60_000
const failoverTimeMs = 4_000
const drainTimeoutMs = 90_000
/** Longest wait for a worker to be inside of an aggregate before it is harmed. */
const insideTimeoutMs = 5_000
/** Renewal takes place every third of the failover time; the rest is for a busy machine. */
const noticeMs = failoverTimeMs / 3 + 1_000
/** Seconds after the start: what happens to the fleet and to the stream. */
const script = /** @type {const} */ ([
  [8, 'split'],
  [14, 'kill w1'],
  [15, 'start w4'],
  [26, 'pause w2'],
  [38, 'resume w2'],
  [44, 'merge'],
  [50, 'stop w3'],
  [51, 'start w5']
])

/**
 * @typedef {{ readonly workerId: string, readonly at: number, readonly type: string, readonly shardId?: string,
 *   readonly leaseKey?: string, readonly sequenceNumber?: string, readonly subSequenceNumber?: number,
 *   readonly records?: readonly [string, string, number][] }} Entry
 */

// For the people who build the package, not for its tests; the workers inherit it.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
const folder = mkdtempSync(join(tmpdir(), 'sealstream-fleet-'))
const endpoint = process.env.SEALSTREAM_ENDPOINT
const local = endpoint === undefined ? await startLocal({ outputFolder: join(folder, 'engines') }) : undefined
const engine = local === undefined ? endpointEngine(endpoint ?? '') : embeddedEngine(local)
const pipeline = createPipeline(
  {
    name: `fleet-${randomUUID().slice(0, 8)}`,
    stream: { shards: 4 },
    consumer: { failoverTimeMs, idleTimeBetweenReadsMs: 250 },
    producer: { rateLimitPercent: 1_000_000 }
  },
  { engine }
)
const kinesis = new KinesisClient(clientConfigOf(engine, 'kinesis'))
/** @type {Map<string, import('node:child_process').ChildProcess>} */
const workers = new Map()
/** @type {Map<string, 'killed' | 'paused'>} */
const harmed = new Map()

try {
  process.exitCode = await main()
} finally {
  for (const child of workers.values()) if (child.exitCode === null) child.kill('SIGKILL')
  kinesis.destroy()
  pipeline.close()
  await local?.close()
  rmSync(folder, { recursive: true, force: true })
}

/** @returns {Promise<number>} exit code */
async function main() {
  console.log(
    `fleet on ${endpoint ?? 'the embedded engines'}: ${recordCount} records in ${durationMs / 1000} s`
  )
  await pipeline.provision()
  for (const workerId of ['w1', 'w2', 'w3']) start(workerId)
  const started = Date.now()
  const happening = play(started)
  const ids = await putAll(started)
  await happening
  const entries = await drain(ids)
  const findings = judge(ids, entries)
  await stopAll()
  for (const finding of findings.faults) console.error(`FAULT: ${finding}`)
  console.log(JSON.stringify(findings))
  return findings.faults.length === 0 ? 0 : 1
}

/** @param {string} workerId */
function start(workerId) {
  const clientConfigs = Object.fromEntries(
    /** @type {const} */ (['kinesis', 'dynamodb', 'kms']).map(service => [
      service,
      clientConfigOf(engine, service)
    ])
  )
  const settings = { workerId, plan: pipeline.plan, clientConfigs, log: logOf(workerId) }
  const child = fork(join(import.meta.dirname, 'worker.js'), [JSON.stringify(settings)])
  // Without a listener what it tells would be kept, and come late when somebody listens.
  child.on('message', () => {})
  workers.set(workerId, child)
}

/** @param {number} started */
async function play(started) {
  for (const [second, step] of script) {
    await sleep(Math.max(0, started + second * 1_000 - Date.now()))
    console.log(`${String(second).padStart(3)} s  ${step}`)
    const [verb, workerId = ''] = step.split(' ')
    const child = workers.get(workerId)
    if (verb === 'split') await split()
    else if (verb === 'merge') await merge()
    else if (verb === 'start') start(workerId)
    else if (verb === 'kill') {
      await isInside(child)
      harmed.set(workerId, 'killed')
      child?.kill('SIGKILL')
    } else if (verb === 'pause') {
      await isInside(child)
      harmed.set(workerId, 'paused')
      child?.kill('SIGSTOP')
    } else if (verb === 'resume') child?.kill('SIGCONT')
    else child?.kill('SIGTERM')
  }
}

/**
 * Resolves when the worker begins something whose last checkpoint lies inside of an aggregate: by chance alone a
 * harm seldom falls there on a quick machine.
 * @param {import('node:child_process').ChildProcess | undefined} child
 */
async function isInside(child) {
  if (child !== undefined) await Promise.race([once(child, 'message'), sleep(insideTimeoutMs)])
}

/**
 * Puts all records at an even pace.
 * @param {number} started
 */
async function putAll(started) {
  const producer = pipeline.createProducer({ maxBufferedMs: 100 })
  /** @type {Promise<unknown>[]} */
  const puts = []
  const ids = Array.from({ length: recordCount }, (_, index) => `r${index}`)
  for (let put = 0; put < recordCount; ) {
    const due = Math.min(recordCount, Math.ceil(((Date.now() - started) / durationMs) * recordCount))
    for (; put < due; put += 1) {
      const id = ids[put] ?? ''
      puts.push(producer.put({ partitionKey: `key-${put % 500}`, data: Buffer.from(id) }))
    }
    await sleep(20)
  }
  await Promise.all(puts)
  await producer.close()
  return ids
}

async function openShards() {
  const { Shards: shards = [] } = await kinesis.send(
    new ListShardsCommand({ StreamName: pipeline.plan.stream.name })
  )
  return shards
    .filter(({ SequenceNumberRange: range }) => range?.EndingSequenceNumber === undefined)
    .map(({ ShardId, HashKeyRange: range }) => ({
      ShardId,
      start: BigInt(range?.StartingHashKey ?? 0),
      end: BigInt(range?.EndingHashKey ?? 0)
    }))
    .sort((a, b) => (a.start < b.start ? -1 : 1))
}

async function split() {
  const [first] = await openShards()
  if (first === undefined) throw new Error('no open shard')
  await kinesis.send(
    new SplitShardCommand({
      StreamName: pipeline.plan.stream.name,
      ShardToSplit: first.ShardId,
      NewStartingHashKey: String((first.start + first.end) / 2n)
    })
  )
}

async function merge() {
  const [left, right] = await openShards()
  await kinesis.send(
    new MergeShardsCommand({
      StreamName: pipeline.plan.stream.name,
      ShardToMerge: left?.ShardId,
      AdjacentShardToMerge: right?.ShardId
    })
  )
}

/**
 * Waits until every record was processed, or time is up; then reads the logs.
 * @param {readonly string[]} ids
 */
async function drain(ids) {
  const deadline = Date.now() + drainTimeoutMs
  for (;;) {
    const entries = readLogs()
    const seen = new Set(entries.flatMap(({ records = [] }) => records.map(([id]) => id)))
    if (ids.every(id => seen.has(id)) || Date.now() > deadline) return entries
    await sleep(1_000)
  }
}

async function stopAll() {
  for (const child of workers.values()) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGTERM')
    await Promise.race([ended, sleep(20_000)])
  }
}

/** @param {string} workerId */
function logOf(workerId) {
  return join(folder, `${workerId}.log`)
}

/** @returns {Entry[]} in the order of time */
function readLogs() {
  const entries = [...workers.keys()].flatMap(workerId => {
    if (!existsSync(logOf(workerId))) return []
    const lines = readFileSync(logOf(workerId), 'utf8').split('\n')
    // The last line of a killed worker may be cut off.
    return lines.slice(0, -1).map(line => ({ workerId, ...JSON.parse(line) }))
  })
  return entries.sort((a, b) => a.at - b.at)
}

/**
 * @param {readonly string[]} ids
 * @param {readonly Entry[]} entries
 */
function judge(ids, entries) {
  /** @type {string[]} */
  const faults = []
  const position = (/** @type {string} */ sequence, /** @type {number} */ sub) =>
    BigInt(sequence) * 1_000_000n + BigInt(sub)
  /** @type {Map<string, { workerId: string, times: number }>} */
  const first = new Map()
  /** @type {Map<string, bigint>} */
  const reached = new Map()
  /** @type {Map<string, Entry>} */
  const holders = new Map()
  /** @type {Record<string, number>} */
  const duplicates = { killed: 0, paused: 0, 'lease moved': 0 }
  let takeovers = 0
  let midAggregate = 0
  /** @type {Map<string, Entry>} */
  const begun = new Map()
  for (const entry of entries) {
    const { workerId, type, shardId = '' } = entry
    if (type === 'initialize') {
      if (holders.has(shardId)) takeovers += 1
      holders.set(shardId, entry)
      begun.set(shardId, entry)
    }
    if (type !== 'process') continue
    const held = holders.get(shardId)
    // Whose lease is taken learns of it at the next renewal or checkpoint; one that slept past its lease knows at once.
    if (held !== undefined && held.workerId !== workerId && entry.at > held.at + noticeMs) {
      faults.push(`${workerId} processed ${shardId} ${entry.at - held.at} ms after ${held.workerId} took it`)
    }
    const start = begun.get(shardId)
    for (const [id, sequence, sub] of entry.records ?? []) {
      if (start !== undefined) {
        // The first record of a tenure: does it go on inside of the aggregate in which the last one stopped?
        if (start.sequenceNumber === sequence && sub > 0 && sub === (start.subSequenceNumber ?? 0) + 1)
          midAggregate += 1
        begun.delete(shardId)
      }
      const known = first.get(id)
      if (known !== undefined) {
        known.times += 1
        const reason =
          known.workerId === workerId ? 'lease moved' : (harmed.get(known.workerId) ?? 'lease moved')
        duplicates[reason] = (duplicates[reason] ?? 0) + 1
        continue
      }
      first.set(id, { workerId, times: 1 })
      const here = position(sequence, sub)
      if (here < (reached.get(shardId) ?? 0n)) faults.push(`${id} came out of order in ${shardId}`)
      reached.set(shardId, here)
    }
  }
  const lost = ids.filter(id => !first.has(id)).length
  if (lost > 0) faults.push(`${lost} records were never processed`)
  if (first.size > ids.length) faults.push(`${first.size - ids.length} records that nobody put`)
  if (midAggregate === 0) faults.push('no takeover in the middle of an aggregate')
  return {
    put: ids.length,
    processed: first.size,
    lost,
    duplicates,
    takeovers,
    midAggregateTakeovers: midAggregate,
    shards: reached.size,
    workers: workers.size,
    // Ten are enough to see what is wrong.
    faults: faults.slice(0, 10)
  }
}
