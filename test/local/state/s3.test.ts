import { createHash } from 'node:crypto'
import {
  existsSync,
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
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectTaggingCommand,
  S3Client,
  UploadPartCommand
} from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { LocalEngines, LocalOptions } from '../../../local/index.ts'
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

/** The log of what describes objects, in a state folder of which `outputFolder` is a part. */
function logText(outputFolder: string): string {
  return readFileSync(join(outputFolder, '..', 's3-objects', 'objects-00000001.log'), 'utf8')
}
