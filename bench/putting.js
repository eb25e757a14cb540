import { createHash, randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { Producer } from 'sealstream/producer'
import { loopbackStream } from './loopback-kinesis.js'

/**
 * @typedef {import('sealstream/producer').UserRecord} UserRecord
 * @typedef {import('sealstream/producer').ProducerOptions} ProducerOptions
 */

/** Puts of one turn of the event loop, as of a caller that takes its own records from somewhere in pieces. */
const putsPerTurn = 256

/**
 * Every record with a partition key of its own.
 * @param {number} count
 * @param {readonly number[]} sizes taken in turn
 * @returns {readonly UserRecord[]}
 */
export function someRecords(count, sizes) {
  return Array.from({ length: count }, (_, index) => ({
    partitionKey: `customer-${index}`,
    data: randomBytes(sizes[index % sizes.length] ?? 0)
  }))
}

/**
 * As many records for each of so many shards of equal width, in a random order.
 * @param {number} shardCount a power of two up to 65_536
 * @param {number} perShard
 * @param {number} bytes
 * @returns {readonly UserRecord[]}
 */
export function evenRecords(shardCount, perShard, bytes) {
  /** @type {UserRecord[]} */
  const records = []
  const filled = new Uint32Array(shardCount)
  for (let index = 0; records.length < shardCount * perShard; index += 1) {
    const partitionKey = `customer-${index}`
    const shard =
      createHash('md5').update(partitionKey).digest().readUInt16BE(0) >>> (16 - Math.log2(shardCount))
    const count = filled[shard] ?? perShard
    if (count === perShard) continue
    filled[shard] = count + 1
    records.push({ partitionKey, data: randomBytes(bytes) })
  }
  return shuffled(records)
}

/**
 * @template T
 * @param {readonly T[]} values
 * @returns {T[]}
 */
export function shuffled(values) {
  const mixed = [...values]
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1))
    const moved = /** @type {T} */ (mixed[last])
    mixed[last] = /** @type {T} */ (mixed[other])
    mixed[other] = moved
  }
  return mixed
}

/** Puts records as fast as a producer takes them, and counts what becomes of each. */
export class Putter {
  #stored = 0
  #handedBack = 0
  /** @type {unknown} */
  #firstFailure
  #next = 0
  /** @readonly */
  #records
  #onStored = () => {
    this.#stored += 1
  }
  #onHandedBack = (/** @type {unknown} */ error) => {
    this.#firstFailure ??= error
    this.#handedBack += 1
  }

  /**
   * @param {import('@aws-sdk/client-kinesis').KinesisClientConfig} clientConfig
   * @param {number} shardCount
   * @param {readonly UserRecord[]} records put in turn, again and again
   * @param {Pick<ProducerOptions, 'seal' | 'maxBufferedMs' | 'maxBufferedBytes' | 'maxRecordsPerAggregate'>} [options]
   */
  constructor(clientConfig, shardCount, records, options = {}) {
    this.producer = new Producer({ streamName: loopbackStream(shardCount), clientConfig, ...options })
    this.#records = records
  }

  /** Promises that were settled, as the caller saw them. */
  get settled() {
    return { stored: this.#stored, handedBack: this.#handedBack }
  }

  /**
   * Puts that many records and waits until all are settled.
   * @param {number} count
   */
  async put(count) {
    await this.putWhile(put => put < count)
    await this.producer.flush()
  }

  /**
   * @param {(put: number) => boolean} isWanted asked before every turn with the number of records that were put
   * @returns {Promise<number>} records that were put
   */
  async putWhile(isWanted) {
    const { producer } = this
    let put = 0
    while (isWanted(put)) {
      await producer.ready()
      for (let turn = 0; turn < putsPerTurn && isWanted(put); turn += 1) {
        const record = /** @type {UserRecord} */ (this.#records[this.#next])
        this.#next = (this.#next + 1) % this.#records.length
        producer.put(record).then(this.#onStored, this.#onHandedBack)
        put += 1
      }
      await setImmediate()
    }
    return put
  }

  /** Ends the producer. Throws when anything took another path than the one that is measured. */
  async close() {
    await this.producer.close()
    const { accepted, acknowledged, handedBack, retries, wrongShard, inFlight } = this.producer.stats
    if (acknowledged === accepted && this.#stored === accepted && retries + wrongShard === 0) return
    throw new Error(
      `of ${accepted} records ${acknowledged} were acknowledged, ${handedBack} handed back, ${inFlight} left; ` +
        `${retries} retries, ${wrongShard} to a wrong shard`,
      { cause: this.#firstFailure }
    )
  }
}
