import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type ExtendedSequenceNumber,
  sentinelPosition
} from '../../consumer/checkpoint/extended-sequence-number.ts'
import { FanOutUnavailableError } from '../../consumer/errors.ts'
import { FallbackSource } from '../../consumer/retrieval/fallback-source.ts'
import { FanOutSource, type FanOutSourceOptions } from '../../consumer/retrieval/fan-out-source.ts'
import { PollingSource } from '../../consumer/retrieval/polling-source.ts'
import { PrefetchingSource } from '../../consumer/retrieval/prefetching-source.ts'
import { ReadBudget } from '../../consumer/retrieval/read-budget.ts'
import { ReadPosition } from '../../consumer/retrieval/read-position.ts'
import type { ReadBatch } from '../../consumer/retrieval/record-source.ts'
import { deferred } from '../../core/concurrency.ts'
import type { ServiceError } from '../../core/service-errors.ts'
import { FakeClock, settle } from '../helpers/fake-clock.ts'
import { FakeFanOut } from '../helpers/fake-fan-out.ts'
import { FakeKinesis, serviceError } from '../helpers/fake-kinesis.ts'
import { nextBatch, textsOf } from '../helpers/source.ts'

const shardId = 'shardId-000000000000'
const trimHorizon = sentinelPosition('TRIM_HORIZON')
const inUse = (): Error => serviceError('ResourceInUseException', 400)

function start(from: ExtendedSequenceNumber = trimHorizon, options: Partial<FanOutSourceOptions> = {}) {
  const clock = new FakeClock()
  const fanOut = new FakeFanOut()
  const failures: ServiceError[] = []
  const alarms: number[] = []
  const forgotten: number[] = []
  const position = new ReadPosition({ start: from, timestamp: undefined, clock })
  const source = new FanOutSource({
    kinesis: fanOut,
    registration: { arn: async () => 'arn:consumer', forget: () => forgotten.push(clock.now()) },
    shardId,
    position,
    clock,
    random: () => 0.5,
    onFailure: error => failures.push(error),
    findChildren: async () => undefined,
    onUnconfirmedEnd: times => alarms.push(times),
    ...options
  })
  onTestFinished(() => source.close())
  const stop = new AbortController()
  const next = (ms = 0): Promise<ReadBatch | 'waiting'> => nextBatch(source, clock, stop.signal, ms)
  /** The texts of the next batch, which is finished at once. */
  const take = async (ms = 0): Promise<string[]> => {
    const batch = await next(ms)
    const texts = textsOf(batch)
    if (batch !== 'waiting') batch.done()
    return texts
  }
  const startOf = (index: number) => fanOut.subscriptions[index]?.input.StartingPosition
  return { clock, fanOut, failures, alarms, forgotten, position, source, stop, next, take, startOf }
}

/** Begins a `next` whose failure nobody need look at. */
function waiting(source: FanOutSource, stop: AbortController): Promise<ReadBatch> {
  const reading = source.next(stop.signal)
  reading.catch(() => {})
  return reading
}

describe('a subscription', () => {
  it.each([
    [trimHorizon, { Type: 'TRIM_HORIZON' }],
    [sentinelPosition('LATEST'), { Type: 'LATEST' }],
    [
      { sequenceNumber: '7', subSequenceNumber: 2 },
      { Type: 'AT_SEQUENCE_NUMBER', SequenceNumber: '7' }
    ]
  ])('begins at %j, in the name of the consumer', async (position, expected) => {
    const { fanOut, source, stop } = start(position)
    const reading = waiting(source, stop)
    await settle()
    expect(fanOut.last.input).toEqual({
      ConsumerARN: 'arn:consumer',
      ShardId: shardId,
      StartingPosition: expected
    })
    fanOut.last.push({ 8: 'a' }, { MillisBehindLatest: 5 })
    expect(await reading).toMatchObject({ sizeBytes: 2, millisBehindLatest: 5, children: undefined })
  })

  it('asks for one event at a time: the service waits for a slow handler', async () => {
    const { clock, fanOut, source, stop, take } = start()
    const reading = waiting(source, stop)
    await settle()
    fanOut.last.push({ 1: 'a' })
    fanOut.last.push({ 2: 'b' })
    expect(textsOf(await reading)).toEqual(['a'])
    await clock.advance(600_000)
    expect(fanOut.last.asked).toBe(1)
    expect(await take()).toEqual(['b'])
    expect(fanOut.last.asked).toBe(2)
    expect(fanOut.subscriptions).toHaveLength(1)
  })

  it('loses no event to a wait that was given up', async () => {
    const { fanOut, source, stop, clock } = start()
    const reading = waiting(source, stop)
    await settle()
    const reason = new Error('stop')
    stop.abort(reason)
    await expect(reading).rejects.toBe(reason)
    expect(clock.pending).toBe(0)
    fanOut.last.push({ 1: 'a' })
    const batch = await source.next(new AbortController().signal)
    expect(textsOf(batch)).toEqual(['a'])
    expect(fanOut.subscriptions).toHaveLength(1)
    expect(fanOut.last.asked).toBe(1)
  })

  it('that is given up while it is opened is closed', async () => {
    const { fanOut, source, stop } = start()
    const signals: (AbortSignal | undefined)[] = []
    const subscribe = fanOut.subscribeToShard.bind(fanOut)
    fanOut.subscribeToShard = (input, options) => {
      signals.push(options?.signal)
      return subscribe(input, options)
    }
    fanOut.gate = () => deferred<void>().promise
    const reading = waiting(source, stop)
    await settle()
    stop.abort(new Error('stop'))
    await expect(reading).rejects.toThrow('stop')
    expect(signals.map(signal => signal?.aborted)).toEqual([true])
  })

  it('ends with the source', async () => {
    const { fanOut, source, stop } = start()
    const reading = waiting(source, stop)
    await settle()
    fanOut.last.push({ 1: 'a' })
    await reading
    expect(fanOut.last.signal?.aborted).toBe(false)
    await source.close()
    expect(fanOut.last.signal?.aborted).toBe(true)
  })
})

describe('39: renewal', () => {
  it('after five minutes goes on behind the last event that was acknowledged, at once and without a word', async () => {
    const { clock, fanOut, failures, take, next, startOf } = start()
    const first = next(1_000)
    await settle()
    fanOut.last.push({ 1: 'a' })
    const batch = await first
    if (batch !== 'waiting') batch.done()
    fanOut.last.push({}, { ContinuationSequenceNumber: '5' })
    expect(await take()).toEqual([])
    await clock.advance(300_000)
    fanOut.last.end()
    const reading = take(1_000)
    await settle()
    expect(fanOut.subscriptions).toHaveLength(2)
    // The number goes on with empty events too.
    expect(startOf(1)).toEqual({ Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: '5' })
    fanOut.last.push({ 6: 'b' })
    expect(await reading).toEqual(['b'])
    expect(failures).toEqual([])
  })

  it('begins in front of what was handed out and not acknowledged', async () => {
    const { clock, fanOut, next, source, stop, startOf } = start()
    const reading = waiting(source, stop)
    await settle()
    fanOut.last.push({ 1: 'a' })
    ;(await reading).done()
    fanOut.last.push({ 2: 'b' })
    await next()
    await clock.advance(300_000)
    fanOut.last.end()
    void waiting(source, stop)
    await settle()
    expect(startOf(1)).toEqual({ Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: '1' })
  })

  it('brings nothing twice while batches are read ahead', async () => {
    const { clock, fanOut, source, startOf } = start()
    const { signal } = new AbortController()
    const budget = new ReadBudget(1024 * 1024).openShard()
    const ahead = new PrefetchingSource({ source, budget, signal })
    onTestFinished(() => ahead.close())
    const reading = nextBatch(ahead, clock, signal, 1_000)
    await settle()
    fanOut.last.push({ 1: 'a' })
    fanOut.last.push({ 2: 'b' })
    fanOut.last.push({ 3: 'c' })
    // Handed out, and never finished: it is in hand all the same.
    expect(textsOf(await reading)).toEqual(['a'])
    await clock.advance(6_000)
    fanOut.last.end()
    await settle()
    expect(startOf(1)).toEqual({ Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: '3' })
    fanOut.last.push({ 4: 'd' })
    const texts: string[] = []
    while (texts.length < 3) texts.push(...textsOf(await nextBatch(ahead, clock, signal, 1_000)))
    expect(texts).toEqual(['b', 'c', 'd'])
  })

  it('at LATEST before the first event begins at the time when reading began', async () => {
    const { clock, fanOut, source, stop, startOf } = start(sentinelPosition('LATEST'))
    const Timestamp = new Date(clock.wallTime())
    void waiting(source, stop)
    await settle()
    fanOut.last.fail(serviceError('InternalFailureException', 500))
    await clock.advance(20_000)
    expect(startOf(1)).toEqual({ Type: 'AT_TIMESTAMP', Timestamp })
  })

  it('comes 5 s after the one before, when that ended sooner', async () => {
    const { clock, fanOut, source, stop } = start()
    void waiting(source, stop)
    await settle()
    await clock.advance(1_000)
    fanOut.last.end()
    await clock.advance(3_900)
    expect(fanOut.subscriptions).toHaveLength(1)
    await clock.advance(100)
    expect(fanOut.subscriptions).toHaveLength(2)
  })
})

describe('39: a second owner', () => {
  it('is given at least 5 s with jitter, more each time, and what was acknowledged does not come again', async () => {
    const { clock, fanOut, failures, source, stop, startOf } = start()
    const first = waiting(source, stop)
    await settle()
    fanOut.last.push({ 1: 'a' })
    ;(await first).done()
    const attempts: number[] = []
    fanOut.fail = (operation, call) => {
      if (operation !== 'SubscribeToShard') return undefined
      attempts.push(clock.now())
      return call <= 4 ? inUse() : undefined
    }
    await clock.advance(10_000)
    const takenOverMs = clock.now()
    fanOut.last.fail(inUse())
    const reading = waiting(source, stop)
    await clock.advance(52_500)
    const waits = attempts.map((at, index) => at - (attempts[index - 1] ?? takenOverMs))
    // 5 s, and half of 5, 10, 20 and 30 s.
    expect(waits).toEqual([7_500, 10_000, 15_000, 20_000])
    expect(failures).toHaveLength(4)
    expect(failures[0]).toMatchObject({
      serviceCode: 'ResourceInUseException',
      operation: 'SubscribeToShard'
    })
    expect(startOf(1)).toEqual({ Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: '1' })
    fanOut.last.push({ 2: 'b' })
    expect(textsOf(await reading)).toEqual(['b'])
  })

  it('waits 5 s also where the jitter draws nothing', async () => {
    const { clock, fanOut, source, stop } = start(trimHorizon, { random: () => 0 })
    fanOut.fail = (_, call) => (call === 1 ? inUse() : undefined)
    void waiting(source, stop)
    await settle()
    await clock.advance(4_999)
    expect(fanOut.subscriptions).toHaveLength(0)
    await clock.advance(1)
    expect(fanOut.subscriptions).toHaveLength(1)
  })
})

describe('39: silence', () => {
  it('of 30 s ends the subscription, and another takes its place behind the last event', async () => {
    const { clock, fanOut, failures, source, stop, startOf } = start()
    const reading = waiting(source, stop)
    await settle()
    fanOut.last.push({ 1: 'a' })
    ;(await reading).done()
    const dead = fanOut.last
    const next = waiting(source, stop)
    await clock.advance(29_999)
    expect(dead.signal?.aborted).toBe(false)
    await clock.advance(1)
    expect(dead.signal?.aborted).toBe(true)
    expect(failures).toMatchObject([{ failure: 'unreachable', operation: 'SubscribeToShard' }])
    await clock.advance(1_000)
    expect(startOf(1)).toEqual({ Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: '1' })
    fanOut.last.push({ 2: 'b' })
    expect(textsOf(await next)).toEqual(['b'])
  })

  it('does not count while nobody asks', async () => {
    const { clock, fanOut, source, stop, take } = start()
    const reading = waiting(source, stop)
    await settle()
    fanOut.last.push({ 1: 'a' })
    await reading
    await clock.advance(120_000)
    fanOut.last.push({ 2: 'b' })
    expect(await take()).toEqual(['b'])
    expect(fanOut.subscriptions).toHaveLength(1)
  })

  it('ends an attempt to subscribe that is not answered', async () => {
    const { clock, fanOut, failures, source, stop } = start()
    let isHung = true
    fanOut.gate = () => (isHung ? deferred<void>().promise : Promise.resolve())
    void waiting(source, stop)
    await settle()
    isHung = false
    await clock.advance(31_000)
    expect(failures).toMatchObject([{ failure: 'unreachable' }])
    expect(fanOut.subscriptions).toHaveLength(1)
  })
})

describe('failures of a subscription', () => {
  it('are told and waited out, longer each time, until an event comes', async () => {
    const { clock, fanOut, failures, source, stop } = start()
    const attempts: number[] = []
    fanOut.fail = (operation, call) => {
      attempts.push(clock.now())
      return operation === 'SubscribeToShard' && call <= 6
        ? serviceError('LimitExceededException', 400)
        : undefined
    }
    const reading = waiting(source, stop)
    await clock.advance(17_500)
    expect(attempts.slice(1).map((at, index) => at - attempts[index]!)).toEqual([
      500, 1_000, 2_000, 4_000, 5_000, 5_000
    ])
    expect(failures.every(({ failure }) => failure === 'throttled')).toBe(true)
    fanOut.last.push({ 1: 'a' })
    expect(textsOf(await reading)).toEqual(['a'])
    await clock.advance(5_000)
    fanOut.last.fail(serviceError('InternalFailureException', 500))
    const again = waiting(source, stop)
    await clock.advance(500)
    expect(fanOut.subscriptions).toHaveLength(2)
    fanOut.last.push({ 2: 'b' })
    expect(textsOf(await again)).toEqual(['b'])
  })

  it('28: look the consumer up anew once, and reject when the stream is gone', async () => {
    const { clock, fanOut, source, stop, forgotten } = start()
    fanOut.fail = () => serviceError('ResourceNotFoundException', 400)
    const reading = waiting(source, stop)
    await clock.advance(1_000)
    await expect(reading).rejects.toMatchObject({ failure: 'notFound', operation: 'SubscribeToShard' })
    expect(forgotten).toHaveLength(1)
  })

  it('go on when it was only the consumer that was gone', async () => {
    const { clock, fanOut, source, stop, forgotten } = start()
    fanOut.fail = (_, call) => (call === 1 ? serviceError('ResourceNotFoundException', 400) : undefined)
    const reading = waiting(source, stop)
    await clock.advance(1_000)
    fanOut.last.push({ 1: 'a' })
    expect(textsOf(await reading)).toEqual(['a'])
    expect(forgotten).toHaveLength(1)
    // Another day it is gone again.
    fanOut.last.fail(serviceError('ResourceNotFoundException'))
    const again = waiting(source, stop)
    await clock.advance(10_000)
    fanOut.last.push({ 2: 'b' })
    expect(textsOf(await again)).toEqual(['b'])
    expect(forgotten).toHaveLength(2)
  })

  it('reject with the missing right when it is denied', async () => {
    const { fanOut, source, stop } = start()
    fanOut.fail = () => serviceError('AccessDeniedException', 400)
    const failure = await source.next(stop.signal).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(FanOutUnavailableError)
    expect(failure).toMatchObject({
      obstacle: 'denied',
      message: expect.stringContaining('kinesis:SubscribeToShard')
    })
  })

  it('wait for credentials that expired', async () => {
    const { clock, fanOut, source, stop } = start()
    fanOut.fail = (_, call) => (call === 1 ? serviceError('ExpiredTokenException', 400) : undefined)
    void waiting(source, stop)
    await settle()
    await clock.advance(1_000)
    expect(fanOut.subscriptions).toHaveLength(1)
  })
})

describe('the end of a shard', () => {
  const ChildShards = [
    {
      ShardId: 'child',
      ParentShards: [shardId],
      HashKeyRange: { StartingHashKey: '0', EndingHashKey: '1' }
    }
  ]

  it('names the children, with the last records', async () => {
    const { fanOut, source, stop } = start()
    const reading = waiting(source, stop)
    await settle()
    fanOut.last.push({ 1: 'a' }, { ContinuationSequenceNumber: undefined, ChildShards })
    expect(await reading).toMatchObject({ records: [{ SequenceNumber: '1' }], children: ChildShards })
  })

  it('27: is not believed while the shard is open by the listing; subscribed again, with an alarm after five times', async () => {
    let isClosed = false
    const { clock, fanOut, source, stop, alarms, startOf } = start(trimHorizon, {
      findChildren: async () => (isClosed ? ChildShards : undefined)
    })
    const reading = waiting(source, stop)
    await settle()
    for (let times = 1; times <= 5; times += 1) {
      expect(alarms).toEqual([])
      fanOut.last.push({ 1: 'a' }, { ContinuationSequenceNumber: undefined })
      await clock.advance(20_000)
      expect(fanOut.subscriptions).toHaveLength(times + 1)
      expect(startOf(times)).toEqual({ Type: 'TRIM_HORIZON' })
    }
    expect(alarms).toEqual([5])
    isClosed = true
    fanOut.last.push({ 1: 'a' }, { ContinuationSequenceNumber: undefined })
    expect(await reading).toMatchObject({ records: [{ SequenceNumber: '1' }], children: ChildShards })
  })
})

describe('falling back to polling', () => {
  function startWithFallback() {
    const given = start()
    const kinesis = new FakeKinesis(1)
    const fellBack: string[] = []
    const source = new FallbackSource({
      fanOut: given.source,
      poll: () =>
        new PollingSource({
          kinesis,
          streamName: 's',
          shardId,
          position: given.position,
          idleTimeBetweenReadsMs: 200,
          maxRecordsPerRead: 10,
          clock: given.clock,
          random: () => 0.5,
          onFailure: () => {},
          findChildren: async () => undefined,
          onUnconfirmedEnd: () => {}
        }),
      onFallback: ({ obstacle }) => fellBack.push(obstacle)
    })
    return { ...given, kinesis, source, fellBack }
  }

  it('goes on at the position that fan-out reached, and says why', async () => {
    const { clock, fanOut, kinesis, source, stop, fellBack } = startWithFallback()
    for (const text of ['a', 'b']) kinesis.store(Buffer.from(text))
    const reading = source.next(stop.signal)
    await settle()
    fanOut.last.push({ 1: 'a' })
    ;(await reading).done()
    fanOut.last.fail(serviceError('AccessDeniedException', 400))
    expect(textsOf(await nextBatch(source, clock, stop.signal))).toEqual(['b'])
    expect(kinesis.iteratorTypes).toEqual(['AFTER_SEQUENCE_NUMBER'])
    expect(fellBack).toEqual(['denied'])
    kinesis.store(Buffer.from('c'))
    expect(textsOf(await nextBatch(source, clock, stop.signal, 1_000))).toEqual(['c'])
    expect(fellBack).toEqual(['denied'])
    expect(fanOut.subscriptions).toHaveLength(1)
  })

  it('does not happen for what may pass, nor for a stream that is gone', async () => {
    const { clock, fanOut, kinesis, source, stop, fellBack } = startWithFallback()
    fanOut.fail = (_, call) =>
      serviceError(call === 1 ? 'InternalFailureException' : 'ResourceNotFoundException', 400)
    const reading = source.next(stop.signal)
    reading.catch(() => {})
    await clock.advance(30_000)
    await expect(reading).rejects.toMatchObject({ failure: 'notFound' })
    expect(fellBack).toEqual([])
    expect(kinesis.reads).toBe(0)
  })
})
