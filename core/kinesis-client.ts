import {
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  type KinesisClientConfig,
  ListShardsCommand,
  PutRecordsCommand
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { CallOptions, KinesisReaderPort, KinesisWriterPort } from './aws-ports.ts'

/**
 * A client for puts and polls. It speaks HTTP/1.1 with keep-alive: HTTP/2, the SDK's default for Kinesis,
 * costs a quarter to a half of the throughput. The SDK's own retries are off, because sealstream's retrier
 * decides per record and counts every attempt.
 */
export function createKinesisClient(config: KinesisClientConfig = {}): KinesisClient {
  return new KinesisClient({
    requestHandler: new NodeHttpHandler({ connectionTimeout: 5_000, requestTimeout: 30_000 }),
    maxAttempts: 1,
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

function sendOptions(options: CallOptions | undefined): { abortSignal?: AbortSignal } {
  return options?.signal === undefined ? {} : { abortSignal: options.signal }
}
