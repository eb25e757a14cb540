// The embedded Kinesis and Firehose engines against servers that do nothing, all behind the SDK's clients with their
// defaults: what of the time of a request is the engine's.
import { CreateDeliveryStreamCommand, FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose'
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  PutRecordsCommand
} from '@aws-sdk/client-kinesis'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { delivery, maxKinesisBytes, sizes } from './local-cases.js'
import { rounded } from './report.js'
import { clientOptions, startServerProcess } from './server-process.js'

const baseline = 'null server'
const StreamName = 'bench'
const DeliveryStreamName = 'bench'
const Bucket = 'bench'
const ShardId = 'shardId-000000000000'
/** Milliseconds that the CPU time of a server is taken over, at least. */
const cpuMs = 1_500

/** @returns {Promise<import('./measure.js').Bench>} */
export async function prepare() {
  /** @type {Server[]} of the group whose turn it is */
  const servers = []
  const open = async (/** @type {readonly unknown[]} */ ...args) => {
    const server = await start(args.map(String))
    servers.push(server)
    return server
  }
  const closeServers = async () => {
    await Promise.all(servers.splice(0).map(server => server.close()))
  }

  const kinesisGroups = sizes.flatMap(({ entries, bytes }) =>
    Object.entries({ PutRecords: putting, GetRecords: getting }).map(([op, operation]) => async () => {
      await closeServers()
      const nothing = await open('null', entries, bytes)
      const engine = await open('engine')
      const rival = await open('kinesis-local')
      const runs = {
        [baseline]: operation(kinesisClient(nothing), entries, bytes),
        engine: operation(await anEngine(kinesisClient(engine), entries, bytes), entries, bytes),
        'kinesis-local': operation(await anEngine(http1Client(rival), entries, bytes), entries, bytes)
      }
      const engineCpuUs = await serverCpuUs(engine, runs.engine, entries)
      const kinesisLocalCpuUs = await serverCpuUs(rival, runs['kinesis-local'], entries)
      return {
        name: `${op}, ${entries} x ${bytes} bytes`,
        unit: 'records',
        baseline,
        row: {
          op,
          entries,
          bytes,
          engineCpuUs: rounded(engineCpuUs, 2),
          kinesisLocalCpuUs: rounded(kinesisLocalCpuUs, 2),
          cpuRatioKinesisLocal: rounded(kinesisLocalCpuUs / engineCpuUs, 1)
        },
        cases: Object.entries(runs).map(([name, run]) => ({ name, units: entries, run }))
      }
    })
  )

  const firehoseGroup = async () => {
    await closeServers()
    const { entries, bytes } = delivery
    const rivals = [
      { name: baseline, server: await open('null') },
      { name: 'engine', server: await aDeliveryStream(await open('engine')) }
    ]
    return {
      name: `PutRecordBatch to S3, ${entries} x ${bytes} bytes`,
      unit: 'records',
      baseline,
      row: { op: 'PutRecordBatch', entries, bytes },
      cases: rivals.map(({ name, server }) => ({ name, units: entries, run: delivering(server) }))
    }
  }

  return {
    notes: [
      'records a second; ratio: to a null server, each in a process of its own, one request in flight, SDK defaults',
      'kinesis-local has no HTTP/2, so its client speaks HTTP/1.1, which is the faster of the two',
      `the engine keeps ${maxKinesisBytes / 1024 / 1024} MiB, and trims from then on`,
      'CpuUs: CPU time of the server for a record, its client, which bounds the speed, left out',
      'PutRecordBatch: until the last record lies in an object of S3, 5 MiB each, as a file'
    ],
    groups: [...kinesisGroups, firehoseGroup],
    rowOf: ({ row }, { cases }) => {
      const of = (/** @type {string} */ name) => cases.find(found => found.name === name)
      const [engine, rival] = [of('engine'), of('kinesis-local')]
      return {
        ...row,
        engine: Math.round(engine?.opsPerSecond.median ?? Number.NaN),
        nullServer: Math.round(of(baseline)?.opsPerSecond.median ?? Number.NaN),
        ratio: rounded(engine?.ratio.median, 2),
        ...(rival === undefined || engine === undefined
          ? {}
          : {
              kinesisLocal: Math.round(rival.opsPerSecond.median),
              ratioKinesisLocal: rounded(engine.opsPerSecond.median / rival.opsPerSecond.median, 1)
            })
      }
    },
    finish: closeServers
  }
}

/**
 * @typedef {(client: KinesisClient, entries: number, bytes: number) => (iterations: number) => Promise<void>} Operation
 */

/**
 * CPU time that a server takes for a record, in microseconds: what its client takes beside it is not counted. After as
 * long a time to warm up.
 * @param {Server} server
 * @param {(iterations: number) => Promise<void>} run
 * @param {number} entries
 */
async function serverCpuUs(server, run, entries) {
  await forAWhile(run)
  const before = await server.cpuUs()
  const requests = await forAWhile(run)
  return ((await server.cpuUs()) - before) / (requests * entries)
}

/**
 * @param {(iterations: number) => Promise<void>} run
 * @returns {Promise<number>} requests
 */
async function forAWhile(run) {
  const end = Date.now() + cpuMs
  let requests = 0
  do {
    await run(5)
    requests += 5
  } while (Date.now() < end)
  return requests
}

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

/**
 * A delivery stream to files of 5 MiB.
 * @param {Server} server
 */
async function aDeliveryStream(server) {
  const s3 = new S3Client({ ...clientOptions, endpoint: server.endpoints.s3 ?? '', forcePathStyle: true })
  await s3.send(new CreateBucketCommand({ Bucket }))
  s3.destroy()
  const firehose = firehoseClient(server)
  await firehose.send(
    new CreateDeliveryStreamCommand({
      DeliveryStreamName,
      ExtendedS3DestinationConfiguration: {
        RoleARN: 'arn:aws:iam::000000000000:role/firehose',
        BucketARN: `arn:aws:s3:::${Bucket}`
      }
    })
  )
  firehose.destroy()
  return server
}

/**
 * @param {Server} server
 * @returns {(iterations: number) => Promise<void>}
 */
function delivering(server) {
  const firehose = firehoseClient(server)
  const Data = Buffer.alloc(delivery.bytes, 'x')
  const Records = Array.from({ length: delivery.entries }, () => ({ Data }))
  const command = new PutRecordBatchCommand({ DeliveryStreamName, Records })
  return async iterations => {
    for (let count = 0; count < iterations; count += 1) {
      const { FailedPutCount, RequestResponses } = await firehose.send(command)
      if (FailedPutCount !== 0 || RequestResponses?.length !== delivery.entries) {
        throw new Error('records were not accepted')
      }
    }
    await server.flush()
  }
}

const kinesisClient = (/** @type {Server} */ { endpoints }) =>
  new KinesisClient({ ...clientOptions, endpoint: endpoints.kinesis ?? '' })

const http1Client = (/** @type {Server} */ { endpoints }) =>
  new KinesisClient({
    ...clientOptions,
    endpoint: endpoints.kinesis ?? '',
    requestHandler: new NodeHttpHandler()
  })

const firehoseClient = (/** @type {Server} */ { endpoints }) =>
  new FirehoseClient({ ...clientOptions, endpoint: endpoints.firehose ?? '' })

/**
 * @typedef {object} Server
 * @property {Readonly<Record<string, string>>} endpoints by service
 * @property {() => Promise<unknown>} flush resolves when Firehose has delivered what it holds
 * @property {() => Promise<number>} cpuUs CPU time that it has taken so far, in microseconds
 * @property {() => Promise<unknown>} close
 */

/**
 * @param {readonly string[]} args of local-server.js
 * @returns {Promise<Server>}
 */
async function start(args) {
  const { address, ask, close } = await startServerProcess('local-server.js', args)
  return { endpoints: address, flush: () => ask('flush'), cpuUs: () => ask('cpu'), close }
}
