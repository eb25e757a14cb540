import type { LocalEngines, LocalService } from '../../../local/index.ts'
import type { Seeded } from '../../helpers/seeded.ts'

export type Target = LocalService | 'search' | 'hec'

/** One of several who use the engines at the same time, each with resources and secrets of its own. */
export interface Caller {
  readonly name: string
  /** Text that stands in every payload of this caller, and in no name. */
  readonly canary: string
  /** Value for a member by its name: of resources that are there, so that requests get past the first check. */
  readonly members: Readonly<Record<string, unknown>>
}

/** One request on the wire, before it is sent. */
export interface FuzzRequest {
  readonly target: Target
  readonly caller: Caller
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Bytes of the body after which the connection ends; undefined for a whole request. */
  readonly cutAt?: number | undefined
  /** A request that asks for everything there is may be told of others. */
  readonly seesAll?: boolean
}

/** Makes the resources of one caller, by plain requests. */
export async function createCaller(engines: LocalEngines, name: string): Promise<Caller> {
  const canary = `canary-${name}-${Buffer.from(name).toString('hex').repeat(3)}`
  const ask = async (
    service: LocalService,
    target: string,
    input: object
  ): Promise<Record<string, never>> => {
    const response = await fetch(engines.endpoints[service], {
      method: 'POST',
      headers: { 'content-type': jsonType(service), 'x-amz-target': target, ...signature(service, name) },
      body: JSON.stringify(input)
    })
    const answer = (await response.json()) as Record<string, never>
    if (response.status !== 200) throw new Error(`${target}: ${JSON.stringify(answer)}`)
    return answer
  }
  const kinesis = 'Kinesis_20131202'
  await ask('kinesis', `${kinesis}.CreateStream`, { StreamName: name, ShardCount: 2 })
  const { StreamDescriptionSummary: stream } = await ask('kinesis', `${kinesis}.DescribeStreamSummary`, {
    StreamName: name
  })
  const { StreamARN } = stream as unknown as { StreamARN: string }
  const { ShardIterator } = await ask('kinesis', `${kinesis}.GetShardIterator`, {
    StreamName: name,
    ShardId: 'shardId-000000000000',
    ShardIteratorType: 'TRIM_HORIZON'
  })
  const { Consumer: consumer } = await ask('kinesis', `${kinesis}.RegisterStreamConsumer`, {
    StreamARN,
    ConsumerName: name
  })
  const { KeyMetadata: key } = await ask('kms', 'TrentService.CreateKey', {})
  const { KeyId } = key as unknown as { KeyId: string }
  const { CiphertextBlob } = await ask('kms', 'TrentService.Encrypt', {
    KeyId,
    Plaintext: base64(canary),
    EncryptionContext: { secret: canary }
  })
  const { QueueUrl } = await ask('sqs', 'AmazonSQS.CreateQueue', { QueueName: name })
  await ask('dynamodb', 'DynamoDB_20120810.CreateTable', {
    TableName: name,
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    BillingMode: 'PAY_PER_REQUEST'
  })
  await fetch(`${engines.endpoints.s3}/${name}`, { method: 'PUT' })
  const s3 = {
    RoleARN: 'arn:aws:iam::000000000000:role/firehose',
    BucketARN: `arn:aws:s3:::${name}`
  }
  await ask('firehose', 'Firehose_20150804.CreateDeliveryStream', {
    DeliveryStreamName: name,
    ExtendedS3DestinationConfiguration: s3
  })
  return {
    name,
    canary,
    members: {
      ...s3,
      StreamName: name,
      StreamARN,
      ResourceARN: StreamARN,
      ShardIterator,
      ShardIteratorType: 'TRIM_HORIZON',
      Type: 'TRIM_HORIZON',
      ShardId: 'shardId-000000000000',
      ShardCount: 1,
      ConsumerName: name,
      ConsumerARN: (consumer as unknown as { ConsumerARN: string }).ConsumerARN,
      PartitionKey: 'key',
      Data: base64(canary),
      KeyId,
      TargetKeyId: KeyId,
      SourceKeyId: KeyId,
      DestinationKeyId: KeyId,
      AliasName: `alias/${name}`,
      KeySpec: 'AES_256',
      Plaintext: base64(canary),
      CiphertextBlob,
      EncryptionContext: { secret: canary },
      SourceEncryptionContext: { secret: canary },
      QueueName: name,
      QueueUrl,
      MessageBody: canary,
      WaitTimeSeconds: 0,
      Id: 'entry',
      TableName: name,
      Key: { id: { S: 'one' } },
      Item: { id: { S: 'one' }, secret: { S: canary } },
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
      UpdateExpression: 'SET secret = :secret',
      ConditionExpression: 'secret = :secret',
      ExpressionAttributeValues: { ':secret': { S: canary } },
      DeliveryStreamName: name,
      CurrentDeliveryStreamVersionId: '1',
      DestinationId: 'destinationId-000000000001'
    }
  }
}

export function jsonType(service: LocalService): string {
  return service === 'sqs' || service === 'dynamodb'
    ? 'application/x-amz-json-1.0'
    : 'application/x-amz-json-1.1'
}

/** Headers of a signature that nobody checks. */
export function signature(service: string, accessKeyId: string): Record<string, string> {
  return {
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
    'x-amz-date': '20260101T000000Z'
  }
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** A text that is right for nothing. */
export function oddText(chance: Seeded): string {
  return chance.pick([
    '',
    ' ',
    '0',
    '-1',
    'x'.repeat(3_000),
    '\u0000',
    '\ud800',
    'é😀',
    '../../../../etc/passwd',
    '..%2f..%2f',
    '__proto__',
    'constructor',
    'toString',
    '%',
    '$' + '{x}',
    'a/b/../c',
    '*',
    'arn:aws:kinesis:us-east-1:000000000000:stream/',
    '9'.repeat(200)
  ])
}
