import { describe, expect, it } from 'vitest'
import { backoffDelayMs } from '../../core/backoff.ts'
import { checkInteger, checkKnownOptions, checkOneOf, checkString } from '../../core/check-option.ts'
import { systemClock } from '../../core/clock.ts'
import { deferred, Semaphore, SingleFlight } from '../../core/concurrency.ts'
import {
  ErrorCode,
  InvalidOptionError,
  isSealstreamError,
  KeyUnavailableError,
  SealstreamError
} from '../../core/errors.ts'
import { classifyFailure, FailureClass, ServiceError } from '../../core/service-errors.ts'
import { FakeClock } from '../helpers/fake-clock.ts'

describe('backoff', () => {
  it('grows exponentially under full jitter and stays under its bound', () => {
    const delays = [0, 1, 2, 3, 9].map(attempt =>
      backoffDelayMs(attempt, { baseMs: 100, maxMs: 1000, random: () => 0.5 })
    )
    expect(delays).toEqual([50, 100, 200, 400, 500])
    expect(backoffDelayMs(1000, { baseMs: 100, maxMs: 1000, random: () => 0.999 })).toBeLessThan(1000)
  })
})

describe('options', () => {
  it('names the option, the value and what would be accepted', () => {
    expect(() => checkInteger('maxBufferedMs', -1, 0, 60_000)).toThrow(
      'option maxBufferedMs: expected an integer from 0 to 60000, found -1'
    )
    expect(() => checkInteger('maxBufferedMs', '1', 0, 9)).toThrow('found string')
    expect(() => checkString('streamName', '')).toThrow(
      "option streamName: expected a string that is not empty, found ''"
    )
    expect(() => checkOneOf('seal.mode', 'both', ['aggregate', 'record'])).toThrow(
      "expected 'aggregate' or 'record', found 'both'"
    )
    expect(() => checkKnownOptions('seal', { keyrng: 1 }, ['keyring'])).toThrow(InvalidOptionError)
    expect(checkInteger('n', 5, 0, 9)).toBe(5)
  })
})

describe('errors', () => {
  it('have unique codes', () => {
    const codes = Object.values(ErrorCode)
    expect(new Set(codes).size).toBe(codes.length)
  })

  it('are recognised by brand, not by class', () => {
    expect(isSealstreamError(new SealstreamError(ErrorCode.closed, 'x'))).toBe(true)
    expect(isSealstreamError(new Error('x'))).toBe(false)
    expect(isSealstreamError(null)).toBe(false)
  })

  it('mark a key fault as retryable and carry what the service said', () => {
    const error = new KeyUnavailableError('denied', { serviceCode: 'AccessDeniedException' })
    expect(error).toMatchObject({
      code: 'SEALSTREAM_KEY_UNAVAILABLE',
      retryable: true,
      serviceCode: 'AccessDeniedException'
    })
  })
})

describe('service errors', () => {
  const named = (name: string, httpStatusCode?: number): Error =>
    Object.assign(
      new Error('text'),
      { name },
      httpStatusCode === undefined ? {} : { $metadata: { httpStatusCode } }
    )

  it.each([
    [named('ProvisionedThroughputExceededException', 400), FailureClass.throttled],
    [named('AccessDeniedException', 400), FailureClass.denied],
    [named('CredentialsProviderError'), FailureClass.denied],
    [named('ResourceNotFoundException', 400), FailureClass.notFound],
    [named('ValidationException', 400), FailureClass.invalid],
    [named('InternalFailure', 500), FailureClass.unavailable],
    [named('Unknown', 503), FailureClass.unavailable],
    [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), FailureClass.unreachable],
    [
      new Error('HTTP/2 stream is abnormally aborted: connect ECONNREFUSED 127.0.0.1:1'),
      FailureClass.unreachable
    ],
    [new AggregateError([Object.assign(new Error(''), { code: 'ECONNREFUSED' })]), FailureClass.unreachable],
    [named('TimeoutError'), FailureClass.unreachable],
    [named('AbortError'), FailureClass.aborted]
  ])('sorts %s', (error, expected) => {
    expect(classifyFailure(error)).toBe(expected)
  })

  it('say which service and operation failed and keep the cause', () => {
    const cause = named('ThrottlingException', 400)
    expect(new ServiceError('kinesis', 'PutRecords', cause)).toMatchObject({
      code: ErrorCode.throttled,
      retryable: true,
      message: 'kinesis PutRecords failed: throttled (ThrottlingException)',
      cause
    })
  })
})

describe('Semaphore', () => {
  it('takes what is there already without asking for room, and then lets nobody in until it fits again', async () => {
    const semaphore = new Semaphore(10)
    await semaphore.take(8)
    semaphore.takeAtOnce(7)
    expect(semaphore.taken).toBe(15)
    let isIn = false
    const waiting = semaphore.take(1).then(() => {
      isIn = true
    })
    semaphore.release(5)
    await Promise.resolve()
    expect(isIn).toBe(false)
    semaphore.release(1)
    await waiting
    expect(semaphore.taken).toBe(10)
  })

  it('serves waiters in order and lets a request over the whole budget through alone', async () => {
    const semaphore = new Semaphore(10)
    await semaphore.take(8)
    const order: string[] = []
    const big = semaphore.take(50).then(() => order.push('big'))
    const small = semaphore.take(1).then(() => order.push('small'))
    expect(semaphore.tryTake(1)).toBe(false)
    semaphore.release(8)
    await big
    expect(order).toEqual(['big'])
    semaphore.release(50)
    await small
    expect(order).toEqual(['big', 'small'])
    expect(semaphore.taken).toBe(1)
  })

  it('forgets a waiter that is aborted and serves those behind it', async () => {
    const semaphore = new Semaphore(10)
    await semaphore.take(8)
    const abort = new AbortController()
    const big = semaphore.take(9, abort.signal)
    const small = semaphore.take(2)
    abort.abort(new Error('stop'))
    await expect(big).rejects.toThrow('stop')
    await small
    expect(semaphore.taken).toBe(10)
  })
})

describe('SingleFlight', () => {
  it('shares one run among callers and starts anew afterwards', async () => {
    const flight = new SingleFlight<string, number>()
    const gate = deferred<void>()
    let runs = 0
    const task = async (): Promise<number> => {
      runs += 1
      await gate.promise
      return runs
    }
    const both = Promise.all([flight.run('a', task), flight.run('a', task)])
    gate.resolve()
    expect(await both).toEqual([1, 1])
    expect(await flight.run('a', task)).toBe(2)
  })
})

describe('clock', () => {
  it('ends a sleep at once when its signal aborts', async () => {
    const abort = new AbortController()
    const sleep = systemClock.sleep(60_000, abort.signal)
    abort.abort(new Error('stop'))
    await expect(sleep).rejects.toThrow('stop')
    await expect(systemClock.sleep(1, AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
  })

  it('in tests, fires timers in order of their due time', async () => {
    const clock = new FakeClock()
    const fired: number[] = []
    clock.schedule(() => fired.push(2), 20)
    clock.schedule(() => fired.push(1), 10)
    const cancel = clock.schedule(() => fired.push(3), 15)
    cancel()
    await clock.advance(20)
    expect(fired).toEqual([1, 2])
  })
})
