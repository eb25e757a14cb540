// Our producer, and a worker of the Java KCL alone: a stream of plain records and one sealed in mode `record` at the same
// time, explicit hash keys among them, a split and a merge while records are put. What the KCL gave is compared with what was
// put, and with what our own consumer gives of the same stream. Usage: node kcl-readers.js CLASSPATH
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { clientConfigOf, createPipeline, embeddedEngine } from 'sealstream'
import { Worker } from 'sealstream/consumer'
import { kmsKeyring } from 'sealstream/crypto'
import { startLocal } from 'sealstream/local'
import { mergeFirst, splitFirst } from '../fleet/reshard.js'
import { compareReaders } from './compare-readers.js'
import { startJudge } from './judge-process.js'

const classpath = process.argv[2] ?? ''
// For the people who build the package, not for its tests.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
const recordCount = 20_000
const putDurationMs = 20_000
/** On an empty lease table a worker of the KCL waits up to 30 s before it looks for shards. */
const beginTimeoutMs = 60_000
const readTimeoutMs = 40_000
/** What was put again after a reshard may come behind the last new record. */
const behindMs = 1_000

const folder = mkdtempSync(join(tmpdir(), 'sealstream-readers-'))
const local = await startLocal({ outputFolder: join(folder, 'engines') })
const engine = embeddedEngine(local)
const kinesis = new KinesisClient(clientConfigOf(engine, 'kinesis'))
const kms = new KMSClient(clientConfigOf(engine, 'kms'))
/** @type {import('node:child_process').ChildProcess[]} */
const judges = []
try {
  const [plain, sealed] = await Promise.all([judged('plain', 'off'), judged('sealed', 'record')])
  for (const fault of [...plain.faults, ...sealed.faults]) console.error(`FAULT: ${fault}`)
  console.log(JSON.stringify({ plain, sealed }))
  process.exitCode = plain.faults.length + sealed.faults.length === 0 ? 0 : 1
} finally {
  for (const judge of judges) judge.kill('SIGKILL')
  kinesis.destroy()
  kms.destroy()
  await local.close()
  rmSync(folder, { recursive: true, force: true })
}

/**
 * @param {string} name of the pipeline
 * @param {'off' | 'record'} mode of sealing
 */
async function judged(name, mode) {
  const pipeline = createPipeline(
    {
      name,
      stream: { shards: 3 },
      sealing: { mode },
      producer: { rateLimitPercent: 1_000_000 }
    },
    { engine }
  )
  await pipeline.provision()
  const log = join(folder, `${name}.log`)
  const judge = startJudge(classpath, 'KclWorker', {
    kinesisEndpoint: clientConfigOf(engine, 'kinesis').endpoint,
    dynamodbEndpoint: clientConfigOf(engine, 'dynamodb').endpoint,
    kmsEndpoint: clientConfigOf(engine, 'kms').endpoint,
    application: pipeline.plan.consumer.applicationName,
    stream: pipeline.plan.stream.name,
    worker: 'kcl',
    log,
    pipeline: name,
    ...(mode === 'off' ? {} : { kms: await arnOf(pipeline.plan.sealing.keyId) })
  })
  judge.stdout.resume()
  judges.push(judge)

  const producer = pipeline.createProducer({ maxBufferedMs: 100 })
  try {
    /** @type {Map<string, string>} text -> partition key */
    const put = new Map()
    await putAll(producer, put, 1_000, 0)
    await until(
      () => readLog(log).length > 0,
      beginTimeoutMs,
      () => judge.exitCode !== null
    )
    for (const reshard of [splitFirst, mergeFirst, undefined]) {
      const count = reshard === undefined ? recordCount : put.size + Math.floor((recordCount - 1_000) / 3)
      // Records are on their way while the shards change.
      const putting = putAll(producer, put, count, putDurationMs / 3)
      await sleep(putDurationMs / 6)
      await reshard?.(kinesis, pipeline.plan.stream.name)
      await putting
    }
    const isComplete = () => new Set(readLog(log).map(({ text }) => text)).size >= put.size
    await until(isComplete, readTimeoutMs, () => judge.exitCode !== null)
    await sleep(behindMs)
    judge.stdin.end()
    return compareReaders(put, readLog(log), await readByOurs(pipeline, put.size))
  } finally {
    await producer.close()
    pipeline.close()
  }
}

/**
 * Puts records at an even pace until there are so many.
 * @param {import('sealstream').Producer} producer
 * @param {Map<string, string>} put
 * @param {number} count
 * @param {number} durationMs
 */
async function putAll(producer, put, count, durationMs) {
  /** @type {Promise<unknown>[]} */
  const puts = []
  const from = put.size
  const started = Date.now()
  while (put.size < count) {
    const due =
      durationMs === 0 ? count : from + Math.ceil(((Date.now() - started) / durationMs) * (count - from))
    while (put.size < Math.min(count, due)) {
      const n = put.size
      const partitionKey = `schlüssel-${n % 500}`
      const text = `r${n} größe 値 ${'x'.repeat(n % 200)}`
      put.set(text, partitionKey)
      const explicitHashKey = n % 5 === 0 ? { explicitHashKey: hashKeyOf(n) } : {}
      puts.push(producer.put({ partitionKey, ...explicitHashKey, data: Buffer.from(text) }))
    }
    await sleep(20)
  }
  await Promise.all(puts)
}

/**
 * All over the range, its first and its last key among them.
 * @param {number} n
 */
function hashKeyOf(n) {
  const last = 2n ** 128n - 1n
  return String(n % 1_000 === 995 ? last : (last / 199n) * (BigInt(n / 5) % 199n))
}

/**
 * What our own consumer gives of the whole stream, by an application of its own.
 * @param {import('sealstream').Pipeline} pipeline
 * @param {number} count of different records that have to come
 */
async function readByOurs({ plan }, count) {
  /** @type {import('./compare-readers.js').Given[]} */
  const given = []
  const texts = new Set()
  const stop = new AbortController()
  const open = {
    keyring: kmsKeyring({ keyId: plan.sealing.keyId, clientConfig: clientConfigOf(engine, 'kms') }),
    context: { pipeline: plan.name }
  }
  const worker = new Worker({
    workerId: 'own',
    applicationName: `${plan.consumer.applicationName}-own`,
    streamName: plan.stream.name,
    initialPosition: 'TRIM_HORIZON',
    idleTimeBetweenReadsMs: 250,
    createTable: true,
    kinesis: { clientConfig: clientConfigOf(engine, 'kinesis') },
    dynamodb: { clientConfig: clientConfigOf(engine, 'dynamodb') },
    ...(plan.sealing.mode === 'off' ? {} : { open }),
    eachBatch: records => {
      for (const { data, ...place } of records) {
        const text = Buffer.from(data).toString('utf8')
        texts.add(text)
        given.push({ ...place, text })
      }
    }
  })
  const running = worker.run({ signal: stop.signal })
  await until(
    () => texts.size >= count,
    readTimeoutMs,
    () => false
  )
  await sleep(behindMs)
  stop.abort()
  await running
  return given
}

/**
 * What the KCL's worker wrote down, in the order in which it was given it.
 * @param {string} log
 * @returns {import('./compare-readers.js').Given[]}
 */
function readLog(log) {
  if (!existsSync(log)) return []
  return readFileSync(log, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line))
    .filter(({ type }) => type === 'process')
    .flatMap(({ shardId, records }) =>
      records.map(
        (
          /** @type {[string, string, number, string, string | null]} */ [
            text,
            sequenceNumber,
            subSequenceNumber,
            partitionKey,
            explicitHashKey
          ]
        ) => ({
          shardId,
          sequenceNumber,
          subSequenceNumber,
          partitionKey,
          explicitHashKey: explicitHashKey ?? undefined,
          text
        })
      )
    )
}

/** @param {string} keyId */
async function arnOf(keyId) {
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: keyId }))
  return KeyMetadata?.Arn ?? ''
}

/**
 * Waits for something, in vain when time is up or nothing can come any more.
 * @param {() => boolean} isDone
 * @param {number} timeoutMs
 * @param {() => boolean} isHopeless
 */
async function until(isDone, timeoutMs, isHopeless) {
  const deadline = Date.now() + timeoutMs
  while (!isDone() && !isHopeless() && Date.now() < deadline) await sleep(500)
}
