import { getEventListeners } from 'node:events'
import { CreateDeliveryStreamCommand, FirehoseClient } from '@aws-sdk/client-firehose'
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { DeliveryStreamSink, InvalidOptionError, UndeliverableError } from '../../firehose/index.ts'
import { settle } from '../helpers/fake-clock.ts'
import { FakeFirehose, failing } from '../helpers/fake-firehose.ts'
import { serviceError } from '../helpers/fake-kinesis.ts'
import { opened, openLocal } from '../helpers/local.ts'
import { numberedScenarios } from '../helpers/numbered-scenarios.ts'
import { finish, recordsOf, startSink as start } from '../helpers/sink.ts'

const { scenario, complete } = numberedScenarios('firehose sink', [12, 13, 14, 15])

describe('delivery', () => {
  it('sends all records in order, in requests within the limits, and counts their bytes', async () => {
    const { sink, firehose } = start({ framing: 'lines' })
    const texts = Array.from({ length: 1_201 }, (_, index) => `record ${index}`)
    expect(await sink.deliver(recordsOf(...texts))).toEqual([])
    expect(firehose.requests.map(({ length }) => length)).toEqual([500, 500, 201])
    expect(firehose.stored).toEqual(texts.map(text => `${text}\n`))
    expect(sink.stats).toMatchObject({
      offered: 1_201,
      delivered: 1_201,
      requests: 3,
      retries: 0,
      bytesDelivered: firehose.stored.join('').length
    })
  })

  it('sends nothing for no records', async () => {
    const { sink, firehose } = start()
    expect(await sink.deliver([])).toEqual([])
    expect(firehose.requests).toEqual([])
  })

  scenario(12, 'keeps within bytes per request, framing included', async () => {
    const { sink, firehose } = start({ framing: 'lines' })
    const large = Array.from({ length: 9 }, () => Buffer.alloc(999_999, 'x'))
    await sink.deliver(recordsOf(...large))
    expect(firehose.requests.map(({ length }) => length)).toEqual([4, 4, 1])
  })

  it('returns what is too large with its framing or is not what the framing takes; the rest is delivered', async () => {
    const { sink, firehose, events } = start({ framing: 'ndjson', maxRecordBytes: 20 })
    const fits = JSON.stringify('x'.repeat(17))
    const tooLarge = JSON.stringify('x'.repeat(18))
    const records = recordsOf('1', tooLarge, fits, 'not json')
    const undeliverable = await sink.deliver(records)
    expect(undeliverable.map(({ record }) => record)).toEqual([records[1], records[3]])
    for (const { error } of undeliverable) expect(error).toBeInstanceOf(UndeliverableError)
    expect(firehose.stored).toEqual(['1\n', `${fits}\n`])
    expect(sink.stats).toMatchObject({ offered: 4, delivered: 2, undeliverable: 2, failed: 0 })
    expect(events).toEqual([
      { type: 'recordUndeliverable', errorCode: 'SEALSTREAM_UNDELIVERABLE' },
      { type: 'recordUndeliverable', errorCode: 'SEALSTREAM_UNDELIVERABLE' }
    ])
  })

  it('makes at most so many requests at once, over all deliveries', async () => {
    const { sink, firehose } = start({ maxConcurrentRequests: 2, maxBatchRecords: 1 })
    await Promise.all(Array.from({ length: 8 }, (_, index) => sink.deliver(recordsOf(`${index}`))))
    expect(firehose.stored).toHaveLength(8)
    expect(firehose.mostAtOnce).toBe(2)
  })
})

describe('retries', () => {
  scenario(13, 'sends the failed entries again, and only those, in order', async () => {
    const { sink, firehose, clock, events } = start()
    firehose.script = (texts, request) =>
      request === 1 ? failing(texts, (_, index) => index === 1 || index === 3) : undefined
    await finish(clock, sink.deliver(recordsOf('a', 'b', 'c', 'd', 'e')))
    expect(firehose.requests).toEqual([
      ['a', 'b', 'c', 'd', 'e'],
      ['b', 'd']
    ])
    expect(firehose.stored).toEqual(['a', 'c', 'e', 'b', 'd'])
    expect(sink.stats).toMatchObject({ delivered: 5, retries: 2, throttled: 2 })
    expect(events).toContainEqual({
      type: 'retrying',
      entries: 2,
      failure: 'throttled',
      errorCode: 'ServiceUnavailableException',
      delayMs: 50
    })
  })

  scenario(14, 'keeps trying while the service is down, with growing pauses, and loses nothing', async () => {
    const { sink, firehose, clock, events } = start()
    const began = clock.now()
    firehose.script = () =>
      clock.now() - began < 20_000 ? serviceError('ServiceUnavailableException', 503) : undefined
    let isDone = false
    const running = sink.deliver(recordsOf('a')).then(() => {
      isDone = true
    })
    await clock.advance(19_000)
    expect(isDone).toBe(false)
    expect(sink.stats).toMatchObject({ inFlight: 1, delivered: 0 })
    await finish(clock, running)
    expect(firehose.stored).toEqual(['a'])
    const delays = events.flatMap(event => (event.type === 'retrying' ? [event.delayMs] : []))
    expect(delays.slice(0, 7)).toEqual([50, 100, 200, 400, 800, 1_600, 2_500])
    expect(Math.max(...delays)).toBe(2_500)
  })

  scenario(15, 'takes an empty, short or odd answer for unknown and sends all again', async () => {
    const answers = [
      {},
      { RequestResponses: [{ RecordId: 'id' }] },
      // Entries without RecordId, and a RecordId beside an error.
      { RequestResponses: [{}, {}] },
      { RequestResponses: [1, 2].map(() => ({ RecordId: 'id', ErrorCode: 'InternalFailure' })) }
    ]
    for (const answer of answers) {
      const { sink, firehose, clock } = start()
      firehose.script = (_texts, request) =>
        request === 1 ? { RequestResponses: undefined, FailedPutCount: undefined, ...answer } : undefined
      await finish(clock, sink.deliver(recordsOf('a', 'b')))
      expect(firehose.requests).toEqual([
        ['a', 'b'],
        ['a', 'b']
      ])
      expect(sink.stats).toMatchObject({ delivered: 2, retries: 2 })
    }
  })

  it.each([
    ['a throttled request', serviceError('ThrottlingException', 400), 1],
    ['a lost connection', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }), 0],
    ['an answer that cannot be read', Object.assign(serviceError('SyntaxError', 200)), 0],
    ['a bad gateway', serviceError('SyntaxError', 502), 0]
  ])('tries again after %s', async (_, error, throttled) => {
    const { sink, firehose, clock } = start()
    firehose.script = (_texts, request) => (request === 1 ? error : undefined)
    await finish(clock, sink.deliver(recordsOf('a')))
    expect(sink.stats).toMatchObject({ delivered: 1, requests: 2, throttled })
  })

  it('gives up after maxElapsedMs, and counts what was stored by then', async () => {
    const { sink, firehose, clock } = start({ maxElapsedMs: 1_000 })
    firehose.script = texts => failing(texts, text => text === 'b')
    const began = clock.now()
    await expect(finish(clock, sink.deliver(recordsOf('a', 'b')), 10)).rejects.toMatchObject({
      code: 'SEALSTREAM_THROTTLED',
      retryable: true
    })
    expect(clock.now() - began).toBeLessThanOrEqual(1_000)
    expect(sink.stats).toMatchObject({ offered: 2, delivered: 1, failed: 1, inFlight: 0 })
  })
})

describe('refusals', () => {
  it.each([
    ['AccessDeniedException', 400, 'denied'],
    ['ResourceNotFoundException', 400, 'notFound'],
    ['InvalidKMSResourceException', 400, 'invalid'],
    ['InvalidSourceException', 400, 'invalid']
  ])('rejects at once for %s, which speaks of the stream', async (name, status, failure) => {
    const { sink, firehose } = start()
    await sink.deliver(recordsOf('before'))
    firehose.script = () => serviceError(name, status)
    await expect(sink.deliver(recordsOf('a', 'b'))).rejects.toMatchObject({
      service: 'firehose',
      operation: 'PutRecordBatch',
      serviceCode: name,
      failure
    })
    expect(firehose.requests).toHaveLength(2)
    expect(sink.stats).toMatchObject({ offered: 3, delivered: 1, failed: 2 })
  })

  it('finds the record for which the request is refused; all others are delivered in order', async () => {
    const { sink, firehose } = start()
    firehose.script = texts =>
      texts.includes('bad') ? serviceError('InvalidArgumentException', 400) : undefined
    const texts = Array.from({ length: 100 }, (_, index) => (index === 37 ? 'bad' : `record ${index}`))
    const records = recordsOf(...texts)
    const undeliverable = await sink.deliver(records)
    expect(undeliverable).toHaveLength(1)
    expect(undeliverable[0]).toMatchObject({
      record: records[37],
      error: { code: 'SEALSTREAM_UNDELIVERABLE' }
    })
    expect(firehose.stored).toEqual(texts.filter(text => text !== 'bad'))
    expect(firehose.requests.length).toBeLessThan(20)
    expect(sink.stats).toMatchObject({ delivered: 99, undeliverable: 1 })
  })

  it('blames no record while the stream never took one: the stream itself may be wrong', async () => {
    const { sink, firehose } = start()
    firehose.script = () => serviceError('InvalidArgumentException', 400)
    await expect(sink.deliver(recordsOf('a', 'b', 'c'))).rejects.toMatchObject({
      serviceCode: 'InvalidArgumentException'
    })
    expect(sink.stats).toMatchObject({ offered: 3, delivered: 0, undeliverable: 0, failed: 3 })
  })
})

describe('the end', () => {
  it('rejects with the reason of the signal, in a pause and in a request', async () => {
    const { sink, firehose, clock } = start()
    firehose.script = () => serviceError('ServiceUnavailableException', 503)
    const reason = new Error('lease lost')
    const inPause = new AbortController()
    const running = expect(sink.deliver(recordsOf('a'), { signal: inPause.signal })).rejects.toBe(reason)
    await settle()
    expect(clock.pending).toBe(1)
    inPause.abort(reason)
    await running
    const inRequest = new AbortController()
    const second = expect(sink.deliver(recordsOf('b'), { signal: inRequest.signal })).rejects.toBe(reason)
    inRequest.abort(reason)
    await second
    await expect(sink.deliver(recordsOf('c'), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(sink.stats).toMatchObject({ offered: 2, failed: 2 })
    expect(clock.pending).toBe(0)
  })

  it('is asked for by many with one signal without a warning of a leak', async () => {
    const { sink } = start()
    const { signal } = new AbortController()
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    await Promise.all(Array.from({ length: 50 }, () => sink.deliver(recordsOf('a'), { signal })))
    await settle()
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('waits at close for what is under way, and takes nothing more', async () => {
    const { sink, firehose } = start()
    const running = sink.deliver(recordsOf('a'))
    await sink.close()
    expect(firehose.stored).toEqual(['a'])
    expect(await running).toEqual([])
    await expect(sink.deliver(recordsOf('b'))).rejects.toMatchObject({ code: 'SEALSTREAM_CLOSED' })
    await sink[Symbol.asyncDispose]()
  })
})

describe('options', () => {
  it.each([
    [{ deliveryStreamName: '' }, 'deliveryStreamName'],
    [{ framing: undefined }, 'framing'],
    [{ framing: 'csv' }, 'framing'],
    [{ framing: 'lines', destination: 'elasticsearch' }, 'framing'],
    [{ deliver: 'sealed' }, 'deliver'],
    [{ framing: undefined, deliver: 'ciphertext', destination: 'elasticsearch' }, 'deliver'],
    [{ deliver: 'ciphertext' }, 'framing'],
    [{ destination: 'tape' }, 'destination'],
    [{ recordIdField: 'id' }, 'recordIdField'],
    [{ framing: 'ndjson', recordIdField: '' }, 'recordIdField'],
    [{ framing: undefined, deliver: 'ciphertext', recordIdField: 'id' }, 'recordIdField'],
    [{ packing: true }, 'packing'],
    [{ packing: true, destination: 'http' }, 'packing'],
    [{ packing: true, framing: 'ndjson', destination: 'elasticsearch' }, 'packing'],
    [{ packing: 5, destination: 's3' }, 'packing'],
    [{ packing: { bytes: 5 }, destination: 's3' }, 'packing.bytes'],
    [{ packing: { maxPackBytes: 1_024_001 }, destination: 's3' }, 'packing.maxPackBytes'],
    [{ packing: { maxPackRecords: 0 }, destination: 'splunk' }, 'packing.maxPackRecords'],
    [{ maxBufferedMs: 60_001 }, 'maxBufferedMs'],
    [{ maxBufferedBytes: 8_388_607 }, 'maxBufferedBytes'],
    [{ maxBatchRecords: 501 }, 'maxBatchRecords'],
    [{ maxBatchBytes: 4_194_305 }, 'maxBatchBytes'],
    [{ maxRecordBytes: 1_024_001 }, 'maxRecordBytes'],
    [{ maxConcurrentRequests: 0 }, 'maxConcurrentRequests'],
    [{ maxElapsedMs: 0 }, 'maxElapsedMs'],
    [{ batchSize: 5 }, 'batchSize'],
    [{ clientConfig: {} }, 'firehose']
  ])('refuses %j by name', (options, option) => {
    const make = (): unknown =>
      new DeliveryStreamSink({
        deliveryStreamName: 'd',
        framing: 'none',
        firehose: new FakeFirehose(),
        ...options
      } as never)
    expect(make).toThrow(InvalidOptionError)
    expect(make).toThrow(expect.objectContaining({ option }))
  })
})

describe('against the embedded Firehose', () => {
  it('delivers newline-delimited JSON, also when entries fail and the connection is refused', async () => {
    const local = await openLocal({
      faults: [{ service: 'firehose', kind: 'partial-failure', entries: [499], times: 1 }]
    })
    const admin = opened(new FirehoseClient(local.clientConfig('firehose')))
    const s3 = opened(new S3Client(local.clientConfig('s3')))
    await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    await admin.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName: 'd',
        ExtendedS3DestinationConfiguration: {
          RoleARN: 'arn:aws:iam::000000000000:role/firehose',
          BucketARN: 'arn:aws:s3:::bucket',
          BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 60 }
        }
      })
    )
    const sink = new DeliveryStreamSink({
      deliveryStreamName: 'd',
      framing: 'ndjson',
      clientConfig: local.clientConfig('firehose')
    })
    const texts = Array.from({ length: 1_000 }, (_, index) => JSON.stringify({ index }))
    expect(await sink.deliver(recordsOf(...texts))).toEqual([])
    expect(sink.stats).toMatchObject({ delivered: 1_000, requests: 3, retries: 1 })
    await sink.close()
    await local.flushFirehose()
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'bucket' }))
    const bodies = await Promise.all(
      Contents.map(async ({ Key }) => {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key }))
        return Body!.transformToString()
      })
    )
    // The entry that failed came later.
    expect(bodies.join('').trimEnd().split('\n').sort()).toEqual(texts.toSorted())

    const refused = new DeliveryStreamSink({
      deliveryStreamName: 'd',
      framing: 'ndjson',
      clientConfig: { ...local.clientConfig('firehose'), endpoint: 'http://127.0.0.1:9' },
      maxElapsedMs: 200
    })
    await expect(refused.deliver(recordsOf('1'))).rejects.toMatchObject({ code: 'SEALSTREAM_UNREACHABLE' })
    await refused.close()
  })
})

describe('the scenarios', complete)
