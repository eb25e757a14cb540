import type { GetRecordsCommandOutput } from '@aws-sdk/client-kinesis'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { describe, expect, it } from 'vitest'
import { Worker, type WorkerOptions } from '../../consumer/index.ts'
import { resolveOptions } from '../../consumer/options.ts'
import { FakeFanOut } from '../helpers/fake-fan-out.ts'
import { serviceError } from '../helpers/fake-kinesis.ts'
import { TestFleet } from '../helpers/worker-fleet.ts'

const shard0 = 'shardId-000000000000'
const required = {
  applicationName: 'app',
  streamName: 's',
  initialPosition: 'TRIM_HORIZON',
  eachBatch: () => {}
} as const

/** A fleet whose port polls the fleet's stream and subscribes to what the test pushes. */
function fleetOf() {
  const fleet = new TestFleet(1)
  const fanOut = new FakeFanOut()
  fanOut.consumers.set('app', 'ACTIVE')
  const { kinesis } = fleet
  const port: NonNullable<NonNullable<WorkerOptions['kinesis']>['port']> = {
    listShards: input => kinesis.listShards(input),
    getShardIterator: input => kinesis.getShardIterator(input),
    getRecords: (input, options) => kinesis.getRecords(input, options),
    describeStreamSummary: () => fanOut.describeStreamSummary(),
    describeStreamConsumer: input => fanOut.describeStreamConsumer(input),
    registerStreamConsumer: input => fanOut.registerStreamConsumer(input),
    subscribeToShard: (input, options) => fanOut.subscribeToShard(input, options)
  }
  const start = (options: Partial<WorkerOptions> = {}) =>
    fleet.start('w1', { kinesis: { port }, retrieval: { kind: 'fan-out' }, ...options })
  return { fleet, fanOut, kinesis, start }
}

describe('a worker with enhanced fan-out', () => {
  it('reads what is pushed, under its application name, and never polls', async () => {
    const { fleet, fanOut, kinesis, start } = fleetOf()
    const { worker, stop, outcome } = start()
    await fleet.clock.advance(1_000)
    expect(fanOut.last.input).toMatchObject({
      ConsumerARN: 'arn:stream/consumer/app:1',
      ShardId: shard0,
      StartingPosition: { Type: 'TRIM_HORIZON' }
    })
    fanOut.last.push({ 1: 'a', 2: 'b' }, { MillisBehindLatest: 70 })
    fanOut.last.push({ 3: 'c' })
    await fleet.clock.advance(100)
    expect(fleet.texts()).toEqual(['a', 'b', 'c'])
    expect(fleet.checkpointOf(shard0)).toBe('3/0')
    expect(kinesis.reads).toBe(0)
    stop.abort()
    await fleet.clock.advance(100)
    expect(outcome()).toBe('stopped')
    expect(fanOut.last.signal?.aborted).toBe(true)
    expect(worker.stats.readAheadBytes).toBe(0)
  })

  it('39: goes on behind what it read, through ends, takeovers and silence, with nothing twice and no gap', async () => {
    const { fleet, fanOut, start } = fleetOf()
    const stored = Array.from({ length: 40 }, (_, index) => `record ${index + 1}`)
    start()
    let next = 1
    const troubles = [
      () => fanOut.last.end(),
      () => fanOut.last.fail(serviceError('ResourceInUseException', 400)),
      () => fanOut.last.fail(Object.assign(new Error('reset'), { code: 'ECONNRESET' })),
      // Silence until the deadline.
      () => {}
    ]
    for (let round = 0; next <= stored.length; round += 1) {
      await fleet.clock.advance(45_000)
      const position = fanOut.last.input.StartingPosition!
      // As the service: what stands behind the position, and nothing else.
      const from = position.Type === 'TRIM_HORIZON' ? 1 : Number(position.SequenceNumber) + 1
      for (const number of [from, from + 1]) {
        if (number <= stored.length) fanOut.last.push({ [number]: stored[number - 1]! })
      }
      next = from + 2
      await fleet.clock.advance(1_000)
      troubles[round % troubles.length]!()
    }
    expect(fleet.texts()).toEqual(stored)
    expect(fleet.checkpointOf(shard0)).toBe('40/0')
  })

  it('lets go of its subscriptions when it stops, also without reading ahead', async () => {
    const { fleet, fanOut, start } = fleetOf()
    const { stop, outcome } = start({ maxReadAheadBytes: 0 })
    await fleet.clock.advance(1_000)
    fanOut.last.push({ 1: 'a' })
    await fleet.clock.advance(100)
    expect(fleet.texts()).toEqual(['a'])
    stop.abort()
    await fleet.clock.advance(100)
    expect(outcome()).toBe('stopped')
    expect(fanOut.last.signal?.aborted).toBe(true)
  })

  it('does not wait for its consumer when it is told to stop', async () => {
    const { fleet, fanOut, start } = fleetOf()
    fanOut.consumers.set('app', 'CREATING')
    const { stop, outcome } = start()
    await fleet.clock.advance(3_500)
    stop.abort()
    await fleet.clock.advance(100)
    expect(outcome()).toBe('stopped')
    expect(fleet.clock.pending).toBe(0)
    expect(fanOut.subscriptions).toEqual([])
  })

  it('ends when it is denied, and says which right is missing; the lease is free', async () => {
    const { fleet, fanOut, start } = fleetOf()
    fanOut.fail = operation =>
      operation === 'SubscribeToShard' ? serviceError('AccessDeniedException', 400) : undefined
    const { outcome } = start()
    await fleet.clock.advance(2_000)
    expect(outcome()).toMatchObject({ name: 'FanOutUnavailableError', obstacle: 'denied' })
    expect(fleet.table.rows.get(shard0)?.leaseOwner).toBeUndefined()
  })

  it('polls instead where that is allowed, and says so once for each shard', async () => {
    const { fleet, fanOut, kinesis, start } = fleetOf()
    fanOut.consumers.clear()
    kinesis.store(Buffer.from('a'))
    start({ retrieval: { kind: 'fan-out', fallBackToPolling: true } })
    await fleet.clock.advance(5_000)
    expect(fleet.texts()).toEqual(['a'])
    expect(fleet.eventsOf('fanOutUnavailable')).toEqual([
      { type: 'fanOutUnavailable', shardId: shard0, obstacle: 'not-registered', workerId: 'w1' }
    ])
  })

  it('registers its consumer where that is allowed, under the name that it is given', async () => {
    const { fleet, fanOut, start } = fleetOf()
    start({ retrieval: { kind: 'fan-out', registerConsumer: true, consumerName: 'other' } })
    await fleet.clock.advance(3_000)
    expect(fanOut.consumers.get('other')).toBe('ACTIVE')
    expect(fanOut.last.input.ConsumerARN).toBe('arn:stream/consumer/other:1')
  })
})

describe('reading ahead', () => {
  /** Reads while a handler hangs with its first batch, under this option. */
  async function readsWhileHanging(maxReadAheadBytes: number | undefined): Promise<number> {
    const fleet = new TestFleet(1)
    for (let count = 0; count < 20; count += 1) fleet.kinesis.store(Buffer.from(`${count}`))
    fleet.start('w1', {
      maxRecordsPerRead: 1,
      eachBatch: () => new Promise<void>(() => {}),
      ...(maxReadAheadBytes === undefined ? {} : { maxReadAheadBytes })
    })
    await fleet.clock.advance(30_000)
    return fleet.kinesis.reads
  }

  it('is on by default, and off with a budget of 0', async () => {
    expect(await readsWhileHanging(undefined)).toBe(5)
    expect(await readsWhileHanging(0)).toBe(1)
  })

  it('stops with the worker, also when a handler is left behind that hangs', async () => {
    const fleet = new TestFleet(1)
    fleet.kinesis.store(Buffer.from('a'))
    const { stop, outcome } = fleet.start('w1', {
      eachBatch: () => new Promise<void>(() => {}),
      shutdownTimeoutMs: 1_000
    })
    await fleet.clock.advance(5_000)
    stop.abort()
    await fleet.clock.advance(10_000)
    expect(outcome()).toBe('stopped')
    const { reads } = fleet.kinesis
    await fleet.clock.advance(60_000)
    expect(fleet.kinesis.reads).toBe(reads)
    expect(fleet.clock.pending).toBe(0)
  })

  it('gives back what is processed, so that a small budget holds nobody up for long', async () => {
    const fleet = new TestFleet(1)
    const mebibyte = 1024 * 1024
    for (let count = 0; count < 10; count += 1) fleet.kinesis.store(Buffer.alloc(mebibyte))
    const { worker } = fleet.start('w1', { maxRecordsPerRead: 1, maxReadAheadBytes: mebibyte })
    await fleet.clock.advance(20_000)
    expect(fleet.handled).toHaveLength(10)
    expect(worker.stats.readAheadBytes).toBeLessThan(mebibyte)
  })

  it('shares one budget between all shards of a worker', async () => {
    const fleet = new TestFleet(2)
    const { kinesis } = fleet
    const mebibyte = 1024 * 1024
    for (const shard of kinesis.shards) {
      for (let count = 0; count < 10; count += 1) kinesis.store(Buffer.alloc(mebibyte - 3), shard)
    }
    const { worker } = fleet.start('w1', {
      maxRecordsPerRead: 1,
      maxReadAheadBytes: 4 * mebibyte,
      eachBatch: () => new Promise<void>(() => {})
    })
    await fleet.clock.advance(60_000)
    // Two in hand, and two ahead of either or both.
    expect(worker.stats.readAheadBytes).toBe(4 * mebibyte)
    expect(kinesis.reads).toBe(4)
  })

  it('27: tells of a shard whose end nobody confirms', async () => {
    const fleet = new TestFleet(1)
    const { kinesis } = fleet
    const getRecords = kinesis.getRecords.bind(kinesis)
    kinesis.getRecords = async (input, options): Promise<GetRecordsCommandOutput> => {
      const { NextShardIterator: _, ...answer } = await getRecords(input, options)
      return answer
    }
    fleet.start('w1')
    await fleet.clock.advance(60_000)
    expect(fleet.eventsOf('shardEndUnconfirmed')[0]).toMatchObject({ shardId: shard0, times: 5 })
    expect(fleet.eventsOf('shardEnded')).toEqual([])
  })
})

describe('the options of retrieval', () => {
  it('are polling and 64 MiB unless told otherwise', () => {
    expect(resolveOptions(required)).toMatchObject({
      retrieval: { kind: 'polling' },
      maxReadAheadBytes: 64 * 1024 * 1024
    })
    expect(resolveOptions({ ...required, retrieval: { kind: 'fan-out' } }).retrieval).toEqual({
      kind: 'fan-out',
      consumerName: 'app',
      consumerArn: undefined,
      registerConsumer: false,
      fallBackToPolling: false
    })
  })

  it.each<[string, Partial<WorkerOptions>]>([
    ['retrieval.kind', { retrieval: { kind: 'push' as 'polling' } }],
    ['retrieval.consumerName', { retrieval: { kind: 'polling', consumerName: 'x' } as never }],
    ['retrieval.consumerName', { retrieval: { kind: 'fan-out', consumerName: '' } }],
    ['retrieval.consumerArn', { retrieval: { kind: 'fan-out', consumerArn: 'a', consumerName: 'b' } }],
    ['retrieval.consumerArn', { retrieval: { kind: 'fan-out', consumerArn: 'a', registerConsumer: true } }],
    ['retrieval.registerConsumer', { retrieval: { kind: 'fan-out', registerConsumer: 1 as never } }],
    ['retrieval.fallBackToPolling', { retrieval: { kind: 'fan-out', fallBackToPolling: 'no' as never } }],
    ['kinesis.port', { retrieval: { kind: 'fan-out' }, kinesis: { port: new TestFleet(1).kinesis } }],
    ['maxReadAheadBytes', { maxReadAheadBytes: 1_000 }],
    ['maxReadAheadBytes', { maxReadAheadBytes: -1 }]
  ])('name %s when it is wrong', (option, given) => {
    expect(() => resolveOptions({ ...required, ...given })).toThrow(
      expect.objectContaining({ name: 'InvalidOptionError', option })
    )
  })

  it('leave an injected client to whoever injected it', async () => {
    const client = new KinesisClient({
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' }
    })
    let isDestroyed = false
    client.destroy = () => {
      isDestroyed = true
    }
    const sent: string[] = []
    client.send = (async (command: { constructor: { name: string } }) => {
      sent.push(command.constructor.name)
      throw serviceError('ResourceNotFoundException', 400)
    }) as never
    const fleet = new TestFleet(1)
    const worker = new Worker({
      ...required,
      kinesis: { client },
      retrieval: { kind: 'fan-out' },
      leaseTable: fleet.table,
      clock: fleet.clock
    })
    await expect(worker.run()).rejects.toMatchObject({ failure: 'notFound' })
    expect(sent).not.toEqual([])
    expect(isDestroyed).toBe(false)
  })
})
