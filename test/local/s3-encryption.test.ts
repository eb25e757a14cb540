import { CreateKeyCommand, DisableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketEncryptionCommand,
  GetBucketEncryptionCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  S3Client,
  type ServerSideEncryptionRule,
  UploadPartCommand,
  UploadPartCopyCommand
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import type { LocalAuthorization, LocalOptions } from '../../local/index.ts'
import { opened, openLocal } from '../helpers/local.ts'

const Bucket = 'bucket'
const at = { Bucket, Key: 'a/k' }

async function start(options: LocalOptions = {}) {
  const asked: LocalAuthorization[] = []
  const local = await openLocal({
    authorize: request => {
      asked.push(request)
      return 'allow'
    },
    ...options
  })
  const client = opened(new S3Client({ ...local.clientConfig('s3'), maxAttempts: 1 }))
  const kms = opened(new KMSClient(local.clientConfig('kms')))
  await client.send(new CreateBucketCommand({ Bucket }))
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  const dataKeys = () => asked.filter(({ action }) => action === 'kms:GenerateDataKey')
  const configure = (rule: ServerSideEncryptionRule) =>
    client.send(
      new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules: [rule] } })
    )
  const rules = async () =>
    (await client.send(new GetBucketEncryptionCommand({ Bucket }))).ServerSideEncryptionConfiguration?.Rules
  const put = (more: object = {}) => client.send(new PutObjectCommand({ ...at, Body: 'text', ...more }))
  const head = () => client.send(new HeadObjectCommand(at))
  return {
    client,
    kms,
    arn: KeyMetadata!.Arn!,
    id: KeyMetadata!.KeyId!,
    dataKeys,
    configure,
    rules,
    put,
    head
  }
}

const byKms = (KMSMasterKeyID: string, further: Partial<ServerSideEncryptionRule> = {}) => ({
  ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID } as const,
  ...further
})

describe('the encryption of an S3 bucket', () => {
  it('is AES256 until it is set, and refuses SSE-C', async () => {
    const { rules, put, head, configure, client } = await start()
    const first = {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
      BucketKeyEnabled: false,
      BlockedEncryptionTypes: { EncryptionType: ['SSE-C'] }
    }
    expect(await rules()).toEqual([first])
    expect((await put()).ServerSideEncryption).toBe('AES256')
    expect((await head()).ServerSideEncryption).toBe('AES256')
    await configure(byKms('alias/none', { BucketKeyEnabled: true }))
    await client.send(new DeleteBucketEncryptionCommand({ Bucket }))
    expect(await rules()).toEqual([first])
  })

  it('asks for a data key for every object that says nothing else, and tells the key', async () => {
    const { configure, rules, put, head, id, arn, dataKeys } = await start()
    await configure(byKms(id))
    expect(await rules()).toMatchObject([
      { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: id } }
    ])
    const expected = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn }
    expect(await put()).toMatchObject(expected)
    expect(await head()).toMatchObject(expected)
    expect(dataKeys()).toMatchObject([
      {
        resource: arn,
        principal: 'local',
        context: {
          'kms:ViaService': 's3.us-east-1.amazonaws.com',
          'kms:EncryptionContext:aws:s3:arn': `arn:aws:s3:::${Bucket}/a/k`
        }
      }
    ])
    expect((await put({ ServerSideEncryption: 'AES256' })).SSEKMSKeyId).toBeUndefined()
    expect(dataKeys()).toHaveLength(1)
  })

  it('asks nobody for the key that AWS manages, and names none', async () => {
    const { put, head, dataKeys } = await start()
    await put({ ServerSideEncryption: 'aws:kms' })
    const { ServerSideEncryption, SSEKMSKeyId } = await head()
    expect([ServerSideEncryption, SSEKMSKeyId]).toEqual(['aws:kms', undefined])
    expect(dataKeys()).toEqual([])
  })

  it('has a bucket key, which is asked for in the name of the bucket for each object', async () => {
    const { configure, put, head, arn, dataKeys } = await start()
    await configure(byKms(arn, { BucketKeyEnabled: true }))
    for (let count = 0; count < 2; count += 1) expect(await put()).toMatchObject({ BucketKeyEnabled: true })
    expect(await head()).toMatchObject({ SSEKMSKeyId: arn, BucketKeyEnabled: true })
    const bucketArn = `arn:aws:s3:::${Bucket}`
    expect(dataKeys().map(({ context }) => context['kms:EncryptionContext:aws:s3:arn'])).toEqual([
      bucketArn,
      bucketArn
    ])
    expect(
      (await put({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn, BucketKeyEnabled: false }))
        .BucketKeyEnabled
    ).toBeUndefined()
  })

  it('counts for copies and multipart uploads', async () => {
    const { client, configure, put, arn, dataKeys } = await start()
    await put()
    await configure(byKms(arn))
    const copied = await client.send(
      new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/a/k` })
    )
    expect(copied.SSEKMSKeyId).toBe(arn)
    const { UploadId, SSEKMSKeyId } = await client.send(new CreateMultipartUploadCommand(at))
    expect(SSEKMSKeyId).toBe(arn)
    const { $metadata: _, ...part } = await client.send(
      new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: 'x' })
    )
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] }
    const made = await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload }))
    expect(made.SSEKMSKeyId).toBe(arn)
    expect(dataKeys()).toHaveLength(2)
  })

  it('refuses what its key does not allow, and keeps nothing of it', async () => {
    const { client, kms, configure, put, id } = await start()
    await configure(byKms(id))
    await kms.send(new DisableKeyCommand({ KeyId: id }))
    await expect(put()).rejects.toMatchObject({ name: 'KMS.DisabledException' })
    await expect(client.send(new GetObjectCommand(at))).rejects.toMatchObject({ name: 'NoSuchKey' })
    const denied = await start({
      authorize: ({ action }) => (action === 'kms:GenerateDataKey' ? 'deny' : 'allow')
    })
    await denied.configure(byKms(denied.id))
    await expect(denied.put()).rejects.toMatchObject({ name: 'AccessDenied' })
  })

  it('refuses customer keys where they are blocked, and has none of its own where they are not', async () => {
    const { configure, put, client } = await start()
    const customer = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: 'k'.repeat(32) }
    await expect(put(customer)).rejects.toMatchObject({ name: 'AccessDenied' })
    await expect(client.send(new CreateMultipartUploadCommand({ ...at, ...customer }))).rejects.toMatchObject(
      { name: 'AccessDenied' }
    )
    await configure({
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
      BlockedEncryptionTypes: { EncryptionType: ['NONE'] }
    })
    await expect(put(customer)).rejects.toMatchObject({ name: 'NotImplemented' })
  })

  it('refuses customer keys for parts and for reading, where no object has one', async () => {
    const { put, client } = await start()
    const customer = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: 'k'.repeat(32) }
    await put()
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(at))
    const part = { ...at, UploadId, PartNumber: 1, ...customer }
    await expect(client.send(new UploadPartCommand({ ...part, Body: 'x' }))).rejects.toMatchObject({
      name: 'AccessDenied'
    })
    await expect(
      client.send(new UploadPartCopyCommand({ ...part, CopySource: `${at.Bucket}/${at.Key}` }))
    ).rejects.toMatchObject({ name: 'AccessDenied' })
    await expect(client.send(new GetObjectCommand({ ...at, ...customer }))).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: 'The encryption parameters are not applicable to this object.'
    })
    await expect(client.send(new HeadObjectCommand({ ...at, ...customer }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 400 }
    })
  })

  it.each([
    ['an unknown algorithm', { ServerSideEncryption: 'rot13' }],
    ['a key for AES256', { ServerSideEncryption: 'AES256', SSEKMSKeyId: 'k' }],
    ['a key alone', { SSEKMSKeyId: 'k' }]
  ])('takes no object with %s', async (_, headers) => {
    const { put } = await start()
    await expect(put(headers)).rejects.toMatchObject({ name: 'InvalidArgument' })
  })

  it.each([
    ['an unknown algorithm', { SSEAlgorithm: 'rot13' as never }, 'MalformedXML'],
    ['a key for AES256', { SSEAlgorithm: 'AES256', KMSMasterKeyID: 'k' } as const, 'InvalidArgument']
  ])('is not %s', async (_, ApplyServerSideEncryptionByDefault, name) => {
    const { configure } = await start()
    await expect(configure({ ApplyServerSideEncryptionByDefault })).rejects.toMatchObject({ name })
  })
})
