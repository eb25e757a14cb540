import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/**
 * @typedef {object} ConsumingSettings
 * @property {string} streamName
 * @property {import('@aws-sdk/client-kinesis').KinesisClientConfig} clientConfig
 * @property {import('./loopback-shards.js').Filling['seal']} seal
 * @property {string} key in hexadecimal
 * @property {number} maxRecordsPerRead
 * @property {number} userRecordBytes
 * @property {number} userRecordsPerRecord
 *
 * @typedef {import('./measure.js').Watched & {
 *   readonly consumed: number, readonly peakRssBytes: number, readonly peakHeapBytes: number,
 *   readonly faults: readonly string[]
 * }} ConsumedSample peaks and delays are those since the process began
 */

/** A worker in a process of its own, which only works while it is asked to. */
export class ConsumingProcess {
  /** @type {ConsumedSample | undefined} */
  last
  /** @readonly */
  #input
  /** @readonly */
  #lines
  /** @readonly */
  #exited

  /** @param {ConsumingSettings} settings */
  constructor(settings) {
    // The channel only tells the process when this one is gone. It takes over the flags, so that
    // `node --cpu-prof bench/run.js` shows where the worker's time goes.
    const child = fork(new URL('consuming-process.js', import.meta.url), [JSON.stringify(settings)], {
      stdio: ['pipe', 'pipe', 'inherit', 'ipc']
    })
    this.#input = /** @type {import('node:stream').Writable} */ (child.stdin)
    this.#exited = once(child, 'exit')
    this.#lines = createInterface({ input: /** @type {import('node:stream').Readable} */ (child.stdout) })[
      Symbol.asyncIterator
    ]()
  }

  /**
   * Has at least that many records consumed: whole batches.
   * @param {number} count
   * @returns {Promise<number>} records that were consumed
   */
  async consume(count) {
    this.#input.write(`${count}\n`)
    const { value: line } = await this.#lines.next()
    if (line === undefined) throw new Error('the process of a worker ended')
    /** @type {ConsumedSample} */
    const sample = JSON.parse(line)
    if (sample.faults.length > 0) throw new Error(`a worker went another way: ${sample.faults.join(', ')}`)
    this.last = sample
    return sample.consumed
  }

  async close() {
    this.#input.end()
    await this.#exited
  }
}
