import { describe, expect, it } from 'vitest'
import { AggregatedRecordBuilder, decodeAggregatedRecord } from '../../core/aggregated-record.ts'
import { hashKeyOf } from '../../core/hash-key.ts'
import { Producer, type PutResult } from '../../producer/index.ts'
import { settle } from '../helpers/fake-clock.ts'
import { FakeKinesis, serviceError } from '../helpers/fake-kinesis.ts'
import { errorOf, names, startProducer } from '../helpers/producer.ts'

describe('buffering', () => {
  it('sends a lone record raw, under its own key, at its deadline and not before', async () => {
    const { clock, kinesis, outcomes, put, producer } = startProducer({ maxBufferedMs: 100 })
    put('alone', 'key')
    await clock.advance(99)
    expect(kinesis.requests).toHaveLength(0)
    await clock.advance(1)
    expect(kinesis.stored).toMatchObject([
      { partitionKey: 'key', explicitHashKey: undefined, data: Buffer.from('alone') }
    ])
    expect(outcomes.get('alone')).toEqual({
      shardId: 'shardId-000000000000',
      sequenceNumber: '1',
      subSequenceNumber: 0,
      attempts: 1,
      maybeDuplicate: false
    })
    expect(producer.stats).toMatchObject({
      accepted: 1,
      acknowledged: 1,
      inFlight: 0,
      pendingBytes: 0,
      bytesIn: 5
    })
  })

  it('aggregates the records of one shard as the KPL does, in the order of the puts', async () => {
    const { clock, kinesis, outcomes, put } = startProducer()
    put('a', 'k1')
    put('b', 'k2', '007')
    put('c', 'k1')
    await clock.advance(100)
    const expected = new AggregatedRecordBuilder()
    expected.add('k1', undefined, Buffer.from('a'))
    expected.add('k2', '7', Buffer.from('b'))
    expected.add('k1', undefined, Buffer.from('c'))
    expect(kinesis.stored).toMatchObject([
      {
        partitionKey: 'a',
        explicitHashKey: String(hashKeyOf({ partitionKey: 'k1' })),
        data: expected.encode()
      }
    ])
    expect([...outcomes.values()].map(result => (result as PutResult).subSequenceNumber)).toEqual([0, 1, 2])
  })

  it('keeps one aggregate per predicted shard', async () => {
    const { clock, kinesis, put } = startProducer({}, new FakeKinesis(4))
    for (const name of names(200)) put(name)
    await clock.advance(120)
    expect(kinesis.stored).toHaveLength(4)
    expect(kinesis.requests).toHaveLength(1)
    expect(kinesis.readAsKcl().sort()).toEqual(names(200).sort())
  })

  it.each([0, 1])('cuts at the size exactly, %i byte(s) below the next record', async below => {
    const size = new AggregatedRecordBuilder()
    for (const name of names(10)) size.add('k', undefined, Buffer.from(name))
    // The outer partition key counts, too.
    const limit = size.size + 1 + below
    const { clock, kinesis, put } = startProducer({ maxAggregateBytes: limit, maxBufferedMs: 1_000 })
    // The first map, so that nothing is held back for it.
    put('first', 'k')
    await clock.advance(1_000)
    for (const name of names(10)) put(name, 'k')
    put('next', 'k')
    await clock.advance(1_000)
    const aggregates = kinesis.stored.slice(1)
    expect(aggregates.map(({ data }) => decodeAggregatedRecord(data)?.length)).toEqual([10, undefined])
    expect(aggregates[0]!.data.length + 1).toBeLessThanOrEqual(limit)
  })

  it('cuts at the count', async () => {
    const { clock, kinesis, put } = startProducer({ maxRecordsPerAggregate: 3 })
    for (const name of names(7)) put(name)
    await clock.advance(100)
    expect(kinesis.stored.map(({ data }) => decodeAggregatedRecord(data)?.length ?? 1)).toEqual([3, 3, 1])
  })

  it('sends without aggregates when told to, at most 500 in one request', async () => {
    const { clock, kinesis, put, outcomes } = startProducer({ aggregation: false })
    for (const name of names(501)) put(name)
    await clock.advance(200)
    expect(kinesis.requests.map(({ length }) => length)).toEqual([500, 1])
    expect(outcomes.size).toBe(501)
  })

  it('makes no request over its bytes, and sends a larger record alone', async () => {
    const { clock, kinesis, producer } = startProducer({ aggregation: false, maxRequestBytes: 65_536 })
    const sizes = [30_000, 30_000, 30_000, 200_000, 10]
    const all = Promise.all(
      sizes.map(size => producer.put({ partitionKey: 'k', data: Buffer.alloc(size, 'x') }))
    )
    await clock.advance(200)
    await all
    const bytes = kinesis.requests.map(entries => entries.map(({ Data }) => Data!.length))
    expect(bytes).toEqual([[30_000, 30_000], [30_000], [200_000], [10]])
  })

  it('sends every record at once with a buffering time of zero, without spinning', async () => {
    const { clock, kinesis, put } = startProducer({ maxBufferedMs: 0 })
    put('a')
    await clock.advance(0)
    put('b')
    await clock.advance(0)
    expect(kinesis.requests).toHaveLength(2)
    expect(clock.pending).toBe(0)
  })
})

describe('bad records', () => {
  it.each([
    ['an empty partition key', { partitionKey: '', data: Buffer.from('x') }, 'partitionKey'],
    [
      'a partition key of 257 characters',
      { partitionKey: 'k'.repeat(257), data: Buffer.from('x') },
      'partitionKey'
    ],
    ['no partition key', { data: Buffer.from('x') }, 'partitionKey'],
    ['data that is a string', { partitionKey: 'k', data: 'x' }, 'data'],
    [
      'data that begins as an aggregate does',
      { partitionKey: 'k', data: Buffer.from('f3899ac200', 'hex') },
      'data'
    ],
    [
      'a hash key of 2^128',
      { partitionKey: 'k', explicitHashKey: String(2n ** 128n), data: Buffer.from('x') },
      'explicitHashKey'
    ],
    [
      'a hash key that is no number',
      { partitionKey: 'k', explicitHashKey: '-1', data: Buffer.from('x') },
      'explicitHashKey'
    ]
  ])('refuses %s; nothing is accepted', async (_, record, field) => {
    const { producer } = startProducer()
    await expect(producer.put(record as never)).rejects.toMatchObject({
      code: 'SEALSTREAM_INVALID_RECORD',
      field
    })
    expect(producer.stats.accepted).toBe(0)
  })

  it('takes 256 characters outside of the basic plane as a partition key', async () => {
    const { clock, producer } = startProducer()
    const put = producer.put({ partitionKey: '😀'.repeat(256), data: Buffer.from('x') })
    await clock.advance(100)
    await expect(put).resolves.toMatchObject({ attempts: 1 })
  })

  it('refuses a record over the limit at put, and sends one that reaches it', async () => {
    const { clock, producer } = startProducer({ maxRecordBytes: 2_048 })
    await expect(producer.put({ partitionKey: 'k', data: Buffer.alloc(2_048) })).rejects.toMatchObject({
      code: 'SEALSTREAM_INVALID_RECORD',
      message: expect.stringContaining('takes 2049 bytes')
    })
    const put = producer.put({ partitionKey: 'k', data: Buffer.alloc(2_047) })
    await clock.advance(100)
    await expect(put).resolves.toMatchObject({ attempts: 1 })
  })
})

describe('failures', () => {
  it('retries only the failed entries of a PutRecords response', async () => {
    const { clock, kinesis, outcomes, put } = startProducer({ aggregation: false })
    kinesis.failEntry = (_, index, call) =>
      call === 1 && index === 1 ? 'ProvisionedThroughputExceededException' : undefined
    for (const name of ['a', 'b', 'c']) put(name)
    await clock.advance(100)
    expect([...outcomes.keys()]).toEqual(['a', 'c'])
    await clock.advance(1_000)
    expect(kinesis.requests.map(entries => entries.map(({ Data }) => String(Data)))).toEqual([
      ['a', 'b', 'c'],
      ['b']
    ])
    expect(outcomes.get('b')).toMatchObject({ attempts: 2, maybeDuplicate: false })
  })

  it('backs off while everything is throttled, and loses nothing', async () => {
    const { clock, kinesis, outcomes, put, producer, balance } = startProducer()
    const until = clock.now() + 5_000
    kinesis.failEntry = () => (clock.now() < until ? 'ProvisionedThroughputExceededException' : undefined)
    for (const name of names(50)) put(name)
    await clock.advance(5_000)
    expect(kinesis.requests.length).toBeLessThan(12)
    balance()
    await clock.advance(6_000)
    expect([...outcomes.values()].every(outcome => 'sequenceNumber' in outcome)).toBe(true)
    expect(producer.stats).toMatchObject({ acknowledged: 50, inFlight: 0 })
    expect(producer.stats.throttled).toBeGreaterThan(3)
  })

  it('sends again after a lost answer, and says that there may be a duplicate', async () => {
    const { clock, kinesis, outcomes, put } = startProducer()
    kinesis.loseAnswer = call => (call === 1 ? serviceError('TimeoutError') : undefined)
    put('a')
    await clock.advance(1_000)
    expect(kinesis.stored).toHaveLength(2)
    expect(outcomes.get('a')).toMatchObject({ attempts: 2, maybeDuplicate: true })
  })

  it.each(['ResourceNotFoundException', 'AccessDeniedException'])('fails at once on %s', async name => {
    const { clock, kinesis, outcomes, put } = startProducer()
    kinesis.failRequest = () => serviceError(name, 400)
    put('a')
    await clock.advance(100)
    const error = errorOf(outcomes.get('a'))
    expect(error).toMatchObject({ code: 'SEALSTREAM_PUT_FAILED', attempts: 1, cause: { serviceCode: name } })
    expect(Buffer.from((error.record as { data: Buffer }).data).toString()).toBe('a')
    expect(JSON.stringify(error)).not.toContain('"data"')
    expect(kinesis.requests).toHaveLength(1)
  })

  it('finds the one entry that makes the service refuse the request', async () => {
    const { clock, kinesis, outcomes, put } = startProducer({ aggregation: false })
    kinesis.failRequest = entries =>
      entries.some(({ Data }) => String(Data) === 'record-77')
        ? serviceError('ValidationException', 400)
        : undefined
    for (const name of names(200)) put(name)
    await clock.advance(1_000)
    expect(outcomes.size).toBe(200)
    expect([...outcomes].filter(([, outcome]) => outcome instanceof Error).map(([name]) => name)).toEqual([
      'record-77'
    ])
    expect(kinesis.requests.length).toBeLessThanOrEqual(18)
  })

  it('treats an answer of another length as unknown for every entry', async () => {
    const { clock, kinesis, outcomes, put } = startProducer({ aggregation: false })
    const answer = kinesis.putRecords.bind(kinesis)
    let calls = 0
    kinesis.putRecords = async input => {
      const output = await answer(input)
      calls += 1
      return calls === 1 ? { ...output, Records: output.Records!.slice(1) } : output
    }
    put('a')
    put('b')
    await clock.advance(1_000)
    expect(outcomes.get('a')).toMatchObject({ attempts: 2, maybeDuplicate: true })
    expect(outcomes.get('b')).toMatchObject({ attempts: 2, maybeDuplicate: true })
  })

  it('makes exactly as many attempts as allowed', async () => {
    const { clock, kinesis, outcomes, put } = startProducer({ maxAttempts: 1 })
    kinesis.failEntry = () => 'InternalFailure'
    put('a')
    await clock.advance(5_000)
    expect(kinesis.requests).toHaveLength(1)
    expect(outcomes.get('a')).toMatchObject({
      code: 'SEALSTREAM_PUT_FAILED',
      attempts: 1,
      maybeStored: true,
      failedAttempts: [{ afterMs: 100, errorCode: 'InternalFailure' }]
    })
  })
})

describe('time to live', () => {
  it('refuses a time to live that is not above the buffering time', () => {
    expect(
      () =>
        new Producer({
          streamName: 's',
          kinesis: new FakeKinesis(),
          recordTtlMs: 1_000,
          maxBufferedMs: 1_000
        })
    ).toThrow('option maxBufferedMs: expected an integer from 0 to 999, found 1000')
  })

  it('hands back what expires during backoffs, with its last cause, and never sends it again', async () => {
    const { clock, kinesis, outcomes, put, balance } = startProducer({ recordTtlMs: 2_000 })
    kinesis.failEntry = () => 'ProvisionedThroughputExceededException'
    put('a')
    await clock.advance(1_999)
    expect(outcomes.size).toBe(0)
    await clock.advance(1)
    expect(outcomes.get('a')).toMatchObject({
      code: 'SEALSTREAM_RECORD_EXPIRED',
      maybeStored: false,
      cause: { serviceCode: 'ProvisionedThroughputExceededException' }
    })
    const sent = kinesis.requests.length
    await clock.advance(60_000)
    expect(kinesis.requests).toHaveLength(sent)
    balance()
  })

  it('hands back what expires while it waits for the shard map or for a connection', async () => {
    const { clock, kinesis, outcomes, put } = startProducer({
      recordTtlMs: 2_000,
      maxConcurrentRequests: 1,
      maxBufferedMs: 0
    })
    kinesis.failListing = () => serviceError('TimeoutError')
    put('no map')
    await clock.advance(2_000)
    expect(outcomes.get('no map')).toMatchObject({
      code: 'SEALSTREAM_RECORD_EXPIRED',
      cause: { failure: 'unreachable' }
    })
    kinesis.failListing = undefined
    await clock.advance(30_000)
    let open: (() => void) | undefined
    kinesis.gate = () => new Promise(resolve => (open = resolve))
    put('holds the connection')
    await clock.advance(1)
    put('no connection')
    await clock.advance(2_000)
    expect(outcomes.get('no connection')).toMatchObject({ code: 'SEALSTREAM_RECORD_EXPIRED', attempts: 0 })
    // What a request carries is left to its answer.
    expect(outcomes.has('holds the connection')).toBe(false)
    open!()
    await settle()
    expect(outcomes.get('holds the connection')).toMatchObject({ attempts: 1 })
    expect(kinesis.requests).toHaveLength(1)
  })
})

describe('the shard map', () => {
  it('reads every page', async () => {
    const kinesis = new FakeKinesis(5)
    kinesis.pageSize = 2
    const { clock, put } = startProducer({}, kinesis)
    for (const name of names(100)) put(name)
    await clock.advance(120)
    expect(kinesis.listings).toBe(3)
    expect(kinesis.stored).toHaveLength(5)
  })

  it('fails what waits when the stream does not exist, and asks again for the next record', async () => {
    const { clock, kinesis, outcomes, put } = startProducer()
    kinesis.failListing = () => serviceError('ResourceNotFoundException', 400)
    put('a')
    await clock.advance(0)
    expect(outcomes.get('a')).toMatchObject({ code: 'SEALSTREAM_PUT_FAILED', cause: { failure: 'notFound' } })
    kinesis.failListing = undefined
    put('b')
    await clock.advance(100)
    expect(outcomes.get('b')).toMatchObject({ attempts: 1 })
  })

  it('loses nothing to a reader by the KCL rule when a shard splits under way', async () => {
    const { clock, kinesis, outcomes, put, producer, events } = startProducer({}, new FakeKinesis(2))
    put('first')
    await clock.advance(200)
    kinesis.split(kinesis.shards[0]!)
    for (const name of names(100)) put(name)
    await clock.advance(2_000)
    expect(new Set(kinesis.readAsKcl())).toEqual(new Set(['first', ...names(100)]))
    expect(outcomes.size).toBe(101)
    expect(producer.stats.wrongShard).toBeGreaterThan(0)
    // The first listing, and one for the split.
    expect(events.filter(({ type }) => type === 'shardMapRefreshed')).toHaveLength(2)
  })

  it('makes no duplicates when two shards merge under way', async () => {
    const { clock, kinesis, outcomes, put } = startProducer({}, new FakeKinesis(2))
    put('first')
    await clock.advance(200)
    kinesis.merge(kinesis.shards[0]!, kinesis.shards[1]!)
    for (const name of names(100)) put(name)
    await clock.advance(2_000)
    expect(kinesis.readAsKcl().sort()).toEqual(['first', ...names(100)].sort())
    expect([...outcomes.values()].some(outcome => (outcome as PutResult).maybeDuplicate)).toBe(false)
  })

  it('serves the old map while the new one cannot be had, and backs off', async () => {
    const { clock, kinesis, put } = startProducer({}, new FakeKinesis(2))
    put('first')
    await clock.advance(200)
    kinesis.split(kinesis.shards[0]!)
    kinesis.failListing = () => serviceError('LimitExceededException', 400)
    for (const name of names(50)) put(name)
    await clock.advance(200)
    const before = kinesis.listings
    for (const name of names(50)) put(`later-${name}`)
    await clock.advance(4_750)
    // 1, 1.5 and 2.25 seconds after one another.
    expect(kinesis.listings - before).toBeLessThanOrEqual(3)
    expect(
      kinesis.stored.filter(({ data }) => decodeAggregatedRecord(data) !== undefined).length
    ).toBeGreaterThanOrEqual(4)
    kinesis.failListing = undefined
    await clock.advance(10_000)
    expect(new Set(kinesis.readAsKcl()).size).toBe(101)
  })
})

describe('back-pressure and the end', () => {
  it('makes puts wait for room, bounded in bytes and in waiters', async () => {
    const { clock, kinesis, producer } = startProducer({
      maxRecordBytes: 1_024,
      maxBufferedBytes: 4_096,
      maxWaitingBytes: 5 * 2_025
    })
    const data = Buffer.alloc(1_000)
    const puts = Array.from({ length: 7 }, () => producer.put({ partitionKey: 'k', data }))
    expect(producer.stats).toMatchObject({ accepted: 2, pendingBytes: 2 * (1_001 + 1_024) })
    await expect(producer.put({ partitionKey: 'k', data })).rejects.toMatchObject({
      code: 'SEALSTREAM_BUFFER_FULL',
      retryable: true
    })
    const abort = new AbortController()
    let isReady = false
    const ready = producer.ready().then(() => {
      isReady = true
    })
    abort.abort(new Error('gave up'))
    await expect(producer.ready({ signal: abort.signal })).rejects.toThrow('gave up')
    expect(isReady).toBe(false)
    for (let round = 0; round < 5; round += 1) {
      await clock.advance(100)
      expect(producer.stats.pendingBytes).toBeLessThanOrEqual(4_096)
    }
    await Promise.all(puts)
    await ready
    expect(kinesis.readAsKcl()).toHaveLength(7)
    expect(producer.stats.pendingBytes).toBe(0)
  })

  it('flush sends what is held, and resolves when all of it is settled', async () => {
    const { clock, kinesis, producer, put, outcomes } = startProducer({
      maxBufferedMs: 60_000,
      recordTtlMs: 120_000
    })
    kinesis.failEntry = (_, __, call) => (call === 1 ? 'InternalFailure' : undefined)
    for (const name of names(10)) put(name)
    let flushed = false
    const flush = producer.flush().then(() => {
      flushed = true
    })
    await clock.advance(0)
    expect(kinesis.requests).toHaveLength(1)
    expect(flushed).toBe(false)
    await clock.advance(100)
    await flush
    expect(outcomes.size).toBe(10)
    await producer.flush()
  })

  it('close drains, takes nothing more, and leaves no timer', async () => {
    const { clock, producer, put, outcomes } = startProducer()
    for (const name of names(1_000)) put(name)
    const closed = producer.close()
    await clock.advance(0)
    await closed
    expect(outcomes.size).toBe(1_000)
    await expect(producer.put({ partitionKey: 'k', data: Buffer.from('x') })).rejects.toMatchObject({
      code: 'SEALSTREAM_CLOSED'
    })
    expect(clock.pending).toBe(0)
  })

  it('close hands back what cannot be sent in time', async () => {
    const { clock, kinesis, producer, put, outcomes, balance } = startProducer()
    kinesis.failRequest = () => serviceError('ServiceUnavailable', 503)
    for (const name of names(10)) put(name)
    const closed = producer.close({ drainMs: 3_000 })
    await clock.advance(3_000)
    await closed
    for (const outcome of outcomes.values()) {
      expect(outcome).toMatchObject({
        code: 'SEALSTREAM_PUT_FAILED',
        maybeStored: true,
        cause: { code: 'SEALSTREAM_CLOSED' }
      })
    }
    expect(outcomes.size).toBe(10)
    balance()
    expect(clock.pending).toBe(0)
  })

  it('close ends puts that wait for room, which were never accepted', async () => {
    const { clock, producer } = startProducer({ maxRecordBytes: 1_024, maxBufferedBytes: 1_024 })
    const data = Buffer.alloc(1_000)
    const first = producer.put({ partitionKey: 'k', data })
    const second = producer.put({ partitionKey: 'k', data })
    const closed = producer.close()
    await expect(second).rejects.toMatchObject({ code: 'SEALSTREAM_CLOSED' })
    await clock.advance(0)
    await closed
    await expect(first).resolves.toMatchObject({ attempts: 1 })
    expect(producer.stats.accepted).toBe(1)
  })
})

describe('options', () => {
  it.each([
    [{ streamName: '' }, 'option streamName'],
    [{ maxBufferdMs: 1 }, 'option maxBufferdMs: unknown'],
    [{ recordTtlMs: 10 }, 'option recordTtlMs: expected an integer from 1000'],
    [{ maxBufferedBytes: 1 }, 'option maxBufferedBytes'],
    [{ seal: {} }, 'option seal.keyring'],
    [
      { seal: { keyring: { createSealer: () => {} }, mode: 'both' } },
      "option seal.mode: expected 'aggregate' or 'record'"
    ],
    [{ client: {}, clientConfig: {} }, 'option clientConfig: cannot stand beside client']
  ])('refuses %j', (options, message) => {
    expect(() => new Producer({ streamName: 's', ...options } as never)).toThrow(message)
  })
})
