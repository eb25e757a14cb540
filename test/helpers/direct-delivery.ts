import type { Clock } from '../../core/clock.ts'
import { Delivery } from '../../local/firehose/delivery.ts'
import type { Destination } from '../../local/firehose/destinations/destination.ts'
import { newRecord } from '../../local/firehose/record.ts'

/** A delivery whose records go through nothing before they are buffered. */
export class DirectDelivery extends Delivery {
  readonly #wallTime: () => number

  constructor(destination: Destination, clock: Clock) {
    super(destination, clock)
    this.#wallTime = () => clock.wallTime()
  }

  /** A record that arrives now. */
  add(data: Buffer): void {
    const record = newRecord(data, this.#wallTime())
    this.keepCopy(record)
    this.buffer(record)
  }
}
