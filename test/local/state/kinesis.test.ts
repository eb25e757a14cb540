import {
  AddTagsToStreamCommand,
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamConsumerCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  IncreaseStreamRetentionPeriodCommand,
  type KinesisClient,
  ListShardsCommand,
  ListStreamConsumersCommand,
  ListStreamsCommand,
  ListTagsForStreamCommand,
  MergeShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  PutResourcePolicyCommand,
  RegisterStreamConsumerCommand,
  SplitShardCommand,
  StartStreamEncryptionCommand,
  UpdateShardCountCommand
} from '@aws-sdk/client-kinesis'
import { describe, expect, it } from 'vitest'
import { createKinesisClient } from '../../../core/kinesis-client.ts'
import type { LocalOptions } from '../../../local/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { opened } from '../../helpers/local.ts'
import { readShard, shardsOf, summaryOf } from '../../helpers/local-kinesis.ts'
import { launchEngines, makeStateFolder, putUntilKilled, restartable } from '../../helpers/state.ts'

const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/s'
const half = String(2n ** 127n)

function restartableKinesis(options: LocalOptions = {}): () => Promise<KinesisClient> {
  const restart = restartable(options)
  return async () => opened(createKinesisClient((await restart()).clientConfig('kinesis')))
}

/** Everything that the API tells of the stream `s`. */
async function everythingOf(client: KinesisClient) {
  const { $metadata: _, ...shards } = await client.send(new ListShardsCommand({ StreamName: 's' }))
  const { Consumers = [] } = await client.send(new ListStreamConsumersCommand({ StreamARN }))
  const records = await Promise.all(
    (shards.Shards ?? []).map(async ({ ShardId }) => (await readShard(client, ShardId!)).Records)
  )
  const { Tags } = await client.send(new ListTagsForStreamCommand({ StreamName: 's' }))
  return { summary: await summaryOf(client), shards, Consumers, records, Tags }
}

const put = (client: KinesisClient, PartitionKey: string, Data = PartitionKey) =>
  client.send(new PutRecordCommand({ StreamName: 's', PartitionKey, Data: Buffer.from(Data) }))

describe('the Kinesis engine with a state folder', () => {
  it('is the same after a restart: streams, shards, records, consumers, tags, settings', async () => {
    const restart = restartableKinesis()
    const client = await restart()
    await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 2, Tags: { a: '1' } }))
    for (let n = 0; n < 20; n += 1) await put(client, `key-${n}`)
    const [low, high] = await shardsOf(client)
    await client.send(
      new SplitShardCommand({
        StreamName: 's',
        ShardToSplit: low!.ShardId,
        NewStartingHashKey: String(2n ** 126n)
      })
    )
    await client.send(
      new StartStreamEncryptionCommand({ StreamName: 's', EncryptionType: 'KMS', KeyId: 'k' })
    )
    for (let n = 20; n < 40; n += 1) await put(client, `clé-${n}`, '')
    await client.send(
      new MergeShardsCommand({
        StreamName: 's',
        ShardToMerge: 'shardId-000000000003',
        AdjacentShardToMerge: high!.ShardId
      })
    )
    await put(client, 'last')
    await client.send(new AddTagsToStreamCommand({ StreamName: 's', Tags: { b: '2' } }))
    await client.send(new IncreaseStreamRetentionPeriodCommand({ StreamName: 's', RetentionPeriodHours: 48 }))
    await client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'c', Tags: { t: 'u' } }))
    await client.send(new PutResourcePolicyCommand({ ResourceARN: StreamARN, Policy: '{"Version":"x"}' }))
    const before = await everythingOf(client)
    expect(before.records.flat()).toHaveLength(41)

    const after = await restart()
    expect(await everythingOf(after)).toEqual(before)
    const { ConsumerDescription } = await after.send(
      new DescribeStreamConsumerCommand({ StreamARN, ConsumerName: 'c' })
    )
    expect(ConsumerDescription?.ConsumerStatus).toBe('ACTIVE')
    // Once more, from what was written after a restart.
    await put(after, 'more')
    const grown = await everythingOf(after)
    expect(await everythingOf(await restart())).toEqual(grown)
  })

  it('never gives a sequence number twice, also when nothing is left of a shard', async () => {
    const clock = new FakeClock()
    const restart = restartableKinesis({ clock })
    let client = await restart()
    await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    const numbers: bigint[] = []
    for (let round = 0; round < 4; round += 1) {
      for (let n = 0; n < 3; n += 1) numbers.push(BigInt((await put(client, 'k')).SequenceNumber!))
      await clock.advance(25 * 3_600_000)
      client = await restart()
      expect((await readShard(client, 'shardId-000000000000')).Records).toEqual([])
    }
    expect(numbers).toEqual([...numbers].sort((a, b) => (a < b ? -1 : 1)))
    expect(new Set(numbers).size).toBe(numbers.length)
    // A stream of the same name is another one, with numbers of its own.
    await client.send(new DeleteStreamCommand({ StreamName: 's' }))
    client = await restart()
    expect((await client.send(new ListStreamsCommand({}))).StreamNames).toEqual([])
    await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    expect(BigInt((await put(client, 'k')).SequenceNumber!)).toBeGreaterThan(numbers.at(-1)!)
  })

  it('does not bring back what a shorter retention period took away', async () => {
    const clock = new FakeClock()
    const restart = restartableKinesis({ clock })
    const client = await restart()
    await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    await put(client, 'old')
    await clock.advance(25 * 3_600_000)
    await put(client, 'young')
    await client.send(new IncreaseStreamRetentionPeriodCommand({ StreamName: 's', RetentionPeriodHours: 48 }))
    const keysOf = async (from: KinesisClient) =>
      (await readShard(from, 'shardId-000000000000')).Records?.map(({ PartitionKey }) => PartitionKey)
    expect(await keysOf(client)).toEqual(['young'])
    expect(await keysOf(await restart())).toEqual(['young'])
  })

  it('keeps to the byte cap over restarts', async () => {
    const restart = restartableKinesis({ maxKinesisBytes: 2 * (1 + 32) })
    const client = await restart()
    await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    for (const key of ['a', 'b', 'c']) await put(client, key, '')
    const keysOf = async (from: KinesisClient) =>
      (await readShard(from, 'shardId-000000000000')).Records?.map(({ PartitionKey }) => PartitionKey)
    expect(await keysOf(client)).toEqual(['b', 'c'])
    expect(await keysOf(await restart())).toEqual(['b', 'c'])
  })

  it('lets an iterator go on that was made before the restart', async () => {
    const restart = restartableKinesis()
    const client = await restart()
    await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    await put(client, 'a')
    await put(client, 'b')
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand({
        StreamName: 's',
        ShardId: 'shardId-000000000000',
        ShardIteratorType: 'TRIM_HORIZON'
      })
    )
    const { NextShardIterator } = await client.send(new GetRecordsCommand({ ShardIterator, Limit: 1 }))
    const { Records } = await (await restart()).send(
      new GetRecordsCommand({ ShardIterator: NextShardIterator })
    )
    expect(Records?.map(({ PartitionKey }) => PartitionKey)).toEqual(['b'])
  })

  it('forgets a stream that was being deleted, and ends other waits', async () => {
    const restart = restartableKinesis({ statusDelayMs: 3_600_000 })
    const client = await restart()
    await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    await client.send(new CreateStreamCommand({ StreamName: 't', ShardCount: 1 }))
    await client.send(new DeleteStreamCommand({ StreamName: 't' }))
    const after = await restart()
    expect((await after.send(new ListStreamsCommand({}))).StreamNames).toEqual(['s'])
    const { StreamDescriptionSummary } = await after.send(
      new DescribeStreamSummaryCommand({ StreamName: 's' })
    )
    expect(StreamDescriptionSummary?.StreamStatus).toBe('ACTIVE')
  })

  it.each([1, 7, 40])('has every acknowledged record after a SIGKILL behind %i requests', async count => {
    const folder = makeStateFolder()
    const engines = await launchEngines(folder)
    const client = opened(createKinesisClient({ ...engines.clientConfig, maxAttempts: 1 }))
    await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 2 }))
    if (count > 5) {
      await client.send(
        new UpdateShardCountCommand({
          StreamName: 's',
          TargetShardCount: 3,
          ScalingType: 'UNIFORM_SCALING'
        })
      )
    }
    const acknowledged = await putUntilKilled(engines, count, async number => {
      const { Records = [] } = await client.send(
        new PutRecordsCommand({
          StreamName: 's',
          Records: Array.from({ length: 25 }, (_, index) => ({
            PartitionKey: `${number}-${index}`,
            ExplicitHashKey: index % 2 === 0 ? '0' : half,
            Data: Buffer.alloc(2_000, number)
          }))
        })
      )
      return Records.map(({ ShardId, SequenceNumber }, index) => ({
        key: `${number}-${index}`,
        at: `${ShardId}/${SequenceNumber}`
      }))
    })
    const again = await launchEngines(folder)
    const reader = opened(createKinesisClient(again.clientConfig))
    const stored = new Map<string, string>()
    for (const { ShardId } of await shardsOf(reader)) {
      const { Records = [] } = await readShard(reader, ShardId!)
      for (const { SequenceNumber, PartitionKey } of Records) {
        stored.set(`${ShardId}/${SequenceNumber}`, PartitionKey!)
      }
    }
    for (const { key, at } of acknowledged.flat()) expect(stored.get(at)).toBe(key)
    // What comes now has numbers of its own.
    const { ShardId, SequenceNumber } = await put(reader, 'new')
    expect(stored.has(`${ShardId}/${SequenceNumber}`)).toBe(false)
  })
})
