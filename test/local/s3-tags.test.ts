import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectTaggingCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  type Tag,
  UploadPartCommand
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { opened, openLocal } from '../helpers/local.ts'

const at = { Bucket: 'bucket', Key: 'k' }

async function start() {
  const local = await openLocal()
  const client = opened(new S3Client({ ...local.clientConfig('s3'), maxAttempts: 1 }))
  await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  return {
    client,
    put: (Tagging?: string) => client.send(new PutObjectCommand({ ...at, Body: 'x', Tagging })),
    tag: (TagSet: Tag[]) => client.send(new PutObjectTaggingCommand({ ...at, Tagging: { TagSet } })),
    tags: async () => (await client.send(new GetObjectTaggingCommand(at))).TagSet,
    count: async () => (await client.send(new HeadObjectCommand(at))).TagCount
  }
}

const numbered = (count: number): Tag[] =>
  Array.from({ length: count }, (_, index) => ({ Key: `${index}`, Value: 'v' }))

describe('tags of S3 objects', () => {
  it('come with a put, are replaced, and removed', async () => {
    const { client, put, tag, tags, count } = await start()
    await put('a=1&b%20c=%C3%BC')
    expect(await tags()).toEqual([
      { Key: 'a', Value: '1' },
      { Key: 'b c', Value: 'ü' }
    ])
    expect(await count()).toBe(2)
    await tag([{ Key: '__proto__', Value: '' }])
    expect(await tags()).toEqual([{ Key: '__proto__', Value: '' }])
    await client.send(new DeleteObjectTaggingCommand(at))
    expect(await tags()).toEqual([])
    expect(await count()).toBeUndefined()
    await tag(numbered(10))
    await put()
    expect(await tags()).toEqual([])
  })

  it('come with a multipart upload', async () => {
    const { client, tags } = await start()
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...at, Tagging: 'a=1' }))
    const { $metadata: _, ...part } = await client.send(
      new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: 'x' })
    )
    const MultipartUpload = { Parts: [{ PartNumber: 1, ...part }] }
    await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload }))
    expect(await tags()).toEqual([{ Key: 'a', Value: '1' }])
  })

  it('are refused where there is no object', async () => {
    const { tag, tags } = await start()
    await expect(tag([])).rejects.toMatchObject({ name: 'NoSuchKey' })
    await expect(tags()).rejects.toMatchObject({ name: 'NoSuchKey' })
  })

  it.each([
    ['more than 10', numbered(11), 'BadRequest'],
    ['the same key twice', [...numbered(1), ...numbered(1)], 'InvalidTag'],
    ['an empty key', [{ Key: '', Value: 'v' }], 'InvalidTag'],
    ['a key of 129 characters', [{ Key: 'k'.repeat(129), Value: 'v' }], 'InvalidTag'],
    ['a value of 257 characters', [{ Key: 'k', Value: 'v'.repeat(257) }], 'InvalidTag'],
    ['other characters', [{ Key: 'k', Value: '<&>' }], 'InvalidTag'],
    ['keys of AWS', [{ Key: 'aws:k', Value: 'v' }], 'InvalidTag']
  ])('are not %s', async (_, set, name) => {
    const { put, tag, tags } = await start()
    await put('a=1')
    await expect(tag(set)).rejects.toMatchObject({ name })
    expect(await tags()).toEqual([{ Key: 'a', Value: '1' }])
  })

  it('are no duplicates in the header of a put', async () => {
    const { put } = await start()
    await expect(put('a=1&a=2')).rejects.toMatchObject({ name: 'InvalidArgument' })
  })
})
