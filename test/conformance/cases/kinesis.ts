import {
  AddTagsToStreamCommand,
  CreateStreamCommand,
  DecreaseStreamRetentionPeriodCommand,
  DeleteStreamCommand,
  DeregisterStreamConsumerCommand,
  DescribeStreamCommand,
  DescribeStreamConsumerCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type GetShardIteratorCommandInput,
  IncreaseStreamRetentionPeriodCommand,
  ListShardsCommand,
  ListStreamConsumersCommand,
  ListStreamsCommand,
  ListTagsForStreamCommand,
  MergeShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  SplitShardCommand,
  StartStreamEncryptionCommand,
  SubscribeToShardCommand,
  UpdateShardCountCommand
} from '@aws-sdk/client-kinesis'
import { expect } from 'vitest'
import { type ConformanceCase, caseOf, refused, until } from '../case.ts'
import type { World } from '../world.ts'

const Data = Buffer.from('data')
const half = String(2n ** 127n)
const last = String(2n ** 128n - 1n)
const first = 'shardId-000000000000'

async function iterator(
  { kinesis }: World,
  StreamName: string,
  further: Partial<GetShardIteratorCommandInput> = {}
): Promise<string> {
  const { ShardIterator } = await kinesis.send(
    new GetShardIteratorCommand({
      StreamName,
      ShardId: first,
      ShardIteratorType: 'TRIM_HORIZON',
      ...further
    })
  )
  return ShardIterator!
}

/** Texts of all records from an iterator on, until there are `count`. */
async function read({ kinesis }: World, start: string, count: number): Promise<string[]> {
  let ShardIterator: string | undefined = start
  const texts: string[] = []
  await until(
    async () => {
      const answer = await kinesis.send(new GetRecordsCommand({ ShardIterator }))
      texts.push(...(answer.Records ?? []).map(record => Buffer.from(record.Data!).toString()))
      ShardIterator = answer.NextShardIterator
      return texts.length
    },
    length => length >= count || ShardIterator === undefined
  )
  return texts
}

const put = ({ kinesis }: World, StreamName: string, text: string, ExplicitHashKey?: string) =>
  kinesis.send(
    new PutRecordCommand({
      StreamName,
      PartitionKey: 'key',
      Data: Buffer.from(text),
      ...(ExplicitHashKey === undefined ? {} : { ExplicitHashKey })
    })
  )

async function split(world: World, StreamName: string): Promise<void> {
  await world.kinesis.send(
    new SplitShardCommand({ StreamName, ShardToSplit: first, NewStartingHashKey: half })
  )
  await world.streamIsActive(StreamName)
}

async function consumerIsActive({ kinesis }: World, ConsumerARN: string | undefined): Promise<void> {
  await until(
    () =>
      kinesis.send(new DescribeStreamConsumerCommand({ ConsumerARN })).catch((error: Error) => {
        // It may take a moment before a new consumer is known everywhere.
        if (error.name === 'ResourceNotFoundException') return undefined
        throw error
      }),
    answer => answer?.ConsumerDescription?.ConsumerStatus === 'ACTIVE'
  )
}

export const kinesisCases: readonly ConformanceCase[] = [
  caseOf(
    'kinesis.create.even-ranges',
    'shards of a new stream cover all hash keys, without holes or overlaps',
    async world => {
      const { shards } = await world.stream(3)
      const ranges = shards.map(({ HashKeyRange: range }) => [
        BigInt(range!.StartingHashKey!),
        BigInt(range!.EndingHashKey!)
      ])
      expect(ranges).toHaveLength(3)
      expect(ranges[0]![0]).toBe(0n)
      expect(ranges[2]![1]).toBe(BigInt(last))
      expect(ranges[1]![0]).toBe(ranges[0]![1]! + 1n)
      expect(ranges[2]![0]).toBe(ranges[1]![1]! + 1n)
    }
  ),
  caseOf('kinesis.create.shard-ids', 'shard ids count from shardId-000000000000', async world => {
    const { shards } = await world.stream(2)
    expect(shards.map(({ ShardId }) => ShardId)).toEqual([first, 'shardId-000000000001'])
  }),
  caseOf(
    'kinesis.create.twice',
    'a name that is taken is refused with ResourceInUseException',
    async world => {
      const { StreamName } = await world.stream()
      await refused(
        world.kinesis.send(new CreateStreamCommand({ StreamName, ShardCount: 1 })),
        'ResourceInUseException'
      )
    }
  ),
  caseOf(
    'kinesis.create.bad-name',
    'a name with other characters is refused with ValidationException',
    async ({ kinesis }) => {
      await refused(
        kinesis.send(new CreateStreamCommand({ StreamName: 'no spaces', ShardCount: 1 })),
        'ValidationException'
      )
    }
  ),
  caseOf('kinesis.create.no-shards', 'a provisioned stream of zero shards is refused', async world => {
    await refused(
      world.kinesis.send(new CreateStreamCommand({ StreamName: world.name(), ShardCount: 0 })),
      'ValidationException',
      'InvalidArgumentException'
    )
  }),
  caseOf('kinesis.create.on-demand', 'an on-demand stream begins with four shards', async world => {
    const StreamName = world.name()
    await world.kinesis.send(
      new CreateStreamCommand({ StreamName, StreamModeDetails: { StreamMode: 'ON_DEMAND' } })
    )
    world.atEnd(() => world.kinesis.send(new DeleteStreamCommand({ StreamName })))
    await world.streamIsActive(StreamName)
    const { StreamDescriptionSummary: summary } = await world.kinesis.send(
      new DescribeStreamSummaryCommand({ StreamName })
    )
    expect(summary).toMatchObject({ OpenShardCount: 4, StreamModeDetails: { StreamMode: 'ON_DEMAND' } })
  }),
  caseOf(
    'kinesis.describe.defaults',
    'a stream keeps records for 24 hours, unencrypted, unless told otherwise',
    async world => {
      const { StreamName } = await world.stream()
      const { StreamDescription: stream } = await world.kinesis.send(
        new DescribeStreamCommand({ StreamName })
      )
      expect(stream).toMatchObject({
        StreamStatus: 'ACTIVE',
        RetentionPeriodHours: 24,
        EncryptionType: 'NONE',
        HasMoreShards: false
      })
    }
  ),
  caseOf(
    'kinesis.describe.missing',
    'a stream that is not there is a ResourceNotFoundException',
    async world => {
      await refused(
        world.kinesis.send(new DescribeStreamSummaryCommand({ StreamName: world.name() })),
        'ResourceNotFoundException'
      )
    }
  ),
  caseOf('kinesis.describe.by-arn', 'a stream can be named by its ARN', async world => {
    const { StreamName, StreamARN } = await world.stream()
    const { StreamDescriptionSummary } = await world.kinesis.send(
      new DescribeStreamSummaryCommand({ StreamARN })
    )
    expect(StreamDescriptionSummary?.StreamName).toBe(StreamName)
  }),
  caseOf('kinesis.describe.no-name', 'without name and ARN a request is refused', async ({ kinesis }) => {
    await refused(
      kinesis.send(new DescribeStreamSummaryCommand({})),
      'InvalidArgumentException',
      'ValidationException'
    )
  }),
  caseOf('kinesis.list-streams', 'ListStreams tells a stream that is there', async world => {
    const { StreamName } = await world.stream()
    const { StreamNames } = await world.kinesis.send(new ListStreamsCommand({ Limit: 10_000 }))
    expect(StreamNames).toContain(StreamName)
  }),
  caseOf(
    'kinesis.list-shards.paging',
    'ListShards pages by NextToken, with nothing beside it',
    async world => {
      const { StreamName, shards } = await world.stream(3)
      const seen: (string | undefined)[] = []
      let NextToken: string | undefined
      do {
        const page = await world.kinesis.send(
          new ListShardsCommand({
            ...(NextToken === undefined ? { StreamName } : { NextToken }),
            MaxResults: 2
          })
        )
        seen.push(...(page.Shards ?? []).map(({ ShardId }) => ShardId))
        NextToken = page.NextToken
      } while (NextToken !== undefined)
      expect(seen).toEqual(shards.map(({ ShardId }) => ShardId))
    }
  ),
  caseOf(
    'kinesis.list-shards.token-and-name',
    'NextToken and StreamName together are refused',
    async world => {
      const { StreamName } = await world.stream(2)
      const { NextToken } = await world.kinesis.send(new ListShardsCommand({ StreamName, MaxResults: 1 }))
      await refused(
        world.kinesis.send(new ListShardsCommand({ StreamName, NextToken })),
        'InvalidArgumentException'
      )
    }
  ),
  caseOf('kinesis.list-shards.at-latest', 'the filter AT_LATEST lists the open shards alone', async world => {
    const { StreamName } = await world.stream()
    await split(world, StreamName)
    const { Shards } = await world.kinesis.send(
      new ListShardsCommand({ StreamName, ShardFilter: { Type: 'AT_LATEST' } })
    )
    expect(Shards?.map(({ ShardId }) => ShardId)).toEqual(['shardId-000000000001', 'shardId-000000000002'])
  }),
  caseOf(
    'kinesis.list-shards.at-trim-horizon',
    'the filter AT_TRIM_HORIZON lists what was open then',
    async world => {
      const { StreamName } = await world.stream()
      await split(world, StreamName)
      const { Shards } = await world.kinesis.send(
        new ListShardsCommand({ StreamName, ShardFilter: { Type: 'AT_TRIM_HORIZON' } })
      )
      expect(Shards?.map(({ ShardId }) => ShardId)).toEqual([first])
    }
  ),
  caseOf('kinesis.list-shards.after-id', 'the filter AFTER_SHARD_ID lists what comes after', async world => {
    const { StreamName } = await world.stream(2)
    const { Shards } = await world.kinesis.send(
      new ListShardsCommand({ StreamName, ShardFilter: { Type: 'AFTER_SHARD_ID', ShardId: first } })
    )
    expect(Shards?.map(({ ShardId }) => ShardId)).toEqual(['shardId-000000000001'])
  }),
  caseOf(
    'kinesis.put.round-trip',
    'a record comes back with its data, key and sequence number',
    async world => {
      const { StreamName } = await world.stream()
      const { SequenceNumber, ShardId } = await put(world, StreamName, 'text')
      const { Records } = await until(
        async () =>
          world.kinesis.send(new GetRecordsCommand({ ShardIterator: await iterator(world, StreamName) })),
        answer => answer.Records?.length === 1
      )
      expect(ShardId).toBe(first)
      expect(Records![0]).toMatchObject({ SequenceNumber, PartitionKey: 'key' })
      expect(Buffer.from(Records![0]!.Data!).toString()).toBe('text')
      expect(Records![0]!.ApproximateArrivalTimestamp).toBeInstanceOf(Date)
    }
  ),
  caseOf(
    'kinesis.put.sequence-rises',
    'sequence numbers of a shard rise, and have up to 128 digits',
    async world => {
      const { StreamName } = await world.stream()
      const numbers: bigint[] = []
      for (const text of ['a', 'b', 'c']) {
        const { SequenceNumber } = await put(world, StreamName, text)
        expect(SequenceNumber).toMatch(/^[1-9]\d{0,127}$/)
        numbers.push(BigInt(SequenceNumber!))
      }
      expect(numbers[1]).toBeGreaterThan(numbers[0]!)
      expect(numbers[2]).toBeGreaterThan(numbers[1]!)
    }
  ),
  caseOf('kinesis.put.md5-of-key', 'the MD5 of the partition key decides about the shard', async world => {
    const { StreamName } = await world.stream(2)
    // MD5 of "a" begins with 0c, that of "b" with 92.
    const shardOf = async (PartitionKey: string) =>
      (await world.kinesis.send(new PutRecordCommand({ StreamName, PartitionKey, Data }))).ShardId
    expect([await shardOf('a'), await shardOf('b')]).toEqual([first, 'shardId-000000000001'])
  }),
  caseOf(
    'kinesis.put.explicit-hash-key',
    'an explicit hash key decides instead of the partition key',
    async world => {
      const { StreamName } = await world.stream(2)
      expect((await put(world, StreamName, 'x', '0')).ShardId).toBe(first)
      expect((await put(world, StreamName, 'x', last)).ShardId).toBe('shardId-000000000001')
    }
  ),
  caseOf('kinesis.put.bad-hash-key', 'an explicit hash key of 2^128 is refused', async world => {
    const { StreamName } = await world.stream()
    await refused(put(world, StreamName, 'x', String(2n ** 128n)), 'InvalidArgumentException')
  }),
  caseOf(
    'kinesis.put.empty-key',
    'an empty partition key is refused with ValidationException',
    async world => {
      const { StreamName } = await world.stream()
      await refused(
        world.kinesis.send(new PutRecordCommand({ StreamName, PartitionKey: '', Data })),
        'ValidationException'
      )
    }
  ),
  caseOf(
    'kinesis.put.long-key',
    'a partition key of 257 characters is refused, one of 256 is not',
    async world => {
      const { StreamName } = await world.stream()
      const send = (length: number) =>
        world.kinesis.send(new PutRecordCommand({ StreamName, PartitionKey: 'é'.repeat(length), Data }))
      await send(256)
      await refused(send(257), 'ValidationException')
    }
  ),
  caseOf('kinesis.put.empty-data', 'a record without a byte of data is taken', async world => {
    const { StreamName } = await world.stream()
    await put(world, StreamName, '')
    expect(await read(world, await iterator(world, StreamName), 1)).toEqual([''])
  }),
  caseOf(
    'kinesis.put.too-large',
    'data of 1 MiB and a byte is refused, 1 MiB with its key counted is taken',
    async world => {
      const { StreamName } = await world.stream()
      const send = (bytes: number) =>
        world.kinesis.send(new PutRecordCommand({ StreamName, PartitionKey: 'k', Data: Buffer.alloc(bytes) }))
      await refused(send(1_048_577), 'ValidationException', 'InvalidArgumentException')
      await send(1_048_575)
    }
  ),
  caseOf(
    'kinesis.put.missing',
    'a put to a stream that is not there is a ResourceNotFoundException',
    async world => {
      await refused(put(world, world.name(), 'x'), 'ResourceNotFoundException')
    }
  ),
  caseOf(
    'kinesis.put-records.order',
    'answers of PutRecords stand in the order of the entries',
    async world => {
      const { StreamName } = await world.stream(2)
      const { Records, FailedRecordCount } = await world.kinesis.send(
        new PutRecordsCommand({
          StreamName,
          Records: [last, '0', last].map(ExplicitHashKey => ({ PartitionKey: 'k', Data, ExplicitHashKey }))
        })
      )
      expect(FailedRecordCount).toBe(0)
      const second = 'shardId-000000000001'
      expect(Records?.map(({ ShardId }) => ShardId)).toEqual([second, first, second])
    }
  ),
  caseOf('kinesis.put-records.501', '501 entries are refused, all of them', async world => {
    const { StreamName } = await world.stream()
    const Records = Array.from({ length: 501 }, () => ({ PartitionKey: 'k', Data }))
    await refused(
      world.kinesis.send(new PutRecordsCommand({ StreamName, Records })),
      'ValidationException',
      'InvalidArgumentException'
    )
  }),
  caseOf('kinesis.put-records.none', 'no entry at all is refused with ValidationException', async world => {
    const { StreamName } = await world.stream()
    await refused(
      world.kinesis.send(new PutRecordsCommand({ StreamName, Records: [] })),
      'ValidationException'
    )
  }),
  caseOf(
    'kinesis.put-records.one-bad',
    'one wrong entry fails the whole request, and nothing is stored',
    async world => {
      const { StreamName } = await world.stream()
      await refused(
        world.kinesis.send(
          new PutRecordsCommand({
            StreamName,
            Records: [
              { PartitionKey: 'k', Data },
              { PartitionKey: '', Data }
            ]
          })
        ),
        'ValidationException'
      )
      const { Records } = await world.kinesis.send(
        new GetRecordsCommand({ ShardIterator: await iterator(world, StreamName) })
      )
      expect(Records).toEqual([])
    }
  ),
  caseOf('kinesis.read.latest', 'LATEST begins behind what is there', async world => {
    const { StreamName } = await world.stream()
    await put(world, StreamName, 'before')
    const start = await iterator(world, StreamName, { ShardIteratorType: 'LATEST' })
    await put(world, StreamName, 'after')
    expect(await read(world, start, 1)).toEqual(['after'])
  }),
  caseOf(
    'kinesis.read.at-and-after',
    'AT_ and AFTER_SEQUENCE_NUMBER differ by the record itself',
    async world => {
      const { StreamName } = await world.stream()
      const { SequenceNumber: StartingSequenceNumber } = await put(world, StreamName, 'a')
      await put(world, StreamName, 'b')
      const from = (ShardIteratorType: 'AT_SEQUENCE_NUMBER' | 'AFTER_SEQUENCE_NUMBER') =>
        iterator(world, StreamName, { ShardIteratorType, StartingSequenceNumber })
      expect(await read(world, await from('AT_SEQUENCE_NUMBER'), 2)).toEqual(['a', 'b'])
      expect(await read(world, await from('AFTER_SEQUENCE_NUMBER'), 1)).toEqual(['b'])
    }
  ),
  caseOf('kinesis.read.at-timestamp', 'AT_TIMESTAMP of long ago begins at the first record', async world => {
    const { StreamName } = await world.stream()
    await put(world, StreamName, 'a')
    const start = await iterator(world, StreamName, {
      ShardIteratorType: 'AT_TIMESTAMP',
      Timestamp: new Date(Date.now() - 3_600_000)
    })
    expect(await read(world, start, 1)).toEqual(['a'])
  }),
  caseOf('kinesis.read.future', 'AT_TIMESTAMP of tomorrow is refused', async world => {
    const { StreamName } = await world.stream()
    await refused(
      iterator(world, StreamName, {
        ShardIteratorType: 'AT_TIMESTAMP',
        Timestamp: new Date(Date.now() + 86_400_000)
      }),
      'InvalidArgumentException'
    )
  }),
  caseOf(
    'kinesis.read.limit',
    'Limit bounds an answer, and the next iterator goes on behind it',
    async world => {
      const { StreamName } = await world.stream()
      for (const text of ['a', 'b', 'c']) await put(world, StreamName, text)
      const answer = await world.kinesis.send(
        new GetRecordsCommand({ ShardIterator: await iterator(world, StreamName), Limit: 2 })
      )
      expect(answer.Records).toHaveLength(2)
      expect(await read(world, answer.NextShardIterator!, 1)).toEqual(['c'])
    }
  ),
  caseOf('kinesis.read.limit-too-large', 'a Limit of 10,001 is refused', async world => {
    const { StreamName } = await world.stream()
    await refused(
      world.kinesis.send(
        new GetRecordsCommand({ ShardIterator: await iterator(world, StreamName), Limit: 10_001 })
      ),
      'ValidationException',
      'InvalidArgumentException'
    )
  }),
  caseOf(
    'kinesis.read.bad-iterator',
    'what is no iterator is refused with InvalidArgumentException',
    async ({ kinesis }) => {
      await refused(
        kinesis.send(new GetRecordsCommand({ ShardIterator: 'nonsense' })),
        'InvalidArgumentException'
      )
    }
  ),
  caseOf(
    'kinesis.read.missing-shard',
    'an iterator of a shard that is not there is a ResourceNotFoundException',
    async world => {
      const { StreamName } = await world.stream()
      await refused(
        iterator(world, StreamName, { ShardId: 'shardId-000000000099' }),
        'ResourceNotFoundException'
      )
    }
  ),
  caseOf('kinesis.read.foreign-number', 'a starting number of no shard is refused', async world => {
    const { StreamName } = await world.stream()
    await refused(
      iterator(world, StreamName, {
        ShardIteratorType: 'AT_SEQUENCE_NUMBER',
        StartingSequenceNumber: '12345678901234567890'
      }),
      'InvalidArgumentException'
    )
  }),
  caseOf(
    'kinesis.split.children',
    'a split closes the parent, and its children share its range',
    async world => {
      const { StreamName } = await world.stream()
      await split(world, StreamName)
      const { Shards } = await world.kinesis.send(new ListShardsCommand({ StreamName }))
      expect(Shards![0]!.SequenceNumberRange?.EndingSequenceNumber).toBeDefined()
      expect(Shards!.slice(1)).toMatchObject([
        {
          ParentShardId: first,
          HashKeyRange: { StartingHashKey: '0', EndingHashKey: String(2n ** 127n - 1n) }
        },
        { ParentShardId: first, HashKeyRange: { StartingHashKey: half, EndingHashKey: last } }
      ])
    }
  ),
  caseOf(
    'kinesis.split.end-of-shard',
    'a closed shard is read to its end, then there is no next iterator',
    async world => {
      const { StreamName } = await world.stream()
      await put(world, StreamName, 'a')
      const start = await iterator(world, StreamName)
      await split(world, StreamName)
      expect(await read(world, start, 99)).toEqual(['a'])
    }
  ),
  caseOf(
    'kinesis.split.child-shards',
    'the last answer of a closed shard names the children with their parents',
    async world => {
      const { StreamName } = await world.stream()
      await split(world, StreamName)
      const { ChildShards } = await until(
        async () =>
          world.kinesis.send(new GetRecordsCommand({ ShardIterator: await iterator(world, StreamName) })),
        answer => answer.NextShardIterator === undefined || answer.NextShardIterator === null
      )
      expect(ChildShards).toMatchObject([
        { ShardId: 'shardId-000000000001', ParentShards: [first] },
        { ShardId: 'shardId-000000000002', ParentShards: [first] }
      ])
      expect(ChildShards![0]!.HashKeyRange?.StartingHashKey).toBe('0')
    }
  ),
  caseOf('kinesis.split.bad-hash-key', 'a split at the start of a shard is refused', async world => {
    const { StreamName } = await world.stream()
    await refused(
      world.kinesis.send(new SplitShardCommand({ StreamName, ShardToSplit: first, NewStartingHashKey: '0' })),
      'InvalidArgumentException'
    )
  }),
  caseOf('kinesis.merge.children', 'a merge makes one shard with both parents', async world => {
    const { StreamName } = await world.stream(2)
    const AdjacentShardToMerge = 'shardId-000000000001'
    await world.kinesis.send(
      new MergeShardsCommand({ StreamName, ShardToMerge: first, AdjacentShardToMerge })
    )
    await world.streamIsActive(StreamName)
    const { Shards } = await world.kinesis.send(new ListShardsCommand({ StreamName }))
    expect(Shards![2]).toMatchObject({
      ParentShardId: first,
      AdjacentParentShardId: AdjacentShardToMerge,
      HashKeyRange: { StartingHashKey: '0', EndingHashKey: last }
    })
  }),
  caseOf('kinesis.merge.not-adjacent', 'shards that are not neighbours cannot be merged', async world => {
    const { StreamName } = await world.stream(3)
    await refused(
      world.kinesis.send(
        new MergeShardsCommand({
          StreamName,
          ShardToMerge: first,
          AdjacentShardToMerge: 'shardId-000000000002'
        })
      ),
      'InvalidArgumentException'
    )
  }),
  caseOf(
    'kinesis.update-shard-count',
    'UpdateShardCount leaves so many open shards, over all hash keys',
    async world => {
      const { StreamName } = await world.stream(2)
      await world.kinesis.send(
        new UpdateShardCountCommand({ StreamName, TargetShardCount: 4, ScalingType: 'UNIFORM_SCALING' })
      )
      await world.streamIsActive(StreamName)
      const { Shards } = await world.kinesis.send(
        new ListShardsCommand({ StreamName, ShardFilter: { Type: 'AT_LATEST' } })
      )
      expect(Shards).toHaveLength(4)
      const starts = Shards!.map(({ HashKeyRange: range }) => BigInt(range!.StartingHashKey!))
      expect(starts.sort((a, b) => (a < b ? -1 : 1))[0]).toBe(0n)
    }
  ),
  caseOf(
    'kinesis.update-shard-count.too-many',
    'more than double the open shards is a LimitExceededException',
    async world => {
      const { StreamName } = await world.stream(1)
      await refused(
        world.kinesis.send(
          new UpdateShardCountCommand({ StreamName, TargetShardCount: 3, ScalingType: 'UNIFORM_SCALING' })
        ),
        'LimitExceededException',
        'InvalidArgumentException'
      )
    }
  ),
  caseOf(
    'kinesis.retention',
    'the retention period can be longer, then shorter, never below 24 hours',
    async world => {
      const { StreamName } = await world.stream()
      await world.kinesis.send(
        new IncreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours: 48 })
      )
      await world.streamIsActive(StreamName)
      const { StreamDescriptionSummary: summary } = await world.kinesis.send(
        new DescribeStreamSummaryCommand({ StreamName })
      )
      expect(summary?.RetentionPeriodHours).toBe(48)
      await refused(
        world.kinesis.send(
          new DecreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours: 23 })
        ),
        'InvalidArgumentException',
        'ValidationException'
      )
    }
  ),
  caseOf('kinesis.tags', 'tags are added and told', async world => {
    const { StreamName } = await world.stream()
    await world.kinesis.send(new AddTagsToStreamCommand({ StreamName, Tags: { team: 'a', stage: 'b' } }))
    const { Tags, HasMoreTags } = await world.kinesis.send(new ListTagsForStreamCommand({ StreamName }))
    expect(HasMoreTags).toBe(false)
    expect(Tags?.map(({ Key, Value }) => `${Key}=${Value}`).sort()).toEqual(['stage=b', 'team=a'])
  }),
  caseOf('kinesis.encryption', 'records of an encrypted stream say so', async world => {
    const { StreamName } = await world.stream()
    await world.kinesis.send(
      new StartStreamEncryptionCommand({ StreamName, EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' })
    )
    await world.streamIsActive(StreamName)
    expect((await put(world, StreamName, 'x')).EncryptionType).toBe('KMS')
  }),
  caseOf(
    'kinesis.consumer.life',
    'a consumer is registered, listed, described and deregistered',
    async world => {
      const { StreamARN } = await world.stream()
      const { Consumer } = await world.kinesis.send(
        new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'c' })
      )
      expect(Consumer).toMatchObject({ ConsumerName: 'c', ConsumerStatus: 'CREATING' })
      const { ConsumerARN } = Consumer!
      await consumerIsActive(world, ConsumerARN)
      const { Consumers } = await world.kinesis.send(new ListStreamConsumersCommand({ StreamARN }))
      expect(Consumers?.map(({ ConsumerName }) => ConsumerName)).toEqual(['c'])
      await world.kinesis.send(new DeregisterStreamConsumerCommand({ ConsumerARN }))
    }
  ),
  caseOf(
    'kinesis.consumer.twice',
    'a consumer name that is taken is a ResourceInUseException',
    async world => {
      const { StreamARN } = await world.stream()
      const register = () =>
        world.kinesis.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'c' }))
      await register()
      await refused(register(), 'ResourceInUseException')
    }
  ),
  caseOf(
    'kinesis.consumer.subscribe',
    'a subscription brings what is put, with a number to go on from',
    async world => {
      const { StreamARN, StreamName } = await world.stream()
      const { Consumer } = await world.kinesis.send(
        new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'c' })
      )
      const { ConsumerARN } = Consumer!
      await consumerIsActive(world, ConsumerARN)
      const { SequenceNumber } = await put(world, StreamName, 'x')
      const stop = new AbortController()
      const { EventStream } = await world.kinesis.send(
        new SubscribeToShardCommand({
          ConsumerARN,
          ShardId: first,
          StartingPosition: { Type: 'TRIM_HORIZON' }
        }),
        { abortSignal: stop.signal }
      )
      for await (const { SubscribeToShardEvent: event } of EventStream!) {
        expect(event?.ContinuationSequenceNumber).toMatch(/^\d+$/)
        if (event?.Records?.length === 0) continue
        expect(event?.Records?.map(record => record.SequenceNumber)).toEqual([SequenceNumber])
        break
      }
      stop.abort()
    }
  ),
  caseOf('kinesis.delete.gone', 'a deleted stream is gone', async world => {
    const { StreamName } = await world.stream()
    await world.kinesis.send(new DeleteStreamCommand({ StreamName }))
    await until(
      () =>
        world.kinesis.send(new DescribeStreamSummaryCommand({ StreamName })).then(
          () => 'there',
          (error: Error) => error.name
        ),
      answer => answer === 'ResourceNotFoundException'
    )
  }),
  caseOf(
    'kinesis.delete.consumers',
    'a stream with consumers is deleted only when that is enforced',
    async world => {
      const { StreamARN, StreamName } = await world.stream()
      await world.kinesis.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'c' }))
      await refused(world.kinesis.send(new DeleteStreamCommand({ StreamName })), 'ResourceInUseException')
    }
  )
]
