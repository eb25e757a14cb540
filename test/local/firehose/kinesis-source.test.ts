import {
  DeleteDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  ListDeliveryStreamsCommand,
  StartDeliveryStreamEncryptionCommand
} from '@aws-sdk/client-firehose'
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  KinesisClient,
  MergeShardsCommand,
  PutRecordCommand,
  SplitShardCommand
} from '@aws-sdk/client-kinesis'
import { describe, expect, it } from 'vitest'
import { KinesisSource } from '../../../local/firehose/source/kinesis-source.ts'
import { sourceStreams } from '../../../local/firehose/source/source-streams.ts'
import type { FirehoseTransformEvent, LocalOptions } from '../../../local/index.ts'
import { KinesisStore } from '../../../local/kinesis/store.ts'
import { encodeByProtobufjs } from '../../helpers/aggregation-oracles.ts'
import { roleAndBucket, startFirehose } from '../../helpers/delivery-streams.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { opened } from '../../helpers/local.ts'

const streamArn = 'arn:aws:kinesis:us-east-1:000000000000:stream/s'
const fromStream = {
  DeliveryStreamType: 'KinesisStreamAsSource' as const,
  KinesisStreamSourceConfiguration: { KinesisStreamARN: streamArn, RoleARN: roleAndBucket.RoleARN }
}
const toS3 = (more: object = {}) => ({
  ExtendedS3DestinationConfiguration: {
    ...roleAndBucket,
    BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 60 },
    ...more
  }
})

async function start(options: LocalOptions = {}) {
  const test = await startFirehose(options)
  const kinesis = opened(new KinesisClient(test.local.clientConfig('kinesis')))
  const createStream = () => kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
  const putTo = (data: string | Buffer, ExplicitHashKey?: string) =>
    kinesis.send(
      new PutRecordCommand({
        StreamName: 's',
        PartitionKey: 'k',
        Data: Buffer.from(data as string),
        ExplicitHashKey
      })
    )
  return { ...test, kinesis, createStream, putTo }
}

describe('a delivery stream that reads a Kinesis stream', () => {
  it('delivers what comes after its creation, and says since when', async () => {
    const { createStream, putTo, create, objects, firehose, clock } = await start()
    await createStream()
    await putTo('before')
    await create({ ...fromStream, ...toS3() })
    await putTo('a')
    await putTo('b')
    expect((await objects()).map(({ text }) => text)).toEqual(['ab'])
    const { DeliveryStreamDescription: found } = await firehose.send(
      new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'd' })
    )
    expect(found).toMatchObject({
      DeliveryStreamType: 'KinesisStreamAsSource',
      Source: {
        KinesisStreamSourceDescription: {
          KinesisStreamARN: streamArn,
          RoleARN: roleAndBucket.RoleARN,
          DeliveryStartTimestamp: new Date(clock.wallTime())
        }
      }
    })
  })

  it('reads once a second', async () => {
    const { createStream, putTo, create, local, clock } = await start()
    await createStream()
    await create({ ...fromStream, ...toS3() })
    await putTo('abc')
    await clock.advance(999)
    expect(local.firehoseBufferedBytes()).toBe(0)
    await clock.advance(1)
    expect(local.firehoseBufferedBytes()).toBe(3)
    await putTo('de')
    await clock.advance(1_000)
    expect(local.firehoseBufferedBytes()).toBe(5)
  })

  it('unpacks aggregates, and passes broken ones on whole', async () => {
    const aggregate = encodeByProtobufjs(
      ['x', 'y'].map(text => ({
        partitionKey: `key ${text}`,
        explicitHashKey: undefined,
        data: Buffer.from(text).toString('hex')
      }))
    )
    const events: FirehoseTransformEvent[] = []
    const { createStream, putTo, create, objects, clock } = await start({
      firehoseFunctions: {
        f: event => {
          events.push(event)
          return { records: event.records.map(({ recordId }) => ({ recordId, result: 'Dropped' })) }
        }
      }
    })
    await createStream()
    await create({
      ...fromStream,
      ...toS3({
        ProcessingConfiguration: {
          Enabled: true,
          Processors: [
            {
              Type: 'Lambda',
              Parameters: [
                {
                  ParameterName: 'LambdaArn',
                  ParameterValue: 'arn:aws:lambda:us-east-1:000000000000:function:f'
                }
              ]
            }
          ]
        },
        S3BackupMode: 'Enabled',
        S3BackupConfiguration: roleAndBucket
      })
    })
    const { SequenceNumber: sequenceNumber } = await putTo(aggregate)
    const broken = Buffer.from(aggregate)
    broken[broken.length - 1]! ^= 1
    await putTo(broken)
    const approximateArrivalTimestamp = clock.wallTime()
    expect((await objects()).map(({ text }) => text)).toEqual([`xy${broken.toString()}`])
    const kinesisRecordMetadata = {
      sequenceNumber,
      shardId: 'shardId-000000000000',
      approximateArrivalTimestamp
    }
    expect(events).toMatchObject([{ sourceKinesisStreamArn: streamArn }])
    expect(events[0]!.records).toMatchObject([
      {
        data: 'eA==',
        approximateArrivalTimestamp,
        kinesisRecordMetadata: { ...kinesisRecordMetadata, subsequenceNumber: 0, partitionKey: 'key x' }
      },
      { kinesisRecordMetadata: { ...kinesisRecordMetadata, subsequenceNumber: 1, partitionKey: 'key y' } },
      { data: broken.toString('base64'), kinesisRecordMetadata: { subsequenceNumber: 0, partitionKey: 'k' } }
    ])
    expect(new Set(events[0]!.records.map(({ recordId }) => recordId)).size).toBe(3)
  })

  it('refuses puts and encryption', async () => {
    const { createStream, create, put, firehose } = await start()
    await createStream()
    await create({ ...fromStream, ...toS3() })
    const refused = {
      name: 'InvalidArgumentException',
      message: 'This operation is not permitted on KinesisStreamAsSource delivery stream type.'
    }
    await expect(put('a')).rejects.toMatchObject(refused)
    await expect(
      firehose.send(new StartDeliveryStreamEncryptionCommand({ DeliveryStreamName: 'd' }))
    ).rejects.toMatchObject(refused)
  })

  it('is refused where no Kinesis runs', async () => {
    const { create, firehose } = await startFirehose({ services: ['firehose'] })
    await expect(create({ ...fromStream, ...toS3() })).rejects.toMatchObject({
      name: 'InvalidArgumentException',
      message: expect.stringContaining('kinesis does not run here')
    })
    const { DeliveryStreamNames } = await firehose.send(new ListDeliveryStreamsCommand({}))
    expect(DeliveryStreamNames).toEqual([])
  })

  it('may be one of several that read the same stream', async () => {
    const { createStream, putTo, create, objects, firehose } = await start()
    await createStream()
    await create({ ...fromStream, ...toS3({ Prefix: '1/' }) })
    await create({ ...fromStream, ...toS3({ Prefix: '2/' }), DeliveryStreamName: 'e' })
    await create({ ...toS3(), DeliveryStreamName: 'f' })
    await putTo('a')
    expect((await objects()).map(({ text }) => text)).toEqual(['a', 'a'])
    const list = async (DeliveryStreamType?: 'DirectPut' | 'KinesisStreamAsSource') =>
      (await firehose.send(new ListDeliveryStreamsCommand({ DeliveryStreamType }))).DeliveryStreamNames
    expect(await list()).toEqual(['d', 'e', 'f'])
    expect(await list('KinesisStreamAsSource')).toEqual(['d', 'e'])
    expect(await list('DirectPut')).toEqual(['f'])
  })

  it('reads on when its stream is made, deleted and made again', async () => {
    const { createStream, putTo, create, objects, kinesis, clock } = await start()
    await create({ ...fromStream, ...toS3() })
    await clock.advance(100_000)
    await createStream()
    await putTo('a')
    await clock.advance(1_000)
    await kinesis.send(new DeleteStreamCommand({ StreamName: 's' }))
    await clock.advance(100_000)
    await createStream()
    await putTo('b')
    await clock.advance(1_000)
    expect((await objects()).map(({ text }) => text)).toEqual(['a', 'b'])
  })

  it('reads no more when it is deleted', async () => {
    const { createStream, create, firehose, clock } = await start()
    await createStream()
    const before = clock.pending
    await create({ ...fromStream, ...toS3() })
    expect(clock.pending).toBe(before + 1)
    await firehose.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: 'd' }))
    expect(clock.pending).toBe(before)
  })

  it('follows splits and merges, parents before children', async () => {
    const { createStream, putTo, create, objects, kinesis } = await start()
    await createStream()
    await create({ ...fromStream, ...toS3() })
    await putTo('1')
    await kinesis.send(
      new SplitShardCommand({
        StreamName: 's',
        ShardToSplit: 'shardId-000000000000',
        NewStartingHashKey: String(2n ** 127n)
      })
    )
    await putTo('2', '0')
    await putTo('3', String(2n ** 127n))
    await kinesis.send(
      new MergeShardsCommand({
        StreamName: 's',
        ShardToMerge: 'shardId-000000000001',
        AdjacentShardToMerge: 'shardId-000000000002'
      })
    )
    await putTo('4')
    expect((await objects()).map(({ text }) => text)).toEqual(['1234'])
  })

  it.each([
    [{ DeliveryStreamType: 'Other' }, 'ValidationException', 'deliveryStreamType'],
    [{ DeliveryStreamType: 'MSKAsSource' }, 'InvalidArgumentException', 'MSKAsSource'],
    [
      { DeliveryStreamType: 'DirectPut' },
      'InvalidArgumentException',
      'KinesisSourceStreamConfig is only applicable'
    ],
    [
      { KinesisStreamSourceConfiguration: undefined },
      'InvalidArgumentException',
      'KinesisStreamSourceConfiguration'
    ],
    [
      { KinesisStreamSourceConfiguration: { RoleARN: roleAndBucket.RoleARN, KinesisStreamARN: 's' } },
      'ValidationException',
      'kinesisStreamSourceConfiguration.kinesisStreamARN'
    ],
    [
      { KinesisStreamSourceConfiguration: { KinesisStreamARN: streamArn } },
      'ValidationException',
      'kinesisStreamSourceConfiguration.roleARN'
    ],
    [
      { DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' } },
      'InvalidArgumentException',
      'DirectPut'
    ]
  ])('is refused with %j', async (change, name, text) => {
    const { create } = await start()
    await expect(create({ ...fromStream, ...toS3(), ...(change as object) })).rejects.toMatchObject({
      name,
      message: expect.stringContaining(text)
    })
  })
})

describe('reading a Kinesis stream', () => {
  function aSource({ shards = 1, throttle = false } = {}) {
    const clock = new FakeClock()
    const store = new KinesisStore({ clock, region: 'us-east-1', accountId: '000000000000', throttle })
    const stream = store.create({
      name: 's',
      shards,
      maxRecordBytes: 1024 * 1024,
      mode: 'PROVISIONED',
      recordDistribution: 'USER_PARTITION_KEY',
      tags: new Map()
    })
    const taken: string[] = []
    const state = { bufferedBytes: 0, throttled: 0 }
    const source = new KinesisSource({
      streams: sourceStreams(store),
      streamArn,
      clock,
      add: ({ data }) => {
        taken.push(data.toString())
        state.bufferedBytes += data.length
      },
      bufferedBytes: () => state.bufferedBytes,
      maxBufferedBytes: 10,
      onRead: (_, read) => {
        if (read === undefined) state.throttled += 1
      }
    })
    const put = (text: string): void => {
      const data = Buffer.from(text).toString('base64')
      store.put(stream, { partitionKey: text, explicitHashKey: undefined, data, dataBytes: text.length })
    }
    return { clock, store, stream, source, put, taken, state }
  }

  it('stops while too much is buffered, and goes on where it stopped', async () => {
    const { clock, source, put, taken, state } = aSource()
    source.start()
    put('0123456789')
    await clock.advance(1_000)
    put('a')
    expect(source.catchUp()).toBe(false)
    await clock.advance(600_000)
    expect(taken).toEqual(['0123456789'])
    state.bufferedBytes = 9
    await clock.advance(1_000)
    expect(taken).toEqual(['0123456789', 'a'])
  })

  it('loses what the stream keeps no longer, and nothing else', async () => {
    const { clock, source, put, taken, state } = aSource()
    source.start()
    state.bufferedBytes = 10
    put('old')
    await clock.advance(3_600_000)
    put('kept')
    await clock.advance(23 * 3_600_000 + 1)
    state.bufferedBytes = 0
    await clock.advance(1_000)
    expect(taken).toEqual(['kept'])
  })

  it('keeps to the limits that it shares with other readers, and reads later', async () => {
    const { clock, source, put, taken, state, stream } = aSource({ throttle: true })
    source.start()
    put('a')
    stream.shards[0]!.readBytes1s.take(2 * 2 * 1024 * 1024)
    await clock.advance(0)
    expect(source.catchUp()).toBe(true)
    expect([taken, state.throttled]).toEqual([[], 1])
    await clock.advance(2_000)
    expect(taken).toEqual(['a'])
  })

  it('waits with the children of a shard until it has read the shard to its end', () => {
    const { store, stream, source, put, taken, state } = aSource()
    source.start()
    for (let count = 0; count < 10_001; count += 1) put('')
    const [parent] = stream.shards
    store.reshard(stream, [parent!], [{ start: parent!.start, end: parent!.end }])
    put('child')
    state.bufferedBytes = 0
    expect(source.catchUp()).toBe(true)
    expect(taken).toHaveLength(10_002)
    expect(taken.at(-1)).toBe('child')
  })
})
