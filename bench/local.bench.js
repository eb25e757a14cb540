// The embedded Kinesis engine against a server that does nothing, both behind the SDK's client with its defaults: what
// of the time of a request is the engine's.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  PutRecordsCommand
} from '@aws-sdk/client-kinesis'
import { maxKinesisBytes, sizes } from './local-cases.js'
import { rounded } from './report.js'

const baseline = 'null server'
const StreamName = 'bench'
const ShardId = 'shardId-000000000000'

/** @returns {Promise<import('./measure.js').Bench>} */
export async function prepare() {
  /** @type {(() => Promise<void>)[]} */
  const closers = []
  const open = async (/** @type {readonly unknown[]} */ ...args) => {
    const server = await start(args.map(String))
    closers.push(server.close)
    return server.client
  }
  return {
    notes: [
      'ratio: engine to null server, each in a process of its own, one request in flight, SDK defaults (HTTP/2)',
      `the engine keeps ${maxKinesisBytes / 1024 / 1024} MiB, and trims from then on`
    ],
    groups: sizes.flatMap(({ entries, bytes }) => {
      const clients = async () => [
        { name: baseline, client: await open('null', entries, bytes) },
        { name: 'engine', client: await anEngine(await open('engine'), entries, bytes) }
      ]
      const group = (/** @type {string} */ op, /** @type {Operation} */ operation) => async () => ({
        name: `${op}, ${entries} x ${bytes} bytes`,
        unit: 'requests',
        baseline,
        row: { op, entries, bytes },
        cases: (await clients()).map(({ name, client }) => ({ name, run: operation(client, entries, bytes) }))
      })
      return [group('PutRecords', putting), group('GetRecords', getting)]
    }),
    rowOf: ({ row }, { cases }) => {
      const [nullServer, engine] = cases
      return {
        ...row,
        engine: rounded(engine?.opsPerSecond.median, 1),
        nullServer: rounded(nullServer?.opsPerSecond.median, 1),
        ratio: rounded(engine?.ratio.median, 2)
      }
    },
    finish: async () => {
      await Promise.all(closers.map(close => close()))
    }
  }
}

/**
 * @typedef {(client: KinesisClient, entries: number, bytes: number) => (iterations: number) => Promise<void>} Operation
 */

/** @type {Operation} */
function putting(client, entries, bytes) {
  const command = new PutRecordsCommand({ StreamName, Records: recordsOf(entries, bytes) })
  return async iterations => {
    for (let count = 0; count < iterations; count += 1) {
      const { FailedRecordCount, Records } = await client.send(command)
      if (FailedRecordCount !== 0 || Records?.length !== entries) throw new Error('records were not stored')
    }
  }
}

/** @type {Operation} */
function getting(client, entries, bytes) {
  return async iterations => {
    // Anew for each sample: it lives for five minutes.
    const start = { StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }
    const { ShardIterator = 'null' } = await client.send(
      new GetShardIteratorCommand(
        /** @type {import('@aws-sdk/client-kinesis').GetShardIteratorInput} */ (start)
      )
    )
    const command = new GetRecordsCommand({ ShardIterator, Limit: entries })
    for (let count = 0; count < iterations; count += 1) {
      const { Records } = await client.send(command)
      if (Records?.length !== entries || Records[0]?.Data?.length !== bytes) {
        throw new Error('other records than those that were stored')
      }
    }
  }
}

/**
 * An engine with a stream of one shard, and records in it.
 * @param {KinesisClient} client
 * @param {number} entries
 * @param {number} bytes
 */
async function anEngine(client, entries, bytes) {
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }))
  await client.send(new PutRecordsCommand({ StreamName, Records: recordsOf(entries, bytes) }))
  return client
}

/**
 * @param {number} entries
 * @param {number} bytes
 */
function recordsOf(entries, bytes) {
  return Array.from({ length: entries }, (_, index) => ({
    PartitionKey: `key-${index}`,
    Data: Buffer.alloc(bytes, 'x')
  }))
}

/** @param {readonly string[]} args of local-server.js */
async function start(args) {
  const child = fork(new URL('local-server.js', import.meta.url), args, { execArgv: [] })
  const exited = once(child, 'exit')
  const endpoint = await new Promise((resolve, reject) => {
    child.once('message', resolve)
    exited.then(() => reject(new Error('the server ended before it listened')), reject)
  })
  // A bench that fails half-way ends all the same; the child sees the channel close.
  child.unref()
  child.channel?.unref()
  const client = new KinesisClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' }
  })
  return {
    client,
    async close() {
      client.destroy()
      if (child.connected) child.disconnect()
      child.ref()
      await exited
    }
  }
}
