import { describe, expect, it } from 'vitest'
import {
  type AccessPolicies,
  evaluate,
  type PolicyDocument,
  type PolicyStatement
} from '../../infra/index.ts'
import {
  consumerPolicy,
  decryptLambdaPolicy,
  dynamodbEndpointPolicy,
  envelopeKeyPolicy,
  fanOutStatements,
  firehosePolicy,
  firehoseTrustPolicy,
  kinesisEndpointPolicy,
  kmsEndpointPolicy,
  leaseTablePolicy,
  openSearchStatements,
  producerPolicy,
  queuePolicy,
  redshiftStatements,
  sinkBucketPolicy,
  sinkKeyPolicy,
  stateKeyPolicy,
  streamKeyPolicy
} from './least-privilege.ts'

const accountId = '111122223333'
const region = 'eu-central-1'
const stream = `arn:aws:kinesis:${region}:${accountId}:stream/orders`
const table = `arn:aws:dynamodb:${region}:${accountId}:table/orders-app`
const queue = `arn:aws:sqs:${region}:${accountId}:orders-dlq`
const bucket = 'arn:aws:s3:::orders-sink'
const delivery = `arn:aws:firehose:${region}:${accountId}:deliverystream/orders-delivery`
const deliveryRole = `arn:aws:iam::${accountId}:role/orders-firehose`
const key = (name: string) => `arn:aws:kms:${region}:${accountId}:key/${name}`

const everything: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [{ Sid: 'Everything', Effect: 'Allow', Action: '*', Resource: '*' }]
}

function statements(Statement: readonly PolicyStatement[]): PolicyDocument {
  return { Version: '2012-10-17', Statement }
}

const identities: Readonly<Record<string, PolicyDocument>> = {
  producer: producerPolicy,
  consumer: consumerPolicy,
  firehose: firehosePolicy,
  'decrypt-lambda': decryptLambdaPolicy,
  administrator: everything
}

const resources: Readonly<Record<string, PolicyDocument>> = {
  [key('envelope')]: envelopeKeyPolicy,
  [key('stream')]: streamKeyPolicy,
  [key('sink')]: sinkKeyPolicy,
  [key('state')]: stateKeyPolicy,
  [bucket]: sinkBucketPolicy,
  [queue]: queuePolicy,
  [table]: leaseTablePolicy,
  [deliveryRole]: firehoseTrustPolicy
}

type Context = Readonly<Record<string, string | readonly string[]>>

/** The effect and the statement that decided; `who` is a role of the pipeline, or a service. */
function answer(
  who: string,
  action: string,
  resource: string,
  context: Context = {},
  more: AccessPolicies = {}
): string {
  const isService = who.endsWith('.amazonaws.com')
  const principal = isService
    ? { arn: who, accountId: undefined }
    : { arn: `arn:aws:iam::${accountId}:role/orders-${who}`, accountId }
  const identity = identities[who]
  const document = resources[resource.startsWith(`${bucket}/`) ? bucket : resource]
  const decision = evaluate(
    { principal, action, resource, context },
    {
      ...(identity === undefined ? {} : { identity: [{ name: who, document: identity }] }),
      ...(document === undefined ? {} : { resource: { name: 'resource', document } }),
      ...more
    }
  )
  return decision.decidedBy === undefined ? decision.effect : `${decision.effect} ${decision.decidedBy.sid}`
}

function wrapped(pairs: Readonly<Record<string, string>>, viaService?: string): Context {
  return {
    ...Object.fromEntries(
      Object.entries(pairs).map(([name, value]) => [`kms:EncryptionContext:${name}`, value])
    ),
    ...(viaService === undefined ? {} : { 'kms:ViaService': `${viaService}.${region}.amazonaws.com` })
  }
}

const orders = { pipeline: 'orders', stream: 'orders' }
const right = wrapped(orders)
const viaKinesis = wrapped({ 'aws:kinesis:arn': stream }, 'kinesis')
const viaSqs = wrapped({ 'aws:sqs:arn': queue }, 'sqs')
const viaDynamo = wrapped(
  { 'aws:dynamodb:tableName': 'orders-app', 'aws:dynamodb:subscriberId': accountId },
  'dynamodb'
)
const viaS3 = (arn: string) => wrapped({ 'aws:s3:arn': arn }, 's3')

describe('the envelope key', () => {
  it.each([
    ['allow ProducerWraps', 'producer', 'GenerateDataKey', right],
    ['allow ProducerWraps', 'producer', 'GenerateDataKey', wrapped({ ...orders, schema: '7' })],
    [
      'allow ProducerWraps',
      'producer',
      'GenerateDataKey',
      wrapped({ ...orders, 'aws-crypto-public-key': 'p' })
    ],
    ['explicitDeny OnlyWithContext', 'producer', 'GenerateDataKey', {}],
    [
      'explicitDeny OnlyWithContext',
      'producer',
      'GenerateDataKey',
      wrapped({ ...orders, pipeline: 'other' })
    ],
    ['implicitDeny', 'producer', 'GenerateDataKey', wrapped({ pipeline: 'orders' })],
    ['implicitDeny', 'producer', 'GenerateDataKey', wrapped({ ...orders, tenant: 't' })],
    ['implicitDeny', 'producer', 'GenerateDataKey', wrapped(orders, 'kinesis')],
    ['implicitDeny', 'producer', 'GenerateDataKey', wrapped({ Pipeline: 'orders', stream: 'orders' })],
    ['explicitDeny UnwrapOnlyByReaders', 'producer', 'Decrypt', right],
    ['implicitDeny', 'producer', 'Encrypt', right],
    ['explicitDeny NoGrants', 'producer', 'CreateGrant', {}],
    ['allow ConsumersUnwrap', 'consumer', 'Decrypt', right],
    ['allow ConsumersUnwrap', 'decrypt-lambda', 'Decrypt', right],
    ['implicitDeny', 'consumer', 'Decrypt', wrapped({ ...orders, stream: 'other' })],
    ['explicitDeny OnlyWithContext', 'consumer', 'Decrypt', wrapped({ ...orders, pipeline: 'other' })],
    ['implicitDeny', 'consumer', 'Decrypt', wrapped(orders, 's3')],
    ['explicitDeny NeverWrapOrWrite', 'consumer', 'GenerateDataKey', right],
    ['explicitDeny NeverWrapOrWrite', 'consumer', 'Encrypt', right],
    ['explicitDeny NeverWrap', 'decrypt-lambda', 'GenerateDataKey', right],
    ['explicitDeny UnwrapOnlyByReaders', 'firehose', 'Decrypt', right],
    ['explicitDeny WrapOnlyByProducer', 'firehose', 'GenerateDataKey', right],
    ['explicitDeny UnwrapOnlyByReaders', 'administrator', 'Decrypt', right],
    ['explicitDeny WrapOnlyByProducer', 'administrator', 'GenerateDataKey', right],
    ['explicitDeny WrapOnlyByProducer', 'administrator', 'Encrypt', right],
    ['explicitDeny NoGrants', 'administrator', 'CreateGrant', {}],
    ['allow Everything', 'administrator', 'PutKeyPolicy', {}],
    ['implicitDeny', 'operator', 'PutKeyPolicy', {}],
    [
      'explicitDeny NoQuickDeletion',
      'administrator',
      'ScheduleKeyDeletion',
      { 'kms:ScheduleKeyDeletionPendingWindowInDays': '7' }
    ],
    [
      'allow Everything',
      'administrator',
      'ScheduleKeyDeletion',
      { 'kms:ScheduleKeyDeletionPendingWindowInDays': '30' }
    ],
    ['explicitDeny OnlyWithContext', 'logs.eu-central-1.amazonaws.com', 'Decrypt', {}]
  ])('%s: %s %s %j', (expected, who, operation, context) => {
    expect(answer(who, `kms:${operation}`, key('envelope'), context as Context)).toBe(expected)
  })

  it('stays closed to a consumer that may do everything as far as IAM is concerned', () => {
    const identity = [{ name: 'administrator', document: everything }]
    expect(answer('consumer', 'kms:GenerateDataKey', key('envelope'), right, { identity })).toBe(
      'explicitDeny WrapOnlyByProducer'
    )
  })
})

describe('the keys at rest', () => {
  it.each([
    ['allow WriteThroughKinesis', 'producer', 'GenerateDataKey', 'stream', viaKinesis],
    ['implicitDeny', 'producer', 'Decrypt', 'stream', viaKinesis],
    ['allow ReadThroughKinesis', 'consumer', 'Decrypt', 'stream', viaKinesis],
    ['allow ReadThroughKinesis', 'firehose', 'Decrypt', 'stream', viaKinesis],
    ['implicitDeny', 'consumer', 'Decrypt', 'stream', wrapped({ 'aws:kinesis:arn': stream })],
    [
      'implicitDeny',
      'consumer',
      'Decrypt',
      'stream',
      wrapped({ 'aws:kinesis:arn': `${stream}2` }, 'kinesis')
    ],
    ['implicitDeny', 'administrator', 'Decrypt', 'stream', viaKinesis],
    ['allow DeadLettersThroughSqs', 'consumer', 'GenerateDataKey', 'state', viaSqs],
    ['implicitDeny', 'consumer', 'GenerateDataKey', 'state', viaDynamo],
    ['implicitDeny', 'consumer', 'GenerateDataKey', 'state', {}],
    ['allow LeaseTableThroughDynamoDb', 'consumer', 'Decrypt', 'state', viaDynamo],
    [
      'implicitDeny',
      'consumer',
      'Decrypt',
      'state',
      wrapped({ 'aws:dynamodb:tableName': 'other', 'aws:dynamodb:subscriberId': accountId }, 'dynamodb')
    ],
    ['allow DeployerCreatesTableGrant', 'deployer', 'CreateGrant', 'state', viaDynamo],
    ['implicitDeny', 'deployer', 'CreateGrant', 'state', {}],
    [
      'allow CloudWatchLogs',
      'logs.eu-central-1.amazonaws.com',
      'GenerateDataKey',
      'state',
      wrapped({
        'aws:logs:arn': `arn:aws:logs:${region}:${accountId}:log-group:/aws/lambda/orders-decrypt`
      })
    ],
    [
      'implicitDeny',
      'logs.eu-central-1.amazonaws.com',
      'GenerateDataKey',
      'state',
      wrapped({ 'aws:logs:arn': `arn:aws:logs:${region}:${accountId}:log-group:/aws/lambda/other` })
    ],
    ['implicitDeny', 'logs.eu-west-1.amazonaws.com', 'GenerateDataKey', 'state', {}],
    ['allow SecretThroughSecretsManager', 'firehose', 'Decrypt', 'state', wrapped({}, 'secretsmanager')],
    ['allow FirehoseWritesThroughS3', 'firehose', 'GenerateDataKey', 'sink', viaS3(bucket)],
    ['implicitDeny', 'firehose', 'GenerateDataKey', 'sink', viaS3(`${bucket}/data/1`)],
    ['implicitDeny', 'firehose', 'GenerateDataKey', 'sink', wrapped({ 'aws:s3:arn': bucket })],
    ['allow ReadersThroughS3', 'analyst', 'Decrypt', 'sink', viaS3(bucket)],
    ['implicitDeny', 'analyst', 'GenerateDataKey', 'sink', viaS3(bucket)]
  ])('%s: %s %s on the %s key %j', (expected, who, operation, name, context) => {
    expect(answer(who, `kms:${operation}`, key(name), context as Context)).toBe(expected)
  })

  it('would be open under the default key policy with the grants that the CDK makes', () => {
    const delegating: PolicyDocument = {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'Default',
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${accountId}:root` },
          Action: 'kms:*',
          Resource: '*'
        }
      ]
    }
    const readWrite = statements([
      {
        Sid: 'GrantReadWrite',
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*'],
        Resource: key('state')
      }
    ])
    const resource = { name: 'resource', document: delegating }
    const identity = [{ name: 'consumer', document: readWrite }]
    expect(answer('consumer', 'kms:GenerateDataKey', key('state'), {}, { resource, identity })).toBe(
      'allow GrantReadWrite'
    )
    expect(answer('administrator', 'kms:Decrypt', key('state'), {}, { resource })).toBe('allow Everything')
    expect(answer('operator', 'kms:Decrypt', key('state'), {}, { resource })).toBe('implicitDeny')
  })
})

describe('the sink bucket', () => {
  const secure = {
    'aws:SecureTransport': 'true',
    's3:TlsVersion': '1.3',
    'aws:ViaAWSService': 'false'
  }
  const sealed = {
    ...secure,
    's3:x-amz-server-side-encryption': 'aws:kms',
    's3:x-amz-server-side-encryption-aws-kms-key-id': key('sink')
  }
  it.each([
    ['allow ObjectWrite', 'firehose', 'PutObject', sealed],
    ['allow ObjectWrite', 'firehose', 'PutObject', secure],
    [
      'explicitDeny DenyOtherEncryption',
      'firehose',
      'PutObject',
      { ...secure, 's3:x-amz-server-side-encryption': 'AES256' }
    ],
    [
      'explicitDeny DenyOtherKey',
      'firehose',
      'PutObject',
      { ...sealed, 's3:x-amz-server-side-encryption-aws-kms-key-id': key('other') }
    ],
    [
      'explicitDeny DenyCustomerKeys',
      'firehose',
      'PutObject',
      { ...secure, 's3:x-amz-server-side-encryption-customer-algorithm': 'AES256' }
    ],
    [
      'explicitDeny DenyPlaintextTransport',
      'firehose',
      'PutObject',
      { ...sealed, 'aws:SecureTransport': 'false' }
    ],
    ['explicitDeny DenyOldTls', 'firehose', 'PutObject', { ...sealed, 's3:TlsVersion': '1.1' }],
    ['implicitDeny', 'firehose', 'DeleteObject', secure],
    ['explicitDeny DenyOutsideEndpoint', 'analyst', 'GetObject', secure],
    [
      'explicitDeny DenyOutsideEndpoint',
      'analyst',
      'GetObject',
      { ...secure, 'aws:SourceVpce': 'vpce-other' }
    ],
    ['allow Everything', 'analyst', 'GetObject', { ...secure, 'aws:SourceVpce': 'vpce-0s3' }],
    [
      'explicitDeny DenyRetentionBypass',
      'analyst',
      'BypassGovernanceRetention',
      { ...secure, 'aws:SourceVpce': 'vpce-0s3' }
    ],
    ['allow Everything', 'deployer', 'BypassGovernanceRetention', secure]
  ])('%s: %s %s %j', (expected, who, action, context) => {
    const more =
      who === 'firehose' ? {} : { identity: [{ name: 'reads and bypasses', document: everything }] }
    expect(answer(who, `s3:${action}`, `${bucket}/data/1`, context as Context, more)).toBe(expected)
  })

  it('is closed to other accounts, whatever they allow themselves', () => {
    const principal = { arn: 'arn:aws:iam::444455556666:role/reader', accountId: '444455556666' }
    const decision = evaluate(
      {
        principal,
        action: 's3:GetObject',
        resource: `${bucket}/data/1`,
        resourceAccountId: accountId,
        context: { ...secure, 'aws:SourceVpce': 'vpce-0s3' }
      },
      {
        identity: [{ name: 'theirs', document: everything }],
        resource: { name: 'bucket', document: sinkBucketPolicy }
      }
    )
    expect(decision.decidedBy?.sid).toBe('DenyOtherAccountPrincipals')
  })
})

describe('the stream, the table, the queue', () => {
  it.each([
    ['allow WriteStream', 'producer', 'kinesis:PutRecords', stream],
    ['implicitDeny', 'producer', 'kinesis:GetRecords', stream],
    ['implicitDeny', 'producer', 'kinesis:PutRecords', `${stream}-2`],
    ['allow Poll', 'consumer', 'kinesis:GetRecords', stream],
    ['implicitDeny', 'consumer', 'kinesis:PutRecord', stream],
    ['allow ReadStream', 'firehose', 'kinesis:GetRecords', stream],
    ['explicitDeny NoSideDoor', 'decrypt-lambda', 'kinesis:PutRecord', stream],
    ['implicitDeny', 'consumer', 'kinesis:StopStreamEncryption', stream],
    ['allow Checkpoint', 'consumer', 'dynamodb:UpdateItem', table],
    ['allow LeaseIndex', 'consumer', 'dynamodb:Query', `${table}/index/LeaseOwnerToLeaseKeyIndex`],
    ['implicitDeny', 'consumer', 'dynamodb:CreateTable', table],
    ['explicitDeny OnlyConsumerTouchesLeases', 'producer', 'dynamodb:GetItem', table],
    ['explicitDeny OnlyConsumerTouchesLeases', 'administrator', 'dynamodb:GetItem', table],
    ['allow Everything', 'administrator', 'dynamodb:DescribeTable', table]
  ])('%s: %s %s on %s', (expected, who, action, resource) => {
    expect(answer(who, action, resource)).toBe(expected)
  })

  it.each([
    ['allow ConsumerSends', 'consumer', 'SendMessage', 'true'],
    ['explicitDeny DenyPlaintextTransport', 'consumer', 'SendMessage', 'false'],
    ['explicitDeny OnlyConsumerSends', 'administrator', 'SendMessage', 'true'],
    ['explicitDeny OnlyConsumerSends', 'producer', 'SendMessage', 'true'],
    ['allow OperatorDrains', 'operator', 'ReceiveMessage', 'true'],
    ['implicitDeny', 'consumer', 'ReceiveMessage', 'true']
  ])('%s: %s sqs:%s with TLS %s', (expected, who, action, isSecure) => {
    expect(answer(who, `sqs:${action}`, queue, { 'aws:SecureTransport': isSecure })).toBe(expected)
  })

  it('grants fan-out on the consumer alone', () => {
    const identity = [{ name: 'fan-out', document: statements(fanOutStatements) }]
    const consumer = `${stream}/consumer/orders-fan-out:1700000000`
    expect(answer('consumer', 'kinesis:SubscribeToShard', consumer, {}, { identity })).toBe('allow FanOut')
    expect(answer('consumer', 'kinesis:SubscribeToShard', stream, {}, { identity })).toBe('implicitDeny')
    expect(answer('consumer', 'kinesis:GetRecords', stream, {}, { identity })).toBe('implicitDeny')
  })

  it('writes metrics of its own namespace alone', () => {
    const inNamespace = (namespace: string) =>
      answer('producer', 'cloudwatch:PutMetricData', '*', { 'cloudwatch:namespace': namespace })
    expect(inNamespace('SecurePipeline/orders')).toBe('allow Metrics')
    expect(inNamespace('SecurePipeline/other')).toBe('implicitDeny')
  })
})

describe('the delivery role', () => {
  const source = { 'aws:SourceAccount': accountId, 'aws:SourceArn': delivery }
  it.each([
    ['allow FirehoseOnlyForThisStream', 'firehose.amazonaws.com', source],
    ['implicitDeny', 'firehose.amazonaws.com', { ...source, 'aws:SourceArn': `${delivery}-2` }],
    ['implicitDeny', 'firehose.amazonaws.com', {}],
    ['implicitDeny', 'lambda.amazonaws.com', source],
    ['implicitDeny', 'administrator', source]
  ])('%s: %s assumes it %j', (expected, who, context) => {
    expect(answer(who, 'sts:AssumeRole', deliveryRole, context as Context)).toBe(expected)
  })

  it('reads its secret whatever suffix it has, and no other', () => {
    const identity = [{ name: 'redshift', document: statements(redshiftStatements) }]
    const secret = `arn:aws:secretsmanager:${region}:${accountId}:secret:orders-redshift-Ab12Cd`
    expect(answer('firehose', 'secretsmanager:GetSecretValue', secret, {}, { identity })).toBe(
      'allow DestinationSecret'
    )
    expect(answer('firehose', 'secretsmanager:GetSecretValue', `${secret}e`, {}, { identity })).toBe(
      'implicitDeny'
    )
  })

  it('posts to its index, and reads nothing of others', () => {
    const identity = [{ name: 'search', document: statements(openSearchStatements) }]
    const domain = `arn:aws:es:${region}:${accountId}:domain/orders-search`
    expect(answer('firehose', 'es:ESHttpPost', `${domain}/orders-2026`, {}, { identity })).toBe('allow Index')
    expect(answer('firehose', 'es:ESHttpGet', `${domain}/orders-1/_stats`, {}, { identity })).toBe(
      'allow Health'
    )
    expect(answer('firehose', 'es:ESHttpGet', `${domain}/other/_stats`, {}, { identity })).toBe(
      'implicitDeny'
    )
  })
})

describe('the endpoints', () => {
  it.each([
    ['allow ProducerWraps', 'producer', 'kms:GenerateDataKey', key('envelope'), kmsEndpointPolicy],
    ['implicitDeny', 'producer', 'kms:GenerateDataKey', key('stream'), kmsEndpointPolicy],
    ['allow WriteStream', 'producer', 'kinesis:PutRecords', stream, kinesisEndpointPolicy],
    ['implicitDeny', 'administrator', 'kinesis:DeleteStream', stream, kinesisEndpointPolicy],
    ['allow Checkpoint', 'consumer', 'dynamodb:PutItem', table, dynamodbEndpointPolicy],
    ['implicitDeny', 'administrator', 'dynamodb:DeleteTable', table, dynamodbEndpointPolicy]
  ])('%s: %s %s on %s', (expected, who, action, resource, document) => {
    const limits = [{ name: 'endpoint', document }]
    expect(answer(who, action, resource, action.startsWith('kms:') ? right : {}, { limits })).toBe(expected)
  })
})
