import { describe, expect, it } from 'vitest'
import { AdaptiveRate } from '../../firehose/adaptive-rate.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { FakeFirehose, failing } from '../helpers/fake-firehose.ts'
import { Seeded } from '../helpers/seeded.ts'
import { finish, startSink } from '../helpers/sink.ts'

const megabyte = 1_000_000

function start() {
  const clock = new FakeClock()
  const changes: (number | undefined)[] = []
  const rate = new AdaptiveRate({ clock, onChange: limit => changes.push(limit) })
  return { clock, changes, rate }
}

describe('adaptive rate', () => {
  it('bounds nothing until the stream throttles', async () => {
    const { rate, clock } = start()
    for (let request = 0; request < 100; request += 1) {
      await rate.take(4 * megabyte, new AbortController().signal)
      rate.note(4 * megabyte, 0)
    }
    expect(rate.limit).toBeUndefined()
    expect(clock.pending).toBe(0)
  })

  it('falls to what the stream took, then by the share that it refuses in each second', async () => {
    const { rate, clock, changes } = start()
    rate.note(2 * megabyte, megabyte)
    // On its way before there was a bound.
    rate.note(0, megabyte)
    expect(changes).toEqual([2 * megabyte])
    await clock.advance(1_000)
    rate.note(1.5 * megabyte, 0)
    rate.note(0, 0.5 * megabyte)
    expect(rate.limit).toBe(2.1 * megabyte)
    await clock.advance(1_000)
    await rate.take(0, new AbortController().signal)
    expect(rate.limit).toBe(2.1 * megabyte * 0.75)
    expect(changes).toEqual([2 * megabyte, 2.1 * megabyte * 0.75])
  })

  it('rises faster the longer nothing is refused', async () => {
    const { rate, clock } = start()
    rate.note(megabyte, 1)
    const limits: (number | undefined)[] = []
    for (let second = 0; second < 4; second += 1) {
      await clock.advance(1_000)
      rate.note(megabyte, 0)
      limits.push(rate.limit)
    }
    expect(limits).toEqual([1_050_000, 1_155_000, 1_328_250, 1_593_900])
  })

  it('never falls below what probes take', async () => {
    const { rate, clock } = start()
    rate.note(megabyte, 1)
    for (let second = 0; second < 60; second += 1) {
      await clock.advance(1_000)
      rate.note(1, megabyte)
    }
    expect(rate.limit).toBe(65_536)
  })

  it('lets requests wait for their bytes, in order', async () => {
    const { rate, clock } = start()
    rate.note(megabyte, 1)
    const order: string[] = []
    for (const name of ['first', 'second']) {
      void rate.take(megabyte / 4, new AbortController().signal).then(() => order.push(name))
    }
    await clock.advance(249)
    expect(order).toEqual([])
    await clock.advance(1)
    expect(order).toEqual(['first'])
    await clock.advance(249)
    expect(order).toEqual(['first'])
    await clock.advance(1)
    expect(order).toEqual(['first', 'second'])
    expect(rate.mostRequestBytes).toBe(megabyte / 4)
  })

  it('counts a small request as what the quotas make of it', async () => {
    const { rate, clock } = start()
    rate.note(65_536, 1)
    let taken = 0
    for (let request = 0; request < 50; request += 1)
      void rate.take(10, new AbortController().signal).then(() => {
        taken += 1
      })
    await clock.advance(999)
    expect(taken).toBe(Math.floor((65_536 * 0.999) / 2_622))
    await clock.advance(5_000)
    expect(taken).toBe(50)
  })

  it('stops waiting at the signal', async () => {
    const { rate } = start()
    rate.note(megabyte, 1)
    const reason = new Error('gone')
    const ended = new AbortController()
    const waiting = expect(rate.take(megabyte, ended.signal)).rejects.toBe(reason)
    ended.abort(reason)
    await waiting
  })

  it('is gone when four times as much is allowed as is sent', async () => {
    const { rate, clock, changes } = start()
    rate.note(megabyte, 1)
    for (let second = 0; second < 20 && rate.limit !== undefined; second += 1) {
      rate.note(megabyte / 2, 0)
      await clock.advance(1_000)
      await rate.take(0, new AbortController().signal)
    }
    expect(changes).toEqual([megabyte, undefined])
  })
})

/** Takes so many bytes a second, a second's worth at once; refuses the entries beyond. */
class QuotaFirehose extends FakeFirehose {
  offeredBytes = 0
  refusedBytes = 0

  constructor(clock: FakeClock, bytesPerSecond: number) {
    super()
    let tokens = bytesPerSecond
    let refilledMs = clock.now()
    this.script = texts => {
      tokens = Math.min(bytesPerSecond, tokens + ((clock.now() - refilledMs) / 1_000) * bytesPerSecond)
      refilledMs = clock.now()
      return failing(texts, ({ length }) => {
        this.offeredBytes += length
        if (tokens >= length) {
          tokens -= length
          return false
        }
        this.refusedBytes += length
        return true
      })
    }
  }
}

describe('a stream at its quota', () => {
  it('is filled, and few entries are refused', async () => {
    const clock = new FakeClock()
    const firehose = new QuotaFirehose(clock, megabyte)
    const { sink } = startSink({ clock, firehose, random: new Seeded(1).next })
    const record = Buffer.alloc(10_000, 'x')
    const total = 60 * megabyte
    const beganMs = clock.now()
    // What comes first comes without a bound.
    void clock.sleep(5_000).then(() => {
      firehose.refusedBytes = 0
      firehose.offeredBytes = 0
    })
    const running = sink.putAll(Array.from({ length: total / record.length }, () => record))
    await finish(clock, running, 50)
    const tookMs = clock.now() - beganMs
    expect(sink.stats.bytesDelivered).toBe(total)
    expect(tookMs).toBeLessThan((total / megabyte) * 1_000 * 1.25)
    expect(firehose.refusedBytes / firehose.offeredBytes).toBeLessThan(0.15)
  })
})
