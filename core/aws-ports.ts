import type {
  DescribeStreamSummaryCommandInput,
  DescribeStreamSummaryCommandOutput,
  GetRecordsCommandInput,
  GetRecordsCommandOutput,
  GetShardIteratorCommandInput,
  GetShardIteratorCommandOutput,
  ListShardsCommandInput,
  ListShardsCommandOutput,
  PutRecordsCommandInput,
  PutRecordsCommandOutput
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
