// Kinesis as a producer sees it, over HTTP/1.1 and JSON 1.1: it answers at once and stores nothing. Forked by
// loopback-kinesis.js.
import { createHash, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { scanPutRecords } from './put-records-scanner.js'

const hashKeys = 1n << 128n
const pageOfShards = 1_000
/** Digits of the service's sequence numbers. */
const sequenceNumberDigits = 56
const firstSequenceNumber = sequenceNumber(0)
let stored = 0

/** @type {Readonly<Record<string, (body: Buffer) => object>>} */
const actions = {
  'Kinesis_20131202.PutRecords': putRecords,
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
    const bytes = Buffer.from(JSON.stringify(answer))
    response.writeHead(status, {
      'content-type': 'application/x-amz-json-1.1',
      'content-length': bytes.length,
      'x-amzn-requestid': randomUUID()
    })
    response.end(bytes)
  })
})
// The client decides when a connection ends: one that is closed just as a request begins would be a failure.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  process.send?.(`http://127.0.0.1:${address.port}`)
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

/**
 * Rising over the whole service, hence in each shard.
 * @param {number} number
 */
function sequenceNumber(number) {
  return `49${String(number).padStart(sequenceNumberDigits - 2, '0')}`
}

/** @param {string} streamName as `loopbackStream` makes it */
function shardCountOf(streamName) {
  const shardCount = Number(/^loopback-(\d+)$/.exec(streamName)?.[1])
  if (!(shardCount > 0)) throw new Error(`no such stream: ${streamName}`)
  return shardCount
}

/** @param {number} index */
function shardId(index) {
  return `shardId-${String(index).padStart(12, '0')}`
}

/**
 * The last shard takes what the division leaves over.
 * @param {number} index
 * @param {number} shardCount
 */
function rangeOf(index, shardCount) {
  const width = hashKeys / BigInt(shardCount)
  const start = BigInt(index) * width
  return { start, last: index === shardCount - 1 ? hashKeys - 1n : start + width - 1n }
}

/**
 * @param {import('./put-records-scanner.js').ScannedEntry} entry
 * @param {number} shardCount
 */
function shardOf({ partitionKey, explicitHashKey }, shardCount) {
  const hashKey =
    explicitHashKey === undefined
      ? BigInt(`0x${createHash('md5').update(partitionKey).digest('hex')}`)
      : BigInt(explicitHashKey)
  return Math.min(shardCount - 1, Number(hashKey / (hashKeys / BigInt(shardCount))))
}
