import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  QueryCommand,
  TransactWriteItemsCommand
} from '@aws-sdk/client-dynamodb'
import { FirehoseClient, ListDeliveryStreamsCommand, PutRecordBatchCommand } from '@aws-sdk/client-firehose'
import {
  CreateStreamCommand,
  DescribeStreamConsumerCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  ListStreamsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  PutResourcePolicyCommand,
  RegisterStreamConsumerCommand,
  StreamMode
} from '@aws-sdk/client-kinesis'
import {
  CreateAliasCommand,
  CreateGrantCommand,
  EncryptCommand,
  ScheduleKeyDeletionCommand
} from '@aws-sdk/client-kms'
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand
} from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient
} from '@aws-sdk/client-sqs'
import { describe, expect, it } from 'vitest'
import type { LocalAuthorization, LocalDecision, LocalOptions } from '../../local/index.ts'
import { roleAndBucket, startFirehose } from '../helpers/delivery-streams.ts'
import { opened, openLocal } from '../helpers/local.ts'
import { openKms } from '../helpers/local-kms.ts'

const arn = (service: string, rest: string) => `arn:aws:${service}:us-east-1:000000000000:${rest}`
const always = { 'aws:SecureTransport': 'true', 'aws:ViaAWSService': 'false' }
const once = { maxAttempts: 1 }

/** A decision function that keeps what it was asked since the last look, and answers as it was last told. */
function recorder() {
  const asked: LocalAuthorization[] = []
  let answer: LocalDecision = 'allow'
  return {
    authorize: async (question: LocalAuthorization): Promise<LocalDecision> => {
      asked.push(question)
      return answer
    },
    answer: (decision: LocalDecision) => {
      answer = decision
    },
    look: () => asked.splice(0),
    /** As `action resource`. */
    names: () => asked.splice(0).map(({ action, resource }) => `${action} ${resource}`)
  }
}

async function started(options: LocalOptions) {
  const { authorize, ...seen } = recorder()
  const local = await openLocal({ authorize, ...options })
  return { ...seen, local }
}

/** What the engine answers, whether or not it liked the request. */
async function tried(request: Promise<unknown>): Promise<void> {
  await request.catch(() => {})
}

describe('the decision function of Kinesis', () => {
  async function start() {
    const test = await started({ services: ['kinesis'] })
    const client = opened(new KinesisClient({ ...test.local.clientConfig('kinesis'), ...once }))
    await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    return { ...test, client }
  }
  const stream = arn('kinesis', 'stream/s')

  it('hears of the stream, however it is named, and of its policy', async () => {
    const { client, look, names } = await start()
    expect(names()).toEqual([`kinesis:CreateStream ${stream}`])
    const ShardId = 'shardId-000000000000'
    await client.send(
      new PutRecordsCommand({ StreamName: 's', Records: [{ PartitionKey: 'p', Data: Buffer.from('x') }] })
    )
    expect(look()).toEqual([
      {
        service: 'kinesis',
        action: 'kinesis:PutRecords',
        resource: stream,
        resourcePolicy: undefined,
        principal: 'local',
        context: always
      }
    ])
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand({ StreamARN: stream, ShardId, ShardIteratorType: 'TRIM_HORIZON' })
    )
    await client.send(new GetRecordsCommand({ ShardIterator }))
    const { NextToken } = await client.send(new ListShardsCommand({ StreamName: 's', MaxResults: 1 }))
    expect(NextToken).toBeUndefined()
    await tried(client.send(new GetRecordsCommand({ ShardIterator: 'none' })))
    await client.send(new ListStreamsCommand({}))
    await tried(
      client.send(new PutRecordCommand({ StreamName: 'gone', PartitionKey: 'p', Data: Buffer.from('x') }))
    )
    expect(names()).toEqual([
      `kinesis:GetShardIterator ${stream}`,
      `kinesis:GetRecords ${stream}`,
      `kinesis:ListShards ${stream}`,
      'kinesis:GetRecords *',
      'kinesis:ListStreams *',
      `kinesis:PutRecord ${arn('kinesis', 'stream/gone')}`
    ])
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [] })
    await client.send(new PutResourcePolicyCommand({ ResourceARN: stream, Policy }))
    await client.send(new ListShardsCommand({ StreamARN: stream }))
    expect(look().map(({ action, resourcePolicy }) => [action, resourcePolicy])).toEqual([
      ['kinesis:PutResourcePolicy', undefined],
      ['kinesis:ListShards', Policy]
    ])
  })

  it('hears of the stream of a listing that goes on', async () => {
    const { client, names } = await start()
    await client.send(
      new CreateStreamCommand({ StreamName: 'd', StreamModeDetails: { StreamMode: StreamMode.ON_DEMAND } })
    )
    const { NextToken } = await client.send(new ListShardsCommand({ StreamName: 'd', MaxResults: 1 }))
    names()
    await client.send(new ListShardsCommand({ NextToken }))
    expect(names()).toEqual([`kinesis:ListShards ${arn('kinesis', 'stream/d')}`])
  })

  it('hears of the consumer where a request is about one', async () => {
    const { client, names } = await start()
    const { Consumer } = await client.send(
      new RegisterStreamConsumerCommand({ StreamARN: stream, ConsumerName: 'c' })
    )
    await client.send(new DescribeStreamConsumerCommand({ ConsumerARN: Consumer!.ConsumerARN }))
    await client.send(new DescribeStreamConsumerCommand({ StreamARN: stream, ConsumerName: 'c' }))
    expect(names().slice(1)).toEqual([
      `kinesis:RegisterStreamConsumer ${stream}`,
      `kinesis:DescribeStreamConsumer ${Consumer!.ConsumerARN}`,
      `kinesis:DescribeStreamConsumer ${Consumer!.ConsumerARN}`
    ])
  })

  it('refuses in the words of AWS, and carries nothing out', async () => {
    const { client, answer } = await start()
    const put = () =>
      client.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'p', Data: Buffer.from('x') }))
    answer('implicitDeny')
    await expect(put()).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: `User: arn:aws:iam::000000000000:user/local is not authorized to perform: kinesis:PutRecord on resource: ${stream} because no identity-based policy allows the kinesis:PutRecord action`,
      $metadata: { httpStatusCode: 400 }
    })
    answer('deny')
    await expect(put()).rejects.toThrow('with an explicit deny in an identity-based policy')
    answer('allow')
    const { SequenceNumber } = await put()
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand({
        StreamName: 's',
        ShardId: 'shardId-000000000000',
        ShardIteratorType: 'TRIM_HORIZON'
      })
    )
    const { Records } = await client.send(new GetRecordsCommand({ ShardIterator }))
    expect(Records!.map(record => record.SequenceNumber)).toEqual([SequenceNumber])
  })
})

describe('the decision function of DynamoDB', () => {
  async function start() {
    const test = await started({ services: ['dynamodb'] })
    const client = opened(new DynamoDBClient({ ...test.local.clientConfig('dynamodb'), ...once }))
    await client.send(
      new CreateTableCommand({
        TableName: 'leases',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'k', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'k', KeyType: 'HASH' }]
      })
    )
    return { ...test, client }
  }
  const table = arn('dynamodb', 'table/leases')
  const Item = { k: { S: '1' } }

  it('hears of tables and indexes, and of each member of a transaction', async () => {
    const { client, look, names } = await start()
    await client.send(new GetItemCommand({ TableName: 'leases', Key: Item }))
    await tried(client.send(new GetItemCommand({ TableName: table, Key: Item })))
    await tried(
      client.send(new QueryCommand({ TableName: 'leases', IndexName: 'i', KeyConditionExpression: 'a = b' }))
    )
    await client.send(new ListTablesCommand({}))
    await tried(
      client.send(
        new BatchWriteItemCommand({
          RequestItems: { leases: [{ PutRequest: { Item } }], other: [{ PutRequest: { Item } }] }
        })
      )
    )
    expect(names()).toEqual([
      `dynamodb:CreateTable ${table}`,
      `dynamodb:GetItem ${table}`,
      `dynamodb:GetItem ${table}`,
      `dynamodb:Query ${table}/index/i`,
      'dynamodb:ListTables *',
      `dynamodb:BatchWriteItem ${table}`,
      `dynamodb:BatchWriteItem ${arn('dynamodb', 'table/other')}`
    ])
    await tried(
      client.send(
        new TransactWriteItemsCommand({
          TransactItems: [
            { Put: { TableName: 'leases', Item } },
            { Put: { TableName: 'leases', Item: { k: { S: '2' } } } },
            {
              ConditionCheck: {
                TableName: 'leases',
                Key: { k: { S: '3' } },
                ConditionExpression: 'attribute_not_exists(k)'
              }
            }
          ]
        })
      )
    )
    const context = { ...always, 'dynamodb:EnclosingOperation': 'TransactWriteItems' }
    expect(look()).toMatchObject([
      { action: 'dynamodb:PutItem', resource: table, principal: 'local', context },
      { action: 'dynamodb:ConditionCheckItem', resource: table, context }
    ])
  })

  it('hears of the table of the operation, whatever else a request names', async () => {
    const { local, look, names } = await start()
    look()
    const more = { TransactItems: [], RequestItems: {} }
    await fetch(local.endpoints.dynamodb, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'DynamoDB_20120810.GetItem'
      },
      body: JSON.stringify({ TableName: 'leases', Key: Item, ...more })
    })
    expect(names()).toEqual([`dynamodb:GetItem ${table}`])
  })

  it('refuses in the words of AWS', async () => {
    const { client, answer } = await start()
    answer('implicitDeny')
    await expect(client.send(new GetItemCommand({ TableName: 'leases', Key: Item }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: `User: arn:aws:iam::000000000000:user/local is not authorized to perform: dynamodb:GetItem on resource: ${table} because no identity-based policy allows the dynamodb:GetItem action`,
      $metadata: { httpStatusCode: 400 }
    })
  })
})

describe('the decision function of SQS', () => {
  async function start() {
    const test = await started({ services: ['sqs'] })
    const client = opened(new SQSClient({ ...test.local.clientConfig('sqs'), ...once }))
    const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: 'q' }))
    return { ...test, client, QueueUrl: QueueUrl! }
  }
  const queue = arn('sqs', 'q')

  it('hears of the queue with its policy, and of a batch as of its entries', async () => {
    const { client, QueueUrl, look, names } = await start()
    await client.send(new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: '1', MessageBody: 'x' }] }))
    await client.send(new ListQueuesCommand({}))
    expect(names()).toEqual([`sqs:CreateQueue ${queue}`, `sqs:SendMessage ${queue}`, 'sqs:ListQueues *'])
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [] })
    await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }))
    await client.send(new ReceiveMessageCommand({ QueueUrl }))
    expect(look().at(-1)).toEqual({
      service: 'sqs',
      action: 'sqs:ReceiveMessage',
      resource: queue,
      resourcePolicy: Policy,
      principal: 'local',
      context: always
    })
  })

  it('puts a denial down to the policy of the resource when there is one', async () => {
    const { client, QueueUrl, answer } = await start()
    const send = () => client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }))
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [] })
    answer('deny')
    await expect(send()).rejects.toThrow('with an explicit deny in an identity-based policy')
    answer('allow')
    await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }))
    answer('deny')
    await expect(send()).rejects.toThrow('with an explicit deny in a resource-based policy')
  })

  it('refuses in the words of AWS', async () => {
    const { client, QueueUrl, answer } = await start()
    answer('implicitDeny')
    await expect(client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }))).rejects.toMatchObject({
      name: 'AccessDenied',
      message: `User: arn:aws:iam::000000000000:user/local is not authorized to perform: sqs:sendmessage on resource: ${queue} because no identity-based policy allows the sqs:sendmessage action`,
      $metadata: { httpStatusCode: 403 }
    })
  })
})

describe('the decision function of S3', () => {
  async function start() {
    const test = await started({ services: ['s3'] })
    const client = opened(new S3Client({ ...test.local.clientConfig('s3'), ...once }))
    await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    return { ...test, client }
  }

  it('hears of bucket and object, under the names that policies use', async () => {
    const { client, names } = await start()
    const object = { Bucket: 'bucket', Key: 'folder/a b&c' }
    await client.send(new PutObjectCommand({ ...object, Body: 'x', Tagging: 'a=b' }))
    await client.send(new GetObjectCommand(object))
    await client.send(new HeadObjectCommand(object))
    await client.send(new ListObjectsV2Command({ Bucket: 'bucket' }))
    await client.send(new ListBucketsCommand({}))
    const upload = { ...object, UploadId: 'none' }
    await tried(client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'x' })))
    await tried(client.send(new AbortMultipartUploadCommand(upload)))
    await client.send(
      new DeleteObjectsCommand({
        Bucket: 'bucket',
        Delete: { Objects: [{ Key: object.Key }, { Key: 'other' }] }
      })
    )
    const resource = 'arn:aws:s3:::bucket/folder/a b&c'
    expect(names()).toEqual([
      's3:CreateBucket arn:aws:s3:::bucket',
      `s3:PutObject ${resource}`,
      `s3:PutObjectTagging ${resource}`,
      `s3:GetObject ${resource}`,
      `s3:GetObject ${resource}`,
      's3:ListBucket arn:aws:s3:::bucket',
      's3:ListAllMyBuckets *',
      `s3:PutObject ${resource}`,
      `s3:AbortMultipartUpload ${resource}`,
      `s3:DeleteObject ${resource}`,
      's3:DeleteObject arn:aws:s3:::bucket/other'
    ])
  })

  it('hears of versions as what they are to policies, and of what bypasses a lock', async () => {
    const { client, names } = await start()
    const VersionId = 'x'.repeat(32)
    const object = { Bucket: 'bucket', Key: 'k' }
    await tried(client.send(new GetObjectCommand({ ...object, VersionId })))
    await tried(
      client.send(
        new CopyObjectCommand({ ...object, CopySource: `bucket/of%20it?x=y&versionId=${VersionId}` })
      )
    )
    await tried(
      client.send(
        new DeleteObjectsCommand({
          Bucket: 'bucket',
          BypassGovernanceRetention: true,
          Delete: { Objects: [{ Key: 'a&b', VersionId }, { Key: 'c' }] }
        })
      )
    )
    expect(names().slice(1)).toEqual([
      's3:GetObjectVersion arn:aws:s3:::bucket/k',
      's3:PutObject arn:aws:s3:::bucket/k',
      's3:GetObjectVersion arn:aws:s3:::bucket/of it',
      's3:DeleteObjectVersion arn:aws:s3:::bucket/a&b',
      's3:BypassGovernanceRetention arn:aws:s3:::bucket/a&b',
      's3:DeleteObject arn:aws:s3:::bucket/c',
      's3:BypassGovernanceRetention arn:aws:s3:::bucket/c'
    ])
  })

  it('gets the policy of the bucket with the question', async () => {
    const { client, look } = await start()
    const Policy = JSON.stringify({
      Statement: { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: 'arn:aws:s3:::bucket/*' }
    })
    await client.send(new PutBucketPolicyCommand({ Bucket: 'bucket', Policy }))
    await tried(client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'k' })))
    expect(look().at(-1)).toMatchObject({ action: 's3:GetObject', resourcePolicy: Policy })
  })

  it('hears what policies of buckets speak of', async () => {
    const { client, look } = await start()
    await client.send(new ListObjectsV2Command({ Bucket: 'bucket', Prefix: 'p/', MaxKeys: 7 }))
    await client.send(
      new PutObjectCommand({
        Bucket: 'bucket',
        Key: 'k',
        Body: 'x',
        ServerSideEncryption: 'aws:kms',
        SSEKMSKeyId: 'id'
      })
    )
    expect(look().slice(1)).toMatchObject([
      { service: 's3', principal: 'local', context: { ...always, 's3:prefix': 'p/', 's3:max-keys': '7' } },
      {
        context: {
          's3:x-amz-server-side-encryption': 'aws:kms',
          's3:x-amz-server-side-encryption-aws-kms-key-id': 'id'
        }
      }
    ])
  })

  it('refuses in the words of AWS, and carries nothing out', async () => {
    const { client, answer } = await start()
    const object = { Bucket: 'bucket', Key: 'k' }
    answer('implicitDeny')
    await expect(client.send(new PutObjectCommand({ ...object, Body: 'x' }))).rejects.toMatchObject({
      name: 'AccessDenied',
      message:
        'User: arn:aws:iam::000000000000:user/local is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::bucket/k" because no identity-based policy allows the s3:PutObject action',
      $metadata: { httpStatusCode: 403 }
    })
    answer('allow')
    await expect(client.send(new GetObjectCommand(object))).rejects.toMatchObject({ name: 'NoSuchKey' })
  })

  it('refuses a deletion of several objects object by object', async () => {
    const local = await openLocal({
      services: ['s3'],
      authorize: ({ action, resource }) =>
        action === 's3:DeleteObject' && resource.endsWith('/kept') ? 'deny' : 'allow'
    })
    const client = opened(new S3Client({ ...local.clientConfig('s3'), ...once }))
    await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    const Objects = [{ Key: 'k' }, { Key: 'kept' }]
    await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: 'x' }))
    await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'kept', Body: 'x' }))
    const deletion = new DeleteObjectsCommand({ Bucket: 'bucket', Delete: { Objects } })
    await expect(client.send(deletion)).resolves.toMatchObject({
      Deleted: [{ Key: 'k' }],
      Errors: [
        {
          Key: 'kept',
          Code: 'AccessDenied',
          Message: expect.stringMatching(
            /s3:DeleteObject on resource: "arn:aws:s3:::bucket\/kept" with an explicit deny/
          )
        }
      ]
    })
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: 'bucket' }))
    expect(Contents?.map(({ Key }) => Key)).toEqual(['kept'])
  })

  it('hears who signed an address', async () => {
    const { local, look } = await start()
    const credential = encodeURIComponent('AKIAP/20260101/us-east-1/s3/aws4_request')
    await fetch(`${local.endpoints.s3}/bucket?list-type=2&X-Amz-Credential=${credential}`)
    await fetch(`${local.endpoints.s3}/bucket?list-type=2`)
    expect(
      look()
        .slice(1)
        .map(({ principal }) => principal)
    ).toEqual(['AKIAP', undefined])
  })
})

describe('the decision function of KMS', () => {
  it('hears for how long a deletion waits', async () => {
    const { authorize, look } = recorder()
    const { client, createKey } = await openKms({ authorize })
    const { keyId } = await createKey()
    const schedule = (PendingWindowInDays?: number) =>
      tried(client.send(new ScheduleKeyDeletionCommand({ KeyId: keyId, PendingWindowInDays })))
    await schedule(7)
    await schedule()
    const days = 'kms:ScheduleKeyDeletionPendingWindowInDays'
    expect(
      look()
        .slice(1)
        .map(({ context }) => context[days])
    ).toEqual(['7', '30'])
  })

  it('hears through which name a key is meant, and what a grant would allow', async () => {
    const { authorize, look } = recorder()
    const { client, createKey } = await openKms({ authorize })
    const { keyId } = await createKey()
    await client.send(new CreateAliasCommand({ AliasName: 'alias/orders', TargetKeyId: keyId }))
    await client.send(new EncryptCommand({ KeyId: 'alias/orders', Plaintext: Buffer.from('x') }))
    await client.send(
      new CreateGrantCommand({
        KeyId: keyId,
        GranteePrincipal: 'p',
        Operations: ['Decrypt', 'DescribeKey'],
        Constraints: { EncryptionContextSubset: { stream: 's' } }
      })
    )
    const [encrypt, grant] = look().slice(-2)
    expect(encrypt!.context).toEqual({ ...always, 'kms:RequestAlias': 'alias/orders' })
    expect(grant!.context).toEqual({
      ...always,
      'kms:GrantOperations': ['Decrypt', 'DescribeKey'],
      'kms:GranteePrincipal': 'p',
      'kms:GrantConstraintType': ['EncryptionContextSubset'],
      'kms:EncryptionContext:stream': 's'
    })
  })
})

describe('the decision function of Firehose', () => {
  it('hears of the delivery stream, and refuses in the words of AWS', async () => {
    const { local, answer, names } = await started({ services: ['firehose'] })
    const client = opened(new FirehoseClient({ ...local.clientConfig('firehose'), ...once }))
    await client.send(new ListDeliveryStreamsCommand({}))
    const put = client.send(
      new PutRecordBatchCommand({ DeliveryStreamName: 'd', Records: [{ Data: Buffer.from('x') }] })
    )
    await expect(put).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    const resource = arn('firehose', 'deliverystream/d')
    expect(names()).toEqual(['firehose:ListDeliveryStreams *', `firehose:PutRecordBatch ${resource}`])
    answer('deny')
    await expect(client.send(new ListDeliveryStreamsCommand({}))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message:
        'User: arn:aws:iam::000000000000:user/local is not authorized to perform: firehose:ListDeliveryStreams on resource: * with an explicit deny in an identity-based policy',
      $metadata: { httpStatusCode: 400 }
    })
  })

  it('is not asked for what a delivery stream reads', async () => {
    const { authorize, look } = recorder()
    const { create, objects, local } = await startFirehose({ authorize })
    const kinesis = opened(new KinesisClient(local.clientConfig('kinesis')))
    await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    await create({
      DeliveryStreamType: 'KinesisStreamAsSource',
      KinesisStreamSourceConfiguration: {
        KinesisStreamARN: arn('kinesis', 'stream/s'),
        RoleARN: roleAndBucket.RoleARN
      },
      ExtendedS3DestinationConfiguration: roleAndBucket
    })
    await kinesis.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'p', Data: Buffer.from('x') }))
    expect(await objects()).toMatchObject([{ text: 'x' }])
    const ofRole = look().filter(({ principal }) => principal === roleAndBucket.RoleARN)
    expect(ofRole.map(({ action }) => action)).toEqual(['s3:PutObject'])
  })

  it('hears of each object that a delivery stream writes, under its role, and keeps it until it may', async () => {
    const asked: LocalAuthorization[] = []
    let isDenied = true
    const { create, put, objects, clock, local } = await startFirehose({
      authorize: question => {
        if (question.principal !== roleAndBucket.RoleARN) return 'allow'
        asked.push(question)
        return isDenied ? 'implicitDeny' : 'allow'
      }
    })
    await create({ ExtendedS3DestinationConfiguration: { ...roleAndBucket, Prefix: 'p/' } })
    await put('hello')
    expect(await objects()).toEqual([])
    expect(asked.at(-1)).toEqual({
      service: 's3',
      action: 's3:PutObject',
      resource: expect.stringMatching(/^arn:aws:s3:::bucket\/p\/.*d-1-/),
      resourcePolicy: undefined,
      principal: roleAndBucket.RoleARN,
      context: always
    })
    isDenied = false
    await clock.advance(60_000)
    expect(await objects()).toMatchObject([{ text: 'hello' }])
    expect(local.firehoseBufferedBytes()).toBe(0)
  })
})
