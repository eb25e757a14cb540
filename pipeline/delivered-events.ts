import type { DeliveredPiece, DestinationReader } from './destination-reader.ts'
import type { RecordIdentity } from './record-identity.ts'

/** An event as a collector keeps it: what it says of itself, and how it came. */
export interface DeliveredEvent {
  readonly event: unknown
  readonly endpoint: unknown
  readonly channel: unknown
  readonly ackId: unknown
}

/** Reads the events of a collector in this process. */
export class EventReader implements DestinationReader {
  readonly identity: RecordIdentity
  readonly #take: () => readonly DeliveredEvent[]

  constructor(take: () => readonly DeliveredEvent[], endpointType: 'Raw' | 'Event') {
    this.#take = take
    // A raw event is the line itself, the others were parsed.
    this.identity = endpointType === 'Raw' ? 'bytes' : 'json'
  }

  async skipExisting(): Promise<void> {
    this.#take()
  }

  async *readNew(): AsyncGenerator<DeliveredPiece> {
    const events = this.#take()
    if (events.length === 0) return
    const { identity } = this
    yield {
      place: 'events',
      records: events.map(({ endpoint: _, channel: __, ackId: ___, ...said }) =>
        identity === 'bytes' ? Buffer.from(String(said.event)) : said
      )
    }
  }
}
