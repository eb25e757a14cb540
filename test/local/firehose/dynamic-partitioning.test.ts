import { UpdateDestinationCommand } from '@aws-sdk/client-firehose'
import { describe, expect, it } from 'vitest'
import { Delivery } from '../../../local/firehose/delivery.ts'
import { S3Destination } from '../../../local/firehose/destinations/s3.ts'
import { newRecord } from '../../../local/firehose/record.ts'
import type { FirehoseFunction } from '../../../local/index.ts'
import { roleAndBucket, startFirehose } from '../../helpers/delivery-streams.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { errorRecords, memoryObjects, s3Settings } from '../../helpers/receivers.ts'

const lambdaArn = 'arn:aws:lambda:us-east-1:000000000000:function:f'

/** Records are JSON: their member `keys` are their partition keys. */
const keysOf: FirehoseFunction = ({ records }) => ({
  records: records.map(({ recordId, data }) => {
    const { keys } = JSON.parse(Buffer.from(data, 'base64').toString()) as { keys: Record<string, string> }
    return { recordId, result: 'Ok', data, metadata: { partitionKeys: keys } }
  })
})

const configuration = {
  ...roleAndBucket,
  Prefix: 'c=!{partitionKeyFromLambda:customer}/y=!{timestamp:yyyy}/',
  ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
  BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 60 },
  DynamicPartitioningConfiguration: { Enabled: true },
  ProcessingConfiguration: {
    Enabled: true,
    Processors: [
      {
        Type: 'Lambda' as const,
        Parameters: [{ ParameterName: 'LambdaArn' as const, ParameterValue: lambdaArn }]
      }
    ]
  }
}

async function start(more: object = {}) {
  const test = await startFirehose({ firehoseFunctions: { f: keysOf } })
  await test.create({ ExtendedS3DestinationConfiguration: { ...configuration, ...more } })
  return {
    ...test,
    putKeys: (...keys: object[]) =>
      test.put(...keys.map((each, index) => JSON.stringify({ index, keys: each })))
  }
}

describe('dynamic partitioning', () => {
  it('writes the records of each evaluated prefix to objects of their own', async () => {
    const { putKeys, objects } = await start()
    await putKeys({ customer: 'a' }, { customer: 'b' }, { customer: 'a', unused: 'x' })
    const written = await objects()
    expect(written.map(({ key }) => key.slice(0, -36))).toEqual([
      'c=a/y=2026/d-1-2026-07-13-14-05-00-',
      'c=b/y=2026/d-1-2026-07-13-14-05-00-'
    ])
    expect(written.map(({ text }) => text.match(/"index":\d/g))).toEqual([
      ['"index":0', '"index":2'],
      ['"index":1']
    ])
  })

  it('keeps the buffers of prefixes apart, each with an age of its own', async () => {
    const clock = new FakeClock()
    const { writer, written } = memoryObjects()
    const settings = s3Settings({ prefix: configuration.Prefix, partitioning: { retrySeconds: 300 } })
    const destination = new S3Destination({
      deliveryStreamName: 'd',
      version: '1',
      settings,
      objects: writer
    })
    const delivery = new Delivery(destination, clock)
    const add = (customer: string): void => {
      const record = newRecord(Buffer.from(customer), clock.wallTime())
      expect(delivery.buffer({ ...record, partitionKeys: { customer } })).toBeUndefined()
    }
    add('a')
    await clock.advance(30_000)
    add('b')
    add('a')
    await clock.advance(29_999)
    expect(written).toEqual([])
    await clock.advance(1)
    expect(written.map(({ text }) => text)).toEqual(['aa'])
    expect(delivery.oldestArrivedMs).toBe(clock.wallTime() - 30_000)
    await clock.advance(30_000)
    expect(written.map(({ text }) => text)).toEqual(['aa', 'b'])
    expect(delivery.bufferedBytes).toBe(0)
  })

  it('makes a random string for each object, and not for each record', async () => {
    const { putKeys, objects } = await start({
      Prefix: '!{partitionKeyFromLambda:customer}/!{firehose:random-string}/'
    })
    await putKeys({ customer: 'a' }, { customer: 'a' })
    expect((await objects()).map(({ key }) => key)).toEqual([expect.stringMatching(/^a\/\w{11}\/d-1-/)])
  })

  it.each([
    ['is missing', {}],
    ['is empty', { customer: '' }],
    ['is no text', { customer: 7 }],
    ['makes the prefix too long', { customer: 'x'.repeat(503) }]
  ])('keeps a record whose key %s under the error prefix', async (_, keys) => {
    const { putKeys, objects } = await start()
    await putKeys({ customer: 'x'.repeat(502) }, keys)
    const [good, bad] = await objects()
    expect(good!.key).toMatch(/^c=x{502}\/y=2026\//)
    expect(bad!.key).toMatch(/^errors\/processing-failed\/d-1-/)
    expect(errorRecords(bad!.text)).toMatchObject([
      { errorCode: 'DynamicPartitioning.MetadataExtractionFailed', data: JSON.stringify({ index: 1, keys }) }
    ])
  })

  it('keeps the records of partitions beyond the 500 active ones under the error prefix', async () => {
    const { putKeys, objects } = await start()
    await putKeys(...Array.from({ length: 500 }, (_, index) => ({ customer: `${index}` })))
    await putKeys({ customer: '500' }, { customer: '0' })
    const written = await objects()
    expect(written.filter(({ key }) => key.startsWith('c='))).toHaveLength(500)
    const [failed] = written.filter(({ key }) => key.startsWith('errors/'))
    expect(errorRecords(failed!.text)).toMatchObject([
      {
        errorCode: 'DynamicPartitioning.ActivePartitionLimitExceeded',
        data: expect.stringContaining('"500"')
      }
    ])
    // They are active no longer.
    await putKeys({ customer: '500' })
    expect((await objects()).filter(({ key }) => key.startsWith('c=500/'))).toHaveLength(1)
  })

  it('is described, with the hints that it has when none are given', async () => {
    const { destination } = await start({ BufferingHints: undefined })
    expect((await destination()).ExtendedS3DestinationDescription).toMatchObject({
      DynamicPartitioningConfiguration: { Enabled: true, RetryOptions: { DurationInSeconds: 300 } },
      BufferingHints: { SizeInMBs: 128, IntervalInSeconds: 300 }
    })
  })

  it.each([
    [{ Prefix: 'x/' }, 'Prefix must contain a partition key'],
    [{ Prefix: '!{partitionKeyFromLambda:}/' }, 'a partition key has no name'],
    [{ Prefix: '!{partitionKeyFromQuery:customer}/' }, '!{partitionKeyFromQuery:customer}'],
    [{ ErrorOutputPrefix: 'errors/' }, 'ErrorOutputPrefix must contain'],
    [
      { ErrorOutputPrefix: '!{firehose:error-output-type}/!{partitionKeyFromLambda:customer}' },
      'not allowed here'
    ],
    [{ ProcessingConfiguration: { Enabled: false } }, 'A Lambda processor is required'],
    [{ BufferingHints: { SizeInMBs: 63, IntervalInSeconds: 60 } }, 'SizeInMBs must be at least 64'],
    [{ DynamicPartitioningConfiguration: { Enabled: false } }, '!{partitionKeyFromLambda:customer}']
  ])('is refused with %j', async (change, text) => {
    const { create } = await startFirehose()
    await expect(
      create({ ExtendedS3DestinationConfiguration: { ...configuration, ...change } })
    ).rejects.toMatchObject({ name: 'InvalidArgumentException', message: expect.stringContaining(text) })
  })

  it('is turned on and off by no update', async () => {
    const { firehose, create } = await start()
    const update = (DeliveryStreamName: string, change: object) =>
      firehose.send(
        new UpdateDestinationCommand({
          DeliveryStreamName,
          CurrentDeliveryStreamVersionId: '1',
          DestinationId: 'destinationId-000000000001',
          ExtendedS3DestinationUpdate: change
        })
      )
    const refused = {
      name: 'InvalidArgumentException',
      message: expect.stringContaining('Dynamic partitioning')
    }
    await expect(
      update('d', { Prefix: 'x/', DynamicPartitioningConfiguration: { Enabled: false } })
    ).rejects.toMatchObject(refused)
    await create({ DeliveryStreamName: 'e', ExtendedS3DestinationConfiguration: roleAndBucket })
    await expect(update('e', configuration)).rejects.toMatchObject(refused)
    await update('d', { BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 90 } })
  })
})
