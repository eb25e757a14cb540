import { expect, onTestFinished } from 'vitest'
import type { ConsumedRecord } from '../../core/user-record.ts'
import { DeliveryStreamSink, type DeliveryStreamSinkOptions, type SinkEvent } from '../../firehose/index.ts'
import { aConsumedRecord } from './consumed-records.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeFirehose } from './fake-firehose.ts'

export function recordsOf(...texts: readonly (string | Buffer)[]): ConsumedRecord[] {
  return texts.map((text, index) =>
    aConsumedRecord(Buffer.from(text as string), 1, { streamName: 's', subSequenceNumber: index })
  )
}

/** A sink over a fake Firehose, under a fake clock. Its ledger must balance at the end, with nothing held. */
export function startSink(options: Partial<DeliveryStreamSinkOptions> = {}) {
  const clock = new FakeClock()
  const firehose = new FakeFirehose()
  const events: SinkEvent[] = []
  const sink = new DeliveryStreamSink({
    deliveryStreamName: 'd',
    framing: 'none',
    firehose,
    clock,
    random: () => 0.5,
    onEvent: event => events.push(event),
    ...options
  })
  onTestFinished(() => {
    const { offered, delivered, undeliverable, failed, inFlight, bufferedBytes } = sink.stats
    expect(offered).toBe(delivered + undeliverable + failed + inFlight)
    expect({ inFlight, bufferedBytes }).toEqual({ inFlight: 0, bufferedBytes: 0 })
  })
  return { clock, firehose, events, sink }
}

/** Lets what runs come to its end under the fake clock. */
export async function finish<T>(clock: FakeClock, running: Promise<T>, stepMs = 100): Promise<T> {
  let isDone = false
  running.then(
    () => (isDone = true),
    () => (isDone = true)
  )
  for (let step = 0; !isDone; step += 1) {
    if (step > 5_000) throw new Error('it never ends')
    await clock.advance(stepMs)
  }
  return running
}
