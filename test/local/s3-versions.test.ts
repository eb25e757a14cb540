import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  UploadPartCommand
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { opened, openLocal } from '../helpers/local.ts'

const Bucket = 'bucket'

async function start({ isVersioned = true }: { readonly isVersioned?: boolean } = {}) {
  const local = await openLocal()
  const client = opened(new S3Client({ ...local.clientConfig('s3'), maxAttempts: 1 }))
  await client.send(new CreateBucketCommand({ Bucket }))
  const setVersioning = (status: 'Enabled' | 'Suspended') =>
    client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: status } }))
  if (isVersioned) await setVersioning('Enabled')
  const put = async (Key: string, Body: string, more: object = {}) =>
    (await client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))).VersionId
  const get = async (Key: string, VersionId?: string) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, VersionId }))
    return Body!.transformToString()
  }
  const remove = async (Key: string, VersionId?: string) => {
    const { $metadata: _, ...answer } = await client.send(new DeleteObjectCommand({ Bucket, Key, VersionId }))
    return answer
  }
  const list = (more: Partial<ListObjectVersionsCommandInput> = {}) =>
    client.send(new ListObjectVersionsCommand({ Bucket, ...more }))
  /** `key:id`, the newest with a star; delete markers with a cross. */
  const listed = async (): Promise<string[]> => {
    const { Versions = [], DeleteMarkers = [] } = await list()
    return [
      ...Versions.map(({ Key, VersionId, IsLatest }) => `${Key}:${VersionId}${IsLatest ? '*' : ''}`),
      ...DeleteMarkers.map(({ Key, VersionId, IsLatest }) => `x${Key}:${VersionId}${IsLatest ? '*' : ''}`)
    ]
  }
  return { client, local, setVersioning, put, get, remove, list, listed }
}

describe('versions of S3 objects', () => {
  it('are kept, the newest as the plain file', async () => {
    const { client, local, put, get, listed } = await start()
    const first = await put('a/k', 'one')
    const second = await put('a/k', 'two')
    expect(first).not.toBe(second)
    expect(await get('a/k')).toBe('two')
    expect(await get('a/k', first)).toBe('one')
    expect(await get('a/k', second)).toBe('two')
    expect(await readFile(join(local.outputFolder, Bucket, 'a/k'), 'utf8')).toBe('two')
    const aside = join(local.outputFolder, Bucket, '.versions')
    expect(await readdir(aside)).toEqual([first])
    expect(await readFile(join(aside, first!), 'utf8')).toBe('one')
    expect(await listed()).toEqual([`a/k:${second}*`, `a/k:${first}`])
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket }))
    expect(Contents).toMatchObject([{ Key: 'a/k', Size: 3 }])
    expect(await client.send(new HeadObjectCommand({ Bucket, Key: 'a/k', VersionId: first }))).toMatchObject({
      VersionId: first,
      ETag: '"f97c5d29941bfb1b2fdab0874906ab82"'
    })
  })

  it('come behind a delete marker, and again when that is deleted', async () => {
    const { client, local, put, get, remove, listed } = await start()
    const version = await put('k', 'text')
    const { VersionId: marker, DeleteMarker } = await remove('k')
    expect(DeleteMarker).toBe(true)
    await expect(get('k')).rejects.toMatchObject({ name: 'NoSuchKey' })
    expect(await get('k', version)).toBe('text')
    expect(await listed()).toEqual([`k:${version}`, `xk:${marker}*`])
    expect((await client.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0)
    expect(await readdir(join(local.outputFolder, Bucket))).toEqual(['.versions'])
    expect(await remove('k', marker)).toEqual({ VersionId: marker, DeleteMarker: true })
    expect(await get('k')).toBe('text')
    expect(await readFile(join(local.outputFolder, Bucket, 'k'), 'utf8')).toBe('text')
  })

  it('go one by one, the one before the newest taking its place', async () => {
    const { local, put, get, remove, listed } = await start()
    const first = await put('k', 'one')
    const second = await put('k', 'two')
    const third = await put('k', 'three')
    expect(await remove('k', second)).toEqual({ VersionId: second })
    expect(await remove('k', third)).toEqual({ VersionId: third })
    expect(await get('k')).toBe('one')
    await expect(get('k', third)).rejects.toMatchObject({ name: 'NoSuchVersion' })
    expect(await listed()).toEqual([`k:${first}*`])
    // Also one that is gone.
    expect(await remove('k', third)).toEqual({ VersionId: third })
    await remove('k', first)
    expect(await listed()).toEqual([])
    expect(await readdir(join(local.outputFolder, Bucket, '.versions'))).toEqual([])
  })

  it('find another place when a key has taken their path meanwhile', async () => {
    const { put, get, remove } = await start()
    const version = await put('a', 'file')
    const { VersionId: marker } = await remove('a')
    await put('a/b', 'inside')
    await remove('a', marker)
    expect(await get('a')).toBe('file')
    expect(await get('a', version)).toBe('file')
    expect(await get('a/b')).toBe('inside')
  })

  it('are one null version before versioning, and while it is suspended', async () => {
    const { client, setVersioning, put, get, remove, listed } = await start({ isVersioned: false })
    const status = async () => (await client.send(new GetBucketVersioningCommand({ Bucket }))).Status
    expect(await status()).toBeUndefined()
    expect(await put('k', 'before')).toBeUndefined()
    expect(await listed()).toEqual(['k:null*'])
    await setVersioning('Enabled')
    const version = await put('k', 'enabled')
    expect(await get('k', 'null')).toBe('before')
    await setVersioning('Suspended')
    expect(await status()).toBe('Suspended')
    expect(await put('k', 'suspended')).toBe('null')
    expect(await listed()).toEqual(['k:null*', `k:${version}`])
    expect(await put('k', 'again')).toBe('null')
    expect(await get('k', 'null')).toBe('again')
    expect(await remove('k')).toEqual({ VersionId: 'null', DeleteMarker: true })
    expect(await listed()).toEqual([`k:${version}`, 'xk:null*'])
    await remove('k', 'null')
    expect(await get('k')).toBe('enabled')
  })

  it('are not told of in a bucket without versioning', async () => {
    const { client, put, remove } = await start({ isVersioned: false })
    await put('k', 'text')
    expect((await client.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).VersionId).toBeUndefined()
    expect(await remove('k')).toEqual({})
  })

  it('say what a delete marker is to whoever reads it', async () => {
    const { local, put, remove } = await start()
    await put('k', 'text')
    const { VersionId: marker } = await remove('k')
    const byKey = await fetch(`${local.endpoints.s3}/${Bucket}/k`)
    expect(byKey.status).toBe(404)
    expect(byKey.headers.get('x-amz-delete-marker')).toBe('true')
    expect(byKey.headers.get('x-amz-version-id')).toBe(marker)
    const byId = await fetch(`${local.endpoints.s3}/${Bucket}/k?versionId=${marker}`)
    expect(byId.status).toBe(405)
    expect(byId.headers.get('allow')).toBe('DELETE')
    expect(await byId.text()).toContain('<Code>MethodNotAllowed</Code>')
  })

  it.each([
    ['none', 'InvalidArgument'],
    ['', 'InvalidArgument'],
    ['x'.repeat(32), 'NoSuchVersion']
  ])('have no id %j', async (versionId, code) => {
    const { local, put } = await start()
    await put('k', 'text')
    const answer = await fetch(`${local.endpoints.s3}/${Bucket}/k?versionId=${versionId}`)
    expect(await answer.text()).toContain(`<Code>${code}</Code>`)
  })

  it('go together with others, each refused or deleted for itself', async () => {
    const { client, put, listed } = await start()
    const version = await put('a', '1')
    await put('b', '2')
    const { Deleted, Errors } = await client.send(
      new DeleteObjectsCommand({
        Bucket,
        Delete: { Objects: [{ Key: 'a', VersionId: version }, { Key: 'b' }, { Key: 'c', VersionId: 'bad' }] }
      })
    )
    expect(Deleted).toEqual([
      { Key: 'a', VersionId: version },
      { Key: 'b', DeleteMarker: true, DeleteMarkerVersionId: expect.stringMatching(/^[\w-]{32}$/) }
    ])
    expect(Errors).toMatchObject([{ Key: 'c', VersionId: 'bad', Code: 'InvalidArgument' }])
    expect(await listed()).toHaveLength(2)
  })

  it('stay when one object of a deletion has no key', async () => {
    const { local, put, listed } = await start()
    await put('a', '1')
    const body = '<Delete><Object><Key>a</Key></Object><Object><VersionId>null</VersionId></Object></Delete>'
    const answer = await fetch(`${local.endpoints.s3}/${Bucket}?delete`, { method: 'POST', body })
    expect(await answer.text()).toContain('<Code>MalformedXML</Code>')
    expect(await listed()).toHaveLength(1)
  })

  it('are made by multipart uploads, and have tags of their own', async () => {
    const { client, put, get } = await start()
    const old = await put('k', 'old', { Tagging: 'a=1' })
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k' }))
    const { $metadata: _, ...part } = await client.send(
      new UploadPartCommand({ Bucket, Key: 'k', UploadId, PartNumber: 1, Body: 'parts' })
    )
    const { VersionId } = await client.send(
      new CompleteMultipartUploadCommand({
        Bucket,
        Key: 'k',
        UploadId,
        MultipartUpload: { Parts: [{ PartNumber: 1, ...part }] }
      })
    )
    expect(await get('k', VersionId)).toBe('parts')
    const tags = async (id?: string) =>
      (await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'k', VersionId: id }))).TagSet
    expect(await tags()).toEqual([])
    expect(await tags(old)).toEqual([{ Key: 'a', Value: '1' }])
    const Tagging = { TagSet: [{ Key: 'b', Value: ' 2 ' }] }
    await client.send(new PutObjectTaggingCommand({ Bucket, Key: 'k', VersionId: old, Tagging }))
    expect(await tags(old)).toEqual(Tagging.TagSet)
    expect(await tags()).toEqual([])
  })

  it('meet the conditions of a put', async () => {
    const { client, put, remove } = await start()
    await put('k', 'one')
    await expect(put('k', 'two', { IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' })
    await expect(put('k', 'two', { IfMatch: '"other"' })).rejects.toMatchObject({
      name: 'PreconditionFailed'
    })
    const { ETag } = await client.send(new HeadObjectCommand({ Bucket, Key: 'k' }))
    await put('k', 'two', { IfMatch: ETag })
    // A delete marker is nothing.
    await remove('k')
    await expect(put('k', 'three', { IfMatch: ETag })).rejects.toMatchObject({ name: 'NoSuchKey' })
    await put('k', 'three', { IfNoneMatch: '*' })
  })

  it('are listed page by page, by key and the newest first', async () => {
    const { put, remove, list } = await start()
    const expected: string[] = []
    for (const Key of ['a', 'b/1', 'b/2', 'c']) {
      const ids = [await put(Key, '1'), await put(Key, '2'), (await remove(Key)).VersionId]
      expected.push(...ids.reverse().map(id => `${Key}:${id}`))
    }
    for (const MaxKeys of [1, 2, 5]) {
      const found: string[] = []
      let page: Awaited<ReturnType<typeof list>> | undefined
      do {
        page = await list({
          MaxKeys,
          KeyMarker: page?.NextKeyMarker,
          VersionIdMarker: page?.NextVersionIdMarker
        })
        const ofPage = [...(page.DeleteMarkers ?? []), ...(page.Versions ?? [])]
        expect(ofPage.length).toBeLessThanOrEqual(MaxKeys)
        found.push(...ofPage.map(({ Key, VersionId }) => `${Key}:${VersionId}`))
      } while (page.IsTruncated)
      expect(found.sort()).toEqual([...expected].sort())
    }
    const folders = await list({ Delimiter: '/', MaxKeys: 4 })
    expect(folders.CommonPrefixes).toEqual([{ Prefix: 'b/' }])
    expect(folders.Versions?.map(({ Key }) => Key)).toEqual(['a', 'a'])
    const rest = await list({ Delimiter: '/', KeyMarker: folders.NextKeyMarker })
    expect(rest.CommonPrefixes).toBeUndefined()
    expect(rest.Versions?.map(({ Key }) => Key)).toEqual(['c', 'c'])
    expect((await list({ Prefix: 'b/2' })).Versions).toHaveLength(2)
    await expect(list({ VersionIdMarker: 'x' })).rejects.toMatchObject({ name: 'InvalidArgument' })
  })

  it('have no MFA delete', async () => {
    const { client } = await start()
    const VersioningConfiguration = { Status: 'Enabled', MFADelete: 'Enabled' } as const
    await expect(
      client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
    ).rejects.toMatchObject({ name: 'NotImplemented' })
  })

  it('are counted by the inspection', async () => {
    const { local, put, remove } = await start()
    await put('a', '1')
    await put('a', '22')
    await put('b', '333')
    await remove('b')
    const { buckets } = await local.inspect.s3()
    expect(buckets).toMatchObject([
      { versioning: 'Enabled', count: 1, bytes: 2, olderVersions: 2, olderBytes: 4, deleteMarkers: 1 }
    ])
  })

  it('hold a bucket until the last one is gone', async () => {
    const { client, put, remove } = await start()
    const version = await put('k', 'text')
    const { VersionId: marker } = await remove('k')
    const deleteBucket = () => client.send(new DeleteBucketCommand({ Bucket }))
    await expect(deleteBucket()).rejects.toMatchObject({ name: 'BucketNotEmpty' })
    await remove('k', version)
    await expect(deleteBucket()).rejects.toMatchObject({ name: 'BucketNotEmpty' })
    await remove('k', marker)
    await deleteBucket()
  })
})
