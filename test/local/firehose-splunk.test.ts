import { gzipSync } from 'node:zlib'
import { UpdateDestinationCommand } from '@aws-sdk/client-firehose'
import { describe, expect, it } from 'vitest'
import { type HttpSend, HttpSendError, type NoAnswer } from '../../local/firehose/destinations/http-send.ts'
import { S3Destination } from '../../local/firehose/destinations/s3.ts'
import { SplunkDestination } from '../../local/firehose/destinations/splunk.ts'
import type { SplunkSettings } from '../../local/firehose/settings.ts'
import { createHecEngine, type HecEngineOptions } from '../../local/hec/engine.ts'
import type { ReceiverRequest } from '../../local/receiver.ts'
import { roleAndBucket, startFirehose } from '../helpers/delivery-streams.ts'
import { DirectDelivery } from '../helpers/direct-delivery.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { errorRecords, memoryBackup, memoryObjects, s3Settings, sendTo } from '../helpers/receivers.ts'

interface Options extends Partial<HecEngineOptions> {
  readonly settings?: Partial<SplunkSettings>
  readonly takesAll?: boolean
  /** Instead of the collector. */
  readonly send?: HttpSend
}

const token = 'f0f0f0f0-0000-4000-8000-000000000000'

function aDelivery({ settings, takesAll = false, send, ...options }: Options = {}) {
  const clock = new FakeClock()
  const hec = createHecEngine({ tokens: [{ token }], ...options })
  const toHec = sendTo(hec.handle)
  const { backup, written } = memoryBackup('splunk-failed', { takesAll })
  const destination = new SplunkDestination({
    settings: {
      kind: 'splunk',
      hecEndpoint: 'http://splunk.test',
      endpoint: 'http://splunk.test',
      endpointType: 'Event',
      token,
      ackTimeoutSeconds: 180,
      bufferSizeMiB: 1,
      bufferIntervalSeconds: 60,
      retrySeconds: 0,
      s3BackupMode: takesAll ? 'AllEvents' : 'FailedEventsOnly',
      s3: s3Settings(),
      ...settings
    },
    backup,
    send: send ?? toHec,
    clock,
    // Threads do not keep to the fake clock.
    compress: async plain => gzipSync(plain)
  })
  const delivery = new DirectDelivery(destination, clock)
  const put = (...records: string[]): void => {
    for (const record of records) delivery.add(Buffer.from(record))
  }
  const posts = (path: string) =>
    toHec.requests.filter(({ url }) => url.endsWith(`/services/collector/${path}`))
  return {
    clock,
    hec,
    delivery,
    put,
    posts,
    written,
    events: () => hec.store.events.map(({ event }) => event)
  }
}

const isAck = ({ path }: ReceiverRequest): boolean => path.endsWith('/ack')

describe('delivery to Splunk', () => {
  it('sends the records of a batch one behind the other, compressed, with token and channel', async () => {
    const { delivery, put, posts, events, written } = aDelivery()
    put('{"event":1}', '{"event":2}')
    await delivery.flush()
    expect(events()).toEqual([1, 2])
    expect(posts('event')).toHaveLength(1)
    expect(posts('event')[0]!.headers).toMatchObject({
      authorization: `Splunk ${token}`,
      'content-encoding': 'gzip',
      'x-splunk-request-channel': expect.stringMatching(/^[0-9a-f-]{36}$/)
    })
    expect(posts('ack')).toHaveLength(1)
    expect(posts('ack')[0]!.headers['x-splunk-request-channel']).toBe(
      posts('event')[0]!.headers['x-splunk-request-channel']
    )
    expect(delivery.bufferedBytes).toBe(0)
    expect(written).toEqual([])
  })

  it('adds no newlines to raw data', async () => {
    const { delivery, put, posts, events } = aDelivery({ settings: { endpointType: 'Raw' } })
    put('a', 'b\n', 'c')
    await delivery.flush()
    expect(events()).toEqual(['ab', 'c'])
    expect(posts('raw')).toHaveLength(1)
  })

  it('scenario 22: without an acknowledgement for 180 s the events are kept, as Splunk.AckTimeout', async () => {
    const { clock, delivery, put, posts, written, events } = aDelivery({ acknowledge: () => false })
    const arrivalTimestamp = clock.wallTime()
    put('{"event":1}')
    await delivery.flush()
    await clock.advance(179_999)
    expect(written).toEqual([])
    expect(delivery.bufferedBytes).toBe(11)
    await clock.advance(1)
    expect(written).toHaveLength(1)
    expect(written[0]!.key).toMatch(/^splunk-failed\/2026\/07\/13\/14\/d-1-2026-07-13-14-05-00-/)
    expect(errorRecords(written[0]!.text)).toEqual([
      {
        attemptsMade: 1,
        arrivalTimestamp,
        errorCode: 'Splunk.AckTimeout',
        errorMessage: expect.stringContaining('may be indexed all the same'),
        attemptEndingTimestamp: arrivalTimestamp + 180_000,
        data: '{"event":1}',
        EventId: expect.stringMatching(/^49\d{54}\.0$/)
      }
    ])
    expect(posts('event')).toHaveLength(1)
    expect(events()).toEqual([1])
    expect(delivery.bufferedBytes).toBe(0)
  })

  it('scenario 23: succeeds at the third poll on its own channel, whatever another channel asks', async () => {
    const { clock, hec, delivery, put, posts, written } = aDelivery({
      acknowledge: ({ polls }) => polls >= 3
    })
    put('{"event":1}')
    await delivery.flush()
    const headers: Readonly<Record<string, string>> = {
      authorization: `Splunk ${token}`,
      'x-splunk-request-channel': '00000000-0000-4000-8000-000000000000'
    }
    for (let poll = 0; poll < 5; poll += 1) {
      const { body } = await hec.handle({
        method: 'POST',
        path: '/services/collector/ack',
        query: new URLSearchParams(),
        header: name => headers[name],
        body: Buffer.from('{"acks":[0]}')
      })
      expect(body).toEqual({ acks: { 0: false } })
    }
    await clock.advance(10_000)
    expect(posts('ack')).toHaveLength(2)
    expect(delivery.bufferedBytes).toBe(11)
    await clock.advance(10_000)
    expect(posts('ack')).toHaveLength(3)
    expect(delivery.bufferedBytes).toBe(0)
    await clock.advance(600_000)
    expect(posts('ack')).toHaveLength(3)
    expect(written).toEqual([])
  })

  it('goes on polling when polls fail', async () => {
    let polls = 0
    const { clock, delivery, put, written, posts } = aDelivery({
      fault: request => (isAck(request) && ++polls < 3 ? { kind: 'reset' } : undefined)
    })
    put('{"event":1}')
    await delivery.flush()
    await clock.advance(20_000)
    expect(delivery.bufferedBytes).toBe(0)
    expect(posts('event')).toHaveLength(1)
    expect(written).toEqual([])
  })

  it('does not count waits for acknowledgements against the retry duration, and starts each anew', async () => {
    const { clock, delivery, put, posts, written } = aDelivery({
      acknowledge: () => false,
      settings: { retrySeconds: 3 }
    })
    put('{"event":1}')
    await delivery.flush()
    // Three waits of 180 s, with 1 s and 2 s between them: the duration is used up by the seconds alone.
    await clock.advance(3 * 180_000 + 3_000 - 1)
    expect(posts('event')).toHaveLength(3)
    expect(written).toEqual([])
    await clock.advance(1)
    expect(errorRecords(written[0]!.text)).toMatchObject([
      { attemptsMade: 3, errorCode: 'Splunk.AckTimeout' }
    ])
  })

  it('tries a busy server again, with growing delays', async () => {
    let requests = 0
    const { clock, delivery, put, posts, events } = aDelivery({
      settings: { retrySeconds: 7 },
      fault: () =>
        ++requests <= 3
          ? { kind: 'answer', status: 503, body: { text: 'Server is busy', code: 9 } }
          : undefined
    })
    put('{"event":1}')
    await delivery.flush()
    const seen = []
    for (const ms of [999, 1, 1_999, 1, 3_999, 1]) {
      await clock.advance(ms)
      seen.push(posts('event').length)
    }
    expect(seen).toEqual([1, 2, 2, 3, 3, 4])
    expect(events()).toEqual([1])
    expect(delivery.bufferedBytes).toBe(0)
  })

  it.each([
    [{ status: 403, body: { code: 1 } }, 'Splunk.DisabledToken'],
    [{ status: 401, body: { code: 2 } }, 'Splunk.InvalidToken'],
    [{ status: 403, body: { code: 4 } }, 'Splunk.InvalidToken'],
    [{ status: 400, body: { code: 6 } }, 'Splunk.InvalidDataFormat'],
    [{ status: 400, body: { code: 7 } }, 'Splunk.InvalidIndex'],
    [{ status: 400, body: { code: 14 } }, 'Splunk.DisabledAck'],
    [{ status: 200, body: { code: 0 } }, 'Splunk.DisabledAck'],
    [{ status: 503, body: { code: 9 } }, 'Splunk.ServerError'],
    [{ status: 502, body: '<html>' }, 'Splunk.ServerError'],
    [{ status: 200, body: 'null' }, 'Splunk.ServerError']
  ])('an answer of %j is %s', async (answer, code) => {
    const { delivery, put, written } = aDelivery({ fault: () => ({ kind: 'answer', ...answer }) })
    put('{"event":"secret"}')
    await delivery.flush()
    const [record] = errorRecords(written[0]!.text)
    expect(record!.errorCode).toBe(code)
    expect(record!.errorMessage).not.toContain(token)
  })

  it.each([
    ['timeout', 'Splunk.ConnectionTimeout'],
    ['unknownHost', 'Splunk.InvalidEndpoint'],
    ['closed', 'Splunk.ConnectionClosed'],
    ['certificate', 'Splunk.SSLUnverified'],
    ['handshake', 'Splunk.SSLHandshake']
  ] as readonly (readonly [NoAnswer, string])[])('no answer because of %s is %s', async (reason, code) => {
    const { delivery, put, written } = aDelivery({
      send: () => Promise.reject(new HttpSendError(reason))
    })
    put('{"event":1}')
    await delivery.flush()
    expect(errorRecords(written[0]!.text)).toMatchObject([{ errorCode: code }])
  })

  it('brings cookies back on polls', async () => {
    const cookies: (string | undefined)[] = []
    const { delivery, put } = aDelivery({
      send: async ({ url, headers }) => {
        cookies.push(headers.cookie)
        return url.endsWith('/ack')
          ? { status: 200, body: '{"acks":{"7":true}}', cookies: [] }
          : { status: 200, body: '{"code":0,"ackId":7}', cookies: ['AWSELB=a=b', 'other=1'] }
      }
    })
    put('{"event":1}')
    await delivery.flush()
    expect(cookies).toEqual([undefined, 'AWSELB=a=b; other=1'])
    expect(delivery.bufferedBytes).toBe(0)
  })

  it('keeps all events with AllEvents', async () => {
    const { clock, put, written } = aDelivery({ takesAll: true })
    put('{"event":1}', '{"event":2}')
    await clock.advance(60_000)
    expect(written).toMatchObject([
      { key: expect.stringMatching(/^2026\/07\/13\/14\/d-1-/), text: '{"event":1}{"event":2}' }
    ])
  })

  it('counts copies as buffered, until they are written', async () => {
    const { clock, delivery, put } = aDelivery({ takesAll: true })
    put('{"event":1}')
    expect(delivery.bufferedBytes).toBe(22)
    await clock.advance(60_000)
    expect(delivery.bufferedBytes).toBe(0)
  })

  it('writes copies that wait when an update ends the copying', async () => {
    const { delivery, put, written } = aDelivery({ takesAll: true })
    const { writer, written: elsewhere } = memoryObjects()
    put('{"event":1}')
    delivery.changeDestination(
      new S3Destination({ deliveryStreamName: 'd', version: '2', settings: s3Settings(), objects: writer })
    )
    put('after')
    await delivery.flush()
    expect(written.map(({ text }) => text)).toEqual(['{"event":1}'])
    expect(elsewhere.map(({ text }) => text)).toEqual(['after'])
    expect(delivery.bufferedBytes).toBe(0)
  })

  it('ends a wait for an acknowledgement when the delivery stream is deleted', async () => {
    const { clock, delivery, posts, written } = aDelivery({ acknowledge: () => false })
    delivery.add(Buffer.from('{"event":1}'))
    await delivery.flush()
    await delivery.discard()
    await clock.advance(600_000)
    expect(posts('ack')).toHaveLength(1)
    expect(written).toEqual([])
    expect(clock.pending).toBe(0)
  })
})

describe('delivery streams to Splunk', () => {
  const configuration = (hec: { readonly url: string; readonly token: string }) => ({
    HECEndpoint: hec.url,
    HECEndpointType: 'Event' as const,
    HECToken: hec.token,
    RetryOptions: { DurationInSeconds: 0 },
    S3Configuration: { ...roleAndBucket, Prefix: 'backup/' }
  })

  it('deliver over HTTP, and failures to the bucket', async () => {
    const { create, put, objects, local } = await startFirehose({ receivers: ['search', 'hec'] })
    const hec = local.hec!
    await create({ SplunkDestinationConfiguration: configuration(hec) })
    await put('{"event":{"n":1}}', '{"event":{"n":2}}')
    expect(await objects()).toEqual([])
    expect(hec.events().map(({ event }) => event)).toEqual([{ n: 1 }, { n: 2 }])
    await put('no event')
    const [object] = await objects()
    expect(object!.key).toMatch(/^backup\/splunk-failed\/2026\/07\/13\/14\/d-1-/)
    expect(errorRecords(object!.text)).toMatchObject([
      { errorCode: 'Splunk.InvalidDataFormat', data: 'no event' }
    ])
  })

  it('describe themselves with every default, and with the token, as AWS does', async () => {
    const { create, destination, local } = await startFirehose({ receivers: ['hec'] })
    const { RetryOptions, ...rest } = configuration(local.hec!)
    await create({ SplunkDestinationConfiguration: rest })
    expect((await destination()).SplunkDestinationDescription).toEqual({
      HECEndpoint: local.hec!.url,
      HECEndpointType: 'Event',
      HECToken: local.hec!.token,
      HECAcknowledgmentTimeoutInSeconds: 180,
      RetryOptions: { DurationInSeconds: 300 },
      BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 60 },
      S3BackupMode: 'FailedEventsOnly',
      CloudWatchLoggingOptions: { Enabled: false },
      S3DestinationDescription: expect.objectContaining({ Prefix: 'backup/' })
    })
    expect(RetryOptions.DurationInSeconds).toBe(0)
  })

  it('turn the backup of all events on and never off, and may become delivery to S3', async () => {
    const { create, destination, firehose, local } = await startFirehose({ receivers: ['hec'] })
    await create({ SplunkDestinationConfiguration: configuration(local.hec!) })
    const update = (version: string, change: object) =>
      firehose.send(
        new UpdateDestinationCommand({
          DeliveryStreamName: 'd',
          CurrentDeliveryStreamVersionId: version,
          DestinationId: 'destinationId-000000000001',
          ...change
        })
      )
    await update('1', { SplunkDestinationUpdate: { S3BackupMode: 'AllEvents' } })
    await expect(
      update('2', { SplunkDestinationUpdate: { S3BackupMode: 'FailedEventsOnly' } })
    ).rejects.toMatchObject({ name: 'InvalidArgumentException' })
    expect((await destination()).SplunkDestinationDescription).toMatchObject({
      S3BackupMode: 'AllEvents',
      HECToken: local.hec!.token
    })
    await expect(update('2', { S3DestinationUpdate: { Prefix: 'p/' } })).rejects.toMatchObject({
      name: 'ValidationException'
    })
    await update('2', { S3DestinationUpdate: roleAndBucket })
    expect(await destination()).toMatchObject({
      version: '3',
      ExtendedS3DestinationDescription: { Prefix: '' }
    })
    expect((await destination()).SplunkDestinationDescription).toBeUndefined()
  })

  it.each([
    [{ HECEndpoint: undefined }, 'ValidationException', 'splunkDestinationConfiguration.hECEndpoint'],
    [{ HECEndpoint: 'splunk.test:8088' }, 'InvalidArgumentException', 'HECEndpoint'],
    [{ HECEndpointType: 'raw' }, 'ValidationException', '[Raw, Event]'],
    [{ HECToken: undefined }, 'InvalidArgumentException', 'HECToken'],
    [{ HECToken: 'two\nlines' }, 'InvalidArgumentException', 'HECToken'],
    [{ HECAcknowledgmentTimeoutInSeconds: 179 }, 'ValidationException', 'greater than or equal to 180'],
    [{ HECAcknowledgmentTimeoutInSeconds: 601 }, 'ValidationException', 'less than or equal to 600'],
    [{ BufferingHints: { SizeInMBs: 6, IntervalInSeconds: 60 } }, 'ValidationException', 'sizeInMBs'],
    [{ BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 61 } }, 'ValidationException', 'intervalInSeconds'],
    [{ S3BackupMode: 'AllDocuments' }, 'ValidationException', '[FailedEventsOnly, AllEvents]'],
    [{ S3Configuration: undefined }, 'ValidationException', 's3Configuration'],
    [{ SecretsManagerConfiguration: { Enabled: true } }, 'InvalidArgumentException', 'SecretsManager']
  ])('are refused with %j', async (change, name, text) => {
    const { create } = await startFirehose()
    const given = { ...configuration({ url: 'http://127.0.0.1:1', token: 'secret-token' }), ...change }
    const refused = await create({ SplunkDestinationConfiguration: given as never }).catch(error => error)
    expect(refused).toMatchObject({ name, message: expect.stringContaining(text) })
    expect(refused.message).not.toContain('secret-token')
  })
})
