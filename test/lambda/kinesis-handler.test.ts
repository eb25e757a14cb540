import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, it, onTestFinished } from 'vitest'
import { KeyUnavailableError } from '../../core/errors.ts'
import type { DeadLetter } from '../../core/record-sink.ts'
import type { RecordOpener, SealingKeyring } from '../../core/record-transform.ts'
import { rawAesKeyring } from '../../crypto/index.ts'
import {
  DiagnosticsChannel,
  type KinesisBatchContext,
  type KinesisEvent,
  type KinesisHandlerOptions,
  kinesisHandler,
  type LambdaEvent
} from '../../lambda/index.ts'
import {
  aKinesisEvent,
  aKinesisRecord,
  altered,
  anAggregate,
  anAggregateOfSealed,
  aSealedAggregate,
  sequenceNumber,
  shardId
} from '../helpers/lambda-events.ts'

const keyring = rawAesKeyring({ namespace: 'n', name: 'k', key: randomBytes(32) })
const text = (data: Uint8Array): string => Buffer.from(data).toString()

function start(options: Partial<KinesisHandlerOptions> = {}) {
  const sealer = keyring.createSealer({ streamName: 'orders' })
  const events: LambdaEvent[] = []
  const seen: string[] = []
  const comeAgain: string[] = []
  const handler = kinesisHandler({
    open: { keyring },
    onEvent: event => events.push(event),
    onComeAgain: records => void comeAgain.push(...records.map(({ data }) => text(data))),
    ...(options.eachBatch === undefined ? { eachRecord: ({ data }) => void seen.push(text(data)) } : {}),
    ...options
  })
  onTestFinished(() => {
    sealer.close()
    handler.close()
  })
  const seal = async (plaintext: string) => sealer.seal(Buffer.from(plaintext))
  return { handler, sealer, seal, events, seen, comeAgain }
}

/** Fails at the texts that are named. */
function failingAt(...texts: readonly string[]) {
  const seen: string[] = []
  return {
    seen,
    eachRecord: ({ data }: { readonly data: Uint8Array }) => {
      if (texts.includes(text(data))) throw new TypeError('no')
      seen.push(text(data))
    }
  }
}

const failureOf = (index: number) => ({ batchItemFailures: [{ itemIdentifier: sequenceNumber(index) }] })

describe('what the handler gets', () => {
  it('user records of every way of sealing, opened and in order', async () => {
    const { handler, sealer, seal, seen } = start()
    const event = aKinesisEvent([
      await seal('a'),
      await aSealedAggregate(sealer, ['b', 'c']),
      await anAggregateOfSealed(sealer, ['d', 'e'])
    ])
    expect(await handler(event)).toEqual({ batchItemFailures: [] })
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(handler.stats).toMatchObject({ kinesisRecords: 3, read: 5, processed: 5, returned: 0 })
  })

  it('where each record came from', async () => {
    const eachBatch: KinesisHandlerOptions['eachBatch'] = (records, context) =>
      void given.push({ records, context })
    const given: { records: readonly object[]; context: KinesisBatchContext }[] = []
    const { handler, sealer } = start({ eachBatch })
    const lambda = { awsRequestId: 'r', getRemainingTimeInMillis: () => 1 }
    await handler(aKinesisEvent([await aSealedAggregate(sealer, ['a', 'b'])]), lambda)
    expect(given[0]?.context).toEqual({ streamName: 'orders', shardId, window: undefined, lambda })
    expect(given[0]?.records[1]).toMatchObject({
      streamName: 'orders',
      shardId,
      sequenceNumber: sequenceNumber(0),
      subSequenceNumber: 1,
      partitionKey: 'user-1',
      approximateArrivalTimestamp: new Date(1_545_084_650_987)
    })
  })

  it('the name of the stream out of the ARN of a consumer with enhanced fan-out', async () => {
    const { handler, seal, seen } = start()
    const record = aKinesisRecord(0, await seal('a'))
    const eventSourceARN = `${record.eventSourceARN}/consumer/fan:1545084650`
    await handler({ Records: [{ ...record, eventSourceARN }] })
    expect(seen).toEqual(['a'])
  })

  it('records that were sealed for the stream that the option names', async () => {
    const sealer = keyring.createSealer({ streamName: 'elsewhere' })
    const { handler, seen } = start({ streamName: 'elsewhere' })
    await handler(aKinesisEvent([await sealer.seal(Buffer.from('a'))]))
    sealer.close()
    expect(seen).toEqual(['a'])
  })

  it('records as they came without the option open', async () => {
    const seen: string[] = []
    const handler = kinesisHandler({ eachRecord: ({ data }) => void seen.push(text(data)) })
    await handler(aKinesisEvent([anAggregate(['a', 'b']), Buffer.from('c')]))
    expect(seen).toEqual(['a', 'b', 'c'])
  })

  it('plaintext only where it is accepted, and counts it', async () => {
    const refusing = start()
    expect(await refusing.handler(aKinesisEvent([Buffer.from('a')]))).toEqual(failureOf(0))
    expect(refusing.events[0]).toMatchObject({
      type: 'recordFault',
      errorCode: 'SEALSTREAM_PLAINTEXT_REFUSED'
    })
    const accepting = start({ open: { keyring, acceptPlaintext: true } })
    await accepting.handler(aKinesisEvent([Buffer.from('a'), anAggregate(['b', 'c'])]))
    expect(accepting.seen).toEqual(['a', 'b', 'c'])
    expect(accepting.handler.stats.plaintextAccepted).toBe(3)
  })

  it('nothing of an event without records', async () => {
    const { handler, seen } = start()
    expect(await handler({ Records: [] })).toEqual({ batchItemFailures: [] })
    expect(seen).toEqual([])
  })
})

describe('what comes again', () => {
  it('everything from the Kinesis record on that failed, and nothing behind it is handed on', async () => {
    const { seen, eachRecord } = failingAt('b')
    const { handler, seal, events } = start({ eachRecord })
    expect(await handler(aKinesisEvent([await seal('a'), await seal('b'), await seal('c')]))).toEqual(
      failureOf(1)
    )
    expect(seen).toEqual(['a'])
    expect(events).toEqual([
      {
        type: 'batchReturned',
        shardId,
        sequenceNumber: sequenceNumber(1),
        subSequenceNumber: 0,
        comeAgain: 0,
        errorName: 'TypeError'
      }
    ])
    expect(handler.stats).toMatchObject({
      read: 3,
      processed: 1,
      returned: 2,
      comeAgain: 0,
      failedInvocations: 0
    })
  })

  it('tells which user records of an aggregate were processed and come again', async () => {
    const { eachRecord } = failingAt('c')
    const { handler, sealer, seal, comeAgain, events } = start({ eachRecord })
    const event = aKinesisEvent([await seal('-'), await aSealedAggregate(sealer, ['a', 'b', 'c', 'd'])])
    expect(await handler(event)).toEqual(failureOf(1))
    expect(comeAgain).toEqual(['a', 'b'])
    expect(events[0]).toMatchObject({ subSequenceNumber: 2, comeAgain: 2 })
    expect(handler.stats).toMatchObject({ processed: 3, returned: 2, comeAgain: 2 })
  })

  it('takes the first of the positions that eachBatch returns', async () => {
    const { handler, sealer, seal, comeAgain } = start({
      eachBatch: records => records.filter(({ data }) => ['e', 'b'].includes(text(data))).reverse()
    })
    const event = aKinesisEvent([
      await seal('-'),
      await aSealedAggregate(sealer, ['a', 'b', 'c']),
      await aSealedAggregate(sealer, ['d', 'e'])
    ])
    expect(await handler(event)).toEqual(failureOf(1))
    expect(comeAgain).toEqual(['a', 'c', 'd'])
    expect(handler.stats).toMatchObject({ read: 6, processed: 4, returned: 2, comeAgain: 3 })
  })

  it('refuses a position of no record in the batch', async () => {
    const { handler, seal } = start({ eachBatch: () => [{ sequenceNumber: '1', subSequenceNumber: 0 }] })
    await expect(handler(aKinesisEvent([await seal('a')]))).rejects.toMatchObject({
      code: 'SEALSTREAM_INVALID_RECORD'
    })
  })

  it('everything when eachBatch throws: the invocation fails with the same error', async () => {
    const failure = new Error('downstream')
    const { handler, seal } = start({ eachBatch: () => Promise.reject(failure) })
    await expect(handler(aKinesisEvent([await seal('a'), await seal('b')]))).rejects.toBe(failure)
    expect(handler.stats).toMatchObject({ failedInvocations: 1, read: 2, processed: 0, returned: 2 })
  })

  it('everything when onComeAgain throws', async () => {
    const failure = new Error('note')
    const { eachRecord } = failingAt('b')
    const { handler, sealer } = start({ eachRecord, onComeAgain: () => Promise.reject(failure) })
    await expect(handler(aKinesisEvent([await aSealedAggregate(sealer, ['a', 'b'])]))).rejects.toBe(failure)
  })
})

describe('a record that cannot be opened', () => {
  it('is returned, and what is before it is processed', async () => {
    const { handler, seal, seen, events } = start()
    const event = aKinesisEvent([await seal('a'), altered(await seal('b')), await seal('c')])
    expect(await handler(event)).toEqual(failureOf(1))
    expect(seen).toEqual(['a'])
    expect(events[0]).toEqual({
      type: 'recordFault',
      shardId,
      sequenceNumber: sequenceNumber(1),
      errorCode: 'SEALSTREAM_AUTHENTICATION_FAILED',
      isDeadLettered: false
    })
  })

  it('goes to the dead letters as it was received, and the others go on', async () => {
    for (const kind of ['eachRecord', 'eachBatch'] as const) {
      const seen: string[] = []
      const letters: DeadLetter[] = []
      const { handler, seal, sealer, events } = start({
        deadLetters: { put: async letter => void letters.push(letter) },
        ...(kind === 'eachRecord'
          ? { eachRecord: ({ data }) => void seen.push(text(data)) }
          : { eachBatch: records => void seen.push(...records.map(({ data }) => text(data))) })
      })
      const poison = anAggregate([await seal('b'), altered(await seal('x')), await seal('c')])
      const whole = altered(await aSealedAggregate(sealer, ['y', 'z']))
      expect(await handler(aKinesisEvent([await seal('a'), poison, whole, await seal('d')]))).toEqual({
        batchItemFailures: []
      })
      expect(seen).toEqual(['a', 'b', 'c', 'd'])
      expect(letters).toMatchObject([
        {
          streamName: 'orders',
          shardId,
          sequenceNumber: sequenceNumber(1),
          subSequenceNumbers: [1],
          partitionKey: 'key-1',
          errorCode: 'SEALSTREAM_AUTHENTICATION_FAILED'
        },
        { sequenceNumber: sequenceNumber(2), subSequenceNumbers: undefined }
      ])
      expect(Buffer.from(letters[0]!.data)).toEqual(poison)
      expect(events.map(({ type }) => type)).toEqual(['recordFault', 'recordFault'])
      expect(handler.stats).toMatchObject({ read: 6, processed: 4, deadLettered: 2, returned: 0 })
    }
  })

  it('is returned when the dead letters cannot take it', async () => {
    for (const kind of ['eachRecord', 'eachBatch'] as const) {
      const seen: string[] = []
      const { handler, seal, events } = start({
        deadLetters: { put: () => Promise.reject(new Error('full')) },
        ...(kind === 'eachRecord'
          ? { eachRecord: ({ data }) => void seen.push(text(data)) }
          : { eachBatch: records => void seen.push(...records.map(({ data }) => text(data))) })
      })
      const event = aKinesisEvent([await seal('a'), altered(await seal('b')), await seal('c')])
      expect(await handler(event)).toEqual(failureOf(1))
      expect(seen).toEqual(['a'])
      expect(events[0]).toMatchObject({ isDeadLettered: false })
      expect(handler.stats).toMatchObject({ processed: 1, deadLettered: 0, returned: 2 })
    }
  })

  it('is one that was sealed for another stream', async () => {
    const sealer = keyring.createSealer({ streamName: 'payments' })
    const { handler, events } = start()
    const event = aKinesisEvent([await sealer.seal(Buffer.from('a'))])
    sealer.close()
    expect(await handler(event)).toEqual(failureOf(0))
    expect(events[0]).toMatchObject({ errorCode: 'SEALSTREAM_CONTEXT_MISMATCH' })
  })
})

describe('a key that cannot be had', () => {
  /** Has no key for messages from the second on. */
  function failingKeyring(): { keyring: SealingKeyring; answered: () => number } {
    let answered = 0
    return {
      answered: () => answered,
      keyring: {
        createSealer: options => keyring.createSealer(options),
        createOpener(options) {
          const opener = keyring.createOpener(options)
          let calls = 0
          const open: RecordOpener['open'] = async message => {
            calls += 1
            const call = calls
            await new Promise(resolve => setImmediate(resolve))
            answered += 1
            if (call === 2) throw new KeyUnavailableError('denied', { serviceCode: 'AccessDeniedException' })
            return opener.open(message)
          }
          return {
            isSealed: data => opener.isSealed(data),
            open,
            keyStats: opener.keyStats,
            close: () => opener.close()
          }
        }
      }
    }
  }

  it('fails the whole invocation before anything is handed on, and leaves nothing under way', async () => {
    const failing = failingKeyring()
    const { handler, seal, seen, events } = start({ open: { keyring: failing.keyring } })
    const event = aKinesisEvent([await seal('a'), await seal('b'), await seal('c'), await seal('d')])
    await expect(handler(event)).rejects.toThrow(KeyUnavailableError)
    expect(seen).toEqual([])
    expect(failing.answered()).toBe(4)
    expect(events).toEqual([{ type: 'keyUnavailable', serviceCode: 'AccessDeniedException' }])
    expect(handler.stats).toMatchObject({ invocations: 1, failedInvocations: 1, read: 0 })
    // As Lambda does.
    expect(await handler(event)).toEqual({ batchItemFailures: [] })
    expect(seen).toEqual(['a', 'b', 'c', 'd'])
  })

  it('goes before a record that cannot be opened', async () => {
    const letters: DeadLetter[] = []
    const { handler, seal } = start({
      open: { keyring: failingKeyring().keyring },
      deadLetters: { put: async letter => void letters.push(letter) }
    })
    const event = aKinesisEvent([altered(await seal('a')), await seal('b')])
    await expect(handler(event)).rejects.toThrow(KeyUnavailableError)
    expect(letters).toEqual([])
  })
})

describe('a tumbling window', () => {
  const window = { start: '2026-11-25T10:00:00Z', end: '2026-11-25T10:02:00Z' }

  it('has its state returned, also behind a failure', async () => {
    const { handler, seal } = start({
      eachBatch: (records, { window: tumbling }) => {
        tumbling!.state = {
          count: Number((tumbling!.state as { count?: number }).count ?? 0) + records.length - 1
        }
        return [records[1]!]
      }
    })
    const event: KinesisEvent = {
      ...aKinesisEvent([await seal('a'), await seal('b')]),
      window,
      state: { count: 3 },
      isFinalInvokeForWindow: false,
      isWindowTerminatedEarly: false
    }
    expect(await handler(event)).toEqual({ ...failureOf(1), state: { count: 4 } })
  })

  it('keeps its state when the handler has no interest in it', async () => {
    const { handler, seal } = start()
    const event = { ...aKinesisEvent([await seal('a')]), window, state: { sum: 1 } }
    expect(await handler(event)).toEqual({ batchItemFailures: [], state: { sum: 1 } })
  })

  it('ends with a call without records', async () => {
    const windows: unknown[] = []
    const { handler } = start({
      eachBatch: (records, context) => void windows.push([records.length, context.shardId, context.window])
    })
    const event: KinesisEvent = {
      Records: [],
      window,
      state: { sum: 1 },
      shardId,
      eventSourceARN: aKinesisRecord(0, Buffer.alloc(0)).eventSourceARN,
      isFinalInvokeForWindow: true,
      isWindowTerminatedEarly: false
    }
    expect(await handler(event)).toEqual({ batchItemFailures: [], state: { sum: 1 } })
    expect(windows).toEqual([
      [0, shardId, { ...window, isFinal: true, isTerminatedEarly: false, state: { sum: 1 } }]
    ])
  })
})

describe('between invocations', () => {
  it('keeps the data keys', async () => {
    const { handler, seal } = start()
    await handler(aKinesisEvent([await seal('a')]))
    await handler(aKinesisEvent([await seal('b'), await seal('c')]))
    expect(handler.stats.keys).toMatchObject({ misses: 1, hits: 2, open: 1 })
    handler.close()
    expect(handler.stats.keys.open).toBe(0)
  })
})

describe('what it says', () => {
  it('publishes its events on a channel', async () => {
    const published: unknown[] = []
    const onMessage = (message: unknown) => published.push(message)
    subscribe(DiagnosticsChannel.lambda, onMessage)
    onTestFinished(() => void unsubscribe(DiagnosticsChannel.lambda, onMessage))
    const { handler, seal } = start({ streamName: 'orders' })
    await handler(aKinesisEvent([altered(await seal('a'))]))
    expect(published).toMatchObject([
      { source: 'orders', event: { type: 'recordFault' } },
      { source: 'orders', event: { type: 'batchReturned' } }
    ])
  })

  it('never a payload or a partition key, in logs and events', async () => {
    const said: unknown[] = []
    const say = (...line: readonly unknown[]) => void said.push(line)
    const { eachRecord } = failingAt('secret-2')
    const { handler, sealer, events } = start({
      eachRecord,
      deadLetters: { put: () => Promise.reject(new Error('secret-9')) },
      logger: { debug: say, info: say, warn: say, error: say }
    })
    await handler(aKinesisEvent([await aSealedAggregate(sealer, ['secret-1', 'secret-2'])]))
    await handler(aKinesisEvent([Buffer.from('secret-3')]))
    expect(said.length).toBeGreaterThan(2)
    expect(JSON.stringify([said, events])).not.toMatch(/secret|user-|key-/)
  })
})

describe('options', () => {
  it('takes exactly one handler', () => {
    expect(() => kinesisHandler({})).toThrow(
      'option eachBatch: expected exactly one of eachBatch and eachRecord'
    )
    expect(() => kinesisHandler({ eachBatch() {}, eachRecord() {} })).toThrow('exactly one')
    expect(() => kinesisHandler({ eachRecord: 1 as never })).toThrow('option eachRecord: expected a function')
  })

  it('refuses what it does not know, and a keyring that is none', () => {
    expect(() => kinesisHandler({ eachBatch() {}, keyring } as never)).toThrow('option keyring: unknown')
    expect(() => kinesisHandler({ eachBatch() {}, open: { keyring: {} as never } })).toThrow(
      'option open.keyring'
    )
    expect(() => kinesisHandler({ eachBatch() {}, streamName: '' })).toThrow('option streamName')
  })

  it('refuses another kind of event', async () => {
    const { handler } = start()
    for (const event of [{}, undefined, { records: [] }]) {
      await expect(handler(event as never)).rejects.toMatchObject({ field: 'Records' })
    }
    const record = { ...aKinesisRecord(0, Buffer.alloc(0)), eventSourceARN: 'arn:aws:sqs:eu-west-1:1:q' }
    await expect(handler({ Records: [record] })).rejects.toMatchObject({ field: 'eventSourceARN' })
  })
})
