import { randomUUID } from 'node:crypto'
import {
  CreateDeliveryStreamCommand,
  type CreateDeliveryStreamCommandInput,
  DescribeDeliveryStreamCommand,
  FirehoseClient
} from '@aws-sdk/client-firehose'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DeliveryStreamSink, type DeliveryStreamSinkOptions } from '../../firehose/index.ts'
import { clientConfigOf, ObjectReader } from '../../pipeline/index.ts'
import { aConsumedRecord, aJsonRecord } from '../helpers/consumed-records.ts'
import { openTestEngine } from '../helpers/engine.ts'
import { opened, openLocal } from '../helpers/local.ts'

const roleArn = 'arn:aws:iam::000000000000:role/firehose'
const numbers = Array.from({ length: 1_200 }, (_, n) => n)

const records = numbers.map(n => aJsonRecord({ n }, n))

/** A delivery stream to S3 on the engine under test, and a sink before it. */
async function toS3(options: Partial<DeliveryStreamSinkOptions>) {
  const test = await openTestEngine()
  onTestFinished(() => test.close())
  const firehose = opened(new FirehoseClient(clientConfigOf(test.engine, 'firehose')))
  const s3 = opened(new S3Client(clientConfigOf(test.engine, 's3')))
  const name = `sink-${randomUUID().slice(0, 8)}`
  await s3.send(new CreateBucketCommand({ Bucket: name }))
  await firehose.send(
    new CreateDeliveryStreamCommand({
      DeliveryStreamName: name,
      ExtendedS3DestinationConfiguration: {
        RoleARN: roleArn,
        BucketARN: `arn:aws:s3:::${name}`,
        // Nobody can flush the engines of another process.
        BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 1 }
      }
    })
  )
  const status = async () =>
    (await firehose.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: name })))
      .DeliveryStreamDescription?.DeliveryStreamStatus
  await expect.poll(status, { timeout: 60_000 }).toBe('ACTIVE')
  const sink = new DeliveryStreamSink({
    deliveryStreamName: name,
    clientConfig: clientConfigOf(test.engine, 'firehose'),
    ...options
  })
  onTestFinished(() => sink.close())
  const reader = new ObjectReader(s3, name, '')
  const bodies: string[] = []
  const lines = async (): Promise<string[]> => {
    await test.local?.flushFirehose()
    for await (const { body } of reader.readNew()) bodies.push(body.toString())
    return bodies.join('').split('\n').slice(0, -1)
  }
  return { sink, lines }
}

describe('the sink, before S3', { timeout: 90_000 }, () => {
  it('delivers packs that are the same lines as records apart', async () => {
    const { sink, lines } = await toS3({
      framing: 'ndjson',
      destination: 's3',
      packing: true,
      maxBufferedMs: 0
    })
    expect(await sink.deliver(records)).toEqual([])
    expect(sink.stats).toMatchObject({ delivered: 1_200, entriesDelivered: 3 })
    await expect.poll(async () => (await lines()).length, { timeout: 30_000 }).toBe(1_200)
    const found = (await lines()).map(line => (JSON.parse(line) as { n: number }).n)
    expect(found.toSorted((a, b) => a - b)).toEqual(numbers)
  })

  it('delivers ids by which a reader drops what came twice', async () => {
    const { sink, lines } = await toS3({ framing: 'ndjson', recordIdField: 'recordId' })
    await sink.deliver(records.slice(0, 20))
    await sink.deliver(records.slice(10, 30))
    await expect.poll(async () => (await lines()).length, { timeout: 30_000 }).toBe(40)
    const byId = new Map(
      (await lines()).map(line => {
        const { recordId, n } = JSON.parse(line) as { recordId: string; n: number }
        return [recordId, n]
      })
    )
    expect([...byId].toSorted(([, a], [, b]) => a - b)).toEqual(
      numbers.slice(0, 30).map(n => [`orders/shardId-000000000000/${n}/0`, n])
    )
  })

  it('delivers one line of base64 for each Kinesis record', async () => {
    const { sink, lines } = await toS3({ deliver: 'ciphertext' })
    const received = [Buffer.from([0, 10, 255]), Buffer.from('text')]
    await sink.deliver(received.map((data, index) => aConsumedRecord(data, index)))
    await expect.poll(async () => (await lines()).length, { timeout: 30_000 }).toBe(2)
    expect((await lines()).map(line => Buffer.from(line, 'base64'))).toEqual(received)
  })

  it('carries what is written to it, by itself', async () => {
    const { sink, lines } = await toS3({ framing: 'lines' })
    expect(await sink.putAll(numbers.map(n => Buffer.from(`${n}`)))).toEqual({ delivered: 1_200, failed: 0 })
    await expect.poll(async () => (await lines()).length, { timeout: 30_000 }).toBe(1_200)
    expect((await lines()).map(Number).toSorted((a, b) => a - b)).toEqual(numbers)
  })
})

// The engines alone have these receivers.
describe('the sink, before destinations that are not S3', () => {
  async function start(
    destination: Omit<CreateDeliveryStreamCommandInput, 'DeliveryStreamName'>,
    options: Partial<DeliveryStreamSinkOptions>,
    local: Awaited<ReturnType<typeof openLocal>>
  ) {
    const firehose = opened(new FirehoseClient(local.clientConfig('firehose')))
    const s3 = opened(new S3Client(local.clientConfig('s3')))
    await s3.send(new CreateBucketCommand({ Bucket: 'backup' }))
    await firehose.send(new CreateDeliveryStreamCommand({ DeliveryStreamName: 'd', ...destination }))
    return new DeliveryStreamSink({
      deliveryStreamName: 'd',
      clientConfig: local.clientConfig('firehose'),
      ...options
    })
  }
  const S3Configuration = { RoleARN: roleArn, BucketARN: 'arn:aws:s3:::backup' }

  it('brings packed events to Splunk, each once', async () => {
    const local = await openLocal({ receivers: ['hec'] })
    const sink = await start(
      {
        SplunkDestinationConfiguration: {
          HECEndpoint: local.hec!.url,
          HECEndpointType: 'Event',
          HECToken: local.hec!.token,
          S3Configuration
        }
      },
      { framing: 'ndjson', destination: 'splunk', packing: true, maxBufferedMs: 0 },
      local
    )
    await sink.deliver(numbers.map(n => aJsonRecord({ event: { n } }, n)))
    expect(sink.stats.entriesDelivered).toBe(3)
    await sink.close()
    await local.flushFirehose()
    const stored = local.hec!.events().map(({ event }) => (event as { n: number }).n)
    expect(stored.toSorted((a, b) => a - b)).toEqual(numbers)
  })

  it('brings documents with their ids into a search index, and returns what is none before it is put', async () => {
    const local = await openLocal({ receivers: ['search'] })
    const sink = await start(
      {
        ElasticsearchDestinationConfiguration: {
          RoleARN: roleArn,
          DomainARN: 'arn:aws:es:us-east-1:000000000000:domain/orders',
          IndexName: 'orders',
          IndexRotationPeriod: 'NoRotation',
          S3Configuration
        }
      },
      { framing: 'ndjson', destination: 'elasticsearch', recordIdField: 'recordId' },
      local
    )
    const given = [aJsonRecord({ n: 0 }, 0), aJsonRecord([1], 1), aJsonRecord({ n: 2 }, 2)]
    const undeliverable = await sink.deliver(given)
    expect(undeliverable.map(({ record }) => record)).toEqual([given[1]])
    await sink.close()
    await local.flushFirehose()
    const stored = local.search!.documents('orders').map(({ source }) => source)
    expect(stored).toEqual(
      expect.arrayContaining([0, 2].map(n => ({ n, recordId: `orders/shardId-000000000000/${n}/0` })))
    )
    expect(stored).toHaveLength(2)
  })
})
