import { expect, onTestFinished } from 'vitest'
import { Producer, type ProducerEvent, type ProducerOptions, type PutResult } from '../../producer/index.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeKinesis } from './fake-kinesis.ts'

/** A producer on a fake clock over a stream in memory, closed after the test. */
export function startProducer(options: Partial<ProducerOptions> = {}, kinesis = new FakeKinesis()) {
  const clock = options.clock instanceof FakeClock ? options.clock : new FakeClock()
  const events: ProducerEvent[] = []
  const producer = new Producer({
    streamName: 's',
    kinesis,
    clock,
    random: () => 0.5,
    onEvent: event => events.push(event),
    ...options
  })
  onTestFinished(async () => {
    const closed = producer.close({ drainMs: 0 })
    await clock.advance(0)
    await closed
  })
  const outcomes = new Map<string, PutResult | Error>()
  const put = (text: string, partitionKey = text, explicitHashKey?: string): void => {
    const record = {
      partitionKey,
      data: Buffer.from(text),
      ...(explicitHashKey === undefined ? {} : { explicitHashKey })
    }
    producer.put(record).then(
      result => outcomes.set(text, result),
      (error: Error) => outcomes.set(text, error)
    )
  }
  const balance = (): void => {
    const { accepted, acknowledged, handedBack, inFlight } = producer.stats
    expect(accepted).toBe(acknowledged + handedBack + inFlight)
  }
  return { clock, events, producer, kinesis, outcomes, put, balance }
}

export const names = (count: number, prefix = 'record'): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`)

export function errorOf(outcome: PutResult | Error | undefined): Error & Record<string, unknown> {
  expect(outcome).toBeInstanceOf(Error)
  return outcome as Error & Record<string, unknown>
}
