import type { StateFolder, StateLog } from '../state/index.ts'
import type { ParsedEvent } from './events.ts'
import { HecError, replies } from './replies.ts'

export interface HecEvent extends ParsedEvent {
  readonly endpoint: 'event' | 'raw'
  /** undefined when the token needs none and none was given. */
  readonly channel: string | undefined
  /** undefined when the token has no acknowledgements. */
  readonly ackId: number | undefined
}

export interface AcknowledgementQuestion {
  readonly channel: string
  readonly ackId: number
  /** How often it was asked for, this time included. */
  readonly polls: number
}

interface Channel {
  nextAckId: number
  /** How often each was asked for. */
  readonly pending: Map<number, number>
}

/** A request that was taken, or an acknowledgement that was given. */
type Entry =
  | {
      readonly events: readonly ParsedEvent[]
      readonly sizeBytes: number
      readonly endpoint: HecEvent['endpoint']
      readonly channel?: string | undefined
      readonly ackId?: number | undefined
    }
  | { readonly acknowledged: readonly [channel: string, ackId: number] }

/** Bodies that are held together, in bytes; beyond it requests are answered that the server is busy. */
const maxBytes = 512 * 1024 * 1024
/** Channels, and acknowledgements of one of them, that wait. */
const maxPending = 1_000_000

/**
 * Events in the order in which they came, and what is not acknowledged yet, by channel. In memory, and in the state
 * folder if there is one.
 */
export class HecStore {
  readonly #acknowledge: (question: AcknowledgementQuestion) => boolean
  #events: HecEvent[] = []
  readonly #channels = new Map<string, Channel>()
  readonly #log: StateLog | undefined
  #bytes = 0

  /** @throws {StateError} when the state folder cannot be used */
  constructor(acknowledge: (question: AcknowledgementQuestion) => boolean, state?: StateFolder) {
    this.#acknowledge = acknowledge
    this.#log = state?.log('hec', {
      name: 'events',
      read: entry => {
        this.#read(entry as Entry)
        return undefined
      },
      // Events never go.
      live: { count: () => Number.POSITIVE_INFINITY, entries: () => [] }
    })
  }

  /** Writes what has changed to the state folder, if there is one. */
  save(): void {
    this.#log?.flush()
  }

  get events(): readonly HecEvent[] {
    return this.#events
  }

  /** The events so far, which are kept no longer. Acknowledgements are as before. */
  take(): readonly HecEvent[] {
    const taken = this.#events
    this.#events = []
    this.#bytes = 0
    return taken
  }

  /** Bodies that are held, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** Channels that were named, and requests of theirs that are not acknowledged yet. */
  get pending(): { readonly channels: number; readonly acknowledgements: number } {
    const acknowledgements = [...this.#channels.values()].reduce((sum, { pending }) => sum + pending.size, 0)
    return { channels: this.#channels.size, acknowledgements }
  }

  clear(): void {
    this.#events = []
    this.#channels.clear()
    this.#bytes = 0
    this.#log?.clear()
  }

  /** The id under which the request can be asked for; undefined without acknowledgements. */
  add(
    events: readonly ParsedEvent[],
    sizeBytes: number,
    given: {
      readonly endpoint: HecEvent['endpoint']
      readonly channel: string | undefined
      readonly useAck: boolean
    }
  ): number | undefined {
    const { endpoint, channel, useAck } = given
    if (this.#bytes + sizeBytes > maxBytes) throw new HecError(replies.busy)
    const ackId = useAck && channel !== undefined ? this.#nextAckId(channel) : undefined
    this.#keep({ events, sizeBytes, endpoint, channel, ackId })
    this.#log?.append({ events, sizeBytes, endpoint, channel, ackId } satisfies Entry)
    return ackId
  }

  /** Whether each is indexed. Yes is said once, to the channel that it belongs to; after that, and to others, no. */
  poll(channel: string, ackIds: readonly number[]): Readonly<Record<string, boolean>> {
    const pending = this.#channels.get(channel)?.pending
    return Object.fromEntries(
      ackIds.map(ackId => {
        const before = pending?.get(ackId)
        if (before === undefined) return [ackId, false]
        const isIndexed = this.#acknowledge({ channel, ackId, polls: before + 1 })
        if (isIndexed) {
          pending!.delete(ackId)
          this.#log?.append({ acknowledged: [channel, ackId] } satisfies Entry)
        } else pending!.set(ackId, before + 1)
        return [ackId, isIndexed]
      })
    )
  }

  #keep({ events, sizeBytes, endpoint, channel, ackId }: Extract<Entry, { sizeBytes: number }>): void {
    this.#bytes += sizeBytes
    for (const event of events) this.#events.push({ ...event, endpoint, channel, ackId })
  }

  #read(entry: Entry): void {
    if ('acknowledged' in entry) {
      const [channel, ackId] = entry.acknowledged
      this.#channels.get(channel)?.pending.delete(ackId)
      return
    }
    this.#keep(entry)
    // Given out in order, they come out the same.
    if (entry.ackId !== undefined && entry.channel !== undefined) this.#nextAckId(entry.channel)
  }

  #nextAckId(name: string): number {
    const channel = this.#channels.get(name) ?? { nextAckId: 0, pending: new Map() }
    if (channel.pending.size >= maxPending || this.#channels.size >= maxPending)
      throw new HecError(replies.busy)
    this.#channels.set(name, channel)
    const ackId = channel.nextAckId++
    channel.pending.set(ackId, 0)
    return ackId
  }
}
