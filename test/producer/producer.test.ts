import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AggregatedRecordBuilder, decodeAggregatedRecord } from '../../core/aggregated-record.ts'
import { hashKeyOf } from '../../core/hash-key.ts'
import type { SealingKeyring } from '../../core/record-transform.ts'
import { rawAesKeyring, tenantKeyring } from '../../crypto/index.ts'
import { DiagnosticsChannel, MetricsRecorder, Producer, type PutResult } from '../../producer/index.ts'
import { FakeKinesis, serviceError } from '../helpers/fake-kinesis.ts'
import { names, startProducer } from '../helpers/producer.ts'

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

describe('a full buffer of many shards', () => {
  const bytesPerTurn = 2_097_152
  const shardCount = 256

  it.each(['when it is due', 'when it is flushed'])(
    'is packed and sent turn by turn of the event loop, %s',
    async way => {
      const turns = countTurns()
      const sealedBytes = new Map<number, number>()
      const sentBytes = new Map<number, number>()
      const note = (bytesOf: Map<number, number>, bytes: number): void => {
        bytesOf.set(turns.now, (bytesOf.get(turns.now) ?? 0) + bytes)
      }
      const keyring = watchedKeyring(bytes => note(sealedBytes, bytes))
      const kinesis = new FakeKinesis(shardCount)
      const putRecords = kinesis.putRecords.bind(kinesis)
      kinesis.putRecords = (input, options) => {
        note(sentBytes, input.Records?.reduce((sum, { Data }) => sum + Data!.length, 0) ?? 0)
        return putRecords(input, options)
      }
      const { clock, producer } = startProducer(
        { seal: { keyring, mode: 'aggregate' }, maxBufferedMs: 1_000 },
        kinesis
      )
      const puts = Array.from({ length: 32 * shardCount }, (_, index) =>
        producer.put({ partitionKey: `key-${index}`, data: Buffer.alloc(1_024) })
      )
      await clock.advance(0)
      expect(sentBytes.size).toBe(0)
      if (way === 'when it is flushed') void producer.flush()
      await clock.advance(1_000)
      await Promise.all(puts)
      for (const bytesOf of [sealedBytes, sentBytes]) {
        expect(bytesOf.size).toBeGreaterThan(3)
        expect(Math.max(...bytesOf.values())).toBeLessThanOrEqual(bytesPerTurn)
      }
    }
  )

  function countTurns(): { readonly now: number } {
    const turns = { now: 0 }
    const tick = (): void => {
      turns.now += 1
      next = setImmediate(tick)
    }
    let next = setImmediate(tick)
    onTestFinished(() => clearImmediate(next))
    return turns
  }

  function watchedKeyring(onSeal: (bytes: number) => void): SealingKeyring {
    const keyring = rawAesKeyring({ namespace: 'test', name: 'key', key: Buffer.alloc(32) })
    return {
      createOpener: options => keyring.createOpener(options),
      createSealer(options) {
        const sealer = keyring.createSealer(options)
        const seal = sealer.seal.bind(sealer)
        return Object.assign(sealer, {
          seal(plaintext: Uint8Array, tenant?: string) {
            onSeal(plaintext.length)
            return seal(plaintext, tenant)
          }
        })
      }
    }
  }
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

describe('many records', () => {
  it('putAll pulls no faster than there is room, and counts what became of the records', async () => {
    const { clock, producer } = startProducer({ maxRecordBytes: 1_024, maxBufferedBytes: 8_192 })
    let pulled = 0
    async function* source() {
      for (; pulled < 50; pulled += 1) yield { partitionKey: `k-${pulled}`, data: Buffer.alloc(1_000) }
    }
    const put = producer.putAll(source())
    await clock.advance(50)
    expect(pulled).toBeLessThan(8)
    expect(producer.stats.waitingPuts).toBeLessThanOrEqual(1)
    await clock.advance(5_000)
    await expect(put).resolves.toEqual({ accepted: 50, acknowledged: 50, handedBack: 0 })
  })

  it('putAll stops at the first failure and gives every record that failed, or hands them to the caller', async () => {
    const { clock, kinesis, producer } = startProducer({ aggregation: false, maxAttempts: 1 })
    kinesis.failEntry = ({ Data }) => (String(Data).startsWith('bad') ? 'InternalFailure' : undefined)
    const source = ['a', 'bad-1', 'b', 'bad-2'].map(text => ({ partitionKey: 'k', data: Buffer.from(text) }))
    const rejected = expect(producer.putAll(source)).rejects.toMatchObject({
      code: 'SEALSTREAM_PUT_FAILED',
      errors: [{ record: source[1] }, { record: source[3] }]
    })
    await clock.advance(1_000)
    await rejected
    const failed: unknown[] = []
    const results: unknown[] = []
    const put = producer.putAll(source, {
      onError: (_, record) => failed.push(record),
      onResult: (_, record) => results.push(record)
    })
    await clock.advance(1_000)
    await expect(put).resolves.toEqual({ accepted: 4, acknowledged: 2, handedBack: 2 })
    expect(failed).toEqual([source[1], source[3]])
    expect(results).toEqual([source[0], source[2]])
  })

  it('putAll ends with the signal, when what was taken is settled', async () => {
    const { clock, kinesis, producer } = startProducer()
    const abort = new AbortController()
    async function* source() {
      yield { partitionKey: 'k', data: Buffer.from('a') }
      await clock.sleep(50)
      abort.abort(new Error('enough'))
      yield { partitionKey: 'k', data: Buffer.from('b') }
    }
    const ended = expect(producer.putAll(source(), { signal: abort.signal })).rejects.toThrow('enough')
    await clock.advance(1_000)
    await ended
    expect(kinesis.readAsKcl()).toEqual(['a'])
  })

  it('a writable ends when all is acknowledged', async () => {
    const { clock, kinesis, producer } = startProducer({ maxRecordBytes: 1_024, maxBufferedBytes: 8_192 })
    const source = names(30).map(text => ({ partitionKey: text, data: Buffer.from(text) }))
    let isDone = false
    const done = pipeline(Readable.from(source), producer.writable()).then(() => {
      isDone = true
    })
    await clock.advance(50)
    expect(isDone).toBe(false)
    await clock.advance(5_000)
    await done
    expect(kinesis.readAsKcl().sort()).toEqual(names(30).sort())
  })

  it('a writable is destroyed by a record that is handed back', async () => {
    const { clock, kinesis, producer } = startProducer()
    kinesis.failRequest = () => serviceError('AccessDeniedException', 400)
    const done = expect(
      pipeline(Readable.from([{ partitionKey: 'k', data: Buffer.from('a') }]), producer.writable())
    ).rejects.toMatchObject({ code: 'SEALSTREAM_PUT_FAILED' })
    await clock.advance(1_000)
    await done
  })

  it('flush gives up in time and returns what is left, in order', async () => {
    const { clock, kinesis, producer, put } = startProducer()
    kinesis.failRequest = () => serviceError('ServiceUnavailable', 503)
    for (const name of names(3)) put(name)
    const flushed = producer.flush({ timeoutMs: 500 })
    put('accepted later')
    await clock.advance(500)
    expect((await flushed).map(({ partitionKey }) => partitionKey)).toEqual(names(3))
    kinesis.failRequest = undefined
    await clock.advance(10_000)
    expect(await producer.flush()).toEqual([])
  })

  it('a signal withdraws only what is not accepted yet', async () => {
    const { clock, producer } = startProducer({ maxRecordBytes: 1_024, maxBufferedBytes: 1_024 })
    const abort = new AbortController()
    const record = { partitionKey: 'k', data: Buffer.alloc(1_000) }
    const accepted = producer.put(record, { signal: abort.signal })
    const waiting = producer.put(record, { signal: abort.signal })
    abort.abort(new Error('no longer wanted'))
    await expect(waiting).rejects.toThrow('no longer wanted')
    await clock.advance(1_000)
    await expect(accepted).resolves.toMatchObject({ attempts: 1 })
    await expect(producer.put(record, { signal: abort.signal })).rejects.toThrow('no longer wanted')
    expect(producer.stats).toMatchObject({ accepted: 1, waitingBytes: 0 })
  })
})

describe('aggregates by partition key', () => {
  it('hold one key each, which is readable outside', async () => {
    const { clock, kinesis, put } = startProducer({ aggregateBy: 'partitionKey' })
    for (const name of names(30)) put(name, `key-${name.at(-1)}`)
    await clock.advance(200)
    expect(kinesis.stored).toHaveLength(10)
    for (const { partitionKey, explicitHashKey, data } of kinesis.stored) {
      expect(explicitHashKey).toBe(String(hashKeyOf({ partitionKey })))
      expect(new Set(decodeAggregatedRecord(data)!.map(user => user.partitionKey))).toEqual(
        new Set([partitionKey])
      )
    }
  })

  it('of one key with two explicit hash keys are two', async () => {
    const { clock, kinesis, put } = startProducer({ aggregateBy: 'partitionKey' })
    put('a', 'k', '1')
    put('b', 'k', '2')
    put('c', 'k', '1')
    await clock.advance(200)
    expect(kinesis.stored.map(({ explicitHashKey }) => explicitHashKey).sort()).toEqual(['1', '2'])
  })
})

describe('ordered mode', () => {
  it('has one Kinesis record of a shard under way, and others beside it', async () => {
    const { clock, kinesis, put } = startProducer(
      { ordered: true, maxRecordsPerAggregate: 2 },
      new FakeKinesis(2)
    )
    put('first')
    await clock.advance(1_000)
    kinesis.requests.length = 0
    const waiting: (() => void)[] = []
    kinesis.gate = () => new Promise(resolve => waiting.push(resolve))
    for (const name of names(40)) put(name)
    await clock.advance(1_000)
    // One for each shard, in one request or two.
    expect(kinesis.requests.flat()).toHaveLength(2)
    kinesis.gate = undefined
    for (const open of waiting) open()
    await clock.advance(2_000)
    expect(new Set(kinesis.readAsKcl()).size).toBe(41)
  })

  it('wants one tenant for all records of a partition key', async () => {
    const keyring = tenantKeyring({
      keyringOf: tenant => rawAesKeyring({ namespace: 't', name: tenant, key: Buffer.alloc(32, tenant) })
    })
    let tenant = 'one'
    const { clock, producer } = startProducer({ ordered: true, seal: { keyring, keyFor: () => tenant } })
    const record = { partitionKey: 'k', data: Buffer.from('x') }
    const first = producer.put(record)
    tenant = 'two'
    await expect(producer.put(record)).rejects.toMatchObject({ field: 'tenant' })
    expect(producer.stats).toMatchObject({ accepted: 1, inFlight: 1 })
    await clock.advance(1_000)
    await first
    // Nothing of the key is under way any more.
    const second = producer.put(record)
    await clock.advance(1_000)
    await expect(second).resolves.toMatchObject({ attempts: 1 })
  })
})

describe('what it tells', () => {
  it('publishes every event on a diagnostics channel', async () => {
    const seen: unknown[] = []
    const onMessage = (message: unknown): void => void seen.push(message)
    subscribe(DiagnosticsChannel.producer, onMessage)
    onTestFinished(() => void unsubscribe(DiagnosticsChannel.producer, onMessage))
    const { clock, events, put } = startProducer({ streamName: 'told' })
    put('a')
    await clock.advance(1_000)
    expect(events.length).toBeGreaterThan(0)
    expect(seen).toEqual(events.map(event => ({ source: 'told', event })))
  })

  it('measures without dimensions of shards, and less at the level summary', async () => {
    const metrics = new MetricsRecorder()
    const { clock, put } = startProducer({ metrics, metricsLevel: 'summary' }, new FakeKinesis(4))
    for (const name of names(20)) put(name)
    await clock.advance(1_000)
    const taken = metrics.take()
    expect(new Set(taken.map(({ dimensions }) => dimensions))).toEqual(new Set([{ StreamName: 's' }]))
    const found = taken.map(({ name }) => name)
    expect(found).toContain('UserRecordsPut')
    expect(found).not.toContain('UserRecordsReceived')
    expect(metrics.take()).toEqual([])
  })
})

describe('options', () => {
  it.each([
    [{ streamName: '' }, 'option streamName'],
    [{ maxBufferdMs: 1 }, 'option maxBufferdMs: unknown'],
    [{ recordTtlMs: 10 }, 'option recordTtlMs: expected an integer from 1000'],
    [{ maxBufferedBytes: 1 }, 'option maxBufferedBytes'],
    [{ rateLimitPercent: 0 }, 'option rateLimitPercent: expected an integer from 1 to 1000000, found 0'],
    [{ ordered: 'yes' }, 'option ordered: expected true or false, found string'],
    [{ aggregateBy: 'key' }, "option aggregateBy: expected 'shard' or 'partitionKey', found 'key'"],
    [{ maxRecordBytes: 10_485_761 }, 'option maxRecordBytes: expected an integer from 1024 to 10485760'],
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
