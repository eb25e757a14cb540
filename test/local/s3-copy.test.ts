import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  type CopyObjectCommandInput,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCopyCommand
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { opened, openLocal } from '../helpers/local.ts'

const Bucket = 'bucket'

async function start() {
  const local = await openLocal()
  const client = opened(new S3Client({ ...local.clientConfig('s3'), maxAttempts: 1 }))
  await client.send(new CreateBucketCommand({ Bucket }))
  const put = (Key: string, Body: string | Buffer, more: object = {}) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
  const copy = (CopySource: string, more: Partial<CopyObjectCommandInput> = {}) =>
    client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource, ...more }))
  const text = async (Key: string) =>
    (await client.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString()
  const head = (Key: string) => client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))
  const tags = async (Key: string) => (await client.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet
  const version = () =>
    client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  return { local, client, put, copy, text, head, tags, version }
}

const described = {
  ContentType: 'text/x',
  Metadata: { a: '1' },
  Tagging: 't=1',
  ChecksumAlgorithm: 'SHA256'
}

describe('copies of S3 objects', () => {
  it('have the bytes and all that describes the source', async () => {
    const { put, copy, text, head, tags } = await start()
    const { ChecksumSHA256 } = await put('dir/ä b+c', 'text', described)
    const { CopyObjectResult } = await copy(`/${Bucket}/${encodeURIComponent('dir/ä b+c')}`)
    expect(CopyObjectResult).toMatchObject({
      ETag: '"1cb251ec0d568de6a929b520c4aed8d1"',
      ChecksumSHA256,
      ChecksumType: 'FULL_OBJECT'
    })
    expect(CopyObjectResult?.LastModified).toBeInstanceOf(Date)
    expect(await text('copy')).toBe('text')
    expect(await head('copy')).toMatchObject({
      ContentType: 'text/x',
      Metadata: { a: '1' },
      ChecksumSHA256
    })
    expect(await tags('copy')).toEqual([{ Key: 't', Value: '1' }])
  })

  it('have what the request says where it replaces', async () => {
    const { put, copy, head, tags } = await start()
    await put('k', 'text', described)
    await copy(`${Bucket}/k`, {
      MetadataDirective: 'REPLACE',
      TaggingDirective: 'REPLACE',
      Metadata: { b: '2' },
      Tagging: 'u=2'
    })
    expect(await head('copy')).toMatchObject({
      ContentType: 'application/octet-stream',
      Metadata: { b: '2' }
    })
    expect(await tags('copy')).toEqual([{ Key: 'u', Value: '2' }])
    await expect(copy(`${Bucket}/k`, { MetadataDirective: 'KEEP' as never })).rejects.toMatchObject({
      name: 'InvalidArgument'
    })
  })

  it('are not of an object onto itself, unless something changes', async () => {
    const { put, copy, head } = await start()
    await put('k', 'text')
    await expect(copy(`${Bucket}/k`, { Key: 'k' })).rejects.toMatchObject({ name: 'InvalidRequest' })
    await copy(`${Bucket}/k`, { Key: 'k', MetadataDirective: 'REPLACE', Metadata: { a: '1' } })
    expect((await head('k')).Metadata).toEqual({ a: '1' })
  })

  it('are of the version that is named', async () => {
    const { client, put, copy, text, version } = await start()
    await version()
    const { VersionId: first } = await put('k', 'one')
    await put('k', 'two')
    const answer = await copy(`${Bucket}/k?versionId=${first}`, { Key: 'k' })
    expect(answer.CopySourceVersionId).toBe(first)
    expect(answer.VersionId).toMatch(/^[\w-]{32}$/)
    expect(await text('k')).toBe('one')
    const { VersionId: marker } = await client.send(new DeleteObjectCommand({ Bucket, Key: 'k' }))
    await expect(copy(`${Bucket}/k`)).rejects.toMatchObject({ name: 'NoSuchKey' })
    await expect(copy(`${Bucket}/k?versionId=${marker}`)).rejects.toMatchObject({
      name: 'InvalidRequest'
    })
  })

  it('are made under conditions on the source', async () => {
    const { put, copy, text } = await start()
    const { ETag } = await put('k', 'text')
    const past = new Date(Date.now() - 60_000)
    const future = new Date(Date.now() + 60_000)
    for (const condition of [
      { CopySourceIfMatch: '"other"' },
      { CopySourceIfNoneMatch: ETag },
      { CopySourceIfUnmodifiedSince: past },
      { CopySourceIfModifiedSince: future }
    ]) {
      await expect(copy(`${Bucket}/k`, condition)).rejects.toMatchObject({ name: 'PreconditionFailed' })
    }
    await expect(text('copy')).rejects.toMatchObject({ name: 'NoSuchKey' })
    await copy(`${Bucket}/k`, { CopySourceIfMatch: ETag, CopySourceIfUnmodifiedSince: past })
    await copy(`${Bucket}/k`, { CopySourceIfNoneMatch: '"other"', CopySourceIfModifiedSince: future })
    expect(await text('copy')).toBe('text')
  })

  it.each([
    ['nothing', 'InvalidArgument'],
    ['bucket/%E4', 'InvalidArgument'],
    ['none-such/k', 'NoSuchBucket'],
    [`${Bucket}/none`, 'NoSuchKey']
  ])('are not of %j', async (source, name) => {
    const { copy } = await start()
    await expect(copy(source)).rejects.toMatchObject({ name })
  })

  it('are parts of an upload, by ranges, and are read by part again', async () => {
    const { client, put, head } = await start()
    const bytes = Buffer.alloc(5 * 1024 * 1024, 'abc')
    await put('source', bytes)
    const at = { Bucket, Key: 'k' }
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ ...at, ChecksumAlgorithm: 'CRC32C' })
    )
    const copyPart = async (PartNumber: number, CopySourceRange?: string) => {
      const { CopyPartResult } = await client.send(
        new UploadPartCopyCommand({
          ...at,
          UploadId,
          PartNumber,
          CopySource: `${Bucket}/source`,
          CopySourceRange
        })
      )
      return { PartNumber, ETag: CopyPartResult?.ETag, ChecksumCRC32C: CopyPartResult?.ChecksumCRC32C }
    }
    const parts = [await copyPart(1), await copyPart(2, 'bytes=1-3')]
    for (const range of ['bytes=3-1', 'bytes=1-', `bytes=0-${bytes.length}`]) {
      await expect(copyPart(3, range)).rejects.toMatchObject({ name: 'InvalidArgument' })
    }
    await client.send(
      new CompleteMultipartUploadCommand({
        ...at,
        UploadId,
        MultipartUpload: { Parts: parts }
      })
    )
    expect((await head('k')).ContentLength).toBe(bytes.length + 3)
    const byPart = (PartNumber: number) => client.send(new GetObjectCommand({ ...at, PartNumber }))
    const second = await byPart(2)
    expect(await second.Body!.transformToString()).toBe('bca')
    expect(second).toMatchObject({
      PartsCount: 2,
      ContentRange: `bytes ${bytes.length}-${bytes.length + 2}/${bytes.length + 3}`
    })
    expect(await client.send(new HeadObjectCommand({ ...at, PartNumber: 2 }))).toMatchObject({
      ContentLength: 3,
      PartsCount: 2
    })
    await expect(byPart(3)).rejects.toMatchObject({ name: 'InvalidPartNumber' })
    // What came as a whole is its own first part.
    const whole = await client.send(new GetObjectCommand({ Bucket, Key: 'source', PartNumber: 1 }))
    expect(whole.ContentLength).toBe(bytes.length)
  })
})

describe('reads of S3 objects', () => {
  it('are made under conditions', async () => {
    const { client, put } = await start()
    const { ETag } = await put('k', 'text')
    const get = (more: object) => client.send(new GetObjectCommand({ Bucket, Key: 'k', ...more }))
    await expect(get({ IfMatch: '"other"' })).rejects.toMatchObject({ name: 'PreconditionFailed' })
    for (const condition of [{ IfNoneMatch: ETag }, { IfModifiedSince: new Date(Date.now() + 60_000) }]) {
      await expect(get(condition)).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } })
    }
    expect(await (await get({ IfMatch: ETag })).Body!.transformToString()).toBe('text')
  })
})
