import type { Action } from '../../aws-json.ts'
import { notify } from '../shard.ts'
import type { KinesisStore, StreamConsumer } from '../store.ts'
import { decodeToken, encodeToken } from '../tokens.ts'
import { consumerOf, validateNewConsumer } from '../validations/consumers.ts'
import { validateCount } from '../validations/stream.ts'
import { mergeTags } from '../validations/tags.ts'

export const registerStreamConsumer =
  (store: KinesisStore): Action =>
  input => {
    const stream = store.streamOf({ StreamARN: input.StreamARN })
    const name = validateNewConsumer(stream, input.ConsumerName)
    const tags = mergeTags(new Map(), input.Tags)
    const createdMs = store.clock.wallTime()
    const consumer: StreamConsumer = {
      name,
      arn: `${stream.arn}/consumer/${name}:${Math.floor(createdMs / 1000)}`,
      createdMs,
      status: 'CREATING',
      tags,
      policy: undefined
    }
    stream.consumers.push(consumer)
    // Described before it becomes active: the answer says CREATING, whatever the delay.
    const output = { Consumer: consumerOutput(consumer) }
    store.later(() => {
      if (consumer.status === 'CREATING') consumer.status = 'ACTIVE'
    })
    return output
  }

export const describeStreamConsumer =
  (store: KinesisStore): Action =>
  input => {
    const { stream, consumer } = consumerOf(store, input)
    return { ConsumerDescription: { ...consumerOutput(consumer), StreamARN: stream.arn } }
  }

export const listStreamConsumers =
  (store: KinesisStore): Action =>
  input => {
    const limit = validateCount('maxResults', input.MaxResults ?? 100, 1, 10_000)
    const { name: stream, consumers } = store.streamOf({ StreamARN: input.StreamARN })
    const after = decodeToken('ListStreamConsumers', input.NextToken, store.clock)?.after
    const left = consumers
      .filter(({ name }) => after === undefined || name > after)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    const page = left.slice(0, limit)
    return {
      Consumers: page.map(consumerOutput),
      ...(left.length > limit
        ? {
            NextToken: encodeToken('ListStreamConsumers', { stream, after: page.at(-1)!.name }, store.clock)
          }
        : {})
    }
  }

export const deregisterStreamConsumer =
  (store: KinesisStore): Action =>
  input => {
    const { stream, consumer } = consumerOf(store, input)
    consumer.status = 'DELETING'
    store.later(() => {
      stream.consumers.splice(stream.consumers.indexOf(consumer), 1)
      for (const shard of stream.shards) notify(shard)
    })
    return {}
  }

function consumerOutput({ name, arn, createdMs, status }: StreamConsumer): object {
  return {
    ConsumerName: name,
    ConsumerARN: arn,
    ConsumerStatus: status,
    ConsumerCreationTimestamp: createdMs / 1000
  }
}
