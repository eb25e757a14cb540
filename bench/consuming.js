import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

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
 * }} ConsumedSample the peaks are those since the process began
 */

/** A worker in a process of its own, which only works while it is asked to. */
export class ConsumingProcess {
  /** @type {ConsumedSample | undefined} */
  last
  /** @readonly */
  #child
  /** @readonly */
  #lines
  /** @readonly */
  #exited

  /** @param {ConsumingSettings} settings */
  constructor(settings) {
    this.#child = spawn(
      process.execPath,
      [
        ...(process.env.BENCH_WORKER_FLAGS?.split(' ') ?? []),
        fileURLToPath(new URL('consuming-process.js', import.meta.url)),
        JSON.stringify(settings)
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] }
    )
    this.#exited = once(this.#child, 'exit')
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  /**
   * Has at least that many records consumed: whole batches.
   * @param {number} count
   * @returns {Promise<number>} records that were consumed
   */
  async consume(count) {
    this.#child.stdin.write(`${count}\n`)
    const { value: line } = await this.#lines.next()
    if (line === undefined) throw new Error('the process of a worker ended')
    /** @type {ConsumedSample} */
    const sample = JSON.parse(line)
    if (sample.faults.length > 0) throw new Error(`a worker went another way: ${sample.faults.join(', ')}`)
    this.last = sample
    return sample.consumed
  }

  async close() {
    this.#child.stdin.end()
    await this.#exited
  }
}
