import type { SubscribeToShardEvent } from '@aws-sdk/client-kinesis'
import type { KinesisFanOutPort } from '../../core/aws-ports.ts'
import { backoffDelayMs } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import { deferred } from '../../core/concurrency.ts'
import { FailureClass, ServiceError } from '../../core/service-errors.ts'
import { FanOutUnavailableError } from '../errors.ts'
import { type ConsumerRegistration, deniedFanOut } from './consumer-registration.ts'
import { type ReadBatch, type RecordSource, type SourceOptions, sizeOf } from './record-source.ts'
import { ShardEnd } from './shard-end.ts'

export interface FanOutSourceOptions extends SourceOptions {
  readonly kinesis: Pick<KinesisFanOutPort, 'subscribeToShard'>
  readonly registration: Pick<ConsumerRegistration, 'arn' | 'forget'>
}

interface Subscription {
  readonly events: AsyncIterator<SubscribeToShardEvent>
  readonly stop: AbortController
  /** The event that is waited for. It outlives a wait that was given up. */
  pending: Promise<IteratorResult<SubscribeToShardEvent>> | undefined
}

/** No event for so long means a dead connection: the service sends empty ones about every 5 s, as was seen. */
const silenceMs = 30_000
/**
 * After a subscription the service takes no other of the same consumer and shard for so long
 * (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SubscribeToShard.html).
 */
const betweenSubscriptionsMs = 5_000
/** Guessed. */
const failureBackoff = { baseMs: 1_000, maxMs: 10_000 }
/** On top of `betweenSubscriptionsMs`, so that two owners after a steal do not throw each other out in step. */
const inUseBackoff = { baseMs: 5_000, maxMs: 30_000 }

/**
 * Reads one shard by SubscribeToShard. An event is taken when it is asked for, so a slow handler holds the service
 * back. The subscription ends every five minutes and is renewed without a word, behind the last batch that is done.
 */
export class FanOutSource implements RecordSource {
  readonly #options: FanOutSourceOptions
  readonly #end: ShardEnd
  #subscription: Subscription | undefined
  /** When the service takes the next subscription. */
  #nextSubscriptionMs = Number.NEGATIVE_INFINITY
  /** In a row, without an event in between. */
  #failures = 0
  #wasNotFound = false

  constructor(options: FanOutSourceOptions) {
    this.#options = options
    this.#end = new ShardEnd(options)
  }

  /**
   * Waits out every failure that may pass. Rejects also with `FanOutUnavailableError`, when the shard cannot be read
   * in this way.
   */
  async next(signal: AbortSignal): Promise<ReadBatch> {
    for (;;) {
      signal.throwIfAborted()
      let batch: ReadBatch | undefined
      try {
        const event = await this.#nextEvent(signal)
        // Its five minutes are over.
        if (event === undefined) continue
        batch = await this.#batchOf(event)
      } catch (cause) {
        signal.throwIfAborted()
        this.#drop()
        await this.#waitAfter(cause, signal)
        continue
      }
      if (batch !== undefined) return batch
      this.#drop()
      await this.#backOff(failureBackoff, 0, signal)
    }
  }

  async close(): Promise<void> {
    this.#drop()
  }

  /** Undefined when the subscription has ended. */
  async #nextEvent(signal: AbortSignal): Promise<SubscribeToShardEvent | undefined> {
    const { clock } = this.#options
    this.#subscription ??= await this.#subscribe(signal)
    const subscription = this.#subscription
    subscription.pending ??= subscription.events.next()
    const { done, value } = await within(subscription.pending, silenceMs, clock, signal)
    subscription.pending = undefined
    if (done) {
      this.#drop()
      return undefined
    }
    this.#failures = 0
    this.#wasNotFound = false
    return value
  }

  async #subscribe(signal: AbortSignal): Promise<Subscription> {
    const { kinesis, registration, shardId, position, clock } = this.#options
    const waitMs = this.#nextSubscriptionMs - clock.now()
    if (waitMs > 0) await clock.sleep(waitMs, signal)
    const consumerArn = await within(registration.arn(), undefined, clock, signal)
    // The subscription outlives this call and its signal.
    const stop = new AbortController()
    const opening = kinesis.subscribeToShard(
      { ConsumerARN: consumerArn, ShardId: shardId, StartingPosition: position.startingPosition() },
      { signal: stop.signal }
    )
    try {
      const events = await within(opening, silenceMs, clock, signal)
      this.#nextSubscriptionMs = clock.now() + betweenSubscriptionsMs
      return { events: events[Symbol.asyncIterator](), stop, pending: undefined }
    } catch (error) {
      stop.abort()
      throw error
    }
  }

  /** Undefined for an event that says the shard has ended while it is still open. */
  async #batchOf(event: SubscribeToShardEvent): Promise<ReadBatch | undefined> {
    const { position } = this.#options
    const records = event.Records ?? []
    // Typed as always there; at the end of a shard it is not.
    const continuation = event.ContinuationSequenceNumber ?? undefined
    const children = continuation === undefined ? await this.#end.confirm(event.ChildShards) : undefined
    if (continuation === undefined && children === undefined) return undefined
    this.#end.goesOn()
    return {
      records,
      sizeBytes: sizeOf(records),
      millisBehindLatest: event.MillisBehindLatest ?? 0,
      children,
      done: () => position.moveBehind(continuation)
    }
  }

  /** Rejects with what does not pass. */
  async #waitAfter(cause: unknown, signal: AbortSignal): Promise<void> {
    const { onFailure, registration } = this.#options
    if (cause instanceof FanOutUnavailableError) throw cause
    const error =
      cause instanceof ServiceError ? cause : new ServiceError('kinesis', 'SubscribeToShard', cause)
    onFailure(error)
    if (error.serviceCode === 'AccessDeniedException') throw deniedFanOut(error)
    if (error.failure === FailureClass.notFound) {
      // The stream, or only its consumer: looking the consumer up again tells.
      if (this.#wasNotFound || error.operation !== 'SubscribeToShard') throw error
      this.#wasNotFound = true
      registration.forget()
    }
    if (error.serviceCode === 'ResourceInUseException')
      await this.#backOff(inUseBackoff, betweenSubscriptionsMs, signal)
    else await this.#backOff(failureBackoff, 0, signal)
  }

  async #backOff(
    bounds: { readonly baseMs: number; readonly maxMs: number },
    atLeastMs: number,
    signal: AbortSignal
  ): Promise<void> {
    const { clock, random } = this.#options
    const delayMs = backoffDelayMs(this.#failures, { ...bounds, random })
    this.#failures += 1
    await clock.sleep(atLeastMs + delayMs, signal)
  }

  #drop(): void {
    const subscription = this.#subscription
    this.#subscription = undefined
    // What it still brings is read again by the next one.
    subscription?.pending?.catch(() => {})
    subscription?.stop.abort()
  }
}

/** `promise`, unless the signal aborts or `ms` milliseconds pass before; what it brings later is nobody's. */
async function within<T>(
  promise: Promise<T>,
  ms: number | undefined,
  clock: Clock,
  signal: AbortSignal
): Promise<T> {
  const outcome = deferred<T>()
  const onAbort = (): void => outcome.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  const cancel =
    ms === undefined
      ? () => {}
      : clock.schedule(() => {
          const error = new Error(`nothing came for ${ms} ms`)
          error.name = 'TimeoutError'
          outcome.reject(error)
        }, ms)
  promise.then(outcome.resolve, outcome.reject)
  if (signal.aborted) onAbort()
  try {
    return await outcome.promise
  } finally {
    cancel()
    signal.removeEventListener('abort', onAbort)
  }
}
