import {
  DescribeStreamConsumerCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  type KinesisClientConfig,
  ListShardsCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  SubscribeToShardCommand,
  type SubscribeToShardEvent,
  type SubscribeToShardEventStream
} from '@aws-sdk/client-kinesis'
import type { KinesisFanOutPort, KinesisReaderPort, KinesisWriterPort } from './aws-ports.ts'
import { sendOptions, withoutRetries } from './sdk-client.ts'

/**
 * A client for puts and polls. It speaks HTTP/1.1 with keep-alive: HTTP/2, the SDK's default for Kinesis,
 * costs a quarter to a half of the throughput.
 */
export function createKinesisClient(config: KinesisClientConfig = {}): KinesisClient {
  return new KinesisClient({
    ...withoutRetries(),
    ...config
  })
}

/** Puts the SDK client behind the ports that producer and consumer know. */
export function kinesisPort(client: KinesisClient): KinesisWriterPort & KinesisReaderPort {
  return {
    putRecords: (input, options) => client.send(new PutRecordsCommand(input), sendOptions(options)),
    listShards: (input, options) => client.send(new ListShardsCommand(input), sendOptions(options)),
    describeStreamSummary: (input, options) =>
      client.send(new DescribeStreamSummaryCommand(input), sendOptions(options)),
    getShardIterator: (input, options) =>
      client.send(new GetShardIteratorCommand(input), sendOptions(options)),
    getRecords: (input, options) => client.send(new GetRecordsCommand(input), sendOptions(options))
  }
}

/**
 * A client for subscriptions. It speaks HTTP/2, as SubscribeToShard wants on AWS; that is the SDK's default for
 * Kinesis, with a connection for each call. No timeout of its own: whoever waits for events has a deadline.
 */
export function createFanOutClient(config: KinesisClientConfig = {}): KinesisClient {
  return new KinesisClient({ maxAttempts: 1, ...config })
}

/** Puts the SDK client behind the port of enhanced fan-out. */
export function fanOutPort(client: KinesisClient): KinesisFanOutPort {
  return {
    describeStreamConsumer: (input, options) =>
      client.send(new DescribeStreamConsumerCommand(input), sendOptions(options)),
    registerStreamConsumer: (input, options) =>
      client.send(new RegisterStreamConsumerCommand(input), sendOptions(options)),
    subscribeToShard: async (input, options) => {
      const { EventStream: stream } = await client.send(
        new SubscribeToShardCommand(input),
        sendOptions(options)
      )
      return eventsOf(stream!)
    }
  }
}

/** Exceptions are thrown by the SDK; members that it does not know yet are passed over. */
async function* eventsOf(
  stream: AsyncIterable<SubscribeToShardEventStream>
): AsyncGenerator<SubscribeToShardEvent> {
  for await (const { SubscribeToShardEvent: event } of stream) if (event !== undefined) yield event
}
