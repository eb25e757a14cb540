import { describe, expect, it } from 'vitest'
import {
  ConsumerRegistration,
  type ConsumerRegistrationOptions
} from '../../consumer/retrieval/consumer-registration.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { FakeFanOut } from '../helpers/fake-fan-out.ts'
import { serviceError } from '../helpers/fake-kinesis.ts'

const arn = 'arn:stream/consumer/app:1'

function start(options: Partial<ConsumerRegistrationOptions> = {}) {
  const clock = new FakeClock()
  const kinesis = new FakeFanOut()
  const registration = new ConsumerRegistration({
    kinesis,
    streamName: 's',
    consumerName: 'app',
    consumerArn: undefined,
    register: true,
    clock,
    ...options
  })
  const find = (): Promise<unknown> => {
    const found = registration.arn().catch((error: unknown) => error)
    return found
  }
  const count = (operation: string): number => kinesis.calls.filter(call => call === operation).length
  return { clock, kinesis, registration, find, count }
}

describe('the consumer of a worker', () => {
  it('is taken as it is when its ARN is given: nothing is asked', async () => {
    const { kinesis, registration } = start({ consumerArn: 'arn:given' })
    expect(await registration.arn()).toBe('arn:given')
    expect(kinesis.calls).toEqual([])
  })

  it('is found by its name, once for all shards', async () => {
    const { kinesis, registration } = start({ register: false })
    kinesis.consumers.set('app', 'ACTIVE')
    expect(await Promise.all([registration.arn(), registration.arn()])).toEqual([arn, arn])
    expect(await registration.arn()).toBe(arn)
    expect(kinesis.calls).toEqual(['DescribeStreamSummary', 'DescribeStreamConsumer'])
  })

  it('is registered where that is allowed, and waited for until it is active', async () => {
    const { clock, kinesis, find, count } = start()
    kinesis.activatesAtOnce = false
    const found = find()
    await clock.advance(4_500)
    kinesis.consumers.set('app', 'ACTIVE')
    await clock.advance(1_000)
    expect(await found).toBe(arn)
    expect(count('RegisterStreamConsumer')).toBe(1)
  })

  it('is not registered without being told to', async () => {
    const { find, count } = start({ register: false })
    expect(await find()).toMatchObject({
      name: 'FanOutUnavailableError',
      obstacle: 'not-registered',
      message: expect.stringContaining('registerConsumer')
    })
    expect(count('RegisterStreamConsumer')).toBe(0)
  })

  it('may have been registered by another worker in the meantime', async () => {
    const { clock, kinesis, find } = start()
    kinesis.fail = (operation, call) => {
      if (operation === 'RegisterStreamConsumer') kinesis.consumers.set('app', 'ACTIVE')
      return operation === 'DescribeStreamConsumer' && call === 1
        ? serviceError('ResourceNotFoundException', 400)
        : undefined
    }
    const found = find()
    await clock.advance(1_000)
    expect(await found).toBe(arn)
  })

  it('is given up after 30 tries when it does not become active, and searched for anew by the next call', async () => {
    const { clock, kinesis, find, count } = start()
    kinesis.consumers.set('app', 'CREATING')
    const found = find()
    await clock.advance(60_000)
    expect(await found).toMatchObject({ obstacle: 'not-active' })
    expect(count('DescribeStreamConsumer')).toBe(30)
    kinesis.consumers.set('app', 'ACTIVE')
    expect(await find()).toBe(arn)
  })

  it('is registered when one of too many has gone, and given up when none goes', async () => {
    const { clock, kinesis, find, count } = start()
    kinesis.fail = (operation, call) =>
      operation === 'RegisterStreamConsumer' && call <= 3
        ? serviceError('LimitExceededException', 400)
        : undefined
    const found = find()
    await clock.advance(10_000)
    expect(await found).toBe(arn)
    kinesis.consumers.clear()
    const { clock: other, kinesis: full, find: search } = start()
    full.fail = operation =>
      operation === 'RegisterStreamConsumer' ? serviceError('LimitExceededException', 400) : undefined
    const lost = search()
    await other.advance(60_000)
    expect(await lost).toMatchObject({ obstacle: 'limit', cause: { serviceCode: 'LimitExceededException' } })
    expect(count('RegisterStreamConsumer')).toBe(4)
  })

  it.each(['DescribeStreamSummary', 'DescribeStreamConsumer', 'RegisterStreamConsumer'])(
    'names the right to %s when that is denied',
    async denied => {
      const { kinesis, find } = start()
      kinesis.fail = operation =>
        operation === denied ? serviceError('AccessDeniedException', 400) : undefined
      expect(await find()).toMatchObject({
        obstacle: 'denied',
        message: expect.stringContaining(`kinesis:${denied}`)
      })
    }
  )

  it('rejects as the service fails, and is searched for anew afterwards', async () => {
    const { kinesis, find, registration } = start()
    kinesis.consumers.set('app', 'ACTIVE')
    kinesis.fail = (_, call) => (call === 1 ? serviceError('InternalFailureException', 500) : undefined)
    expect(await find()).toMatchObject({ name: 'ServiceError', operation: 'DescribeStreamSummary' })
    kinesis.fail = undefined
    expect(await registration.arn()).toBe(arn)
    registration.forget()
    await registration.arn()
    expect(kinesis.calls.filter(call => call === 'DescribeStreamSummary')).toHaveLength(3)
  })

  it('stops waiting when the worker closes', async () => {
    const { clock, kinesis, find, registration } = start()
    kinesis.consumers.set('app', 'CREATING')
    const found = find()
    await clock.advance(1_500)
    registration.close()
    expect(await found).toMatchObject({ name: 'WorkerStoppedError' })
    expect(clock.pending).toBe(0)
  })
})
