import { randomBytes } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import {
  CreateDeliveryStreamCommand,
  DeleteDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  type ExtendedS3DestinationConfiguration,
  FirehoseClient,
  ListDeliveryStreamsCommand,
  PutRecordBatchCommand,
  PutRecordCommand,
  UpdateDestinationCommand
} from '@aws-sdk/client-firehose'
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { S3Destination } from '../../local/firehose/destinations/s3.ts'
import { objectKey } from '../../local/firehose/object-key.ts'
import type { S3Settings } from '../../local/firehose/settings.ts'
import { DirectDelivery } from '../helpers/direct-delivery.ts'
import { FakeClock, settle } from '../helpers/fake-clock.ts'
import { opened, openLocal } from '../helpers/local.ts'
import { memoryObjects, s3Settings } from '../helpers/receivers.ts'

const roleAndBucket = { RoleARN: 'arn:aws:iam::000000000000:role/firehose', BucketARN: 'arn:aws:s3:::bucket' }
const hints = { SizeInMBs: 1, IntervalInSeconds: 60 }

async function start(destination: Partial<ExtendedS3DestinationConfiguration> = {}) {
  const clock = new FakeClock()
  const local = await openLocal({ clock })
  const firehose = opened(new FirehoseClient({ ...local.clientConfig('firehose'), maxAttempts: 1 }))
  const s3 = opened(new S3Client(local.clientConfig('s3')))
  await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  const create = (configuration: object) =>
    firehose.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName: 'd',
        ExtendedS3DestinationConfiguration: {
          ...roleAndBucket,
          BufferingHints: hints,
          ...configuration
        } as never
      })
    )
  if (!('skip' in destination)) await create(destination)
  const put = (...records: (string | Buffer)[]) =>
    firehose.send(
      new PutRecordBatchCommand({
        DeliveryStreamName: 'd',
        Records: records.map(record => ({ Data: Buffer.from(record as string) }))
      })
    )
  const objects = async () => {
    // Writing goes through real files; the fake clock does not cover them.
    await local.flushFirehose().catch(() => {})
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'bucket' }))
    return Promise.all(
      Contents.map(async ({ Key }) => {
        const { Body, ContentType, ContentEncoding } = await s3.send(
          new GetObjectCommand({ Bucket: 'bucket', Key })
        )
        return {
          key: Key!,
          body: Buffer.from(await Body!.transformToByteArray()),
          ContentType,
          ContentEncoding
        }
      })
    )
  }
  return { clock, local, firehose, s3, create, put, objects }
}

function aDelivery(overrides: Partial<S3Settings> = {}) {
  const clock = new FakeClock()
  const state = { failures: 0 }
  const { writer, written } = memoryObjects(state)
  const destination = new S3Destination({
    deliveryStreamName: 'd',
    version: '1',
    settings: s3Settings(overrides),
    objects: writer
  })
  const texts = (): readonly string[] => written.map(({ text }) => text)
  return { clock, delivery: new DirectDelivery(destination, clock), texts, written, state }
}

describe('delivery', () => {
  it('scenario 4: writes when the first record reaches the age, and not before', async () => {
    const { clock, delivery, texts } = aDelivery()
    delivery.add(Buffer.from('a'))
    await clock.advance(59_000)
    delivery.add(Buffer.from('b'))
    await clock.advance(999)
    expect(texts()).toEqual([])
    await clock.advance(1)
    expect(texts()).toEqual(['ab'])
    expect(delivery.bufferedBytes).toBe(0)
  })

  it('scenario 3: cuts at a record boundary, at or just past the size, and nothing comes twice', async () => {
    const { clock, delivery, texts } = aDelivery({ bufferIntervalSeconds: 300 })
    for (let index = 0; index < 11; index += 1) delivery.add(Buffer.alloc(100_000, 'x'))
    await settle()
    expect(texts().map(({ length }) => length)).toEqual([1_100_000])
    delivery.add(Buffer.from('rest'))
    await clock.advance(299_999)
    expect(texts()).toHaveLength(1)
    await clock.advance(1)
    expect(texts().slice(1)).toEqual(['rest'])
  })

  it('scenario 6: every expression shows the hour of the oldest record', async () => {
    const { clock, delivery, written } = aDelivery({
      prefix: 'd=!{timestamp:yyyy-MM-dd}/h=!{timestamp:HH}/again=!{timestamp:HH}/'
    })
    await clock.advance(Date.UTC(2026, 6, 13, 14, 59, 50) - clock.wallTime())
    delivery.add(Buffer.from('before'))
    await clock.advance(20_000)
    delivery.add(Buffer.from(' and after'))
    await clock.advance(40_000)
    expect(written).toEqual([
      {
        key: expect.stringMatching(/^d=2026-07-13\/h=14\/again=14\/d-1-2026-07-13-14-59-50-/),
        text: 'before and after'
      }
    ])
  })

  it('writes at the next tick with an interval of zero', async () => {
    const { clock, delivery, texts } = aDelivery({ bufferIntervalSeconds: 0 })
    delivery.add(Buffer.from('a'))
    await clock.advance(0)
    expect(texts()).toEqual(['a'])
  })

  it('tries a write again until it succeeds, in order, and flush returns after a failure', async () => {
    const { clock, delivery, texts, state } = aDelivery()
    state.failures = 2
    delivery.add(Buffer.from('a'))
    await delivery.flush()
    delivery.add(Buffer.from('b'))
    await delivery.flush()
    expect(texts()).toEqual([])
    expect(delivery.bufferedBytes).toBe(2)
    await clock.advance(3_000)
    expect(texts()).toEqual(['a', 'b'])
    expect(delivery.bufferedBytes).toBe(0)
  })

  it('goes on trying for longer than a day', async () => {
    const { clock, delivery, texts, state } = aDelivery()
    state.failures = 1_500
    delivery.add(Buffer.from('a'))
    await delivery.flush()
    await clock.advance(1_500 * 60_000)
    expect(texts()).toEqual(['a'])
  })
})

describe('object keys', () => {
  const at = Date.UTC(2026, 6, 13, 14, 5, 9)
  const key = (prefix: string, more: object = {}) =>
    objectKey({
      prefix,
      deliveryStreamName: 'd',
      version: '1',
      arrivedMs: at,
      timeZone: 'UTC',
      extension: '',
      ...more
    })
  const suffix = 'd-1-2026-07-13-14-05-09-[0-9a-f-]{36}'

  it.each([
    ['', '2026/07/13/14/'],
    ['legacy', 'legacy2026/07/13/14/'],
    ['legacy/', 'legacy/2026/07/13/14/'],
    ['y=!{timestamp:yyyy}/d=!{timestamp:dd}/', 'y=2026/d=13/'],
    ["!{timestamp:'year='yyyy/MMM-DDD-H-mm-ss}/", 'year=2026/Jul-194-14-05-09/']
  ])('scenario 5: evaluates the prefix %j', (prefix, path) => {
    expect(key(prefix)).toMatch(new RegExp(`^${path}${suffix}$`))
  })

  it('makes a fresh random string for every occurrence, and appends nothing to an expression', () => {
    const [, first, second] = /^([A-Za-z0-9]{11})\/([A-Za-z0-9]{11})\/d-1-/.exec(
      key('!{firehose:random-string}/!{firehose:random-string}/')
    )!
    expect(first).not.toBe(second)
  })

  it('scenario 9: shows prefix and suffix in the time zone', () => {
    const tokyo = { timeZone: 'Asia/Tokyo', arrivedMs: Date.UTC(2026, 6, 13, 23, 30), extension: '.gz' }
    expect(key('', tokyo)).toMatch(/^2026\/07\/14\/08\/d-1-2026-07-14-08-30-00-[0-9a-f-]{36}\.gz$/)
  })
})

describe('the Firehose engine', () => {
  it('scenario 1: concatenates records as they are, as octets', async () => {
    const { put, objects } = await start({ Prefix: 'p/' })
    const answer = await put('abc', 'abc', 'abc')
    expect(answer).toMatchObject({ FailedPutCount: 0, Encrypted: false })
    expect(new Set(answer.RequestResponses?.map(({ RecordId }) => RecordId)).size).toBe(3)
    expect(await objects()).toMatchObject([
      {
        key: expect.stringMatching(/^p\/\d{4}\/.*\/d-1-/),
        body: Buffer.from('abcabcabc'),
        ContentType: 'application/octet-stream'
      }
    ])
  })

  it('scenario 2: appends a newline to every record when the processor is there', async () => {
    const { put, objects } = await start({
      ProcessingConfiguration: { Enabled: true, Processors: [{ Type: 'AppendDelimiterToRecord' }] }
    })
    await put('abc', 'abc', 'abc')
    expect((await objects()).map(({ body }) => body.toString())).toEqual(['abc\nabc\nabc\n'])
  })

  it.each([
    [{}, /\.gz$/],
    [{ FileExtension: '.log' }, /\.log$/]
  ])('scenario 10: compresses with gzip, extension %j', async (more, extension) => {
    const { put, objects } = await start({ CompressionFormat: 'GZIP', ...more })
    await put('hello')
    const [object] = await objects()
    expect(object!.key).toMatch(extension)
    expect(object!.ContentEncoding).toBe('gzip')
    expect(gunzipSync(object!.body).toString()).toBe('hello')
  })

  it('scenario 12: refuses batches and records over the limits, and stores nothing', async () => {
    const { put, firehose, objects } = await start()
    await expect(put(...Array.from({ length: 501 }, () => 'x'))).rejects.toMatchObject({
      name: 'ValidationException'
    })
    const big = Buffer.alloc(1_000_000)
    await expect(
      put(big, big, big, big, Buffer.alloc(4 * 1024 * 1024 - 4_000_000 + 1))
    ).rejects.toMatchObject({
      name: 'InvalidArgumentException',
      message: 'Records size exceeds 4 MB limit'
    })
    await expect(put('x', Buffer.alloc(1_024_001))).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('records.2.member.data')
    })
    await expect(
      firehose.send(new PutRecordCommand({ DeliveryStreamName: 'none', Record: { Data: randomBytes(3) } }))
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    expect(await objects()).toEqual([])
    // 4 MiB to the byte, and an empty record, are allowed.
    await put(big, big, big, big, Buffer.alloc(4 * 1024 * 1024 - 4_000_000), '')
  })

  it.each([
    ['scenario 7', { Prefix: '!{timestamp:yyyy}/' }, 'InvalidArgumentException', 'ErrorOutputPrefix'],
    [
      'scenario 8',
      { Prefix: '!{timestamp:yyyy}/', ErrorOutputPrefix: '!{timestamp:yyyy}/' },
      'InvalidArgumentException',
      'error-output-type'
    ],
    [
      'scenario 11',
      { CompressionFormat: 'SNAPPY' },
      'ValidationException',
      "'extendedS3DestinationConfiguration.compressionFormat' failed to satisfy constraint: Member must satisfy enum value set: [ZIP, HADOOP_SNAPPY, Snappy, GZIP, UNCOMPRESSED]"
    ],
    [
      'a namespace that is not known',
      { Prefix: '!{nothing:x}/', ErrorOutputPrefix: 'e' },
      'InvalidArgumentException',
      '!{nothing:x}'
    ],
    [
      'the type of error in a prefix of records',
      {
        Prefix: '!{firehose:error-output-type}/',
        ErrorOutputPrefix: '!{firehose:error-output-type}/'
      },
      'InvalidArgumentException',
      'not allowed here'
    ],
    [
      'dynamic partitioning',
      { DynamicPartitioningConfiguration: { Enabled: true } },
      'InvalidArgumentException',
      'Prefix must contain a partition key'
    ],
    [
      'format conversion',
      { DataFormatConversionConfiguration: {} },
      'InvalidArgumentException',
      'DataFormatConversionConfiguration'
    ],
    [
      'a backup without a bucket',
      { S3BackupMode: 'Enabled' },
      'ValidationException',
      '.s3BackupConfiguration'
    ],
    ['a long prefix', { Prefix: 'x'.repeat(1025) }, 'ValidationException', '.prefix'],
    ['half of the hints', { BufferingHints: { SizeInMBs: 1 } }, 'InvalidArgumentException', 'BufferingHints'],
    [
      'too large a buffer',
      { BufferingHints: { SizeInMBs: 129, IntervalInSeconds: 1 } },
      'ValidationException',
      'sizeInMBs'
    ],
    ['no role', { RoleARN: undefined }, 'ValidationException', 'roleARN'],
    ['a time zone of nowhere', { CustomTimeZone: 'Mars/Base' }, 'InvalidArgumentException', 'Mars/Base'],
    ['an offset as time zone', { CustomTimeZone: 'Etc/GMT+5' }, 'ValidationException', '[a-zA-Z/_]+'],
    ['an extension without a dot', { FileExtension: 'log' }, 'ValidationException', 'fileExtension']
  ])('%s: refuses to create %j', async (_, configuration, name, text) => {
    const { create } = await start({ skip: true } as never)
    await expect(create(configuration)).rejects.toMatchObject({
      name,
      message: expect.stringContaining(text)
    })
  })

  it('refuses several destinations, none, and those that it has not', async () => {
    const { firehose } = await start({ skip: true } as never)
    for (const [destinations, text] of [
      [{}, 'Exactly one'],
      [
        { S3DestinationConfiguration: roleAndBucket, ExtendedS3DestinationConfiguration: roleAndBucket },
        'Exactly one'
      ],
      [{ SnowflakeDestinationConfiguration: {} }, 'not implemented']
    ] as const) {
      await expect(
        firehose.send(
          new CreateDeliveryStreamCommand({ DeliveryStreamName: 'd', ...(destinations as object) })
        )
      ).rejects.toMatchObject({
        name: 'InvalidArgumentException',
        message: expect.stringContaining(text)
      })
    }
  })

  it('scenario 16: an update needs the current version, and makes the next, which keys show', async () => {
    const { firehose, put, objects, clock } = await start({ Prefix: 'old/' })
    const update = (version: string, change: object, id = 'destinationId-000000000001') =>
      firehose.send(
        new UpdateDestinationCommand({
          DeliveryStreamName: 'd',
          CurrentDeliveryStreamVersionId: version,
          DestinationId: id,
          ExtendedS3DestinationUpdate: change
        })
      )
    await put('before')
    await expect(update('2', { Prefix: 'new/' })).rejects.toMatchObject({
      name: 'ConcurrentModificationException',
      message: expect.stringMatching(/version id: 1 .* version id: 2 /)
    })
    await expect(update('1', { Prefix: 'new/' }, 'other')).rejects.toMatchObject({
      name: 'InvalidArgumentException',
      message: 'Destination Id other not found'
    })
    await expect(update('1', { CompressionFormat: 'SNAPPY' })).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining("'extendedS3DestinationUpdate.compressionFormat'")
    })
    await clock.advance(1_000)
    await update('1', { Prefix: 'new/' })
    await put('after')
    expect((await objects()).map(({ key, body }) => [key.slice(0, -36), body.toString()])).toEqual([
      ['new/2026/07/13/14/d-2-2026-07-13-14-05-01-', 'after'],
      ['old/2026/07/13/14/d-1-2026-07-13-14-05-00-', 'before']
    ])
    const { DeliveryStreamDescription: found } = await firehose.send(
      new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'd' })
    )
    expect(found).toMatchObject({
      VersionId: '2',
      LastUpdateTimestamp: new Date(clock.wallTime()),
      Destinations: [{ ExtendedS3DestinationDescription: { Prefix: 'new/', BufferingHints: hints } }]
    })
  })

  it('copies records as they were put to the backup, which is turned on and never off', async () => {
    const { firehose, put, objects } = await start({
      Prefix: 'main/',
      ProcessingConfiguration: { Enabled: true, Processors: [{ Type: 'AppendDelimiterToRecord' }] }
    })
    const update = (version: string, change: object) =>
      firehose.send(
        new UpdateDestinationCommand({
          DeliveryStreamName: 'd',
          CurrentDeliveryStreamVersionId: version,
          DestinationId: 'destinationId-000000000001',
          ExtendedS3DestinationUpdate: change
        })
      )
    await expect(update('1', { S3BackupMode: 'Enabled' })).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('extendedS3DestinationUpdate.s3BackupUpdate')
    })
    await update('1', { S3BackupMode: 'Enabled', S3BackupUpdate: { ...roleAndBucket, Prefix: 'backup/' } })
    await put('abc', 'def')
    expect((await objects()).map(({ key, body }) => [key.split('/')[0], body.toString()])).toEqual([
      ['backup', 'abcdef'],
      ['main', 'abc\ndef\n']
    ])
    await expect(update('2', { S3BackupMode: 'Disabled' })).rejects.toMatchObject({
      name: 'InvalidArgumentException'
    })
    await firehose.send(
      new UpdateDestinationCommand({
        DeliveryStreamName: 'd',
        CurrentDeliveryStreamVersionId: '2',
        DestinationId: 'destinationId-000000000001',
        S3DestinationUpdate: { Prefix: 'other/' }
      })
    )
    const { DeliveryStreamDescription: found } = await firehose.send(
      new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'd' })
    )
    expect(found!.Destinations![0]!.ExtendedS3DestinationDescription).toMatchObject({
      Prefix: 'other/',
      S3BackupMode: 'Enabled',
      S3BackupDescription: { Prefix: 'backup/' }
    })
  })

  it('describes, lists and deletes; a deletion drops what is buffered', async () => {
    const { firehose, create, put, objects } = await start()
    const { DeliveryStreamDescription: found } = await firehose.send(
      new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'd' })
    )
    expect(found).toMatchObject({
      DeliveryStreamStatus: 'ACTIVE',
      VersionId: '1',
      Destinations: [
        {
          ExtendedS3DestinationDescription: { CompressionFormat: 'UNCOMPRESSED', BufferingHints: hints },
          S3DestinationDescription: { BucketARN: 'arn:aws:s3:::bucket' }
        }
      ]
    })
    await expect(create({})).rejects.toMatchObject({ name: 'ResourceInUseException' })
    expect((await firehose.send(new ListDeliveryStreamsCommand({}))).DeliveryStreamNames).toEqual(['d'])
    await put('never delivered')
    await firehose.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: 'd' }))
    expect(await objects()).toEqual([])
    expect((await firehose.send(new ListDeliveryStreamsCommand({}))).DeliveryStreamNames).toEqual([])
  })
})
