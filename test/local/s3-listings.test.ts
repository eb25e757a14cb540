import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import type { LocalEngines } from '../../local/index.ts'
import { opened, openLocal } from '../helpers/local.ts'

const name = 'a~b/c d+(1)*é&<'
const encodedName = 'a%7Eb/c+d%2B%281%29*%C3%A9%26%3C'

describe('names in listings', () => {
  it('are encoded when asked for, and the listing says so', async () => {
    const { client } = await start([name])
    await client.send(new CreateMultipartUploadCommand({ Bucket: 'bucket', Key: name }))
    const of = { Bucket: 'bucket', EncodingType: 'url', Prefix: 'a~' } as const
    const objects = await client.send(new ListObjectsV2Command({ ...of, StartAfter: 'a b' }))
    expect(objects).toMatchObject({ EncodingType: 'url', Prefix: 'a%7E', StartAfter: 'a+b' })
    expect(objects.Contents?.map(({ Key }) => Key)).toEqual([encodedName])
    const versions = await client.send(new ListObjectVersionsCommand(of))
    expect(versions).toMatchObject({ EncodingType: 'url', Versions: [{ Key: encodedName }] })
    const uploads = await client.send(new ListMultipartUploadsCommand(of))
    expect(uploads).toMatchObject({ EncodingType: 'url', Uploads: [{ Key: encodedName }] })
  })

  it('are as they are when nobody asks, and the listing tells of no encoding', async () => {
    const { client } = await start([name])
    const objects = await client.send(new ListObjectsV2Command({ Bucket: 'bucket' }))
    expect(objects.EncodingType).toBeUndefined()
    expect(objects.Contents?.map(({ Key }) => Key)).toEqual([name])
  })

  it.each(['', 'versions&', 'uploads&'])('cannot be encoded otherwise: ?%sencoding-type', async listing => {
    const { local } = await start([])
    const answer = await fetch(`${local.endpoints.s3}/bucket?${listing}encoding-type=base64`)
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('<Code>InvalidArgument</Code>')
  })
})

describe('ListObjects', () => {
  it('goes on behind the last key of the page before', async () => {
    const { client } = await start(['a', 'b', 'c'])
    const first = await client.send(new ListObjectsCommand({ Bucket: 'bucket', MaxKeys: 2 }))
    expect(first).toMatchObject({
      IsTruncated: true,
      Marker: '',
      MaxKeys: 2,
      Contents: [{ Key: 'a' }, { Key: 'b' }]
    })
    expect(first.NextMarker).toBeUndefined()
    expect(first.Contents?.[0]?.Owner?.ID).toBe('local')
    const second = await client.send(new ListObjectsCommand({ Bucket: 'bucket', MaxKeys: 2, Marker: 'b' }))
    expect(second).toMatchObject({ IsTruncated: false, Marker: 'b', Contents: [{ Key: 'c' }] })
  })

  it('tells the next marker with a delimiter', async () => {
    const { client } = await start(['a/1', 'a/2', 'b/1', 'c'])
    const of = { Bucket: 'bucket', Delimiter: '/', MaxKeys: 1 }
    const first = await client.send(new ListObjectsCommand(of))
    expect(first).toMatchObject({ IsTruncated: true, NextMarker: 'a/', CommonPrefixes: [{ Prefix: 'a/' }] })
    const second = await client.send(new ListObjectsCommand({ ...of, MaxKeys: 5, Marker: 'a/' }))
    expect(second).toMatchObject({
      IsTruncated: false,
      CommonPrefixes: [{ Prefix: 'b/' }],
      Contents: [{ Key: 'c' }]
    })
  })
})

async function start(keys: readonly string[]): Promise<{ local: LocalEngines; client: S3Client }> {
  const local = await openLocal()
  const client = opened(new S3Client(local.clientConfig('s3')))
  await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  for (const Key of keys) await client.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body: 'x' }))
  return { local, client }
}
