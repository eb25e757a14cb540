import {
  CreateStreamCommand,
  DecreaseStreamRetentionPeriodCommand,
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  type GetShardIteratorCommandInput,
  IncreaseStreamRetentionPeriodCommand,
  type KinesisClient,
  MergeShardsCommand,
  PutRecordCommand,
  PutRecordsCommand
} from '@aws-sdk/client-kinesis'
import { describe, expect, it } from 'vitest'
import { RecordLog } from '../../local/kinesis/record-log.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { readShard, shardsOf, startKinesis, summaryOf } from '../helpers/local-kinesis.ts'

const hour = 3_600_000
const first = 'shardId-000000000000'

const textsOf = ({ Records = [] }: GetRecordsCommandOutput) =>
  Records.map(({ Data }) => Buffer.from(Data ?? []).toString())
const put = (client: KinesisClient, value: string, StreamName = 's') =>
  client.send(new PutRecordCommand({ StreamName, PartitionKey: 'k', Data: Buffer.from(value) }))
const iteratorAt = async (client: KinesisClient, start: Partial<GetShardIteratorCommandInput>) => {
  const input = { StreamName: 's', ShardId: first, ShardIteratorType: 'TRIM_HORIZON', ...start } as const
  return (await client.send(new GetShardIteratorCommand(input))).ShardIterator
}
const read = (client: KinesisClient, ShardIterator: string | undefined, Limit?: number) =>
  client.send(new GetRecordsCommand({ ShardIterator, Limit }))
const lengthen = (client: KinesisClient, RetentionPeriodHours: number) =>
  client.send(new IncreaseStreamRetentionPeriodCommand({ StreamName: 's', RetentionPeriodHours }))
const shorten = (client: KinesisClient, RetentionPeriodHours: number) =>
  client.send(new DecreaseStreamRetentionPeriodCommand({ StreamName: 's', RetentionPeriodHours }))

async function onClock(options: object = {}, shards = 1) {
  const clock = new FakeClock()
  return { clock, client: await startKinesis({ ShardCount: shards }, { clock, ...options }) }
}

describe('retention of the Kinesis engine', () => {
  it('keeps records for 24 hours, to the millisecond, without another put', async () => {
    const { clock, client } = await onClock()
    await put(client, 'a')
    await clock.advance(1)
    await put(client, 'b')
    await clock.advance(24 * hour - 1)
    expect(textsOf(await readShard(client, first))).toEqual(['a', 'b'])
    await clock.advance(1)
    expect(textsOf(await readShard(client, first))).toEqual(['b'])
    await clock.advance(1)
    expect(textsOf(await readShard(client, first))).toEqual([])
  })

  it('keeps them longer after an increase, and takes away at once what a decrease passes', async () => {
    const { clock, client } = await onClock()
    await put(client, 'a')
    await lengthen(client, 48)
    expect(await summaryOf(client)).toMatchObject({ RetentionPeriodHours: 48 })
    await clock.advance(30 * hour)
    await put(client, 'b')
    expect(textsOf(await readShard(client, first))).toEqual(['a', 'b'])
    await shorten(client, 24)
    await lengthen(client, 48)
    expect(textsOf(await readShard(client, first))).toEqual(['b'])
  })

  it('is UPDATING for the delay, and refuses the next change meanwhile', async () => {
    const { clock, client } = await onClock({ statusDelayMs: 500 })
    await clock.advance(500)
    await lengthen(client, 25)
    expect(await summaryOf(client)).toMatchObject({ StreamStatus: 'UPDATING', RetentionPeriodHours: 25 })
    await expect(lengthen(client, 26)).rejects.toMatchObject({ name: 'ResourceInUseException' })
    await clock.advance(500)
    await lengthen(client, 26)
  })

  it.each([
    ['longer than a year', lengthen, 8_761, 'InvalidArgumentException', /Maximum allowed.*8760/],
    ['shorter than a day', shorten, 23, 'InvalidArgumentException', /Minimum allowed.*24/],
    ['an increase to less', lengthen, 47, 'InvalidArgumentException', /Use DecreaseRetentionPeriod API/],
    ['a decrease to more', shorten, 49, 'InvalidArgumentException', /Use IncreaseRetentionPeriod API/],
    ['half an hour', lengthen, 48.5, 'ValidationException', /retentionPeriodHours/],
    ['none', shorten, 0, 'ValidationException', /retentionPeriodHours/]
  ])('refuses %s', async (_, change, hours, name, message) => {
    const { client } = await onClock()
    await lengthen(client, 48)
    await expect(change(client, hours)).rejects.toMatchObject({
      name,
      message: expect.stringMatching(message) as string
    })
    expect(await summaryOf(client)).toMatchObject({ RetentionPeriodHours: 48 })
  })

  it('goes on at the horizon from an iterator and from a number whose record was trimmed', async () => {
    const { clock, client } = await onClock()
    const { SequenceNumber: a } = await put(client, 'a')
    await put(client, 'b')
    await clock.advance(24 * hour - 60_000)
    await put(client, 'c')
    const kept = await iteratorAt(client, {
      ShardIteratorType: 'AT_SEQUENCE_NUMBER',
      StartingSequenceNumber: a
    })
    await clock.advance(60_001)
    expect(textsOf(await read(client, kept))).toEqual(['c'])
    for (const ShardIteratorType of ['AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER'] as const) {
      const iterator = await iteratorAt(client, { ShardIteratorType, StartingSequenceNumber: a })
      expect(textsOf(await read(client, iterator))).toEqual(['c'])
    }
    const since = { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(0) } as const
    expect(textsOf(await readShard(client, first, since))).toEqual(['c'])
  })

  it('forgets a closed shard when the period has passed since it closed, and numbers new ones on', async () => {
    const { clock, client } = await onClock({}, 2)
    const merge = { StreamName: 's', ShardToMerge: first, AdjacentShardToMerge: 'shardId-000000000001' }
    await client.send(new MergeShardsCommand(merge))
    await clock.advance(24 * hour)
    expect((await shardsOf(client)).map(({ ShardId }) => ShardId!.at(-1))).toEqual(['0', '1', '2'])
    await clock.advance(1)
    const left = await shardsOf(client)
    expect(left).toMatchObject([{ ShardId: 'shardId-000000000002', ParentShardId: first }])
    expect(left).toHaveLength(1)
    await expect(iteratorAt(client, {})).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })
})

describe('the byte cap of the Kinesis engine', () => {
  // Nine bytes of data and a key of one, and what is counted for each record.
  const value = (name: string) => name.padEnd(9)
  const record = 10 + 32

  it('lets the oldest records of all streams go first, whatever their shard', async () => {
    const { client } = await onClock({ maxKinesisBytes: 3 * record })
    await client.send(new CreateStreamCommand({ StreamName: 't', ShardCount: 1 }))
    await put(client, value('a'))
    await put(client, value('b'), 't')
    await put(client, value('c'))
    await put(client, value('d'))
    const readT = async () => {
      const at = await iteratorAt(client, { StreamName: 't' })
      return textsOf(await read(client, at))
    }
    expect(textsOf(await readShard(client, first))).toEqual([value('c'), value('d')])
    expect(await readT()).toEqual([value('b')])
    await put(client, value('e'))
    expect(await readT()).toEqual([])
    expect(textsOf(await readShard(client, first))).toEqual([value('c'), value('d'), value('e')])
  })

  it('holds at the end of each PutRecords, over all shards of a stream', async () => {
    const { client } = await onClock({ maxKinesisBytes: 3 * record }, 2)
    const entry = (name: string, shard: number) => ({
      PartitionKey: 'k',
      ExplicitHashKey: shard === 0 ? '0' : String(2n ** 128n - 1n),
      Data: Buffer.from(value(name))
    })
    const Records = [entry('a', 0), entry('b', 1), entry('c', 0), entry('d', 0), entry('e', 1)]
    await client.send(new PutRecordsCommand({ StreamName: 's', Records }))
    expect(textsOf(await readShard(client, first))).toEqual([value('c'), value('d')])
    expect(textsOf(await readShard(client, 'shardId-000000000001'))).toEqual([value('e')])
  })

  it('goes on at what is left from an iterator to records that went', async () => {
    const { client } = await onClock({ maxKinesisBytes: 2 * record })
    await put(client, value('a'))
    const iterator = await iteratorAt(client, {})
    await put(client, value('b'))
    await put(client, value('c'))
    expect(textsOf(await read(client, iterator))).toEqual([value('b'), value('c')])
  })
})

describe('shard iterators of the Kinesis engine', () => {
  it('begin at the first record of a millisecond, and at the next one when it has none', async () => {
    const { clock, client } = await onClock()
    // Milliseconds that floating-point seconds miss by a hair among them.
    const times: number[] = []
    for (const value of ['a', 'b', 'c', 'd']) {
      await clock.advance(1_001)
      times.push(clock.wallTime())
      await put(client, value)
      await put(client, `${value}2`)
    }
    const since = async (ms: number) =>
      textsOf(await readShard(client, first, { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(ms) }))
    for (const [index, ms] of times.entries()) {
      expect((await since(ms))[0]).toBe('abcd'[index])
      expect((await since(ms - 1))[0]).toBe('abcd'[index])
      if (index < 3) expect((await since(ms + 1))[0]).toBe('abcd'[index + 1])
    }
    await clock.advance(1)
    expect(await since(clock.wallTime())).toEqual([])
    await expect(since(clock.wallTime() + 1)).rejects.toMatchObject({
      name: 'InvalidArgumentException',
      message: expect.stringContaining('currentTimestampInMillis') as string
    })
  })

  it.each([
    [{ ShardIteratorType: 'AT_TIMESTAMP' }, 'InvalidArgumentException', /timestampInMillis/],
    [{ ShardIteratorType: 'AT_SEQUENCE_NUMBER' }, 'InvalidArgumentException', /startingSequenceNumber/],
    [
      { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: '1' },
      'InvalidArgumentException',
      /StartingSequenceNumber 1 /
    ],
    [{ ShardIteratorType: 'NEWEST' }, 'ValidationException', /shardIteratorType/],
    [{ ShardId: 'shardId-000000000009' }, 'ResourceNotFoundException', /shardId-000000000009/]
  ])('are refused for %o', async (start, name, message) => {
    const { client } = await onClock()
    await expect(iteratorAt(client, start as never)).rejects.toMatchObject({
      name,
      message: expect.stringMatching(message) as string
    })
  })

  it('after the number that comes next leave nothing out', async () => {
    const { client } = await onClock()
    const { SequenceNumber } = await put(client, 'a')
    const unborn = String(BigInt(SequenceNumber!) + 1n)
    const iterator = await iteratorAt(client, {
      ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
      StartingSequenceNumber: unborn
    })
    await put(client, 'b')
    expect(textsOf(await read(client, iterator))).toEqual(['b'])
  })

  it('live for five minutes', async () => {
    const { clock, client } = await onClock()
    const iterator = await iteratorAt(client, {})
    await clock.advance(300_000)
    const { NextShardIterator } = await read(client, iterator)
    await clock.advance(1)
    await expect(read(client, iterator)).rejects.toMatchObject({
      name: 'ExpiredIteratorException',
      message: expect.stringContaining('tolerated delay of 300000 milliseconds') as string
    })
    await read(client, NextShardIterator)
  })

  it.each(['', 'garbage', 'bnVsbA==', Buffer.from('["s",1,"x","y",2]').toString('base64')])(
    'are refused when they are %j',
    async iterator => {
      const { client } = await onClock()
      await expect(read(client, iterator)).rejects.toMatchObject({
        name: 'InvalidArgumentException',
        $metadata: { httpStatusCode: 400 }
      })
    }
  )

  it('say by how many milliseconds the next record is old', async () => {
    const { clock, client } = await onClock()
    await put(client, 'a')
    await clock.advance(700)
    await put(client, 'b')
    await clock.advance(300)
    const one = await read(client, await iteratorAt(client, {}), 1)
    expect(one.MillisBehindLatest).toBe(300)
    const two = await read(client, one.NextShardIterator, 1)
    expect(two.MillisBehindLatest).toBe(0)
    expect(textsOf(two)).toEqual(['b'])
  })
})

describe('the record log', () => {
  const aRecord = (arrival: number, bytes = arrival % 97) => ({
    partitionKey: arrival % 5 === 0 ? undefined : `ключ-${arrival}`,
    data: Buffer.alloc(bytes, arrival).toString('base64'),
    arrivedMs: arrival * 2,
    isEncrypted: arrival % 2 === 0,
    arrival
  })

  it('keeps what was not trimmed, through all of its segments', () => {
    const log = new RecordLog()
    let trimmed = 0
    for (let arrival = 0; arrival < 10_000; arrival += 1) {
      log.append(aRecord(arrival))
      if (arrival % 3 !== 2) continue
      log.trim(2)
      trimmed += 2
      expect(log.arrivalAt(0)).toBe(trimmed)
      expect(log.length).toBe(arrival + 1 - trimmed)
    }
    for (let arrival = trimmed; arrival < 10_000; arrival += 1) {
      const { partitionKey, data, arrivedMs, isEncrypted } = aRecord(arrival)
      const index = log.indexOfOrdinal(arrival + 1)
      expect(log.at(index)).toEqual({ ordinal: arrival + 1, partitionKey, data, arrivedMs, isEncrypted })
      expect(log.indexOfArrival(arrivedMs - 1)).toBe(index)
      expect(log.bytesAt(index)).toBe((arrival % 97) + Buffer.byteLength(partitionKey ?? ''))
    }
    expect(log.indexOfOrdinal(1)).toBe(0)
    expect(log.indexOfOrdinal(10_001)).toBe(log.length)
    expect(log.indexOfArrival(20_000)).toBe(log.length)
    log.trim(log.length)
    expect(log.length).toBe(0)
    expect([...log.contents()]).toEqual([])
    log.append(aRecord(10_000))
    expect(log.at(0)).toMatchObject({ ordinal: 10_001, data: aRecord(10_000).data })
  })

  it('takes a record that is larger than a segment, and goes on behind it', () => {
    const log = new RecordLog()
    for (const bytes of [1, 1024 * 1024, 1, 0]) log.append(aRecord(7, bytes))
    expect([0, 1, 2, 3].map(index => log.at(index).data)).toEqual(
      [1, 1024 * 1024, 1, 0].map(bytes => aRecord(7, bytes).data)
    )
  })
})
