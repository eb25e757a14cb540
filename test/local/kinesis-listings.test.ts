import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
  type ListShardsCommandInput,
  ListStreamConsumersCommand,
  ListStreamsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  type ShardFilter,
  UpdateShardCountCommand
} from '@aws-sdk/client-kinesis'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../helpers/fake-clock.ts'
import { shardsOf, startKinesis, summaryOf } from '../helpers/local-kinesis.ts'

const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/s'
const hour = 3_600_000

const list = (client: KinesisClient, input: ListShardsCommandInput) =>
  client.send(new ListShardsCommand(input))
const digitsOf = (shards: readonly { readonly ShardId?: string | undefined }[] | undefined) =>
  (shards ?? []).map(({ ShardId }) => ShardId!.at(-1)).join('')
const scale = (client: KinesisClient, TargetShardCount: number) =>
  client.send(
    new UpdateShardCountCommand({ StreamName: 's', TargetShardCount, ScalingType: 'UNIFORM_SCALING' })
  )

/** Shard 0 from the start, 1 and 2 from `splitMs` on. */
async function aSplitStream() {
  const clock = new FakeClock()
  const client = await startKinesis({ ShardCount: 1 }, { clock })
  await clock.advance(hour)
  const splitMs = clock.wallTime()
  await scale(client, 2)
  await clock.advance(hour)
  const filtered = async (filter: Omit<ShardFilter, 'Type'> & { readonly Type: string }) =>
    digitsOf((await list(client, { StreamName: 's', ShardFilter: filter as ShardFilter })).Shards)
  return { clock, client, splitMs, filtered }
}

describe('ListShards', () => {
  it('lists the shards of a moment, those from a moment on, and those after one', async () => {
    const { clock, splitMs, filtered } = await aSplitStream()
    const at = (ms: number) => filtered({ Type: 'AT_TIMESTAMP', Timestamp: new Date(ms) })
    const from = (ms: number) => filtered({ Type: 'FROM_TIMESTAMP', Timestamp: new Date(ms) })
    expect(await at(0)).toBe('0')
    expect(await at(splitMs + 1)).toBe('12')
    expect(await at(clock.wallTime())).toBe('12')
    expect(await from(0)).toBe('012')
    expect(await from(splitMs)).toBe('012')
    expect(await from(splitMs + 1)).toBe('12')
    expect(await filtered({ Type: 'AFTER_SHARD_ID', ShardId: 'shardId-000000000000' })).toBe('12')
    expect(await filtered({ Type: 'AT_LATEST' })).toBe('12')
  })

  it('lists the parents alone for the millisecond of a reshard, so that each hash key is there once', async () => {
    const { splitMs, filtered } = await aSplitStream()
    expect(await filtered({ Type: 'AT_TIMESTAMP', Timestamp: new Date(splitMs) })).toBe('0')
  })

  it('lists what was open at the trim horizon, and everything from there on unless told otherwise', async () => {
    const { clock, client, splitMs, filtered } = await aSplitStream()
    expect(await filtered({ Type: 'AT_TRIM_HORIZON' })).toBe('0')
    expect(await filtered({ Type: 'FROM_TRIM_HORIZON' })).toBe('012')
    await clock.advance(splitMs + 24 * hour - clock.wallTime())
    expect(await filtered({ Type: 'AT_TRIM_HORIZON' })).toBe('0')
    expect(digitsOf(await shardsOf(client))).toBe('012')
    await clock.advance(1)
    expect(await filtered({ Type: 'AT_TRIM_HORIZON' })).toBe('12')
    expect(await filtered({ Type: 'FROM_TRIM_HORIZON' })).toBe('12')
    // A moment before the horizon is the horizon.
    expect(await filtered({ Type: 'AT_TIMESTAMP', Timestamp: new Date(0) })).toBe('12')
    expect(digitsOf(await shardsOf(client))).toBe('12')
  })

  it.each([
    ['AT_TIMESTAMP', 'InvalidArgumentException'],
    ['FROM_TIMESTAMP', 'InvalidArgumentException'],
    ['AFTER_SHARD_ID', 'InvalidArgumentException'],
    ['AT_NOON', 'ValidationException']
  ])('refuses the filter %s with nothing else', async (Type, name) => {
    const { filtered } = await aSplitStream()
    await expect(filtered({ Type })).rejects.toMatchObject({ name })
  })

  it('keeps the filter from page to page, and starts after a shard', async () => {
    const { client } = await aSplitStream()
    const filter = { Type: 'AFTER_SHARD_ID', ShardId: 'shardId-000000000000' } as const
    const one = await list(client, { StreamARN, ShardFilter: filter, MaxResults: 1 })
    const two = await list(client, { NextToken: one.NextToken, MaxResults: 1 })
    expect([digitsOf(one.Shards), digitsOf(two.Shards), two.NextToken]).toEqual(['1', '2', undefined])
    const rest = await list(client, { StreamName: 's', ExclusiveStartShardId: 'shardId-000000000001' })
    expect(digitsOf(rest.Shards)).toBe('2')
  })

  it('takes a token for 300 s, for the listing that it is of, and with nothing that it stands for', async () => {
    const { clock, client } = await aSplitStream()
    const { NextToken } = await list(client, { StreamName: 's', MaxResults: 1 })
    await clock.advance(300_000)
    await list(client, { NextToken })
    for (const beside of [
      { StreamName: 's' },
      { ExclusiveStartShardId: 'shardId-000000000000' },
      { ShardFilter: { Type: 'AT_LATEST' } as const },
      { StreamCreationTimestamp: new Date() }
    ]) {
      await expect(list(client, { NextToken, ...beside })).rejects.toMatchObject({
        name: 'InvalidArgumentException'
      })
    }
    const consumers = client.send(new ListStreamConsumersCommand({ StreamARN, NextToken }))
    await expect(consumers).rejects.toMatchObject({ name: 'InvalidArgumentException' })
    await clock.advance(1)
    await expect(list(client, { NextToken })).rejects.toMatchObject({ name: 'ExpiredNextTokenException' })
    await expect(list(client, { NextToken: 'bnVsbA==' })).rejects.toMatchObject({
      name: 'InvalidArgumentException'
    })
  })

  it('tells a stream from another one of its name by the time of its creation', async () => {
    const { client } = await aSplitStream()
    const { StreamCreationTimestamp } = await summaryOf(client)
    expect((await list(client, { StreamName: 's', StreamCreationTimestamp })).Shards).toHaveLength(3)
    const other = new Date(StreamCreationTimestamp!.getTime() - 1)
    await expect(list(client, { StreamName: 's', StreamCreationTimestamp: other })).rejects.toMatchObject({
      name: 'ResourceNotFoundException'
    })
  })
})

describe('ListStreams', () => {
  it('lists names and summaries by name, page by page, by token and by name', async () => {
    const client = await startKinesis({ ShardCount: 1 })
    const mode = { StreamModeDetails: { StreamMode: 'ON_DEMAND' } } as const
    await client.send(new CreateStreamCommand({ StreamName: 'u', ...mode }))
    await client.send(new CreateStreamCommand({ StreamName: 't', ShardCount: 1 }))
    const one = await client.send(new ListStreamsCommand({ Limit: 2 }))
    expect(one).toMatchObject({ StreamNames: ['s', 't'], HasMoreStreams: true })
    expect(one.StreamSummaries?.[0]).toEqual({
      StreamName: 's',
      StreamARN,
      StreamStatus: 'ACTIVE',
      StreamModeDetails: { StreamMode: 'PROVISIONED' },
      StreamCreationTimestamp: expect.any(Date) as Date
    })
    for (const place of [{ NextToken: one.NextToken }, { ExclusiveStartStreamName: 't' }]) {
      const two = await client.send(new ListStreamsCommand(place))
      expect(two).toMatchObject({
        StreamNames: ['u'],
        HasMoreStreams: false,
        StreamSummaries: [{ StreamName: 'u', ...mode }]
      })
      expect(two).not.toHaveProperty('NextToken')
    }
  })
})

describe('DescribeStream', () => {
  it('lists shards page by page', async () => {
    const client = await startKinesis({ ShardCount: 3 })
    const describeFrom = async (ExclusiveStartShardId?: string) => {
      const input = { StreamName: 's', Limit: 2, ExclusiveStartShardId }
      return (await client.send(new DescribeStreamCommand(input))).StreamDescription!
    }
    const one = await describeFrom()
    expect([digitsOf(one.Shards), one.HasMoreShards]).toEqual(['01', true])
    const two = await describeFrom(one.Shards?.at(-1)?.ShardId)
    expect([digitsOf(two.Shards), two.HasMoreShards]).toEqual(['2', false])
  })

  it.each([0, 10_001])('refuses a limit of %d', async Limit => {
    const client = await startKinesis({ ShardCount: 1 })
    const described = client.send(new DescribeStreamCommand({ StreamName: 's', Limit }))
    await expect(described).rejects.toMatchObject({ name: 'ValidationException' })
  })
})

describe('the name of a stream', () => {
  it('may be its ARN, both, and have the reserved id beside it', async () => {
    const client = await startKinesis({ ShardCount: 1 })
    const Data = Buffer.from('x')
    for (const which of [
      { StreamARN },
      { StreamName: 's', StreamARN },
      { StreamName: 's', StreamId: 'reserved-id-0001' },
      { StreamARN, StreamId: 'reserved-id-0001' }
    ]) {
      await client.send(new PutRecordCommand({ ...which, PartitionKey: 'k', Data }))
      await client.send(new PutRecordsCommand({ ...which, Records: [{ PartitionKey: 'k', Data }] }))
      await client.send(new DescribeStreamCommand(which))
      await client.send(new DescribeStreamSummaryCommand(which))
      await client.send(new ListShardsCommand(which))
      const at = { ShardId: 'shardId-000000000000', ShardIteratorType: 'LATEST' } as const
      await client.send(new GetShardIteratorCommand({ ...which, ...at }))
    }
  })

  it.each([
    [{}, 'InvalidArgumentException'],
    [{ StreamName: 't', StreamARN }, 'InvalidArgumentException'],
    [{ StreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream' }, 'ValidationException'],
    [{ StreamARN: 'arn:aws:kinesis:us-east-1:111111111111:stream/s' }, 'ResourceNotFoundException'],
    [{ StreamARN: 'arn:aws:kinesis:eu-west-1:000000000000:stream/s' }, 'ResourceNotFoundException']
  ])('is refused as %o', async (which, name) => {
    const client = await startKinesis({ ShardCount: 1 })
    const described = client.send(new DescribeStreamSummaryCommand(which))
    await expect(described).rejects.toMatchObject({ name })
  })
})

describe('DeleteStream', () => {
  it('refuses a stream with consumers, unless they are to go with it', async () => {
    const clock = new FakeClock()
    const client = await startKinesis({ ShardCount: 1 }, { clock, statusDelayMs: 500 })
    await clock.advance(500)
    await client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'c' }))
    const remove = (EnforceConsumerDeletion?: boolean) =>
      client.send(new DeleteStreamCommand({ StreamARN, EnforceConsumerDeletion }))
    await expect(remove()).rejects.toMatchObject({ name: 'ResourceInUseException' })
    await expect(remove(false)).rejects.toMatchObject({ name: 'ResourceInUseException' })
    expect(await summaryOf(client)).toMatchObject({ StreamStatus: 'ACTIVE', ConsumerCount: 1 })
    await remove(true)
    const { Consumers } = await client.send(new ListStreamConsumersCommand({ StreamARN }))
    expect(Consumers).toMatchObject([{ ConsumerName: 'c', ConsumerStatus: 'DELETING' }])
    await clock.advance(500)
    await expect(summaryOf(client)).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })
})
