import { randomUUID } from 'node:crypto'
import {
  CreateDeliveryStreamCommand,
  type CreateDeliveryStreamCommandInput,
  DescribeDeliveryStreamCommand,
  FirehoseClient,
  PutRecordBatchCommand,
  PutRecordCommand,
  StartDeliveryStreamEncryptionCommand
} from '@aws-sdk/client-firehose'
import {
  CreateStreamCommand,
  DescribeStreamConsumerCommand,
  DescribeStreamSummaryCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  SplitShardCommand,
  SubscribeToShardCommand
} from '@aws-sdk/client-kinesis'
import { CreateKeyCommand, GenerateDataKeyCommand, KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createKinesisClient } from '../../core/kinesis-client.ts'
import { clientConfigOf, endpointEngine } from '../../pipeline/index.ts'

// What LocalStack 4.14 does otherwise than AWS. Each is asserted as it is, so that a change of it is seen here first;
// docs/guides/localstack.md says what each means for tests.

const engine = endpointEngine(process.env.SEALSTREAM_ENDPOINT ?? 'http://127.0.0.1:4566')

function opened<T extends { destroy(): void }>(client: T): T {
  onTestFinished(() => client.destroy())
  return client
}

type S3Settings = Omit<
  NonNullable<CreateDeliveryStreamCommandInput['ExtendedS3DestinationConfiguration']>,
  'RoleARN' | 'BucketARN'
>

async function deliveryStream(settings: S3Settings = {}) {
  const firehose = opened(new FirehoseClient(clientConfigOf(engine, 'firehose')))
  const s3 = opened(new S3Client(clientConfigOf(engine, 's3')))
  const name = `deviation-${randomUUID().slice(0, 8)}`
  await s3.send(new CreateBucketCommand({ Bucket: name }))
  await firehose.send(
    new CreateDeliveryStreamCommand({
      DeliveryStreamName: name,
      ExtendedS3DestinationConfiguration: {
        RoleARN: 'arn:aws:iam::000000000000:role/firehose',
        BucketARN: `arn:aws:s3:::${name}`,
        ...settings
      }
    })
  )
  const describeStream = async () =>
    (await firehose.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: name })))
      .DeliveryStreamDescription!
  await expect
    .poll(async () => (await describeStream()).DeliveryStreamStatus, { timeout: 20_000 })
    .toBe('ACTIVE')
  const objects = async (): Promise<{ key: string; body: Buffer }[]> => {
    const { Contents: contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: name }))
    return Promise.all(
      contents.map(async ({ Key: key }) => {
        const { Body: body } = await s3.send(new GetObjectCommand({ Bucket: name, Key: key! }))
        return { key: key!, body: Buffer.from(await body!.transformToByteArray()) }
      })
    )
  }
  return { firehose, name, describeStream, objects }
}

/** An active stream of one shard. */
async function stream() {
  const kinesis = opened(createKinesisClient(clientConfigOf(engine, 'kinesis')))
  const StreamName = `deviation-${randomUUID().slice(0, 8)}`
  await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }))
  const summary = async () =>
    (await kinesis.send(new DescribeStreamSummaryCommand({ StreamName }))).StreamDescriptionSummary
  await expect.poll(async () => (await summary())?.StreamStatus, { timeout: 20_000 }).toBe('ACTIVE')
  return { kinesis, StreamName, summary }
}

const data = (text: string) => ({ Data: Buffer.from(text) })

describe.skipIf(process.env.SEALSTREAM_TEST_ENGINE !== 'localstack')('localstack', () => {
  it('firehose: a put delivers at once, buffering hints are ignored', async () => {
    const { firehose, name, objects } = await deliveryStream({
      BufferingHints: { IntervalInSeconds: 900, SizeInMBs: 128 }
    })
    await firehose.send(new PutRecordCommand({ DeliveryStreamName: name, Record: data('one') }))
    expect((await objects()).map(({ body }) => body.toString())).toEqual(['one'])
    await firehose.send(new PutRecordCommand({ DeliveryStreamName: name, Record: data('two') }))
    expect(await objects()).toHaveLength(2)
  })

  it('firehose: a batch has no Encrypted in its answer', async () => {
    const { firehose, name } = await deliveryStream()
    const answer = await firehose.send(
      new PutRecordBatchCommand({ DeliveryStreamName: name, Records: [data('a'), data('b')] })
    )
    expect(answer.FailedPutCount).toBe(0)
    expect(answer.RequestResponses).toHaveLength(2)
    expect(answer.Encrypted).toBeUndefined()
  })

  it('firehose: compression is ignored', async () => {
    const { firehose, name, objects } = await deliveryStream({ CompressionFormat: 'GZIP' })
    await firehose.send(new PutRecordCommand({ DeliveryStreamName: name, Record: data('plain text') }))
    const [object] = await objects()
    expect(object!.body.toString()).toBe('plain text')
  })

  it('firehose: the key of an object lacks the version of the delivery stream', async () => {
    const { firehose, name, objects } = await deliveryStream({ Prefix: 'records/' })
    await firehose.send(new PutRecordCommand({ DeliveryStreamName: name, Record: data('x') }))
    const [object] = await objects()
    expect(object!.key.startsWith('records/')).toBe(true)
    expect(object!.key).toContain(name)
    expect(object!.key).not.toContain(`${name}-1-`)
  })

  it('firehose: expressions in a prefix stay as they are', async () => {
    const { firehose, name, objects } = await deliveryStream({
      Prefix: 'day=!{timestamp:dd}/',
      ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/'
    })
    await firehose.send(new PutRecordCommand({ DeliveryStreamName: name, Record: data('x') }))
    const [object] = await objects()
    expect(object!.key).toContain('!{timestamp:dd}')
  })

  it('firehose: server-side encryption cannot be started', async () => {
    const { firehose, name } = await deliveryStream()
    const refused = await firehose
      .send(new StartDeliveryStreamEncryptionCommand({ DeliveryStreamName: name }))
      .catch((error: { $metadata?: { httpStatusCode?: number } }) => error)
    expect(refused.$metadata?.httpStatusCode).toBe(501)
  })

  it('firehose: records for Splunk are acknowledged and vanish', async () => {
    const { firehose } = await deliveryStream()
    const s3 = opened(new S3Client(clientConfigOf(engine, 's3')))
    const name = `splunk-${randomUUID().slice(0, 8)}`
    await s3.send(new CreateBucketCommand({ Bucket: name }))
    await firehose.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName: name,
        SplunkDestinationConfiguration: {
          HECEndpoint: 'https://127.0.0.1:1/',
          HECEndpointType: 'Raw',
          HECToken: '00000000-0000-0000-0000-000000000000',
          S3BackupMode: 'AllEvents',
          S3Configuration: {
            RoleARN: 'arn:aws:iam::000000000000:role/firehose',
            BucketARN: `arn:aws:s3:::${name}`
          }
        }
      })
    )
    const status = async () =>
      (await firehose.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: name })))
        .DeliveryStreamDescription?.DeliveryStreamStatus
    await expect.poll(status, { timeout: 20_000 }).toBe('ACTIVE')
    const { RecordId } = await firehose.send(
      new PutRecordCommand({ DeliveryStreamName: name, Record: data('gone') })
    )
    expect(RecordId).toBeTypeOf('string')
    expect((await s3.send(new ListObjectsV2Command({ Bucket: name }))).KeyCount).toBe(0)
  })

  it('kinesis: a shard takes more than 1,000 records a second', async () => {
    const { kinesis, StreamName } = await stream()
    const Records = Array.from({ length: 500 }, () => ({ PartitionKey: 'k', Data: Buffer.from('x') }))
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => kinesis.send(new PutRecordsCommand({ StreamName, Records })))
    )
    expect(answers.map(({ FailedRecordCount }) => FailedRecordCount)).toEqual([0, 0, 0, 0, 0, 0])
  })

  it('kinesis: a subscription breaks off at the end of its shard and names no children', async () => {
    const { kinesis, StreamName, summary } = await stream()
    const { Consumer: consumer } = await kinesis.send(
      new RegisterStreamConsumerCommand({ StreamARN: (await summary())?.StreamARN, ConsumerName: 'c' })
    )
    const ConsumerARN = consumer?.ConsumerARN
    await expect
      .poll(
        async () =>
          (await kinesis.send(new DescribeStreamConsumerCommand({ ConsumerARN }))).ConsumerDescription
            ?.ConsumerStatus,
        { timeout: 20_000 }
      )
      .toBe('ACTIVE')
    const ShardId = 'shardId-000000000000'
    const NewStartingHashKey = String(2n ** 127n)
    await kinesis.send(new SplitShardCommand({ StreamName, ShardToSplit: ShardId, NewStartingHashKey }))
    await expect.poll(async () => (await summary())?.OpenShardCount, { timeout: 20_000 }).toBe(2)
    const stop = new AbortController()
    onTestFinished(() => stop.abort())
    const { EventStream: events } = await kinesis.send(
      new SubscribeToShardCommand({ ConsumerARN, ShardId, StartingPosition: { Type: 'TRIM_HORIZON' } }),
      { abortSignal: stop.signal }
    )
    const told: unknown[] = []
    const read = async () => {
      for await (const { SubscribeToShardEvent: event } of events!) told.push(...(event?.ChildShards ?? []))
    }
    await expect(read()).rejects.toThrow('aborted')
    expect(stop.signal.aborted).toBe(false)
    expect(told).toEqual([])
  }, 60_000)

  it('kms: key policies are kept and not enforced', async () => {
    const kms = opened(new KMSClient(clientConfigOf(engine, 'kms')))
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
    const denyAll = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Deny', Principal: '*', Action: 'kms:GenerateDataKey', Resource: '*' }]
    }
    await kms.send(
      new PutKeyPolicyCommand({ KeyId: key!.KeyId, PolicyName: 'default', Policy: JSON.stringify(denyAll) })
    )
    const made = await kms.send(new GenerateDataKeyCommand({ KeyId: key!.KeyId, KeySpec: 'AES_256' }))
    expect(made.Plaintext).toHaveLength(32)
  })

  it('kms: a dry run makes the key all the same', async () => {
    const kms = opened(new KMSClient(clientConfigOf(engine, 'kms')))
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
    const made = await kms.send(
      new GenerateDataKeyCommand({ KeyId: key!.KeyId, KeySpec: 'AES_256', DryRun: true })
    )
    expect(made.Plaintext).toHaveLength(32)
  })
})
