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
  PutRecordCommand
} from '@aws-sdk/client-firehose'
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { Delivery } from '../../local/firehose/delivery.ts'
import { S3Destination } from '../../local/firehose/destinations/s3.ts'
import { objectKey } from '../../local/firehose/object-key.ts'
import type { S3Settings } from '../../local/firehose/settings.ts'
import { FakeClock, settle } from '../helpers/fake-clock.ts'
import { opened, openLocal } from '../helpers/local.ts'

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

function s3Settings(overrides: Partial<S3Settings> = {}): S3Settings {
  return {
    kind: 's3',
    roleArn: roleAndBucket.RoleARN,
    bucketArn: roleAndBucket.BucketARN,
    bucket: 'bucket',
    prefix: '',
    errorOutputPrefix: '',
    compression: 'UNCOMPRESSED',
    fileExtension: '',
    timeZone: 'UTC',
    bufferSizeMiB: 1,
    bufferIntervalSeconds: 60,
    appendDelimiter: false,
    ...overrides
  }
}

function aDelivery(overrides: Partial<S3Settings> = {}) {
  const clock = new FakeClock()
  const objects: string[] = []
  const state = { failures: 0 }
  const destination = new S3Destination({
    deliveryStreamName: 'd',
    version: '1',
    settings: s3Settings(overrides),
    objects: {
      async putObject(_bucket, _key, bytes) {
        if (state.failures > 0) {
          state.failures -= 1
          throw new Error('unavailable')
        }
        objects.push(Buffer.from(bytes).toString())
      }
    }
  })
  const delivery = new Delivery(destination, clock)
  return { clock, delivery, objects, state }
}

describe('delivery', () => {
  it('writes when the first record reaches the age, and not before', async () => {
    const { clock, delivery, objects } = aDelivery()
    delivery.add(Buffer.from('a'))
    await clock.advance(30_000)
    delivery.add(Buffer.from('b'))
    await clock.advance(29_999)
    expect(objects).toEqual([])
    await clock.advance(1)
    expect(objects).toEqual(['ab'])
    expect(delivery.bufferedBytes).toBe(0)
  })

  it('cuts at a record boundary, at or just past the size', async () => {
    const { clock, delivery, objects } = aDelivery({ bufferIntervalSeconds: 300 })
    for (let index = 0; index < 12; index += 1) delivery.add(Buffer.alloc(100_000, 'x'))
    await settle()
    expect(objects.map(({ length }) => length)).toEqual([1_100_000])
    await clock.advance(300_000)
    expect(objects.map(({ length }) => length)).toEqual([1_100_000, 100_000])
  })

  it('writes at the next tick with an interval of zero', async () => {
    const { clock, delivery, objects } = aDelivery({ bufferIntervalSeconds: 0 })
    delivery.add(Buffer.from('a'))
    await clock.advance(0)
    expect(objects).toEqual(['a'])
  })

  it('tries a write again until it succeeds, in order, and flush returns after a failure', async () => {
    const { clock, delivery, objects, state } = aDelivery()
    state.failures = 2
    delivery.add(Buffer.from('a'))
    await delivery.flush()
    delivery.add(Buffer.from('b'))
    await delivery.flush().catch(() => {})
    expect(objects).toEqual([])
    expect(delivery.bufferedBytes).toBe(2)
    await clock.advance(3_000)
    expect(objects).toEqual(['a', 'b'])
    expect(delivery.bufferedBytes).toBe(0)
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
  ])('evaluates the prefix %j', (prefix, path) => {
    expect(key(prefix)).toMatch(new RegExp(`^${path}${suffix}$`))
  })

  it('makes a fresh random string for every occurrence, and appends nothing to an expression', () => {
    const [, first, second] = /^([A-Za-z0-9]{11})\/([A-Za-z0-9]{11})\/d-1-/.exec(
      key('!{firehose:random-string}/!{firehose:random-string}/')
    )!
    expect(first).not.toBe(second)
  })

  it('shows prefix and suffix in the time zone', () => {
    const tokyo = { timeZone: 'Asia/Tokyo', arrivedMs: Date.UTC(2026, 6, 13, 23, 30), extension: '.gz' }
    expect(key('', tokyo)).toMatch(/^2026\/07\/14\/08\/d-1-2026-07-14-08-30-00-[0-9a-f-]{36}\.gz$/)
  })
})

describe('the Firehose engine', () => {
  it('concatenates records as they are, as octets', async () => {
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

  it('appends a newline to every record when the processor is there', async () => {
    const { put, objects } = await start({
      ProcessingConfiguration: { Enabled: true, Processors: [{ Type: 'AppendDelimiterToRecord' }] }
    })
    await put('abc', 'abc')
    expect((await objects())[0]!.body.toString()).toBe('abc\nabc\n')
  })

  it.each([
    [{}, /\.gz$/],
    [{ FileExtension: '.log' }, /\.log$/]
  ])('compresses with gzip, extension %j', async (more, extension) => {
    const { put, objects } = await start({ CompressionFormat: 'GZIP', ...more })
    await put('hello')
    const [object] = await objects()
    expect(object!.key).toMatch(extension)
    expect(object!.ContentEncoding).toBe('gzip')
    expect(gunzipSync(object!.body).toString()).toBe('hello')
  })

  it('refuses batches and records over the limits, and stores nothing', async () => {
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
    [{ Prefix: '!{timestamp:yyyy}/' }, 'InvalidArgumentException', 'ErrorOutputPrefix'],
    [
      { Prefix: '!{timestamp:yyyy}/', ErrorOutputPrefix: '!{timestamp:yyyy}/' },
      'InvalidArgumentException',
      'error-output-type'
    ],
    [{ Prefix: '!{nothing:x}/', ErrorOutputPrefix: 'e' }, 'InvalidArgumentException', '!{nothing:x}'],
    [
      { CompressionFormat: 'SNAPPY' },
      'ValidationException',
      '[ZIP, HADOOP_SNAPPY, Snappy, GZIP, UNCOMPRESSED]'
    ],
    [{ BufferingHints: { SizeInMBs: 1 } }, 'InvalidArgumentException', 'BufferingHints'],
    [{ BufferingHints: { SizeInMBs: 129, IntervalInSeconds: 1 } }, 'ValidationException', 'sizeInMBs'],
    [{ RoleARN: undefined }, 'ValidationException', 'roleARN'],
    [{ CustomTimeZone: 'Mars/Base' }, 'InvalidArgumentException', 'Mars/Base']
  ])('refuses to create %j', async (configuration, name, text) => {
    const { create } = await start({ skip: true } as never)
    await expect(create(configuration)).rejects.toMatchObject({
      name,
      message: expect.stringContaining(text)
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
