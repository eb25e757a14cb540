import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { clientConfigOf, createPipeline, embeddedEngine, endpointEngine } from 'sealstream'
import { startLocal } from 'sealstream/local'
import { judge } from './judge.js'
import { LeaseWatch } from './lease-watch.js'
import { mergeFirst, splitFirst } from './reshard.js'

const drainTimeoutMs = 90_000
/** Longest wait for a worker to be inside of an aggregate before it is harmed. */
const insideTimeoutMs = 5_000

/**
 * Starts a worker process. It appends to its log as worker.js does, tells by a message when it is inside of an aggregate,
 * and ends in good order at SIGTERM.
 * @typedef {(worker: { readonly workerId: string, readonly log: string, readonly fleet: Fleet }) =>
 *   import('node:child_process').ChildProcess} Launch
 */

/**
 * @typedef {object} FleetOptions
 * @property {number} recordCount
 * @property {number} durationMs over which the records are put, at an even pace
 * @property {number} failoverTimeMs
 * @property {readonly string[]} workers that are there from the start
 * @property {readonly (readonly [second: number, step: string])[]} script what happens to the fleet and to the stream:
 *   split, merge, and start, kill, pause, resume, stop with a worker; or a name in `steps`
 * @property {Readonly<Record<string, (fleet: Fleet) => Promise<void>>>} [steps] more that can happen
 * @property {Launch} [launch] default: workers of this package
 * @property {import('sealstream').PipelinePlan['sealing']} [sealing]
 * @property {boolean} [foreignWorkers]
 * @property {'kcl2' | 'kcl3'} [leaseProtocol]
 */

/**
 * Worker processes that are killed, paused and stopped while a stream of sealed records is split and merged. On the
 * embedded engines, or, unchanged, at the address in SEALSTREAM_ENDPOINT.
 */
export class Fleet {
  /** @param {FleetOptions} options */
  static async open(options) {
    // For the people who build the package, not for its tests; the workers inherit it.
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
    const folder = mkdtempSync(join(tmpdir(), 'sealstream-fleet-'))
    const endpoint = process.env.SEALSTREAM_ENDPOINT
    const local =
      endpoint === undefined ? await startLocal({ outputFolder: join(folder, 'engines') }) : undefined
    return new Fleet(options, folder, local)
  }

  #options
  #folder
  #local
  #kinesis
  /** @type {LeaseWatch | undefined} */
  #watch
  /** @type {Map<string, import('node:child_process').ChildProcess>} */
  #workers = new Map()
  /** @type {Map<string, 'killed' | 'paused'>} */
  #harmed = new Map()

  /**
   * @param {FleetOptions} options
   * @param {string} folder
   * @param {import('sealstream/local').LocalEngines | undefined} local
   */
  constructor(options, folder, local) {
    this.#options = options
    this.#folder = folder
    this.#local = local
    this.engine =
      local === undefined ? endpointEngine(process.env.SEALSTREAM_ENDPOINT ?? '') : embeddedEngine(local)
    const { failoverTimeMs, sealing = {}, foreignWorkers = false, leaseProtocol = 'kcl2' } = options
    this.pipeline = createPipeline(
      {
        name: `fleet-${randomUUID().slice(0, 8)}`,
        stream: { shards: 4 },
        sealing,
        consumer: { failoverTimeMs, idleTimeBetweenReadsMs: 250, foreignWorkers, leaseProtocol },
        producer: { rateLimitPercent: 1_000_000 }
      },
      { engine: this.engine }
    )
    this.#kinesis = new KinesisClient(clientConfigOf(this.engine, 'kinesis'))
  }

  /** Carries everything out and judges it. */
  async run() {
    const { recordCount, durationMs, workers, failoverTimeMs, script } = this.#options
    console.log(
      `fleet on ${process.env.SEALSTREAM_ENDPOINT ?? 'the embedded engines'}: ${recordCount} records in ${durationMs / 1000} s`
    )
    await this.pipeline.provision()
    for (const workerId of workers) this.#start(workerId)
    const started = Date.now()
    this.#watch = new LeaseWatch(
      clientConfigOf(this.engine, 'dynamodb'),
      this.pipeline.plan.consumer.applicationName
    )
    const happening = this.#play(started)
    const ids = await this.#putAll(started)
    await happening
    const entries = await this.#drain(ids)
    // Before the end of the fleet: what its workers do then is in no script.
    const table = await this.#watch.stop({ workers, script, failoverTimeMs })
    await this.#stopAll()
    const findings = judge(ids, entries, { harmed: this.#harmed, failoverTimeMs })
    return { ...findings, ...table, faults: [...findings.faults, ...table.faults] }
  }

  async close() {
    for (const child of this.#workers.values()) if (child.exitCode === null) child.kill('SIGKILL')
    await this.#watch?.close()
    this.#kinesis.destroy()
    this.pipeline.close()
    await this.#local?.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** @param {string} workerId */
  #start(workerId) {
    const { launch = ownWorker } = this.#options
    const child = launch({ workerId, log: this.#logOf(workerId), fleet: this })
    // Without a listener what it tells would be kept, and come late when somebody listens.
    child.on('message', () => {})
    this.#workers.set(workerId, child)
  }

  /** @param {number} started */
  async #play(started) {
    for (const [second, step] of this.#options.script) {
      await sleep(Math.max(0, started + second * 1_000 - Date.now()))
      console.log(`${String(second).padStart(3)} s  ${step}`)
      const [verb, workerId = ''] = step.split(' ')
      const child = this.#workers.get(workerId)
      if (verb === 'split') await splitFirst(this.#kinesis, this.pipeline.plan.stream.name)
      else if (verb === 'merge') await mergeFirst(this.#kinesis, this.pipeline.plan.stream.name)
      else if (verb === 'start') this.#start(workerId)
      else if (verb === 'kill') {
        await isInside(child)
        this.#harmed.set(workerId, 'killed')
        child?.kill('SIGKILL')
      } else if (verb === 'pause') {
        await isInside(child)
        this.#harmed.set(workerId, 'paused')
        child?.kill('SIGSTOP')
      } else if (verb === 'resume') child?.kill('SIGCONT')
      else if (verb === 'stop') child?.kill('SIGTERM')
      else if (this.#options.steps?.[step] !== undefined) await this.#options.steps[step](this)
      else throw new Error(`no such step: ${step}`)
    }
  }

  /**
   * Puts all records at an even pace.
   * @param {number} started
   */
  async #putAll(started) {
    const { recordCount, durationMs } = this.#options
    const producer = this.pipeline.createProducer({ maxBufferedMs: 100 })
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

  /**
   * Waits until every record was processed, or time is up; then reads the logs.
   * @param {readonly string[]} ids
   */
  async #drain(ids) {
    const deadline = Date.now() + drainTimeoutMs
    for (;;) {
      const entries = this.#readLogs()
      const seen = new Set(entries.flatMap(({ records = [] }) => records.map(([id]) => id)))
      if (ids.every(id => seen.has(id)) || Date.now() > deadline) return entries
      await sleep(1_000)
    }
  }

  async #stopAll() {
    for (const child of this.#workers.values()) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGTERM')
      await Promise.race([ended, sleep(20_000)])
    }
  }

  /** @param {string} workerId */
  #logOf(workerId) {
    return join(this.#folder, `${workerId}.log`)
  }

  /** @returns {import('./judge.js').Entry[]} in the order of time */
  #readLogs() {
    const entries = [...this.#workers.keys()].flatMap(workerId => {
      if (!existsSync(this.#logOf(workerId))) return []
      const lines = readFileSync(this.#logOf(workerId), 'utf8').split('\n')
      // The last line of a killed worker may be cut off.
      return lines.slice(0, -1).map(line => ({ workerId, ...JSON.parse(line) }))
    })
    return entries.sort((a, b) => a.at - b.at)
  }
}

/**
 * A worker of this package.
 * @type {Launch}
 */
export function ownWorker({ workerId, log, fleet: { engine, pipeline } }) {
  const clientConfigs = Object.fromEntries(
    /** @type {const} */ (['kinesis', 'dynamodb', 'kms']).map(service => [
      service,
      clientConfigOf(engine, service)
    ])
  )
  const settings = { workerId, plan: pipeline.plan, clientConfigs, log }
  return fork(join(import.meta.dirname, 'worker.js'), [JSON.stringify(settings)])
}

/**
 * Prints what a fleet came to.
 * @param {Awaited<ReturnType<Fleet['run']>>} findings
 * @returns {number} exit code
 */
export function report(findings) {
  for (const fault of findings.faults) console.error(`FAULT: ${fault}`)
  console.log(JSON.stringify(findings))
  return findings.faults.length === 0 ? 0 : 1
}

/**
 * Resolves when the worker begins something whose last checkpoint lies inside of an aggregate: by chance alone a
 * harm seldom falls there on a quick machine.
 * @param {import('node:child_process').ChildProcess | undefined} child
 */
async function isInside(child) {
  if (child !== undefined) await Promise.race([once(child, 'message'), sleep(insideTimeoutMs)])
}
