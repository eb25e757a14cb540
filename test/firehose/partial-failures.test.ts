import { expect, it } from 'vitest'
import { DeliveryStreamSink, type DeliveryStreamSinkOptions } from '../../firehose/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { FakeFirehose, failing } from '../helpers/fake-firehose.ts'
import { serviceError } from '../helpers/fake-kinesis.ts'
import { Seeded } from '../helpers/seeded.ts'
import { seeds } from '../helpers/seeds.ts'
import { finish, recordsOf } from '../helpers/sink.ts'

type Outcome = 'failed' | 'stored' | 'unknown'

/** Fails entries by chance, in every way in which Firehose can, and watches that nothing else is sent again. */
class ChancyFirehose extends FakeFirehose {
  /** Of each entry, when it was last sent. */
  readonly last = new Map<string, Outcome>()
  readonly sentTwice: string[] = []

  constructor(chances: Seeded) {
    super()
    this.script = texts => {
      for (const text of texts) if (this.last.get(text) === 'stored') this.sentTwice.push(text)
      const record = (outcome: (index: number) => Outcome): void => {
        for (const [index, text] of texts.entries()) this.last.set(text, outcome(index))
      }
      if (chances.chance(0.1)) {
        record(() => 'unknown')
        return serviceError('ServiceUnavailableException', 503)
      }
      if (chances.chance(0.1)) {
        // Stored, and the answer does not say so.
        this.stored.push(...texts)
        record(() => 'unknown')
        return { RequestResponses: chances.chance(0.5) ? [] : texts.slice(1).map(() => ({})) }
      }
      const share = chances.pick([0, 0.1, 0.5, 1])
      const failed = new Set(texts.filter(() => chances.chance(share)))
      record(index => (failed.has(texts[index]!) ? 'failed' : 'stored'))
      const errorCode = chances.pick(['ServiceUnavailableException', 'InternalFailure'])
      return failing(texts, text => failed.has(text), errorCode)
    }
  }
}

async function run(seed: number): Promise<void> {
  const chances = new Seeded(seed)
  const clock = new FakeClock(2)
  const firehose = new ChancyFirehose(chances)
  const packing = chances.chance(0.5) && {
    maxPackBytes: chances.integer(1, 60),
    maxPackRecords: chances.integer(1, 5)
  }
  const options: DeliveryStreamSinkOptions = {
    deliveryStreamName: 'd',
    framing: 'lines',
    destination: 's3',
    packing,
    maxBatchRecords: chances.integer(1, 8),
    maxConcurrentRequests: chances.integer(1, 3),
    maxBufferedMs: chances.pick([0, 50, 1_000]),
    firehose,
    clock,
    random: chances.next
  }
  const sink = new DeliveryStreamSink(options)
  const lines = Array.from({ length: chances.integer(0, 40) }, (_, index) => `record ${index}`)
  const acknowledged: number[] = []
  const middle = chances.integer(0, lines.length)
  const deliveries = [lines.slice(0, middle), lines.slice(middle)].map(part =>
    sink.deliver(recordsOf(...part), { onAcknowledged: index => acknowledged.push(index) })
  )
  await finish(clock, Promise.all(deliveries), 500)

  const stored = firehose.stored.join('').split('\n').slice(0, -1)
  expect(stored).toEqual(expect.arrayContaining(lines))
  expect(new Set(stored)).toEqual(new Set(lines))
  expect(firehose.sentTwice).toEqual([])
  expect([...firehose.last.values()].every(outcome => outcome === 'stored')).toBe(true)
  const indices = (length: number): number[] => Array.from({ length }, (_, index) => index)
  expect(acknowledged.toSorted((a, b) => a - b)).toEqual(
    [...indices(middle), ...indices(lines.length - middle)].toSorted((a, b) => a - b)
  )
  expect(sink.stats).toMatchObject({ delivered: lines.length, inFlight: 0, bufferedBytes: 0 })
  await sink.close()
}

it('stores every record whatever fails, and sends exactly what failed again', {
  timeout: 600_000
}, async () => {
  const first = Math.floor(Math.random() * 1e9)
  const runs = seeds(5_000)
  for (let seed = first; seed < first + runs; seed += 1) {
    try {
      await run(seed)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
  console.log(`firehose sink: ${runs} of ${runs} seeds`)
})
