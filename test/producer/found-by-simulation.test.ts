import { describe, expect, it } from 'vitest'
import { isAggregated } from '../../core/aggregated-record.ts'
import { deferred } from '../../core/concurrency.ts'
import type { RecordSealer, SealingKeyring } from '../../core/record-transform.ts'
import { rawAesKeyring } from '../../crypto/index.ts'
import type { PutResult } from '../../producer/index.ts'
import { FakeKinesis, serviceError } from '../helpers/fake-kinesis.ts'
import { startProducer } from '../helpers/producer.ts'

const keyring = rawAesKeyring({ namespace: 'test', name: 'key', key: Buffer.alloc(32) })

type Seal = RecordSealer['seal']

/** The keyring with sealers that do this instead; they are given what the sealer itself does. */
function sealingBy(sealAs: (data: Uint8Array, seal: Seal) => ReturnType<Seal>): SealingKeyring {
  return {
    createOpener: options => keyring.createOpener(options),
    createSealer: options => {
      const sealer = keyring.createSealer(options)
      const seal = sealer.seal.bind(sealer)
      return Object.assign(sealer, { seal: (data: Uint8Array) => sealAs(data, seal) })
    }
  }
}

describe('in ordered mode', () => {
  it('a put made as soon as another is settled does not overtake one that has just been given room', async () => {
    const { clock, kinesis, producer } = startProducer({
      ordered: true,
      maxRecordBytes: 1_024,
      maxBufferedBytes: 2_200
    })
    const put = (text: string): Promise<PutResult> =>
      producer.put({ partitionKey: 'k', data: Buffer.from(text) })
    const first = put('1')
    const second = put('2')
    const third = put('3')
    expect(producer.stats.waitingPuts).toBe(1)
    const fourth = first.then(() => put('4'))
    await clock.advance(1_000)
    await Promise.all([second, third, fourth])
    expect(kinesis.readAsKcl()).toEqual(['1', '2', '3', '4'])
  })

  it('a stop reaches the second of two puts that are given room together, when the first is of another key', async () => {
    const { clock, kinesis, outcomes, put } = startProducer({
      ordered: true,
      maxRecordBytes: 1_024,
      maxBufferedBytes: 2_200,
      maxAttempts: 1,
      aggregation: false
    })
    kinesis.failEntry = ({ Data }) =>
      String(Data) === 'a:1' ? 'ProvisionedThroughputExceededException' : undefined
    const large = 'x'.repeat(1_000)
    for (const [text, key] of [
      [`a:1`, 'a'],
      [large, 'c'],
      ['b:1', 'b'],
      ['a:2', 'a']
    ] as const)
      put(text, key)
    await clock.advance(1_000)
    expect(outcomes.get('b:1')).toMatchObject({ attempts: 1 })
    expect(outcomes.get('a:2')).toMatchObject({ code: 'SEALSTREAM_LANE_STOPPED' })
  })

  it('a record that cannot be sealed stops those behind it, and none before it', async () => {
    const { clock, kinesis, outcomes, put } = startProducer({
      ordered: true,
      seal: {
        mode: 'record',
        keyring: sealingBy((data, seal) => {
          if (String(data) === 'bad') throw new Error('scripted')
          return seal(data)
        })
      }
    })
    for (const text of ['first', 'second', 'bad', 'behind']) {
      put(text, 'k')
      await clock.advance(1)
    }
    await clock.advance(1_000)
    for (const text of ['first', 'second']) expect(outcomes.get(text)).toMatchObject({ attempts: 1 })
    expect(outcomes.get('bad')).toMatchObject({ cause: { message: 'scripted' } })
    // Put when the failure was known.
    expect(outcomes.get('behind')).toMatchObject({ attempts: 1 })
    expect(kinesis.stored).toHaveLength(1)
  })

  it('a record that fails within its put stops those put before its caller can hear of it', async () => {
    const { clock, kinesis, outcomes, put } = startProducer({
      ordered: true,
      seal: {
        mode: 'record',
        keyring: sealingBy(data => {
          if (String(data) === 'bad') throw new Error('scripted')
          return Buffer.from('sealed')
        })
      }
    })
    for (const text of ['bad', 'behind']) put(text, 'k')
    await clock.advance(1_000)
    expect(outcomes.get('behind')).toMatchObject({ cause: { code: 'SEALSTREAM_LANE_STOPPED' } })
    put('later', 'k')
    await clock.advance(1_000)
    expect(outcomes.get('later')).toMatchObject({ attempts: 1 })
    expect(kinesis.stored).toHaveLength(1)
  })

  it('a small record does not overtake a large one that waits for the record limit to be known', async () => {
    const kinesis = new FakeKinesis()
    kinesis.maxRecordKiB = 2_048
    const { clock, outcomes, producer, put } = startProducer({ ordered: true }, kinesis)
    const order: string[] = []
    const large = producer
      .put({ partitionKey: 'k', data: Buffer.alloc(1_500_000, 'x') })
      .then(() => order.push('large'))
    put('small', 'k')
    expect(producer.stats).toMatchObject({ accepted: 0, waitingPuts: 2 })
    await clock.advance(5_000)
    await large
    expect(outcomes.get('small')).toMatchObject({ attempts: 1 })
    expect(kinesis.stored.map(({ data }) => data.length)).toEqual([1_500_000, 5])
  })
})

it('puts that wait for the record limit to be known are bounded as those that wait for room', async () => {
  const { clock, producer } = startProducer({ maxWaitingBytes: 2_000_000 })
  const data = Buffer.alloc(1_500_000)
  const first = producer.put({ partitionKey: 'k', data })
  first.catch(() => {})
  expect(producer.stats).toMatchObject({ waitingPuts: 1 })
  await expect(producer.put({ partitionKey: 'k', data })).rejects.toMatchObject({
    code: 'SEALSTREAM_BUFFER_FULL'
  })
  await clock.advance(0)
  await expect(first).rejects.toMatchObject({ code: 'SEALSTREAM_INVALID_RECORD' })
  expect(producer.stats).toMatchObject({ accepted: 0, waitingPuts: 0, waitingBytes: 0 })
})

it('a record does not lose its attempts to another entry that makes the request invalid', async () => {
  const { clock, kinesis, outcomes, put } = startProducer({ aggregation: false, maxAttempts: 2 })
  let isThrottled = true
  kinesis.failRequest = entries =>
    entries.some(({ Data }) => String(Data) === 'bad') ? serviceError('ValidationException', 400) : undefined
  kinesis.failEntry = () => {
    const code = isThrottled ? 'ProvisionedThroughputExceededException' : undefined
    isThrottled = false
    return code
  }
  for (const name of ['good', 'bad']) put(name)
  await clock.advance(5_000)
  expect(outcomes.get('good')).toMatchObject({ attempts: 2 })
  expect(outcomes.get('bad')).toMatchObject({ attempts: 1, cause: { serviceCode: 'ValidationException' } })
})

it('a seal that ends after the close sets no timer', async () => {
  const gate = deferred<void>()
  const { clock, kinesis, producer } = startProducer({
    maxBufferedMs: 10_000,
    seal: { keyring: sealingBy(() => gate.promise.then(() => Buffer.from('sealed'))) }
  })
  const put = producer.put({ partitionKey: 'k', data: Buffer.from('x') })
  put.catch(() => {})
  await clock.advance(0)
  const closed = producer.close({ drainMs: 0 })
  await clock.advance(0)
  await closed
  gate.resolve()
  await expect(put).rejects.toMatchObject({ cause: { code: 'SEALSTREAM_CLOSED' } })
  await clock.advance(0)
  expect(clock.pending).toBe(0)
  expect(kinesis.requests).toEqual([])
})

it('a record that is sealed by itself needs no aggregate around it, whatever its data begins with', async () => {
  const { clock, kinesis, producer } = startProducer({
    seal: { keyring, mode: 'record' },
    onMagicPrefix: 'wrap'
  })
  const put = producer.put({ partitionKey: 'k', data: Buffer.from('f3899ac200', 'hex') })
  await clock.advance(100)
  await put
  expect(kinesis.stored).toMatchObject([{ partitionKey: 'k' }])
  expect(isAggregated(kinesis.stored[0]!.data)).toBe(false)
})

it('a flush leaves nothing in the buffer that was sealed only after it was asked for', async () => {
  let gate = Promise.resolve()
  const { clock, producer } = startProducer({
    maxBufferedMs: 10_000,
    seal: { mode: 'record', keyring: sealingBy((data, seal) => gate.then(() => seal(data))) }
  })
  const known = producer.put({ partitionKey: 'k', data: Buffer.from('1') })
  await clock.advance(10_000)
  await known
  gate = clock.sleep(500)
  const put = producer.put({ partitionKey: 'k', data: Buffer.from('2') })
  const flushed = producer.flush({ timeoutMs: 1_000 })
  await clock.advance(1_000)
  await expect(flushed).resolves.toEqual([])
  await expect(put).resolves.toMatchObject({ attempts: 1 })
})

it('a record that is too large only with the aggregate wrapped around it is refused at put', async () => {
  const { producer } = startProducer({ onMagicPrefix: 'wrap', maxRecordBytes: 1_024 })
  const data = Buffer.concat([Buffer.from('f3899ac2', 'hex'), Buffer.alloc(1_010)])
  await expect(producer.put({ partitionKey: 'k', data })).rejects.toMatchObject({
    code: 'SEALSTREAM_INVALID_RECORD'
  })
  expect(producer.stats.accepted).toBe(0)
})
