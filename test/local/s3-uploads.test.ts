import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateKeyCommand, DisableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand
} from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import type { LocalOptions } from '../../local/index.ts'
import { S3Store } from '../../local/s3/store.ts'
import { opened, openLocal } from '../helpers/local.ts'

const minPartBytes = 5 * 1024 * 1024
const first = Buffer.alloc(minPartBytes + 1, 'first ')
const second = Buffer.alloc(minPartBytes + 1, 'second ')
const digest = (name: string, bytes: Buffer) => createHash(name).update(bytes).digest()

async function start(options: LocalOptions = {}) {
  const local = await openLocal(options)
  // A plain create names no checksum; the tests of checksums ask for theirs.
  const client = opened(
    new S3Client({
      ...local.clientConfig('s3'),
      maxAttempts: 1,
      requestChecksumCalculation: 'WHEN_REQUIRED'
    })
  )
  const Bucket = 'bucket'
  await client.send(new CreateBucketCommand({ Bucket }))
  const create = async (Key: string, more: object = {}) => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))
    const at = { Bucket, Key, UploadId: UploadId! }
    return {
      id: UploadId!,
      part: async (PartNumber: number, Body: string | Buffer, rest: object = {}): Promise<CompletedPart> => {
        const { $metadata: _, ...answer } = await client.send(
          new UploadPartCommand({ ...at, PartNumber, Body, ...rest })
        )
        return { PartNumber, ...answer }
      },
      complete: (Parts: CompletedPart[], rest: object = {}) =>
        client.send(new CompleteMultipartUploadCommand({ ...at, MultipartUpload: { Parts }, ...rest })),
      abort: () => client.send(new AbortMultipartUploadCommand(at)),
      list: (rest: object = {}) => client.send(new ListPartsCommand({ ...at, ...rest }))
    }
  }
  const head = (Key: string) => client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))
  const asides = async () => (await readdir(local.outputFolder)).filter(name => name.startsWith('.'))
  return { local, client, create, head, asides }
}

describe('multipart uploads', () => {
  it('make one object of their parts, with what was given when they were created', async () => {
    const { local, client, create, head, asides } = await start()
    const { part, complete } = await create('a/b', {
      ContentType: 'text/plain',
      ContentEncoding: 'identity',
      Metadata: { origin: 'test' }
    })
    const two = await part(2, second)
    await part(1, 'replaced')
    const one = await part(1, first)
    expect(await asides()).toHaveLength(2)
    await expect(head('a/b')).rejects.toMatchObject({ name: 'NotFound' })
    const md5s = Buffer.concat([digest('md5', first), digest('md5', second)])
    const ETag = `"${digest('md5', md5s).toString('hex')}-2"`
    expect(await complete([one, two])).toMatchObject({ Bucket: 'bucket', Key: 'a/b', ETag })
    const bytes = Buffer.concat([first, second])
    expect((await readFile(join(local.outputFolder, 'bucket/a/b'))).equals(bytes)).toBe(true)
    expect(await head('a/b')).toMatchObject({
      ContentLength: bytes.length,
      ContentType: 'text/plain',
      ContentEncoding: 'identity',
      Metadata: { origin: 'test' },
      ETag
    })
    const { Body } = await client.send(
      new GetObjectCommand({
        Bucket: 'bucket',
        Key: 'a/b',
        Range: `bytes=${minPartBytes}-${minPartBytes + 6}`
      })
    )
    expect(await Body!.transformToString()).toBe(bytes.toString('utf8', minPartBytes, minPartBytes + 7))
    expect(await asides()).toEqual([])
  })

  it('leave out parts that are not named', async () => {
    const { local, create, asides } = await start()
    const { part, complete } = await create('k')
    await part(1, 'one')
    await complete([await part(7, 'seven')])
    expect(await readFile(join(local.outputFolder, 'bucket/k'), 'utf8')).toBe('seven')
    expect(await asides()).toEqual([])
  })

  it('are over when they are complete or aborted', async () => {
    const { client, create, asides } = await start()
    const done = await create('done')
    const parts = [await done.part(1, 'x')]
    await done.complete(parts)
    const aborted = await create('aborted')
    await aborted.part(1, 'x')
    await aborted.abort()
    const gone = { name: 'NoSuchUpload', $metadata: expect.objectContaining({ httpStatusCode: 404 }) }
    for (const { part, complete, abort, list } of [done, aborted]) {
      await expect(part(1, 'x')).rejects.toMatchObject(gone)
      await expect(complete(parts)).rejects.toMatchObject(gone)
      await expect(abort()).rejects.toMatchObject(gone)
      await expect(list()).rejects.toMatchObject(gone)
    }
    const { id } = await create('one key')
    await expect(
      client.send(new ListPartsCommand({ Bucket: 'bucket', Key: 'another key', UploadId: id }))
    ).rejects.toMatchObject(gone)
    expect(await asides()).toEqual([])
  })

  it('refuse parts that are too small, unknown, changed or out of order, and stay under way', async () => {
    const { create } = await start()
    const { part, complete } = await create('k')
    const small = await part(1, Buffer.alloc(minPartBytes - 1))
    const two = await part(2, 'two')
    await expect(complete([small, two])).rejects.toMatchObject({ name: 'EntityTooSmall' })
    await expect(complete([two, small])).rejects.toMatchObject({ name: 'InvalidPartOrder' })
    await expect(complete([two, two])).rejects.toMatchObject({ name: 'InvalidPartOrder' })
    await expect(complete([{ ...two, PartNumber: 3 }])).rejects.toMatchObject({ name: 'InvalidPart' })
    await expect(complete([{ ...two, ETag: small.ETag }])).rejects.toMatchObject({ name: 'InvalidPart' })
    await expect(complete([])).rejects.toMatchObject({ name: 'MalformedXML' })
    const one = await part(1, Buffer.alloc(minPartBytes))
    const size = minPartBytes + 3
    await expect(complete([one, two], { MpuObjectSize: size - 1 })).rejects.toMatchObject({
      name: 'InvalidRequest'
    })
    expect((await complete([one, two], { MpuObjectSize: size })).ETag).toMatch(/-2"$/)
  })

  it('take parts 1 to 10,000', async () => {
    const { create } = await start()
    const { part, list } = await create('k')
    for (const number of [0, 10_001]) {
      await expect(part(number, 'x')).rejects.toMatchObject({ name: 'InvalidArgument' })
    }
    await part(1, 'x')
    await part(10_000, 'x')
    expect((await list()).Parts?.map(({ PartNumber }) => PartNumber)).toEqual([1, 10_000])
  })

  it('honour If-None-Match: * when they are completed', async () => {
    const { client, create } = await start()
    const { part, complete, abort } = await create('k')
    const parts = [await part(1, 'x')]
    await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: 'there' }))
    await expect(complete(parts, { IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' })
    await abort()
    const free = await create('free')
    await free.complete([await free.part(1, 'x')], { IfNoneMatch: '*' })
  })

  it('list their parts page by page', async () => {
    const { create } = await start()
    const { part, list } = await create('k')
    for (const number of [10, 2, 1]) await part(number, 'x'.repeat(number))
    const page = await list({ MaxParts: 2 })
    expect(page).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '2', MaxParts: 2 })
    expect(page.Parts).toMatchObject([
      { PartNumber: 1, Size: 1 },
      { PartNumber: 2, Size: 2, ETag: `"${digest('md5', Buffer.from('xx')).toString('hex')}"` }
    ])
    const rest = await list({ PartNumberMarker: page.NextPartNumberMarker })
    expect(rest).toMatchObject({ IsTruncated: false, Parts: [{ PartNumber: 10, Size: 10 }] })
  })

  it('are listed by key and age, page by page, with prefixes and delimiters', async () => {
    const { client, create } = await start()
    const ids: string[] = []
    for (const key of ['b', 'c/2', 'a', 'b', 'c/1']) ids.push((await create(key)).id)
    const list = (more: object) => client.send(new ListMultipartUploadsCommand({ Bucket: 'bucket', ...more }))
    const found: unknown[] = []
    let markers: object | undefined = {}
    for (let pages = 0; markers !== undefined && pages < 9; pages += 1) {
      const page = await list({ MaxUploads: 1, ...markers })
      found.push(...(page.Uploads ?? []).map(({ Key, UploadId }) => [Key, UploadId]))
      markers = page.IsTruncated
        ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
        : undefined
    }
    expect(found).toEqual([
      ['a', ids[2]],
      ['b', ids[0]],
      ['b', ids[3]],
      ['c/1', ids[4]],
      ['c/2', ids[1]]
    ])
    const folders = await list({ Delimiter: '/', KeyMarker: 'a' })
    expect(folders.Uploads?.map(({ UploadId }) => UploadId)).toEqual([ids[0], ids[3]])
    expect(folders.CommonPrefixes).toEqual([{ Prefix: 'c/' }])
    const inside = await list({ Prefix: 'c/', KeyMarker: 'c/1' })
    expect(inside.Uploads?.map(({ Key }) => Key)).toEqual(['c/2'])
  })

  it('asks for the KMS key when the upload is created, and not again', async () => {
    const { local, create, head } = await start()
    const kms = opened(new KMSClient(local.clientConfig('kms')))
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
    const encryption = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key!.KeyId! } as const
    const told = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key!.Arn }
    const { part, complete } = await create('k', encryption)
    const one = await part(1, 'x')
    expect(one).toMatchObject(told)
    await kms.send(new DisableKeyCommand({ KeyId: key!.KeyId! }))
    await expect(create('k', encryption)).rejects.toMatchObject({ name: 'KMS.DisabledException' })
    expect(await complete([one])).toMatchObject(told)
    expect(await head('k')).toMatchObject(told)
  })

  it('end with their bucket, and are no part of what it holds', async () => {
    const { client, create, asides } = await start()
    const { part } = await create('k')
    await part(1, 'x')
    await client.send(new DeleteBucketCommand({ Bucket: 'bucket' }))
    expect(await asides()).toEqual([])
    await expect(part(1, 'x')).rejects.toMatchObject({ name: 'NoSuchBucket' })
    await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    await expect(part(1, 'x')).rejects.toMatchObject({ name: 'NoSuchUpload' })
  })

  it('end with a bucket that is deleted while they are completed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sealstream-test-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const store = new S3Store({ clock: systemClock, folder })
    await store.createBucket('bucket')
    const upload = store.uploads.start({
      bucket: 'bucket',
      key: 'k',
      contentType: undefined,
      contentEncoding: undefined,
      metadata: {},
      tags: undefined,
      encryption: {},
      lock: {},
      checksum: undefined
    })
    const part = await store.uploads.putPart(upload, 1, Buffer.from('x'), undefined)
    const completing = expect(store.completeUpload(upload, [part])).rejects.toMatchObject({
      type: 'NoSuchBucket'
    })
    await store.deleteBucket('bucket')
    await completing
    await store.createBucket('bucket')
    expect(store.uploads.ofBucket('bucket')).toEqual([])
    expect(await readdir(folder)).toEqual(['bucket'])
  })

  it('end with a reset', async () => {
    const { local, create, asides } = await start()
    await (await create('k')).part(1, 'x')
    await local.reset()
    expect(await asides()).toEqual([])
  })
})

describe('checksums of multipart uploads', () => {
  it('are composite: of the checksums of the parts', async () => {
    const { create, head } = await start()
    const upload = await create('k', { ChecksumAlgorithm: 'SHA256' })
    const sums = [first, second].map(bytes => digest('sha256', bytes).toString('base64'))
    const one = await upload.part(1, first, { ChecksumSHA256: sums[0] })
    const two = await upload.part(2, second, { ChecksumSHA256: sums[1] })
    expect((await upload.list()).Parts?.map(({ ChecksumSHA256 }) => ChecksumSHA256)).toEqual(sums)
    await expect(upload.part(2, second, { ChecksumCRC32C: 'AAAAAA==' })).rejects.toMatchObject({
      name: 'BadDigest'
    })
    await expect(upload.part(3, 'x')).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining('expected checksum Type: sha256, actual checksum Type: null')
    })
    await expect(upload.complete([one, { ...two, ChecksumSHA256: undefined }])).rejects.toMatchObject({
      name: 'InvalidRequest'
    })
    await expect(upload.complete([one, { ...two, ChecksumSHA256: sums[0] }])).rejects.toMatchObject({
      name: 'InvalidPart'
    })
    const all = Buffer.concat(sums.map(sum => Buffer.from(sum, 'base64')))
    const expected = {
      ChecksumSHA256: `${digest('sha256', all).toString('base64')}-2`,
      ChecksumType: 'COMPOSITE'
    }
    expect(await upload.complete([one, two])).toMatchObject(expected)
    expect(await head('k')).toMatchObject(expected)
  })

  it('are of the whole object for CRC64NVME, and refused when another one was expected', async () => {
    const { create, head } = await start()
    const upload = await create('k', { ChecksumAlgorithm: 'CRC64NVME' })
    const parts = [await upload.part(1, '123456789')]
    const ChecksumCRC64NVME = Buffer.from('ae8b14860a799888', 'hex').toString('base64')
    await expect(upload.complete(parts, { ChecksumCRC64NVME: 'AAAAAAAAAAA=' })).rejects.toMatchObject({
      name: 'BadDigest'
    })
    await expect(upload.complete(parts, { ChecksumSHA1: 'AAAA' })).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining('expected checksum Type: crc64nvme, actual checksum Type: sha1')
    })
    const expected = { ChecksumCRC64NVME, ChecksumType: 'FULL_OBJECT' }
    expect(await upload.complete(parts, { ChecksumCRC64NVME })).toMatchObject(expected)
    expect(await head('k')).toMatchObject(expected)
  })

  it.each([
    [{ ChecksumAlgorithm: 'SHA1', ChecksumType: 'FULL_OBJECT' }],
    [{ ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'COMPOSITE' }],
    [{ ChecksumAlgorithm: 'MD4' }],
    [{ ChecksumType: 'COMPOSITE' }]
  ])('refuse %j', async settings => {
    const { create } = await start()
    await expect(create('k', settings)).rejects.toMatchObject({ name: 'InvalidRequest' })
  })

  it('go along with the defaults of the SDK', async () => {
    const { local, head } = await start()
    const client = opened(new S3Client(local.clientConfig('s3')))
    const at = { Bucket: 'bucket', Key: 'k' }
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(at))
    const { $metadata: _, ...part } = await client.send(
      new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: '123456789' })
    )
    const Parts = [{ PartNumber: 1, ...part }]
    await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }))
    expect((await head('k')).ChecksumCRC32).toBeDefined()
  })
})
