import type {
  DescribeStreamConsumerCommandInput,
  DescribeStreamConsumerCommandOutput,
  DescribeStreamSummaryCommandInput,
  DescribeStreamSummaryCommandOutput,
  GetRecordsCommandInput,
  GetRecordsCommandOutput,
  GetShardIteratorCommandInput,
  GetShardIteratorCommandOutput,
  ListShardsCommandInput,
  ListShardsCommandOutput,
  PutRecordsCommandInput,
  PutRecordsCommandOutput,
  RegisterStreamConsumerCommandInput,
  RegisterStreamConsumerCommandOutput,
  SubscribeToShardCommandInput,
  SubscribeToShardEvent
} from '@aws-sdk/client-kinesis'

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

/** The Kinesis calls that a producer makes. Types only: whoever implements it decides how they travel. */
export interface KinesisWriterPort {
  putRecords(input: PutRecordsCommandInput, options?: CallOptions): Promise<PutRecordsCommandOutput>
  listShards(input: ListShardsCommandInput, options?: CallOptions): Promise<ListShardsCommandOutput>
  describeStreamSummary(
    input: DescribeStreamSummaryCommandInput,
    options?: CallOptions
  ): Promise<DescribeStreamSummaryCommandOutput>
}

/** The Kinesis calls that a polling consumer makes. */
export interface KinesisReaderPort {
  listShards(input: ListShardsCommandInput, options?: CallOptions): Promise<ListShardsCommandOutput>
  describeStreamSummary(
    input: DescribeStreamSummaryCommandInput,
    options?: CallOptions
  ): Promise<DescribeStreamSummaryCommandOutput>
  getShardIterator(
    input: GetShardIteratorCommandInput,
    options?: CallOptions
  ): Promise<GetShardIteratorCommandOutput>
  getRecords(input: GetRecordsCommandInput, options?: CallOptions): Promise<GetRecordsCommandOutput>
}

/** The further Kinesis calls of a consumer that reads by enhanced fan-out. */
export interface KinesisFanOutPort {
  describeStreamConsumer(
    input: DescribeStreamConsumerCommandInput,
    options?: CallOptions
  ): Promise<DescribeStreamConsumerCommandOutput>
  registerStreamConsumer(
    input: RegisterStreamConsumerCommandInput,
    options?: CallOptions
  ): Promise<RegisterStreamConsumerCommandOutput>
  /**
   * Resolves when the subscription stands. An event is taken from the connection when it is asked for, so whoever
   * does not ask holds the service back. The iteration ends with the subscription, and rejects with the service's
   * exception. The signal ends it at any time, also while an event is waited for.
   */
  subscribeToShard(
    input: SubscribeToShardCommandInput,
    options?: CallOptions
  ): Promise<AsyncIterable<SubscribeToShardEvent>>
}
