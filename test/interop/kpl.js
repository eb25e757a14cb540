// The Kinesis Producer Library puts user records over TLS while the stream is split and merged, some entries are refused
// and some answers lost; a worker of ours reads them all. Usage: node kpl.js CLASSPATH
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateStreamCommand,
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  SplitShardCommand
} from '@aws-sdk/client-kinesis'
import { Worker } from 'sealstream/consumer'
import { startLocal } from 'sealstream/local'
import { startJudge } from './judge-process.js'
import { judgePuts } from './kpl-judge.js'

/**
 * @typedef {import('./kpl-judge.js').Put} Put
 * @typedef {import('./kpl-judge.js').Answer} Answer
 * @typedef {import('./kpl-judge.js').Delivery} Delivery
 */

const classpath = process.argv[2] ?? ''
// For the people who build the package, not for its tests.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
const recordCount = 100_000
const durationMs = 45_000
const drainTimeoutMs = 35_000
const streamName = 'orders'
const reshards = /** @type {const} */ (['split', 'merge', 'split', 'merge'])

const folder = mkdtempSync(join(tmpdir(), 'sealstream-kpl-'))
const caFile = join(folder, 'ca.pem')
const local = await startLocal({
  services: ['kinesis', 'dynamodb'],
  tls: true,
  faults: [
    // First, since the other one decides about every request.
    { service: 'kinesis', operation: 'PutRecords', kind: 'lost-answer', probability: 0.01 },
    { service: 'kinesis', operation: 'PutRecords', kind: 'partial-failure', entryProbability: 0.01 }
  ]
})
writeFileSync(caFile, local.tls?.caCertificate ?? '')
const kinesis = new KinesisClient(local.clientConfig('kinesis'))
const judge = startJudge(classpath, 'KplProducer', {
  host: 'localhost',
  port: new URL(local.endpoints.kinesis).port,
  caFile,
  stream: streamName,
  temp: folder
})

// One that ends early is told by its exit code.
judge.stdin.on('error', () => {})
const ended = once(judge, 'close')

/** @type {Delivery[]} */
const deliveries = []
const worker = new Worker({
  applicationName: 'kpl-judge',
  streamName,
  initialPosition: 'TRIM_HORIZON',
  idleTimeBetweenReadsMs: 200,
  createTable: true,
  kinesis: { clientConfig: local.clientConfig('kinesis') },
  dynamodb: { clientConfig: local.clientConfig('dynamodb') },
  eachBatch: records => {
    deliveries.push(...records)
  }
})

try {
  await kinesis.send(new CreateStreamCommand({ StreamName: streamName, ShardCount: 4 }))
  const running = worker.run()
  const answers = collectAnswers()
  const resharded = reshardOverTime()
  const puts = await putAll()
  await resharded
  judge.stdin.write('end\n')
  const [code] = await ended
  await untilAllIsRead()
  await worker.shutdown()
  await running
  const findings = judgePuts(puts, answers, deliveries, await hashRanges())
  if (code !== 0) findings.faults.push(`the judge ended with ${code}`)
  for (const fault of findings.faults) console.error(`FAULT: ${fault}`)
  console.log(JSON.stringify(findings))
  process.exitCode = findings.faults.length === 0 ? 0 : 1
} finally {
  judge.stdin.end()
  await worker.shutdown()
  kinesis.destroy()
  await local.close()
  rmSync(folder, { recursive: true, force: true })
}

/** Puts all records at an even pace. */
async function putAll() {
  const started = Date.now()
  /** @type {Put[]} */
  const puts = []
  while (puts.length < recordCount && judge.exitCode === null) {
    const due = Math.min(recordCount, Math.ceil(((Date.now() - started) / durationMs) * recordCount))
    const lines = []
    for (; puts.length < due; ) {
      const put = aPut(puts.length)
      lines.push(lineOf(puts.length, put))
      puts.push(put)
    }
    const isTaken = lines.length === 0 || judge.stdin.write(lines.join(''))
    await (isTaken ? sleep(20) : Promise.race([once(judge.stdin, 'drain'), ended]))
  }
  return puts
}

/**
 * Sizes of the index alone up to 3 KB, and now and then more than an aggregate holds; hash keys all over the range, its
 * ends included; partition keys of one to four bytes a character.
 * @param {number} index
 * @returns {Put}
 */
function aPut(index) {
  const isLarge = index % 5_000 === 4_999
  const data = randomBytes(4 + (isLarge ? 60_000 : Math.floor(2 ** (randomInt(116) / 10)) - 1))
  data.writeUInt32BE(index)
  const ends = ['0', String(2n ** 128n - 1n)]
  const explicitHashKey = ends[index % 1_000] ?? BigInt(`0x${randomBytes(16).toString('hex')}`).toString()
  const name = ['key', 'größe', '表', '\u{1f511}'][index % 4]
  return { partitionKey: `${name}-${index % 700}`, explicitHashKey, data }
}

/**
 * @param {number} index
 * @param {Put} put
 */
function lineOf(index, { partitionKey, explicitHashKey, data }) {
  const key = Buffer.from(partitionKey).toString('base64')
  return `put\t${index}\t${explicitHashKey}\t${key}\t${data.toString('base64')}\n`
}

/** What the judge tells of each put, by its index; filled as it comes. */
function collectAnswers() {
  /** @type {Map<number, Answer>} */
  const answers = new Map()
  createInterface({ input: judge.stdout }).on('line', line => {
    const [outcome, id, attempts, codes = '', shardId = '', sequenceNumber = ''] = line.split('\t')
    answers.set(Number(id), {
      isOk: outcome === 'ok',
      attempts: Number(attempts),
      codes: codes.split(',').filter((_, index) => index < Number(attempts) - (outcome === 'ok' ? 1 : 0)),
      shardId,
      sequenceNumber
    })
  })
  return answers
}

async function reshardOverTime() {
  for (const step of reshards) {
    await sleep(durationMs / (reshards.length + 1))
    const [first, second] = (await listShards()).filter(({ isOpen }) => isOpen)
    if (first === undefined || second === undefined) throw new Error('no open shards')
    console.log(`${step} of ${first.shardId}`)
    if (step === 'split') {
      const NewStartingHashKey = String((first.start + first.end) / 2n)
      await kinesis.send(
        new SplitShardCommand({ StreamName: streamName, ShardToSplit: first.shardId, NewStartingHashKey })
      )
    } else {
      await kinesis.send(
        new MergeShardsCommand({
          StreamName: streamName,
          ShardToMerge: first.shardId,
          AdjacentShardToMerge: second.shardId
        })
      )
    }
  }
}

/** In the order of their hash keys. */
async function listShards() {
  const { Shards: shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName: streamName }))
  return shards
    .map(({ ShardId, HashKeyRange, SequenceNumberRange }) => ({
      shardId: ShardId ?? '',
      start: BigInt(HashKeyRange?.StartingHashKey ?? 0),
      end: BigInt(HashKeyRange?.EndingHashKey ?? 0),
      isOpen: SequenceNumberRange?.EndingSequenceNumber === undefined
    }))
    .sort((a, b) => (a.start < b.start ? -1 : 1))
}

async function hashRanges() {
  return new Map((await listShards()).map(shard => [shard.shardId, shard]))
}

/** Until the worker has had every Kinesis record that the engine holds, or time is up. */
async function untilAllIsRead() {
  const deadline = Date.now() + drainTimeoutMs
  const { streams } = await local.inspect.kinesis()
  const held = streams[0]?.records ?? 0
  while (new Set(deliveries.map(({ sequenceNumber }) => sequenceNumber)).size < held) {
    if (Date.now() > deadline) return
    await sleep(200)
  }
}
