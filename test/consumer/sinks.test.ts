import { randomBytes } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { replayDeadLetters, Worker, type WorkerOptions } from '../../consumer/index.ts'
import { AggregatedRecordBuilder } from '../../core/aggregated-record.ts'
import { ErrorCode, SealstreamError } from '../../core/errors.ts'
import type { RecordSink } from '../../core/record-sink.ts'
import type { ConsumedRecord } from '../../core/user-record.ts'
import { rawAesKeyring } from '../../crypto/index.ts'
import { DeliveryStreamSink, type DeliveryStreamSinkOptions } from '../../firehose/index.ts'
import { aDeadLetter, MemoryDeadLetters } from '../helpers/dead-letters.ts'
import { FakeFirehose, failing } from '../helpers/fake-firehose.ts'
import { serviceError } from '../helpers/fake-kinesis.ts'
import { MemoryLeaseTable } from '../helpers/memory-lease-table.ts'
import { TestFleet } from '../helpers/worker-fleet.ts'

const shard0 = 'shardId-000000000000'
const textOf = ({ data }: ConsumedRecord): string => Buffer.from(data).toString()

function aggregateOf(...texts: readonly string[]): Buffer {
  const builder = new AggregatedRecordBuilder()
  for (const text of texts) builder.add('key', undefined, Buffer.from(text))
  return builder.encode()
}

function start(sinkOptions: Partial<DeliveryStreamSinkOptions> = {}) {
  const fleet = new TestFleet()
  const put = (...texts: readonly string[]): string[] =>
    texts.map(text => fleet.kinesis.store(Buffer.from(text), fleet.kinesis.shards[0]!))
  const add = (workerId: string, firehose: FakeFirehose, options: Partial<WorkerOptions> = {}) => {
    const sink = new DeliveryStreamSink({
      deliveryStreamName: 'd',
      ...(sinkOptions.deliver === 'ciphertext' ? {} : { framing: 'lines' }),
      firehose,
      clock: fleet.clock,
      random: () => 0.5,
      ...sinkOptions
    })
    const running = fleet.start(workerId, { sink, ...options })
    onTestFinished(async () => {
      running.stop.abort()
      await fleet.clock.advance(120_000)
      expect(running.outcome()).toBeDefined()
      const { read, processed, deadLettered, filtered, inHand } = running.worker.stats
      expect({ inHand, read }).toEqual({ inHand: 0, read: processed + deadLettered + filtered })
      const { offered, delivered, undeliverable, failed, inFlight } = sink.stats
      expect({ inFlight, offered }).toEqual({ inFlight: 0, offered: delivered + undeliverable + failed })
    })
    return { ...running, sink }
  }
  return { fleet, put, add }
}

describe('open: false', () => {
  it('hands each Kinesis record on as it was received, aggregates whole, and needs no key', async () => {
    const fleet = new TestFleet()
    const keyring = rawAesKeyring({ namespace: 'n', name: 'k', key: randomBytes(32) })
    const sealer = keyring.createSealer({ streamName: 's' })
    const sealed = await sealer.seal(aggregateOf('a', 'b'))
    sealer.close()
    const stored = [aggregateOf('c', 'd'), sealed, Buffer.from('plain')]
    for (const data of stored) fleet.kinesis.store(data)
    const seen: ConsumedRecord[] = []
    const { stop } = fleet.start('w1', { open: false, eachBatch: records => void seen.push(...records) })
    await fleet.clock.advance(2_000)
    expect(seen.map(({ data }) => Buffer.from(data))).toEqual(stored.map(data => Buffer.from(data)))
    expect(seen.map(({ subSequenceNumber, partitionKey }) => [subSequenceNumber, partitionKey])).toEqual(
      stored.map(() => [0, 'key'])
    )
    expect(fleet.checkpointOf(shard0)).toBe('3/0')
    stop.abort()
    await fleet.clock.advance(1_000)
  })

  it('delivers one line of base64 for each of them', async () => {
    const { fleet, add } = start({ deliver: 'ciphertext' })
    const stored = [aggregateOf('a', 'b'), Buffer.from([0x0a, 0xff])]
    for (const data of stored) fleet.kinesis.store(data)
    const firehose = new FakeFirehose()
    add('w1', firehose, { open: false })
    await fleet.clock.advance(2_000)
    expect(firehose.stored).toEqual(stored.map(data => `${data.toString('base64')}\n`))
    expect(fleet.checkpointOf(shard0)).toBe('2/0')
  })

  it('is refused with a sink that takes user records, and needed by one that takes Kinesis records', () => {
    const sinkOf = (deliver: 'plaintext' | 'ciphertext') =>
      new DeliveryStreamSink({
        deliveryStreamName: 'd',
        deliver,
        ...(deliver === 'plaintext' ? { framing: 'lines' } : {}),
        firehose: new FakeFirehose()
      })
    const keyring = rawAesKeyring({ namespace: 'n', name: 'k', key: randomBytes(32) })
    const worker = { applicationName: 'app', streamName: 's', initialPosition: 'LATEST' } as const
    const refused = expect.objectContaining({ code: 'SEALSTREAM_INVALID_OPTION', option: 'open' })
    expect(() => new Worker({ ...worker, sink: sinkOf('plaintext'), open: false })).toThrow(refused)
    expect(() => new Worker({ ...worker, sink: sinkOf('ciphertext'), open: { keyring } })).toThrow(refused)
    expect(() => new Worker({ ...worker, sink: sinkOf('ciphertext') })).toThrow(refused)
  })

  it('replays dead letters as they were received, under the same condition', async () => {
    const firehose = new FakeFirehose()
    const data = aggregateOf('a', 'b')
    const source = new MemoryDeadLetters([aDeadLetter({ data, sequenceNumber: '1' })])
    const sink = new DeliveryStreamSink({ deliveryStreamName: 'd', deliver: 'ciphertext', firehose })
    await expect(replayDeadLetters({ source, streamName: 's', sink })).rejects.toMatchObject({
      option: 'open'
    })
    expect(await replayDeadLetters({ source, streamName: 's', sink, open: false })).toMatchObject({
      replayed: 1,
      userRecords: 1
    })
    expect(firehose.stored).toEqual([`${data.toString('base64')}\n`])
  })
})

describe('acknowledgement', () => {
  it('does not wait for a buffer: the shard is read on, and the mark follows', async () => {
    const { fleet, put, add } = start({ maxBufferedMs: 5_000 })
    const firehose = new FakeFirehose()
    const { sink } = add('w1', firehose)
    for (const text of ['a', 'b', 'c', 'd']) {
      put(text)
      await fleet.clock.advance(1_000)
    }
    expect(sink.stats.inFlight).toBe(4)
    expect(fleet.checkpointOf(shard0)).toBe('TRIM_HORIZON/0')
    await fleet.clock.advance(5_000)
    expect(firehose.requests).toEqual([['a\n', 'b\n', 'c\n', 'd\n']])
    expect(fleet.checkpointOf(shard0)).toBe('4/0')
  })

  it('holds reading back while the stream takes nothing', async () => {
    const { fleet, add } = start({ maxBufferedMs: 0, maxBufferedBytes: 8_388_608 })
    const firehose = new FakeFirehose()
    const isDown = { now: true }
    firehose.script = () => (isDown.now ? serviceError('ServiceUnavailableException', 503) : undefined)
    for (let count = 0; count < 60; count += 1) fleet.kinesis.store(Buffer.alloc(1_000_000, 'x'))
    const { sink } = add('w1', firehose, { maxRecordsPerRead: 4, maxReadAheadBytes: 1_048_576 })
    await fleet.clock.advance(60_000)
    expect(sink.stats.bufferedBytes).toBeLessThanOrEqual(8_388_608)
    const { offered } = sink.stats
    // As much as one shard may have in hand, to the batch.
    expect(offered).toBeLessThanOrEqual(20)
    const { reads } = fleet.kinesis
    await fleet.clock.advance(60_000)
    expect(sink.stats.offered).toBe(offered)
    expect(fleet.kinesis.reads).toBe(reads)
    isDown.now = false
    await fleet.clock.advance(60_000)
    expect(firehose.stored).toHaveLength(60)
    expect(fleet.checkpointOf(shard0)).toBe('60/0')
  })

  it('moves the mark into a batch that takes its time, up to its first record without a RecordId', async () => {
    const { fleet, put, add } = start()
    const firehose = new FakeFirehose()
    const isStuck = { c: true, e: true }
    firehose.script = texts =>
      failing(texts, text => (text === 'c\n' && isStuck.c) || (text === 'e\n' && isStuck.e))
    put('a', 'b', 'c', 'd', 'e', 'f')
    add('w1', firehose)
    await fleet.clock.advance(3_000)
    expect(firehose.stored.toSorted()).toEqual(['a\n', 'b\n', 'd\n', 'f\n'])
    isStuck.c = false
    await fleet.clock.advance(6_000)
    expect(fleet.checkpointOf(shard0)).toBe('4/0')
    isStuck.e = false
    await fleet.clock.advance(6_000)
    expect(fleet.checkpointOf(shard0)).toBe('6/0')
    expect(firehose.stored).toHaveLength(6)
  })

  it('offers again only what lies behind the acknowledged ones when the sink gives up', async () => {
    const { fleet, put, add } = start({ maxElapsedMs: 500 })
    const firehose = new FakeFirehose()
    let isStuck = true
    firehose.script = texts => failing(texts, text => isStuck && text === 'c\n')
    put('a', 'b', 'c', 'd')
    const { sink, worker } = add('w1', firehose)
    await fleet.clock.advance(3_000)
    isStuck = false
    await fleet.clock.advance(20_000)
    expect(firehose.stored.filter(text => text === 'a\n' || text === 'b\n')).toEqual(['a\n', 'b\n'])
    expect(fleet.checkpointOf(shard0)).toBe('4/0')
    expect(worker.stats.processed).toBe(4)
    expect(sink.stats.failed).toBeGreaterThan(0)
  })

  it('keeps what was delivered before the worker was killed out of the books of what comes again', async () => {
    const { fleet, put, add } = start()
    const firehose = new FakeFirehose()
    let isStuck = true
    firehose.script = texts => failing(texts, text => isStuck && text === 'c\n')
    put('a', 'b', 'c', 'd')
    const first = add('w1', firehose, { shutdownTimeoutMs: 2_000 })
    await fleet.clock.advance(2_000)
    first.stop.abort()
    await fleet.clock.advance(5_000)
    expect(first.outcome()).toBe('stopped')
    expect(first.worker.stats).toMatchObject({ read: 2, processed: 2 })
    isStuck = false
    add('w2', firehose)
    await fleet.clock.advance(30_000)
    expect(new Set(firehose.stored)).toEqual(new Set(['a\n', 'b\n', 'c\n', 'd\n']))
    expect(fleet.checkpointOf(shard0)).toBe('4/0')
  })

  it('leaves duplicates and no gaps when a worker dies between the put and the checkpoint', async () => {
    const { fleet, put, add } = start()
    const dead = { now: false }
    const table = new MemoryLeaseTable()
    table.rows = fleet.table.rows
    table.fail = () => (dead.now ? serviceError('ServiceUnavailable', 503) : undefined)
    const firehose = new FakeFirehose()
    firehose.script = texts => {
      if (texts.includes('c\n')) dead.now = true
      return undefined
    }
    put('a', 'b')
    add('w1', firehose, { leaseTable: table })
    await fleet.clock.advance(2_000)
    put('c', 'd')
    await fleet.clock.advance(2_000)
    expect(firehose.stored).toEqual(['a\n', 'b\n', 'c\n', 'd\n'])
    expect(fleet.checkpointOf(shard0)).toBe('2/0')
    const next = new FakeFirehose()
    put('e')
    add('w2', next)
    await fleet.clock.advance(40_000)
    expect(next.stored).toEqual(['c\n', 'd\n', 'e\n'])
    expect(fleet.checkpointOf(shard0)).toBe('5/0')
  })
})

describe('the end', () => {
  it('of a worker does not wait for the age of the buffer', async () => {
    const { fleet, put, add } = start({ maxBufferedMs: 60_000 })
    const firehose = new FakeFirehose()
    put('a', 'b')
    const { stop, outcome } = add('w1', firehose)
    await fleet.clock.advance(2_000)
    expect(firehose.stored).toEqual([])
    stop.abort()
    await fleet.clock.advance(1_000)
    expect(outcome()).toBe('stopped')
    expect(firehose.stored).toEqual(['a\n', 'b\n'])
    expect(fleet.checkpointOf(shard0)).toBe('2/0')
  })

  it('of a shard does not wait for it either', async () => {
    const { fleet, put, add } = start({ maxBufferedMs: 60_000 })
    const firehose = new FakeFirehose()
    put('a', 'b')
    fleet.kinesis.split(fleet.kinesis.shards[0]!)
    add('w1', firehose)
    await fleet.clock.advance(5_000)
    expect(firehose.stored).toEqual(['a\n', 'b\n'])
    expect(fleet.checkpointOf(shard0)).toBe('SHARD_END/0')
  })

  it('is not held up by a flush that fails', async () => {
    const fleet = new TestFleet()
    fleet.kinesis.store(Buffer.from('a'))
    const seen: string[] = []
    const sink: RecordSink = {
      async deliver(records) {
        seen.push(...records.map(textOf))
        return []
      },
      flush: () => Promise.reject(new SealstreamError(ErrorCode.closed, 'no')),
      async close() {}
    }
    const { stop, outcome } = fleet.start('w1', { sink })
    await fleet.clock.advance(2_000)
    stop.abort()
    await fleet.clock.advance(1_000)
    expect(outcome()).toBe('stopped')
    expect(seen).toEqual(['a'])
  })
})
