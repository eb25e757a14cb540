import { setMaxListeners } from 'node:events'
import type { CallOptions } from '../core/aws-ports.ts'
import type { RecordSink, UndeliverableRecord } from '../core/record-sink.ts'
import type { ConsumedRecord } from '../core/user-record.ts'

/**
 * Hands every record to all of several destinations. A batch is acknowledged when each of them took all of its records
 * or returned them as undeliverable: a checkpoint passes a record only when it is nowhere missing. So the slowest
 * destination sets the pace, and one that fails holds the batch. When the same records are offered again, they go only
 * where they were not taken before.
 */
export class FanOutSink implements RecordSink {
  readonly #destinations: readonly Destination[]

  constructor(sinks: readonly RecordSink[]) {
    this.#destinations = sinks.map(sink => new Destination(sink))
  }

  /** Resolves with each record that some destination can never take, once. Waits for all of them before it rejects. */
  async deliver(
    records: readonly ConsumedRecord[],
    options: CallOptions = {}
  ): Promise<readonly UndeliverableRecord[]> {
    // Each destination listens on its own account, and to each of its requests.
    if (options.signal !== undefined) setMaxListeners(0, options.signal)
    const outcomes = await Promise.allSettled(
      this.#destinations.map(destination => destination.deliver(records, options))
    )
    const failed = outcomes.find(({ status }) => status === 'rejected')
    if (failed === undefined) {
      return eachOnce(outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? outcome.value : [])))
    }
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') this.#destinations[index]!.settle(records, outcome.value)
    }
    options.signal?.throwIfAborted()
    throw (failed as PromiseRejectedResult).reason
  }

  async close(): Promise<void> {
    await Promise.all(this.#destinations.map(destination => destination.close()))
  }
}

/** One destination, and what it took of batches that failed elsewhere. */
class Destination {
  readonly #sink: RecordSink
  /** What was said about a record: undefined when it was taken. Goes with the records. */
  readonly #settled = new WeakMap<ConsumedRecord, UndeliverableRecord | undefined>()

  constructor(sink: RecordSink) {
    this.#sink = sink
  }

  async deliver(
    records: readonly ConsumedRecord[],
    options: CallOptions
  ): Promise<readonly UndeliverableRecord[]> {
    const open = records.filter(record => !this.#settled.has(record))
    const before = records.flatMap(record => this.#settled.get(record) ?? [])
    return open.length === 0 ? before : [...before, ...(await this.#sink.deliver(open, options))]
  }

  settle(records: readonly ConsumedRecord[], undeliverable: readonly UndeliverableRecord[]): void {
    for (const record of records) this.#settled.set(record, undefined)
    for (const refusal of undeliverable) this.#settled.set(refusal.record, refusal)
  }

  close(): Promise<void> {
    return this.#sink.close()
  }
}

/** A record goes to the dead letters as a whole, however many destinations refuse it. */
function eachOnce(undeliverable: readonly UndeliverableRecord[]): readonly UndeliverableRecord[] {
  return [...new Map(undeliverable.map(refusal => [refusal.record, refusal])).values()]
}
