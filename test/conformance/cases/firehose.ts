import { gunzipSync } from 'node:zlib'
import {
  CreateDeliveryStreamCommand,
  DeleteDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  ListDeliveryStreamsCommand,
  ListTagsForDeliveryStreamCommand,
  PutRecordBatchCommand,
  PutRecordCommand,
  StartDeliveryStreamEncryptionCommand,
  TagDeliveryStreamCommand,
  UntagDeliveryStreamCommand,
  UpdateDestinationCommand
} from '@aws-sdk/client-firehose'
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { expect } from 'vitest'
import { type ConformanceCase, caseOf, refused, until } from '../case.ts'
import type { World } from '../world.ts'

/** As fast as a delivery stream goes. */
const soon = { BufferingHints: { IntervalInSeconds: 0, SizeInMBs: 1 } }

const batch = ({ firehose }: World, DeliveryStreamName: string, ...texts: readonly string[]) =>
  firehose.send(
    new PutRecordBatchCommand({
      DeliveryStreamName,
      Records: texts.map(text => ({ Data: Buffer.from(text) }))
    })
  )
const put = ({ firehose }: World, DeliveryStreamName: string, Data: Buffer) =>
  firehose.send(new PutRecordCommand({ DeliveryStreamName, Record: { Data } }))
const describe = async ({ firehose }: World, DeliveryStreamName: string) =>
  (await firehose.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName }))).DeliveryStreamDescription!

/** The first object of a bucket, once there is one. */
async function delivered({ s3 }: World, Bucket: string) {
  const { Contents } = await until(
    () => s3.send(new ListObjectsV2Command({ Bucket })),
    answer => (answer.KeyCount ?? 0) > 0
  )
  const Key = Contents![0]!.Key!
  const answer = await s3.send(new GetObjectCommand({ Bucket, Key }))
  const { ContentType: type, ContentEncoding: encoding } = answer
  return { key: Key, type, encoding, body: Buffer.from(await answer.Body!.transformToByteArray()) }
}

async function refusedConfiguration(
  world: World,
  further: object,
  ...names: readonly string[]
): Promise<void> {
  const bucket = await world.bucket()
  const DeliveryStreamName = world.name().slice(0, 60)
  const request = world.firehose.send(
    new CreateDeliveryStreamCommand({
      DeliveryStreamName,
      ExtendedS3DestinationConfiguration: { ...world.s3Destination(bucket), ...further }
    })
  )
  world.atEnd(() => world.firehose.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName })))
  await refused(request, ...names)
}

export const firehoseCases: readonly ConformanceCase[] = [
  caseOf(
    'firehose.describe.defaults',
    'a delivery stream to S3 has the documented defaults, in version 1',
    async world => {
      const { name } = await world.deliveryStream()
      const stream = await describe(world, name)
      expect(stream).toMatchObject({
        DeliveryStreamType: 'DirectPut',
        VersionId: '1',
        HasMoreDestinations: false
      })
      expect(stream.Destinations![0]!.ExtendedS3DestinationDescription).toMatchObject({
        BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 300 },
        CompressionFormat: 'UNCOMPRESSED',
        S3BackupMode: 'Disabled'
      })
    }
  ),
  caseOf(
    'firehose.describe.missing',
    'a delivery stream that is not there is a ResourceNotFoundException',
    async world => {
      await refused(describe(world, 'conformance-nothing'), 'ResourceNotFoundException')
    }
  ),
  caseOf('firehose.create.twice', 'a name that is taken is a ResourceInUseException', async world => {
    const { name, bucket } = await world.deliveryStream()
    await refused(
      world.firehose.send(
        new CreateDeliveryStreamCommand({
          DeliveryStreamName: name,
          ExtendedS3DestinationConfiguration: world.s3Destination(bucket)
        })
      ),
      'ResourceInUseException'
    )
  }),
  caseOf('firehose.create.two-destinations', 'two destinations are refused', async world => {
    const bucket = await world.bucket()
    const DeliveryStreamName = world.name().slice(0, 60)
    world.atEnd(() => world.firehose.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName })))
    const S3Configuration = world.s3Destination(bucket)
    await refused(
      world.firehose.send(
        new CreateDeliveryStreamCommand({
          DeliveryStreamName,
          ExtendedS3DestinationConfiguration: S3Configuration,
          SplunkDestinationConfiguration: {
            HECEndpoint: 'https://localhost:8088',
            HECEndpointType: 'Raw',
            HECToken: 'x',
            S3Configuration
          }
        })
      ),
      'InvalidArgumentException'
    )
  }),
  caseOf(
    'firehose.create.prefix-without-errors',
    'a prefix with an expression needs an ErrorOutputPrefix',
    world => refusedConfiguration(world, { Prefix: '!{timestamp:yyyy}/' }, 'InvalidArgumentException')
  ),
  caseOf(
    'firehose.create.error-prefix',
    'an ErrorOutputPrefix with expressions needs error-output-type',
    world =>
      refusedConfiguration(world, { ErrorOutputPrefix: 'e/!{timestamp:yyyy}/' }, 'InvalidArgumentException')
  ),
  caseOf('firehose.create.interval', 'a buffer interval of 901 seconds is refused', world =>
    refusedConfiguration(
      world,
      { BufferingHints: { IntervalInSeconds: 901, SizeInMBs: 5 } },
      'ValidationException',
      'InvalidArgumentException'
    )
  ),
  caseOf('firehose.create.compression', 'a compression that is not in the enumeration is refused', world =>
    refusedConfiguration(world, { CompressionFormat: 'SNAPPY' }, 'ValidationException')
  ),
  caseOf('firehose.create.time-zone', 'a time zone with a plus sign is refused', world =>
    refusedConfiguration(
      world,
      { CustomTimeZone: 'Etc/GMT+5' },
      'ValidationException',
      'InvalidArgumentException'
    )
  ),
  caseOf('firehose.list', 'delivery streams are listed in the order of their names', async world => {
    const [{ name }] = await Promise.all([world.deliveryStream(), world.deliveryStream()])
    const { DeliveryStreamNames } = await world.firehose.send(
      new ListDeliveryStreamsCommand({ ExclusiveStartDeliveryStreamName: name.slice(0, -1), Limit: 1 })
    )
    expect(DeliveryStreamNames).toEqual([name])
  }),
  caseOf(
    'firehose.put.record-id',
    'a record that is taken has an id, and says whether it is encrypted',
    async world => {
      const { name } = await world.deliveryStream()
      const answer = await put(world, name, Buffer.from('x'))
      expect(answer.RecordId).toMatch(/.+/)
      expect(answer.Encrypted).toBe(false)
    }
  ),
  caseOf(
    'firehose.put.missing',
    'a put to a delivery stream that is not there is a ResourceNotFoundException',
    async world => {
      await refused(put(world, 'conformance-nothing', Buffer.from('x')), 'ResourceNotFoundException')
    }
  ),
  caseOf(
    'firehose.put.too-large',
    'a record of 1,024,001 bytes is refused, one of 1,024,000 is not',
    async world => {
      const { name } = await world.deliveryStream()
      await put(world, name, Buffer.alloc(1_024_000, 'a'))
      await refused(
        put(world, name, Buffer.alloc(1_024_001, 'a')),
        'ValidationException',
        'InvalidArgumentException'
      )
    }
  ),
  caseOf(
    'firehose.batch.order',
    'answers of a batch are as many as its records, each with an id of its own',
    async world => {
      const { name } = await world.deliveryStream()
      const { RequestResponses, FailedPutCount } = await batch(world, name, 'a', 'b', 'c')
      expect(FailedPutCount).toBe(0)
      expect(new Set(RequestResponses?.map(({ RecordId }) => RecordId)).size).toBe(3)
    }
  ),
  caseOf('firehose.batch.501', 'a batch of 501 records is refused', async world => {
    const { name } = await world.deliveryStream()
    const texts = Array.from({ length: 501 }, () => 'x')
    await refused(batch(world, name, ...texts), 'ValidationException', 'InvalidArgumentException')
  }),
  caseOf('firehose.batch.too-large', 'a batch of 4 MiB and a byte is refused', async world => {
    const { name } = await world.deliveryStream()
    const texts = [...Array.from({ length: 4 }, () => 'x'.repeat(1_024_000)), 'x'.repeat(98_305)]
    await refused(batch(world, name, ...texts), 'InvalidArgumentException')
  }),
  caseOf('firehose.batch.none', 'a batch of no records is refused', async world => {
    const { name } = await world.deliveryStream()
    await refused(batch(world, name), 'ValidationException', 'InvalidArgumentException')
  }),
  caseOf(
    'firehose.s3.glued',
    'records of a batch lie in one object, with nothing between them',
    async world => {
      const { name, bucket } = await world.deliveryStream(soon)
      await batch(world, name, 'abc', 'abc', 'abc')
      const { body, type } = await delivered(world, bucket)
      expect(body.toString()).toBe('abcabcabc')
      expect(type).toBe('application/octet-stream')
    }
  ),
  caseOf('firehose.s3.key', 'the key is UTC time, name, version, time and a random id', async world => {
    const { name, bucket } = await world.deliveryStream(soon)
    await batch(world, name, 'x')
    const { key } = await delivered(world, bucket)
    expect(key).toMatch(
      new RegExp(
        `^\\d{4}/\\d\\d/\\d\\d/\\d\\d/${name}-1-\\d{4}(-\\d\\d){5}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`
      )
    )
  }),
  caseOf('firehose.s3.prefix', 'a static prefix stands before the time, as it is', async world => {
    const { name, bucket } = await world.deliveryStream({ ...soon, Prefix: 'legacy' })
    await batch(world, name, 'x')
    expect((await delivered(world, bucket)).key).toMatch(/^legacy\d{4}\//)
  }),
  caseOf('firehose.s3.expression', 'expressions in a prefix are evaluated', async world => {
    const { name, bucket } = await world.deliveryStream({
      ...soon,
      Prefix: 'year=!{timestamp:yyyy}/',
      ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/'
    })
    await batch(world, name, 'x')
    expect((await delivered(world, bucket)).key).toMatch(new RegExp(`^year=\\d{4}/${name}-1-`))
  }),
  caseOf('firehose.s3.gzip', 'GZIP packs the object and says so', async world => {
    const { name, bucket } = await world.deliveryStream({ ...soon, CompressionFormat: 'GZIP' })
    await batch(world, name, 'packed')
    const { key, body } = await delivered(world, bucket)
    expect(key.endsWith('.gz')).toBe(true)
    expect(gunzipSync(body).toString()).toBe('packed')
  }),
  caseOf('firehose.s3.delimiter', 'AppendDelimiterToRecord ends every record with a newline', async world => {
    const { name, bucket } = await world.deliveryStream({
      ...soon,
      ProcessingConfiguration: { Enabled: true, Processors: [{ Type: 'AppendDelimiterToRecord' }] }
    })
    await batch(world, name, 'a', 'b')
    expect((await delivered(world, bucket)).body.toString()).toBe('a\nb\n')
  }),
  caseOf(
    'firehose.update.version',
    'an update of an older version is a ConcurrentModificationException',
    async world => {
      const { name } = await world.deliveryStream()
      const { DestinationId } = (await describe(world, name)).Destinations![0]!
      const update = (CurrentDeliveryStreamVersionId: string) =>
        world.firehose.send(
          new UpdateDestinationCommand({
            DeliveryStreamName: name,
            DestinationId: DestinationId!,
            CurrentDeliveryStreamVersionId,
            ExtendedS3DestinationUpdate: { Prefix: 'new/' }
          })
        )
      await update('1')
      await until(
        () => describe(world, name),
        ({ VersionId }) => VersionId === '2'
      )
      await refused(update('1'), 'ConcurrentModificationException')
    }
  ),
  caseOf('firehose.encryption', 'encryption is started, and puts say so', async world => {
    const { name } = await world.deliveryStream()
    await world.firehose.send(new StartDeliveryStreamEncryptionCommand({ DeliveryStreamName: name }))
    await until(
      () => describe(world, name),
      ({ DeliveryStreamEncryptionConfiguration: encryption }) => encryption?.Status === 'ENABLED'
    )
    expect((await put(world, name, Buffer.from('x'))).Encrypted).toBe(true)
  }),
  caseOf('firehose.tags', 'tags are added, told and taken away', async world => {
    const { name: DeliveryStreamName } = await world.deliveryStream()
    const list = async () =>
      (await world.firehose.send(new ListTagsForDeliveryStreamCommand({ DeliveryStreamName }))).Tags
    await world.firehose.send(
      new TagDeliveryStreamCommand({ DeliveryStreamName, Tags: [{ Key: 'team', Value: 'a' }] })
    )
    expect(await list()).toEqual([{ Key: 'team', Value: 'a' }])
    await world.firehose.send(new UntagDeliveryStreamCommand({ DeliveryStreamName, TagKeys: ['team'] }))
    expect(await list()).toEqual([])
  }),
  caseOf('firehose.delete', 'a deleted delivery stream is gone', async world => {
    const { name } = await world.deliveryStream()
    await world.firehose.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: name }))
    await until(
      () =>
        describe(world, name).then(
          () => '',
          (error: Error) => error.name
        ),
      error => error === 'ResourceNotFoundException'
    )
  })
]
