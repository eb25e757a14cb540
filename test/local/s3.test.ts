import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import type { LocalEngines } from '../../local/index.ts'
import { decodeChunkedBody } from '../../local/s3/chunked-body.ts'
import { opened, openLocal } from '../helpers/local.ts'

async function start(): Promise<{ client: S3Client; local: LocalEngines }> {
  const local = await openLocal()
  const client = opened(new S3Client({ ...local.clientConfig('s3'), maxAttempts: 1 }))
  await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  return { client, local }
}

const put = (client: S3Client, Key: string, Body: string | Buffer | Readable, more: object = {}) =>
  client.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body, ...more }))
const get = async (client: S3Client, Key: string, more: object = {}): Promise<string> => {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key, ...more }))
  return Body!.transformToString()
}

describe('the S3 engine', () => {
  it('keeps objects as plain files, with their metadata', async () => {
    const { client, local } = await start()
    await put(client, 'a/b.txt', 'hello', {
      ContentType: 'text/plain',
      ContentEncoding: 'identity',
      Metadata: { origin: 'test' }
    })
    expect(await readFile(join(local.outputFolder, 'bucket/a/b.txt'), 'utf8')).toBe('hello')
    expect(await get(client, 'a/b.txt')).toBe('hello')
    expect(await client.send(new HeadObjectCommand({ Bucket: 'bucket', Key: 'a/b.txt' }))).toMatchObject({
      ContentLength: 5,
      ContentType: 'text/plain',
      ContentEncoding: 'identity',
      ETag: '"5d41402abc4b2a76b9719d911017c592"',
      Metadata: { origin: 'test' }
    })
    expect((await readdir(local.outputFolder)).filter(name => name.startsWith('.'))).toEqual([])
  })

  it('takes the framing off a body that the SDK streams', async () => {
    const { client, local } = await start()
    const bytes = Buffer.alloc(300_000, 'abc')
    await put(client, 'streamed', Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)]), {
      ContentLength: bytes.length
    })
    expect(await readFile(join(local.outputFolder, 'bucket/streamed'))).toEqual(bytes)
  })

  it.each([
    ['a wrong CRC32', { ChecksumCRC32: 'AAAAAA==' }],
    ['a wrong SHA-256', { ChecksumSHA256: Buffer.alloc(32).toString('base64') }],
    ['a wrong MD5', { ContentMD5: Buffer.alloc(16).toString('base64') }]
  ])('refuses %s and stores nothing', async (_, digest) => {
    const { client } = await start()
    await expect(put(client, 'k', 'hello', digest)).rejects.toMatchObject({ name: 'BadDigest' })
    await expect(get(client, 'k')).rejects.toMatchObject({ name: 'NoSuchKey' })
  })

  it('refuses a body that breaks off, and a trailer that does not fit', async () => {
    const { local } = await start()
    const send = async (body: string): Promise<string> => {
      const answer = await fetch(`${local.endpoints.s3}/bucket/k`, {
        method: 'PUT',
        body,
        headers: { 'content-encoding': 'aws-chunked', 'x-amz-trailer': 'x-amz-checksum-crc32' }
      })
      return `${answer.status} ${await answer.text()}`
    }
    expect(await send('5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n')).toMatch(/^200/)
    expect(await send('5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n')).toContain(
      '<Code>BadDigest</Code>'
    )
    expect(await send('9\r\nhello\r\n')).toContain('<Code>IncompleteBody</Code>')
    expect(
      decodeChunkedBody(
        Buffer.from('1;chunk-signature=ab\r\nx\r\n0;chunk-signature=cd\r\n\r\n')
      ).bytes.toString()
    ).toBe('x')
  })

  it('lists page by page in the order of the bytes, with prefixes and delimiters', async () => {
    const { client } = await start()
    for (const key of ['a/1', 'a/2', 'b', 'c/1', 'c/2', 'ü']) await put(client, key, key)
    const keys: string[] = []
    let token: string | undefined
    let pages = 0
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket: 'bucket', MaxKeys: 2, ContinuationToken: token })
      )
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key!))
      token = page.NextContinuationToken
      pages += 1
    } while (token !== undefined)
    expect(keys).toEqual(['a/1', 'a/2', 'b', 'c/1', 'c/2', 'ü'])
    expect(pages).toBe(3)
    const folders = await client.send(new ListObjectsV2Command({ Bucket: 'bucket', Delimiter: '/' }))
    expect(folders.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['a/', 'c/'])
    expect(folders.Contents?.map(({ Key }) => Key)).toEqual(['b', 'ü'])
    const inside = await client.send(
      new ListObjectsV2Command({ Bucket: 'bucket', Prefix: 'c/', StartAfter: 'c/1' })
    )
    expect(inside.Contents?.map(({ Key }) => Key)).toEqual(['c/2'])
  })

  it('reads ranges, and honours If-None-Match: *', async () => {
    const { client } = await start()
    await put(client, 'k', '0123456789')
    expect(await get(client, 'k', { Range: 'bytes=2-4' })).toBe('234')
    expect(await get(client, 'k', { Range: 'bytes=-3' })).toBe('789')
    expect(await get(client, 'k', { Range: 'bytes=8-' })).toBe('89')
    await expect(get(client, 'k', { Range: 'bytes=10-' })).rejects.toMatchObject({ name: 'InvalidRange' })
    await expect(put(client, 'k', 'other', { IfNoneMatch: '*' })).rejects.toMatchObject({
      name: 'PreconditionFailed'
    })
    expect(await get(client, 'k')).toBe('0123456789')
  })

  it('takes keys that no file system takes, and never leaves its folder', async () => {
    const { client, local } = await start()
    const keys = [
      'a',
      'a/b',
      '../outside',
      '/etc/x',
      'x//y',
      'trailing/',
      'q?*:|<>"\\',
      `${'long'.repeat(200)}`,
      '.hidden'
    ]
    for (const key of keys) await put(client, key, `content of ${key}`)
    for (const key of keys) expect(await get(client, key)).toBe(`content of ${key}`)
    expect(await readdir(local.outputFolder)).toEqual(['bucket'])
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: 'bucket' }))
    expect(Contents?.map(({ Key }) => Key).sort()).toEqual([...keys].sort())
  })

  it('deletes objects and buckets, and answers as S3 for what is not there', async () => {
    const { client } = await start()
    for (const key of ['1', '2', '3 & <4>']) await put(client, key, key)
    await client.send(new DeleteObjectCommand({ Bucket: 'bucket', Key: '1' }))
    await expect(client.send(new DeleteBucketCommand({ Bucket: 'bucket' }))).rejects.toMatchObject({
      name: 'BucketNotEmpty'
    })
    const deleted = await client.send(
      new DeleteObjectsCommand({ Bucket: 'bucket', Delete: { Objects: [{ Key: '2' }, { Key: '3 & <4>' }] } })
    )
    expect(deleted.Deleted?.map(({ Key }) => Key)).toEqual(['2', '3 & <4>'])
    await client.send(new DeleteBucketCommand({ Bucket: 'bucket' }))
    expect((await client.send(new ListBucketsCommand({}))).Buckets ?? []).toEqual([])
    await expect(client.send(new HeadBucketCommand({ Bucket: 'bucket' }))).rejects.toMatchObject({
      name: 'NotFound'
    })
    await expect(put(client, 'k', 'v')).rejects.toMatchObject({ name: 'NoSuchBucket' })
    await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    await expect(client.send(new CreateBucketCommand({ Bucket: 'bucket' }))).rejects.toMatchObject({
      name: 'BucketAlreadyOwnedByYou'
    })
    await expect(client.send(new CreateBucketCommand({ Bucket: 'Bad_Name' }))).rejects.toMatchObject({
      name: 'InvalidBucketName'
    })
  })
})
