import { CreateDeliveryStreamCommand, FirehoseClient } from '@aws-sdk/client-firehose'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { DeliveryStreamSink } from '../../firehose/index.ts'
import type { LocalFault, LocalOptions } from '../../local/index.ts'
import { aJsonRecord } from '../helpers/consumed-records.ts'
import { opened, openLocal } from '../helpers/local.ts'

const count = 1_200
const roleArn = 'arn:aws:iam::000000000000:role/firehose'
const S3Configuration = { RoleARN: roleArn, BucketARN: 'arn:aws:s3:::backup' }

async function start(options: LocalOptions) {
  const local = await openLocal({ receivers: ['search', 'hec'], ...options })
  const firehose = opened(new FirehoseClient(local.clientConfig('firehose')))
  const s3 = opened(new S3Client(local.clientConfig('s3')))
  await s3.send(new CreateBucketCommand({ Bucket: 'backup' }))
  const sink = new DeliveryStreamSink({
    deliveryStreamName: 'd',
    framing: 'none',
    clientConfig: local.clientConfig('firehose')
  })
  return { local, firehose, sink }
}

/** Fails every seventh entry the first time that it comes. */
function everySeventhOnce() {
  const seen = new Set<string>()
  let entries = 0
  const failEntry = (text: string): string | undefined => {
    entries += 1
    if (entries % 7 !== 0 || seen.has(text)) return undefined
    seen.add(text)
    return 'ServiceUnavailableException'
  }
  const firehose: LocalFault = (operation, { Records: records }) =>
    operation === 'PutRecordBatch'
      ? {
          kind: 'failEntries',
          failEntry: index => failEntry((records as { Data: string }[])[index]!.Data)
        }
      : undefined
  return { faults: { firehose } }
}

const numbers = Array.from({ length: count }, (_, n) => n)

// The engines alone have these receivers.
describe('the Firehose sink, before destinations that are not S3', () => {
  it('brings every record into a search index once, through entries that fail', async () => {
    const { local, firehose, sink } = await start(everySeventhOnce())
    await firehose.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName: 'd',
        ElasticsearchDestinationConfiguration: {
          RoleARN: roleArn,
          DomainARN: 'arn:aws:es:us-east-1:000000000000:domain/orders',
          IndexName: 'orders',
          IndexRotationPeriod: 'NoRotation',
          S3Configuration
        }
      })
    )
    expect(await sink.deliver(numbers.map(n => aJsonRecord({ n }, n)))).toEqual([])
    await sink.close()
    await local.flushFirehose()
    const stored = local.search!.documents('orders').map(({ source }) => source.n as number)
    expect(stored.sort((a, b) => a - b)).toEqual(numbers)
  })

  it('brings every record to Splunk once, through entries that fail', async () => {
    const { local, firehose, sink } = await start(everySeventhOnce())
    await firehose.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName: 'd',
        SplunkDestinationConfiguration: {
          HECEndpoint: local.hec!.url,
          HECEndpointType: 'Event',
          HECToken: local.hec!.token,
          S3Configuration
        }
      })
    )
    expect(await sink.deliver(numbers.map(n => aJsonRecord({ event: { n } }, n)))).toEqual([])
    await sink.close()
    await local.flushFirehose()
    const stored = local.hec!.events().map(({ event }) => (event as { n: number }).n)
    expect(stored.sort((a, b) => a - b)).toEqual(numbers)
    expect(local.firehoseBufferedBytes()).toBe(0)
  })
})
