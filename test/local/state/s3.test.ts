import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectTaggingCommand,
  S3Client,
  UploadPartCommand
} from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import type { LocalEngines, LocalOptions } from '../../../local/index.ts'
import { S3Store } from '../../../local/s3/store.ts'
import { StateFolder } from '../../../local/state/index.ts'
import { opened } from '../../helpers/local.ts'
import { launchEngines, makeStateFolder, putUntilKilled, restartable } from '../../helpers/state.ts'

function restartableS3(options: LocalOptions = {}) {
  const restart = restartable(options)
  return async (between: (folder: string) => void = () => {}, running?: LocalEngines) => {
    await running?.close()
    if (running !== undefined) between(running.outputFolder)
    const local = await restart()
    return { local, client: opened(new S3Client(local.clientConfig('s3'))) }
  }
}

const put = (client: S3Client, Key: string, Body: string, input: Partial<PutObjectCommandInput> = {}) =>
  client.send(new PutObjectCommand({ Bucket: 'b-1', Key, Body, ...input }))

/** Everything that the API tells. */
async function everythingOf(client: S3Client) {
  const { Buckets } = await client.send(new ListBucketsCommand({}))
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'b-1' }))
  const objects = await Promise.all(
    Contents.map(async ({ Key }) => {
      const { $metadata: _, Body, ...rest } = await client.send(new GetObjectCommand({ Bucket: 'b-1', Key }))
      return { ...rest, text: await Body?.transformToString() }
    })
  )
  return { Buckets, Contents, objects }
}

describe('the S3 engine with a state folder', () => {
  it('is the same after a restart: buckets, objects, what describes them', async () => {
    const restart = restartableS3()
    const { client } = await restart()
    await client.send(new CreateBucketCommand({ Bucket: 'b-1' }))
    await client.send(new CreateBucketCommand({ Bucket: 'b-2' }))
    await client.send(new CreateBucketCommand({ Bucket: 'gone' }))
    await client.send(new DeleteBucketCommand({ Bucket: 'gone' }))
    await put(client, 'plain', 'p', {
      ContentType: 'text/plain',
      ContentEncoding: 'gzip',
      Metadata: { a: '1' }
    })
    // Beside a key that is its folder, and where a key is no path at all.
    await put(client, 'a', 'first')
    await put(client, 'a/b', 'second')
    await put(client, '../c', 'third')
    await put(client, 'plain', 'overwritten')
    await put(client, 'deleted', 'd')
    await client.send(new DeleteObjectCommand({ Bucket: 'b-1', Key: 'deleted' }))
    await client.send(
      new PutObjectTaggingCommand({
        Bucket: 'b-1',
        Key: 'a',
        Tagging: { TagSet: [{ Key: 't', Value: 'v' }] }
      })
    )
    const before = await everythingOf(client)
    expect(before.objects.map(({ text }) => text)).toEqual(['third', 'first', 'second', 'overwritten'])
    expect(before.objects[1]).toMatchObject({ TagCount: 1 })
    const { client: after } = await restart()
    expect(await everythingOf(after)).toEqual(before)
    await put(after, 'a/b', 'changed')
    const changed = await everythingOf(after)
    expect(await everythingOf((await restart()).client)).toEqual(changed)
  })

  it('keeps what describes the objects of a folder of its own', async () => {
    const outputFolder = mkdtempSync(join(tmpdir(), 'sealstream-output-'))
    onTestFinished(() => rmSync(outputFolder, { recursive: true, force: true }))
    const restart = restartableS3({ outputFolder })
    const { client } = await restart()
    await client.send(new CreateBucketCommand({ Bucket: 'b-1' }))
    await put(client, 'k', 'text', { Metadata: { a: '1' } })
    const { client: after } = await restart()
    const { Metadata } = await after.send(new HeadObjectCommand({ Bucket: 'b-1', Key: 'k' }))
    expect(Metadata).toEqual({ a: '1' })
    expect(existsSync(join(outputFolder, 'b-1', 'k'))).toBe(true)
  })

  it('finishes a put whose process died before its file was in place', async () => {
    const restart = restartableS3()
    const { client, local } = await restart()
    await client.send(new CreateBucketCommand({ Bucket: 'b-1' }))
    await put(client, 'k', 'old')
    await put(client, 'k', 'new')
    const [, aside] = /"aside":"([^"]+)"}\n$/.exec(logText(local.outputFolder)) ?? []
    const { client: after } = await restart(folder => {
      renameSync(join(folder, 'b-1', 'k'), join(folder, aside!))
      writeFileSync(join(folder, 'b-1', 'k'), 'old')
      writeFileSync(join(folder, '.incoming-never-told'), 'half')
    }, local)
    expect((await everythingOf(after)).objects).toMatchObject([{ text: 'new', ContentLength: 3 }])
    expect(readdirSync(local.outputFolder)).toEqual(['b-1'])
  })

  it('keeps what was put in parts, and no upload that was under way', async () => {
    const folder = makeStateFolder()
    const engines = await launchEngines(folder)
    const client = opened(new S3Client({ ...engines.clientConfig, maxAttempts: 1 }))
    await client.send(new CreateBucketCommand({ Bucket: 'b-1' }))
    const createWithPart = async (Key: string) => {
      const at = { Bucket: 'b-1', Key }
      const { UploadId } = await client.send(
        new CreateMultipartUploadCommand({ ...at, ChecksumAlgorithm: 'CRC32C', ContentType: 'text/plain' })
      )
      const sum = Buffer.from('e3069283', 'hex').toString('base64')
      const { ETag, ChecksumCRC32C } = await client.send(
        new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: '123456789', ChecksumCRC32C: sum })
      )
      return { ...at, UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32C }] } }
    }
    const underWay = await createWithPart('under way')
    await client.send(new CompleteMultipartUploadCommand(await createWithPart('done')))
    const asides = () => readdirSync(join(folder, 's3')).filter(name => name.startsWith('.'))
    expect(asides()).toHaveLength(1)
    const before = await everythingOf(client)
    expect(before.objects).toMatchObject([{ text: '123456789', ChecksumType: 'COMPOSITE' }])
    await engines.kill()
    const after = opened(new S3Client((await launchEngines(folder)).clientConfig))
    expect(await everythingOf(after)).toEqual(before)
    await expect(after.send(new CompleteMultipartUploadCommand(underWay))).rejects.toMatchObject({
      name: 'NoSuchUpload'
    })
    expect(asides()).toEqual([])
  })

  it('has every acknowledged object after a SIGKILL, and describes each as it is', async () => {
    const folder = makeStateFolder()
    const engines = await launchEngines(folder)
    const client = opened(new S3Client({ ...engines.clientConfig, maxAttempts: 1 }))
    await client.send(new CreateBucketCommand({ Bucket: 'b-1' }))
    // Also over and over to the same key.
    const acknowledged = await putUntilKilled(engines, 40, async number => {
      const Key = number % 2 === 0 ? `k/${number}` : 'same'
      await put(client, Key, `${number} `.repeat(20_000))
      return Key
    })
    const again = opened(new S3Client((await launchEngines(folder)).clientConfig))
    const { objects, Contents } = await everythingOf(again)
    const keys = Contents.map(({ Key }) => Key)
    expect(acknowledged.filter(key => !keys.includes(key))).toEqual([])
    for (const { text, ETag } of objects) {
      expect(ETag).toBe(`"${createHash('md5').update(text!).digest('hex')}"`)
    }
  })
})

describe('the log of an S3 store', () => {
  it('holds the entry during which it is written anew', async () => {
    const folder = makeStateFolder()
    const open = () => {
      const state = StateFolder.open(folder)
      const small: Pick<StateFolder, 'log'> = {
        log: (part, options) => state.log(part, { ...options, compactFromBytes: 1 })
      }
      onTestFinished(() => state.close())
      const s3 = state.folderOf('s3')
      const store = new S3Store({ clock: systemClock, folder: s3, state: small as StateFolder })
      return { state, store }
    }
    const { state, store } = open()
    await store.createBucket('b-1', { documents: {}, versioning: 'Enabled' })
    for (let count = 0; count < 20; count += 1) {
      await store.putObject('b-1', 'k', Buffer.from(`${count}`))
      if (count % 3 === 0) store.deleteObject('b-1', 'k', { versionId: store.find('b-1', 'k').versionId })
    }
    const before = store.versionsOf('b-1')
    state.close()
    const again = open()
    expect(again.store.versionsOf('b-1')).toEqual(before)
    expect(readdirSync(join(folder, 's3-objects')).some(name => name.endsWith('.base.log'))).toBe(true)
  })
})

describe('a log from before there were versions', () => {
  it('is read as a bucket without them', async () => {
    const folder = makeStateFolder()
    const before = StateFolder.open(folder)
    const log = before.log('s3-objects', {
      name: 'objects',
      read: () => undefined,
      live: { count: () => 0, entries: () => [] }
    })
    const object = {
      sizeBytes: 4,
      etag: '"e"',
      crc32: 'AAAAAA==',
      modifiedMs: 1,
      contentType: 't',
      metadata: {}
    }
    const putOf = (key: string) => ({ ...object, key, file: `b-1/${key}` })
    log.append({ bucket: 'b-1', createdMs: 1 })
    for (const key of ['k', 'gone']) {
      log.append({ bucket: 'b-1', put: putOf(key), aside: `.incoming-${key}` })
    }
    log.append({ bucket: 'b-1', deleted: 'gone', file: 'b-1/gone' })
    const s3 = before.folderOf('s3')
    mkdirSync(join(s3, 'b-1'))
    for (const key of ['k', 'gone']) writeFileSync(join(s3, 'b-1', key), 'text')
    before.close()

    const state = StateFolder.open(folder)
    onTestFinished(() => state.close())
    const store = new S3Store({ clock: systemClock, folder: s3, state })
    expect([...store.objectsOf('b-1').keys()]).toEqual(['k'])
    expect((await store.readObject('b-1', 'k'))?.toString()).toBe('text')
    expect(store.settingsOf('b-1')).toEqual({ documents: {} })
    expect(readdirSync(join(s3, 'b-1'))).toEqual(['k'])
  })
})

describe('versions in an S3 engine with a state folder', () => {
  it('are the same after a restart, with settings and locks', async () => {
    const restart = restartableS3()
    const { client } = await restart()
    await client.send(new CreateBucketCommand({ Bucket: 'b-1', ObjectLockEnabledForBucket: true }))
    const Policy = JSON.stringify({
      Statement: { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: 'arn:aws:s3:::b-1/*' }
    })
    await client.send(new PutBucketPolicyCommand({ Bucket: 'b-1', Policy }))
    await client.send(
      new PutBucketEncryptionCommand({
        Bucket: 'b-1',
        ServerSideEncryptionConfiguration: {
          Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' }, BucketKeyEnabled: true }]
        }
      })
    )
    for (const text of ['one', 'two', 'three']) await put(client, 'k', text)
    const { VersionId } = await put(client, 'gone', 'text', { ObjectLockLegalHoldStatus: 'ON' })
    await client.send(new DeleteObjectCommand({ Bucket: 'b-1', Key: 'gone' }))
    await client.send(
      new PutObjectTaggingCommand({
        Bucket: 'b-1',
        Key: 'gone',
        VersionId,
        Tagging: { TagSet: [{ Key: 't', Value: 'v' }] }
      })
    )
    await put(client, 'back', 'again')
    const { VersionId: marker } = await client.send(new DeleteObjectCommand({ Bucket: 'b-1', Key: 'back' }))
    await client.send(new DeleteObjectCommand({ Bucket: 'b-1', Key: 'back', VersionId: marker }))
    const before = await everyVersionOf(client)
    expect(before.objects.map(({ text }) => text)).toEqual(['again', 'text', 'three', 'two', 'one'])
    expect(before.objects[1]).toMatchObject({ ObjectLockLegalHoldStatus: 'ON', TagCount: 1 })
    const { client: after } = await restart()
    expect(await everyVersionOf(after)).toEqual(before)
    await expect(
      after.send(new DeleteObjectCommand({ Bucket: 'b-1', Key: 'gone', VersionId }))
    ).rejects.toMatchObject({ name: 'AccessDenied' })
    expect((await after.send(new GetBucketPolicyCommand({ Bucket: 'b-1' }))).Policy).toBe(Policy)
    expect(await put(after, 'k', 'four')).toMatchObject({
      ServerSideEncryption: 'aws:kms',
      BucketKeyEnabled: true
    })
  })

  /** What the process has done of its last step: nothing, or the first of two moves. */
  it.each([0, 1])('are finished when a put died behind %d of its moves', async done => {
    const restart = restartableS3()
    const { client, local } = await restart()
    await createVersioned(client)
    const { VersionId } = await put(client, 'k', 'old')
    await put(client, 'k', 'new')
    const [, aside] = /"aside":"([^"]+)"/.exec(logText(local.outputFolder).split('\n').at(-2)!) ?? []
    const { client: after } = await restart(folder => {
      const place = join(folder, 'b-1', 'k')
      renameSync(place, join(folder, aside!))
      if (done === 0) renameSync(join(folder, 'b-1', '.versions', VersionId!), place)
    }, local)
    expect((await everyVersionOf(after)).objects.map(({ text }) => text)).toEqual(['new', 'old'])
    expect(readdirSync(local.outputFolder)).toEqual(['b-1'])
  })

  it('are finished when a delete died before its moves', async () => {
    const restart = restartableS3()
    const { client, local } = await restart()
    await createVersioned(client)
    await put(client, 'k', 'old')
    const { VersionId } = await put(client, 'k', 'new')
    await client.send(new DeleteObjectCommand({ Bucket: 'b-1', Key: 'k', VersionId }))
    // The older one had not taken its place, and the newer one was still there.
    const place = (folder: string) => join(folder, 'b-1', 'k')
    const [, from] = /"promoted":\["([^"]+)"/.exec(logText(local.outputFolder).split('\n').at(-2)!) ?? []
    const { client: after, local: second } = await restart(folder => {
      renameSync(place(folder), join(folder, from!))
      writeFileSync(place(folder), 'new')
    }, local)
    expect((await everyVersionOf(after)).objects.map(({ text }) => text)).toEqual(['old'])
    const { VersionId: marker } = await after.send(new DeleteObjectCommand({ Bucket: 'b-1', Key: 'k' }))
    const { client: third } = await restart(folder => {
      renameSync(join(folder, from!), place(folder))
    }, second)
    expect(existsSync(place(local.outputFolder))).toBe(false)
    await third.send(new DeleteObjectCommand({ Bucket: 'b-1', Key: 'k', VersionId: marker }))
    expect((await everyVersionOf(third)).objects.map(({ text }) => text)).toEqual(['old'])
  })

  it('are all there after a SIGKILL, each with its own bytes', async () => {
    const folder = makeStateFolder()
    const engines = await launchEngines(folder)
    const client = opened(new S3Client({ ...engines.clientConfig, maxAttempts: 1 }))
    await createVersioned(client)
    const acknowledged = await putUntilKilled(engines, 40, async number => {
      const { VersionId } = await put(client, 'same', `${number} `.repeat(20_000))
      if (number % 5 === 0) await client.send(new DeleteObjectCommand({ Bucket: 'b-1', Key: 'same' }))
      return VersionId!
    })
    const again = opened(new S3Client((await launchEngines(folder)).clientConfig))
    const { objects } = await everyVersionOf(again)
    const ids = objects.map(({ VersionId }) => VersionId)
    expect(acknowledged.filter(id => !ids.includes(id))).toEqual([])
    for (const { text, ETag } of objects) {
      expect(ETag).toBe(`"${createHash('md5').update(text!).digest('hex')}"`)
    }
  })
})

async function createVersioned(client: S3Client): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket: 'b-1' }))
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await client.send(new PutBucketVersioningCommand({ Bucket: 'b-1', VersioningConfiguration }))
}

/** Everything that the API tells of them. */
async function everyVersionOf(client: S3Client) {
  const { Versions = [], DeleteMarkers } = await client.send(new ListObjectVersionsCommand({ Bucket: 'b-1' }))
  const objects = await Promise.all(
    Versions.map(async ({ Key, VersionId }) => {
      const {
        $metadata: _,
        Body,
        ...rest
      } = await client.send(new GetObjectCommand({ Bucket: 'b-1', Key, VersionId }))
      return { ...rest, text: await Body?.transformToString() }
    })
  )
  return { Versions, DeleteMarkers, objects }
}

/** The log of what describes objects, in a state folder of which `outputFolder` is a part. */
function logText(outputFolder: string): string {
  return readFileSync(join(outputFolder, '..', 's3-objects', 'objects-00000001.log'), 'utf8')
}
