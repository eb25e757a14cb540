import { type Action, AwsError } from '../../aws-json.ts'
import { EventStreamOutput, type StreamedEvent } from '../../event-stream.ts'
import { notify, type Shard } from '../shard.ts'
import { readShard, shardOf, startOf } from '../shard-reading.ts'
import type { KinesisStore, StreamConsumer } from '../store.ts'
import { consumerOf } from '../validations/consumers.ts'

// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SubscribeToShard.html
const defaultLifeMs = 5 * 60_000
/** A consumer and shard take no further subscription for this long after one. */
const betweenSubscriptionsMs = 5_000
/** From one empty event to the next; what AWS was seen to do, not what it promises. */
const idleMs = 5_000
/** Of one event; guessed. A record that is larger travels alone. */
const eventLimits = { maxBytes: 1024 * 1024, maxRecords: 10_000 }

interface Subscription {
  readonly sinceMs: number
}

export function subscribeToShard(store: KinesisStore): Action {
  /** The last subscription of each shard by each consumer. */
  const last = new WeakMap<StreamConsumer, Map<Shard, Subscription>>()

  return input => {
    const { stream, consumer } = consumerOf(store, { ConsumerARN: input.ConsumerARN })
    const shard = shardOf(stream, input.ShardId)
    const position = (input.StartingPosition ?? {}) as Readonly<Record<string, unknown>>
    const from = startOf(
      shard,
      { type: position.Type, startingNumber: position.SequenceNumber, timestamp: position.Timestamp },
      store.clock
    )
    if (consumer.status !== 'ACTIVE') {
      throw inUse(`Consumer ${consumer.name} is not ACTIVE, instead in state ${consumer.status}.`)
    }
    const ofConsumer = last.get(consumer) ?? new Map<Shard, Subscription>()
    last.set(consumer, ofConsumer)
    const now = store.clock.now()
    if (now - (ofConsumer.get(shard)?.sinceMs ?? Number.NEGATIVE_INFINITY) < betweenSubscriptionsMs) {
      throw inUse(`Another active subscription exists for this consumer: ${shard.id}, ${consumer.name}.`)
    }
    const subscription = { sinceMs: now }
    ofConsumer.set(shard, subscription)
    // Whoever had it before looks up, and finds that it is over.
    notify(shard)
    const check = (): void => {
      if (ofConsumer.get(shard) !== subscription) {
        throw inUse(`Another subscription of ${consumer.name} to ${shard.id} took over.`)
      }
      // Both throw for what is gone.
      store.streamOf({ StreamName: stream.name })
      consumerOf(store, { ConsumerARN: consumer.arn })
    }
    return new EventStreamOutput({}, signal => events(store, shard, from, check, signal))
  }
}

async function* events(
  store: KinesisStore,
  shard: Shard,
  start: bigint,
  check: () => void,
  signal: AbortSignal
): AsyncGenerator<StreamedEvent> {
  const { clock } = store
  const endMs = clock.now() + (store.options.subscriptionLifeMs ?? defaultLifeMs)
  let from = start
  // The first event comes at once, with or without records.
  let sentMs = Number.NEGATIVE_INFINITY
  while (!signal.aborted && clock.now() < endMs) {
    check()
    const { next, isAtEnd, bytes: _, ...output } = readShard(shard, from, eventLimits, clock)
    if (output.Records.length > 0 || isAtEnd || clock.now() - sentMs >= idleMs) {
      from = next
      sentMs = clock.now()
      yield {
        type: 'SubscribeToShardEvent',
        payload: isAtEnd ? output : { ...output, ContinuationSequenceNumber: String(next - 1n) }
      }
      if (isAtEnd) return
      // Something may have come while the event was on its way.
      continue
    }
    await changed(store, shard, Math.min(sentMs + idleMs, endMs) - clock.now(), signal)
  }
}

/** Until something happens to the shard, `ms` milliseconds have passed, or the signal aborts. */
function changed({ clock }: KinesisStore, shard: Shard, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      cancel()
      shard.watchers.delete(done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.schedule(done, ms, { unref: true })
    shard.watchers.add(done)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}

function inUse(message: string): AwsError {
  return new AwsError('ResourceInUseException', message)
}
