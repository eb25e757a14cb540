import {
  type CreateStreamCommandInput,
  DeleteStreamCommand,
  DescribeStreamCommand,
  type KinesisClient,
  MergeShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  type Shard,
  SplitShardCommand,
  UpdateMaxRecordSizeCommand,
  UpdateShardCountCommand,
  UpdateStreamModeCommand,
  UpdateStreamRecordDistributionStrategyCommand
} from '@aws-sdk/client-kinesis'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../helpers/fake-clock.ts'
import { readShard, shardsOf, startKinesis, summaryOf } from '../helpers/local-kinesis.ts'

const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/s'
const onDemand = { StreamModeDetails: { StreamMode: 'ON_DEMAND' } } as const
const auto = { ...onDemand, RecordDistributionStrategy: 'AUTO' } as const

const scale = (client: KinesisClient, TargetShardCount: number) =>
  client.send(
    new UpdateShardCountCommand({ StreamName: 's', TargetShardCount, ScalingType: 'UNIFORM_SCALING' })
  )
const setMode = (client: KinesisClient, StreamMode: 'PROVISIONED' | 'ON_DEMAND') =>
  client.send(new UpdateStreamModeCommand({ StreamARN, StreamModeDetails: { StreamMode } }))
const setDistribution = (client: KinesisClient, RecordDistributionStrategy: 'AUTO' | 'USER_PARTITION_KEY') =>
  client.send(new UpdateStreamRecordDistributionStrategyCommand({ StreamARN, RecordDistributionStrategy }))

const openOnes = (shards: readonly Shard[]): Shard[] =>
  shards
    .filter(({ SequenceNumberRange }) => SequenceNumberRange?.EndingSequenceNumber === undefined)
    .sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1))
const startOf = ({ HashKeyRange }: Shard): bigint => BigInt(HashKeyRange!.StartingHashKey!)
const endOf = ({ HashKeyRange }: Shard): bigint => BigInt(HashKeyRange!.EndingHashKey!)

describe('a stream of the Kinesis engine', () => {
  it('tells its mode, its open shards and its record limit; the distribution only when it is on-demand', async () => {
    const provisioned = await startKinesis({ ShardCount: 3 })
    const summary = await summaryOf(provisioned)
    expect(summary).toMatchObject({
      StreamModeDetails: { StreamMode: 'PROVISIONED' },
      OpenShardCount: 3,
      MaxRecordSizeInKiB: 1024
    })
    expect(summary).not.toHaveProperty('RecordDistributionStrategy')

    const client = await startKinesis({ ...onDemand, MaxRecordSizeInKiB: 2048 })
    expect(await summaryOf(client)).toMatchObject({
      StreamModeDetails: { StreamMode: 'ON_DEMAND' },
      OpenShardCount: 4,
      MaxRecordSizeInKiB: 2048,
      RecordDistributionStrategy: 'USER_PARTITION_KEY'
    })
    const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamName: 's' }))
    expect(StreamDescription).toMatchObject({ StreamModeDetails: { StreamMode: 'ON_DEMAND' } })
  })

  it.each<[string, Omit<CreateStreamCommandInput, 'StreamName'>, string]>([
    ['a provisioned stream without shards', {}, 'ValidationException'],
    ['an on-demand stream with shards', { ...onDemand, ShardCount: 1 }, 'InvalidArgumentException'],
    [
      'AUTO distribution for a provisioned stream',
      { ShardCount: 1, RecordDistributionStrategy: 'AUTO' },
      'InvalidArgumentException'
    ],
    [
      'an unknown distribution',
      { ...onDemand, RecordDistributionStrategy: 'RANDOM' as never },
      'ValidationException'
    ],
    [
      'an unknown mode',
      { ShardCount: 1, StreamModeDetails: { StreamMode: 'BURST' as never } },
      'ValidationException'
    ],
    ['records of less than 1 MiB', { ShardCount: 1, MaxRecordSizeInKiB: 1023 }, 'ValidationException'],
    ['records of more than 10 MiB', { ShardCount: 1, MaxRecordSizeInKiB: 10_241 }, 'ValidationException']
  ])('refuses to make %s', async (_, input, name) => {
    await expect(startKinesis(input)).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 400 } })
  })

  it('changes its mode, is UPDATING meanwhile, and is resharded by hand only while provisioned', async () => {
    const clock = new FakeClock()
    const client = await startKinesis({ ShardCount: 2 }, { clock, statusDelayMs: 500 })
    await clock.advance(500)
    await setMode(client, 'ON_DEMAND')
    expect(await summaryOf(client)).toMatchObject({ StreamStatus: 'UPDATING', OpenShardCount: 2 })
    await expect(setMode(client, 'PROVISIONED')).rejects.toMatchObject({ name: 'ResourceInUseException' })
    await clock.advance(500)
    expect(await summaryOf(client)).toMatchObject({
      StreamStatus: 'ACTIVE',
      StreamModeDetails: { StreamMode: 'ON_DEMAND' }
    })

    const split = new SplitShardCommand({
      StreamName: 's',
      ShardToSplit: 'shardId-000000000000',
      NewStartingHashKey: '1000'
    })
    const merge = new MergeShardsCommand({
      StreamName: 's',
      ShardToMerge: 'shardId-000000000000',
      AdjacentShardToMerge: 'shardId-000000000001'
    })
    for (const refused of [client.send(split), client.send(merge), scale(client, 3)]) {
      await expect(refused).rejects.toMatchObject({ name: 'ValidationException' })
    }
    await setMode(client, 'PROVISIONED')
    await clock.advance(500)
    await client.send(split)
    expect(await summaryOf(client)).toMatchObject({ OpenShardCount: 3 })
  })

  it.each([
    ['mode', new UpdateStreamModeCommand({ StreamARN: 's', StreamModeDetails: { StreamMode: 'ON_DEMAND' } })],
    ['record size', new UpdateMaxRecordSizeCommand({ StreamARN: 's', MaxRecordSizeInKiB: 2048 })],
    [
      'distribution',
      new UpdateStreamRecordDistributionStrategyCommand({
        StreamARN: 's',
        RecordDistributionStrategy: 'AUTO'
      })
    ]
  ])('takes a change of its %s by ARN alone', async (_, command) => {
    const client = await startKinesis(onDemand)
    await expect(client.send(command as UpdateStreamModeCommand)).rejects.toMatchObject({
      name: 'ValidationException'
    })
  })

  it('is not brought back by the end of an update when it was deleted meanwhile', async () => {
    const clock = new FakeClock()
    const client = await startKinesis({ ShardCount: 1 }, { clock, statusDelayMs: 500 })
    await clock.advance(500)
    await setMode(client, 'ON_DEMAND')
    await clock.advance(250)
    await client.send(new DeleteStreamCommand({ StreamName: 's' }))
    await clock.advance(250)
    expect(await summaryOf(client)).toMatchObject({ StreamStatus: 'DELETING' })
    await clock.advance(250)
    await expect(summaryOf(client)).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })
})

describe('UpdateMaxRecordSize', () => {
  it('raises the limit of data and partition key together, to 10 MiB in one request', async () => {
    const client = await startKinesis({ ShardCount: 1 })
    const put = (bytes: number) =>
      client.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'kk', Data: Buffer.alloc(bytes) }))
    const [mebibyte, most] = [1024 * 1024, 10 * 1024 * 1024]
    const { SequenceNumber } = await put(mebibyte - 2)
    await expect(put(mebibyte - 1)).rejects.toMatchObject({ name: 'ValidationException' })
    await client.send(new UpdateMaxRecordSizeCommand({ StreamARN, MaxRecordSizeInKiB: 10_240 }))
    expect(await summaryOf(client)).toMatchObject({ MaxRecordSizeInKiB: 10_240 })
    await put(most - 2)
    await expect(put(most - 1)).rejects.toMatchObject({ name: 'ValidationException' })
    // One answer holds 10 MiB at most.
    const { Records = [] } = await readShard(client, 'shardId-000000000000', {
      ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
      StartingSequenceNumber: SequenceNumber
    })
    expect(Records.map(({ Data }) => Data?.length)).toEqual([most - 2])
  })

  it.each([1023, 10_241])('refuses %d KiB', async MaxRecordSizeInKiB => {
    const client = await startKinesis({ ShardCount: 1 })
    await expect(
      client.send(new UpdateMaxRecordSizeCommand({ StreamARN, MaxRecordSizeInKiB }))
    ).rejects.toMatchObject({ name: 'ValidationException' })
  })
})

describe('UpdateShardCount', () => {
  it.each([
    [2, 4],
    [4, 2],
    [2, 3],
    [3, 2],
    [3, 6],
    [5, 3],
    [7, 12]
  ])('scales %d shards to %d of equal size by splits and merges', async (from, to) => {
    const client = await startKinesis({ ShardCount: from })
    expect(await scale(client, to)).toMatchObject({
      StreamName: 's',
      StreamARN,
      CurrentShardCount: from,
      TargetShardCount: to
    })
    const all = await shardsOf(client)
    const open = openOnes(all)
    expect(open).toHaveLength(to)
    expect(startOf(open[0]!)).toBe(0n)
    expect(endOf(open.at(-1)!)).toBe(2n ** 128n - 1n)
    open.slice(1).forEach((shard, index) => {
      expect(startOf(shard)).toBe(endOf(open[index]!) + 1n)
    })
    // Sizes differ by rounding alone.
    const width = 2n ** 128n / BigInt(to)
    for (const shard of all) {
      const size = endOf(shard) - startOf(shard) + 1n
      if (openOnes([shard]).length > 0)
        expect(size / (width / 1_000n)).toSatisfy(n => n === 999n || n === 1000n)
      // No splinters between two boundaries that should be one.
      expect(size).toBeGreaterThan(width / 1_000n)
    }
    // Whoever is not of the first generation has its parents among the closed ones.
    const closed = all.filter(shard => !open.includes(shard)).map(({ ShardId }) => ShardId)
    for (const { ParentShardId } of all.slice(from)) expect(closed).toContain(ParentShardId)
  })

  it('leaves short-lived shards only where a boundary moves', async () => {
    const client = await startKinesis({ ShardCount: 3 })
    await scale(client, 6)
    expect(await shardsOf(client)).toHaveLength(9)
  })

  it.each([
    [2, 5, 'LimitExceededException', /over double.*count: 2 .*count: 5/],
    [5, 2, 'LimitExceededException', /below half.*count: 5 .*count: 2/],
    [2, 0, 'ValidationException', /targetShardCount/]
  ])('refuses %d to %d', async (from, to, name, message) => {
    const client = await startKinesis({ ShardCount: from })
    await expect(scale(client, to)).rejects.toMatchObject({
      name,
      message: expect.stringMatching(message) as string
    })
    expect(await shardsOf(client)).toHaveLength(from)
  })

  it('knows uniform scaling alone, and waits for an update that is under way', async () => {
    const clock = new FakeClock()
    const client = await startKinesis({ ShardCount: 1 }, { clock, statusDelayMs: 500 })
    await expect(scale(client, 2)).rejects.toMatchObject({ name: 'ResourceInUseException' })
    await clock.advance(500)
    await expect(
      client.send(
        new UpdateShardCountCommand({ StreamName: 's', TargetShardCount: 2, ScalingType: 'OTHER' as never })
      )
    ).rejects.toMatchObject({ name: 'ValidationException' })
    await scale(client, 2)
    expect(await summaryOf(client)).toMatchObject({ StreamStatus: 'UPDATING' })
    await expect(scale(client, 4)).rejects.toMatchObject({ name: 'ResourceInUseException' })
    await clock.advance(500)
    expect(await summaryOf(client)).toMatchObject({ StreamStatus: 'ACTIVE', OpenShardCount: 2 })
  })
})

describe('AUTO record distribution', () => {
  const put = (client: KinesisClient, count: number, keys: object = {}) =>
    client.send(
      new PutRecordsCommand({
        StreamName: 's',
        Records: Array.from({ length: count }, (_, index) => ({ ...keys, Data: Buffer.from(`${index}`) }))
      })
    )

  it('spreads records over the open shards, whatever their partition key and explicit hash key', async () => {
    const client = await startKinesis(auto)
    expect(await summaryOf(client)).toMatchObject({ RecordDistributionStrategy: 'AUTO' })
    const { Records = [] } = await put(client, 20, { PartitionKey: 'same', ExplicitHashKey: '0' })
    const placed = Records.map(({ ShardId }) => ShardId!.slice(-1)).sort()
    expect(placed.join('')).toBe('00000111112222233333')
  })

  it('takes records without a partition key and gives them back without one; a given key comes back', async () => {
    const client = await startKinesis(auto)
    await put(client, 4)
    await put(client, 4, { PartitionKey: 'given' })
    const { Records = [] } = await readShard(client, 'shardId-000000000000')
    expect(Records).toHaveLength(2)
    expect(Records[0]).not.toHaveProperty('PartitionKey')
    expect(Records[1]).toMatchObject({ PartitionKey: 'given' })
  })

  it('refuses an ordered PutRecord, which any other stream takes', async () => {
    const client = await startKinesis(auto)
    const ordered = new PutRecordCommand({
      StreamName: 's',
      PartitionKey: 'k',
      Data: Buffer.from('x'),
      SequenceNumberForOrdering: '1'
    })
    await expect(client.send(ordered)).rejects.toMatchObject({ name: 'InvalidArgumentException' })
    await setDistribution(client, 'USER_PARTITION_KEY')
    expect((await client.send(ordered)).ShardId).toMatch(/^shardId-/)
  })

  it('begins and ends with the next record, without an update in between', async () => {
    const clock = new FakeClock()
    const client = await startKinesis(onDemand, { clock, statusDelayMs: 500 })
    await clock.advance(500)
    await expect(put(client, 1)).rejects.toMatchObject({ name: 'ValidationException' })
    await setDistribution(client, 'AUTO')
    expect(await summaryOf(client)).toMatchObject({ StreamStatus: 'ACTIVE' })
    const shards = new Set((await put(client, 4)).Records?.map(({ ShardId }) => ShardId))
    expect(shards.size).toBe(4)
    await setDistribution(client, 'USER_PARTITION_KEY')
    await expect(put(client, 1)).rejects.toMatchObject({ name: 'ValidationException' })
  })

  it('is for on-demand streams alone, and has to end before the mode changes', async () => {
    const provisioned = await startKinesis({ ShardCount: 1 })
    await expect(setDistribution(provisioned, 'AUTO')).rejects.toMatchObject({
      name: 'InvalidArgumentException'
    })
    const client = await startKinesis(auto)
    await expect(setMode(client, 'PROVISIONED')).rejects.toMatchObject({ name: 'InvalidArgumentException' })
    await setDistribution(client, 'USER_PARTITION_KEY')
    await setMode(client, 'PROVISIONED')
    expect(await summaryOf(client)).toMatchObject({ StreamModeDetails: { StreamMode: 'PROVISIONED' } })
  })

  it('leaves out the shards that were closed', async () => {
    const client = await startKinesis({ ShardCount: 1 })
    await scale(client, 2)
    await setMode(client, 'ON_DEMAND')
    await setDistribution(client, 'AUTO')
    const { Records = [] } = await put(client, 4)
    expect(Records.map(({ ShardId }) => ShardId?.slice(-1))).toEqual(['1', '2', '1', '2'])
  })
})
