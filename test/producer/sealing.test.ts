import { randomBytes } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { decodeAggregatedRecord } from '../../core/aggregated-record.ts'
import { KeyUnavailableError } from '../../core/errors.ts'
import { hashKeyOf } from '../../core/hash-key.ts'
import type { SealingKeyring } from '../../core/record-transform.ts'
import { rawAesKeyring } from '../../crypto/index.ts'
import { Producer, type ProducerEvent, type ProducerOptions, type SealOptions } from '../../producer/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { FakeKinesis } from '../helpers/fake-kinesis.ts'

const aKeyring = (): SealingKeyring => rawAesKeyring({ namespace: 'test', name: 'key', key: randomBytes(32) })

function start(seal: SealOptions, options: Partial<ProducerOptions> = {}, kinesis = new FakeKinesis()) {
  const clock = new FakeClock()
  const events: ProducerEvent[] = []
  const producer = new Producer({
    streamName: 's',
    kinesis,
    clock,
    random: () => 0.5,
    seal,
    onEvent: event => events.push(event),
    ...options
  })
  onTestFinished(async () => void (await producer.close({ drainMs: 0 })))
  const opener = seal.keyring.createOpener({
    streamName: 's',
    ...(seal.context === undefined ? {} : { context: seal.context })
  })
  onTestFinished(() => opener.close())
  return { clock, events, producer, kinesis, opener }
}

const payload = (index: number): Buffer => Buffer.from(`{"secret":"payload number ${index}"}`)

describe('mode aggregate', () => {
  it('seals the aggregate as a whole; nothing but the hash key of the first record is readable', async () => {
    const { clock, producer, kinesis, opener } = start({ keyring: aKeyring(), context: { tenant: 't' } })
    const puts = [0, 1, 2].map(index => producer.put({ partitionKey: `user-${index}`, data: payload(index) }))
    await clock.advance(100)
    await Promise.all(puts)
    const [stored] = kinesis.stored
    expect(kinesis.stored).toHaveLength(1)
    const hashKey = String(hashKeyOf({ partitionKey: 'user-0' }))
    expect(stored).toMatchObject({ partitionKey: hashKey, explicitHashKey: hashKey })
    const bytes = Buffer.from(stored!.data)
    for (const text of ['secret', 'payload', 'user-0', 'user-1']) expect(bytes.includes(text)).toBe(false)
    const users = decodeAggregatedRecord(await opener.open(stored!.data))
    expect(users?.map(({ partitionKey, data }) => [partitionKey, Buffer.from(data)])).toEqual(
      [0, 1, 2].map(index => [`user-${index}`, payload(index)])
    )
    expect(producer.stats.bytesSealed).toBe(bytes.length)
  })

  it('wraps a lone record too, so that its partition key is not readable', async () => {
    const { clock, producer, kinesis, opener } = start({ keyring: aKeyring() })
    const put = producer.put({ partitionKey: 'user-0', data: payload(0) })
    await clock.advance(100)
    await put
    const users = decodeAggregatedRecord(await opener.open(kinesis.stored[0]!.data))
    expect(users).toMatchObject([{ partitionKey: 'user-0', explicitHashKey: undefined }])
  })

  it('keeps what is stored within the size, sealing included', async () => {
    const { clock, producer, kinesis } = start({ keyring: aKeyring() }, { maxAggregateBytes: 5_000 })
    const puts = Array.from({ length: 500 }, (_, index) =>
      producer.put({ partitionKey: 'k', data: payload(index) })
    )
    await clock.advance(200)
    await Promise.all(puts)
    expect(Math.max(...kinesis.stored.map(({ data }) => data.length))).toBeLessThanOrEqual(5_000)
    expect(kinesis.stored.length).toBeGreaterThan(3)
  })
})

describe('mode record', () => {
  it('seals every user record by itself, in an aggregate that a KCL takes apart', async () => {
    const { clock, producer, kinesis, opener } = start({ keyring: aKeyring(), mode: 'record' })
    const puts = [0, 1].map(index => producer.put({ partitionKey: `user-${index}`, data: payload(index) }))
    await clock.advance(100)
    await Promise.all(puts)
    const [stored] = kinesis.stored
    expect(stored).toMatchObject({
      partitionKey: 'a',
      explicitHashKey: String(hashKeyOf({ partitionKey: 'user-0' }))
    })
    expect(Buffer.from(stored!.data).includes('secret')).toBe(false)
    const users = decodeAggregatedRecord(stored!.data)!
    expect(users.map(({ partitionKey }) => partitionKey)).toEqual(['user-0', 'user-1'])
    for (const [index, { data }] of users.entries())
      expect(Buffer.from(await opener.open(data))).toEqual(payload(index))
  })

  it('sends a lone record raw under its own key, sealed', async () => {
    const { clock, producer, kinesis, opener } = start({ keyring: aKeyring(), mode: 'record' })
    const put = producer.put({ partitionKey: 'user-0', data: payload(0) })
    await clock.advance(100)
    await put
    expect(kinesis.stored[0]!.partitionKey).toBe('user-0')
    expect(Buffer.from(await opener.open(kinesis.stored[0]!.data))).toEqual(payload(0))
  })
})

/** A keyring whose key comes and goes. */
function flakyKeyring(state: { error: Error | undefined }): SealingKeyring {
  const keyring = aKeyring()
  return {
    createOpener: options => keyring.createOpener(options),
    createSealer(options) {
      const sealer = keyring.createSealer(options)
      return {
        seal: plaintext => (state.error === undefined ? sealer.seal(plaintext) : Promise.reject(state.error)),
        overheadBytes: bytes => sealer.overheadBytes(bytes),
        get keyStats() {
          return sealer.keyStats
        },
        close: () => sealer.close()
      }
    }
  }
}

describe('a key that cannot be had', () => {
  it.each(['aggregate', 'record'] as const)(
    'holds the records in mode %s, says so once, and goes on by itself',
    async mode => {
      const state: { error: Error | undefined } = {
        error: new KeyUnavailableError('denied', { serviceCode: 'AccessDeniedException' })
      }
      const { clock, producer, kinesis, events } = start({ keyring: flakyKeyring(state), mode })
      const puts = [0, 1, 2].map(index => producer.put({ partitionKey: 'k', data: payload(index) }))
      await clock.advance(10_000)
      expect(kinesis.requests).toHaveLength(0)
      expect(producer.stats).toMatchObject({ inFlight: 3, handedBack: 0 })
      expect(events.filter(({ type }) => type === 'keyUnavailable')).toEqual([
        { type: 'keyUnavailable', serviceCode: 'AccessDeniedException' }
      ])
      state.error = undefined
      await clock.advance(6_000)
      await Promise.all(puts)
      expect(events.map(({ type }) => type)).toContain('keyAvailable')
    }
  )

  it('hands the records back when they expire, and never sends plaintext', async () => {
    const state = { error: new KeyUnavailableError('down') }
    const { clock, producer, kinesis } = start({ keyring: flakyKeyring(state) })
    const put = producer.put({ partitionKey: 'k', data: payload(0) })
    put.catch(() => {})
    await clock.advance(30_000)
    await expect(put).rejects.toMatchObject({
      code: 'SEALSTREAM_RECORD_EXPIRED',
      attempts: 0,
      maybeStored: false,
      cause: { code: 'SEALSTREAM_KEY_UNAVAILABLE' }
    })
    expect(kinesis.requests).toHaveLength(0)
    await clock.advance(30_000)
    expect(clock.pending).toBe(0)
  })
})
