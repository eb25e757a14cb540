import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  SplitShardCommand
} from '@aws-sdk/client-kinesis'
import { describe, expect, it } from 'vitest'
import { createKinesisClient } from '../../core/kinesis-client.ts'
import type { LocalOptions } from '../../local/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { opened, openLocal } from '../helpers/local.ts'
import { readShard, shardsOf, startKinesis } from '../helpers/local-kinesis.ts'

const start = (shards: number, options: LocalOptions = {}): Promise<KinesisClient> =>
  startKinesis({ ShardCount: shards }, options)

const text = (data: Uint8Array | undefined): string => Buffer.from(data ?? []).toString()
const put = (client: KinesisClient, ...values: string[]) =>
  client.send(
    new PutRecordsCommand({
      StreamName: 's',
      Records: values.map(value => ({ PartitionKey: value, Data: Buffer.from(value) }))
    })
  )

describe('the Kinesis engine', () => {
  it('serves the SDK with its default, HTTP/2 in cleartext, and with HTTP/1.1 on one port', async () => {
    const local = await openLocal()
    const http2 = opened(new KinesisClient(local.clientConfig('kinesis')))
    const http1 = opened(createKinesisClient(local.clientConfig('kinesis')))
    await http2.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    await put(http1, 'one')
    await put(http2, 'two')
    for (const client of [http1, http2]) {
      const { Records } = await readShard(client, 'shardId-000000000000')
      expect(Records?.map(({ Data }) => text(Data))).toEqual(['one', 'two'])
    }
  })

  it('gives rising sequence numbers of 56 digits, and reads from each kind of position', async () => {
    const client = await start(1)
    const before = new Date()
    await put(client, 'a')
    await sleep(5)
    const middle = new Date()
    const { Records: [b] = [] } = await put(client, 'b')
    await put(client, 'c')
    const all = (await readShard(client, 'shardId-000000000000')).Records ?? []
    expect(all.map(({ Data }) => text(Data))).toEqual(['a', 'b', 'c'])
    const numbers = all.map(({ SequenceNumber }) => SequenceNumber!)
    expect(numbers.every(number => /^\d{56}$/.test(number))).toBe(true)
    expect(numbers.map(BigInt)).toEqual(numbers.map(BigInt).sort((x, y) => (x < y ? -1 : 1)))
    const from = async (start: object) =>
      (await readShard(client, 'shardId-000000000000', start)).Records?.map(({ Data }) => text(Data))
    const at = { StartingSequenceNumber: b!.SequenceNumber }
    expect(await from({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', ...at })).toEqual(['b', 'c'])
    expect(await from({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', ...at })).toEqual(['c'])
    expect(await from({ ShardIteratorType: 'LATEST' })).toEqual([])
    expect(await from({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: before })).toEqual(['a', 'b', 'c'])
    expect(await from({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: middle })).toEqual(['b', 'c'])
  })

  it('routes by the partition key and by the explicit hash key', async () => {
    const client = await start(2)
    const { Records } = await client.send(
      new PutRecordsCommand({
        StreamName: 's',
        Records: [
          // MD5('a') begins with 0x0c, MD5('b') with 0x92.
          { PartitionKey: 'a', Data: Buffer.from('x') },
          { PartitionKey: 'b', Data: Buffer.from('x') },
          { PartitionKey: 'a', ExplicitHashKey: String(2n ** 128n - 1n), Data: Buffer.from('x') }
        ]
      })
    )
    expect(Records?.map(({ ShardId }) => ShardId)).toEqual([
      'shardId-000000000000',
      'shardId-000000000001',
      'shardId-000000000001'
    ])
  })

  it('splits and merges: parents close, children cover the range, the end of a shard names its children', async () => {
    const client = await start(1)
    await put(client, 'before')
    await client.send(
      new SplitShardCommand({
        StreamName: 's',
        ShardToSplit: 'shardId-000000000000',
        NewStartingHashKey: String(2n ** 127n)
      })
    )
    let shards = await shardsOf(client)
    expect(shards.map(({ ParentShardId }) => ParentShardId)).toEqual([
      undefined,
      'shardId-000000000000',
      'shardId-000000000000'
    ])
    expect(shards[0]!.SequenceNumberRange?.EndingSequenceNumber).toMatch(/^\d{56}$/)
    expect(BigInt(shards[2]!.HashKeyRange!.StartingHashKey!)).toBe(
      BigInt(shards[1]!.HashKeyRange!.EndingHashKey!) + 1n
    )

    const end = await readShard(client, 'shardId-000000000000')
    expect(end.Records?.map(({ Data }) => text(Data))).toEqual(['before'])
    expect(end.NextShardIterator).toBeUndefined()
    expect(end.ChildShards?.map(({ ShardId, ParentShards }) => [ShardId, ParentShards])).toEqual([
      ['shardId-000000000001', ['shardId-000000000000']],
      ['shardId-000000000002', ['shardId-000000000000']]
    ])

    await client.send(
      new MergeShardsCommand({
        StreamName: 's',
        ShardToMerge: 'shardId-000000000001',
        AdjacentShardToMerge: 'shardId-000000000002'
      })
    )
    shards = await shardsOf(client)
    expect(shards[3]).toMatchObject({
      ParentShardId: 'shardId-000000000001',
      AdjacentParentShardId: 'shardId-000000000002',
      HashKeyRange: { StartingHashKey: '0', EndingHashKey: String(2n ** 128n - 1n) }
    })
    const open = await client.send(
      new ListShardsCommand({ StreamName: 's', ShardFilter: { Type: 'AT_LATEST' } })
    )
    expect(open.Shards?.map(({ ShardId }) => ShardId)).toEqual(['shardId-000000000003'])
  })

  it('lists shards page by page', async () => {
    const client = await start(5)
    const pages: string[][] = []
    let NextToken: string | undefined
    do {
      const page = await client.send(
        new ListShardsCommand(
          NextToken === undefined ? { StreamName: 's', MaxResults: 2 } : { NextToken, MaxResults: 2 }
        )
      )
      pages.push(page.Shards?.map(({ ShardId }) => ShardId!.slice(-1)) ?? [])
      NextToken = page.NextToken
    } while (NextToken !== undefined)
    expect(pages).toEqual([['0', '1'], ['2', '3'], ['4']])
  })

  it.each([
    ['501 records', Array.from({ length: 501 }, () => ({ PartitionKey: 'k', Data: Buffer.from('x') }))],
    ['no record', []],
    ['an empty partition key', [{ PartitionKey: '', Data: Buffer.from('x') }]],
    ['a partition key of 257 characters', [{ PartitionKey: 'k'.repeat(257), Data: Buffer.from('x') }]],
    ['a record that its key takes over 1 MiB', [{ PartitionKey: 'k', Data: Buffer.alloc(1024 * 1024) }]],
    ['no partition key', [{ Data: Buffer.from('x') }]],
    [
      'more than 10 MiB of data and keys',
      [
        ...Array.from({ length: 10 }, () => ({ PartitionKey: 'k', Data: Buffer.alloc(1024 * 1024 - 1) })),
        { PartitionKey: 'k', Data: Buffer.alloc(0) }
      ]
    ],
    [
      'a hash key of 2^128',
      [{ PartitionKey: 'k', ExplicitHashKey: String(2n ** 128n), Data: Buffer.from('x') }]
    ]
  ])('refuses a put with %s, and stores nothing', async (_, Records) => {
    const client = await start(1)
    await expect(client.send(new PutRecordsCommand({ StreamName: 's', Records }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 400 }
    })
    expect((await readShard(client, 'shardId-000000000000')).Records).toEqual([])
  })

  it.each(['ключ', 'abc'])('refuses data that is %j where base64 belongs', async Data => {
    const local = await openLocal()
    const client = opened(createKinesisClient(local.clientConfig('kinesis')))
    await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    const answer = await fetch(local.endpoints.kinesis, {
      method: 'POST',
      headers: { 'x-amz-target': 'Kinesis_20131202.PutRecord' },
      body: JSON.stringify({ StreamName: 's', PartitionKey: 'k', Data })
    })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ __type: 'SerializationException' })
    expect((await readShard(client, 'shardId-000000000000')).Records).toEqual([])
  })

  it('throttles each shard by records and by bytes when told to, entry by entry', async () => {
    const clock = new FakeClock()
    const client = await start(1, { throttle: true, clock })
    const half = { PartitionKey: 'k', Data: Buffer.alloc(512 * 1024 - 1) }
    const full = await client.send(new PutRecordsCommand({ StreamName: 's', Records: [half, half, half] }))
    expect(full.FailedRecordCount).toBe(1)
    expect(full.Records?.map(({ ErrorCode }) => ErrorCode)).toEqual([
      undefined,
      undefined,
      'ProvisionedThroughputExceededException'
    ])
    await clock.advance(1_000)
    const small = Array.from({ length: 500 }, () => ({ PartitionKey: 'k', Data: Buffer.from('x') }))
    for (const expected of [0, 0, 500]) {
      const { FailedRecordCount } = await client.send(
        new PutRecordsCommand({ StreamName: 's', Records: small })
      )
      expect(FailedRecordCount).toBe(expected)
    }
  })

  it('judges the entries of a put independently, and answers a throttled PutRecord with an error', async () => {
    const clock = new FakeClock()
    const client = await start(2, { throttle: true, clock })
    // MD5('a') begins with 0x0c and MD5('b') with 0x92: the first shard, and the second.
    const [large, small] = [Buffer.alloc(1024 * 1024 - 1), Buffer.from('x')]
    const { FailedRecordCount, Records } = await client.send(
      new PutRecordsCommand({
        StreamName: 's',
        Records: [
          { PartitionKey: 'a', Data: large },
          { PartitionKey: 'a', Data: small },
          { PartitionKey: 'b', Data: small }
        ]
      })
    )
    expect(FailedRecordCount).toBe(1)
    expect(Records).toMatchObject([
      { ShardId: 'shardId-000000000000' },
      {
        ErrorCode: 'ProvisionedThroughputExceededException',
        ErrorMessage: 'Rate exceeded for shard shardId-000000000000 in stream s under account 000000000000.'
      },
      { ShardId: 'shardId-000000000001' }
    ])
    const putOne = () =>
      client.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'a', Data: small }))
    await expect(putOne()).rejects.toMatchObject({
      name: 'ProvisionedThroughputExceededException',
      $metadata: { httpStatusCode: 400 }
    })
    await clock.advance(10)
    expect((await putOne()).ShardId).toBe('shardId-000000000000')
  })

  it('lets a record larger than a second of a shard pass, and has the next ones wait for it', async () => {
    const clock = new FakeClock()
    const client = await startKinesis(
      { ShardCount: 1, MaxRecordSizeInKiB: 10_240 },
      { throttle: true, clock }
    )
    const putOne = (bytes: number) =>
      client
        .send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'k', Data: Buffer.alloc(bytes) }))
        .then(
          () => 'stored',
          (error: Error) => error.name
        )
    expect(await putOne(3 * 1024 * 1024)).toBe('stored')
    await clock.advance(1_900)
    expect(await putOne(1)).toBe('ProvisionedThroughputExceededException')
    await clock.advance(200)
    expect(await putOne(1)).toBe('stored')
    expect(await putOne(3 * 1024 * 1024)).toBe('ProvisionedThroughputExceededException')
  })

  it('answers for a stream that is not there, and after its deletion', async () => {
    const client = await start(1)
    await client.send(new DeleteStreamCommand({ StreamName: 's' }))
    await expect(client.send(new DescribeStreamSummaryCommand({ StreamName: 's' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Stream s under account 000000000000 not found.'
    })
  })

  it('loses an answer when told to: the records are stored all the same', async () => {
    let lose = true
    const client = await start(1, {
      faults: {
        kinesis: operation => {
          if (operation !== 'PutRecords' || !lose) return undefined
          lose = false
          return { kind: 'loseAnswer' }
        }
      }
    })
    await expect(put(client, 'once')).rejects.toThrow()
    expect((await readShard(client, 'shardId-000000000000')).Records).toHaveLength(1)
  })
})
