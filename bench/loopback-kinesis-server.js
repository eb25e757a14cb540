// Kinesis as a producer and a worker see it, over HTTP/1.1 and JSON 1.1: it answers at once and stores nothing. Forked
// by loopback-kinesis.js.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { rangeOf, sequenceNumber, shardCountOf, shardId, shardOf } from './loopback-shard-map.js'
import { fillStream, getRecords, getShardIterator } from './loopback-shards.js'
import { scanPutRecords } from './put-records-scanner.js'

const pageOfShards = 1_000
const firstSequenceNumber = sequenceNumber(0)
let stored = 0

/** @type {Readonly<Record<string, (body: Buffer) => object | readonly Buffer[]>>} the answer, or its JSON in pieces */
const actions = {
  'Kinesis_20131202.PutRecords': putRecords,
  'Kinesis_20131202.GetRecords': body => getRecords(JSON.parse(body.toString())),
  'Kinesis_20131202.GetShardIterator': body => getShardIterator(JSON.parse(body.toString())),
  'Kinesis_20131202.ListShards': body => listShards(JSON.parse(body.toString())),
  'Kinesis_20131202.DescribeStreamSummary': body => describeStreamSummary(JSON.parse(body.toString()))
}

const server = createServer((request, response) => {
  const body = Buffer.allocUnsafe(Number(request.headers['content-length']))
  let filled = 0
  request.on('data', chunk => {
    filled += chunk.copy(body, filled)
  })
  request.on('end', () => {
    const { status, answer } = answerTo(String(request.headers['x-amz-target']), body)
    const pieces = Array.isArray(answer) ? answer : [Buffer.from(JSON.stringify(answer))]
    response.writeHead(status, {
      'content-type': 'application/x-amz-json-1.1',
      'content-length': pieces.reduce((sum, { length }) => sum + length, 0),
      'x-amzn-requestid': randomUUID()
    })
    // All pieces leave in one call.
    response.cork()
    for (const piece of pieces) response.write(piece)
    response.end()
  })
})
// The client decides when a connection ends: one that is closed just as a request begins would be a failure.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  process.send?.(`http://127.0.0.1:${address.port}`)
})
process.on('message', async filling => {
  const userRecordsPerRecord = await fillStream(/** @type {any} */ (filling))
  process.send?.({ userRecordsPerRecord })
})
// Whoever started it has closed it, or is gone.
process.on('disconnect', () => process.exit())

/**
 * @param {string} target
 * @param {Buffer} body
 */
function answerTo(target, body) {
  try {
    const action = actions[target]
    if (action !== undefined) return { status: 200, answer: action(body) }
    return { status: 400, answer: { __type: 'UnknownOperationException', message: target } }
  } catch (error) {
    return { status: 400, answer: { __type: 'SerializationException', message: String(error) } }
  }
}

/** @param {Buffer} body */
function putRecords(body) {
  const { streamName, entries } = scanPutRecords(body)
  const shardCount = shardCountOf(streamName)
  return {
    FailedRecordCount: 0,
    Records: entries.map(entry => {
      stored += 1
      return { SequenceNumber: sequenceNumber(stored), ShardId: shardId(shardOf(entry, shardCount)) }
    })
  }
}

/** @param {{ readonly StreamName?: string, readonly NextToken?: string }} request */
function listShards({ StreamName, NextToken }) {
  const [streamName = '', first = '0'] = NextToken?.split('/') ?? [StreamName]
  const shardCount = shardCountOf(streamName)
  const end = Math.min(shardCount, Number(first) + pageOfShards)
  const shards = []
  for (let index = Number(first); index < end; index += 1) {
    const { start, last } = rangeOf(index, shardCount)
    shards.push({
      ShardId: shardId(index),
      HashKeyRange: { StartingHashKey: String(start), EndingHashKey: String(last) },
      SequenceNumberRange: { StartingSequenceNumber: firstSequenceNumber }
    })
  }
  return { Shards: shards, ...(end < shardCount ? { NextToken: `${streamName}/${end}` } : {}) }
}

/** @param {{ readonly StreamName: string }} request */
function describeStreamSummary({ StreamName }) {
  return {
    StreamDescriptionSummary: {
      StreamName,
      StreamARN: `arn:aws:kinesis:us-east-1:000000000000:stream/${StreamName}`,
      StreamStatus: 'ACTIVE',
      StreamModeDetails: { StreamMode: 'PROVISIONED' },
      RetentionPeriodHours: 24,
      StreamCreationTimestamp: 0,
      EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
      OpenShardCount: shardCountOf(StreamName),
      ConsumerCount: 0
    }
  }
}
