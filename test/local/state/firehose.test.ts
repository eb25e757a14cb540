import {
  CreateDeliveryStreamCommand,
  type CreateDeliveryStreamCommandInput,
  DeleteDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  FirehoseClient,
  ListDeliveryStreamsCommand,
  ListTagsForDeliveryStreamCommand,
  PutRecordBatchCommand,
  StartDeliveryStreamEncryptionCommand,
  UpdateDestinationCommand
} from '@aws-sdk/client-firehose'
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { type LocalEngines, type LocalOptions, startLocal } from '../../../local/index.ts'
import { roleAndBucket } from '../../helpers/delivery-streams.ts'
import { opened } from '../../helpers/local.ts'
import { launchEngines, makeStateFolder, putUntilKilled, restartable } from '../../helpers/state.ts'

const DeliveryStreamName = 'd'
/** Nothing is delivered by itself. */
const slow = { IntervalInSeconds: 900, SizeInMBs: 128 }

function restartableFirehose(options: LocalOptions = {}) {
  const restart = restartable(options)
  return async () => {
    const local = await restart()
    return {
      local,
      client: opened(new FirehoseClient({ ...local.clientConfig('firehose'), maxAttempts: 1 }))
    }
  }
}

const makeBucket = async (local: LocalEngines) =>
  opened(new S3Client(local.clientConfig('s3'))).send(new CreateBucketCommand({ Bucket: 'bucket' }))

const create = (client: FirehoseClient, input: Partial<CreateDeliveryStreamCommandInput>) =>
  client.send(new CreateDeliveryStreamCommand({ DeliveryStreamName, ...input }))

const put = (client: FirehoseClient, ...records: string[]) =>
  client.send(
    new PutRecordBatchCommand({
      DeliveryStreamName,
      Records: records.map(record => ({ Data: Buffer.from(record) }))
    })
  )

const described = async (client: FirehoseClient) => ({
  ...(await client.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName }))).DeliveryStreamDescription,
  tags: (await client.send(new ListTagsForDeliveryStreamCommand({ DeliveryStreamName }))).Tags
})

/** What was delivered, by the folder that it lies in; objects of one second come in any order. */
async function objectsOf(local: LocalEngines): Promise<Record<string, string>> {
  await local.flushFirehose()
  const s3 = opened(new S3Client(local.clientConfig('s3')))
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'bucket' }))
  const texts: Record<string, string[]> = {}
  for (const { Key } of Contents) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key }))
    const text = await Body!.transformToString()
    const folder = Key!.slice(0, Key!.indexOf('/'))
    texts[folder] = [...(texts[folder] ?? []), text]
  }
  return Object.fromEntries(Object.entries(texts).map(([folder, all]) => [folder, all.sort().join('')]))
}

describe('the Firehose engine with a state folder', () => {
  it('is the same after a restart: destinations, versions, encryption, tags', async () => {
    const restart = restartableFirehose()
    const { client, local } = await restart()
    await makeBucket(local)
    await create(client, {
      ExtendedS3DestinationConfiguration: { ...roleAndBucket, Prefix: 'a/', BufferingHints: slow },
      Tags: [{ Key: 'a', Value: '1' }]
    })
    await client.send(new StartDeliveryStreamEncryptionCommand({ DeliveryStreamName }))
    await client.send(
      new UpdateDestinationCommand({
        DeliveryStreamName,
        CurrentDeliveryStreamVersionId: '1',
        DestinationId: 'destinationId-000000000001',
        ExtendedS3DestinationUpdate: { CompressionFormat: 'GZIP' }
      })
    )
    await create(client, { DeliveryStreamName: 'gone', S3DestinationConfiguration: roleAndBucket })
    await client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: 'gone' }))
    const before = await described(client)
    const { client: after } = await restart()
    expect(await described(after)).toEqual(before)
    const { DeliveryStreamNames } = await after.send(new ListDeliveryStreamsCommand({}))
    expect(DeliveryStreamNames).toEqual(['d'])
  })

  it('delivers what was buffered to where it was put for, once, copies for a backup included', async () => {
    const restart = restartableFirehose()
    const { client, local } = await restart()
    await makeBucket(local)
    await create(client, {
      ExtendedS3DestinationConfiguration: {
        ...roleAndBucket,
        Prefix: 'first/',
        BufferingHints: slow,
        S3BackupMode: 'Enabled',
        S3BackupConfiguration: { ...roleAndBucket, Prefix: 'copy/', BufferingHints: slow }
      }
    })
    await put(client, 'a', 'b')
    expect(await objectsOf(local)).toEqual({ first: 'ab', copy: 'ab' })
    await put(client, 'c', 'd')
    await client.send(
      new UpdateDestinationCommand({
        DeliveryStreamName,
        CurrentDeliveryStreamVersionId: '1',
        DestinationId: 'destinationId-000000000001',
        ExtendedS3DestinationUpdate: { Prefix: 'second/' }
      })
    )
    await put(client, 'e')
    const { client: after, local: restarted } = await restart()
    await put(after, 'f')
    const delivered = { first: 'abcd', second: 'ef', copy: 'abcdef' }
    expect(await objectsOf(restarted)).toEqual(delivered)
    const { local: last } = await restart()
    expect(last.firehoseBufferedBytes()).toBe(0)
    expect(await objectsOf(last)).toEqual(delivered)
  })

  it('drops what was buffered when the delivery stream is deleted', async () => {
    const restart = restartableFirehose()
    const { client, local } = await restart()
    await makeBucket(local)
    const destination = { S3DestinationConfiguration: { ...roleAndBucket, BufferingHints: slow } }
    await create(client, destination)
    await put(client, 'a')
    await client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName }))
    await create(client, destination)
    expect((await restart()).local.firehoseBufferedBytes()).toBe(0)
  })

  it('finds the search domain that listens elsewhere now', async () => {
    const restart = restartableFirehose({ receivers: ['search'] })
    const { client, local } = await restart()
    await makeBucket(local)
    await create(client, {
      AmazonopensearchserviceDestinationConfiguration: {
        RoleARN: roleAndBucket.RoleARN,
        DomainARN: 'arn:aws:es:us-east-1:000000000000:domain/d',
        IndexName: 'orders',
        IndexRotationPeriod: 'NoRotation',
        BufferingHints: { IntervalInSeconds: 900, SizeInMBs: 100 },
        S3Configuration: roleAndBucket
      }
    })
    await put(client, '{"n":1}')
    const { client: after, local: restarted } = await restart()
    await put(after, '{"n":2}')
    await restarted.flushFirehose()
    const found = restarted.search!.documents('orders').map(({ source }) => source.n)
    expect(found).toEqual([1, 2])
  })

  it.each([2, 30])('delivers every accepted record after a SIGKILL behind %i requests', async count => {
    const stateFolder = makeStateFolder()
    const engines = await launchEngines(stateFolder)
    const client = opened(new FirehoseClient({ ...engines.clientConfig, maxAttempts: 1 }))
    await opened(new S3Client(engines.clientConfig)).send(new CreateBucketCommand({ Bucket: 'bucket' }))
    await create(client, {
      ExtendedS3DestinationConfiguration: {
        ...roleAndBucket,
        Prefix: 'p/',
        // Some of it is delivered before the end.
        BufferingHints: { IntervalInSeconds: 900, SizeInMBs: 1 }
      }
    })
    const accepted = await putUntilKilled(engines, count, async number => {
      const records = Array.from({ length: 20 }, (_, index) => `${number}-${index}-${'x'.repeat(4_000)}\n`)
      await put(client, ...records)
      return records.map(record => record.trimEnd())
    })
    await using local = await startLocal({ stateFolder })
    const { p: text = '' } = await objectsOf(local)
    const delivered = new Set(text.split('\n'))
    expect(accepted.flat().filter(record => !delivered.has(record))).toEqual([])
  })
})
