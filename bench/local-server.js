// The servers of the suite `local`, each in a process of its own so that its CPU is not the client's. Forked by
// local.bench.js with the name of one: `engine`, or `null`, which looks at nothing but the target and answers at once
// what it made beforehand.
import { createServer } from 'node:http2'
import { startLocal } from 'sealstream/local'
import { maxKinesisBytes } from './local-cases.js'

const [, , kind, entries = '1', bytes = '1'] = process.argv

process.send?.(kind === 'engine' ? await startEngine() : await startNull(Number(entries), Number(bytes)))
// Whoever started it has closed it, or is gone.
process.on('disconnect', () => process.exit())

async function startEngine() {
  // Small enough to be reached: what is measured is a run that has gone on for long.
  const { endpoints } = await startLocal({ maxKinesisBytes })
  return endpoints.kinesis
}

/**
 * HTTP/2 with prior knowledge, as the SDK's default has it.
 * @param {number} entryCount
 * @param {number} entryBytes
 * @returns {Promise<string>}
 */
function startNull(entryCount, entryBytes) {
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
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const address = /** @type {import('node:net').AddressInfo} */ (server.address())
      resolve(`http://127.0.0.1:${address.port}`)
    })
  })
}
