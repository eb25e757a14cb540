import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { Agent, get } from 'node:https'
import { connect } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { CreateStreamCommand, KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  S3Client,
  UploadPartCommand
} from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient
} from '@aws-sdk/client-sqs'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { describe, expect, it, onTestFinished } from 'vitest'
import { InvalidOptionError } from '../../core/errors.ts'
import type { LocalEngines, LocalOptions, LocalService, LocalTls, TlsKeyPair } from '../../local/index.ts'
import { tlsKeyPairOf } from '../../local/tls.ts'
import { opened, openLocal } from '../helpers/local.ts'

async function openTls(options: LocalOptions = {}): Promise<{ local: LocalEngines; tls: LocalTls }> {
  const local = await openLocal({ tls: true, ...options })
  return { local, tls: local.tls! }
}

async function aPair(): Promise<TlsKeyPair> {
  return (await tlsKeyPairOf(true, 'localhost'))!
}

/** What a client of the SDK is made from that trusts the certificate and no other. */
function secureConfig(local: LocalEngines, service: LocalService) {
  const httpsAgent = new Agent({ ca: local.tls!.caCertificate, keepAlive: true })
  return {
    ...local.clientConfig(service),
    endpoint: local.tls!.endpoints[service],
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ httpsAgent })
  }
}

/** Which protocol a client that offers `ALPNProtocols` speaks in the end; undefined when none. */
async function agreedProtocol(tls: LocalTls, ALPNProtocols?: string[]): Promise<string | undefined> {
  const socket = connectTls({
    port: Number(new URL(tls.endpoint).port),
    host: '127.0.0.1',
    ca: tls.caCertificate,
    ...(ALPNProtocols === undefined ? {} : { ALPNProtocols })
  })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'secureConnect')
  return socket.alpnProtocol || undefined
}

/** Health of the services, by HTTP/2; with `createConnection` by one that it makes. */
async function healthByHttp2(tls: LocalTls, createConnection?: () => TLSSocket): Promise<unknown> {
  const session = connectHttp2(tls.endpoint, {
    ca: tls.caCertificate,
    ...(createConnection === undefined ? {} : { createConnection })
  })
  onTestFinished(() => session.destroy())
  const stream = session.request({ ':path': '/_localstack/health' })
  let body = ''
  for await (const chunk of stream) body += String(chunk)
  return JSON.parse(body)
}

function statusOf(url: string, ca?: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { ...(ca === undefined ? {} : { ca }), agent: false }, response => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', reject)
  })
}

describe('the engines by TLS', () => {
  it('are on the ports of plain HTTP, for clients that trust the certificate', async () => {
    const { local, tls } = await openTls({ services: ['kinesis'] })
    const secure = opened(new KinesisClient(secureConfig(local, 'kinesis')))
    const plain = opened(new KinesisClient(local.clientConfig('kinesis')))
    await secure.send(new CreateStreamCommand({ StreamName: 'orders', ShardCount: 1 }))
    expect((await plain.send(new ListStreamsCommand({}))).StreamNames).toEqual(['orders'])
    expect(tls.endpoints.kinesis).toBe(local.endpoints.kinesis.replace('http:', 'https:'))
    expect(tls.endpoint).toBe(local.endpoint.replace('http:', 'https:'))
  })

  it('speak HTTP/2 with clients that offer it, and HTTP/1.1 with the others', async () => {
    const { tls } = await openTls({ services: ['kinesis'] })
    expect(await agreedProtocol(tls, ['http/1.1', 'h2'])).toBe('h2')
    expect(await agreedProtocol(tls, ['http/1.1'])).toBe('http/1.1')
    expect(await agreedProtocol(tls)).toBeUndefined()
    expect(await healthByHttp2(tls)).toMatchObject({ services: { kinesis: 'running' } })
    expect(await statusOf(`${tls.endpoint}/_localstack/health`, tls.caCertificate)).toBe(200)
  })

  it('speak HTTP/2 also with clients that know it beforehand and agree upon nothing', async () => {
    const { tls } = await openTls({ services: ['kinesis'] })
    const socket = connectTls({
      port: Number(new URL(tls.endpoint).port),
      host: '127.0.0.1',
      ca: tls.caCertificate
    })
    expect(await healthByHttp2(tls, () => socket)).toMatchObject({ services: { kinesis: 'running' } })
    expect(socket.alpnProtocol).toBe(false)
  })

  it('tell addresses by TLS to who came by TLS', async () => {
    const { local, tls } = await openTls({ services: ['s3', 'sqs'] })
    const sqs = opened(new SQSClient(secureConfig(local, 'sqs')))
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'jobs' }))
    expect(QueueUrl).toBe(`${tls.endpoints.sqs}/000000000000/jobs`)
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'message' }))
    const plain = opened(new SQSClient(local.clientConfig('sqs')))
    expect((await plain.send(new GetQueueUrlCommand({ QueueName: 'jobs' }))).QueueUrl).toBe(
      `${local.endpoints.sqs}/000000000000/jobs`
    )
    const { Messages } = await plain.send(new ReceiveMessageCommand({ QueueUrl }))
    expect(Messages?.map(({ Body }) => Body)).toEqual(['message'])

    const s3 = opened(new S3Client(secureConfig(local, 's3')))
    const object = { Bucket: 'archive', Key: 'a/b' }
    await s3.send(new CreateBucketCommand({ Bucket: 'archive' }))
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(object))
    const part = { ...object, UploadId, PartNumber: 1 }
    const { ETag } = await s3.send(new UploadPartCommand({ ...part, Body: 'bytes' }))
    const { Location } = await s3.send(
      new CompleteMultipartUploadCommand({
        ...object,
        UploadId,
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] }
      })
    )
    expect(Location).toBe(`${tls.endpoints.s3}/archive/a%2Fb`)
    const { Body } = await s3.send(new GetObjectCommand(object))
    expect(await Body?.transformToString()).toBe('bytes')
  })

  it('have a certificate for loopback and the address they listen on, which nobody trusts unasked', async () => {
    const { tls } = await openTls({ services: ['sqs'], host: '127.0.0.2' })
    const certificate = new X509Certificate(tls.caCertificate)
    for (const address of ['127.0.0.1', '127.0.0.2', '::1']) {
      expect(certificate.checkIP(address)).toBe(address)
    }
    expect(certificate.checkHost('localhost')).toBe('localhost')
    expect(certificate.checkHost('example.com')).toBeUndefined()
    expect(certificate.ca).toBe(false)
    const days = (Date.parse(certificate.validTo) - Date.now()) / 86_400_000
    expect(Math.round(days)).toBe(365)
    const other = (await openTls({ services: ['sqs'] })).tls
    expect(other.caCertificate).not.toBe(tls.caCertificate)
    await expect(statusOf(other.endpoint)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    await expect(statusOf(other.endpoint, tls.caCertificate)).rejects.toThrow()
  })

  it('take a key and a certificate that are given', async () => {
    const pair = await aPair()
    const { tls } = await openTls({ services: ['kinesis'], tls: pair })
    expect(tls.caCertificate).toBe(pair.certificate)
    expect(await statusOf(`${tls.endpoint}/_localstack/health`, pair.certificate)).toBe(200)
  })

  it.each([
    ['of another key', async () => ({ ...(await aPair()), key: (await aPair()).key })],
    ['that are no PEM', async () => ({ key: 'key', certificate: 'certificate' })],
    ['that are missing', async () => ({}) as never]
  ])('refuse a key and a certificate %s', async (_, given) => {
    await expect(openLocal({ services: ['kinesis'], tls: await given() })).rejects.toThrow(InvalidOptionError)
  })

  it('are not there unless asked for', async () => {
    const local = await openLocal({ services: ['kinesis'] })
    expect(local.tls).toBeUndefined()
    await expect(statusOf(local.endpoint.replace('http:', 'https:'))).rejects.toThrow()
    expect((await fetch(`${local.endpoint}/_localstack/health`)).status).toBe(200)
  })

  it('come with the receivers that speak HTTP', async () => {
    const { local, tls } = await openTls({ services: ['firehose'], receivers: ['search', 'hec'] })
    const urls = [local.search!.url, `${local.hec!.url}/services/collector/health`]
    for (const url of urls) {
      expect(await statusOf(url.replace('http:', 'https:'), tls.caCertificate)).toBe(200)
    }
  })

  it('outlive clients that break off the handshake', async () => {
    const { tls } = await openTls({ services: ['kinesis'] })
    const socket = connect({ port: Number(new URL(tls.endpoint).port), host: '127.0.0.1' })
    socket.on('error', () => {})
    socket.end(Buffer.from([0x16, 3, 1, 0, 4, 9, 9, 9, 9]))
    socket.resume()
    await once(socket, 'close')
    expect(await statusOf(`${tls.endpoint}/_localstack/health`, tls.caCertificate)).toBe(200)
  })

  it('end their connections when they end', async () => {
    const { local, tls } = await openTls({ services: ['kinesis'] })
    const socket = connectTls({
      port: Number(new URL(tls.endpoint).port),
      host: '127.0.0.1',
      ca: tls.caCertificate
    })
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    const ended = once(socket, 'close')
    await Promise.all([local.close(), ended])
    expect(socket.destroyed).toBe(true)
  })
})
