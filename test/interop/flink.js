// What our producer puts in mode `record`, taken apart and opened by examples/flink as a Flink application would.
// Usage: node flink.js CLASSPATH
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand
} from '@aws-sdk/client-kinesis'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { kmsKeyring } from 'sealstream/crypto'
import { startLocal } from 'sealstream/local'
import { Producer } from 'sealstream/producer'

const [classpath = ''] = process.argv.slice(2)
const example = resolve(import.meta.dirname, '../../examples/flink')
const streamName = 'orders'
const recordCount = 2_000

// For the people who build the package, not for its tests.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
process.exitCode = await main()

/** @returns {Promise<number>} exit code */
async function main() {
  const classes = mkdtempSync(join(tmpdir(), 'sealstream-flink-'))
  const local = await startLocal({ services: ['kinesis', 'kms'] })
  const kinesis = new KinesisClient(local.clientConfig('kinesis'))
  const kms = new KMSClient(local.clientConfig('kms'))
  try {
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
    const keyArn = KeyMetadata?.Arn ?? ''
    await kinesis.send(new CreateStreamCommand({ StreamName: streamName, ShardCount: 2 }))
    const payloads = await putRecords(local, keyArn)
    const records = await storedRecords(kinesis)
    compile(classes)
    const { opened } = await openedBy({ classes, local, keyArn, records, stream: streamName })
    const elsewhere = await openedBy({ classes, local, keyArn, records, stream: 'refunds' })
    const refused = elsewhere.opened.size === 0 && elsewhere.code !== 0
    const missing = [...payloads].filter(payload => !opened.has(payload)).length
    const strangers = [...opened].filter(payload => !payloads.has(payload)).length
    console.log(
      JSON.stringify({ put: payloads.size, kinesisRecords: records.length, missing, strangers, refused })
    )
    return missing + strangers === 0 && payloads.size === recordCount && refused ? 0 : 1
  } finally {
    kinesis.destroy()
    kms.destroy()
    await local.close()
    rmSync(classes, { recursive: true, force: true })
  }
}

/**
 * @param {import('sealstream/local').LocalEngines} local
 * @param {string} keyArn
 * @returns {Promise<Set<string>>} the payloads, in Base64
 */
async function putRecords(local, keyArn) {
  const keyring = kmsKeyring({ keyId: keyArn, clientConfig: local.clientConfig('kms') })
  const producer = new Producer({
    streamName,
    clientConfig: local.clientConfig('kinesis'),
    seal: { keyring, mode: 'record', context: { pipeline: 'shop' } }
  })
  const payloads = Array.from({ length: recordCount }, (_, index) => randomBytes(16 + (index % 500)))
  await Promise.all(payloads.map((data, index) => producer.put({ partitionKey: `key-${index % 97}`, data })))
  await producer.close()
  return new Set(payloads.map(payload => payload.toString('base64')))
}

/** @param {KinesisClient} kinesis */
async function storedRecords(kinesis) {
  const { Shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName: streamName }))
  const records = []
  for (const { ShardId } of Shards) {
    let { ShardIterator: iterator } = await kinesis.send(
      new GetShardIteratorCommand({ StreamName: streamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' })
    )
    for (;;) {
      const {
        Records = [],
        NextShardIterator,
        MillisBehindLatest
      } = await kinesis.send(new GetRecordsCommand({ ShardIterator: iterator }))
      records.push(...Records)
      if (NextShardIterator === undefined || (Records.length === 0 && MillisBehindLatest === 0)) break
      iterator = NextShardIterator
    }
  }
  return records
}

/** @param {string} classes folder for what is compiled */
function compile(classes) {
  const sources = readdirSync(example)
    .filter(file => file.endsWith('.java'))
    .map(file => join(example, file))
  // What Managed Service for Apache Flink runs.
  const options = ['--release', '11', '-cp', classpath, '-d', classes]
  const { status, stderr } = spawnSync('javac', [...options, ...sources], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`examples/flink does not compile:\n${stderr}`)
}

/**
 * @param {object} given
 * @param {string} given.classes
 * @param {import('sealstream/local').LocalEngines} given.local
 * @param {string} given.keyArn
 * @param {readonly import('@aws-sdk/client-kinesis')._Record[]} given.records
 * @param {string} given.stream that messages have to be bound to
 * @returns {Promise<{ opened: Set<string>, code: number | null }>} what it printed, and how it ended
 */
async function openedBy({ classes, local, keyArn, records, stream }) {
  const { endpoint, region, credentials } = local.clientConfig('kms')
  const child = spawn(
    'java',
    ['-Xmx256m', '-cp', [classes, classpath].join(delimiter), 'OpenedRecords', keyArn, 'shop', stream],
    {
      stdio: ['pipe', 'pipe', stream === streamName ? 'inherit' : 'ignore'],
      env: {
        PATH: process.env.PATH,
        AWS_ENDPOINT_URL_KMS: String(endpoint),
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey
      }
    }
  )
  // One that refuses does not read to the end.
  child.stdin.on('error', () => {})
  for (const { PartitionKey, SequenceNumber, Data } of records) {
    child.stdin.write(`${PartitionKey} ${SequenceNumber} ${Buffer.from(Data ?? []).toString('base64')}\n`)
  }
  child.stdin.end()
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
  return { opened: new Set(output.split('\n').filter(line => line !== '')), code }
}
