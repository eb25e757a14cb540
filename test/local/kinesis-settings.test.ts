import {
  AddTagsToStreamCommand,
  CreateStreamCommand,
  DeleteResourcePolicyCommand,
  DescribeLimitsCommand,
  DescribeStreamCommand,
  DisableEnhancedMonitoringCommand,
  EnableEnhancedMonitoringCommand,
  GetRecordsCommand,
  GetResourcePolicyCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListTagsForResourceCommand,
  ListTagsForStreamCommand,
  type MetricsName,
  PutRecordCommand,
  PutRecordsCommand,
  PutResourcePolicyCommand,
  RegisterStreamConsumerCommand,
  RemoveTagsFromStreamCommand,
  StartStreamEncryptionCommand,
  StopStreamEncryptionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateShardCountCommand
} from '@aws-sdk/client-kinesis'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../helpers/fake-clock.ts'
import { readShard, startKinesis, summaryOf } from '../helpers/local-kinesis.ts'

const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/s'
const first = 'shardId-000000000000'
const put = (client: KinesisClient, Data: Uint8Array = Buffer.from('x')) =>
  client.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'k', Data }))
const consumerOf = async (client: KinesisClient, Tags?: Record<string, string>) => {
  const input = { StreamARN, ConsumerName: 'c', ...(Tags === undefined ? {} : { Tags }) }
  return (await client.send(new RegisterStreamConsumerCommand(input))).Consumer!.ConsumerARN!
}

describe('encryption at rest of the Kinesis engine', () => {
  const start = (client: KinesisClient, KeyId: string, EncryptionType = 'KMS') =>
    client.send(
      new StartStreamEncryptionCommand({ StreamName: 's', KeyId, EncryptionType: EncryptionType as never })
    )

  it('is told by the stream, by puts, and by the records that came while it was on', async () => {
    const client = await startKinesis({ ShardCount: 1 })
    const before = await put(client)
    expect(await summaryOf(client)).not.toHaveProperty('KeyId')
    await start(client, 'alias/aws/kinesis')
    const on = { EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' }
    expect(await summaryOf(client)).toMatchObject(on)
    const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamARN }))
    expect(StreamDescription).toMatchObject(on)
    const during = await client.send(
      new PutRecordsCommand({ StreamName: 's', Records: [{ PartitionKey: 'k', Data: Buffer.from('y') }] })
    )
    const stop = { StreamARN, EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' } as const
    await client.send(new StopStreamEncryptionCommand(stop))
    const after = await put(client)
    expect([before, during, after].map(({ EncryptionType }) => EncryptionType)).toEqual([
      'NONE',
      'KMS',
      'NONE'
    ])
    const { Records = [] } = await readShard(client, first)
    expect(Records.map(({ EncryptionType }) => EncryptionType)).toEqual(['NONE', 'KMS', 'NONE'])
    expect(await summaryOf(client)).toMatchObject({ EncryptionType: 'NONE' })
    expect(await summaryOf(client)).not.toHaveProperty('KeyId')
  })

  it('is a state alone: any key will do, and data stays as it came', async () => {
    const client = await startKinesis({ ShardCount: 1 })
    await start(client, 'no-such-key')
    await put(client, Buffer.from('plain'))
    const { Records: [record] = [] } = await readShard(client, first)
    expect(Buffer.from(record!.Data!).toString()).toBe('plain')
  })

  it('needs a key and the type KMS, and an active stream', async () => {
    const clock = new FakeClock()
    const client = await startKinesis({ ShardCount: 1 }, { clock, statusDelayMs: 500 })
    await expect(start(client, 'k')).rejects.toMatchObject({ name: 'ResourceInUseException' })
    await clock.advance(500)
    await expect(start(client, '')).rejects.toMatchObject({ name: 'ValidationException' })
    await expect(start(client, 'k', 'NONE')).rejects.toMatchObject({ name: 'ValidationException' })
    await start(client, 'k')
    expect(await summaryOf(client)).toMatchObject({ StreamStatus: 'UPDATING' })
  })
})

describe('tags of the Kinesis engine', () => {
  const add = (client: KinesisClient, Tags: Record<string, string>) =>
    client.send(new AddTagsToStreamCommand({ StreamName: 's', Tags }))
  const tagsOf = async (client: KinesisClient, ResourceARN: string) =>
    (await client.send(new ListTagsForResourceCommand({ ResourceARN }))).Tags

  it('are those of the creation, with others added, changed and removed by name or by ARN', async () => {
    const client = await startKinesis({ ShardCount: 1, Tags: { team: 'a', stage: 'test' } })
    await add(client, { team: 'b', cost: '' })
    await client.send(new TagResourceCommand({ ResourceARN: StreamARN, Tags: { zone: '1' } }))
    expect(await tagsOf(client, StreamARN)).toEqual([
      { Key: 'cost', Value: '' },
      { Key: 'stage', Value: 'test' },
      { Key: 'team', Value: 'b' },
      { Key: 'zone', Value: '1' }
    ])
    await client.send(new RemoveTagsFromStreamCommand({ StreamARN, TagKeys: ['cost', 'none'] }))
    await client.send(new UntagResourceCommand({ ResourceARN: StreamARN, TagKeys: ['stage'] }))
    const page = async (ExclusiveStartTagKey?: string) =>
      client.send(new ListTagsForStreamCommand({ StreamName: 's', Limit: 1, ExclusiveStartTagKey }))
    expect(await page()).toMatchObject({ Tags: [{ Key: 'team', Value: 'b' }], HasMoreTags: true })
    expect(await page('team')).toMatchObject({ Tags: [{ Key: 'zone' }], HasMoreTags: false })
  })

  it('are there for a consumer too, apart from those of its stream', async () => {
    const client = await startKinesis({ ShardCount: 1 })
    const ResourceARN = await consumerOf(client, { of: 'consumer' })
    await client.send(new TagResourceCommand({ ResourceARN, Tags: { more: '1' } }))
    await client.send(new UntagResourceCommand({ ResourceARN, TagKeys: ['of'] }))
    expect(await tagsOf(client, ResourceARN)).toEqual([{ Key: 'more', Value: '1' }])
    expect(await tagsOf(client, StreamARN)).toEqual([])
  })

  it.each([
    ['a key of 129 characters', { ['k'.repeat(129)]: 'v' }, 'ValidationException'],
    ['a value of 257 characters', { k: 'v'.repeat(257) }, 'ValidationException'],
    ['a key that AWS reserves', { 'aws:k': 'v' }, 'InvalidArgumentException'],
    ['a key with other characters', { 'k*': 'v' }, 'InvalidArgumentException'],
    ['a value with other characters', { k: 'v!' }, 'InvalidArgumentException'],
    [
      '51 of them',
      Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, 'v'])),
      'LimitExceededException'
    ]
  ])('are refused for %s, and stay as they were', async (_, tags, name) => {
    const client = await startKinesis({ ShardCount: 1, Tags: { there: 'yes' } })
    await expect(add(client, tags)).rejects.toMatchObject({ name })
    await expect(
      client.send(new TagResourceCommand({ ResourceARN: StreamARN, Tags: tags }))
    ).rejects.toMatchObject({ name })
    expect(await tagsOf(client, StreamARN)).toEqual([{ Key: 'there', Value: 'yes' }])
  })

  it('are taken with the longest key and value, and 50 at most', async () => {
    const client = await startKinesis({ ShardCount: 1 })
    await add(client, { ['ü'.repeat(128)]: '+-=._:/@ '.padEnd(256, 'v') })
    await add(client, Object.fromEntries(Array.from({ length: 49 }, (_, index) => [`k${index}`, 'v'])))
    expect(await tagsOf(client, StreamARN)).toHaveLength(50)
  })

  it('are of something that is there', async () => {
    const client = await startKinesis({ ShardCount: 1 })
    await expect(tagsOf(client, `${StreamARN}2`)).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    await expect(tagsOf(client, `${StreamARN}/consumer/c:1`)).rejects.toMatchObject({
      name: 'ResourceNotFoundException'
    })
  })
})

describe('resource policies of the Kinesis engine', () => {
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Deny', Principal: '*' }] })
  const read = (client: KinesisClient, ResourceARN: string) =>
    client.send(new GetResourcePolicyCommand({ ResourceARN }))
  const remove = (client: KinesisClient, ResourceARN: string) =>
    client.send(new DeleteResourcePolicyCommand({ ResourceARN }))

  it('are kept for streams and consumers, given back as they came, and removed', async () => {
    const client = await startKinesis({ ShardCount: 1 })
    const consumer = await consumerOf(client)
    await client.send(new PutResourcePolicyCommand({ ResourceARN: consumer, Policy }))
    expect((await read(client, consumer)).Policy).toBe(Policy)
    expect((await read(client, StreamARN)).Policy).toBe('{}')
    await remove(client, consumer)
    expect((await read(client, consumer)).Policy).toBe('{}')
    await expect(remove(client, consumer)).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })

  it('keep nobody out', async () => {
    const client = await startKinesis({ ShardCount: 1 })
    await client.send(new PutResourcePolicyCommand({ ResourceARN: StreamARN, Policy }))
    expect((await put(client)).ShardId).toBe(first)
  })

  it.each(['', '{', '[]', '"x"', 'null'])('are refused as %j', async text => {
    const client = await startKinesis({ ShardCount: 1 })
    const putting = client.send(new PutResourcePolicyCommand({ ResourceARN: StreamARN, Policy: text }))
    await expect(putting).rejects.toMatchObject({ name: 'InvalidArgumentException' })
  })
})

describe('enhanced monitoring of the Kinesis engine', () => {
  const enable = (client: KinesisClient, ...ShardLevelMetrics: MetricsName[]) =>
    client.send(new EnableEnhancedMonitoringCommand({ StreamName: 's', ShardLevelMetrics }))

  it('keeps which metrics are wanted, one by one and all', async () => {
    const client = await startKinesis({ ShardCount: 1 })
    expect(await enable(client, 'OutgoingBytes', 'IncomingBytes')).toMatchObject({
      StreamName: 's',
      StreamARN,
      CurrentShardLevelMetrics: [],
      DesiredShardLevelMetrics: ['IncomingBytes', 'OutgoingBytes']
    })
    expect(await summaryOf(client)).toMatchObject({
      EnhancedMonitoring: [{ ShardLevelMetrics: ['IncomingBytes', 'OutgoingBytes'] }]
    })
    const all = await enable(client, 'ALL')
    expect(all.CurrentShardLevelMetrics).toEqual(['IncomingBytes', 'OutgoingBytes'])
    expect(all.DesiredShardLevelMetrics).toHaveLength(7)
    const disable = (...ShardLevelMetrics: MetricsName[]) =>
      client.send(new DisableEnhancedMonitoringCommand({ StreamARN, ShardLevelMetrics }))
    expect((await disable('IncomingBytes')).DesiredShardLevelMetrics).toHaveLength(6)
    expect((await disable('ALL')).DesiredShardLevelMetrics).toEqual([])
  })

  it('refuses metrics that there are not, and none', async () => {
    const client = await startKinesis({ ShardCount: 1 })
    for (const metrics of [[], ['Everything' as MetricsName]]) {
      await expect(enable(client, ...metrics)).rejects.toMatchObject({ name: 'ValidationException' })
    }
  })
})

describe('DescribeLimits', () => {
  it('counts open shards of provisioned streams, and on-demand streams', async () => {
    const client = await startKinesis({ ShardCount: 2 })
    const scale = { StreamName: 's', TargetShardCount: 4, ScalingType: 'UNIFORM_SCALING' } as const
    await client.send(new UpdateShardCountCommand(scale))
    const mode = { StreamModeDetails: { StreamMode: 'ON_DEMAND' } } as const
    await client.send(new CreateStreamCommand({ StreamName: 'u', ...mode }))
    expect(await client.send(new DescribeLimitsCommand({}))).toMatchObject({
      ShardLimit: 20_000,
      OpenShardCount: 4,
      OnDemandStreamCount: 1,
      OnDemandStreamCountLimit: 50
    })
  })

  it('tells limits that nobody is held to', async () => {
    const client = await startKinesis({ ShardCount: 1 })
    for (const StreamName of ['a', 'b', 'c']) {
      await client.send(new CreateStreamCommand({ StreamName, ShardCount: 10_000 }))
    }
    const { OpenShardCount, ShardLimit } = await client.send(new DescribeLimitsCommand({}))
    expect(OpenShardCount).toBeGreaterThan(ShardLimit!)
  })
})

describe('read limits of the Kinesis engine', () => {
  async function aReader(options: object) {
    const clock = new FakeClock()
    const client = await startKinesis({ ShardCount: 2, MaxRecordSizeInKiB: 10_240 }, { clock, ...options })
    const of = async (ShardId: string) => {
      const at = { StreamName: 's', ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const
      const { ShardIterator } = await client.send(new GetShardIteratorCommand(at))
      return (Limit?: number) =>
        client.send(new GetRecordsCommand({ ShardIterator, Limit })).then(
          ({ Records }) => Records?.length,
          (error: Error) => error.name
        )
    }
    return { clock, client, read: await of(first), readOther: await of('shardId-000000000001') }
  }
  const refused = 'ProvisionedThroughputExceededException'
  const putBytes = (client: KinesisClient, bytes: number) =>
    client.send(
      new PutRecordCommand({
        StreamName: 's',
        PartitionKey: 'k',
        ExplicitHashKey: '0',
        Data: Buffer.alloc(bytes - 1)
      })
    )

  it('are five calls a second for each shard', async () => {
    const { clock, read, readOther } = await aReader({ throttle: true })
    const outcomes = []
    for (let call = 0; call < 6; call += 1) outcomes.push(await read())
    expect(outcomes).toEqual([0, 0, 0, 0, 0, refused])
    expect(await readOther()).toBe(0)
    await clock.advance(199)
    expect(await read()).toBe(refused)
    await clock.advance(1)
    expect(await read()).toBe(0)
    expect(await read()).toBe(refused)
  })

  it('are 2 MiB a second: 10 MiB at once are followed by five seconds without', async () => {
    const { clock, client, read, readOther } = await aReader({ throttle: true })
    await putBytes(client, 10 * 1024 * 1024)
    await clock.advance(1_000)
    expect(await read()).toBe(1)
    expect(await read()).toBe(refused)
    expect(await readOther()).toBe(0)
    await clock.advance(4_999)
    expect(await read()).toBe(refused)
    await clock.advance(1)
    expect(await read()).toBe(1)
  })

  it('let several answers of one second pass that are 2 MiB together', async () => {
    const { clock, client, read } = await aReader({ throttle: true })
    await putBytes(client, 1024 * 1024)
    await clock.advance(1_000)
    expect([await read(), await read(), await read()]).toEqual([1, 1, 1])
    // The third one began with nothing left and without debt, and is paid off now.
    expect(await read()).toBe(refused)
    await clock.advance(499)
    expect(await read()).toBe(refused)
    await clock.advance(1)
    expect(await read()).toBe(1)
  })

  it('are not there unless asked for', async () => {
    const { client, read } = await aReader({})
    await putBytes(client, 10 * 1024 * 1024)
    for (let call = 0; call < 7; call += 1) expect(await read()).toBe(1)
  })

  it('hold an answer to 10 MiB, and to 10,000 records', async () => {
    const { client, read, readOther } = await aReader({})
    for (let count = 0; count < 3; count += 1) await putBytes(client, 4 * 1024 * 1024)
    expect(await read()).toBe(2)
    const Records = Array.from({ length: 500 }, () => ({
      PartitionKey: 'k',
      ExplicitHashKey: String(2n ** 128n - 1n),
      Data: Buffer.from('x')
    }))
    for (let count = 0; count < 21; count += 1) {
      await client.send(new PutRecordsCommand({ StreamName: 's', Records }))
    }
    expect(await readOther()).toBe(10_000)
    expect(await readOther(10_001)).toBe('ValidationException')
  })
})
