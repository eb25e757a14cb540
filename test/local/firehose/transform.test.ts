import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { UpdateDestinationCommand } from '@aws-sdk/client-firehose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Transform } from '../../../local/firehose/processing/transform.ts'
import {
  type FirehoseFunction,
  invokeFunction
} from '../../../local/firehose/processing/transform-function.ts'
import { newRecord } from '../../../local/firehose/record.ts'
import type { FirehoseTransformEvent, FirehoseTransformResponse } from '../../../local/index.ts'
import { roleAndBucket, startFirehose } from '../../helpers/delivery-streams.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'

const lambdaArn = 'arn:aws:lambda:us-east-1:000000000000:function:f'

const text = (data: string): string => Buffer.from(data, 'base64').toString()
const base64 = (data: string): string => Buffer.from(data).toString('base64')

const upperCase = ({ records }: FirehoseTransformEvent): FirehoseTransformResponse => ({
  records: records.map(({ recordId, data }) => ({
    recordId,
    result: 'Ok',
    data: base64(text(data).toUpperCase())
  }))
})

const lambdaProcessing = (values: Readonly<Record<string, string>> = {}) => ({
  ProcessingConfiguration: {
    Enabled: true,
    Processors: [
      {
        Type: 'Lambda' as const,
        Parameters: Object.entries({ LambdaArn: lambdaArn, ...values }).map(
          ([ParameterName, ParameterValue]) => ({
            ParameterName: ParameterName as 'LambdaArn',
            ParameterValue
          })
        )
      }
    ]
  }
})

function aTransform(f: FirehoseFunction | undefined, state = { failures: 0 }) {
  const clock = new FakeClock()
  const delivered: string[] = []
  const lines: Record<string, unknown>[] = []
  const transform = new Transform({
    clock,
    functions: f === undefined ? {} : { [lambdaArn]: f },
    deliveryStreamArn: 'arn:aws:firehose:us-east-1:000000000000:deliverystream/d',
    region: 'us-east-1',
    sourceArn: undefined,
    deliver: ({ data }) => {
      delivered.push(data.toString())
      return undefined
    },
    writeFailed: async written => {
      if (state.failures > 0) {
        state.failures -= 1
        throw new Error('unavailable')
      }
      lines.push(...written.map(line => JSON.parse(line) as Record<string, unknown>))
    }
  })
  const settings = { lambdaArn, retries: 3, bufferSizeMiB: 0.2, bufferIntervalSeconds: 60 }
  const put = (...records: (string | Buffer)[]): void => {
    for (const record of records) {
      transform.add(newRecord(Buffer.from(record as string), clock.wallTime()), settings)
    }
  }
  return { clock, transform, delivered, lines, put, settings }
}

describe('a transform function', () => {
  it('is invoked with the documented event', async () => {
    const events: FirehoseTransformEvent[] = []
    const { clock, put } = aTransform(event => {
      events.push(event)
      return upperCase(event)
    })
    const arrivedMs = clock.wallTime()
    put('a', 'b')
    await clock.advance(60_000)
    expect(events).toEqual([
      {
        invocationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        deliveryStreamArn: 'arn:aws:firehose:us-east-1:000000000000:deliverystream/d',
        region: 'us-east-1',
        records: ['a', 'b'].map(data => ({
          recordId: expect.stringMatching(/^49\d{54}$/),
          approximateArrivalTimestamp: arrivedMs,
          data: base64(data)
        }))
      }
    ])
    expect(new Set(events[0]!.records.map(({ recordId }) => recordId)).size).toBe(2)
  })

  it('is invoked when its buffer reaches the age or the size', async () => {
    const { clock, put, delivered, transform } = aTransform(upperCase)
    put('a')
    await clock.advance(59_999)
    expect(delivered).toEqual([])
    await clock.advance(1)
    expect(delivered).toEqual(['A'])
    put(Buffer.alloc(Math.ceil(0.2 * 1024 * 1024) - 1, 'x'))
    await settle()
    expect(delivered).toHaveLength(1)
    put('y')
    await settle()
    expect(delivered).toHaveLength(3)
    expect(transform.bufferedBytes).toBe(0)
  })

  it('is invoked with less than 6 MB, however small the records are', async () => {
    const sizes: number[] = []
    const { clock, put, delivered, transform, settings } = aTransform(event => {
      sizes.push(Buffer.byteLength(JSON.stringify(event)))
      return upperCase(event)
    })
    const large = { ...settings, bufferSizeMiB: 3 }
    for (let count = 0; count < 60_000; count += 1) transform.add(newRecord(Buffer.from('x'), 1), large)
    put('last')
    await transform.flush()
    await clock.advance(0)
    expect(sizes.length).toBeGreaterThan(1)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(6 * 1024 * 1024)
    expect(delivered).toHaveLength(60_001)
  })

  it('scenario 25: Ok is delivered, Dropped is nowhere, and what else comes back fails alone', async () => {
    let invocations = 0
    const { clock, put, delivered, lines } = aTransform(({ records }) => {
      invocations += 1
      const ids = records.map(({ recordId }) => recordId)
      return {
        records: [
          { recordId: ids[0]!, result: 'Ok', data: base64('delivered') },
          { recordId: ids[1]!, result: 'Dropped' },
          { recordId: ids[2]!, result: 'ProcessingFailed', data: base64('ignored') },
          { recordId: ids[4]!, result: 'Ok', data: base64('once') },
          { recordId: ids[4]!, result: 'Ok', data: base64('twice') }
        ]
      }
    })
    const arrivalTimestamp = clock.wallTime()
    put('ok', 'dropped', 'failed', 'missing', 'duplicate')
    await clock.advance(60_000)
    expect(delivered).toEqual(['delivered'])
    const line = (data: string, errorCode: string) => ({
      rawData: base64(data),
      errorCode,
      errorMessage: expect.any(String),
      attemptsMade: 1,
      arrivalTimestamp,
      attemptEndingTimestamp: arrivalTimestamp + 60_000,
      lambdaARN: lambdaArn
    })
    expect(lines).toEqual([
      line('failed', 'Lambda.ProcessingFailedStatus'),
      line('missing', 'Lambda.MissingRecordId'),
      line('duplicate', 'Lambda.DuplicatedRecordId')
    ])
    await clock.advance(600_000)
    expect(invocations).toBe(1)
  })

  it.each([
    ['no result', { data: base64('x') }],
    ['an unknown result', { result: 'ok', data: base64('x') }],
    ['Ok without data', { result: 'Ok' }],
    ['Ok with data that is no text', { result: 'Ok', data: 1 }]
  ])('fails a record that comes back with %s, and no other', async (_, returned) => {
    const { clock, put, delivered, lines } = aTransform(
      ({ records }) =>
        ({
          records: records.map(({ recordId, data }) =>
            text(data) === 'bad' ? { recordId, ...returned } : { recordId, result: 'Ok', data }
          )
        }) as FirehoseTransformResponse
    )
    put('good', 'bad')
    await clock.advance(60_000)
    expect(delivered).toEqual(['good'])
    expect(lines).toMatchObject([
      { rawData: base64('bad'), errorCode: 'Lambda.JsonProcessingException', attemptsMade: 1 }
    ])
  })

  it.each([[undefined], [null], ['text'], [[]], [{}], [{ records: {} }]])(
    'fails the batch at once when it returns %j',
    async answer => {
      let invocations = 0
      const { clock, put, delivered, lines } = aTransform(() => {
        invocations += 1
        return answer as never
      })
      put('a', 'b')
      await clock.advance(600_000)
      expect(invocations).toBe(1)
      expect(delivered).toEqual([])
      expect(lines.map(({ errorCode }) => errorCode)).toEqual([
        'Lambda.JsonProcessingException',
        'Lambda.JsonProcessingException'
      ])
    }
  )

  it('is invoked three times more when it throws, for the same records', async () => {
    const ids: string[] = []
    const { clock, put, lines, transform } = aTransform(({ records }) => {
      ids.push(records[0]!.recordId)
      throw new TypeError('secret')
    })
    put('a')
    await transform.flush()
    expect(ids).toHaveLength(1)
    await clock.advance(600_000)
    expect(ids).toHaveLength(4)
    expect(new Set(ids).size).toBe(1)
    expect(lines).toMatchObject([{ errorCode: 'Lambda.FunctionError', attemptsMade: 4 }])
    expect(JSON.stringify(lines)).not.toContain('secret')
  })

  it('delivers when a later invocation succeeds', async () => {
    let invocations = 0
    const { clock, put, delivered, lines } = aTransform(event => {
      invocations += 1
      if (invocations < 4) throw new Error('not yet')
      return upperCase(event)
    })
    put('a')
    await clock.advance(600_000)
    expect(delivered).toEqual(['A'])
    expect(lines).toEqual([])
  })

  it('is given five minutes', async () => {
    const signals: AbortSignal[] = []
    const { clock, lines, settings, transform } = aTransform((_, { signal }) => {
      signals.push(signal)
      return new Promise(() => {})
    })
    transform.add(newRecord(Buffer.from('a'), 1), { ...settings, retries: 0 })
    await clock.advance(60_000 + 299_999)
    expect(lines).toEqual([])
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    await clock.advance(1)
    expect(lines).toMatchObject([{ errorCode: 'Lambda.FunctionTimedOut', attemptsMade: 1 }])
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  it('fails as Lambda.FunctionError when it returns more than 6 MB', async () => {
    const { clock, put, lines } = aTransform(({ records }) => ({
      records: records.map(({ recordId }) => ({ recordId, result: 'Ok', data: 'A'.repeat(6 * 1024 * 1024) }))
    }))
    put('a')
    await clock.advance(600_000)
    expect(lines).toMatchObject([{ errorCode: 'Lambda.FunctionError', attemptsMade: 4 }])
  })

  it('that is not there fails as Lambda.ResourceNotFound', async () => {
    const { clock, put, lines } = aTransform(undefined)
    put('a')
    await clock.advance(600_000)
    expect(lines).toMatchObject([{ errorCode: 'Lambda.ResourceNotFound', attemptsMade: 4 }])
  })

  it('holds later batches up while failures cannot be written', async () => {
    const state = { failures: 3 }
    const { clock, put, delivered, lines, transform } = aTransform(
      ({ records }) => ({
        records: records.map(({ recordId, data }) => ({
          recordId,
          data,
          result: text(data) === 'bad' ? 'ProcessingFailed' : 'Ok'
        }))
      }),
      state
    )
    put('bad')
    await transform.flush()
    put('good')
    await transform.flush()
    expect(delivered).toEqual([])
    expect(transform.bufferedBytes).toBe(7)
    await clock.advance(7_000)
    expect(lines).toHaveLength(1)
    expect(delivered).toEqual(['good'])
    expect(transform.bufferedBytes).toBe(0)
  })

  it('is left alone when the delivery stream is deleted', async () => {
    const { clock, put, delivered, lines, transform } = aTransform(() => new Promise(() => {}))
    put('a')
    await clock.advance(60_000)
    await transform.discard()
    await clock.advance(600_000)
    expect([delivered, lines]).toEqual([[], []])
  })
})

describe('an HTTP endpoint as transform function', () => {
  const event = { invocationId: '1', deliveryStreamArn: 'd', region: 'r', records: [] }

  async function answering(status: number, body: string, headers: Record<string, string> = {}) {
    const bodies: string[] = []
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        bodies.push(Buffer.concat(chunks).toString())
        response.writeHead(status, headers).end(body)
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/2015-03-31/functions/function/invocations`
    const invoke = () =>
      invokeFunction({ f: url }, lambdaArn, event, {
        clock: new FakeClock(),
        signal: new AbortController().signal
      })
    return { invoke, bodies }
  }

  it('is posted the event, and its answer is the response', async () => {
    const { invoke, bodies } = await answering(200, '{"records":[]}')
    expect(await invoke()).toEqual({ kind: 'answered', answer: { records: [] } })
    expect(bodies.map(body => JSON.parse(body))).toEqual([event])
  })

  it('that answers no JSON has answered nothing', async () => {
    const { invoke } = await answering(200, 'text')
    expect(await invoke()).toEqual({ kind: 'answered', answer: undefined })
  })

  it.each([
    [500, '', {}, 'FunctionError'],
    [302, '', {}, 'FunctionError'],
    [403, '', {}, 'InvokeAccessDenied'],
    [404, '', {}, 'ResourceNotFound'],
    [429, '', {}, 'InvokeLimitExceeded'],
    [200, '{"records":[]}', { 'x-amz-function-error': 'Unhandled' }, 'FunctionError'],
    [200, '{"errorMessage":"x","errorType":"Error"}', {}, 'FunctionError'],
    [200, `"${'x'.repeat(6 * 1024 * 1024)}"`, {}, 'FunctionError']
  ])('that answers %i fails %#', async (status, body, headers, code) => {
    const { invoke } = await answering(status, body, headers as Record<string, string>)
    expect(await invoke()).toMatchObject({ kind: 'failed', errorCode: `Lambda.${code}` })
  })

  it('that is not there is an error of the function', async () => {
    const options = { clock: new FakeClock(), signal: new AbortController().signal }
    expect(await invokeFunction({ f: 'http://127.0.0.1:1/' }, lambdaArn, event, options)).toMatchObject({
      kind: 'failed',
      errorCode: 'Lambda.FunctionError'
    })
  })

  it.each([lambdaArn, `${lambdaArn}:live`, `${lambdaArn}:7`])('is found for %s', async arn => {
    const options = { clock: new FakeClock(), signal: new AbortController().signal }
    const answer = { records: [] }
    for (const key of [lambdaArn, 'f']) {
      expect(await invokeFunction({ [key]: () => answer }, arn, event, options)).toEqual({
        kind: 'answered',
        answer
      })
    }
  })
})

describe('a delivery stream with a transform function', () => {
  const configuration = {
    ...roleAndBucket,
    Prefix: 'out/',
    BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 60 },
    ...lambdaProcessing()
  }

  it('delivers what comes back, and keeps failures and the source under prefixes of their own', async () => {
    const { create, put, objects } = await startFirehose({
      firehoseFunctions: {
        f: event => ({
          records: upperCase(event).records.map((record, index) =>
            index === 1 ? { ...record, result: 'ProcessingFailed' } : record
          )
        })
      }
    })
    await create({
      ExtendedS3DestinationConfiguration: {
        ...configuration,
        ErrorOutputPrefix: 'errors/',
        S3BackupMode: 'Enabled',
        S3BackupConfiguration: { ...roleAndBucket, Prefix: 'source/' }
      }
    })
    await put('a', 'b', 'c')
    const written = await objects()
    expect(written.map(({ key }) => key)).toEqual([
      expect.stringMatching(/^errors\/processing-failed\/2026\/07\/13\/14\/d-1-/),
      expect.stringMatching(/^out\/2026\//),
      expect.stringMatching(/^source\/2026\//)
    ])
    expect(written.map(({ text: body }) => body).slice(1)).toEqual(['AC', 'abc'])
    expect(JSON.parse(written[0]!.text)).toMatchObject({ rawData: base64('b'), lambdaARN: lambdaArn })
  })

  it('counts the hints of its destination from when data comes back, in bytes that came back', async () => {
    const { create, put, local, clock } = await startFirehose({
      firehoseFunctions: {
        [lambdaArn]: ({ records }) => ({
          records: records.map(({ recordId }) => ({
            recordId,
            result: 'Ok',
            data: base64('x'.repeat(600_000))
          }))
        })
      }
    })
    await create({ ExtendedS3DestinationConfiguration: configuration })
    await put('a')
    await clock.advance(60_000)
    expect(local.firehoseBufferedBytes()).toBe(600_000)
    await clock.advance(59_999)
    expect(local.firehoseBufferedBytes()).toBe(600_000)
    await put('b')
    await local.flushFirehose()
    expect(local.firehoseBufferedBytes()).toBe(0)
  })

  it('to Splunk is given the failures under the prefix of its S3 configuration', async () => {
    const { create, put, objects, local } = await startFirehose({
      receivers: ['hec'],
      firehoseFunctions: {
        f: ({ records }) => ({
          records: records.map(({ recordId, data }) => ({
            recordId,
            data,
            result: text(data) === '{"event":1}' ? 'Ok' : 'ProcessingFailed'
          }))
        })
      }
    })
    await create({
      SplunkDestinationConfiguration: {
        HECEndpoint: local.hec!.url,
        HECToken: local.hec!.token,
        HECEndpointType: 'Event',
        S3Configuration: roleAndBucket,
        ...lambdaProcessing()
      }
    })
    await put('{"event":1}', '{"event":2}')
    expect((await objects()).map(({ key }) => key)).toEqual([
      expect.stringMatching(/^processing-failed\/2026\//)
    ])
    expect(local.hec!.events().map(({ event }) => event)).toEqual([1])
  })

  it('goes through the function that an update names from then on', async () => {
    const { create, put, objects, firehose } = await startFirehose({
      firehoseFunctions: {
        f: upperCase,
        g: ({ records }) => ({
          records: records.map(({ recordId, data }) => ({ recordId, result: 'Ok', data }))
        })
      }
    })
    await create({ ExtendedS3DestinationConfiguration: configuration })
    await put('before ')
    await firehose.send(
      new UpdateDestinationCommand({
        DeliveryStreamName: 'd',
        CurrentDeliveryStreamVersionId: '1',
        DestinationId: 'destinationId-000000000001',
        ExtendedS3DestinationUpdate: lambdaProcessing({ LambdaArn: lambdaArn.replace(/f$/, 'g') })
      })
    )
    await put('after')
    expect((await objects()).map(({ text: body }) => body)).toEqual(['BEFORE after'])
  })
})
