import { describe, expect, it } from 'vitest'
import { RoutingSink, UndeliverableError } from '../../firehose/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { failing } from '../helpers/fake-firehose.ts'
import { serviceError } from '../helpers/fake-kinesis.ts'
import { finish, recordsOf, startSink } from '../helpers/sink.ts'

function start() {
  const clock = new FakeClock()
  const a = startSink({ clock })
  const b = startSink({ clock })
  const routing = new RoutingSink({
    routes: { a: a.sink, b: b.sink },
    route: ({ data }) => {
      const name = Buffer.from(data).toString().slice(0, 1)
      if (name === '!') throw new Error('cannot route secret')
      return name as 'a' | 'b'
    }
  })
  return { clock, a: a.firehose, b: b.firehose, routing }
}

describe('routing', () => {
  it('delivers each record to its route, and keeps a ledger for each', async () => {
    const { a, b, routing } = start()
    const acknowledged: number[] = []
    const records = recordsOf('a1', 'b1', 'a2', 'a3', 'b2')
    expect(await routing.deliver(records, { onAcknowledged: index => acknowledged.push(index) })).toEqual([])
    expect(a.stored).toEqual(['a1', 'a2', 'a3'])
    expect(b.stored).toEqual(['b1', 'b2'])
    expect(acknowledged.toSorted()).toEqual([0, 1, 2, 3, 4])
    expect(routing.stats).toMatchObject({
      a: { offered: 3, delivered: 3 },
      b: { offered: 2, delivered: 2 }
    })
  })

  it('returns what has no route, and what its route cannot deliver', async () => {
    const { a, routing } = start()
    a.script = texts => (texts.includes('a2') ? serviceError('InvalidArgumentException', 400) : undefined)
    const records = recordsOf('a1', '!', 'x', 'a2', 'b1')
    const undeliverable = await routing.deliver(records)
    expect(undeliverable.map(({ record }) => record)).toEqual([records[1], records[2], records[3]])
    for (const { error } of undeliverable) {
      expect(error).toBeInstanceOf(UndeliverableError)
      expect(error.message).not.toContain('secret')
    }
  })

  it('goes on with one route while another one is throttled', async () => {
    const { clock, a, b, routing } = start()
    let isThrottled = true
    a.script = texts => failing(texts, () => isThrottled)
    const acknowledged: number[] = []
    const first = routing.deliver(recordsOf('a1', 'b1'), { onAcknowledged: at => acknowledged.push(at) })
    await routing.deliver(recordsOf('b2'))
    await clock.advance(1_000)
    expect(b.stored).toEqual(['b1', 'b2'])
    expect(acknowledged).toEqual([1])
    expect(routing.stats.a).toMatchObject({ inFlight: 1 })
    isThrottled = false
    await finish(clock, first)
    expect(acknowledged).toEqual([1, 0])
  })

  it('rejects with the error of one route, when the others are settled', async () => {
    const { clock, a, b, routing } = start()
    a.script = () => serviceError('ResourceNotFoundException', 400)
    b.script = (texts, request) => (request === 1 ? failing(texts, () => true) : undefined)
    const delivery = expect(routing.deliver(recordsOf('a1', 'b1'))).rejects.toMatchObject({
      serviceCode: 'ResourceNotFoundException'
    })
    await clock.advance(10_000)
    await delivery
    expect(b.stored).toEqual(['b1'])
  })

  it('flushes and closes all routes', async () => {
    const clock = new FakeClock()
    const { sink, firehose } = startSink({ clock, maxBufferedMs: 60_000 })
    const routing = new RoutingSink({ routes: { only: sink }, route: () => 'only' })
    const delivery = routing.deliver(recordsOf('a'))
    await routing.flush()
    await delivery
    expect(firehose.stored).toEqual(['a'])
    await routing[Symbol.asyncDispose]()
    await expect(sink.put(Buffer.from('b'))).rejects.toMatchObject({ code: 'SEALSTREAM_CLOSED' })
  })

  it('refuses what it cannot work with', () => {
    const plain = startSink().sink
    const cipher = startSink({ framing: undefined, deliver: 'ciphertext' } as never).sink
    const make = (options: object): unknown => new RoutingSink(options as never)
    const refused = (option: string) => expect.objectContaining({ code: 'SEALSTREAM_INVALID_OPTION', option })
    expect(() => make({ routes: {}, route: () => 'a' })).toThrow(refused('routes'))
    expect(() => make({ routes: { plain, cipher }, route: () => 'plain' })).toThrow(refused('routes'))
    expect(() => make({ routes: { plain } })).toThrow(refused('route'))
    expect(() => make({ routes: { plain }, route: () => 'plain', other: 1 })).toThrow(refused('other'))
    expect(new RoutingSink({ routes: { cipher }, route: () => 'cipher' }).takes).toBe('kinesisRecords')
  })
})
