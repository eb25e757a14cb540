import { DescribeStreamSummaryCommand, PutRecordCommand } from '@aws-sdk/client-kinesis'
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  SQSClient
} from '@aws-sdk/client-sqs'
import { expect, it, onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../core/clock.ts'
import { ErrorCode } from '../../core/errors.ts'
import { createKinesisClient } from '../../core/kinesis-client.ts'
import { createPipeline, embeddedEngine, type PipelinePlan } from '../../pipeline/index.ts'
import { aDeadLetter } from '../helpers/dead-letters.ts'
import { opened, openLocal } from '../helpers/local.ts'

async function provisioned(plan: Omit<PipelinePlan, 'name'>) {
  const local = await openLocal()
  const kinesis = opened(createKinesisClient(local.clientConfig('kinesis')))
  const pipeline = createPipeline({ name: 'o', ...plan }, { engine: embeddedEngine(local) })
  onTestFinished(() => pipeline.close())
  await pipeline.provision()
  const { StreamDescriptionSummary } = await kinesis.send(
    new DescribeStreamSummaryCommand({ StreamName: 'o' })
  )
  const sqs = opened(new SQSClient(local.clientConfig('sqs')))
  return { local, kinesis, sqs, pipeline, summary: StreamDescriptionSummary! }
}

it('waits while other streams are in creation, and not for ever', async () => {
  const local = await openLocal()
  const creations = (times?: number) =>
    local.faults.script([
      { service: 'kinesis', kind: 'throttle', operation: 'CreateStream', ...(times ? { times } : {}) }
    ])
  let now = 0
  const clock: Clock = {
    ...systemClock,
    now: () => now,
    sleep: async ms => {
      now += ms
    }
  }
  const pipeline = createPipeline({ name: 'o' }, { engine: embeddedEngine(local), clock })
  onTestFinished(() => pipeline.close())
  creations()
  await expect(pipeline.provision()).rejects.toMatchObject({
    code: ErrorCode.throttled,
    serviceCode: 'LimitExceededException'
  })
  expect(now).toBe(20_000)
  expect(local.faults.log()).toHaveLength(21)
  local.faults.clear()
  creations(3)
  await pipeline.provision()
  const kinesis = opened(createKinesisClient(local.clientConfig('kinesis')))
  const { StreamDescriptionSummary } = await kinesis.send(
    new DescribeStreamSummaryCommand({ StreamName: 'o' })
  )
  expect(StreamDescriptionSummary?.StreamStatus).toBe('ACTIVE')
})

it('makes a provisioned stream with the shards and the record size of the plan', async () => {
  const { summary } = await provisioned({ stream: { shards: 2, maxRecordKiB: 2_048 } })
  expect(summary).toMatchObject({
    StreamStatus: 'ACTIVE',
    StreamModeDetails: { StreamMode: 'PROVISIONED' },
    OpenShardCount: 2,
    MaxRecordSizeInKiB: 2_048
  })
})

it('makes an on-demand stream with the record distribution of the plan', async () => {
  const { summary } = await provisioned({ stream: { mode: 'on-demand', recordDistribution: 'auto' } })
  expect(summary).toMatchObject({
    StreamModeDetails: { StreamMode: 'ON_DEMAND' },
    OpenShardCount: 4,
    MaxRecordSizeInKiB: 1_024,
    RecordDistributionStrategy: 'AUTO'
  })
})

it('makes a stream that keeps records for as long as the plan says', async () => {
  expect((await provisioned({ stream: { shards: 1 } })).summary.RetentionPeriodHours).toBe(168)
  const shortest = await provisioned({ stream: { shards: 1, retentionHours: 24 } })
  expect(shortest.summary.RetentionPeriodHours).toBe(24)
})

it('seals each record with the key of its tenant, and with no other', async () => {
  const { pipeline } = await provisioned({
    stream: { shards: 1 },
    sealing: { tenants: { a1: 'made', b2: 'made' } }
  })
  const producer = pipeline.createProducer({ keyFor: ({ partitionKey }) => partitionKey })
  const put = (partitionKey: string) => producer.put({ partitionKey, data: Buffer.from('x') })
  const [one, two] = await Promise.all([put('a1'), put('b2')])
  await expect(put('c3')).rejects.toThrow('the tenant is not known')
  await producer.close()
  expect(one.sequenceNumber).not.toBe(two.sequenceNumber)
  const { data } = (await pipeline.readStored(one.shardId, one.sequenceNumber))!
  expect(Buffer.from(data).includes('a1')).toBe(true)
  expect(() => pipeline.createProducer()).toThrow('option seal.keyFor')
})

it('gives its producers the record size that the delivery stream takes', async () => {
  const { kinesis, pipeline } = await provisioned({ sealing: { mode: 'off' }, stream: { shards: 1 } })
  const producer = pipeline.createProducer()
  const put = (bytes: number) => producer.put({ partitionKey: 'k', data: Buffer.alloc(bytes, 'x') })
  await expect(put(1_023_999)).rejects.toMatchObject({ code: 'SEALSTREAM_INVALID_RECORD' })
  await put(1_023_998)
  await producer.close()
  // The stream itself would have taken it.
  const larger = { StreamName: 'o', PartitionKey: 'k', Data: Buffer.alloc(1_023_999) }
  await expect(kinesis.send(new PutRecordCommand(larger))).resolves.toMatchObject({
    ShardId: 'shardId-000000000000'
  })
})

it('gives its producers the number of user records that a Firehose takes out of an aggregate', async () => {
  const { pipeline } = await provisioned({
    sealing: { mode: 'off' },
    stream: { shards: 1, readers: [{ kind: 'firehose', destination: 's3' }] },
    producer: { maxRecordsPerAggregate: 3 }
  })
  const producer = pipeline.createProducer()
  const receipts = await Promise.all(
    Array.from({ length: 7 }, (_, index) =>
      producer.put({ partitionKey: `k${index}`, data: Buffer.from(`${index}`) })
    )
  )
  await producer.close()
  const perRecord = new Map<string, number>()
  for (const { sequenceNumber } of receipts) {
    perRecord.set(sequenceNumber, (perRecord.get(sequenceNumber) ?? 0) + 1)
  }
  expect([...perRecord.values()]).toEqual([3, 3, 1])
})

it('makes a queue under the key of the plan, and uses one that is named by its URL', async () => {
  const { local, sqs, pipeline } = await provisioned({ deadLetters: { queue: 'dead', keyId: 'alias/state' } })
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'dead' }))
  const attributes = async () =>
    (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))).Attributes
  expect(await attributes()).toMatchObject({ KmsMasterKeyId: 'alias/state', SqsManagedSseEnabled: 'false' })
  const byUrl = (queue: string) => {
    const other = createPipeline({ name: 'o', deadLetters: { queue } }, { engine: embeddedEngine(local) })
    onTestFinished(() => other.close())
    return other
  }
  const other = byUrl(QueueUrl!)
  await other.provision()
  await other.deadLetters.put(aDeadLetter())
  expect(await attributes()).toMatchObject({ ApproximateNumberOfMessages: '1' })
  expect(await pipeline.createDeadLetterSource().receive()).toHaveLength(1)
  // A URL is no name that a queue could be made from.
  await expect(byUrl(`${QueueUrl}-missing`).provision()).rejects.toMatchObject({ failure: 'notFound' })
})

it('makes no queue where dead letters go to S3 alone', async () => {
  const { sqs, pipeline } = await provisioned({ deadLetters: { kind: 's3' } })
  await pipeline.deadLetters.put(aDeadLetter())
  expect((await sqs.send(new ListQueuesCommand({}))).QueueUrls ?? []).toEqual([])
  expect(await pipeline.createDeadLetterSource().receive()).toHaveLength(1)
})
