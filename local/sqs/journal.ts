import type { Clock } from '../../core/clock.ts'
import type { StateDocument, StateFolder, StateLog } from '../state/index.ts'
import type { MessageAttribute } from './message-attributes.ts'
import { Queue, type QueueWatcher, type StoredMessage } from './queue.ts'

/** Queues without their messages, as JSON. Times are wall time: a monotonic clock ends with its process. */
interface SavedQueues {
  readonly queues: readonly {
    readonly name: string
    readonly arn: string
    readonly attributes: readonly (readonly [string, string])[]
    readonly createdMs: number
    readonly modifiedMs: number
    readonly purgedAtMs?: number | undefined
  }[]
  readonly deleted: readonly (readonly [name: string, atMs: number])[]
}

type SavedAttributes = readonly (readonly [string, MessageAttribute])[]

type Receipt = Pick<StoredMessage, 'visibleAtMs' | 'receiveCount' | 'firstReceivedMs' | 'receipt'>

/** What happened to the messages of one queue. */
type Entry =
  | {
      readonly queue: string
      readonly put: Omit<StoredMessage, 'attributes' | 'systemAttributes'> & {
        readonly attributes: SavedAttributes
        readonly systemAttributes: SavedAttributes
      }
    }
  | { readonly queue: string; readonly changed: string; readonly to: Receipt }
  | { readonly queue: string; readonly gone: string }
  | { readonly queue: string; readonly cleared: true }

/** What the store holds. */
export interface QueuesState {
  readonly queues: Iterable<Queue>
  /** Name -> when its queue was deleted, on the monotonic clock. */
  readonly deleted: Iterable<readonly [string, number]>
}

/** Operations that change no queue but its messages, and those that change nothing. */
const onMessages = /^(SendMessage|ReceiveMessage|DeleteMessage|ChangeMessageVisibility)/
const reads = /^(Get|List)/

/** Queues in a document, and a log of what happens to their messages. */
export class SqsJournal {
  readonly loaded: QueuesState
  readonly #clock: Clock
  readonly #document: StateDocument
  readonly #log: StateLog
  readonly #state: () => QueuesState

  /** `state`: what the store holds, asked when the log is written anew. @throws {StateError} */
  constructor(folder: StateFolder, state: () => QueuesState, clock: Clock) {
    this.#state = state
    this.#clock = clock
    this.#document = folder.document('sqs', 'queues')
    const saved = (this.#document.read() ?? { queues: [], deleted: [] }) as SavedQueues
    const queues = new Map(saved.queues.map(queue => [queue.name, this.#decodeQueue(queue)]))
    const messages = new Map<string, Map<string, StoredMessage>>()
    this.#log = folder.log('sqs', {
      name: 'messages',
      read: entry => {
        this.#readEntry(messages, entry as Entry)
        return undefined
      },
      live: {
        count: () => Array.from(this.#state().queues).reduce((sum, { length }) => sum + length, 0),
        entries: () => this.#entries()
      }
    })
    for (const [name, queue] of queues) queue.refill([...(messages.get(name)?.values() ?? [])])
    this.loaded = {
      queues: queues.values(),
      deleted: saved.deleted.map(([name, atMs]) => [name, this.#toMonotonic(atMs)])
    }
  }

  /** Hears of what happens in a queue. */
  watcherOf(queue: string): QueueWatcher {
    return {
      put: message => this.#log.append(this.#putEntry(queue, message)),
      changed: ({ id, visibleAtMs, receiveCount, firstReceivedMs, receipt }) =>
        this.#log.append({
          queue,
          changed: id,
          to: { visibleAtMs: this.#toWall(visibleAtMs), receiveCount, firstReceivedMs, receipt }
        }),
      gone: gone => this.#log.append({ queue, gone }),
      cleared: () => this.#log.append({ queue, cleared: true })
    }
  }

  /** Writes what an operation has changed. */
  save(operation: string): void {
    this.#log.flush()
    if (onMessages.test(operation) || reads.test(operation)) return
    const { queues, deleted } = this.#state()
    const saved: SavedQueues = {
      queues: Array.from(queues, ({ name, arn, attributes, createdMs, modifiedMs, purgedAtMs }) => ({
        name,
        arn,
        attributes: [...attributes],
        createdMs,
        modifiedMs,
        ...(purgedAtMs === undefined ? {} : { purgedAtMs: this.#toWall(purgedAtMs) })
      })),
      deleted: Array.from(deleted, ([name, atMs]) => [name, this.#toWall(atMs)])
    }
    this.#document.write(saved)
  }

  #decodeQueue({ attributes, purgedAtMs, ...rest }: SavedQueues['queues'][number]): Queue {
    const queue = new Queue({
      ...rest,
      attributes: new Map(attributes),
      clock: this.#clock,
      watcher: this.watcherOf(rest.name)
    })
    if (purgedAtMs !== undefined) queue.purgedAtMs = this.#toMonotonic(purgedAtMs)
    return queue
  }

  #readEntry(queues: Map<string, Map<string, StoredMessage>>, entry: Entry): void {
    const messages = queues.get(entry.queue) ?? new Map<string, StoredMessage>()
    queues.set(entry.queue, messages)
    if ('put' in entry) {
      const { attributes, systemAttributes, ...rest } = entry.put
      messages.set(rest.id, {
        ...this.#withMonotonic(rest),
        sourceArn: rest.sourceArn,
        bornMs: this.#toMonotonic(rest.bornMs),
        attributes: new Map(attributes),
        systemAttributes: new Map(systemAttributes)
      })
    } else if ('changed' in entry) {
      const message = messages.get(entry.changed)
      if (message !== undefined) Object.assign(message, this.#withMonotonic(entry.to))
    } else if ('gone' in entry) {
      messages.delete(entry.gone)
    } else {
      messages.clear()
    }
  }

  *#entries(): Generator<Entry> {
    for (const queue of this.#state().queues) {
      for (const message of queue.messages()) yield this.#putEntry(queue.name, message)
    }
  }

  #putEntry(queue: string, message: StoredMessage): Entry {
    return {
      queue,
      put: {
        ...message,
        bornMs: this.#toWall(message.bornMs),
        visibleAtMs: this.#toWall(message.visibleAtMs),
        attributes: [...message.attributes],
        systemAttributes: [...message.systemAttributes]
      }
    }
  }

  /** JSON leaves out what is undefined; the members are there all the same. */
  #withMonotonic<T extends Receipt>(saved: T): T {
    const { visibleAtMs, firstReceivedMs, receipt } = saved
    return { ...saved, firstReceivedMs, receipt, visibleAtMs: this.#toMonotonic(visibleAtMs) }
  }

  #toWall(monotonicMs: number): number {
    return monotonicMs - this.#clock.now() + this.#clock.wallTime()
  }

  #toMonotonic(wallMs: number): number {
    return wallMs - this.#clock.wallTime() + this.#clock.now()
  }
}
