// The servers of the suite `local`, each in a process of its own so that its CPU is not the client's. Forked by
// local.bench.js with the name of one: `engine`; `null`, which looks at nothing but the target and answers at once
// what it made beforehand; `kinesis-local`, the package. Sends its endpoints, and answers `flush` when Firehose holds
// nothing any more, and `cpu` by the CPU time that the process has taken, in microseconds.
import { createServer as createHttp1Server } from 'node:http'
import { createServer } from 'node:http2'
import { createRequire } from 'node:module'
import { connect, createServer as createTcpServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startLocal } from 'sealstream/local'
import { delivery, maxKinesisBytes } from './local-cases.js'

const [, , kind, entries = '1', bytes = '1'] = process.argv

/** @type {() => Promise<void>} */
let flush = async () => {}
process.send?.(await startServer())
process.on('message', async message => {
  if (message === 'flush') await flush()
  const { user, system } = process.cpuUsage()
  process.send?.(message === 'flush' ? 'flushed' : user + system)
})
// Whoever started it has closed it, or is gone. kinesis-local would wait for half a minute.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

function startServer() {
  if (kind === 'engine') return startEngine()
  if (kind === 'kinesis-local') return startKinesisLocal()
  return startNull(Number(entries), Number(bytes))
}

async function startEngine() {
  // Small enough to be reached: what is measured is a run that has gone on for long.
  const { endpoints, flushFirehose } = await startLocal({ maxKinesisBytes })
  flush = flushFirehose
  return endpoints
}

async function startKinesisLocal() {
  const require = createRequire(import.meta.url)
  const main = require.resolve('kinesis-local')
  const [plain, tls] = [await freePort(), await freePort()]
  Object.assign(process.env, {
    KINESIS_MOCK_PLAIN_PORT: String(plain),
    KINESIS_MOCK_TLS_PORT: String(tls),
    KINESIS_MOCK_CERT_PATH: join(dirname(main), 'server.json'),
    CREATE_STREAM_DURATION: '1ms',
    SHARD_LIMIT: '100',
    LOG_LEVEL: 'ERROR'
  })
  require(main)
  while (!(await answers(plain))) await sleep(50)
  return { kinesis: `http://127.0.0.1:${plain}` }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise(resolve => {
    const server = createTcpServer().listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
      server.close(() => resolve(port))
    })
  })
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function answers(port) {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/**
 * @param {number} entryCount
 * @param {number} entryBytes
 */
async function startNull(entryCount, entryBytes) {
  return { kinesis: await startNullKinesis(entryCount, entryBytes), firehose: await startNullFirehose() }
}

/** HTTP/1.1, as the SDK's default has it for this service. */
function startNullFirehose() {
  const RequestResponses = Array.from({ length: delivery.entries }, (_, index) => ({
    RecordId: `49${String(index).padStart(54, '0')}.0`
  }))
  const answer = Buffer.from(JSON.stringify({ FailedPutCount: 0, Encrypted: false, RequestResponses }))
  return listening(
    createHttp1Server((request, response) => {
      request.on('end', () => {
        response.writeHead(200, {
          'content-type': 'application/x-amz-json-1.1',
          'content-length': answer.length
        })
        response.end(answer)
      })
      request.resume()
    })
  )
}

/**
 * HTTP/2 with prior knowledge, as the SDK's default has it.
 * @param {number} entryCount
 * @param {number} entryBytes
 */
function startNullKinesis(entryCount, entryBytes) {
  const places = Array.from({ length: entryCount }, (_, index) => ({
    SequenceNumber: `49${String(index).padStart(54, '0')}`,
    ShardId: 'shardId-000000000000'
  }))
  const Data = Buffer.alloc(entryBytes, 'x').toString('base64')
  const answers = new Map(
    Object.entries({
      PutRecords: { FailedRecordCount: 0, Records: places, EncryptionType: 'NONE' },
      GetRecords: {
        Records: places.map(({ SequenceNumber }, index) => ({
          SequenceNumber,
          PartitionKey: `key-${index}`,
          Data,
          ApproximateArrivalTimestamp: 1_800_000_000.001,
          EncryptionType: 'NONE'
        })),
        MillisBehindLatest: 0,
        NextShardIterator: 'next'
      }
    }).map(([operation, answer]) => [`Kinesis_20131202.${operation}`, Buffer.from(JSON.stringify(answer))])
  )
  const server = createServer()
  server.on('stream', (stream, headers) => {
    const answer = answers.get(String(headers['x-amz-target'])) ?? Buffer.from('{}')
    stream.on('end', () => {
      stream.respond({
        ':status': 200,
        'content-type': 'application/x-amz-json-1.1',
        'content-length': answer.length,
        'x-amzn-requestid': '00000000-0000-0000-0000-000000000000'
      })
      stream.end(answer)
    })
    stream.resume()
  })
  return listening(server)
}

/**
 * @param {import('node:net').Server} server
 * @returns {Promise<string>} its address
 */
function listening(server) {
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const address = /** @type {import('node:net').AddressInfo} */ (server.address())
      resolve(`http://127.0.0.1:${address.port}`)
    })
  })
}
