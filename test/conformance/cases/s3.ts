import { Readable } from 'node:stream'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand
} from '@aws-sdk/client-s3'
import { expect } from 'vitest'
import { type ConformanceCase, caseOf, refused } from '../case.ts'
import type { World } from '../world.ts'

const put = ({ s3 }: World, Bucket: string, Key: string, Body: string | Buffer = Key, further: object = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...further }))

async function text({ s3 }: World, Bucket: string, Key: string, further: object = {}): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...further }))
  return Body!.transformToString()
}

export const s3Cases: readonly ConformanceCase[] = [
  caseOf('s3.bucket.missing', 'a bucket that is not there is NoSuchBucket', async world => {
    await refused(world.s3.send(new ListObjectsV2Command({ Bucket: world.name() })), 'NoSuchBucket')
  }),
  caseOf('s3.bucket.head', 'HeadBucket tells a bucket from none', async world => {
    await world.s3.send(new HeadBucketCommand({ Bucket: await world.bucket() }))
    await refused(world.s3.send(new HeadBucketCommand({ Bucket: world.name() })), 'NotFound')
  }),
  caseOf('s3.bucket.bad-name', 'a bucket name with capitals is InvalidBucketName', async ({ s3 }) => {
    await refused(s3.send(new CreateBucketCommand({ Bucket: 'Not-A-Bucket' })), 'InvalidBucketName')
  }),
  caseOf('s3.bucket.not-empty', 'a bucket with an object in it stays', async world => {
    const Bucket = await world.bucket()
    await put(world, Bucket, 'a')
    await refused(world.s3.send(new DeleteBucketCommand({ Bucket })), 'BucketNotEmpty')
  }),
  caseOf('s3.object.round-trip', 'an object comes back with its bytes, type and metadata', async world => {
    const Bucket = await world.bucket()
    const Body = Buffer.from([0, 13, 10, 255])
    await put(world, Bucket, 'a', Body, { ContentType: 'text/x', Metadata: { one: 'two' } })
    const answer = await world.s3.send(new GetObjectCommand({ Bucket, Key: 'a' }))
    expect(Buffer.from(await answer.Body!.transformToByteArray())).toEqual(Body)
    expect(answer).toMatchObject({ ContentType: 'text/x', Metadata: { one: 'two' }, ContentLength: 4 })
  }),
  caseOf('s3.object.etag', 'the ETag of a plain put is the MD5 of its bytes, in quotes', async world => {
    const { ETag } = await put(world, await world.bucket(), 'a', 'hello')
    expect(ETag).toBe('"5d41402abc4b2a76b9719d911017c592"')
  }),
  caseOf('s3.object.stream', 'a body that is streamed is stored without its framing', async world => {
    const Bucket = await world.bucket()
    const parts = [Buffer.alloc(70_000, 'a'), Buffer.alloc(70_000, 'b')]
    await world.s3.send(
      new PutObjectCommand({ Bucket, Key: 'a', Body: Readable.from(parts), ContentLength: 140_000 })
    )
    expect(await text(world, Bucket, 'a')).toBe(Buffer.concat(parts).toString())
  }),
  caseOf('s3.object.empty', 'an object may be empty', async world => {
    const Bucket = await world.bucket()
    await put(world, Bucket, 'a', '')
    expect((await world.s3.send(new HeadObjectCommand({ Bucket, Key: 'a' }))).ContentLength).toBe(0)
  }),
  caseOf('s3.object.overwrite', 'the last put of a key wins', async world => {
    const Bucket = await world.bucket()
    for (const body of ['one', 'two']) await put(world, Bucket, 'a', body)
    expect(await text(world, Bucket, 'a')).toBe('two')
  }),
  caseOf('s3.object.missing', 'a key that is not there is NoSuchKey, and NotFound to HEAD', async world => {
    const Bucket = await world.bucket()
    await refused(text(world, Bucket, 'a'), 'NoSuchKey')
    await refused(world.s3.send(new HeadObjectCommand({ Bucket, Key: 'a' })), 'NotFound')
  }),
  caseOf('s3.object.range', 'a range brings these bytes and says so', async world => {
    const Bucket = await world.bucket()
    await put(world, Bucket, 'a', '0123456789')
    const answer = await world.s3.send(new GetObjectCommand({ Bucket, Key: 'a', Range: 'bytes=2-4' }))
    expect(await answer.Body!.transformToString()).toBe('234')
    expect(answer.ContentRange).toBe('bytes 2-4/10')
    expect(await text(world, Bucket, 'a', { Range: 'bytes=-3' })).toBe('789')
  }),
  caseOf('s3.object.bad-range', 'a range behind the end is InvalidRange', async world => {
    const Bucket = await world.bucket()
    await put(world, Bucket, 'a', '0123456789')
    await refused(text(world, Bucket, 'a', { Range: 'bytes=10-' }), 'InvalidRange')
  }),
  caseOf(
    's3.object.odd-keys',
    'keys with spaces, plus signs, slashes, dots and umlauts are kept apart',
    async world => {
      const Bucket = await world.bucket()
      const keys = ['a b', 'a+b', 'a%20b', 'a/b/c', 'a/b', 'ü', 'a=b&c', '😀']
      for (const key of keys) await put(world, Bucket, key)
      for (const key of keys) expect(await text(world, Bucket, key)).toBe(key)
      const { Contents } = await world.s3.send(new ListObjectsV2Command({ Bucket }))
      expect(Contents?.map(({ Key }) => Key).sort()).toEqual([...keys].sort())
    }
  ),
  caseOf('s3.object.bad-md5', 'a body that is not what Content-MD5 says is BadDigest', async world => {
    await refused(
      put(world, await world.bucket(), 'a', 'hello', { ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==' }),
      'BadDigest'
    )
  }),
  caseOf('s3.object.bad-crc32', 'a body that is not what its CRC32 says is refused', async world => {
    await refused(
      put(world, await world.bucket(), 'a', 'hello', { ChecksumCRC32: 'AAAAAA==' }),
      'BadDigest',
      'InvalidRequest'
    )
  }),
  caseOf('s3.object.long-key', 'a key of 1,025 bytes is KeyTooLongError', async world => {
    await refused(put(world, await world.bucket(), 'k'.repeat(1_025), 'x'), 'KeyTooLongError')
  }),
  caseOf('s3.object.if-none-match', 'a put with If-None-Match * leaves what is there', async world => {
    const Bucket = await world.bucket()
    await put(world, Bucket, 'a', 'one', { IfNoneMatch: '*' })
    await refused(put(world, Bucket, 'a', 'two', { IfNoneMatch: '*' }), 'PreconditionFailed')
    expect(await text(world, Bucket, 'a')).toBe('one')
  }),
  caseOf(
    's3.object.if-none-match-race',
    'of ten such puts one wins, and its bytes are the object',
    async world => {
      const Bucket = await world.bucket()
      const outcomes = await Promise.allSettled(
        Array.from({ length: 10 }, (_, at) => put(world, Bucket, 'a', `body ${at}`, { IfNoneMatch: '*' }))
      )
      const winners = outcomes.flatMap(({ status }, at) => (status === 'fulfilled' ? [`body ${at}`] : []))
      expect(winners).toHaveLength(1)
      expect(await text(world, Bucket, 'a')).toBe(winners[0])
    }
  ),
  caseOf('s3.object.delete-twice', 'a delete of a key that is not there succeeds', async world => {
    const Bucket = await world.bucket()
    await put(world, Bucket, 'a')
    for (const Key of ['a', 'a']) await world.s3.send(new DeleteObjectCommand({ Bucket, Key }))
    await refused(text(world, Bucket, 'a'), 'NoSuchKey')
  }),
  caseOf(
    's3.object.delete-many',
    'DeleteObjects tells each key, also those that were not there',
    async world => {
      const Bucket = await world.bucket()
      await put(world, Bucket, 'a & b')
      const Objects = ['a & b', 'never'].map(Key => ({ Key }))
      const { Deleted, Errors } = await world.s3.send(
        new DeleteObjectsCommand({ Bucket, Delete: { Objects } })
      )
      expect(Deleted?.map(({ Key }) => Key).sort()).toEqual(['a & b', 'never'])
      expect(Errors ?? []).toEqual([])
    }
  ),
  caseOf('s3.list.order', 'a listing is in the order of the UTF-8 bytes', async world => {
    const Bucket = await world.bucket()
    for (const key of ['b', 'a', 'B', 'ü', 'a/1', 'a-1']) await put(world, Bucket, key)
    const { Contents, KeyCount } = await world.s3.send(new ListObjectsV2Command({ Bucket }))
    expect(Contents?.map(({ Key }) => Key)).toEqual(['B', 'a', 'a-1', 'a/1', 'b', 'ü'])
    expect(KeyCount).toBe(6)
  }),
  caseOf('s3.list.paging', 'a listing by pages brings every key once', async world => {
    const Bucket = await world.bucket()
    const keys = ['a', 'b', 'c', 'd', 'e']
    for (const key of keys) await put(world, Bucket, key)
    const seen: (string | undefined)[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await world.s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 2, ContinuationToken }))
      expect(page.IsTruncated).toBe(page.NextContinuationToken !== undefined)
      seen.push(...(page.Contents ?? []).map(({ Key }) => Key))
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
    expect(seen).toEqual(keys)
  }),
  caseOf('s3.list.prefix-and-delimiter', 'a delimiter folds keys into common prefixes', async world => {
    const Bucket = await world.bucket()
    for (const key of ['x/1', 'x/y/2', 'x/y/3', 'z']) await put(world, Bucket, key)
    const answer = await world.s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'x/', Delimiter: '/' }))
    expect(answer.Contents?.map(({ Key }) => Key)).toEqual(['x/1'])
    expect(answer.CommonPrefixes).toEqual([{ Prefix: 'x/y/' }])
  }),
  caseOf(
    's3.list.start-after',
    'StartAfter leaves out what comes before, and the key itself',
    async world => {
      const Bucket = await world.bucket()
      for (const key of ['a', 'b', 'c']) await put(world, Bucket, key)
      const { Contents } = await world.s3.send(new ListObjectsV2Command({ Bucket, StartAfter: 'b' }))
      expect(Contents?.map(({ Key }) => Key)).toEqual(['c'])
    }
  ),
  caseOf('s3.object.encoding', 'Content-Encoding is kept, and nothing is unpacked', async world => {
    const Bucket = await world.bucket()
    await put(world, Bucket, 'a', 'no gzip at all', { ContentEncoding: 'gzip' })
    expect((await world.s3.send(new HeadObjectCommand({ Bucket, Key: 'a' }))).ContentEncoding).toBe('gzip')
    expect(await text(world, Bucket, 'a')).toBe('no gzip at all')
  })
]
