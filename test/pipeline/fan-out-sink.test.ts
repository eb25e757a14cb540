import { expect, it } from 'vitest'
import { deferred } from '../../core/concurrency.ts'
import { ErrorCode, SealstreamError } from '../../core/errors.ts'
import type { RecordSink, UndeliverableRecord } from '../../core/record-sink.ts'
import type { ConsumedRecord } from '../../core/user-record.ts'
import { FanOutSink } from '../../pipeline/fan-out-sink.ts'
import { aConsumedRecord } from '../helpers/consumed-records.ts'

const record = (id: number): ConsumedRecord => aConsumedRecord(Buffer.from(String(id)), id)

const refused = (each: ConsumedRecord): UndeliverableRecord => ({
  record: each,
  error: new SealstreamError(ErrorCode.undeliverable, 'refused')
})

const ids = (records: readonly ConsumedRecord[]): string => records.map(each => each.sequenceNumber).join()

/** A destination that answers each offer with the next of `answers`, and takes everything afterwards. */
function aSink(...answers: (() => Promise<readonly UndeliverableRecord[]>)[]) {
  const offers: string[] = []
  const state = { isClosed: false }
  const sink: RecordSink = {
    deliver(records) {
      offers.push(ids(records))
      return answers.shift()?.() ?? Promise.resolve([])
    },
    async close() {
      state.isClosed = true
    }
  }
  return { sink, offers, state }
}

const fails = (message: string) => () => Promise.reject(new Error(message))

it('acknowledges a batch when every destination took it, and not before', async () => {
  const slow = deferred<readonly UndeliverableRecord[]>()
  const [a, b] = [aSink(), aSink(() => slow.promise)]
  const sink = new FanOutSink([a.sink, b.sink])
  let isDone = false
  const delivering = sink.deliver([record(1), record(2)]).then(undeliverable => {
    isDone = true
    return undeliverable
  })
  await new Promise(resolve => setImmediate(resolve))
  expect({ isDone, a: a.offers, b: b.offers }).toEqual({ isDone: false, a: ['1,2'], b: ['1,2'] })
  slow.resolve([])
  expect(await delivering).toEqual([])
})

it('offers what failed again, and only where it was not taken', async () => {
  const [a, b, c] = [aSink(), aSink(fails('b is down'), fails('b is still down')), aSink()]
  const sink = new FanOutSink([a.sink, b.sink, c.sink])
  const batch = [record(1), record(2)]
  await expect(sink.deliver(batch)).rejects.toThrow('b is down')
  await expect(sink.deliver(batch)).rejects.toThrow('b is still down')
  expect(await sink.deliver(batch)).toEqual([])
  expect([a.offers, b.offers, c.offers]).toEqual([['1,2'], ['1,2', '1,2', '1,2'], ['1,2']])
})

it('offers a batch that is cut otherwise only as far as it was not taken', async () => {
  const [a, b] = [aSink(), aSink(fails('b is down'))]
  const sink = new FanOutSink([a.sink, b.sink])
  const [one, two, three] = [record(1), record(2), record(3)]
  await expect(sink.deliver([one, two])).rejects.toThrow()
  await sink.deliver([two, three])
  expect([a.offers, b.offers]).toEqual([
    ['1,2', '3'],
    ['1,2', '2,3']
  ])
})

it('returns a record that some destination cannot take once, also when the batch was offered before', async () => {
  const [one, two, three] = [record(1), record(2), record(3)]
  const a = aSink(() => Promise.resolve([refused(one), refused(two)]))
  const b = aSink(fails('b is down'), () => Promise.resolve([refused(two), refused(three)]))
  const sink = new FanOutSink([a.sink, b.sink])
  await expect(sink.deliver([one, two, three])).rejects.toThrow()
  const undeliverable = await sink.deliver([one, two, three])
  expect(ids(undeliverable.map(each => each.record))).toBe('1,2,3')
  expect(a.offers).toEqual(['1,2,3'])
})

it('waits for the others before it rejects', async () => {
  const slow = deferred<readonly UndeliverableRecord[]>()
  const [a, b] = [aSink(fails('a is down')), aSink(() => slow.promise)]
  const batch = [record(1)]
  const sink = new FanOutSink([a.sink, b.sink])
  const delivering = sink.deliver(batch)
  slow.resolve([])
  await expect(delivering).rejects.toThrow('a is down')
  await sink.deliver(batch)
  expect(b.offers).toEqual(['1'])
})

it('rejects with the reason of the signal', async () => {
  const stop = new AbortController()
  const a = aSink(async () => {
    stop.abort(new Error('the lease is over'))
    throw new Error('cut off')
  })
  const sink = new FanOutSink([a.sink, aSink().sink])
  await expect(sink.deliver([record(1)], { signal: stop.signal })).rejects.toThrow('the lease is over')
})

it('closes all of them', async () => {
  const [a, b] = [aSink(), aSink()]
  await new FanOutSink([a.sink, b.sink]).close()
  expect([a.state.isClosed, b.state.isClosed]).toEqual([true, true])
})

it('tells of a record when the last destination has acknowledged it, by its place in the batch', async () => {
  const acknowledge: ((index: number) => void)[] = []
  const ends = [deferred<readonly UndeliverableRecord[]>(), deferred<readonly UndeliverableRecord[]>()]
  const telling = ends.map(
    ({ promise }): RecordSink => ({
      deliver(_, options) {
        acknowledge.push(index => options?.onAcknowledged?.(index))
        return promise
      },
      close: () => Promise.resolve()
    })
  )
  const told: number[] = []
  const sink = new FanOutSink(telling)
  const delivering = sink.deliver([record(1), record(2)], { onAcknowledged: index => told.push(index) })
  acknowledge[0]!(1)
  acknowledge[0]!(0)
  expect(told).toEqual([])
  acknowledge[1]!(1)
  expect(told).toEqual([1])
  acknowledge[1]!(0)
  for (const end of ends) end.resolve([])
  await delivering
  expect(told).toEqual([1, 0])
})

it('offers what a destination had not acknowledged when it failed, and tells of the rest at once', async () => {
  const offers: string[] = []
  const half: RecordSink = {
    deliver(records, options) {
      offers.push(ids(records))
      if (offers.length > 1) {
        records.forEach((_, index) => {
          options?.onAcknowledged?.(index)
        })
        return Promise.resolve([])
      }
      options?.onAcknowledged?.(1)
      return Promise.reject(new Error('half-way'))
    },
    close: () => Promise.resolve()
  }
  const sink = new FanOutSink([half])
  const batch = [record(1), record(2), record(3)]
  await expect(sink.deliver(batch)).rejects.toThrow('half-way')
  const told: number[] = []
  expect(await sink.deliver(batch, { onAcknowledged: index => told.push(index) })).toEqual([])
  expect(offers).toEqual(['1,2,3', '1,3'])
  expect(told.toSorted()).toEqual([0, 1, 2])
})

it('flushes every destination', async () => {
  const flushed: string[] = []
  const flushing = (name: string): RecordSink => ({
    ...aSink().sink,
    flush: async () => void flushed.push(name)
  })
  await new FanOutSink([flushing('a'), aSink().sink, flushing('b')]).flush()
  expect(flushed).toEqual(['a', 'b'])
})
