import { describe, expect, it, onTestFinished } from 'vitest'
import { sentinelPosition } from '../../consumer/checkpoint/extended-sequence-number.ts'
import { PollingSource } from '../../consumer/retrieval/polling-source.ts'
import { PrefetchingSource } from '../../consumer/retrieval/prefetching-source.ts'
import { ReadBudget } from '../../consumer/retrieval/read-budget.ts'
import { ReadPosition } from '../../consumer/retrieval/read-position.ts'
import type { ReadBatch } from '../../consumer/retrieval/record-source.ts'
import { FakeClock, settle } from '../helpers/fake-clock.ts'
import { FakeKinesis, serviceError } from '../helpers/fake-kinesis.ts'
import { nextBatch, textsOf } from '../helpers/source.ts'

const mebibyte = 1024 * 1024

/** Prefetching sources over all shards of a fake stream, one budget for all. */
function start({ shards = 1, budgetBytes = 64 * mebibyte, maxRecordsPerRead = 1, maxBatches = 4 } = {}) {
  const clock = new FakeClock()
  const kinesis = new FakeKinesis(shards)
  const budget = new ReadBudget(budgetBytes)
  const stop = new AbortController()
  const ended = new AbortController()
  const sources = kinesis.shards.map(
    ({ id }) =>
      new PrefetchingSource({
        source: new PollingSource({
          kinesis,
          streamName: 's',
          shardId: id,
          position: new ReadPosition({
            start: sentinelPosition('TRIM_HORIZON'),
            timestamp: undefined,
            clock
          }),
          idleTimeBetweenReadsMs: 200,
          maxRecordsPerRead,
          clock,
          random: () => 1,
          onFailure: () => {},
          findChildren: async () => undefined,
          onUnconfirmedEnd: () => {}
        }),
        budget: budget.openShard(),
        signal: ended.signal,
        maxBatches
      })
  )
  onTestFinished(() => Promise.all(sources.map(source => source.close())).then(() => {}))
  const next = (ms = 0, index = 0): Promise<ReadBatch | 'waiting'> =>
    nextBatch(sources[index]!, clock, stop.signal, ms)
  const store = (...texts: string[]): void => {
    for (const text of texts) kinesis.store(Buffer.from(text))
  }
  return { clock, kinesis, budget, stop, ended, sources, source: sources[0]!, next, store }
}

describe('reading ahead', () => {
  it('goes on while the batch in hand is worked on, up to four batches', async () => {
    const { clock, kinesis, next, store } = start()
    store('a', 'b', 'c', 'd', 'e', 'f', 'g')
    const first = await next(1_000)
    expect(textsOf(first)).toEqual(['a'])
    await clock.advance(60_000)
    // One in hand and four that wait.
    expect(kinesis.reads).toBe(5)
    for (const text of ['b', 'c', 'd', 'e', 'f', 'g']) expect(textsOf(await next(1_000))).toEqual([text])
  })

  it('begins with the first call of next, and asks nothing before', async () => {
    const { clock, kinesis, next } = start()
    await clock.advance(10_000)
    expect(kinesis.reads).toBe(0)
    expect(await next(1_000)).toMatchObject({ records: [] })
  })

  it('keeps asking while nothing comes, and lets empty batches take no place', async () => {
    const { clock, kinesis, next, store } = start()
    store('a')
    await next(1_000)
    await clock.advance(60_000)
    expect(kinesis.reads).toBeGreaterThan(250)
    store('b', 'c', 'd', 'e')
    await clock.advance(10_000)
    const texts: string[] = []
    while (texts.length < 4) texts.push(...textsOf(await next(1_000)))
    expect(texts).toEqual(['b', 'c', 'd', 'e'])
  })

  it('25: an iterator that expires while batches wait leaves no gap and brings nothing twice', async () => {
    const { clock, kinesis, next, store } = start()
    store('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')
    const texts = textsOf(await next(1_000))
    await clock.advance(10 * 60_000)
    const readsBefore = kinesis.reads
    kinesis.failRead = call =>
      call === readsBefore + 1 ? serviceError('ExpiredIteratorException', 400) : undefined
    while (texts.length < 8) texts.push(...textsOf(await next(2_000)))
    expect(texts).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
    expect(kinesis.iteratorTypes).toEqual(['TRIM_HORIZON', 'AFTER_SEQUENCE_NUMBER'])
  })

  it('hands out the end of the shard after everything before it, and stops there', async () => {
    const { clock, kinesis, next, store } = start()
    store('a', 'b')
    kinesis.split(kinesis.shards[0]!)
    expect(await next(1_000)).toMatchObject({ children: undefined })
    expect(await next(1_000)).toMatchObject({
      records: [{ SequenceNumber: '2' }],
      children: [{ ShardId: 'shardId-000000000001' }, { ShardId: 'shardId-000000000002' }]
    })
    const { reads } = kinesis
    await clock.advance(60_000)
    expect(kinesis.reads).toBe(reads)
  })

  it('hands out what it has before it rejects for a stream that is gone', async () => {
    const { clock, kinesis, next, store } = start()
    store('a', 'b')
    kinesis.failRead = call => (call > 2 ? serviceError('ResourceNotFoundException', 400) : undefined)
    expect(textsOf(await next(1_000))).toEqual(['a'])
    await clock.advance(1_000)
    expect(textsOf(await next())).toEqual(['b'])
    await expect(next()).rejects.toMatchObject({ failure: 'notFound' })
  })

  it('goes on after a wait that was given up', async () => {
    const { clock, source, store, next } = start()
    await next(1_000)
    const stop = new AbortController()
    const reason = new Error('stop')
    const waiting = expect(source.next(stop.signal)).rejects.toBe(reason)
    await settle()
    stop.abort(reason)
    await waiting
    await expect(source.next(stop.signal)).rejects.toBe(reason)
    store('a')
    await clock.advance(1_000)
    const texts = textsOf(await next())
    expect(texts.length === 0 ? textsOf(await next()) : texts).toEqual(['a'])
  })

  it('stops with its signal, while the batch in hand still counts', async () => {
    const { clock, kinesis, ended, next, budget } = start()
    kinesis.store(Buffer.alloc(100_000))
    const inHand = await next(1_000)
    await clock.advance(1_000)
    ended.abort(new Error('the lease was lost'))
    await clock.advance(1_000)
    const { reads } = kinesis
    expect(clock.pending).toBe(0)
    await clock.advance(60_000)
    expect(kinesis.reads).toBe(reads)
    expect(budget.takenBytes).toBe(100_003)
    if (inHand !== 'waiting') inHand.done()
    expect(budget.takenBytes).toBe(0)
  })

  it('after close has nothing in flight, and holds nothing of the budget', async () => {
    const { clock, kinesis, source, next, store, budget } = start()
    store('a', 'b', 'c')
    await next(1_000)
    await clock.advance(300)
    const signals: AbortSignal[] = []
    const getRecords = kinesis.getRecords.bind(kinesis)
    kinesis.getRecords = async (input, options) => {
      signals.push(options!.signal!)
      await clock.sleep(10_000, options!.signal)
      return getRecords(input, options)
    }
    await clock.advance(300)
    expect(signals).toHaveLength(1)
    expect(budget.takenBytes).toBeGreaterThan(0)
    await source.close()
    expect(signals[0]!.aborted).toBe(true)
    expect(clock.pending).toBe(0)
    expect(budget.takenBytes).toBe(0)
    await clock.advance(60_000)
    expect(signals).toHaveLength(1)
  })
})

describe('38: a slow handler and large records', () => {
  it('stay within the budget, and every shard gets its turn', async () => {
    const shards = 6
    const budgetBytes = 8 * mebibyte
    const { clock, kinesis, budget, sources, stop } = start({ shards, budgetBytes })
    const recordBytes = 900 * 1024
    for (const shard of kinesis.shards) {
      for (let count = 0; count < 12; count += 1) kinesis.store(Buffer.alloc(recordBytes, count), shard)
    }
    const handled = kinesis.shards.map(() => 0)
    let most = 0
    const schedule = clock.schedule.bind(clock)
    clock.schedule = (callback, ms) => {
      most = Math.max(most, budget.takenBytes)
      return schedule(callback, ms)
    }
    const handling = sources.map(async (source, index) => {
      while (handled[index]! < 12) {
        const batch = await source.next(stop.signal)
        // The first shard hangs for ever with its first batch.
        await clock.sleep(index === 0 ? 10 ** 9 : 2_000)
        handled[index]! += batch.records.length
        batch.done()
      }
    })
    handling[0]!.catch(() => {})
    await clock.advance(300_000)
    await Promise.all(handling.slice(1))
    expect(handled).toEqual([0, 12, 12, 12, 12, 12])
    // Beyond the budget: what the first answers turned out larger than their estimate.
    expect(most).toBeGreaterThan(budgetBytes / 2)
    expect(most).toBeLessThanOrEqual(budgetBytes + shards * recordBytes)
  })

  it('keep to the budget strictly once the size of the answers is known', async () => {
    const recordBytes = mebibyte - 3
    const { clock, kinesis, budget, next } = start({ budgetBytes: 4 * mebibyte })
    for (let count = 0; count < 40; count += 1) kinesis.store(Buffer.alloc(recordBytes))
    for (let count = 0; count < 40; count += 1) {
      const batch = await next(10_000)
      await clock.advance(5_000)
      // One in hand, and two that fit into the half for reading ahead.
      expect(budget.takenBytes).toBeLessThanOrEqual(3 * mebibyte)
      if (batch === 'waiting') throw new Error('no batch came')
      batch.done()
    }
  })

  it('do not make a shard wait that has nothing but an empty batch in hand', async () => {
    const { budget, next, store } = start({ budgetBytes: 4 * mebibyte })
    const other = budget.openShard()
    const { signal } = new AbortController()
    await other.reserve(1, signal)
    await other.reserve(2 * mebibyte, signal)
    expect(await next(1_000)).toMatchObject({ records: [] })
    store('a')
    expect(textsOf(await next(1_000))).toEqual(['a'])
  })

  it('take nothing from a budget when what came is empty', async () => {
    const { clock, budget, next } = start({ budgetBytes: mebibyte })
    await next(1_000)
    await clock.advance(60_100)
    expect(budget.takenBytes).toBeLessThanOrEqual(64 * 1024)
  })
})
