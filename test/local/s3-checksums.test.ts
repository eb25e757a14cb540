import { createHash } from 'node:crypto'
import { CreateBucketCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { opened, openLocal } from '../helpers/local.ts'

const body = '123456789'
const hash = (name: string): string => createHash(name).update(body).digest('base64')
const sums = [
  ['CRC32', Buffer.from('cbf43926', 'hex').toString('base64')],
  ['CRC32C', Buffer.from('e3069283', 'hex').toString('base64')],
  ['CRC64NVME', Buffer.from('ae8b14860a799888', 'hex').toString('base64')],
  ['SHA1', hash('sha1')],
  ['SHA256', hash('sha256')]
] as const

async function start() {
  const local = await openLocal()
  const client = opened(new S3Client({ ...local.clientConfig('s3'), maxAttempts: 1 }))
  await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  const put = (more: object) =>
    client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: body, ...more }))
  const head = () =>
    client.send(new HeadObjectCommand({ Bucket: 'bucket', Key: 'k', ChecksumMode: 'ENABLED' }))
  const url = `${local.endpoints.s3}/bucket/k`
  return { put, head, url }
}

describe('checksums of S3 objects', () => {
  it.each(sums)('%s is checked, kept and told', async (name, sum) => {
    const { put, head } = await start()
    const member = `Checksum${name}`
    const wrong = Buffer.from(sum, 'base64').map(byte => byte ^ 1)
    await expect(put({ [member]: Buffer.from(wrong).toString('base64') })).rejects.toMatchObject({
      name: 'BadDigest'
    })
    await expect(head()).rejects.toMatchObject({ name: 'NotFound' })
    expect(await put({ [member]: sum })).toMatchObject({ [member]: sum, ChecksumType: 'FULL_OBJECT' })
    expect(await head()).toMatchObject({ [member]: sum, ChecksumType: 'FULL_OBJECT' })
  })

  it.each(sums)('%s is checked as a trailer', async (name, sum) => {
    const { url } = await start()
    const header = `x-amz-checksum-${name.toLowerCase()}`
    const send = async (value: string) => {
      const answer = await fetch(url, {
        method: 'PUT',
        body: `9\r\n${body}\r\n0\r\n${header}:${value}\r\n\r\n`,
        headers: { 'content-encoding': 'aws-chunked', 'x-amz-trailer': header }
      })
      return `${answer.status} ${answer.headers.get(header)} ${await answer.text()}`
    }
    expect(await send(sum)).toBe(`200 ${sum} `)
    const zeros = Buffer.alloc(Buffer.from(sum, 'base64').length).toString('base64')
    expect(await send(zeros)).toMatch(/^400 .*<Code>BadDigest<\/Code>/s)
  })

  it('has the CRC32 of an object that came without a checksum', async () => {
    const { url, head } = await start()
    const answer = await fetch(url, { method: 'PUT', body })
    expect(answer.headers.get('x-amz-checksum-crc32')).toBe(sums[0][1])
    expect(await head()).toMatchObject({ ChecksumCRC32: sums[0][1] })
  })

  it('refuses more than one, and what is none', async () => {
    const { put } = await start()
    await expect(put({ ChecksumSHA1: sums[3][1], ChecksumSHA256: sums[4][1] })).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining('single x-amz-checksum-')
    })
    await expect(put({ ChecksumCRC64NVME: 'AAAA' })).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: 'Value for x-amz-checksum-crc64nvme header is invalid.'
    })
  })
})
