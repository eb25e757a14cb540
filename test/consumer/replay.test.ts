import { randomBytes } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type DeadLetter,
  KeyUnavailableError,
  type RecordSink,
  type ReplayEvent,
  type ReplayOptions,
  replayDeadLetters,
  surveyDeadLetters
} from '../../consumer/index.ts'
import { AggregatedRecordBuilder } from '../../core/aggregated-record.ts'
import { ErrorCode, RecordFaultError } from '../../core/errors.ts'
import { noKeyStats, type SealingKeyring } from '../../core/record-transform.ts'
import type { ConsumedRecord } from '../../core/user-record.ts'
import { rawAesKeyring } from '../../crypto/index.ts'
import { aDeadLetter, MemoryDeadLetters } from '../helpers/dead-letters.ts'
import { FakeClock, settle } from '../helpers/fake-clock.ts'

const keyring = rawAesKeyring({ namespace: 'n', name: 'k', key: randomBytes(32) })

async function sealed(data: Uint8Array | string, streamName = 's'): Promise<Uint8Array> {
  const sealer = keyring.createSealer({ streamName })
  onTestFinished(() => sealer.close())
  return sealer.seal(Buffer.from(data as string))
}

function aggregateOf(...parts: readonly (Uint8Array | string)[]): Buffer {
  const builder = new AggregatedRecordBuilder()
  for (const part of parts) builder.add('inner', undefined, Buffer.from(part as string))
  return builder.encode()
}

function start(letters: readonly (DeadLetter | undefined)[], options: Partial<ReplayOptions> = {}) {
  const source = new MemoryDeadLetters(letters)
  const clock = new FakeClock()
  const taken: ConsumedRecord[][] = []
  const events: ReplayEvent[] = []
  const replay = () =>
    replayDeadLetters({
      source,
      streamName: 's',
      open: { keyring },
      clock,
      onEvent: event => events.push(event),
      ...(options.sink === undefined ? { eachBatch: records => void taken.push([...records]) } : {}),
      ...options
    })
  const texts = () => taken.map(batch => batch.map(({ data }) => Buffer.from(data).toString()))
  return { source, clock, taken, texts, events, replay }
}

const nothing = { replayed: 0, userRecords: 0, notRemoved: 0, failed: 0, failures: {}, left: 0 }

describe('a replay', () => {
  it('hands on what can be opened now, and removes it', async () => {
    const letters = [
      aDeadLetter({ data: await sealed('a'), sequenceNumber: '1' }),
      aDeadLetter({ data: await sealed(aggregateOf('b', 'c')), sequenceNumber: '2' })
    ]
    const { source, taken, texts, events, replay } = start(letters)
    expect(await replay()).toEqual({ ...nothing, replayed: 2, userRecords: 3, endedBy: 'empty' })
    expect(texts()).toEqual([['a'], ['b', 'c']])
    expect(taken[1]![1]).toMatchObject({
      streamName: 's',
      shardId: 'shardId-000000000000',
      sequenceNumber: '2',
      subSequenceNumber: 1,
      partitionKey: 'inner',
      approximateArrivalTimestamp: new Date(1_700_000_000_123)
    })
    expect(source.entries.size).toBe(0)
    expect(events).toEqual([
      { type: 'letterReplayed', shardId: 'shardId-000000000000', sequenceNumber: '1', userRecords: 1 },
      { type: 'letterReplayed', shardId: 'shardId-000000000000', sequenceNumber: '2', userRecords: 2 }
    ])
  })

  it('hands on the user records that failed, and no others', async () => {
    const altered = Buffer.from(await sealed('x'))
    altered[altered.length - 1]! ^= 1
    const parts = [await sealed('a'), await sealed('b'), altered, await sealed('d')]
    const { source, texts, replay } = start([
      // What did not fail is nobody's concern, even where it cannot be opened.
      aDeadLetter({ data: aggregateOf(...parts), subSequenceNumbers: [1, 3] }),
      aDeadLetter({ data: aggregateOf(...parts), subSequenceNumbers: [0, 2] })
    ])
    expect(await replay()).toEqual({
      ...nothing,
      replayed: 1,
      userRecords: 2,
      failed: 1,
      failures: { SEALSTREAM_AUTHENTICATION_FAILED: 1 },
      endedBy: 'empty'
    })
    expect(texts()).toEqual([['b', 'd']])
    expect(source.visible).toEqual(['1'])
  })

  it('leaves in the store what still cannot be opened, and tries it once', async () => {
    const foreign = aDeadLetter({ data: await sealed('a', 'other'), sequenceNumber: '1' })
    const { source, events, replay } = start([
      foreign,
      undefined,
      aDeadLetter({ data: Buffer.from('plain') }),
      aDeadLetter({ data: await sealed('b'), subSequenceNumbers: [1] })
    ])
    expect(await replay()).toEqual({
      ...nothing,
      failed: 4,
      failures: {
        SEALSTREAM_CONTEXT_MISMATCH: 1,
        SEALSTREAM_PROCESSOR_FAILED: 1,
        SEALSTREAM_PLAINTEXT_REFUSED: 1,
        SEALSTREAM_MALFORMED_DEAD_LETTER: 1
      },
      endedBy: 'empty'
    })
    expect(source.visible).toEqual(['0', '1', '2', '3'])
    expect(events.slice(0, 2)).toEqual([
      {
        type: 'letterFailed',
        shardId: 'shardId-000000000000',
        sequenceNumber: '1',
        errorCode: 'SEALSTREAM_CONTEXT_MISMATCH'
      },
      {
        type: 'letterFailed',
        shardId: undefined,
        sequenceNumber: undefined,
        errorCode: 'SEALSTREAM_PROCESSOR_FAILED'
      }
    ])
  })

  it('leaves dead letters of other streams alone', async () => {
    const { source, texts, replay } = start([aDeadLetter({ data: await sealed('a'), streamName: 'input' })])
    expect(await replay()).toEqual({ ...nothing, left: 1, endedBy: 'empty' })
    expect(texts()).toEqual([])
    expect(source.visible).toEqual(['0'])
  })

  it('leaves in the store what the handler throws at', async () => {
    const { source, replay } = start([aDeadLetter({ data: await sealed('secret') })], {
      eachBatch: () => {
        throw new Error('secret')
      }
    })
    const result = await replay()
    expect(result).toMatchObject({ replayed: 0, failed: 1, failures: { SEALSTREAM_PROCESSOR_FAILED: 1 } })
    expect(JSON.stringify(result)).not.toContain('secret')
    expect(source.visible).toEqual(['0'])
  })

  it('takes a sink, keeps what that cannot deliver, and does not close it', async () => {
    let isClosed = false
    const sink: RecordSink = {
      deliver: async records =>
        records
          .filter(({ data }) => Buffer.from(data).toString() === 'bad')
          .map(record => ({ record, error: new RecordFaultError(ErrorCode.undeliverable, 'no') })),
      async close() {
        isClosed = true
      }
    }
    const letters = await Promise.all(
      ['good', 'bad'].map(async text => aDeadLetter({ data: await sealed(text) }))
    )
    const { source, replay } = start(letters, { sink })
    expect(await replay()).toMatchObject({
      replayed: 1,
      failed: 1,
      failures: { SEALSTREAM_UNDELIVERABLE: 1 }
    })
    expect(source.visible).toEqual(['1'])
    expect(isClosed).toBe(false)
  })

  it('hands on plaintext where it is told to, and what comes as it is without a keyring', async () => {
    const plain = aDeadLetter({ data: Buffer.from('plain') })
    const told = start([plain], { open: { keyring, acceptPlaintext: true } })
    expect(await told.replay()).toMatchObject({ replayed: 1 })
    expect(told.texts()).toEqual([['plain']])
    const asItIs = await sealed('a')
    const taken: Uint8Array[] = []
    await replayDeadLetters({
      source: new MemoryDeadLetters([aDeadLetter({ data: asItIs })]),
      streamName: 's',
      clock: new FakeClock(),
      eachBatch: records => void taken.push(...records.map(({ data }) => data))
    })
    expect(taken).toEqual([asItIs])
  })

  it('leaves a dead letter whose key cannot be had, and goes on with the others', async () => {
    const stubborn: SealingKeyring = {
      createSealer: () => {
        throw new Error('not used')
      },
      createOpener: () => ({
        isSealed: () => true,
        open: data => {
          if (Buffer.from(data).toString() === 'locked') throw new KeyUnavailableError('denied')
          return data
        },
        keyStats: noKeyStats,
        close: () => {}
      })
    }
    const letters = ['locked', 'open'].map(text => aDeadLetter({ data: Buffer.from(text) }))
    const { source, texts, replay } = start(letters, { open: { keyring: stubborn } })
    expect(await replay()).toMatchObject({ replayed: 1, failures: { SEALSTREAM_KEY_UNAVAILABLE: 1 } })
    expect(texts()).toEqual([['open']])
    expect(source.visible).toEqual(['0'])
  })

  it('counts what it could not remove, and does not try it again', async () => {
    const { source, texts, events, replay } = start([aDeadLetter({ data: await sealed('a') })])
    source.removeError = new Error('down')
    expect(await replay()).toMatchObject({ replayed: 1, notRemoved: 1, failed: 0, endedBy: 'empty' })
    expect(texts()).toEqual([['a']])
    expect(events.at(-1)).toMatchObject({ type: 'letterNotRemoved' })
  })
})

describe('a replay ends', () => {
  const many = async (count: number) => {
    const data = await sealed('a')
    return Array.from({ length: count }, (_, index) => aDeadLetter({ data, sequenceNumber: String(index) }))
  }

  it('at its limit, and asks for no more than that', async () => {
    const { source, replay } = start(await many(30), { limit: 12 })
    expect(await replay()).toMatchObject({ replayed: 12, left: 0, endedBy: 'limit' })
    expect(source.received.map(({ max }) => max)).toEqual([10, 2])
    expect(source.visible).toHaveLength(18)
  })

  it('when its time is over: the handler is told, and what is in hand goes back', async () => {
    const { source, clock, replay } = start(await many(3), {
      maxDurationMs: 1_000,
      eachBatch: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
        })
    })
    const running = replay()
    await settle()
    expect(source.received[0]).toMatchObject({ holdMs: 31_000 })
    await clock.advance(1_000)
    expect(await running).toEqual({ ...nothing, left: 3, endedBy: 'time' })
    expect(source.visible).toHaveLength(3)
    expect(clock.pending).toBe(0)
  })

  it('at the signal, with what was done until then', async () => {
    const stop = new AbortController()
    const { source, texts, replay } = start(await many(3), {
      signal: stop.signal,
      eachBatch: () => stop.abort()
    })
    // The first one was taken: it does not come again.
    expect(await replay()).toMatchObject({ replayed: 1, left: 2, endedBy: 'signal' })
    expect(texts()).toEqual([])
    expect(source.visible).toEqual(['1', '2'])
    expect(await replay()).toEqual({ ...nothing, endedBy: 'signal' })
  })

  it('with the failure of the store, and puts back what it holds', async () => {
    const { source, replay } = start([undefined])
    const receive = source.receive.bind(source)
    source.receive = options => {
      if (source.received.length > 0) return Promise.reject(new Error('store is down'))
      return receive(options)
    }
    await expect(replay()).rejects.toThrow('store is down')
    expect(source.visible).toEqual(['0'])
  })
})

describe('the options of a replay', () => {
  it.each([
    [{ source: {} }, 'option source: expected a source'],
    [{ streamName: '' }, 'option streamName'],
    [{ limit: 0 }, 'option limit: expected an integer from 1 to 100000'],
    [{ maxDurationMs: 999 }, 'option maxDurationMs'],
    [{ sink: {} }, 'option eachBatch: expected exactly one'],
    [{ open: { key: 1 } }, 'option open.key: unknown'],
    [{ leaseTable: {} }, 'option leaseTable: unknown']
  ])('are refused with %j', async (wrong, message) => {
    const options = { source: new MemoryDeadLetters([]), streamName: 's', eachBatch: () => {}, ...wrong }
    await expect(replayDeadLetters(options as never)).rejects.toThrow(message)
  })
})

describe('a survey', () => {
  it('counts dead letters by why they are there, and leaves them there', async () => {
    const source = new MemoryDeadLetters([
      aDeadLetter({ errorCode: 'A' }),
      aDeadLetter({ errorCode: 'B', streamName: 'other' }),
      undefined,
      aDeadLetter({ errorCode: 'A' })
    ])
    const clock = new FakeClock()
    expect(await surveyDeadLetters({ source, clock })).toEqual({
      found: 3,
      byErrorCode: { A: 2, B: 1 },
      malformed: 1,
      endedBy: 'empty'
    })
    expect(source.visible).toEqual(['0', '1', '2', '3'])
    expect(await surveyDeadLetters({ source, clock, limit: 1 })).toMatchObject({ found: 1, endedBy: 'limit' })
    await expect(surveyDeadLetters({ source, eachBatch: () => {} } as never)).rejects.toThrow(
      'option eachBatch'
    )
  })
})
