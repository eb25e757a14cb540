// How long the records of a worker wait that is stopped, or killed, until another one goes on with them.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateStreamCommand, KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { startLocal } from 'sealstream/local'
import { spreadOf } from './measure.js'
import { rounded } from './report.js'

const shardCount = 4
/** Shards of each of the two workers. */
const share = shardCount / 2
/** The defaults. */
const failoverTimeMs = 10_000
const idleTimeBetweenReadsMs = 1_000
/** Time between two records of a shard. */
const putEveryMs = 50
const shardWidth = 2n ** 128n / BigInt(shardCount)
const patienceMs = 90_000

/**
 * Two workers share a stream, one gets the signal, and a new one takes its place for the next run: milliseconds from
 * the signal until the other has processed a record of each of its shards.
 * @param {number} runs
 */
export async function handoverTimes(runs) {
  const engines = await startLocal()
  try {
    const [sigterm, sigkill] = await Promise.all([
      timesAfter('SIGTERM', runs, engines),
      timesAfter('SIGKILL', runs, engines)
    ])
    return {
      runs,
      shards: shardCount,
      failoverTimeMs,
      idleTimeBetweenReadsMs,
      putEveryMs,
      sigtermMs: summaryOf(sigterm),
      sigkillMs: summaryOf(sigkill)
    }
  } finally {
    await engines.close()
  }
}

/** @param {readonly number[]} times */
function summaryOf(times) {
  const { median, p90 } = spreadOf(times)
  return { median: Math.round(median), p90: Math.round(p90), max: rounded(Math.max(...times), 0) }
}

/**
 * @param {'SIGTERM' | 'SIGKILL'} signal
 * @param {number} runs
 * @param {import('sealstream/local').LocalEngines} engines
 */
async function timesAfter(signal, runs, engines) {
  const name = `handover-${signal.toLowerCase()}`
  const kinesis = new KinesisClient(engines.clientConfig('kinesis'))
  const finished = new AbortController()
  /** @type {HandoverProcess[]} */
  const workers = []
  const start = () => {
    const clientConfigs = {
      kinesis: engines.clientConfig('kinesis'),
      dynamodb: engines.clientConfig('dynamodb')
    }
    const settings = { applicationName: name, streamName: name, failoverTimeMs, idleTimeBetweenReadsMs }
    const worker = new HandoverProcess({ ...settings, clientConfigs })
    workers.push(worker)
    return worker
  }
  await kinesis.send(new CreateStreamCommand({ StreamName: name, ShardCount: shardCount }))
  const putting = keepPutting(kinesis, name, finished.signal)
  try {
    const times = []
    let [stays, goes] = [start(), start()]
    for (let run = 0; run < runs; run += 1) {
      await waitFor(`${name}: ${share} shards for each worker`, () => {
        const [own, others] = [stays.recentShards(), goes.recentShards()]
        return own.length === share && others.length === share && own.every(id => !others.includes(id))
      })
      // Anywhere between two renewals.
      await sleep((Math.random() * failoverTimeMs) / 3)
      const shards = goes.recentShards()
      const from = performance.now()
      goes.kill(signal)
      await waitFor(`${name}: the shards of the other`, () =>
        shards.every(id => stays.processedSince(id, from))
      )
      times.push(Math.max(...shards.map(id => stays.firstSince(id, from))) - from)
      await goes.exited
      ;[stays, goes] = [start(), stays]
    }
    return times
  } finally {
    finished.abort()
    for (const worker of workers) worker.kill('SIGKILL')
    await Promise.all([putting, ...workers.map(({ exited }) => exited)])
    kinesis.destroy()
  }
}

/** One of the workers, and when it processed what. */
class HandoverProcess {
  /** @type {Map<string, number[]>} shard -> times of its batches */
  #batches = new Map()

  /** @param {object} settings */
  constructor(settings) {
    const child = fork(new URL('handover-process.js', import.meta.url), [JSON.stringify(settings)], {
      execArgv: []
    })
    this.exited = once(child, 'exit')
    /** @param {NodeJS.Signals} signal */
    this.kill = signal => child.kill(signal)
    child.on('message', shardId => {
      const times = this.#batches.get(String(shardId))
      if (times === undefined) this.#batches.set(String(shardId), [performance.now()])
      else times.push(performance.now())
    })
  }

  /** Shards of which it processed something within the last reads. */
  recentShards() {
    const since = performance.now() - 2.5 * idleTimeBetweenReadsMs
    return [...this.#batches.keys()].filter(id => this.processedSince(id, since))
  }

  /**
   * @param {string} shardId
   * @param {number} since
   */
  processedSince(shardId, since) {
    return Number.isFinite(this.firstSince(shardId, since))
  }

  /**
   * @param {string} shardId
   * @param {number} since
   */
  firstSince(shardId, since) {
    return this.#batches.get(shardId)?.find(at => at >= since) ?? Number.POSITIVE_INFINITY
  }
}

/**
 * @param {KinesisClient} kinesis
 * @param {string} streamName
 * @param {AbortSignal} signal
 */
async function keepPutting(kinesis, streamName, signal) {
  const Records = Array.from({ length: shardCount }, (_, shard) => ({
    PartitionKey: 'a',
    ExplicitHashKey: String(BigInt(shard) * shardWidth),
    Data: new Uint8Array(8)
  }))
  while (!signal.aborted) {
    await kinesis.send(new PutRecordsCommand({ StreamName: streamName, Records }))
    await sleep(putEveryMs, undefined, { signal }).catch(() => {})
  }
}

/**
 * @param {string} what
 * @param {() => boolean} isTrue
 */
async function waitFor(what, isTrue) {
  const untilMs = performance.now() + patienceMs
  while (!isTrue()) {
    if (performance.now() > untilMs) throw new Error(`waited in vain for ${what}`)
    await sleep(20)
  }
}
