import { describe, expect, it } from 'vitest'
import {
  type ExtendedSequenceNumber,
  sentinelPosition
} from '../../consumer/checkpoint/extended-sequence-number.ts'
import {
  PollingSource,
  type PollingSourceOptions,
  type ReadBatch
} from '../../consumer/retrieval/polling-source.ts'
import type { ServiceError } from '../../core/service-errors.ts'
import { FakeClock, settle } from '../helpers/fake-clock.ts'
import { FakeKinesis, serviceError } from '../helpers/fake-kinesis.ts'

const trimHorizon = sentinelPosition('TRIM_HORIZON')

function start(from: ExtendedSequenceNumber = trimHorizon, options: Partial<PollingSourceOptions> = {}) {
  const clock = new FakeClock()
  const kinesis = new FakeKinesis(1)
  const failures: ServiceError[] = []
  const source = new PollingSource({
    kinesis,
    streamName: 's',
    shardId: 'shardId-000000000000',
    start: from,
    timestamp: undefined,
    idleTimeBetweenReadsMs: 1_000,
    maxRecordsPerRead: 10_000,
    clock,
    random: () => 1,
    onFailure: error => failures.push(error),
    findChildren: async () => undefined,
    ...options
  })
  const stop = new AbortController()
  /** The next batch, with as much time as it takes, up to `ms`. */
  const next = async (ms = 0): Promise<ReadBatch | 'waiting'> => {
    let batch: ReadBatch | 'waiting' = 'waiting'
    const reading = source.next(stop.signal).then(read => {
      batch = read
    })
    reading.catch(() => {})
    for (let passed = 0; passed <= ms && batch === 'waiting'; passed += 100) {
      if (passed > 0) await clock.advance(100)
      else await settle()
    }
    if (batch !== 'waiting') await reading
    return batch
  }
  const texts = async (ms = 0): Promise<string[]> => {
    const batch = await next(ms)
    if (batch === 'waiting') throw new Error('no batch came')
    return batch.records.map(({ Data }) => Buffer.from(Data!).toString())
  }
  const store = (...items: string[]): string[] => items.map(item => kinesis.store(Buffer.from(item)))
  return { clock, kinesis, source, stop, failures, next, texts, store }
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

describe('an expired iterator', () => {
  const expired = (): Error => serviceError('ExpiredIteratorException', 400)

  it('before the first record at LATEST begins again from when reading began: nothing in between is skipped', async () => {
    const { texts, store, kinesis } = start(sentinelPosition('LATEST'))
    expect(await texts()).toEqual([])
    store('in between')
    kinesis.failRead = call => (call === 2 ? expired() : undefined)
    expect(await texts(2_000)).toEqual(['in between'])
    expect(kinesis.iteratorTypes).toEqual(['LATEST', 'AT_TIMESTAMP'])
  })

  it('in the middle of a shard goes on behind the last record: no gap and nothing twice', async () => {
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
  it('waits longer each time that it is throttled, says so, and goes on', async () => {
    const { clock, texts, store, kinesis, failures } = start()
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

  it('is checked against the listing when the answer names no children', async () => {
    const children = [{ ShardId: 'child', ParentShards: ['shardId-000000000000'], HashKeyRange: undefined }]
    let isClosed = false
    const { next, store, kinesis } = start(trimHorizon, {
      findChildren: async () => (isClosed ? children : undefined)
    })
    store('a')
    kinesis.namesChildren = false
    kinesis.split(kinesis.shards[0]!)
    // The shard is open by the listing: not taken for its end, and read again.
    expect(await next(5_000)).toBe('waiting')
    isClosed = true
    expect(await next(20_000)).toMatchObject({ records: [{ SequenceNumber: '1' }], children })
  })
})
