import {
  CopyObjectCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand
} from '@aws-sdk/client-s3'
import { expect } from 'vitest'
import { type ConformanceCase, caseOf, refused } from '../case.ts'
import type { World } from '../world.ts'

const Key = 'a'

/** A bucket that keeps versions. */
async function versioned(world: World): Promise<string> {
  const Bucket = await world.bucket()
  await setVersioning(world, Bucket, 'Enabled')
  return Bucket
}

const setVersioning = ({ s3 }: World, Bucket: string, Status: 'Enabled' | 'Suspended') =>
  s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }))

async function put({ s3 }: World, Bucket: string, Body: string, further: object = {}): Promise<string> {
  const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key, Body, ...further }))
  return VersionId ?? 'none'
}

async function text({ s3 }: World, Bucket: string, further: object = {}): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...further }))
  return Body!.transformToString()
}

const remove = ({ s3 }: World, Bucket: string, VersionId?: string) =>
  s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }))

export const s3VersionCases: readonly ConformanceCase[] = [
  caseOf('s3.version.none', 'a bucket says nothing of versions until it keeps them', async world => {
    const Bucket = await world.bucket()
    const { Status } = await world.s3.send(new GetBucketVersioningCommand({ Bucket }))
    expect(Status).toBeUndefined()
    expect(await put(world, Bucket, 'one')).toBe('none')
    const { Versions } = await world.s3.send(new ListObjectVersionsCommand({ Bucket }))
    expect(Versions).toMatchObject([{ Key, VersionId: 'null', IsLatest: true }])
  }),
  caseOf('s3.version.kept', 'every put is a version that can be read by its id', async world => {
    const Bucket = await versioned(world)
    const ids = [await put(world, Bucket, 'one'), await put(world, Bucket, 'two')]
    expect(await text(world, Bucket)).toBe('two')
    expect(await text(world, Bucket, { VersionId: ids[0] })).toBe('one')
    const { Versions } = await world.s3.send(new ListObjectVersionsCommand({ Bucket }))
    expect(Versions?.map(({ VersionId, IsLatest }) => [VersionId, IsLatest])).toEqual([
      [ids[1], true],
      [ids[0], false]
    ])
  }),
  caseOf('s3.version.marker', 'a delete leaves a marker, and its delete brings the key back', async world => {
    const Bucket = await versioned(world)
    const id = await put(world, Bucket, 'one')
    const { DeleteMarker, VersionId } = await remove(world, Bucket)
    expect(DeleteMarker).toBe(true)
    await refused(text(world, Bucket), 'NoSuchKey')
    expect((await world.s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0)
    expect(await text(world, Bucket, { VersionId: id })).toBe('one')
    await refused(text(world, Bucket, { VersionId }), 'MethodNotAllowed')
    await remove(world, Bucket, VersionId)
    expect(await text(world, Bucket)).toBe('one')
  }),
  caseOf(
    's3.version.delete',
    'a version that is deleted is gone, and the one before it newest',
    async world => {
      const Bucket = await versioned(world)
      await put(world, Bucket, 'one')
      const id = await put(world, Bucket, 'two')
      await remove(world, Bucket, id)
      expect(await text(world, Bucket)).toBe('one')
      await refused(text(world, Bucket, { VersionId: id }), 'NoSuchVersion')
    }
  ),
  caseOf(
    's3.version.suspended',
    'a put while versioning is suspended replaces the null version',
    async world => {
      const Bucket = await world.bucket()
      await put(world, Bucket, 'before')
      await setVersioning(world, Bucket, 'Enabled')
      const id = await put(world, Bucket, 'enabled')
      await setVersioning(world, Bucket, 'Suspended')
      await put(world, Bucket, 'suspended')
      const { Versions } = await world.s3.send(new ListObjectVersionsCommand({ Bucket }))
      expect(Versions?.map(({ VersionId }) => VersionId)).toEqual(['null', id])
      expect(await text(world, Bucket, { VersionId: 'null' })).toBe('suspended')
    }
  ),
  caseOf('s3.version.bad-id', 'a version id that can be none is InvalidArgument', async world => {
    const Bucket = await versioned(world)
    await put(world, Bucket, 'one')
    await refused(text(world, Bucket, { VersionId: 'bad' }), 'InvalidArgument')
  }),
  caseOf('s3.version.not-empty', 'a bucket with older versions stays', async world => {
    const Bucket = await versioned(world)
    await put(world, Bucket, 'one')
    await remove(world, Bucket)
    await refused(world.s3.send(new DeleteBucketCommand({ Bucket })), 'BucketNotEmpty')
  }),
  caseOf('s3.copy.all', 'a copy has the bytes, type, metadata and tags of its source', async world => {
    const Bucket = await world.bucket()
    await put(world, Bucket, 'one', { ContentType: 'text/x', Metadata: { b: 'c' }, Tagging: 't=1' })
    const to = { Bucket, Key: 'copy' }
    const { CopyObjectResult } = await world.s3.send(
      new CopyObjectCommand({ ...to, CopySource: `${Bucket}/${Key}` })
    )
    expect(CopyObjectResult?.ETag).toBe('"f97c5d29941bfb1b2fdab0874906ab82"')
    expect(await text(world, Bucket, { Key: 'copy' })).toBe('one')
    expect(await world.s3.send(new HeadObjectCommand(to))).toMatchObject({
      ContentType: 'text/x',
      Metadata: { b: 'c' }
    })
    const { TagSet } = await world.s3.send(new GetObjectTaggingCommand(to))
    expect(TagSet).toEqual([{ Key: 't', Value: '1' }])
  }),
  caseOf('s3.copy.itself', 'a copy onto itself that changes nothing is InvalidRequest', async world => {
    const Bucket = await world.bucket()
    await put(world, Bucket, 'one')
    const copy = (further: object) =>
      world.s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${Key}`, ...further }))
    await refused(copy({}), 'InvalidRequest')
    await copy({ MetadataDirective: 'REPLACE', Metadata: { b: 'c' } })
    expect((await world.s3.send(new HeadObjectCommand({ Bucket, Key }))).Metadata).toEqual({ b: 'c' })
  }),
  caseOf('s3.copy.version', 'a copy of an older version makes it the newest', async world => {
    const Bucket = await versioned(world)
    const id = await put(world, Bucket, 'one')
    await put(world, Bucket, 'two')
    const answer = await world.s3.send(
      new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${Key}?versionId=${id}` })
    )
    expect(answer.CopySourceVersionId).toBe(id)
    expect(await text(world, Bucket)).toBe('one')
  }),
  caseOf(
    's3.copy.condition',
    'a copy of another ETag than the source has is PreconditionFailed',
    async world => {
      const Bucket = await world.bucket()
      await put(world, Bucket, 'one')
      await refused(
        world.s3.send(
          new CopyObjectCommand({
            Bucket,
            Key: 'copy',
            CopySource: `${Bucket}/${Key}`,
            CopySourceIfMatch: '"0123456789abcdef0123456789abcdef"'
          })
        ),
        'PreconditionFailed'
      )
    }
  )
]
