import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { AggregatedRecordBuilder, decodeAggregatedRecord } from '../../core/aggregated-record.ts'
import { KeyUnavailableError } from '../../core/errors.ts'
import { MetricsRecorder } from '../../core/metrics.ts'
import type { SealingKeyring } from '../../core/record-transform.ts'
import { rawAesKeyring } from '../../crypto/index.ts'
import type { ProducerOptions, PutResult } from '../../producer/index.ts'
import { FakeClock, settle } from '../helpers/fake-clock.ts'
import { FakeKinesis, serviceError } from '../helpers/fake-kinesis.ts'
import { errorOf, names, startProducer } from '../helpers/producer.ts'

// The least that a producer which takes the KPL's place must show, numbered as in the list that it was built from.
const scenarioCount = 26
const run = new Set<number>()
const scenario = (number: number, title: string, test: () => Promise<void>): void => {
  it(`${number}: ${title}`, async () => {
    await test()
    run.add(number)
  })
}

afterAll(() => {
  console.log(`${run.size} of ${scenarioCount} scenarios`)
})

const throttled = 'ProvisionedThroughputExceededException'
const mebibyte = 1_048_576
const isResult = (outcome: PutResult | Error | undefined): outcome is PutResult =>
  outcome !== undefined && 'sequenceNumber' in outcome

/** A producer that has put one record already, so that it knows its stream. */
async function startKnown(options: Partial<ProducerOptions> = {}, kinesis = new FakeKinesis()) {
  const started = startProducer(options, kinesis)
  started.put('first')
  await started.clock.advance(1_000)
  expect(isResult(started.outcomes.get('first'))).toBe(true)
  kinesis.requests.length = 0
  kinesis.stored.length = 0
  started.outcomes.clear()
  return started
}

const aKeyring = (): SealingKeyring => rawAesKeyring({ namespace: 'test', name: 'key', key: randomBytes(32) })

describe('the format', () => {
  scenario(1, 'writes the worked example byte for byte', async () => {
    const { clock, kinesis, put } = startProducer()
    put('hello', 'k1')
    put('world!', 'k1')
    await clock.advance(100)
    expect(kinesis.stored[0]).toMatchObject({
      partitionKey: 'a',
      explicitHashKey: '242208671286853988395785178707875403226'
    })
    expect(Buffer.from(kinesis.stored[0]!.data).toString('hex')).toBe(
      'f3899ac20a026b311a0908001a0568656c6c6f1a0a08001a06776f726c6421de14534f2bafe3a31858a5ec0bfbc746'
    )
  })

  scenario(2, 'refuses data that would be taken for an aggregate, or wraps it when told to', async () => {
    const inner = new AggregatedRecordBuilder()
    inner.add('x', undefined, Buffer.from('inner'))
    const data = inner.encode()
    const refusing = startProducer()
    await expect(refusing.producer.put({ partitionKey: 'k', data })).rejects.toMatchObject({
      code: 'SEALSTREAM_INVALID_RECORD',
      field: 'data'
    })
    const wrapping = startProducer({ onMagicPrefix: 'wrap' })
    const put = wrapping.producer.put({ partitionKey: 'k', data })
    await wrapping.clock.advance(100)
    await put
    const users = decodeAggregatedRecord(wrapping.kinesis.stored[0]!.data)
    expect(users).toEqual([{ partitionKey: 'k', explicitHashKey: undefined, data: new Uint8Array(data) }])
    // On AUTO a wrapped record would be dropped by a KCL, and a bare one taken apart.
    const auto = await startKnown({ onMagicPrefix: 'wrap' }, autoStream())
    const refused = auto.producer.put({ partitionKey: 'k', data })
    await expect(refused).rejects.toMatchObject({ cause: { field: 'data' } })
  })
})

describe('failures', () => {
  scenario(3, 'retries only the failed entries of a PutRecords response', async () => {
    const { clock, kinesis, outcomes, put } = startProducer({ aggregation: false })
    kinesis.failEntry = (_, index, call) => (call === 1 && index === 1 ? throttled : undefined)
    for (const name of ['a', 'b', 'c']) put(name)
    await clock.advance(100)
    expect([...outcomes.keys()]).toEqual(['a', 'c'])
    await clock.advance(2_000)
    expect(kinesis.requests.map(entries => entries.map(({ Data }) => String(Data)))).toEqual([
      ['a', 'b', 'c'],
      ['b']
    ])
    expect(outcomes.get('b')).toMatchObject({ attempts: 2, maybeDuplicate: false })
  })

  scenario(
    4,
    'backs off and slows down while all is throttled, loses nothing, and is back in seconds',
    async () => {
      const metrics = new MetricsRecorder()
      const { clock, kinesis, outcomes, put, producer, balance } = await startKnown({ metrics })
      const until = clock.now() + 5_000
      kinesis.failEntry = () => (clock.now() < until ? throttled : undefined)
      for (let tick = 0; tick < 50; tick += 1) {
        put(`record-${tick}`)
        await clock.advance(100)
      }
      // 50 records, each tried again and again: together they make few requests.
      expect(kinesis.requests.length).toBeLessThan(20)
      balance()
      await clock.advance(6_000)
      expect(outcomes.size).toBe(50)
      expect([...outcomes.values()].every(isResult)).toBe(true)
      expect(producer.stats).toMatchObject({ inFlight: 0, handedBack: 0 })
      const limiter = metrics.take().find(({ name }) => name === 'LimiterPercent')
      expect(limiter!.min).toBeLessThan(50)
      // The shard takes its full share again: 2,000 records at once, without waiting for seconds.
      kinesis.requests.length = 0
      const started = clock.now()
      for (const name of names(1_400, 'later')) put(name)
      await clock.advance(1_500)
      expect(outcomes.size).toBe(1_450)
      expect(clock.now() - started).toBeLessThan(2_000)
    }
  )

  scenario(5, 'hands a throttled record back at once when told to, and no other', async () => {
    const { clock, kinesis, outcomes, put } = startProducer({ failIfThrottled: true, aggregation: false })
    kinesis.failEntry = ({ Data }, _, call) =>
      String(Data) === 'a' ? throttled : call === 1 ? 'InternalFailure' : undefined
    put('a')
    put('b')
    await clock.advance(100)
    expect(outcomes.get('a')).toMatchObject({
      code: 'SEALSTREAM_PUT_FAILED',
      attempts: 1,
      failedAttempts: [{ errorCode: throttled }],
      cause: { failure: 'throttled' }
    })
    await clock.advance(2_000)
    expect(outcomes.get('b')).toMatchObject({ attempts: 2 })
  })

  scenario(6, 'sends again after a timeout that was stored, says so, and keeps the order', async () => {
    const { clock, kinesis, outcomes, put } = await startKnown({ ordered: true })
    kinesis.loseAnswer = call => (call === 1 ? serviceError('TimeoutError') : undefined)
    put('1', 'key')
    await clock.advance(101)
    put('2', 'key')
    await clock.advance(2_000)
    expect(kinesis.readAsKcl()).toEqual(['1', '1', '2'])
    expect(outcomes.get('1')).toMatchObject({ attempts: 2, maybeDuplicate: true })
    expect(outcomes.get('2')).toMatchObject({ attempts: 1, maybeDuplicate: false })
  })

  for (const name of ['ResourceNotFoundException', 'AccessDeniedException']) {
    scenario(
      7,
      `fails everything pending of the stream at once on ${name}, and nothing of another`,
      async () => {
        const clock = new FakeClock()
        const bad = startProducer({ clock, streamName: 'bad' }, new FakeKinesis(4))
        const good = startProducer({ clock, streamName: 'good' })
        bad.kinesis.failRequest = () => serviceError(name, 400)
        for (const text of names(100)) bad.put(text)
        good.put('a')
        await clock.advance(120)
        expect(bad.outcomes.size).toBe(100)
        const error = errorOf(bad.outcomes.get('record-7'))
        expect(error).toMatchObject({
          code: 'SEALSTREAM_PUT_FAILED',
          attempts: 1,
          maybeStored: false,
          cause: { serviceCode: name }
        })
        // The caller's own object, and never in what a logger prints.
        expect(Buffer.from((error.record as { data: Buffer }).data).toString()).toBe('record-7')
        expect(JSON.stringify(error)).not.toContain('"data"')
        expect(good.outcomes.get('a')).toMatchObject({ attempts: 1 })
      }
    )
  }

  scenario(8, 'finds the one entry of 500 that makes the service refuse the request', async () => {
    const { clock, kinesis, outcomes, put } = startProducer({ aggregation: false })
    kinesis.failRequest = entries =>
      entries.some(({ Data }) => String(Data) === 'record-77')
        ? serviceError('ValidationException', 400)
        : undefined
    for (const name of names(500)) put(name)
    await clock.advance(1_000)
    expect(outcomes.size).toBe(500)
    expect([...outcomes].filter(([, outcome]) => !isResult(outcome)).map(([name]) => name)).toEqual([
      'record-77'
    ])
    expect(kinesis.requests.length).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(500)))
  })
})

describe('sizes', () => {
  scenario(9, 'refuses what is over the limit of the stream at put, sealed size included', async () => {
    const { clock, kinesis, producer } = await startKnown()
    await expect(producer.put({ partitionKey: 'k', data: Buffer.alloc(mebibyte) })).rejects.toMatchObject({
      code: 'SEALSTREAM_INVALID_RECORD',
      message: expect.stringContaining(`takes ${mebibyte + 1} bytes`)
    })
    const put = producer.put({ partitionKey: 'k', data: Buffer.alloc(mebibyte - 1) })
    await clock.advance(2_000)
    await expect(put).resolves.toMatchObject({ attempts: 1 })
    expect(kinesis.stored[0]!.data.length + 1).toBe(mebibyte)
    for (const mode of ['aggregate', 'record'] as const) {
      const sealed = await startKnown({ seal: { keyring: aKeyring(), mode }, maxRecordBytes: 10_000 })
      const fits = async (length: number): Promise<boolean> => {
        const result = sealed.producer.put({ partitionKey: 'k', data: Buffer.alloc(length) })
        const settled = result.then(
          () => true,
          (error: Error & { code: string }) => {
            expect(error.code).toBe('SEALSTREAM_INVALID_RECORD')
            return false
          }
        )
        await sealed.clock.advance(1_000)
        return settled
      }
      // The largest that is taken fills the record to the byte.
      let low = 8_000
      let high = 10_000
      while (high - low > 1) {
        const middle = (low + high) >>> 1
        if (await fits(middle)) low = middle
        else high = middle
      }
      await fits(low)
      const { data, partitionKey } = sealed.kinesis.stored.at(-1)!
      // A hash key in decimal has at most 39 digits; this one may have fewer.
      expect(data.length + (mode === 'aggregate' ? 39 : partitionKey.length)).toBe(10_000)
    }
  })

  scenario(10, 'carries 8 MiB among small records where the stream allows it', async () => {
    const kinesis = new FakeKinesis()
    kinesis.maxRecordKiB = 10_240
    const { clock, outcomes, producer, put } = startProducer({}, kinesis)
    // Before anything is known of the stream.
    const large = producer.put({ partitionKey: 'k', data: Buffer.alloc(8 * mebibyte, 'x') })
    for (let tick = 0; tick < 100; tick += 1) {
      put(`record-${tick}`)
      await clock.advance(100)
    }
    await clock.advance(2_000)
    await expect(large).resolves.toMatchObject({ attempts: 1 })
    expect([...outcomes.values()].filter(isResult)).toHaveLength(100)
    const usual = startProducer()
    const refused = usual.producer.put({ partitionKey: 'k', data: Buffer.alloc(8 * mebibyte) })
    await expect(refused).rejects.toMatchObject({ message: expect.stringContaining('at most 1048576') })
    await expect(
      usual.producer.put({ partitionKey: 'k', data: Buffer.alloc(10 * mebibyte) })
    ).rejects.toMatchObject({ code: 'SEALSTREAM_INVALID_RECORD' })
  })

  scenario(11, 'makes no request of more than 500 entries or 10 MiB', async () => {
    const { clock, kinesis, producer, put, outcomes } = startProducer({
      aggregation: false,
      maxRequestBytes: 10 * mebibyte,
      maxRecordBytes: mebibyte,
      rateLimitPercent: 10_000
    })
    for (const name of names(501)) put(name)
    await clock.advance(200)
    expect(kinesis.requests.map(({ length }) => length)).toEqual([500, 1])
    expect(outcomes.size).toBe(501)
    // One record for each shard, since no shard gets more than its share of a request.
    const spread = startProducer({ aggregation: false, maxRequestBytes: 10 * mebibyte }, new FakeKinesis(90))
    const puts = spread.kinesis.shards.map(({ start }, index) =>
      spread.producer.put({
        partitionKey: `key-${index}`,
        explicitHashKey: String(start),
        data: Buffer.alloc(150_000, 'x')
      })
    )
    await spread.clock.advance(1_000)
    await Promise.all(puts)
    // The stream in memory refuses what is over 10 MiB; that much in one request was tried.
    const sizes = spread.kinesis.requests.map(entries =>
      entries.reduce((sum, { Data, PartitionKey }) => sum + Data!.length + PartitionKey!.length, 0)
    )
    expect(Math.max(...sizes)).toBeGreaterThan(0.9 * 10 * mebibyte)
    expect(sizes.length).toBeGreaterThan(1)
    expect(producer.stats.inFlight).toBe(0)
  })

  scenario(12, 'sends a lone record raw at its deadline and not later', async () => {
    const { clock, kinesis, put } = await startKnown({ maxBufferedMs: 100 })
    put('alone')
    await clock.advance(99)
    expect(kinesis.requests).toHaveLength(0)
    await clock.advance(1)
    expect(kinesis.stored).toMatchObject([{ partitionKey: 'alone', data: Buffer.from('alone') }])
  })

  scenario(13, 'cuts aggregates at size and count exactly', async () => {
    const size = new AggregatedRecordBuilder()
    for (const name of names(10)) size.add('k', undefined, Buffer.from(name))
    // The outer partition key `a` counts.
    const exact = await startKnown({ maxAggregateBytes: size.size + 1 })
    for (const name of names(11)) exact.put(name, 'k')
    await exact.clock.advance(1_000)
    const [aggregate, next] = exact.kinesis.stored
    expect(aggregate!.data.length + aggregate!.partitionKey.length).toBe(size.size + 1)
    expect(decodeAggregatedRecord(aggregate!.data)).toHaveLength(10)
    expect(Buffer.from(next!.data).toString()).toBe('record-10')
    const counted = await startKnown({ maxRecordsPerAggregate: 3 })
    for (const name of names(7)) counted.put(name, 'k')
    await counted.clock.advance(1_000)
    expect(counted.kinesis.stored.map(({ data }) => decodeAggregatedRecord(data)?.length ?? 1)).toEqual([
      3, 3, 1
    ])
  })
})

describe('resharding', () => {
  scenario(14, 'loses nothing to a reader by the KCL rule when a shard splits under way', async () => {
    const { clock, kinesis, outcomes, put, events } = await startKnown({}, new FakeKinesis(2))
    kinesis.split(kinesis.shards[0]!)
    for (const name of names(100)) put(name)
    await clock.advance(2_000)
    expect(new Set(kinesis.readAsKcl())).toEqual(new Set(names(100)))
    expect([...outcomes.values()].filter(isResult)).toHaveLength(100)
    // The first listing, and one for the split.
    expect(events.filter(({ type }) => type === 'shardMapRefreshed')).toHaveLength(2)
    // Without a filter only what went to the split shard may come twice.
    const all = kinesis.readUnfiltered()
    expect(new Set(all)).toEqual(new Set(names(100)))
    const twice = names(100).filter(name => all.filter(text => text === name).length > 1)
    expect(twice.every(name => (outcomes.get(name) as PutResult).maybeDuplicate)).toBe(true)
    expect(twice.length).toBeLessThan(100)
  })

  scenario(15, 'makes no duplicates when two shards merge under way', async () => {
    const { clock, kinesis, outcomes, put } = await startKnown({}, new FakeKinesis(2))
    kinesis.merge(kinesis.shards[0]!, kinesis.shards[1]!)
    for (const name of names(100)) put(name)
    await clock.advance(2_000)
    expect(kinesis.readUnfiltered().sort()).toEqual(names(100).sort())
    expect([...outcomes.values()].some(outcome => isResult(outcome) && outcome.maybeDuplicate)).toBe(false)
  })

  scenario(
    16,
    'serves the old map for the minute in which the new one cannot be had, and backs off',
    async () => {
      const { clock, kinesis, put } = await startKnown({ recordTtlMs: 120_000 }, new FakeKinesis(2))
      kinesis.split(kinesis.shards[0]!)
      const times: number[] = []
      kinesis.failListing = () => {
        times.push(clock.now())
        return serviceError('LimitExceededException', 400)
      }
      for (let second = 0; second < 60; second += 1) {
        for (const name of names(20, `at-${second}`)) put(name)
        await clock.advance(1_000)
      }
      const waits = times.slice(1).map((time, index) => time - times[index]!)
      expect(waits.slice(0, 5)).toEqual([1_000, 1_500, 2_250, 3_375, 5_062.5])
      expect(Math.max(...waits)).toBeLessThanOrEqual(30_000)
      // Aggregation went on all the time.
      const aggregated = kinesis.stored.filter(({ data }) => decodeAggregatedRecord(data) !== undefined)
      expect(aggregated.length).toBeGreaterThanOrEqual(60)
      kinesis.failListing = undefined
      await clock.advance(40_000)
      expect(new Set(kinesis.readAsKcl()).size).toBe(1_200)
    }
  )

  scenario(17, 'learns a stream anew that was deleted and made again, without a storm', async () => {
    const { clock, kinesis, outcomes, put } = await startKnown({}, new FakeKinesis(2))
    // The same number of shards and the same names, and other ranges.
    kinesis.shards.length = 0
    const left = kinesis.addShard(0n, 10n)
    kinesis.addShard(11n, 2n ** 128n - 1n)
    for (const name of names(100)) put(name)
    await clock.advance(2_000)
    expect([...outcomes.values()].filter(isResult)).toHaveLength(100)
    expect(new Set(kinesis.readAsKcl())).toEqual(new Set(names(100)))
    expect(kinesis.listings).toBe(2)
    expect(kinesis.requests.length).toBeLessThan(6)
    expect(left.isOpen).toBe(true)
  })
})

function autoStream(): FakeKinesis {
  const kinesis = new FakeKinesis(4)
  kinesis.isAuto = true
  return kinesis
}
const countAggregates = (kinesis: FakeKinesis): number =>
  kinesis.stored.filter(({ data }) => decodeAggregatedRecord(data) !== undefined).length

describe('record distribution AUTO', () => {
  scenario(18, 'makes no aggregates there, says so, and judges no shard', async () => {
    const { clock, kinesis, outcomes, put, events, producer } = startProducer({}, autoStream())
    for (const name of names(100)) put(name, 'one key')
    await clock.advance(200)
    expect([...outcomes.values()].filter(isResult)).toHaveLength(100)
    expect(countAggregates(kinesis)).toBe(0)
    expect(events).toContainEqual({ type: 'recordDistribution', isAuto: true })
    expect(producer.stats.wrongShard).toBe(0)
  })

  scenario(18, 'notices a stream that becomes one while records flow', async () => {
    const { clock, kinesis, outcomes, put, events } = await startKnown({}, new FakeKinesis(4))
    kinesis.isAuto = true
    for (const name of names(100)) put(name)
    await clock.advance(3_000)
    expect([...outcomes.values()].filter(isResult)).toHaveLength(100)
    expect(events).toContainEqual({ type: 'recordDistribution', isAuto: true })
    const aggregates = countAggregates(kinesis)
    for (const name of names(100, 'later')) put(name)
    await clock.advance(1_000)
    expect(countAggregates(kinesis)).toBe(aggregates)
    // And back: looked at again once a minute.
    kinesis.isAuto = false
    await clock.advance(61_000)
    put('looks')
    await clock.advance(1_000)
    for (const name of names(100, 'last')) put(name)
    await clock.advance(1_000)
    expect(countAggregates(kinesis)).toBeGreaterThan(aggregates)
    expect(events).toContainEqual({ type: 'recordDistribution', isAuto: false })
  })

  scenario(
    18,
    'goes by the symptom where the stream cannot be described, and says that it cannot',
    async () => {
      const kinesis = autoStream()
      kinesis.failDescribe = () => serviceError('AccessDeniedException', 400)
      const { clock, outcomes, put, events } = startProducer({}, kinesis)
      for (const name of names(100)) put(name)
      await clock.advance(3_000)
      expect(events).toContainEqual({
        type: 'streamUndescribed',
        failure: 'denied',
        serviceCode: 'AccessDeniedException'
      })
      expect(events.filter(({ type }) => type === 'streamUndescribed')).toHaveLength(1)
      expect(events).toContainEqual({ type: 'recordDistribution', isAuto: true })
      expect([...outcomes.values()].filter(isResult)).toHaveLength(100)
      // By the KCL rule every one can be read: what lay in a dropped aggregate was put again.
      expect(new Set(kinesis.readAsKcl())).toEqual(new Set(names(100)))
    }
  )

  scenario(18, 'refuses ordered mode', async () => {
    const { clock, outcomes, put } = startProducer({ ordered: true }, autoStream())
    put('a')
    await clock.advance(200)
    expect(outcomes.get('a')).toMatchObject({
      cause: { code: 'SEALSTREAM_INVALID_OPTION', option: 'ordered' }
    })
  })
})

describe('time to live', () => {
  scenario(
    19,
    'ends at its time in the buffer, the limiter, a backoff and the queue of connections',
    async () => {
      // In the buffer: it waits for a shard map.
      const buffer = startProducer({ recordTtlMs: 2_000 })
      buffer.kinesis.failListing = () => serviceError('TimeoutError')
      buffer.put('buffer')
      await buffer.clock.advance(1_999)
      expect(buffer.outcomes.size).toBe(0)
      await buffer.clock.advance(1)
      expect(buffer.outcomes.get('buffer')).toMatchObject({
        code: 'SEALSTREAM_RECORD_EXPIRED',
        cause: { failure: 'unreachable' }
      })
      // In the limiter: 10 KiB a second, for two records of 30 KB.
      const limiter = await startKnown({ recordTtlMs: 2_000, rateLimitPercent: 1, aggregation: false })
      const data = Buffer.alloc(30_000)
      const first = limiter.producer.put({ partitionKey: 'k', data })
      const second = limiter.producer.put({ partitionKey: 'k', data })
      const expired = expect(second).rejects.toMatchObject({ code: 'SEALSTREAM_RECORD_EXPIRED', attempts: 0 })
      await limiter.clock.advance(2_000)
      await first
      await expired
      // During a backoff.
      const backoff = await startKnown({ recordTtlMs: 2_000 })
      backoff.kinesis.failEntry = () => throttled
      backoff.put('backoff')
      await backoff.clock.advance(2_000)
      expect(backoff.outcomes.get('backoff')).toMatchObject({
        code: 'SEALSTREAM_RECORD_EXPIRED',
        maybeStored: false,
        cause: { serviceCode: throttled }
      })
      // In the queue of connections.
      const queue = await startKnown({ recordTtlMs: 2_000, maxConcurrentRequests: 1, maxBufferedMs: 0 })
      let open: (() => void) | undefined
      queue.kinesis.gate = () => new Promise(resolve => (open = resolve))
      queue.put('holds the connection')
      await queue.clock.advance(1)
      queue.put('no connection')
      await queue.clock.advance(2_000)
      expect(queue.outcomes.get('no connection')).toMatchObject({
        code: 'SEALSTREAM_RECORD_EXPIRED',
        attempts: 0
      })
      // What a request carries is left to its answer.
      expect(queue.outcomes.has('holds the connection')).toBe(false)
      open!()
      await settle()
      expect(queue.outcomes.get('holds the connection')).toMatchObject({ attempts: 1 })
      // Nothing is sent after its time.
      for (const { clock, kinesis } of [limiter, backoff, queue]) {
        const sent = kinesis.requests.length
        await clock.advance(60_000)
        expect(kinesis.requests).toHaveLength(sent)
      }
    }
  )

  scenario(
    20,
    'refuses a time to live below the buffering time, does not spin at zero, and counts attempts',
    async () => {
      expect(() => startProducer({ recordTtlMs: 1_000, maxBufferedMs: 1_000 })).toThrow(
        'option maxBufferedMs: expected an integer from 0 to 999, found 1000'
      )
      const spinning = startProducer({ maxBufferedMs: 0 })
      spinning.kinesis.failEntry = () => throttled
      spinning.put('a')
      await spinning.clock.advance(10_000)
      expect(spinning.kinesis.requests.length).toBeLessThan(20)
      const once = startProducer({ maxAttempts: 1 })
      once.kinesis.failEntry = () => 'InternalFailure'
      once.put('a')
      await once.clock.advance(5_000)
      expect(once.kinesis.requests).toHaveLength(1)
      expect(once.outcomes.get('a')).toMatchObject({
        code: 'SEALSTREAM_PUT_FAILED',
        attempts: 1,
        maybeStored: true,
        failedAttempts: [{ afterMs: 100, errorCode: 'InternalFailure' }]
      })
    }
  )
})

describe('back-pressure and the end', () => {
  scenario(21, 'stays within its budget under ten times the load that it can carry', async () => {
    const maxBufferedBytes = 100_000
    const { clock, producer, kinesis } = await startKnown({
      maxRecordBytes: 10_000,
      maxBufferedBytes,
      maxWaitingBytes: 100_000,
      recordTtlMs: 600_000,
      rateLimitPercent: 1
    })
    let refused = 0
    let accepted = 0
    for (let second = 0; second < 60; second += 1) {
      for (let index = 0; index < 100; index += 1) {
        producer.put({ partitionKey: `k-${index}`, data: Buffer.alloc(1_000) }).then(
          () => (accepted += 1),
          (error: { code: string }) => {
            expect(error.code).toBe('SEALSTREAM_BUFFER_FULL')
            refused += 1
          }
        )
        expect(producer.stats.pendingBytes).toBeLessThanOrEqual(maxBufferedBytes)
        expect(producer.stats.waitingBytes).toBeLessThanOrEqual(100_000)
      }
      await clock.advance(1_000)
    }
    expect(refused).toBeGreaterThan(1_000)
    await clock.advance(300_000)
    expect(accepted + refused).toBe(6_000)
    expect(producer.stats).toMatchObject({ pendingBytes: 0, waitingBytes: 0, inFlight: 0 })
    expect(kinesis.readAsKcl()).toHaveLength(accepted)
  })

  scenario(22, 'close drains 10,000 records when there is time', async () => {
    const { clock, producer, put, outcomes } = startProducer({}, new FakeKinesis(16))
    for (const name of names(10_000)) put(name)
    const closed = producer.close()
    await clock.advance(3_000)
    expect(await closed).toEqual([])
    expect([...outcomes.values()].filter(isResult)).toHaveLength(10_000)
    await expect(producer.put({ partitionKey: 'k', data: Buffer.from('x') })).rejects.toMatchObject({
      code: 'SEALSTREAM_CLOSED'
    })
    expect(clock.pending).toBe(0)
  })

  scenario(
    22,
    'close hands back and returns what there was no time for, also when the service is down',
    async () => {
      const { clock, kinesis, producer, put, outcomes, balance } = startProducer()
      kinesis.failRequest = () => serviceError('ServiceUnavailable', 503)
      for (const name of names(10_000)) put(name)
      const closed = producer.close({ drainMs: 3_000 })
      await clock.advance(3_000)
      const left = await closed
      expect(left.map(({ partitionKey }) => partitionKey)).toEqual(names(10_000))
      for (const outcome of outcomes.values()) {
        expect(outcome).toMatchObject({ code: 'SEALSTREAM_PUT_FAILED', cause: { code: 'SEALSTREAM_CLOSED' } })
      }
      expect(outcomes.size).toBe(10_000)
      balance()
      expect(clock.pending).toBe(0)
    }
  )
})

/** Data of the first occurrence of each record, in the order of the stream. */
const firstOccurrences = (kinesis: FakeKinesis): string[] => [...new Set(kinesis.readUnfiltered())]

describe('order', () => {
  scenario(23, 'keeps the order of each key across throttling, a lost answer and a split', async () => {
    const { clock, kinesis, put, outcomes } = await startKnown(
      { ordered: true, maxAggregateBytes: 400 },
      new FakeKinesis(2)
    )
    kinesis.failEntry = (_, index, call) => ((call * 7 + index) % 3 === 0 ? throttled : undefined)
    kinesis.loseAnswer = call => (call % 5 === 0 ? serviceError('TimeoutError') : undefined)
    const keys = names(20, 'key')
    for (let round = 0; round < 30; round += 1) {
      for (const key of keys) put(`${key}:${round}`, key)
      if (round === 10) kinesis.split(kinesis.shards[0]!)
      if (round === 20) kinesis.merge(kinesis.shards[2]!, kinesis.shards[3]!)
      await clock.advance(40)
    }
    await clock.advance(60_000)
    expect([...outcomes.values()].filter(isResult)).toHaveLength(600)
    const first = firstOccurrences(kinesis)
    for (const key of keys) {
      const ofKey = first.filter(text => text.startsWith(`${key}:`)).map(text => Number(text.split(':')[1]))
      expect(ofKey).toEqual(Array.from({ length: 30 }, (_, round) => round))
    }
  })

  scenario(
    23,
    'hands back what stands behind a failed record of its key, in order, and nothing else',
    async () => {
      const { clock, kinesis, put, outcomes, events } = await startKnown({
        ordered: true,
        aggregation: false,
        maxAttempts: 1
      })
      kinesis.failEntry = ({ Data }) => (String(Data) === 'a:1' ? 'InternalFailure' : undefined)
      for (const text of ['a:0', 'a:1', 'a:2', 'b:0', 'a:3', 'b:1']) put(text, text[0]!)
      await clock.advance(1_000)
      const results = Object.fromEntries([...outcomes].map(([text, outcome]) => [text, isResult(outcome)]))
      expect(results).toEqual({
        'a:0': true,
        'a:1': false,
        'a:2': false,
        'b:0': true,
        'a:3': false,
        'b:1': true
      })
      expect(outcomes.get('a:2')).toMatchObject({ attempts: 0, cause: { code: 'SEALSTREAM_LANE_STOPPED' } })
      expect([...outcomes.keys()].filter(text => text.startsWith('a')).slice(1)).toEqual([
        'a:1',
        'a:2',
        'a:3'
      ])
      expect(events).toContainEqual({ type: 'laneStopped', records: 2 })
      // Whoever has seen the failure begins anew.
      put('a:4', 'a')
      await clock.advance(1_000)
      expect(isResult(outcomes.get('a:4'))).toBe(true)
      const going = await startKnown({
        ordered: true,
        aggregation: false,
        maxAttempts: 1,
        onLaneFailure: 'continue'
      })
      going.kinesis.failEntry = ({ Data }) => (String(Data) === 'a:1' ? 'InternalFailure' : undefined)
      for (const text of ['a:0', 'a:1', 'a:2']) going.put(text, 'a')
      await going.clock.advance(1_000)
      expect(going.kinesis.readAsKcl()).toEqual(['a:0', 'a:2'])
    }
  )

  scenario(23, 'stops what still waited for room when the failure became known', async () => {
    const { clock, kinesis, producer, outcomes, put } = await startKnown({
      ordered: true,
      maxRecordBytes: 1_024,
      maxBufferedBytes: 1_024,
      maxAttempts: 1
    })
    kinesis.failEntry = ({ Data }) => (String(Data) === 'a:1' ? 'InternalFailure' : undefined)
    for (const text of ['a:1', 'a:2', 'b:1', 'a:3']) put(text, text[0]!)
    expect(producer.stats.waitingPuts).toBe(3)
    await clock.advance(1_000)
    expect(outcomes.get('a:2')).toMatchObject({ code: 'SEALSTREAM_LANE_STOPPED' })
    expect(outcomes.get('a:3')).toMatchObject({ code: 'SEALSTREAM_LANE_STOPPED' })
    expect(kinesis.readAsKcl()).toEqual(['b:1'])
    expect(producer.stats).toMatchObject({ pendingBytes: 0, inFlight: 0 })
  })
})

describe('streams, keys and numbers', () => {
  scenario(24, 'is not slowed by another stream that is throttled hard', async () => {
    const clock = new FakeClock()
    const slow = startProducer({ clock, streamName: 'slow' })
    const fast = startProducer({ clock, streamName: 'fast' })
    slow.kinesis.failEntry = () => throttled
    for (const name of names(1_000)) slow.put(name)
    for (let tick = 0; tick < 20; tick += 1) {
      fast.put(`record-${tick}`)
      await clock.advance(100)
      expect(isResult(fast.outcomes.get(`record-${tick}`))).toBe(true)
    }
    expect(slow.outcomes.size).toBe(0)
  })

  for (const mode of ['aggregate', 'record'] as const) {
    scenario(
      25,
      `holds while the key is away in mode ${mode}, never sends plaintext, and opens after a change of keys`,
      async () => {
        const clock = new FakeClock()
        const keyring = rawAesKeyring({
          namespace: 'test',
          name: 'key',
          key: randomBytes(32),
          clock,
          cache: { maxAgeMs: 1_000 }
        })
        let down = false
        const flaky: SealingKeyring = {
          createOpener: options => keyring.createOpener(options),
          createSealer(options) {
            const sealer = keyring.createSealer(options)
            return {
              seal: plaintext =>
                down ? Promise.reject(new KeyUnavailableError('down')) : sealer.seal(plaintext),
              overheadBytes: bytes => sealer.overheadBytes(bytes),
              get keyStats() {
                return sealer.keyStats
              },
              close: () => sealer.close()
            }
          }
        }
        const { kinesis, put, outcomes, events } = startProducer({ clock, seal: { keyring: flaky, mode } })
        for (let tick = 0; tick < 50; tick += 1) {
          down = tick >= 20 && tick < 30
          put(`secret-${tick}`, `key-${tick}`)
          await clock.advance(100)
        }
        await clock.advance(10_000)
        expect([...outcomes.values()].filter(isResult)).toHaveLength(50)
        expect(events.map(({ type }) => type)).toEqual(
          expect.arrayContaining(['keyUnavailable', 'keyAvailable'])
        )
        for (const { data } of kinesis.stored) expect(Buffer.from(data).includes('secret')).toBe(false)
        const opener = keyring.createOpener({ streamName: 's' })
        onTestFinished(() => opener.close())
        const opened: string[] = []
        for (const { data } of kinesis.stored) {
          const outer = mode === 'record' ? decodeAggregatedRecord(data) : undefined
          for (const { data: sealed } of outer ?? [{ data }]) {
            const plain = await opener.open(sealed)
            const inner = mode === 'aggregate' ? decodeAggregatedRecord(plain)! : [{ data: plain }]
            opened.push(...inner.map(user => Buffer.from(user.data).toString()))
          }
        }
        expect(opened.sort()).toEqual(names(50, 'secret').sort())
        const other = keyring.createOpener({ streamName: 'another' })
        onTestFinished(() => other.close())
        const message = kinesis.stored.at(-1)!.data
        const sealed = mode === 'record' ? (decodeAggregatedRecord(message)?.[0]?.data ?? message) : message
        expect(() => other.open(sealed)).toThrow(
          expect.objectContaining({ code: 'SEALSTREAM_CONTEXT_MISMATCH' })
        )
      }
    )
  }

  scenario(26, 'counts what really happened', async () => {
    const metrics = new MetricsRecorder()
    const kinesis = new FakeKinesis(4)
    const { clock, producer, put } = startProducer({ metrics, metricsGranularity: 'shard' }, kinesis)
    kinesis.failEntry = (_, index, call) => (call <= 2 && index === 0 ? throttled : undefined)
    for (const name of names(200)) put(name)
    await clock.advance(10_000)
    const taken = metrics.take()
    const total = (name: string): { count: number; sum: number } =>
      taken
        .filter(statistics => statistics.name === name)
        .reduce((all, { count, sum }) => ({ count: all.count + count, sum: all.sum + sum }), {
          count: 0,
          sum: 0
        })
    const userBytes = names(200).reduce((sum, name) => sum + name.length, 0)
    expect(total('UserRecordsReceived').sum).toBe(200)
    expect(total('UserRecordsPut')).toEqual({ count: 200, sum: 200 })
    expect(total('UserRecordsDataPut').sum).toBe(userBytes)
    expect(total('KinesisRecordsPut').sum).toBe(kinesis.stored.length)
    expect(total('KinesisRecordsDataPut').sum).toBe(
      kinesis.stored.reduce((sum, { data }) => sum + data.length, 0)
    )
    const failed = kinesis.requests.reduce((sum, { length }) => sum + length, 0) - kinesis.stored.length
    expect(total('ErrorsByCode').sum).toBe(failed)
    expect(total('AllErrors')).toEqual({ count: kinesis.stored.length + failed, sum: failed })
    expect(taken.find(({ name }) => name === 'ErrorsByCode')?.dimensions).toMatchObject({
      ErrorCode: throttled,
      StreamName: 's',
      ShardId: expect.stringMatching(/^shardId-/)
    })
    expect(total('KinesisRecordsPerPutRecordsRequest').sum).toBe(kinesis.stored.length + failed)
    expect(total('RequestTime').count).toBe(kinesis.requests.length)
    expect(total('RetriesPerRecord').count).toBe(200)
    expect(producer.stats.throttled).toBe(failed)
    // The list of attempts stays short, however many there were.
    const many = startProducer({ recordTtlMs: 86_400_000 })
    many.kinesis.failEntry = () => 'InternalFailure'
    many.put('a')
    await many.clock.advance(3_600_000)
    many.kinesis.failEntry = () => throttled
    void many.producer.close({ drainMs: 1_000 })
    await many.clock.advance(1_000)
    const error = errorOf(many.outcomes.get('a'))
    expect(error.attempts).toBeGreaterThan(1_000)
    expect(error.failedAttempts).toHaveLength(10)
  })
})

describe('all scenarios', () => {
  it(`are ${scenarioCount}`, () => {
    expect([...run].sort((a, b) => a - b)).toEqual(
      Array.from({ length: scenarioCount }, (_, index) => index + 1)
    )
  })
})
