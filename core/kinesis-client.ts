import {
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  type KinesisClientConfig,
  ListShardsCommand,
  PutRecordsCommand
} from '@aws-sdk/client-kinesis'
import type { KinesisReaderPort, KinesisWriterPort } from './aws-ports.ts'
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
