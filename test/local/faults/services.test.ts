import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand
} from '@aws-sdk/client-dynamodb'
import {
  CreateDeliveryStreamCommand,
  FirehoseClient,
  ListDeliveryStreamsCommand,
  PutRecordBatchCommand
} from '@aws-sdk/client-firehose'
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordCommand,
  PutRecordsCommand
} from '@aws-sdk/client-kinesis'
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  KMSClient
} from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client
} from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient
} from '@aws-sdk/client-sqs'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type FaultRule, type LocalEngines, startLocal } from '../../../local/index.ts'

// What each kind of fault looks like to the SDK's client of each service. One attempt: the client must not hide it.
let local: LocalEngines
beforeEach(async () => {
  local = await startLocal({ receivers: ['search', 'hec'] })
  return () => local.close()
})

const opened = <T extends { destroy(): void }>(client: T): T => {
  onTestFinished(() => client.destroy())
  return client
}
const configOf = (service: Parameters<LocalEngines['clientConfig']>[0]) => ({
  ...local.clientConfig(service),
  maxAttempts: 1
})
const script = (...rules: FaultRule[]): void => local.faults.script(rules)
const errorOf = (call: Promise<unknown>): Promise<Error & { readonly $metadata?: object }> =>
  call.then(
    () => expect.unreachable('the call succeeded'),
    (error: Error) => error
  )
const Data = Buffer.from('data')
const aPut = new PutRecordsCommand({
  StreamName: 's',
  Records: ['a', 'b', 'c'].map(PartitionKey => ({ PartitionKey, Data }))
})

async function aStream(): Promise<KinesisClient> {
  const kinesis = opened(new KinesisClient(configOf('kinesis')))
  await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
  return kinesis
}
const stored = async (): Promise<number | undefined> => (await local.inspect.kinesis()).streams[0]?.records

describe('faults of Kinesis', () => {
  it('throttle with the error of data, or of control', async () => {
    const kinesis = await aStream()
    script({ service: 'kinesis', kind: 'throttle' })
    const error = await errorOf(kinesis.send(aPut))
    expect(error).toMatchObject({
      name: 'ProvisionedThroughputExceededException',
      message: 'Rate exceeded for stream s.',
      $metadata: { httpStatusCode: 400 }
    })
    expect(await errorOf(kinesis.send(new ListShardsCommand({ StreamName: 's' })))).toMatchObject({
      name: 'LimitExceededException'
    })
    expect(await stored()).toBe(0)
  })

  it('fail entries with the codes of PutRecords, and name their shard', async () => {
    const kinesis = await aStream()
    script(
      { service: 'kinesis', kind: 'partial-failure', entries: [1], times: 1 },
      { service: 'kinesis', kind: 'partial-failure', entries: [0, 2], errorCode: 'InternalFailure' }
    )
    const first = await kinesis.send(aPut)
    expect(first.FailedRecordCount).toBe(1)
    expect(first.Records?.[1]).toEqual({
      ErrorCode: 'ProvisionedThroughputExceededException',
      ErrorMessage: 'Rate exceeded for shard shardId-000000000000 in stream s under account 000000000000.'
    })
    const second = await kinesis.send(aPut)
    expect(second.Records?.map(({ ErrorCode }) => ErrorCode)).toEqual([
      'InternalFailure',
      undefined,
      'InternalFailure'
    ])
    expect(await stored()).toBe(3)
    expect(local.faults.log().map(({ entries }) => entries)).toEqual([[1], [0, 2]])
  })

  it('meet reads by the stream that their iterator names', async () => {
    const kinesis = await aStream()
    const { ShardIterator } = await kinesis.send(
      new GetShardIteratorCommand({
        StreamName: 's',
        ShardId: 'shardId-000000000000',
        ShardIteratorType: 'TRIM_HORIZON'
      })
    )
    script({ service: 'kinesis', kind: 'throttle', key: 's', operation: 'GetRecords', times: 1 })
    const read = new GetRecordsCommand({ ShardIterator })
    expect(await errorOf(kinesis.send(read))).toMatchObject({
      name: 'ProvisionedThroughputExceededException'
    })
    expect((await kinesis.send(read)).Records).toEqual([])
  })

  it.each([
    ['lost-answer', 3],
    ['dropped-connection', 0]
  ] as const)('%s: the connection ends, with %i records stored', async (kind, records) => {
    const kinesis = await aStream()
    script({ service: 'kinesis', kind, times: 1 })
    expect(await errorOf(kinesis.send(aPut))).not.toHaveProperty('$metadata.httpStatusCode')
    expect(await stored()).toBe(records)
    expect((await kinesis.send(aPut)).FailedRecordCount).toBe(0)
  })

  it('answer wrongly: nothing, too little, or a page of a proxy', async () => {
    const kinesis = await aStream()
    const wrong = { service: 'kinesis', kind: 'wrong-answer', times: 1 } as const
    script({ ...wrong, answer: 'empty' }, { ...wrong, answer: 'short' }, wrong)
    expect((await kinesis.send(aPut)).Records).toBeUndefined()
    expect((await kinesis.send(aPut)).Records).toHaveLength(2)
    expect(await errorOf(kinesis.send(aPut))).toMatchObject({ $metadata: { httpStatusCode: 502 } })
    expect(await stored()).toBe(6)
  })

  it('can come from a function, which is asked before the rules', async () => {
    await using given = await startLocal({
      services: ['kinesis'],
      faults: { kinesis: operation => (operation === 'PutRecords' ? { kind: 'reset' } : undefined) }
    })
    const kinesis = opened(new KinesisClient({ ...given.clientConfig('kinesis'), maxAttempts: 1 }))
    await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    given.faults.script([{ service: 'kinesis', kind: 'throttle' }])
    expect(await errorOf(kinesis.send(aPut))).not.toHaveProperty('$metadata.httpStatusCode')
    expect(given.faults.log()).toEqual([])
    const put = new PutRecordCommand({ StreamName: 's', PartitionKey: 'a', Data })
    expect(await errorOf(kinesis.send(put))).toMatchObject({ name: 'ProvisionedThroughputExceededException' })
  })
})

describe('faults of DynamoDB', () => {
  async function aTable(): Promise<DynamoDBClient> {
    const dynamodb = opened(new DynamoDBClient(configOf('dynamodb')))
    await dynamodb.send(
      new CreateTableCommand({
        TableName: 'table',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'k', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'k', KeyType: 'HASH' }]
      })
    )
    return dynamodb
  }
  const writes = new BatchWriteItemCommand({
    RequestItems: { table: ['a', 'b', 'c'].map(k => ({ PutRequest: { Item: { k: { S: k } } } })) }
  })

  it('throttle with the error of data, or of control, for the table that is named', async () => {
    const dynamodb = await aTable()
    script({ service: 'dynamodb', kind: 'throttle', key: 'table' })
    const put = new PutItemCommand({ TableName: 'table', Item: { k: { S: 'a' } } })
    expect(await errorOf(dynamodb.send(put))).toMatchObject({
      name: 'ProvisionedThroughputExceededException'
    })
    expect(await errorOf(dynamodb.send(new DescribeTableCommand({ TableName: 'table' })))).toMatchObject({
      name: 'ThrottlingException'
    })
    expect(await errorOf(dynamodb.send(writes))).toMatchObject({
      name: 'ProvisionedThroughputExceededException'
    })
  })

  it('leave entries of BatchWriteItem unprocessed', async () => {
    const dynamodb = await aTable()
    const partial = { service: 'dynamodb', kind: 'partial-failure', times: 1 } as const
    script({ ...partial, entries: [1] }, partial)
    const some = await dynamodb.send(writes)
    expect(some.UnprocessedItems).toEqual({ table: [{ PutRequest: { Item: { k: { S: 'b' } } } }] })
    expect((await dynamodb.send(new ScanCommand({ TableName: 'table' }))).Count).toBe(2)
    const none = await dynamodb.send(writes)
    expect(none.UnprocessedItems?.table).toHaveLength(3)
    expect((await dynamodb.send(writes)).UnprocessedItems).toEqual({})
  })

  it('answer a page of a proxy', async () => {
    const dynamodb = await aTable()
    script({ service: 'dynamodb', kind: 'wrong-answer' })
    expect(await errorOf(dynamodb.send(writes))).toMatchObject({ $metadata: { httpStatusCode: 502 } })
  })
})

describe('faults of KMS', () => {
  it('disable a key by its alias, also where a ciphertext alone names it, and let others be', async () => {
    const kms = opened(new KMSClient(configOf('kms')))
    const [one, other] = await Promise.all([
      kms.send(new CreateKeyCommand({})),
      kms.send(new CreateKeyCommand({}))
    ])
    const KeyId = one.KeyMetadata!.KeyId!
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/orders', TargetKeyId: KeyId }))
    const encrypt = new EncryptCommand({ KeyId, Plaintext: Data })
    const { CiphertextBlob } = await kms.send(encrypt)
    script({ service: 'kms', kind: 'key-disabled', key: 'alias/orders' })
    const arn = one.KeyMetadata!.Arn!
    const disabled = { name: 'DisabledException', message: `${arn} is disabled.` }
    expect(await errorOf(kms.send(encrypt))).toMatchObject(disabled)
    expect(await errorOf(kms.send(new DecryptCommand({ CiphertextBlob })))).toMatchObject(disabled)
    expect(local.kmsRequestLog().filter(({ error }) => error !== undefined)).toEqual([])
    expect((await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyState).toBe('Enabled')
    await kms.send(new EncryptCommand({ KeyId: other.KeyMetadata!.KeyId!, Plaintext: Data }))
    local.faults.clear()
    expect((await kms.send(new DecryptCommand({ CiphertextBlob }))).KeyId).toBe(arn)
  })

  it('throttle', async () => {
    const kms = opened(new KMSClient(configOf('kms')))
    script({ service: 'kms', kind: 'throttle' })
    expect(await errorOf(kms.send(new CreateKeyCommand({})))).toMatchObject({ name: 'ThrottlingException' })
  })
})

describe('faults of S3', () => {
  it('slow down, for a bucket or for one object, and answer a page of a proxy', async () => {
    const s3 = opened(new S3Client(configOf('s3')))
    await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    const put = (Key: string): Promise<unknown> =>
      s3.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body: 'x' }))
    script({ service: 's3', kind: 'throttle', key: 'bucket/a' })
    expect(await errorOf(put('a'))).toMatchObject({ name: 'SlowDown', $metadata: { httpStatusCode: 503 } })
    await put('b')
    script({ service: 's3', kind: 'lost-answer', operation: 'PutObject', key: 'bucket' })
    await errorOf(put('c'))
    await s3.send(new HeadObjectCommand({ Bucket: 'bucket', Key: 'c' }))
    script({ service: 's3', kind: 'wrong-answer' })
    expect(await errorOf(s3.send(new ListBucketsCommand({})))).toMatchObject({
      $metadata: { httpStatusCode: 502 }
    })
  })
})

describe('faults of SQS', () => {
  async function aQueue(): Promise<{ readonly sqs: SQSClient; readonly QueueUrl: string }> {
    const sqs = opened(new SQSClient(configOf('sqs')))
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }))
    return { sqs, QueueUrl: QueueUrl! }
  }

  it('throttle the queue that is named', async () => {
    const { sqs, QueueUrl } = await aQueue()
    script({ service: 'sqs', kind: 'throttle', key: 'q', operation: 'SendMessage' })
    const send = new SendMessageCommand({ QueueUrl, MessageBody: 'm' })
    expect(await errorOf(sqs.send(send))).toMatchObject({ name: 'RequestThrottled' })
    await sqs.send(new GetQueueAttributesCommand({ QueueUrl }))
  })

  it('fail entries of a batch with a code of the service, which is not the sender’s fault', async () => {
    const { sqs, QueueUrl } = await aQueue()
    script({ service: 'sqs', kind: 'partial-failure', entries: [1] })
    const { Successful, Failed } = await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: ['a', 'b'].map(Id => ({ Id, MessageBody: Id }))
      })
    )
    expect(Successful?.map(({ Id }) => Id)).toEqual(['a'])
    expect(Failed).toEqual([
      expect.objectContaining({
        Id: 'b',
        Code: 'InternalError',
        SenderFault: false,
        Message: expect.any(String)
      })
    ])
    local.faults.clear()
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }))
    expect(Messages?.map(({ Body }) => Body)).toEqual(['a'])
  })
})

describe('faults of Firehose', () => {
  it('throttle, fail entries, and answer less than was put', async () => {
    const s3 = opened(new S3Client(configOf('s3')))
    await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    const firehose = opened(new FirehoseClient(configOf('firehose')))
    await firehose.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName: 'd',
        ExtendedS3DestinationConfiguration: {
          RoleARN: 'arn:aws:iam::000000000000:role/firehose',
          BucketARN: 'arn:aws:s3:::bucket'
        }
      })
    )
    const put = new PutRecordBatchCommand({ DeliveryStreamName: 'd', Records: [{ Data }, { Data }] })
    const once = { service: 'firehose', operation: 'PutRecordBatch', key: 'd', times: 1 } as const
    script(
      { ...once, kind: 'throttle' },
      { ...once, kind: 'partial-failure', entries: [0] },
      { ...once, kind: 'partial-failure', entries: [1], errorCode: 'InternalFailure' },
      { ...once, kind: 'wrong-answer', answer: 'short' },
      { service: 'firehose', operation: 'ListDeliveryStreams', kind: 'throttle' }
    )
    expect(await errorOf(firehose.send(put))).toMatchObject({
      name: 'ServiceUnavailableException',
      $metadata: { httpStatusCode: 503 }
    })
    const first = await firehose.send(put)
    expect(first.RequestResponses?.[0]).toEqual({
      ErrorCode: 'ServiceUnavailableException',
      ErrorMessage: 'Slow down.'
    })
    expect(first.FailedPutCount).toBe(1)
    expect((await firehose.send(put)).RequestResponses?.[1]?.ErrorCode).toBe('InternalFailure')
    expect((await firehose.send(put)).RequestResponses).toHaveLength(1)
    expect(local.firehoseBufferedBytes()).toBe(4 * Data.length)
    expect(await errorOf(firehose.send(new ListDeliveryStreamsCommand({})))).toMatchObject({
      name: 'ThrottlingException'
    })
  })
})

describe('faults of the receivers', () => {
  const bulk = (): Promise<Response> =>
    fetch(`${local.search!.url}/_bulk`, {
      method: 'POST',
      body: [
        '{"index":{"_index":"i","_id":"1"}}',
        '{"n":1}',
        '{"index":{"_index":"i","_id":"2"}}',
        '{"n":2}',
        ''
      ].join('\n')
    })

  it('reject a bulk request, or entries of it with the status of their type', async () => {
    const once = { service: 'search', operation: '_bulk', times: 1 } as const
    script(
      { ...once, kind: 'throttle' },
      { ...once, kind: 'partial-failure', entries: [0] },
      { ...once, kind: 'partial-failure', entries: [1], errorCode: 'document_parsing_exception' },
      { ...once, kind: 'wrong-answer', answer: 'short' }
    )
    expect((await bulk()).status).toBe(429)
    const statuses = async (): Promise<unknown> =>
      ((await (await bulk()).json()) as { items: { index: { status: number } }[] }).items.map(
        ({ index }) => index.status
      )
    expect(await statuses()).toEqual([429, 201])
    expect(await statuses()).toEqual([201, 400])
    expect(await statuses()).toEqual([200])
    expect(local.search?.documents('i')).toHaveLength(2)
  })

  it('reach Firehose as they would from outside', async () => {
    script({ service: 'hec', kind: 'dropped-connection' })
    await expect(fetch(`${local.hec!.url}/services/collector/health`)).rejects.toThrow('fetch failed')
    expect(local.faults.log()).toMatchObject([
      { service: 'hec', operation: 'health', kind: 'dropped-connection' }
    ])
  })
})
