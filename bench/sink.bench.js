// The sink alone against a Firehose that does nothing: what it takes of a core, with packing and without, beside the
// bare requests of the SDK's client.
import { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose'
import { DeliveryStreamSink } from 'sealstream/firehose'
import { rounded } from './report.js'
import { clientOptions, startServerProcess } from './server-process.js'

const deliveryStreamName = 'bench'
const recordCount = 20_000
/** A sample spans several collections. */
const recordsOfSample = 5 * recordCount
const entriesOfRequest = 500
const concurrentRequests = 4
const baseline = 'bare requests'

/** @returns {Promise<import('./measure.js').Bench>} */
export async function prepare() {
  const server = await start()
  /** @type {DeliveryStreamSink[]} */
  const sinks = []
  const sinkOf = (
    /** @type {Partial<import('sealstream/firehose').DeliveryStreamSinkOptions>} */ options
  ) => {
    const sink = new DeliveryStreamSink({
      deliveryStreamName,
      framing: 'ndjson',
      clientConfig: server.clientConfig,
      maxConcurrentRequests: concurrentRequests,
      ...options
    })
    sinks.push(sink)
    return sink
  }
  const client = new FirehoseClient({ ...server.clientConfig, maxAttempts: 1 })
  return {
    notes: [
      `${recordCount} records a call, ${concurrentRequests} requests at once, the server in a process of its own`,
      'CPU: microseconds for each record, which are seconds for a million; of this process, SDK and TCP included'
    ],
    groups: [300, 1_024].map(bytes => () => {
      const records = recordsOf(bytes)
      const packing = sinkOf({ destination: 's3', packing: true, maxBufferedMs: 0 })
      return Promise.resolve({
        name: `${bytes} bytes`,
        unit: 'records',
        baseline,
        iterations: recordsOfSample,
        watchProcess: true,
        row: { bytes },
        cases: [
          { name: baseline, run: bareRequests(client, records) },
          { name: 'deliver, ndjson', run: delivering(sinkOf({}), records) },
          { name: 'deliver, lines', run: delivering(sinkOf({ framing: 'lines' }), records) },
          { name: 'deliver, ndjson, record ids', run: delivering(sinkOf({ recordIdField: 'id' }), records) },
          { name: 'deliver, ndjson, packing', run: delivering(packing, records) },
          { name: 'put, ndjson', run: putting(sinkOf({}), records) },
          { name: 'putAll, ndjson', run: puttingAll(sinkOf({}), records) }
        ].map(({ name, run }) => ({ name, run: inParts(run) }))
      })
    }),
    rowOf: ({ row }, { cases }) =>
      cases.map(({ name, opsPerSecond, process }) => ({
        ...row,
        case: name,
        recordsPerSecond: Math.round(opsPerSecond.median),
        cpuSecondsPerMillion: rounded(process?.cpuUs.median, 3)
      })),
    async finish() {
      for (const sink of sinks) {
        const { failed, undeliverable, retries, inFlight } = sink.stats
        // Any of these would be another path than the one that is measured.
        if (failed + undeliverable + retries + inFlight > 0)
          throw new Error('not everything was delivered at once')
        await sink.close()
      }
      client.destroy()
      await server.close()
    }
  }
}

/**
 * Calls of so many records one after the other, until all are done.
 * @param {(records: number) => Promise<void>} run
 */
function inParts(run) {
  return async (/** @type {number} */ iterations) => {
    for (let left = iterations; left > 0; left -= recordCount) await run(Math.min(left, recordCount))
  }
}

/** @param {number} bytes */
function recordsOf(bytes) {
  return Array.from({ length: recordCount }, (_, index) => {
    const start = `{"order":"order-${String(index).padStart(8, '0')}","amount":${index},"text":"`
    return {
      streamName: 'orders',
      shardId: 'shardId-000000000000',
      sequenceNumber: String(
        49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898n + BigInt(index)
      ),
      subSequenceNumber: 0,
      partitionKey: 'key',
      explicitHashKey: undefined,
      data: Buffer.from(`${start}${'x'.repeat(bytes - start.length - 2)}"}`),
      approximateArrivalTimestamp: undefined
    }
  })
}

/** @typedef {ReturnType<typeof recordsOf>} Records */

/**
 * What nobody can be faster than: the requests, with records that are framed already.
 * @param {FirehoseClient} client
 * @param {Records} records
 */
function bareRequests(client, records) {
  const framed = records.map(({ data }) => ({ Data: Buffer.concat([data, Buffer.of(0x0a)]) }))
  return async (/** @type {number} */ iterations) => {
    let next = 0
    const lane = async () => {
      while (next < iterations) {
        const Records = framed.slice(next, Math.min(iterations, next + entriesOfRequest))
        next += Records.length
        const { FailedPutCount } = await client.send(
          new PutRecordBatchCommand({ DeliveryStreamName: deliveryStreamName, Records })
        )
        if (FailedPutCount !== 0) throw new Error('records were not stored')
      }
    }
    await Promise.all(Array.from({ length: concurrentRequests }, lane))
  }
}

/**
 * @param {DeliveryStreamSink} sink
 * @param {Records} records
 */
function delivering(sink, records) {
  return async (/** @type {number} */ iterations) => {
    const undeliverable = await sink.deliver(records.slice(0, iterations))
    if (undeliverable.length > 0) throw new Error('records were not delivered')
  }
}

/**
 * @param {DeliveryStreamSink} sink
 * @param {Records} records
 */
function putting(sink, records) {
  return async (/** @type {number} */ iterations) => {
    await Promise.all(records.slice(0, iterations).map(record => sink.put(record)))
  }
}

/**
 * @param {DeliveryStreamSink} sink
 * @param {Records} records
 */
function puttingAll(sink, records) {
  return async (/** @type {number} */ iterations) => {
    const { delivered } = await sink.putAll(records.slice(0, iterations))
    if (delivered !== iterations) throw new Error('records were not delivered')
  }
}

async function start() {
  const { address, close } = await startServerProcess('loopback-firehose-server.js')
  return { clientConfig: { ...clientOptions, endpoint: address }, close }
}
