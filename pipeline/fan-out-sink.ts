import type { DeliverOptions, RecordSink, UndeliverableRecord } from '../core/record-sink.ts'
import type { ConsumedRecord } from '../core/user-record.ts'

/**
 * Hands every record to all of several destinations. A batch is acknowledged when each of them took all of its records
 * or returned them as undeliverable: a checkpoint passes a record only when it is nowhere missing. So the slowest
 * destination sets the pace, and one that fails holds the batch. When the same records are offered again, they go only
 * where they were not taken before.
 */
export class FanOutSink implements RecordSink {
  readonly takes: RecordSink['takes']
  readonly #destinations: readonly Destination[]

  /** `sinks` all take the same kind of records. */
  constructor(sinks: readonly RecordSink[]) {
    this.takes = sinks[0]?.takes
    this.#destinations = sinks.map(sink => new Destination(sink))
  }

  /** Resolves with each record that some destination can never take, once. Waits for all of them before it rejects. */
  async deliver(
    records: readonly ConsumedRecord[],
    { signal, onAcknowledged }: DeliverOptions = {}
  ): Promise<readonly UndeliverableRecord[]> {
    /** Destinations that have not acknowledged the record of an index. */
    const missing = new Uint8Array(records.length).fill(this.#destinations.length)
    const acknowledged = (index: number): void => {
      missing[index]! -= 1
      if (missing[index] === 0) onAcknowledged?.(index)
    }
    const outcomes = await Promise.allSettled(
      this.#destinations.map(destination => destination.deliver(records, signal, acknowledged))
    )
    const failed = outcomes.find(({ status }) => status === 'rejected')
    if (failed === undefined) {
      return eachOnce(outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? outcome.value : [])))
    }
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') this.#destinations[index]!.settle(records, outcome.value)
    }
    signal?.throwIfAborted()
    throw (failed as PromiseRejectedResult).reason
  }

  async flush(): Promise<void> {
    await Promise.all(this.#destinations.map(destination => destination.flush()))
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
    signal: AbortSignal | undefined,
    onAcknowledged: (index: number) => void
  ): Promise<readonly UndeliverableRecord[]> {
    const open: number[] = []
    const before: UndeliverableRecord[] = []
    for (const [index, record] of records.entries()) {
      if (!this.#settled.has(record)) {
        open.push(index)
        continue
      }
      const refusal = this.#settled.get(record)
      if (refusal === undefined) onAcknowledged(index)
      else before.push(refusal)
    }
    if (open.length === 0) return before
    const offered = open.length === records.length ? records : open.map(index => records[index]!)
    /** Places in what was offered. */
    const taken: number[] = []
    try {
      const refused = await this.#sink.deliver(offered, {
        ...(signal === undefined ? {} : { signal }),
        onAcknowledged: position => {
          taken.push(position)
          onAcknowledged(open[position]!)
        }
      })
      return [...before, ...refused]
    } catch (error) {
      for (const position of taken) this.#settled.set(offered[position]!, undefined)
      throw error
    }
  }

  flush(): Promise<void> {
    return this.#sink.flush?.() ?? Promise.resolve()
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
