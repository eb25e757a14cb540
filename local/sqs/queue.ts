import { randomBytes, randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { MessageAttributes } from './message-attributes.ts'
import { secondsOf } from './validations/queue-attributes.ts'

export interface NewMessage {
  readonly body: string
  readonly attributes: MessageAttributes
  readonly systemAttributes: MessageAttributes
  /** Time until it can be received; undefined takes the queue's. */
  readonly delaySeconds: number | undefined
}

export interface StoredMessage {
  readonly id: string
  readonly body: string
  readonly attributes: MessageAttributes
  readonly systemAttributes: MessageAttributes
  /** Wall time, for `SentTimestamp`. */
  readonly sentMs: number
  /** The same on the monotonic clock: where retention counts from, also after a move to a dead-letter queue. */
  readonly bornMs: number
  /** ARN of the queue that it was moved here from. */
  readonly sourceArn: string | undefined
  /** On the monotonic clock. */
  visibleAtMs: number
  /** Across all queues. */
  receiveCount: number
  firstReceivedMs: number | undefined
  /** Handle of the latest receive; an older one deletes nothing. */
  receipt: string | undefined
}

export interface QueueCounts {
  readonly visible: number
  readonly inFlight: number
  readonly delayed: number
}

/** How one receive is carried out; times in milliseconds. */
export interface ReceiveRequest {
  readonly max: number
  readonly visibilityMs: number
  readonly waitMs: number
  /** Calls back when the caller has gone: what it would have received stays for others. */
  readonly onEnd: (callback: () => void) => void
}

/** Where messages go that were received too often. */
export interface Redrive {
  readonly maxReceiveCount: number
  readonly move: (message: StoredMessage) => void
}

/** Hears of every change of a queue's messages, after it was made. */
export interface QueueWatcher {
  put(message: StoredMessage): void
  /** It was received, or hidden for another time. */
  changed(message: StoredMessage): void
  gone(id: string): void
  cleared(): void
}

/** One standard queue in memory. */
export class Queue {
  readonly name: string
  readonly arn: string
  readonly createdMs: number
  modifiedMs: number
  /** Those that were set; the rest has its default. */
  attributes: ReadonlyMap<string, string>
  purgedAtMs: number | undefined
  readonly #clock: Clock
  readonly #watcher: QueueWatcher | undefined
  /** In the order of their arrival. */
  readonly #messages = new Map<string, StoredMessage>()
  readonly #waiting = new Set<() => void>()

  constructor(given: {
    readonly name: string
    readonly arn: string
    readonly attributes: ReadonlyMap<string, string>
    readonly clock: Clock
    readonly watcher?: QueueWatcher | undefined
    /** Wall time, milliseconds since 1970. @default now */
    readonly createdMs?: number
    /** @default `createdMs` */
    readonly modifiedMs?: number
  }) {
    this.name = given.name
    this.arn = given.arn
    this.attributes = given.attributes
    this.#clock = given.clock
    this.#watcher = given.watcher
    this.createdMs = given.createdMs ?? given.clock.wallTime()
    this.modifiedMs = given.modifiedMs ?? this.createdMs
  }

  /** Messages that are held, also such as are past their retention. */
  get length(): number {
    return this.#messages.size
  }

  /** Takes back what it held once; the watcher does not hear of it. */
  refill(messages: readonly StoredMessage[]): void {
    for (const message of messages) this.#messages.set(message.id, message)
  }

  get counts(): QueueCounts {
    const now = this.#clock.now()
    const counts = { visible: 0, inFlight: 0, delayed: 0 }
    for (const message of this.messages()) {
      if (message.visibleAtMs <= now) counts.visible += 1
      else if (message.receipt === undefined) counts.delayed += 1
      else counts.inFlight += 1
    }
    return counts
  }

  /** What the queue holds now; what is past its retention goes. */
  *messages(): Generator<StoredMessage> {
    const oldest = this.#clock.now() - secondsOf(this.attributes, 'MessageRetentionPeriod') * 1000
    for (const message of this.#messages.values()) {
      if (message.bornMs > oldest) yield message
      else this.#messages.delete(message.id)
    }
  }

  send(given: NewMessage): StoredMessage {
    const now = this.#clock.now()
    const delaySeconds = given.delaySeconds ?? secondsOf(this.attributes, 'DelaySeconds')
    const message: StoredMessage = {
      id: randomUUID(),
      body: given.body,
      attributes: given.attributes,
      systemAttributes: given.systemAttributes,
      sentMs: this.#clock.wallTime(),
      bornMs: now,
      sourceArn: undefined,
      visibleAtMs: now + delaySeconds * 1000,
      receiveCount: 0,
      firstReceivedMs: undefined,
      receipt: undefined
    }
    this.#add(message)
    return message
  }

  /** Takes a message over from a queue whose redrive policy names this one. */
  takeOver(message: StoredMessage, sourceArn: string): void {
    this.#add({ ...message, sourceArn, visibleAtMs: this.#clock.now(), receipt: undefined })
  }

  /** Up to `max` visible messages, which become invisible; waits for the first one as long as it may. */
  async receive(request: ReceiveRequest, redrive: Redrive | undefined): Promise<readonly StoredMessage[]> {
    const deadline = this.#clock.now() + request.waitMs
    let isGone = false
    request.onEnd(() => {
      isGone = true
      this.#wakeAll()
    })
    for (;;) {
      // Taken for a caller who has gone, a message would be out of sight for nothing.
      if (isGone) return []
      const taken = this.#take(request, redrive)
      const now = this.#clock.now()
      if (taken.length > 0 || now >= deadline) return taken
      await this.#change(Math.min(deadline, this.#nextVisibleMs(now)) - now)
    }
  }

  /** Message of a receipt handle; undefined when it is gone, or was received again since. */
  byReceipt(receipt: string): StoredMessage | undefined {
    for (const message of this.messages()) if (message.receipt === receipt) return message
    return undefined
  }

  isInFlight(message: StoredMessage): boolean {
    return message.visibleAtMs > this.#clock.now()
  }

  hide(message: StoredMessage, seconds: number): void {
    message.visibleAtMs = this.#clock.now() + seconds * 1000
    this.#watcher?.changed(message)
    this.#wakeAll()
  }

  delete({ id }: StoredMessage): void {
    this.#messages.delete(id)
    this.#watcher?.gone(id)
  }

  purge(): void {
    this.clear()
    this.purgedAtMs = this.#clock.now()
  }

  clear(): void {
    this.#messages.clear()
    this.#watcher?.cleared()
  }

  #add(message: StoredMessage): void {
    this.#messages.set(message.id, message)
    this.#watcher?.put(message)
    this.#wakeAll()
  }

  /** Waits until something changes, `ms` milliseconds at most. */
  #change(ms: number): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        cancel()
        this.#waiting.delete(wake)
        resolve()
      }
      const cancel = this.#clock.schedule(wake, ms, { unref: true })
      this.#waiting.add(wake)
    })
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  #take({ max, visibilityMs }: ReceiveRequest, redrive: Redrive | undefined): readonly StoredMessage[] {
    const now = this.#clock.now()
    const taken: StoredMessage[] = []
    for (const message of this.messages()) {
      if (taken.length === max) break
      if (message.visibleAtMs > now) continue
      if (redrive !== undefined && message.receiveCount >= redrive.maxReceiveCount) {
        // There before it is gone here: killed in between, it is there twice and not never.
        redrive.move(message)
        this.delete(message)
        continue
      }
      message.receiveCount += 1
      message.firstReceivedMs ??= this.#clock.wallTime()
      message.visibleAtMs = now + visibilityMs
      message.receipt = randomBytes(48).toString('base64')
      this.#watcher?.changed(message)
      taken.push(message)
    }
    return taken
  }

  #nextVisibleMs(now: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const { visibleAtMs } of this.#messages.values()) {
      if (visibleAtMs > now && visibleAtMs < next) next = visibleAtMs
    }
    return next
  }
}
