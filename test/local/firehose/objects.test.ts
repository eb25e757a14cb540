import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, inflateRawSync } from 'node:zlib'
import { DescribeDeliveryStreamCommand } from '@aws-sdk/client-firehose'
import { CreateKeyCommand, DisableKeyCommand, EnableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  S3Client
} from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { zip } from '../../../local/firehose/destinations/zip.ts'
import type { LocalOptions } from '../../../local/index.ts'
import { roleAndBucket, startFirehose } from '../../helpers/delivery-streams.ts'
import { opened } from '../../helpers/local.ts'

async function start(options: LocalOptions = {}) {
  const test = await startFirehose(options)
  const s3 = opened(new S3Client({ ...test.local.clientConfig('s3'), maxAttempts: 1 }))
  const kms = opened(new KMSClient(test.local.clientConfig('kms')))
  const only = async () => {
    await test.local.flushFirehose()
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'bucket' }))
    expect(Contents).toHaveLength(1)
    return s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: Contents[0]!.Key }))
  }
  return { ...test, s3, kms, only }
}

describe('ZIP', () => {
  /** The only entry, by the central directory. */
  function entryOf(archive: Buffer) {
    const end = archive.subarray(-22)
    expect(end.readUInt32LE(0)).toBe(0x06054b50)
    expect([end.readUInt16LE(8), end.readUInt16LE(10)]).toEqual([1, 1])
    const central = archive.subarray(end.readUInt32LE(16), end.readUInt32LE(16) + end.readUInt32LE(12))
    expect(central.readUInt32LE(0)).toBe(0x02014b50)
    const local = archive.subarray(central.readUInt32LE(42))
    expect(local.readUInt32LE(0)).toBe(0x04034b50)
    // Version needed to lengths of name and extra: the same in both headers.
    expect(local.subarray(4, 30).equals(central.subarray(6, 32))).toBe(true)
    const nameLength = central.readUInt16LE(28)
    const name = central.toString('ascii', 46, 46 + nameLength)
    const data = local.subarray(30 + nameLength, 30 + nameLength + central.readUInt32LE(20))
    const plain = inflateRawSync(data)
    expect(central.readUInt16LE(10)).toBe(8)
    expect(central.readUInt32LE(16)).toBe(crc32(plain))
    expect(central.readUInt32LE(24)).toBe(plain.length)
    expect(central.length).toBe(46 + nameLength)
    return { name, plain: plain.toString() }
  }

  it('is one deflated entry that is named by a UUID', async () => {
    const { create, put, only, objects } = await start()
    await create({ ExtendedS3DestinationConfiguration: { ...roleAndBucket, CompressionFormat: 'ZIP' } })
    await put('hello ', 'world')
    const { Body, ContentEncoding } = await only()
    expect(ContentEncoding).toBe('zip')
    expect(entryOf(Buffer.from(await Body!.transformToByteArray()))).toEqual({
      name: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      plain: 'hello world'
    })
    expect((await objects())[0]!.key).toMatch(/\.zip$/)
  })

  it.skipIf(spawnSync('unzip', ['-v']).status !== 0)('is opened by unzip', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sealstream-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'a.zip')
    for (const text of ['', 'hello', 'x'.repeat(1_000_000)]) {
      writeFileSync(file, await zip('entry', Buffer.from(text)))
      execFileSync('unzip', ['-tq', file])
      expect(execFileSync('unzip', ['-p', file, 'entry'], { maxBuffer: 2_000_000 }).toString()).toBe(text)
    }
  })

  it.each(['Snappy', 'HADOOP_SNAPPY'] as const)('is there, and %s is not', async CompressionFormat => {
    const { create } = await start()
    await expect(
      create({ ExtendedS3DestinationConfiguration: { ...roleAndBucket, CompressionFormat } })
    ).rejects.toMatchObject({
      name: 'InvalidArgumentException',
      message: expect.stringContaining(CompressionFormat)
    })
  })
})

describe('objects under a KMS key', () => {
  it('say which key it is, whatever the delivery stream calls it', async () => {
    const { create, put, only, kms, s3, local, firehose } = await start()
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
    const KMSEncryptionConfig = { AWSKMSKeyARN: key!.Arn }
    await create({
      ExtendedS3DestinationConfiguration: {
        ...roleAndBucket,
        EncryptionConfiguration: { KMSEncryptionConfig }
      }
    })
    await put('a')
    const fields = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key!.Arn }
    expect(await only()).toMatchObject(fields)
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'bucket' }))
    expect(await s3.send(new HeadObjectCommand({ Bucket: 'bucket', Key: Contents![0]!.Key }))).toMatchObject(
      fields
    )
    expect(local.kmsRequestLog().at(-1)).toMatchObject({
      operation: 'GenerateDataKey',
      keyArns: [key!.Arn],
      contextNames: ['aws:s3:arn'],
      viaService: 's3.us-east-1.amazonaws.com',
      principal: roleAndBucket.RoleARN
    })
    const { DeliveryStreamDescription: found } = await firehose.send(
      new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'd' })
    )
    expect(found!.Destinations![0]!.ExtendedS3DestinationDescription!.EncryptionConfiguration).toEqual({
      KMSEncryptionConfig
    })
  })

  it('take the key of their bucket, for which the role asks, when the delivery stream names none', async () => {
    const { create, put, only, kms, s3, local } = await start()
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
    const byDefault = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key!.Arn } as const
    await s3.send(
      new PutBucketEncryptionCommand({
        Bucket: 'bucket',
        ServerSideEncryptionConfiguration: {
          Rules: [{ ApplyServerSideEncryptionByDefault: byDefault, BucketKeyEnabled: true }]
        }
      })
    )
    await create({ ExtendedS3DestinationConfiguration: roleAndBucket })
    await put('a')
    expect(await only()).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key!.Arn })
    expect(local.kmsRequestLog().at(-1)).toMatchObject({
      operation: 'GenerateDataKey',
      principal: roleAndBucket.RoleARN
    })
  })

  it('wait for a key that is disabled, and are written when it is enabled', async () => {
    const { create, put, objects, kms, clock } = await start()
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
    await create({
      ExtendedS3DestinationConfiguration: {
        ...roleAndBucket,
        EncryptionConfiguration: { KMSEncryptionConfig: { AWSKMSKeyARN: key!.Arn } }
      }
    })
    await kms.send(new DisableKeyCommand({ KeyId: key!.KeyId }))
    await put('a')
    expect(await objects()).toEqual([])
    await clock.advance(3_600_000)
    expect(await objects()).toEqual([])
    await kms.send(new EnableKeyCommand({ KeyId: key!.KeyId }))
    await clock.advance(60_000)
    expect((await objects()).map(({ text }) => text)).toEqual(['a'])
  })

  it('are put through the API of S3 too, with the errors of S3', async () => {
    const { kms, s3, local } = await start()
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
    const put = (SSEKMSKeyId: string) =>
      s3.send(
        new PutObjectCommand({
          Bucket: 'bucket',
          Key: 'k',
          Body: 'x',
          ServerSideEncryption: 'aws:kms',
          SSEKMSKeyId
        })
      )
    expect(await put(key!.KeyId!)).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key!.Arn })
    expect(local.kmsRequestLog().at(-1)).toMatchObject({ principal: 'local' })
    await expect(put('alias/none')).rejects.toMatchObject({ name: 'KMS.NotFoundException' })
    await kms.send(new DisableKeyCommand({ KeyId: key!.KeyId }))
    await expect(put(key!.Arn!)).rejects.toMatchObject({ name: 'KMS.DisabledException' })
  })

  it('are denied where KMS denies it', async () => {
    const { kms, s3 } = await start({
      authorize: ({ action }) => (action === 'kms:GenerateDataKey' ? 'deny' : 'allow')
    })
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
    const put = s3.send(
      new PutObjectCommand({
        Bucket: 'bucket',
        Key: 'k',
        Body: 'x',
        ServerSideEncryption: 'aws:kms',
        SSEKMSKeyId: key!.Arn
      })
    )
    await expect(put).rejects.toMatchObject({ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } })
  })
})

describe('limits of a delivery stream', () => {
  const S3Configuration = { ...roleAndBucket, BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 59 } }

  it.each([
    [{ ExtendedS3DestinationConfiguration: { Prefix: 'x'.repeat(499) } }, 'Prefix must be at most 512'],
    [
      {
        ExtendedS3DestinationConfiguration: {
          Prefix: `${'x'.repeat(502)}!{firehose:random-string}`,
          ErrorOutputPrefix: 'e'
        }
      },
      'Prefix must be at most 512'
    ],
    [
      { ExtendedS3DestinationConfiguration: { ErrorOutputPrefix: 'x'.repeat(469) } },
      'ErrorOutputPrefix must be at most 512'
    ],
    [
      {
        ExtendedS3DestinationConfiguration: {
          S3BackupMode: 'Enabled',
          S3BackupConfiguration: S3Configuration
        }
      },
      'extendedS3DestinationConfiguration.s3BackupConfiguration must be between 60 and 900'
    ],
    [
      {
        ExtendedS3DestinationConfiguration: {
          EncryptionConfiguration: {
            NoEncryptionConfig: 'NoEncryption',
            KMSEncryptionConfig: { AWSKMSKeyARN: 'arn:aws:kms:us-east-1:000000000000:key/1' }
          }
        }
      },
      'Exactly one of NoEncryptionConfig'
    ],
    [
      {
        ExtendedS3DestinationConfiguration: {
          EncryptionConfiguration: { KMSEncryptionConfig: { AWSKMSKeyARN: 'alias/x' } }
        }
      },
      'encryptionConfiguration.kMSEncryptionConfig.aWSKMSKeyARN'
    ]
  ])('refuse %j', async (destination, text) => {
    const { create } = await start()
    const { ExtendedS3DestinationConfiguration: configuration } = destination
    await expect(
      create({ ExtendedS3DestinationConfiguration: { ...roleAndBucket, ...configuration } as never })
    ).rejects.toMatchObject({ message: expect.stringContaining(text) })
  })

  it('refuse a backup of Splunk without a minute of buffering', async () => {
    const { create } = await start()
    await expect(
      create({
        SplunkDestinationConfiguration: {
          HECEndpoint: 'http://splunk.test',
          HECEndpointType: 'Raw',
          HECToken: 'token',
          S3Configuration
        }
      })
    ).rejects.toMatchObject({
      name: 'InvalidArgumentException',
      message: expect.stringContaining('splunkDestinationConfiguration.s3Configuration')
    })
  })

  it('take prefixes of 512 characters, and 59 seconds for S3 itself', async () => {
    const { create, put, objects } = await start()
    await create({
      ExtendedS3DestinationConfiguration: { ...S3Configuration, Prefix: `${'x'.repeat(497)}/` }
    })
    await put('a')
    expect(await objects()).toHaveLength(1)
  })

  it('refuse to describe more than there can be', async () => {
    const { create, firehose } = await start()
    await create({ ExtendedS3DestinationConfiguration: roleAndBucket })
    await expect(
      firehose.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'd', Limit: 10_001 }))
    ).rejects.toMatchObject({ name: 'ValidationException', message: expect.stringContaining('limit') })
  })
})
