import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, it } from 'vitest'
import { PutAllFailedError, SinkFullError, UndeliverableError } from '../../firehose/index.ts'
import { settle } from '../helpers/fake-clock.ts'
import { failing } from '../helpers/fake-firehose.ts'
import { serviceError } from '../helpers/fake-kinesis.ts'
import { finish, recordsOf, startSink } from '../helpers/sink.ts'

const megabyte = Buffer.alloc(1_000_000, 'x')
const down = () => serviceError('ServiceUnavailableException', 503)

describe('put', () => {
  it('resolves with the RecordId; what is put without a pause shares a request', async () => {
    const { sink, firehose } = startSink({ framing: 'lines' })
    firehose.script = texts => ({
      RequestResponses: texts.map(text => ({ RecordId: `id of ${text.trim()}` }))
    })
    const results = await Promise.all([sink.put(Buffer.from('a')), sink.put({ data: Buffer.from('b') })])
    expect(results).toEqual([{ recordId: 'id of a' }, { recordId: 'id of b' }])
    expect(firehose.requests).toEqual([['a\n', 'b\n']])
  })

  it('waits for company as long as it is told to', async () => {
    const { sink, firehose, clock } = startSink({ maxBufferedMs: 1_000 })
    const first = sink.put(Buffer.from('a'))
    await clock.advance(999)
    const second = sink.put(Buffer.from('b'))
    expect(firehose.requests).toEqual([])
    await clock.advance(1)
    await Promise.all([first, second])
    expect(firehose.requests).toEqual([['a', 'b']])
  })

  it('gathers what comes while all requests are under way', async () => {
    const { sink, firehose } = startSink({ maxConcurrentRequests: 1 })
    const puts = [sink.put(Buffer.from('a'))]
    await Promise.resolve()
    for (const text of ['b', 'c', 'd']) {
      puts.push(sink.put(Buffer.from(text)))
      await Promise.resolve()
    }
    await Promise.all(puts)
    expect(firehose.requests).toEqual([['a'], ['b', 'c', 'd']])
  })

  it('rejects what cannot be delivered, and what is no record', async () => {
    const { sink } = startSink({ framing: 'ndjson' })
    await expect(sink.put(Buffer.from('{'))).rejects.toBeInstanceOf(UndeliverableError)
    await expect(sink.put('text' as never)).rejects.toMatchObject({ code: 'SEALSTREAM_INVALID_RECORD' })
    await expect(sink.put({ data: 'text' } as never)).rejects.toMatchObject({ field: 'data' })
    expect(sink.stats).toMatchObject({ offered: 1, undeliverable: 1 })
  })

  it('rejects alone when the stream takes others of its request', async () => {
    const { sink, firehose, clock } = startSink({ maxElapsedMs: 1_000 })
    firehose.script = texts => failing(texts, text => text === 'b')
    const puts = Promise.allSettled(['a', 'b'].map(text => sink.put(Buffer.from(text))))
    expect(await finish(clock, puts)).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'SEALSTREAM_THROTTLED' } }
    ])
  })

  it('waits for room, and rejects when as much waits as may', async () => {
    const { sink, firehose, clock } = startSink({ maxBufferedBytes: 8_388_608 })
    const isDown = { now: true }
    firehose.script = () => (isDown.now ? down() : undefined)
    const puts = Array.from({ length: 16 }, () => sink.put(megabyte))
    expect(sink.stats).toMatchObject({ offered: 16, inFlight: 16 })
    expect(sink.stats.bufferedBytes).toBeLessThanOrEqual(8_388_608)
    const refused = sink.put(megabyte)
    await expect(refused).rejects.toBeInstanceOf(SinkFullError)
    await expect(refused).rejects.toMatchObject({ code: 'SEALSTREAM_BUFFER_FULL', retryable: true })
    isDown.now = false
    await finish(clock, Promise.all(puts))
    expect(sink.stats).toMatchObject({ offered: 16, delivered: 16 })
  })

  it('rejects with the reason of its signal while it waits for room', async () => {
    const { sink, firehose, clock } = startSink({ maxBufferedBytes: 8_388_608 })
    const isDown = { now: true }
    firehose.script = () => (isDown.now ? down() : undefined)
    const puts = Array.from({ length: 8 }, () => sink.put(megabyte))
    const reason = new Error('enough')
    const ended = new AbortController()
    const waiting = expect(sink.put(megabyte, { signal: ended.signal })).rejects.toBe(reason)
    ended.abort(reason)
    await waiting
    isDown.now = false
    await finish(clock, Promise.all(puts))
    expect(sink.stats).toMatchObject({ offered: 9, delivered: 8, failed: 1 })
    expect(firehose.stored).toHaveLength(8)
  })
})

describe('putAll', () => {
  it('delivers everything from a list or an iteration, within the buffer', async () => {
    const { sink, firehose, clock } = startSink({ framing: 'lines', maxBufferedBytes: 8_388_608 })
    const delivered: string[] = []
    const texts = Array.from({ length: 2_000 }, (_, index) => `${index}`)
    const fromList = sink.putAll(
      texts.map(text => Buffer.from(text)),
      { onDelivered: ({ data }, recordId) => delivered.push(`${Buffer.from(data)}/${recordId}`) }
    )
    expect(await fromList).toEqual({ delivered: 2_000, failed: 0 })
    expect(delivered.toSorted()).toEqual(texts.map(text => `${text}/id`).toSorted())
    async function* later() {
      for (let count = 0; count < 40; count += 1) yield { data: megabyte.subarray(0, 500_000) }
    }
    let most = 0
    firehose.script = () => {
      most = Math.max(most, sink.stats.bufferedBytes)
      return undefined
    }
    expect(await finish(clock, sink.putAll(later()))).toEqual({ delivered: 40, failed: 0 })
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(8_388_608)
    expect(firehose.stored).toHaveLength(2_040)
  })

  it('ends with the first record that is not delivered, and has them all in its error', async () => {
    const { sink, firehose } = startSink({ framing: 'ndjson' })
    const records = ['1', 'secret', '2'].map(text => ({ data: Buffer.from(text) }))
    const failing = sink.putAll(records)
    await expect(failing).rejects.toBeInstanceOf(PutAllFailedError)
    const error = await failing.catch((caught: PutAllFailedError) => caught as PutAllFailedError)
    expect((error as PutAllFailedError).failed).toEqual([
      { record: records[1], error: expect.any(UndeliverableError) }
    ])
    expect(Object.keys(error)).not.toContain('failed')
    expect(firehose.stored).toEqual(['1\n'])
  })

  it('goes on past them for whoever listens', async () => {
    const { sink, firehose } = startSink({ framing: 'ndjson' })
    const records = ['1', 'x', '2'].map(text => ({ data: Buffer.from(text) }))
    const errors: unknown[] = []
    const result = await sink.putAll(records, {
      onError: (error, record) => errors.push([error.code, record])
    })
    expect(result).toEqual({ delivered: 2, failed: 1 })
    expect(errors).toEqual([['SEALSTREAM_UNDELIVERABLE', records[1]]])
    expect(firehose.stored).toEqual(['1\n', '2\n'])
  })

  it('rejects with what the iteration throws, once the rest is delivered', async () => {
    const { sink, firehose } = startSink()
    const reason = new Error('source broke')
    function* broken() {
      yield Buffer.from('a')
      throw reason
    }
    await expect(sink.putAll(broken())).rejects.toBe(reason)
    expect(firehose.stored).toEqual(['a'])
  })

  it('rejects with the reason of its signal at once', async () => {
    const { sink, firehose, clock } = startSink()
    firehose.script = down
    const reason = new Error('enough')
    const ended = new AbortController()
    const running = expect(sink.putAll([Buffer.from('a')], { signal: ended.signal })).rejects.toBe(reason)
    await settle()
    ended.abort(reason)
    await running
    expect(sink.stats).toMatchObject({ offered: 1, failed: 1 })
    expect(clock.pending).toBe(0)
  })
})

describe('writable', () => {
  it('finishes when everything is delivered', async () => {
    const { sink, firehose } = startSink({ framing: 'lines', maxBufferedMs: 60_000 })
    await pipeline(Readable.from(recordsOf('a', 'b', 'c')), sink.writable())
    expect(firehose.requests).toEqual([['a\n', 'b\n', 'c\n']])
  })

  it('takes no more than the buffer holds', async () => {
    const { sink, firehose, clock } = startSink({ maxBufferedBytes: 8_388_608 })
    const isDown = { now: true }
    firehose.script = () => (isDown.now ? down() : undefined)
    let read = 0
    function* source() {
      for (; read < 50; read += 1) yield megabyte
    }
    const running = pipeline(Readable.from(source(), { highWaterMark: 1 }), sink.writable())
    await clock.advance(10_000)
    expect(read).toBeLessThan(14)
    isDown.now = false
    await finish(clock, running)
    expect(firehose.stored).toHaveLength(50)
  })

  it('is destroyed with the error of a record that is not delivered; the sink stays open', async () => {
    const { sink, firehose } = startSink({ framing: 'ndjson' })
    const writable = sink.writable()
    const failed = once(writable, 'error')
    writable.write(Buffer.from('x'))
    expect((await failed)[0]).toBeInstanceOf(UndeliverableError)
    await sink.put(Buffer.from('1'))
    expect(firehose.stored).toEqual(['1\n'])
  })

  it('gives up what is left when it is destroyed', async () => {
    const { sink, firehose, clock } = startSink()
    firehose.script = down
    const writable = sink.writable()
    writable.write(Buffer.from('a'))
    await settle()
    writable.destroy()
    await once(writable, 'close')
    await settle()
    expect(sink.stats).toMatchObject({ offered: 1, failed: 1 })
    expect(clock.pending).toBe(0)
  })
})

describe('flush and close', () => {
  it('flush sends what is held, and resolves when it is settled', async () => {
    const { sink, firehose } = startSink({ maxBufferedMs: 60_000 })
    const put = sink.put(Buffer.from('a'))
    const delivery = sink.deliver(recordsOf('b'))
    expect(firehose.requests).toEqual([])
    await sink.flush()
    expect(firehose.stored).toEqual(['a', 'b'])
    await Promise.all([put, delivery])
  })

  it('close waits for those who wait for room, too', async () => {
    const { sink, firehose, clock } = startSink({ maxBufferedBytes: 8_388_608, maxBufferedMs: 60_000 })
    const puts = Promise.all(Array.from({ length: 14 }, () => sink.put(megabyte)))
    await finish(clock, sink.close(), 1)
    await puts
    expect(firehose.stored).toHaveLength(14)
    await expect(sink.put(megabyte)).rejects.toMatchObject({ code: 'SEALSTREAM_CLOSED' })
    await expect(sink.putAll([])).rejects.toMatchObject({ code: 'SEALSTREAM_CLOSED' })
    expect(() => sink.writable()).toThrow(expect.objectContaining({ code: 'SEALSTREAM_CLOSED' }))
  })

  it('close gives up after its time, and leaves nothing behind', async () => {
    const { sink, firehose, clock } = startSink()
    firehose.script = down
    const failed = expect(sink.put(Buffer.from('a'))).rejects.toMatchObject({ code: 'SEALSTREAM_CLOSED' })
    let isClosed = false
    const closing = sink.close({ drainMs: 2_000 }).then(() => {
      isClosed = true
    })
    await clock.advance(1_999)
    expect(isClosed).toBe(false)
    await clock.advance(1)
    await closing
    await failed
    expect(clock.pending).toBe(0)
    expect(sink.stats).toMatchObject({ offered: 1, failed: 1 })
  })
})

describe('packing', () => {
  it('shares Firehose records, and counts what that saves', async () => {
    const { sink, firehose, clock } = startSink({ framing: 'lines', destination: 's3', packing: true })
    const records = recordsOf(...Array.from({ length: 1_000 }, () => Buffer.alloc(299, 'x')))
    const acknowledged: number[] = []
    await finish(clock, sink.deliver(records, { onAcknowledged: index => acknowledged.push(index) }))
    expect(firehose.requests.map(texts => texts.map(({ length }) => length))).toEqual([[150_000, 150_000]])
    expect(acknowledged).toEqual(Array.from({ length: 1_000 }, (_, index) => index))
    expect(sink.stats).toMatchObject({
      delivered: 1_000,
      entriesDelivered: 2,
      bytesDelivered: 300_000,
      bytesBilled: 2 * 30 * 5_120,
      bytesSaved: 1_000 * 5_120 - 2 * 30 * 5_120
    })
  })

  it('sends a failed pack again whole', async () => {
    const { sink, firehose, clock } = startSink({
      framing: 'lines',
      destination: 'splunk',
      packing: { maxPackRecords: 2 }
    })
    firehose.script = (texts, request) =>
      request === 1 ? failing(texts, (_, index) => index === 0) : undefined
    await finish(clock, sink.deliver(recordsOf('a', 'b', 'c')))
    expect(firehose.requests).toEqual([['a\nb\n', 'c\n'], ['a\nb\n']])
    expect(sink.stats).toMatchObject({ delivered: 3, entriesDelivered: 2, retries: 1 })
  })

  it('saves nothing where records travel alone', async () => {
    const { sink } = startSink({ framing: 'lines' })
    await sink.deliver(recordsOf('a', 'b'))
    expect(sink.stats).toMatchObject({ bytesDelivered: 4, bytesBilled: 10_240, bytesSaved: 0 })
  })
})
