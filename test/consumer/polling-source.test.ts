import { describe, expect, it } from 'vitest'
import {
  type ExtendedSequenceNumber,
  sentinelPosition
} from '../../consumer/checkpoint/extended-sequence-number.ts'
import { PollingSource, type PollingSourceOptions } from '../../consumer/retrieval/polling-source.ts'
import { ReadPosition } from '../../consumer/retrieval/read-position.ts'
import type { ReadBatch } from '../../consumer/retrieval/record-source.ts'
import type { ServiceError } from '../../core/service-errors.ts'
import { FakeClock, settle } from '../helpers/fake-clock.ts'
import { FakeKinesis, serviceError } from '../helpers/fake-kinesis.ts'
import { nextBatch, textsOf } from '../helpers/source.ts'

const trimHorizon = sentinelPosition('TRIM_HORIZON')

function start(
  from: ExtendedSequenceNumber = trimHorizon,
  { timestamp, ...options }: Partial<PollingSourceOptions> & { readonly timestamp?: Date | undefined } = {}
) {
  const clock = new FakeClock()
  const kinesis = new FakeKinesis(1)
  const failures: ServiceError[] = []
  const alarms: number[] = []
  const source = new PollingSource({
    kinesis,
    streamName: 's',
    shardId: 'shardId-000000000000',
    position: new ReadPosition({ start: from, timestamp, clock }),
    idleTimeBetweenReadsMs: 1_000,
    maxRecordsPerRead: 10_000,
    clock,
    random: () => 1,
    onFailure: error => failures.push(error),
    findChildren: async () => undefined,
    onUnconfirmedEnd: times => alarms.push(times),
    ...options
  })
  const stop = new AbortController()
  const next = (ms = 0): Promise<ReadBatch | 'waiting'> => nextBatch(source, clock, stop.signal, ms)
  const texts = async (ms = 0): Promise<string[]> => textsOf(await next(ms))
  const store = (...items: string[]): string[] => items.map(item => kinesis.store(Buffer.from(item)))
  return { clock, kinesis, source, stop, failures, alarms, next, texts, store }
}

describe('polling', () => {
  it('reads on, with the idle time between two reads', async () => {
    const { clock, texts, store, kinesis } = start()
    store('a', 'b')
    expect(await texts()).toEqual(['a', 'b'])
    store('c')
    const before = clock.now()
    expect(await texts(5_000)).toEqual(['c'])
    expect(clock.now() - before).toBe(1_000)
    expect(await texts(5_000)).toEqual([])
    expect(kinesis.iteratorTypes).toEqual(['TRIM_HORIZON'])
  })

  it('does not add the idle time to a handler that took longer', async () => {
    const { clock, texts, store } = start()
    await texts()
    await clock.advance(3_000)
    store('a')
    expect(await texts()).toEqual(['a'])
  })

  it('keeps to maxRecordsPerRead', async () => {
    const { texts, store } = start(trimHorizon, { maxRecordsPerRead: 2 })
    store('a', 'b', 'c')
    expect(await texts()).toEqual(['a', 'b'])
    expect(await texts(1_000)).toEqual(['c'])
  })

  it.each([
    [{ sequenceNumber: '2', subSequenceNumber: 0 }, undefined, 'AT_SEQUENCE_NUMBER', ['b', 'c']],
    [sentinelPosition('LATEST'), undefined, 'LATEST', []],
    [sentinelPosition('AT_TIMESTAMP'), new Date(5), 'AT_TIMESTAMP', ['a', 'b', 'c']],
    [sentinelPosition('AT_TIMESTAMP'), undefined, 'TRIM_HORIZON', ['a', 'b', 'c']]
  ])('begins at %j', async (position, timestamp, type, expected) => {
    const { texts, store, kinesis } = start(position, { timestamp })
    store('a', 'b', 'c')
    expect(await texts()).toEqual(expected)
    expect(kinesis.iteratorTypes).toEqual([type])
  })
})

describe('the limits of a shard', () => {
  it('are five reads a second', async () => {
    const { clock, texts, store } = start(trimHorizon, { idleTimeBetweenReadsMs: 200, maxRecordsPerRead: 1 })
    store('a', 'b', 'c', 'd', 'e', 'f')
    const before = clock.now()
    for (let read = 0; read < 6; read += 1) expect(await texts(1_000)).toHaveLength(1)
    expect(clock.now() - before).toBe(1_000)
  })

  it('are 2 MiB a second: an answer of 10 MiB is followed by 5 s without a read', async () => {
    const { clock, next, kinesis, texts } = start(trimHorizon, { maxRecordsPerRead: 10 })
    const key = Buffer.byteLength('key')
    for (let count = 0; count < 10; count += 1) kinesis.store(Buffer.alloc(1024 * 1024 - key))
    kinesis.store(Buffer.from('next'))
    expect(await next()).toMatchObject({ sizeBytes: 10 * 1024 * 1024 })
    const before = clock.now()
    expect(await texts(10_000)).toEqual(['next'])
    expect(clock.now() - before).toBe(5_000)
  })

  it('count from the answer, which may have been on its way for long', async () => {
    const { clock, next, kinesis } = start()
    kinesis.store(Buffer.alloc(4 * 1024 * 1024 - 3))
    const getRecords = kinesis.getRecords.bind(kinesis)
    kinesis.getRecords = async (input, options) => {
      await clock.sleep(700)
      return getRecords(input, options)
    }
    await next(700)
    const before = clock.now()
    await next(10_000)
    // Two seconds for 4 MiB, and the second answer takes its time too.
    expect(clock.now() - before).toBe(2_700)
  })
})

describe('an expired iterator', () => {
  const expired = (): Error => serviceError('ExpiredIteratorException', 400)

  it('24: before the first record at LATEST begins again from when reading began: nothing in between is skipped', async () => {
    const { texts, store, kinesis } = start(sentinelPosition('LATEST'))
    expect(await texts()).toEqual([])
    store('in between')
    kinesis.failRead = call => (call === 2 ? expired() : undefined)
    expect(await texts(2_000)).toEqual(['in between'])
    expect(kinesis.iteratorTypes).toEqual(['LATEST', 'AT_TIMESTAMP'])
  })

  it('25: in the middle of a shard goes on behind the last record: no gap and nothing twice', async () => {
    const { texts, store, kinesis, failures } = start()
    store('a', 'b')
    expect(await texts()).toEqual(['a', 'b'])
    store('c')
    kinesis.failRead = call => (call === 2 ? expired() : undefined)
    expect(await texts(2_000)).toEqual(['c'])
    expect(kinesis.iteratorTypes).toEqual(['TRIM_HORIZON', 'AFTER_SEQUENCE_NUMBER'])
    expect(failures).toEqual([])
  })

  it('after an empty read goes back to the checkpoint', async () => {
    const { texts, store, kinesis } = start({ sequenceNumber: '1', subSequenceNumber: 0 })
    store('a')
    kinesis.failRead = call => (call === 1 ? expired() : undefined)
    expect(await texts(2_000)).toEqual(['a'])
    expect(kinesis.iteratorTypes).toEqual(['AT_SEQUENCE_NUMBER', 'AT_SEQUENCE_NUMBER'])
  })
})

describe('failures', () => {
  it('26: waits longer each time that it is throttled, with jitter, says so, and goes on with its lag', async () => {
    const draws: number[] = []
    const { clock, next, texts, store, kinesis, failures } = start(trimHorizon, {
      random: () => {
        draws.push(1)
        return 1
      }
    })
    store('a')
    kinesis.failRead = call =>
      call <= 20 ? serviceError('ProvisionedThroughputExceededException', 400) : undefined
    const before = clock.now()
    expect(await texts(400_000)).toEqual(['a'])
    expect(failures).toHaveLength(20)
    expect(failures[0]).toMatchObject({ failure: 'throttled', operation: 'GetRecords' })
    // 1, 2, 4 and 8 s, then 10 s each; one more idle time can come before each read.
    expect(clock.now() - before).toBeGreaterThanOrEqual((1 + 2 + 4 + 8 + 16 * 10) * 1_000)
    expect(clock.now() - before).toBeLessThan(200_000)
    expect(draws).toHaveLength(20)
    // Recovered: the next read comes after the idle time again, and so does its lag.
    kinesis.lagMs = 7_000
    expect(await next(1_000)).toMatchObject({ records: [], millisBehindLatest: 7_000 })
  })

  it('keeps to the idle time also where the jitter draws nothing', async () => {
    const { clock, texts, kinesis } = start(trimHorizon, { random: () => 0, idleTimeBetweenReadsMs: 200 })
    kinesis.failRead = call =>
      call <= 9 ? serviceError('ProvisionedThroughputExceededException', 400) : undefined
    const before = clock.now()
    await texts(10_000)
    expect(kinesis.reads).toBe(10)
    expect(clock.now() - before).toBeGreaterThanOrEqual(9 * 200)
  })

  it('goes on after lost connections, also while it asks for an iterator', async () => {
    const { texts, store, kinesis, failures } = start()
    store('a')
    const iterator = kinesis.getShardIterator.bind(kinesis)
    let calls = 0
    kinesis.getShardIterator = async input => {
      calls += 1
      if (calls === 1) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
      return iterator(input)
    }
    expect(await texts(5_000)).toEqual(['a'])
    expect(failures).toMatchObject([{ failure: 'unreachable', operation: 'GetShardIterator' }])
  })

  it('rejects when the stream is gone', async () => {
    const { source, kinesis, stop } = start()
    kinesis.failRead = () => serviceError('ResourceNotFoundException', 400)
    await expect(source.next(stop.signal)).rejects.toMatchObject({ failure: 'notFound' })
  })

  it('rejects with the reason of the signal, in a pause and before a read', async () => {
    const { source, stop, clock } = start()
    await source.next(stop.signal)
    const reason = new Error('stop')
    const waiting = expect(source.next(stop.signal)).rejects.toBe(reason)
    await settle()
    stop.abort(reason)
    await waiting
    await expect(source.next(stop.signal)).rejects.toBe(reason)
    expect(clock.pending).toBe(0)
  })
})

describe('the end of a shard', () => {
  it('names the children, with the last records', async () => {
    const { next, store, kinesis } = start()
    store('a')
    kinesis.split(kinesis.shards[0]!)
    expect(await next()).toMatchObject({
      records: [{ SequenceNumber: '1' }],
      children: [{ ShardId: 'shardId-000000000001' }, { ShardId: 'shardId-000000000002' }]
    })
  })

  it('27: is not believed while the shard is open by the listing; asked again, with an alarm every five times', async () => {
    const children = [{ ShardId: 'child', ParentShards: ['shardId-000000000000'], HashKeyRange: undefined }]
    let isClosed = false
    const { clock, source, stop, store, kinesis, alarms } = start(trimHorizon, {
      findChildren: async () => (isClosed ? children : undefined)
    })
    store('a')
    kinesis.namesChildren = false
    kinesis.split(kinesis.shards[0]!)
    const reading = source.next(stop.signal)
    await clock.advance(5_000)
    expect(kinesis.reads).toBe(3)
    // With the same iterator: nothing of the answer was taken.
    expect(kinesis.iteratorTypes).toEqual(['TRIM_HORIZON'])
    expect(alarms).toEqual([])
    isClosed = true
    await clock.advance(10_000)
    expect(await reading).toMatchObject({ records: [{ SequenceNumber: '1' }], children })
  })

  it('27: alarms after five answers in a row, and after five more', async () => {
    const { clock, source, stop, kinesis, alarms, store } = start()
    kinesis.namesChildren = false
    kinesis.shards[0]!.isOpen = false
    const reading = source.next(stop.signal)
    // After 1, 2, 4 and 8 s, then every 10 s.
    await clock.advance(14_900)
    expect(alarms).toEqual([])
    await clock.advance(100)
    expect(alarms).toEqual([5])
    await clock.advance(50_000)
    expect(alarms).toEqual([5, 10])
    kinesis.shards[0]!.isOpen = true
    store('a')
    await clock.advance(10_000)
    expect(textsOf(await reading)).toEqual(['a'])
    // In a row: four more after an answer that was fine are no alarm yet.
    kinesis.shards[0]!.isOpen = false
    source.next(stop.signal).catch(() => {})
    await clock.advance(1_000 + 14_900)
    expect(alarms).toEqual([5, 10])
    await clock.advance(100)
    expect(alarms).toEqual([5, 10, 5])
  })
})
