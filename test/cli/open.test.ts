import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Worker } from '../../consumer/index.ts'
import { AggregatedRecordBuilder } from '../../core/aggregated-record.ts'
import { rawAesKeyring } from '../../crypto/index.ts'
import { DeliveryStreamSink } from '../../firehose/index.ts'
import { clientConfigOf, createPipeline, embeddedEngine, type PipelinePlan } from '../../pipeline/index.ts'
import { launchCommand, makeCommandFolder, type Outcome, outcome } from '../helpers/command.ts'
import { openLocal } from '../helpers/local.ts'

const folder = makeCommandFolder()
const key = randomBytes(32)
writeFileSync(join(folder, 'key'), key)
writeFileSync(join(folder, 'other-key'), randomBytes(32))
const keyring = rawAesKeyring({ namespace: 'n', name: 'k', key })
const rawKey = ['--stream', 's', '--raw-key', 'key', '--raw-key-name', 'n/k']

async function sealed(data: Uint8Array | string, context = {}): Promise<Buffer> {
  const sealer = keyring.createSealer({ streamName: 's', context })
  try {
    return Buffer.from(await sealer.seal(Buffer.from(data as string)))
  } finally {
    sealer.close()
  }
}

function aggregateOf(...parts: readonly (Uint8Array | string)[]): Buffer {
  const builder = new AggregatedRecordBuilder()
  for (const part of parts) builder.add('key', undefined, Buffer.from(part as string))
  return builder.encode()
}

const lines = (...records: readonly Buffer[]): string =>
  records.map(record => `${record.toString('base64')}\n`).join('')

function open(args: readonly string[], input?: string | Buffer): Promise<Outcome> {
  const child = launchCommand(folder, ['open', ...args])
  child.stdin!.end(input ?? '')
  return outcome(child)
}

describe('sealstream open', { timeout: 60_000 }, () => {
  it('writes the user records of sealed aggregates, and of aggregates of sealed records, as lines', async () => {
    const input = lines(
      await sealed(aggregateOf('a', 'b\n')),
      aggregateOf(await sealed('c'), await sealed('d')),
      await sealed('e')
    )
    const { stdout, stderr, code } = await open(['--input', '-', ...rawKey], input)
    expect(stdout).toBe('a\nb\nc\nd\ne\n')
    expect(stderr).toBe('sealstream: 5 user records from 3 lines; 0 not opened\n')
    expect(code).toBe(0)
  })

  it('reads every object of a folder, compressed or not, and writes a file that is its owner’s alone', async () => {
    mkdirSync(join(folder, 'objects/2026/07'), { recursive: true })
    writeFileSync(join(folder, 'objects/2026/07/1.gz'), gzipSync(lines(await sealed('a'))))
    // Unpacked, under the name that it had.
    writeFileSync(join(folder, 'objects/2026/07/2.gz'), lines(await sealed('b')))
    writeFileSync(join(folder, 'objects/2026/07/empty'), '')
    writeFileSync(join(folder, 'objects/3'), lines(await sealed('c')))
    const { stdout, code } = await open(['--input', 'objects', '--output', 'opened', ...rawKey])
    expect(code).toBe(0)
    expect(stdout).toBe('')
    expect(readFileSync(join(folder, 'opened'), 'utf8')).toBe('a\nb\nc\n')
    expect(statSync(join(folder, 'opened')).mode & 0o777).toBe(0o600)
  })

  it('stops at a line that cannot be opened, and names it and its fault, not what it holds', async () => {
    const input = lines(await sealed('a'), Buffer.from('secret plaintext'), await sealed('b'))
    const { stdout, stderr, code } = await open(['--input', '-', ...rawKey], input)
    expect(stdout).toBe('a\n')
    expect(stderr).toBe('sealstream: standard input line 2: SEALSTREAM_PLAINTEXT_REFUSED\n')
    expect(code).toBe(1)
  })

  it('passes over such lines when told to, and still says so in its exit code', async () => {
    const altered = await sealed('x')
    altered[altered.length - 1]! ^= 1
    const input = `${lines(altered, await sealed('two\nlines'))}not base64\n${lines(await sealed('b'))}`
    const { stdout, stderr, code } = await open(['--input', '-', '--on-bad-line', 'skip', ...rawKey], input)
    expect(stdout).toBe('b\n')
    expect(stderr.split('\n')).toEqual([
      'sealstream: standard input line 1: SEALSTREAM_AUTHENTICATION_FAILED',
      'sealstream: standard input line 2: several lines',
      'sealstream: standard input line 3: not base64',
      'sealstream: 2 user records from 4 lines; 3 not opened',
      ''
    ])
    expect(code).toBe(1)
  })

  it('checks the context, and the key', async () => {
    const input = lines(await sealed('a', { tenant: 't1' }))
    const withContext = (value: string) =>
      open(['--input', '-', ...rawKey, '--context', `tenant=${value}`], input)
    expect((await withContext('t1')).stdout).toBe('a\n')
    const other = await withContext('t2')
    expect(other.stderr).toContain('SEALSTREAM_CONTEXT_MISMATCH')
    expect(other.code).toBe(1)
    const wrongKey = await open(['--input', '-', ...rawKey.with(3, 'other-key')], input)
    expect(wrongKey.stderr).toMatch(/line 1: SEALSTREAM_/)
    expect(wrongKey.stdout).toBe('')
  })

  it('writes binary records as base64, and plaintext when told to accept it', async () => {
    const data = Buffer.from([0x0a, 0xff, 0x0a])
    const { stdout, code } = await open(
      ['--input', '-', '--format', 'base64', '--accept-plaintext', ...rawKey],
      lines(await sealed(data), data)
    )
    expect(stdout).toBe(lines(data, data))
    expect(code).toBe(0)
  })

  it.each([
    [[], '--input is missing'],
    [['--input', 'missing', ...rawKey], '--input missing: cannot be read (ENOENT)'],
    [['--input', '-'], '--stream is missing'],
    [['--input', '-', '--stream', 's'], 'exactly one of --key-id and --raw-key'],
    [['--input', '-', '--stream', 's', '--key-id', 'k', '--raw-key', 'key'], 'exactly one of --key-id'],
    [['--input', '-', '--stream', 's', '--raw-key', 'key'], '--raw-key-name: expected NAMESPACE/NAME'],
    [['--input', '-', ...rawKey.with(3, 'no-key')], '--raw-key no-key: cannot be read'],
    [['--input', '-', ...rawKey, '--context', 'x'], '--context: expected NAME=VALUE'],
    [['--input', '-', ...rawKey, '--format', 'csv'], '--format: expected lines, base64'],
    [['--input', '-', ...rawKey, '--config', 'plan.json'], '--config says which stream and key'],
    [['--input', '-', ...rawKey, '--engine', 'endpoint'], '--engine endpoint needs --endpoint URL'],
    [['--input', '-', ...rawKey, '--engine', 'localstack'], '--engine localstack needs SEALSTREAM_ENDPOINT'],
    [['--input', '-', ...rawKey, '--output', 'no/such/folder'], '--output no/such/folder: cannot be written']
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await open(args)
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })

  it('reads back what a worker without any key delivered', async () => {
    const plan: PipelinePlan = {
      name: 'orders',
      stream: { shards: 1 },
      destinations: [{ kind: 's3', bufferIntervalSeconds: 1 }]
    }
    writeFileSync(join(folder, 'plan.json'), JSON.stringify(plan))
    const outputFolder = join(folder, 'delivered')
    const local = await openLocal({ outputFolder })
    const engine = embeddedEngine(local)
    const pipeline = createPipeline(plan, { engine })
    onTestFinished(() => pipeline.close())
    await pipeline.provision()
    const producer = pipeline.createProducer()
    const texts = Array.from({ length: 300 }, (_, index) => JSON.stringify({ index }))
    await producer.putAll(texts.map(text => ({ partitionKey: text, data: Buffer.from(text) })))
    await producer.close()
    const [destination] = pipeline.plan.destinations
    const sink = new DeliveryStreamSink({
      deliveryStreamName: destination!.deliveryStreamName,
      deliver: 'ciphertext',
      clientConfig: clientConfigOf(engine, 'firehose')
    })
    const worker = new Worker({
      applicationName: 'archive',
      streamName: 'orders',
      initialPosition: 'TRIM_HORIZON',
      createTable: true,
      kinesis: { clientConfig: clientConfigOf(engine, 'kinesis') },
      dynamodb: { clientConfig: clientConfigOf(engine, 'dynamodb') },
      open: false,
      sink
    })
    const running = worker.run()
    await expect.poll(() => sink.stats.delivered, { timeout: 20_000 }).toBeGreaterThan(0)
    await worker.shutdown()
    await running
    await local.flushFirehose()
    const stored = join(outputFolder, destination!.bucket)
    const args = ['--input', stored, '--config', 'plan.json', '--engine', 'endpoint', '--endpoint']
    const { stdout, stderr, code } = await open([...args, local.endpoint])
    expect(stderr).toContain('300 user records')
    expect(stdout.trimEnd().split('\n').toSorted()).toEqual(texts.toSorted())
    expect(code).toBe(0)
    const nobody = await open([...args, 'http://127.0.0.1:1'])
    expect(nobody.stdout).toBe('')
    expect(nobody.code).not.toBe(0)
  })
})
