import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  CreateDeliveryStreamCommand,
  FirehoseClient,
  PutRecordCommand as PutFirehoseRecordCommand
} from '@aws-sdk/client-firehose'
import { CreateStreamCommand, PutRecordCommand } from '@aws-sdk/client-kinesis'
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient
} from '@aws-sdk/client-sqs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createKinesisClient } from '../../../core/kinesis-client.ts'
import type { LocalEngines } from '../../../local/index.ts'
import { SearchStore } from '../../../local/search/store.ts'
import { StateFolder } from '../../../local/state/index.ts'
import { roleAndBucket } from '../../helpers/delivery-streams.ts'
import { opened } from '../../helpers/local.ts'
import { readShard, shardsOf } from '../../helpers/local-kinesis.ts'
import { makeStateFolder, restartable } from '../../helpers/state.ts'

/** Has logs written anew from the first byte on, and not from 16 MiB on. Returns whether that of a part was. */
function writingAnewEarly(): (part: string) => boolean {
  const log = StateFolder.prototype.log
  const spy = vi.spyOn(StateFolder.prototype, 'log').mockImplementation(function (
    this: StateFolder,
    part,
    options
  ) {
    return log.call(this, part, { ...options, compactFromBytes: 1 })
  })
  onTestFinished(() => spy.mockRestore())
  return part => {
    const [folder] = spy.mock.contexts as StateFolder[]
    return readdirSync(join(folder!.path, part)).some(name => name.endsWith('.base.log'))
  }
}

describe('a log that is written anew, of which nothing is lost', () => {
  it('of Kinesis, while its oldest records go for want of room', async () => {
    const wasWrittenAnew = writingAnewEarly()
    const restart = restartable({ services: ['kinesis'], maxKinesisBytes: 100 })
    const client = async (local: LocalEngines) => opened(createKinesisClient(local.clientConfig('kinesis')))
    let kinesis = await client(await restart())
    await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    const records = async () => {
      const [shard] = await shardsOf(kinesis)
      return (await readShard(kinesis, shard!.ShardId!)).Records?.map(({ SequenceNumber, Data }) => ({
        SequenceNumber,
        text: Buffer.from(Data!).toString()
      }))
    }
    for (let n = 0; n < 20; n += 1) {
      const Data = Buffer.from(`text-${n}`)
      await kinesis.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'k', Data }))
      const before = await records()
      expect(before?.at(-1)?.text).toBe(`text-${n}`)
      kinesis = await client(await restart())
      expect(await records()).toEqual(before)
    }
    expect(wasWrittenAnew('kinesis')).toBe(true)
  })

  it('of SQS, while messages are sent, received and deleted', async () => {
    const wasWrittenAnew = writingAnewEarly()
    const restart = restartable({ services: ['sqs'] })
    const client = async () => opened(new SQSClient((await restart()).clientConfig('sqs')))
    let sqs = await client()
    const { QueueUrl: url } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }))
    const QueueUrl = `http://localhost${new URL(url!).pathname}`
    for (let n = 0; n < 10; n += 1) {
      const { MessageId } = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: `${n}` }))
      sqs = await client()
      const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }))
      expect(Messages).toMatchObject([{ MessageId, Body: `${n}` }])
      sqs = await client()
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: Messages![0]!.ReceiptHandle }))
    }
    expect(wasWrittenAnew('sqs')).toBe(true)
  })

  it('of Firehose, while records wait and are delivered', async () => {
    const wasWrittenAnew = writingAnewEarly()
    const restart = restartable({ services: ['firehose'] })
    let local = await restart()
    const client = () => opened(new FirehoseClient(local.clientConfig('firehose')))
    const s3 = () => opened(new S3Client(local.clientConfig('s3')))
    await s3().send(new CreateBucketCommand({ Bucket: 'bucket' }))
    await client().send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName: 'd',
        ExtendedS3DestinationConfiguration: {
          ...roleAndBucket,
          BufferingHints: { IntervalInSeconds: 900, SizeInMBs: 128 }
        }
      })
    )
    const expected: string[] = []
    for (let n = 0; n < 10; n += 1) {
      const Data = `${n};`
      await client().send(
        new PutFirehoseRecordCommand({ DeliveryStreamName: 'd', Record: { Data: Buffer.from(Data) } })
      )
      expected.push(Data)
      if (n % 3 === 0) await local.flushFirehose()
      local = await restart()
    }
    await local.flushFirehose()
    const { Contents = [] } = await s3().send(new ListObjectsV2Command({ Bucket: 'bucket' }))
    const bodies = await Promise.all(
      Contents.map(async ({ Key }) => {
        const { Body } = await s3().send(new GetObjectCommand({ Bucket: 'bucket', Key }))
        return (await Body!.transformToString()).match(/\d+;/g) ?? []
      })
    )
    expect(bodies.flat().sort()).toEqual(expected)
    expect(wasWrittenAnew('firehose')).toBe(true)
  })

  it('of the search receiver, while documents come and go', () => {
    const wasWrittenAnew = writingAnewEarly()
    const path = makeStateFolder()
    for (let n = 0; n < 20; n += 1) {
      const folder = StateFolder.open(path)
      const store = new SearchStore(folder)
      expect(store.has('index') ? store.get('index', 'same')?.source : undefined).toEqual(
        n === 0 ? undefined : { n: n - 1 }
      )
      store.write('index', 'same', { n })
      store.write('index', `gone-${n}`, { n })
      store.remove('index', `gone-${n}`)
      store.save()
      folder.close()
    }
    expect(wasWrittenAnew('search')).toBe(true)
  })
})
