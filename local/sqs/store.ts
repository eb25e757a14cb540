import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'
import type { StateFolder } from '../state/index.ts'
import { type QueuesState, SqsJournal } from './journal.ts'
import { Queue, type Redrive } from './queue.ts'
import { redriveOf } from './validations/queue-attributes.ts'

export interface SqsStoreOptions {
  readonly clock: Clock
  readonly region: string
  readonly accountId: string
  /** Where everything is written to, and read from first. @default memory alone */
  readonly state?: StateFolder | undefined
}

/** A name stays taken this long after its queue was deleted, as on AWS, in milliseconds. */
const deletedNameMs = 60_000

/** The queues, in memory, and in the state folder when there is one. */
export class SqsStore {
  readonly options: SqsStoreOptions
  readonly #queues = new Map<string, Queue>()
  /** Name -> when its queue was deleted, on the monotonic clock. */
  readonly #deleted = new Map<string, number>()

  readonly #journal: SqsJournal | undefined

  /** @throws {StateError} when the state folder cannot be used */
  constructor(options: SqsStoreOptions) {
    this.options = options
    if (options.state === undefined) return
    const state = (): QueuesState => ({ queues: this.#queues.values(), deleted: this.#deleted })
    this.#journal = new SqsJournal(options.state, state, options.clock)
    const { queues, deleted } = this.#journal.loaded
    for (const queue of queues) this.#queues.set(queue.name, queue)
    for (const [name, atMs] of deleted) this.#deleted.set(name, atMs)
  }

  /** Writes what an operation has changed to the state folder, if there is one. */
  save(operation: string): void {
    this.#journal?.save(operation)
  }

  get queues(): readonly Queue[] {
    return [...this.#queues.values()]
  }

  find(name: string): Queue | undefined {
    return this.#queues.get(name)
  }

  /** The queue of a request. @throws AwsError QueueDoesNotExist */
  byUrl(url: unknown): Queue {
    if (typeof url !== 'string' || url === '') {
      throw new AwsError('MissingParameter', 'The request must contain the parameter QueueUrl.')
    }
    // Addresses differ by how the caller reached us; the last part of the path names the queue.
    const queue = this.#queues.get(url.slice(url.lastIndexOf('/') + 1))
    if (queue === undefined) throw queueDoesNotExist()
    return queue
  }

  create(name: string, attributes: ReadonlyMap<string, string>): Queue {
    const { clock, region, accountId } = this.options
    const deletedMs = this.#deleted.get(name)
    if (deletedMs !== undefined && clock.now() - deletedMs < deletedNameMs) {
      throw new AwsError(
        'QueueDeletedRecently',
        'You must wait 60 seconds after deleting a queue before you can create another with the same name.'
      )
    }
    this.#deleted.delete(name)
    const queue = new Queue({
      name,
      arn: `arn:aws:sqs:${region}:${accountId}:${name}`,
      attributes,
      clock,
      watcher: this.#journal?.watcherOf(name)
    })
    this.#queues.set(name, queue)
    return queue
  }

  delete(queue: Queue): void {
    this.#queues.delete(queue.name)
    // The next queue of this name begins empty.
    queue.clear()
    this.#deleted.set(queue.name, this.options.clock.now())
  }

  /** Where the queue's redrive policy leads; undefined without one, and while its target is not there. */
  redriveOf(queue: Queue): Redrive | undefined {
    const policy = redriveOf(queue.attributes)
    const target = this.queues.find(({ arn }) => arn === policy?.targetArn)
    if (policy === undefined || target === undefined) return undefined
    return {
      maxReceiveCount: policy.maxReceiveCount,
      move: message => target.takeOver(message, queue.arn)
    }
  }

  /** Bodies and attributes of all messages that are held. */
  *everything(): Generator<Uint8Array> {
    for (const queue of this.#queues.values()) {
      for (const { body, attributes } of queue.messages()) {
        yield Buffer.from(body)
        for (const { StringValue, BinaryValue } of attributes.values()) {
          yield BinaryValue === undefined
            ? Buffer.from(StringValue ?? '')
            : Buffer.from(BinaryValue, 'base64')
        }
      }
    }
  }
}

export function queueDoesNotExist(): AwsError {
  return new AwsError('QueueDoesNotExist', 'The specified queue does not exist.')
}
