import {
  CreateStreamCommand,
  type CreateStreamCommandInput,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
  type Shard,
  type StreamDescriptionSummary
} from '@aws-sdk/client-kinesis'
import { createKinesisClient } from '../../core/kinesis-client.ts'
import type { LocalOptions } from '../../local/index.ts'
import { opened, openLocal } from './local.ts'

/** A client of an embedded engine with a stream `s`. Both end with the test. */
export async function startKinesis(
  stream: Omit<CreateStreamCommandInput, 'StreamName'> = { ShardCount: 2 },
  options: LocalOptions = {}
): Promise<KinesisClient> {
  const local = await openLocal(options)
  const client = opened(createKinesisClient(local.clientConfig('kinesis')))
  await client.send(new CreateStreamCommand({ StreamName: 's', ...stream }))
  return client
}

/** All shards of the stream `s`, closed ones too. */
export async function shardsOf(client: KinesisClient): Promise<Shard[]> {
  return (await client.send(new ListShardsCommand({ StreamName: 's' }))).Shards ?? []
}

export async function summaryOf(client: KinesisClient): Promise<StreamDescriptionSummary> {
  return (await client.send(new DescribeStreamSummaryCommand({ StreamName: 's' }))).StreamDescriptionSummary!
}

/** One GetRecords call on a shard of the stream `s`. */
export async function readShard(
  client: KinesisClient,
  ShardId: string,
  start: object = { ShardIteratorType: 'TRIM_HORIZON' }
): Promise<GetRecordsCommandOutput> {
  const { ShardIterator } = await client.send(
    new GetShardIteratorCommand({ StreamName: 's', ShardId, ...start } as never)
  )
  return client.send(new GetRecordsCommand({ ShardIterator }))
}
