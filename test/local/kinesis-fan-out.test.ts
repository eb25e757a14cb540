import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DeregisterStreamConsumerCommand,
  DescribeStreamConsumerCommand,
  KinesisClient,
  ListStreamConsumersCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  SplitShardCommand,
  type StartingPosition,
  SubscribeToShardCommand,
  type SubscribeToShardEvent
} from '@aws-sdk/client-kinesis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createKinesisClient } from '../../core/kinesis-client.ts'
import type { LocalOptions } from '../../local/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { opened, openLocal } from '../helpers/local.ts'
import { summaryOf } from '../helpers/local-kinesis.ts'

const shard0 = 'shardId-000000000000'

/** An engine on a fake clock with a stream `s` of one shard and a consumer `c`, and clients of both transports. */
async function start(options: LocalOptions = {}) {
  const clock = new FakeClock()
  const local = await openLocal({ clock, ...options })
  const http1 = opened(createKinesisClient(local.clientConfig('kinesis')))
  const http2 = opened(new KinesisClient({ ...local.clientConfig('kinesis'), maxAttempts: 1 }))
  await http1.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
  const { StreamARN: streamArn } = await summaryOf(http1)
  const register = async (ConsumerName: string) =>
    (await http1.send(new RegisterStreamConsumerCommand({ StreamARN: streamArn, ConsumerName }))).Consumer!
  const describeConsumer = async (ConsumerName: string) =>
    (await http1.send(new DescribeStreamConsumerCommand({ StreamARN: streamArn, ConsumerName })))
      .ConsumerDescription!
  const consumerArn = (await register('c')).ConsumerARN!
  const put = (...texts: string[]) =>
    http1.send(
      new PutRecordsCommand({
        StreamName: 's',
        Records: texts.map(text => ({ PartitionKey: 'k', Data: Buffer.from(text) }))
      })
    )
  const subscribe = async (
    position: StartingPosition = { Type: 'TRIM_HORIZON' },
    client = http2,
    stop = new AbortController()
  ): Promise<AsyncIterator<SubscribeToShardEvent>> => {
    onTestFinished(() => stop.abort())
    const { EventStream } = await client.send(
      new SubscribeToShardCommand({ ConsumerARN: consumerArn, ShardId: shard0, StartingPosition: position }),
      { abortSignal: stop.signal }
    )
    const members = (async function* () {
      for await (const { SubscribeToShardEvent: event } of EventStream!) yield event!
    })()
    return members
  }
  return { clock, local, http1, http2, streamArn, register, describeConsumer, consumerArn, put, subscribe }
}

const textsOf = ({ Records }: SubscribeToShardEvent): string[] =>
  (Records ?? []).map(({ Data }) => Buffer.from(Data!).toString())

async function nextOf(events: AsyncIterator<SubscribeToShardEvent>): Promise<SubscribeToShardEvent> {
  const { value, done } = await events.next()
  if (done) throw new Error('the subscription ended')
  return value
}

describe('consumers of a stream', () => {
  it('are registered, described by name and by ARN, listed in pages, counted and deregistered', async () => {
    const { http1, streamArn, register, describeConsumer, consumerArn } = await start()
    await register('a')
    expect(await describeConsumer('c')).toMatchObject({
      ConsumerName: 'c',
      ConsumerARN: consumerArn,
      ConsumerStatus: 'ACTIVE',
      StreamARN: streamArn,
      ConsumerCreationTimestamp: expect.any(Date)
    })
    expect(consumerArn).toMatch(/:stream\/s\/consumer\/c:\d{10}$/)
    const byArn = await http1.send(new DescribeStreamConsumerCommand({ ConsumerARN: consumerArn }))
    expect(byArn.ConsumerDescription?.ConsumerName).toBe('c')
    const first = await http1.send(new ListStreamConsumersCommand({ StreamARN: streamArn, MaxResults: 1 }))
    const second = await http1.send(
      new ListStreamConsumersCommand({ StreamARN: streamArn, MaxResults: 1, NextToken: first.NextToken })
    )
    expect([first, second].map(({ Consumers }) => Consumers?.map(c => c.ConsumerName))).toEqual([
      ['a'],
      ['c']
    ])
    expect(second.NextToken).toBeUndefined()
    expect((await summaryOf(http1)).ConsumerCount).toBe(2)
    await http1.send(new DeregisterStreamConsumerCommand({ ConsumerARN: consumerArn }))
    await expect(describeConsumer('c')).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    expect((await summaryOf(http1)).ConsumerCount).toBe(1)
  })

  it('are CREATING, then ACTIVE, then DELETING for the delay, and cannot subscribe before', async () => {
    const { clock, http1, describeConsumer, consumerArn, subscribe } = await start({ statusDelayMs: 500 })
    const status = async () => (await describeConsumer('c')).ConsumerStatus
    expect(await status()).toBe('CREATING')
    await expect(subscribe()).rejects.toMatchObject({ name: 'ResourceInUseException' })
    await clock.advance(500)
    expect(await status()).toBe('ACTIVE')
    await http1.send(new DeregisterStreamConsumerCommand({ ConsumerARN: consumerArn }))
    expect(await status()).toBe('DELETING')
    await clock.advance(500)
    await expect(status()).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })

  it('are refused under a name that is taken or wrong, for another stream, and beyond 20', async () => {
    const { http1, streamArn, register } = await start()
    await expect(register('c')).rejects.toMatchObject({ name: 'ResourceInUseException' })
    await expect(register('no spaces')).rejects.toMatchObject({ name: 'ValidationException' })
    await expect(
      http1.send(new RegisterStreamConsumerCommand({ StreamARN: `${streamArn}-other`, ConsumerName: 'x' }))
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    for (let count = 1; count < 20; count += 1) await register(`c${count}`)
    await expect(register('one-more')).rejects.toMatchObject({ name: 'LimitExceededException' })
  })

  it('are created five at a time', async () => {
    const { clock, register } = await start({ statusDelayMs: 500 })
    for (let count = 1; count < 5; count += 1) await register(`c${count}`)
    await expect(register('one-more')).rejects.toMatchObject({ name: 'LimitExceededException' })
    await clock.advance(500)
    await register('one-more')
  })
})

describe('SubscribeToShard', () => {
  it.each(['http2', 'http1'] as const)('pushes records as they arrive, over %s', async transport => {
    const engine = await start()
    await engine.put('before')
    const events = await engine.subscribe({ Type: 'TRIM_HORIZON' }, engine[transport])
    const first = await nextOf(events)
    expect(textsOf(first)).toEqual(['before'])
    expect(first).toMatchObject({
      MillisBehindLatest: 0,
      ContinuationSequenceNumber: first.Records![0]!.SequenceNumber
    })
    expect(first.Records![0]).toMatchObject({
      PartitionKey: 'k',
      ApproximateArrivalTimestamp: expect.any(Date)
    })
    const waiting = nextOf(events)
    await engine.put('a', 'b')
    expect(textsOf(await waiting)).toEqual(['a', 'b'])
  })

  it('begins at each kind of position', async () => {
    const { clock, put, subscribe } = await start()
    const { Records: [a] = [] } = await put('a')
    await clock.advance(60_000)
    const Timestamp = new Date(clock.wallTime())
    await put('b')
    const SequenceNumber = a!.SequenceNumber!
    for (const [position, expected] of [
      [{ Type: 'TRIM_HORIZON' }, ['a', 'b']],
      [{ Type: 'LATEST' }, []],
      [{ Type: 'AT_TIMESTAMP', Timestamp }, ['b']],
      [{ Type: 'AT_SEQUENCE_NUMBER', SequenceNumber }, ['a', 'b']],
      [{ Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber }, ['b']]
    ] as const) {
      await clock.advance(5_000)
      expect(textsOf(await nextOf(await subscribe(position)))).toEqual(expected)
    }
    await clock.advance(5_000)
    await expect(subscribe({ Type: 'AT_SEQUENCE_NUMBER', SequenceNumber: '1' })).rejects.toMatchObject({
      name: 'InvalidArgumentException'
    })
  })

  it('sends an empty event every 5 s, whose continuation number goes on where it stands', async () => {
    const { clock, put, subscribe } = await start()
    const events = await subscribe({ Type: 'LATEST' })
    const first = await nextOf(events)
    expect(first).toMatchObject({ Records: [], MillisBehindLatest: 0 })
    const waiting = nextOf(events)
    await clock.advance(5_000)
    const { ContinuationSequenceNumber, Records } = await waiting
    expect(Records).toEqual([])
    await put('after')
    expect(textsOf(await nextOf(events))).toEqual(['after'])
    const again = await subscribe({
      Type: 'AFTER_SEQUENCE_NUMBER',
      SequenceNumber: ContinuationSequenceNumber!
    })
    expect(textsOf(await nextOf(again))).toEqual(['after'])
  })

  it('ends after five minutes, or when it was told to', async () => {
    for (const [options, lifeMs] of [
      [{}, 300_000],
      [{ subscriptionLifeMs: 7_000 }, 7_000]
    ] as const) {
      const { clock, subscribe } = await start(options)
      const events = await subscribe()
      let ended = false
      const reading = (async () => {
        for (;;) if ((await events.next()).done) break
        ended = true
      })()
      await clock.advance(lifeMs - 1)
      expect(ended).toBe(false)
      await clock.advance(1)
      await reading
      expect(ended).toBe(true)
    }
  })

  it('is refused within 5 s of the one before; then it takes over, and the old one ends with an exception', async () => {
    const { clock, put, subscribe } = await start()
    const old = await subscribe()
    await nextOf(old)
    await clock.advance(4_999)
    await expect(subscribe()).rejects.toMatchObject({ name: 'ResourceInUseException' })
    await clock.advance(1)
    const events = await subscribe()
    await expect(
      (async () => {
        for (;;) if ((await old.next()).done) return
      })()
    ).rejects.toMatchObject({ name: 'ResourceInUseException' })
    await nextOf(events)
    await put('a')
    expect(textsOf(await nextOf(events))).toEqual(['a'])
  })

  it('ends with the shard: the last event has no continuation number and names the children', async () => {
    const { http1, put, subscribe } = await start()
    const events = await subscribe()
    await nextOf(events)
    await put('last')
    expect(textsOf(await nextOf(events))).toEqual(['last'])
    await http1.send(
      new SplitShardCommand({
        StreamName: 's',
        ShardToSplit: shard0,
        NewStartingHashKey: String(2n ** 127n)
      })
    )
    const end = await nextOf(events)
    expect(end.ContinuationSequenceNumber).toBeUndefined()
    expect(end.ChildShards).toMatchObject([
      { ShardId: 'shardId-000000000001', ParentShards: [shard0], HashKeyRange: { StartingHashKey: '0' } },
      { ShardId: 'shardId-000000000002', ParentShards: [shard0] }
    ])
    expect((await events.next()).done).toBe(true)
  })

  it('cuts what is stored into events of at most 1 MiB', async () => {
    const { put, subscribe } = await start()
    const large = 'x'.repeat(600 * 1024)
    await put(large, large, large)
    const events = await subscribe()
    expect(
      [await nextOf(events), await nextOf(events), await nextOf(events)].map(event => textsOf(event).length)
    ).toEqual([1, 1, 1])
  })

  it.each([
    [
      'the consumer is deregistered',
      async (e: Awaited<ReturnType<typeof start>>) =>
        void (await e.http1.send(new DeregisterStreamConsumerCommand({ ConsumerARN: e.consumerArn })))
    ],
    [
      'the stream is deleted',
      async (e: Awaited<ReturnType<typeof start>>) =>
        void (await e.http1.send(new DeleteStreamCommand({ StreamName: 's', EnforceConsumerDeletion: true })))
    ]
  ])('ends with an exception when %s', async (_, end) => {
    const engine = await start()
    const events = await engine.subscribe()
    await nextOf(events)
    await end(engine)
    await expect(nextOf(events)).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    await engine.clock.advance(5_000)
    await expect(engine.subscribe()).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })

  it('sends no faster than the client reads, and answers others meanwhile', async () => {
    const { put, subscribe, http1 } = await start()
    const events = await subscribe()
    await nextOf(events)
    // More than the windows of the connection hold.
    for (let count = 0; count < 8; count += 1) await put('x'.repeat(1024 * 1024 - 1))
    expect((await summaryOf(http1)).OpenShardCount).toBe(1)
    for (let count = 0; count < 8; count += 1) expect(textsOf(await nextOf(events))).toHaveLength(1)
  })

  it.each(['http2', 'http1'] as const)('lets go of a client that goes away, over %s', async transport => {
    const { clock, subscribe, ...clients } = await start()
    const stop = new AbortController()
    await nextOf(await subscribe({ Type: 'LATEST' }, clients[transport], stop))
    await expect.poll(() => clock.pending).toBe(1)
    stop.abort()
    await expect.poll(() => clock.pending).toBe(0)
  })
})
