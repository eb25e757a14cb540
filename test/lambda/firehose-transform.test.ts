import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { KeyUnavailableError } from '../../core/errors.ts'
import type { SealingKeyring } from '../../core/record-transform.ts'
import { rawAesKeyring } from '../../crypto/index.ts'
import {
  type FirehoseTransformOptions,
  firehoseTransform,
  type LambdaEvent,
  type TransformContext,
  type TransformRecord
} from '../../lambda/index.ts'
import { maxResponseBytes } from '../../lambda/response-budget.ts'
import {
  altered,
  anAggregate,
  anAggregateOfSealed,
  aSealedAggregate,
  aTransformEvent,
  sequenceNumber,
  shardId
} from '../helpers/lambda-events.ts'
import { seeds } from '../helpers/seeds.ts'

const keyring = rawAesKeyring({ namespace: 'n', name: 'k', key: randomBytes(32) })
const bytes = (text: string): Buffer => Buffer.from(text)

function start(options: Partial<FirehoseTransformOptions> = {}) {
  const sealer = keyring.createSealer({ streamName: 'orders' })
  const events: LambdaEvent[] = []
  const transform = firehoseTransform({
    destination: 's3',
    framing: 'lines',
    open: { keyring },
    onEvent: event => events.push(event),
    ...options
  })
  onTestFinished(() => {
    sealer.close()
    transform.close()
  })
  const seal = async (plaintext: string) => sealer.seal(bytes(plaintext))
  /** What each record becomes: its text, or the result that it has instead. */
  const run = async (payloads: readonly Uint8Array[]) => {
    const { records } = await transform(aTransformEvent(payloads))
    expect(records.map(({ recordId }) => recordId)).toEqual(payloads.map((_, index) => sequenceNumber(index)))
    return records.map(record =>
      record.result === 'Ok' ? Buffer.from(record.data, 'base64').toString() : record.result
    )
  }
  const reasons = () => events.map(event => (event.type === 'transformFailed' ? event.reason : event.type))
  return { transform, sealer, seal, run, events, reasons }
}

describe('a record that is one user record', () => {
  it('is opened, one to one, towards every destination', async () => {
    for (const destination of ['s3', 'redshift', 'splunk'] as const) {
      const { run, seal } = start({ destination, framing: 'ndjson' })
      expect(await run([await seal('{"a":1}'), await seal('{"b":2}\n')])).toEqual(['{"a":1}\n', '{"b":2}\n'])
    }
    for (const destination of ['elasticsearch', 'http'] as const) {
      const { run, seal } = start({ destination, framing: 'none' })
      expect(await run([await seal('{"a":1}')])).toEqual(['{"a":1}'])
    }
  })

  it('is one out of an aggregate of one, also where aggregates are refused', async () => {
    const { run, sealer } = start({ destination: 'elasticsearch', framing: 'none' })
    expect(await run([await aSealedAggregate(sealer, ['a'])])).toEqual(['a'])
  })

  it('shows where it came from', async () => {
    const seen: { record: TransformRecord; context: TransformContext }[] = []
    const { transform, seal } = start({
      transform: (record, context) => {
        seen.push({ record, context })
        return record.data
      }
    })
    const event = aTransformEvent([await seal('a')])
    const [record] = event.records
    const records = [
      { ...record!, kinesisRecordMetadata: { ...record!.kinesisRecordMetadata!, subsequenceNumber: '3' } }
    ]
    const lambda = { awsRequestId: 'r', getRemainingTimeInMillis: () => 1 }
    await transform({ ...event, records }, lambda)
    const { records: _, ...rest } = event
    expect(seen[0]?.context).toEqual({ event: rest, lambda })
    expect(seen[0]?.record).toEqual({
      recordId: sequenceNumber(0),
      data: bytes('a'),
      partitionKey: 'key-0',
      explicitHashKey: undefined,
      shardId,
      sequenceNumber: sequenceNumber(0),
      subSequenceNumber: 3,
      approximateArrivalTimestamp: new Date(1_545_084_650_987)
    })
  })

  it('is handed on as it came without the option open', async () => {
    const transform = firehoseTransform({ destination: 's3', framing: 'lines' })
    const { records } = await transform(aTransformEvent([bytes('a')]))
    expect(records).toEqual([
      { recordId: sequenceNumber(0), result: 'Ok', data: bytes('a\n').toString('base64') }
    ])
  })

  it('needs the option streamName where no Kinesis stream is the source', async () => {
    const { sourceKinesisStreamArn: _, ...event } = aTransformEvent([await start().seal('a')])
    await expect(start().transform(event)).rejects.toMatchObject({ option: 'streamName' })
    const { transform } = start({ streamName: 'orders' })
    expect((await transform(event)).records[0]?.result).toBe('Ok')
  })
})

describe('a record that holds several user records', () => {
  it('becomes one output of framed lines where records are glued together', async () => {
    for (const destination of ['s3', 'redshift', 'splunk'] as const) {
      const { run, sealer, seal, transform } = start({ destination })
      const payloads = [
        await aSealedAggregate(sealer, ['a', 'b\n', 'c']),
        await anAggregateOfSealed(sealer, ['d', 'e']),
        await seal('f')
      ]
      expect(await run(payloads)).toEqual(['a\nb\nc\n', 'd\ne\n', 'f\n'])
      expect(transform.stats).toMatchObject({ records: 3, ok: 3, userRecords: 6 })
    }
  })

  it('is refused elsewhere, and without a framing', async () => {
    const refusing: Partial<FirehoseTransformOptions>[] = [
      { destination: 'elasticsearch', framing: 'none' },
      { destination: 'http', framing: 'none' },
      { destination: 's3', dynamicPartitioning: true },
      { destination: 's3', framing: 'none' }
    ]
    for (const options of refusing) {
      const { run, sealer, seal, reasons, transform } = start(options)
      const end = options.destination === 's3' && options.framing === undefined ? '\n' : ''
      expect(await run([await aSealedAggregate(sealer, ['a', 'b']), await seal('c')])).toEqual([
        'ProcessingFailed',
        `c${end}`
      ])
      expect(reasons()).toEqual(['aggregateRefused'])
      expect(transform.stats.failed.aggregateRefused).toBe(1)
    }
  })

  it('loses the lines that are dropped, and is dropped with the last of them', async () => {
    const { run, sealer } = start({
      transform: ({ data }) => (Buffer.from(data).toString().startsWith('x') ? 'Dropped' : data)
    })
    expect(
      await run([
        await aSealedAggregate(sealer, ['a', 'x', 'b']),
        await aSealedAggregate(sealer, ['x', 'xx'])
      ])
    ).toEqual(['a\nb\n', 'Dropped'])
  })

  it('fails as a whole when one of them cannot be opened', async () => {
    const { run, seal, reasons } = start()
    expect(await run([anAggregate([await seal('a'), altered(await seal('b'))]), await seal('c')])).toEqual([
      'ProcessingFailed',
      'c\n'
    ])
    expect(reasons()).toEqual(['recordFault'])
  })
})

describe('a record that fails alone', () => {
  it('cannot be opened', async () => {
    const { run, seal, events } = start()
    const foreign = keyring.createSealer({ streamName: 'payments' })
    const payloads = [
      altered(await seal('a')),
      await seal('b'),
      bytes('plain'),
      await foreign.seal(bytes('c'))
    ]
    foreign.close()
    expect(await run(payloads)).toEqual(['ProcessingFailed', 'b\n', 'ProcessingFailed', 'ProcessingFailed'])
    expect(events).toMatchObject([
      { reason: 'recordFault', recordId: sequenceNumber(0), errorCode: 'SEALSTREAM_AUTHENTICATION_FAILED' },
      { reason: 'recordFault', recordId: sequenceNumber(2), errorCode: 'SEALSTREAM_PLAINTEXT_REFUSED' },
      { reason: 'recordFault', recordId: sequenceNumber(3), errorCode: 'SEALSTREAM_CONTEXT_MISMATCH' }
    ])
  })

  it('cannot be framed', async () => {
    const { run, seal, events } = start({ framing: 'ndjson' })
    expect(await run([await seal('no JSON'), await seal('{\n}'), await seal('{}')])).toEqual([
      'ProcessingFailed',
      'ProcessingFailed',
      '{}\n'
    ])
    expect(events).toMatchObject([
      { reason: 'framing', errorCode: 'SEALSTREAM_UNDELIVERABLE' },
      { reason: 'framing' }
    ])
  })

  it('was thrown at', async () => {
    const { run, seal, events } = start({
      transform: ({ data }) => {
        if (data[0] === 0x78) throw new TypeError('payload x')
        return data
      }
    })
    expect(await run([await seal('x'), await seal('a')])).toEqual(['ProcessingFailed', 'a\n'])
    expect(events).toEqual([
      {
        type: 'transformFailed',
        recordId: sequenceNumber(0),
        reason: 'transformFailed',
        errorCode: undefined,
        errorName: 'TypeError'
      }
    ])
  })

  it('became something that is no result', async () => {
    const results = [
      undefined,
      null,
      'text',
      { data: 'text' },
      { partitionKeys: { a: 'b' } },
      { data: bytes('d'), partitionKeys: { a: 'b' } }
    ]
    for (const result of results) {
      const { run, seal, reasons } = start({ transform: (() => result) as never })
      expect(await run([await seal('a')])).toEqual(['ProcessingFailed'])
      expect(reasons()).toEqual(['invalidResult'])
    }
  })
})

describe('partition keys', () => {
  it('go to Firehose as metadata', async () => {
    const { transform, seal } = start({
      dynamicPartitioning: true,
      transform: ({ data, partitionKey }) => ({ data, partitionKeys: { customer: partitionKey ?? '' } })
    })
    const { records } = await transform(aTransformEvent([await seal('a'), await seal('b')]))
    expect(records).toMatchObject([
      { result: 'Ok', metadata: { partitionKeys: { customer: 'key-0' } } },
      { result: 'Ok', metadata: { partitionKeys: { customer: 'key-1' } } }
    ])
  })

  it('may be left to Firehose', async () => {
    const { transform, seal } = start({ dynamicPartitioning: true })
    expect((await transform(aTransformEvent([await seal('a')]))).records[0]).not.toHaveProperty('metadata')
  })

  it('must be texts that are not empty', async () => {
    for (const partitionKeys of [{}, { a: '' }, { a: 1 }, ['a'], 'a', null]) {
      const transform = ({ data }: TransformRecord) => ({ data, partitionKeys: partitionKeys as never })
      const { run, seal, reasons } = start({ dynamicPartitioning: true, transform })
      expect(await run([await seal('a')])).toEqual(['ProcessingFailed'])
      expect(reasons()).toEqual(['invalidResult'])
    }
  })
})

describe('the size of a response', () => {
  it('is held by failing what does not fit, and later records that do are delivered', async () => {
    const { transform, seal, reasons } = start({
      framing: 'none',
      transform: ({ data }) => Buffer.alloc(Number(Buffer.from(data).toString()), 1)
    })
    const sizes = [3_000_000, 3_000_000, 1_700_000, 10, 0]
    const event = aTransformEvent(await Promise.all(sizes.map(size => seal(String(size)))))
    const response = await transform(event)
    expect(response.records.map(({ result }) => result)).toEqual(['Ok', 'ProcessingFailed', 'Ok', 'Ok', 'Ok'])
    expect(reasons()).toEqual(['tooLarge'])
    expect(Buffer.byteLength(JSON.stringify(response))).toBeLessThanOrEqual(maxResponseBytes)
    expect(transform.stats.failed.tooLarge).toBe(1)
  })
})

describe('what fails the invocation', () => {
  it('is a key that cannot be had, before anything is transformed', async () => {
    let isDenied = true
    const failing: SealingKeyring = {
      createSealer: options => keyring.createSealer(options),
      createOpener(options) {
        const opener = keyring.createOpener(options)
        return {
          isSealed: data => opener.isSealed(data),
          open: message =>
            isDenied
              ? Promise.reject(new KeyUnavailableError('denied', { serviceCode: 'AccessDeniedException' }))
              : opener.open(message),
          keyStats: opener.keyStats,
          close: () => opener.close()
        }
      }
    }
    let calls = 0
    const { transform, seal, run, events } = start({
      open: { keyring: failing, acceptPlaintext: true },
      transform: ({ data }) => {
        calls += 1
        return data
      }
    })
    const payloads = [bytes('plain'), await seal('a')]
    await expect(transform(aTransformEvent(payloads))).rejects.toThrow(KeyUnavailableError)
    expect(calls).toBe(0)
    expect(events).toEqual([{ type: 'keyUnavailable', serviceCode: 'AccessDeniedException' }])
    expect(transform.stats).toMatchObject({ invocations: 1, failedInvocations: 1, records: 0 })
    isDenied = false
    expect(await run(payloads)).toEqual(['plain\n', 'a\n'])
    expect(transform.stats).toMatchObject({ records: 2, ok: 2, plaintextAccepted: 1 })
  })

  it('is an error of the transform that says that it is retryable', async () => {
    const failure = Object.assign(new Error('later'), { retryable: true })
    const { transform, seal } = start({ transform: () => Promise.reject(failure) })
    await expect(transform(aTransformEvent([await seal('a')]))).rejects.toBe(failure)
  })

  it('is another kind of event', async () => {
    for (const event of [undefined, {}, { Records: [] }]) {
      await expect(start().transform(event as never)).rejects.toMatchObject({ field: 'records' })
    }
    const event = { ...aTransformEvent([bytes('a')]), sourceKinesisStreamArn: 'arn:aws:sqs:eu-west-1:1:q' }
    await expect(start().transform(event)).rejects.toMatchObject({ field: 'sourceKinesisStreamArn' })
  })
})

it('answers every record once and in order, whatever becomes of each, and fits', async () => {
  const sealer = keyring.createSealer({ streamName: 'orders' })
  const outcome = fc.constantFrom('keep', 'drop', 'throw', 'forget', 'poison', 'grow', 'several')
  await fc.assert(
    fc.asyncProperty(fc.array(outcome, { maxLength: 20 }), async outcomes => {
      const transform = firehoseTransform({
        destination: 's3',
        framing: 'lines',
        open: { keyring },
        transform: ({ data }) => {
          const text = Buffer.from(data).toString()
          if (text === 'drop') return 'Dropped'
          if (text === 'throw') throw new Error('no')
          if (text === 'forget') return undefined as never
          return text === 'grow' ? Buffer.alloc(1_000_000, 1) : data
        }
      })
      const payloads = await Promise.all(
        outcomes.map(async text => {
          if (text === 'several') return aSealedAggregate(sealer, ['keep', 'drop', 'keep'])
          const message = await sealer.seal(bytes(text))
          return text === 'poison' ? altered(message) : message
        })
      )
      const response = await transform(aTransformEvent(payloads))
      expect(response.records.map(({ recordId }) => recordId)).toEqual(
        outcomes.map((_, index) => sequenceNumber(index))
      )
      expect(Buffer.byteLength(JSON.stringify(response))).toBeLessThanOrEqual(maxResponseBytes)
      let grown = 0
      const expected = outcomes.map(text => {
        if (text === 'drop') return 'Dropped'
        if (text === 'throw' || text === 'forget' || text === 'poison') return 'ProcessingFailed'
        if (text !== 'grow') return 'Ok'
        grown += 1
        // Four of these in Base64, and not five.
        return grown <= 4 ? 'Ok' : 'ProcessingFailed'
      })
      expect(response.records.map(({ result }) => result)).toEqual(expected)
      const { records, ok, dropped, failed } = transform.stats
      expect(records).toBe(ok + dropped + Object.values(failed).reduce((sum, count) => sum + count, 0))
      transform.close()
    }),
    { numRuns: seeds(60) }
  )
  sealer.close()
})

it('keeps the data keys between invocations', async () => {
  const { transform, seal } = start()
  await transform(aTransformEvent([await seal('a')]))
  await transform(aTransformEvent([await seal('b'), await seal('c')]))
  expect(transform.stats.keys).toMatchObject({ misses: 1, hits: 2 })
})

it('never says a payload or a partition key', async () => {
  const said: unknown[] = []
  const say = (...line: readonly unknown[]) => void said.push(line)
  const { run, seal, events } = start({
    framing: 'ndjson',
    logger: { debug: say, info: say, warn: say, error: say },
    transform: ({ data }) => {
      if (data.length > 8) throw new Error('secret-3')
      return data
    }
  })
  await run([await seal('secret-1'), bytes('secret-2'), await seal('secret-33')])
  expect(said).toHaveLength(3)
  expect(JSON.stringify([said, events])).not.toMatch(/secret|key-/)
})

describe('options', () => {
  it('default to a framing that fits the destination', async () => {
    const ndjson = firehoseTransform({ destination: 'splunk' })
    expect((await ndjson(aTransformEvent([bytes('no JSON')]))).records[0]?.result).toBe('ProcessingFailed')
    const none = firehoseTransform({ destination: 'http' })
    expect((await none(aTransformEvent([bytes('no JSON')]))).records[0]?.result).toBe('Ok')
  })

  it('are refused when they contradict each other', () => {
    expect(() => firehoseTransform({ destination: 'http', framing: 'lines' })).toThrow(
      'option framing: expected'
    )
    expect(() => firehoseTransform({ destination: 'redshift', dynamicPartitioning: true })).toThrow(
      "goes with the destination 's3' alone"
    )
    expect(() => firehoseTransform({ destination: 'kafka' as never })).toThrow('option destination')
    expect(() => firehoseTransform({ destination: 's3', transform: 1 as never })).toThrow('option transform')
    expect(() => firehoseTransform({ destination: 's3', delimiter: '\n' } as never)).toThrow(
      'option delimiter'
    )
  })
})
