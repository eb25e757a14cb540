import { describe, expect, it } from 'vitest'
import type { AccessDecision, NamedPolicy } from '../../infra/access.ts'
import { evaluate } from '../../infra/evaluator.ts'
import { type PlanAccess, planAccess } from '../../infra/plan-access.ts'
import type { PipelinePlan } from '../../pipeline/plan.ts'
import { hsmPlan } from './hsm-plan.ts'
import { network, people, plans, withLoadedCluster } from './plans.ts'

const accountId = '111122223333'
const region = 'eu-west-1'
const roleArn = (name: string): string => `arn:aws:iam::${accountId}:role/${name}`
const arn = (service: string, resource: string): string =>
  `arn:aws:${service}:${region}:${accountId}:${resource}`

const streamArn = arn('kinesis', 'stream/orders')
const tableArn = arn('dynamodb', 'table/orders-worker')
const ownerIndexArn = `${tableArn}/index/LeaseOwnerToLeaseKeyIndex`
const queueArn = arn('sqs', 'orders-dead-letters')
const bucketArn = 'arn:aws:s3:::orders-delivered'
const objectArn = `${bucketArn}/records/2026/1`
const claimArn = 'arn:aws:s3:::orders-dead-letters/orders/1.json'
const deliveryArn = arn('firehose', 'deliverystream/orders-s3')

type Context = Readonly<Record<string, string | readonly string[]>>

const pairs = (context: Readonly<Record<string, string>>): Context =>
  Object.fromEntries(Object.entries(context).map(([name, value]) => [`kms:EncryptionContext:${name}`, value]))
const via = (service: string, context: Readonly<Record<string, string>>): Context => ({
  'kms:ViaService': `${service}.${region}.amazonaws.com`,
  ...pairs(context)
})

const right = pairs({ pipeline: 'orders', stream: 'orders' })
const signed = { ...right, ...pairs({ 'aws-crypto-public-key': 'key' }) }
const otherPipeline = pairs({ pipeline: 'invoices', stream: 'orders' })
const otherStream = pairs({ pipeline: 'orders', stream: 'invoices' })
const extra = { ...right, ...pairs({ customer: '7' }) }
const kinesis = via('kinesis', { 'aws:kinesis:arn': streamArn })
const otherKinesis = via('kinesis', { 'aws:kinesis:arn': arn('kinesis', 'stream/invoices') })
const s3 = via('s3', { 'aws:s3:arn': bucketArn })
const s3Object = via('s3', { 'aws:s3:arn': objectArn })
const claims = via('s3', { 'aws:s3:arn': 'arn:aws:s3:::orders-dead-letters' })
const sqs = via('sqs', { 'aws:sqs:arn': queueArn })
const dynamodb = via('dynamodb', {
  'aws:dynamodb:subscriberId': accountId,
  'aws:dynamodb:tableName': 'orders-worker'
})
const otherTable = via('dynamodb', {
  'aws:dynamodb:subscriberId': accountId,
  'aws:dynamodb:tableName': 'invoices-worker'
})
const tls = { 'aws:SecureTransport': 'true', 's3:TlsVersion': '1.3', 'aws:PrincipalIsAWSService': 'false' }

/** A role that IAM allows everything. */
const administrator: NamedPolicy = {
  name: 'administrator',
  document: {
    Version: '2012-10-17',
    Statement: [{ Sid: 'Everything', Effect: 'Allow', Action: '*', Resource: '*' }]
  }
}

const principals = {
  producer: 'orders-producer',
  consumer: 'orders-consumer',
  replayer: 'orders-replayer',
  operator: 'orders-operator',
  delivery: 'orders-s3-delivery',
  redshift: 'orders-redshift-delivery',
  search: 'orders-opensearch-delivery',
  master: 'search-master',
  sourced: 'orders-raw-delivery',
  transform: 'orders-open-transform',
  lambda: 'count',
  counting: 'orders-count-reader',
  flink: 'orders-flink-application',
  iotRule: 'orders-iot-rule',
  iotError: 'orders-iot-error',
  iotLogging: 'orders-iot-logging',
  iotKey: 'orders-iot-key',
  kcl: 'archive',
  analyst: 'analyst',
  deployer: 'deployer',
  custodian: 'custodian',
  administrator: 'administrator',
  stranger: 'stranger'
} as const

type Who = keyof typeof principals
/** What is asked of whom, and what decides it: `-` where nothing allows it, or the Sid, a denial with `!`. */
type Question = readonly [Who, string, string, Context, string]

function decide(
  access: PlanAccess,
  [who, action, on, context]: Question,
  isAdministrator: boolean
): AccessDecision {
  const principal = { arn: roleArn(principals[who]), accountId }
  const resource = access.keyArns[on] ?? on
  // A bucket for its objects, a domain for its indices.
  const [owner = ''] = /^arn:aws:(s3:::[^/]+|es:[^/]+\/[^/]+)/.exec(resource) ?? []
  const policy = access.resourcePolicies.get(resource) ?? access.resourcePolicies.get(owner)
  const own = access.identityPolicies.get(principal.arn) ?? []
  return evaluate(
    { principal, action, resource, context: action.startsWith('kms:') ? context : { ...tls, ...context } },
    {
      identity: isAdministrator || who === 'administrator' ? [...own, administrator] : own,
      ...(policy === undefined ? {} : { resource: policy })
    }
  )
}

function told({ effect, decidedBy }: AccessDecision): string {
  if (effect === 'implicitDeny') return '-'
  return `${effect === 'explicitDeny' ? '!' : ''}${decidedBy?.sid}`
}

const asked = (plan: PipelinePlan, questions: readonly Question[], isAdministrator = false) => {
  const access = planAccess(plan, { accountId, region })
  return () => {
    for (const question of questions) {
      expect([...question.slice(0, 4), told(decide(access, question, isAdministrator))]).toEqual(question)
    }
  }
}

const none: Context = {}

describe('who may do what', () => {
  it(
    'by default: the envelope key',
    asked(plans.default, [
      ['producer', 'kms:GenerateDataKey', 'EnvelopeKey', right, 'ProducerWraps'],
      ['producer', 'kms:GenerateDataKey', 'EnvelopeKey', signed, 'ProducerWraps'],
      ['producer', 'kms:GenerateDataKey', 'EnvelopeKey', none, '!OnlyWithContext'],
      ['producer', 'kms:GenerateDataKey', 'EnvelopeKey', otherPipeline, '!OnlyWithContext'],
      ['producer', 'kms:GenerateDataKey', 'EnvelopeKey', otherStream, '-'],
      ['producer', 'kms:GenerateDataKey', 'EnvelopeKey', extra, '-'],
      ['producer', 'kms:GenerateDataKey', 'EnvelopeKey', { ...right, ...via('s3', {}) }, '-'],
      ['producer', 'kms:Encrypt', 'EnvelopeKey', right, '-'],
      ['producer', 'kms:Decrypt', 'EnvelopeKey', right, '!NeverOpen'],
      ['producer', 'kms:CreateGrant', 'EnvelopeKey', none, '!NeverOpen'],
      ['consumer', 'kms:Decrypt', 'EnvelopeKey', right, 'ReadersUnwrap'],
      ['consumer', 'kms:Decrypt', 'EnvelopeKey', signed, 'ReadersUnwrap'],
      ['consumer', 'kms:Decrypt', 'EnvelopeKey', otherStream, '-'],
      ['consumer', 'kms:Decrypt', 'EnvelopeKey', none, '!OnlyWithContext'],
      ['consumer', 'kms:Decrypt', 'EnvelopeKey', extra, '-'],
      ['consumer', 'kms:DescribeKey', 'EnvelopeKey', none, 'ResolveKeys'],
      ['consumer', 'kms:GenerateDataKey', 'EnvelopeKey', right, '!NeverWrap'],
      ['consumer', 'kms:ReEncryptFrom', 'EnvelopeKey', right, '!NeverWrap'],
      ['replayer', 'kms:Decrypt', 'EnvelopeKey', right, 'ReadersUnwrap'],
      ['replayer', 'kms:GenerateDataKey', 'EnvelopeKey', right, '!NeverWrap'],
      ['operator', 'kms:Decrypt', 'EnvelopeKey', right, '!UnwrapOnlyByReaders'],
      ['operator', 'kms:DescribeKey', 'EnvelopeKey', none, 'SeeKeys'],
      ['delivery', 'kms:Decrypt', 'EnvelopeKey', right, '!UnwrapOnlyByReaders'],
      ['stranger', 'kms:DescribeKey', 'EnvelopeKey', none, '-'],
      ['stranger', 'kms:Decrypt', 'EnvelopeKey', right, '!UnwrapOnlyByReaders']
    ])
  )

  it(
    'by default: whoever IAM allows everything',
    asked(plans.default, [
      ['administrator', 'kms:Decrypt', 'EnvelopeKey', right, '!UnwrapOnlyByReaders'],
      ['administrator', 'kms:GenerateDataKey', 'EnvelopeKey', right, '!WrapOnlyByProducer'],
      ['administrator', 'kms:Encrypt', 'EnvelopeKey', right, '!WrapOnlyByProducer'],
      ['administrator', 'kms:ReEncryptTo', 'EnvelopeKey', right, '!WrapOnlyByProducer'],
      ['administrator', 'kms:ReEncryptFrom', 'EnvelopeKey', right, '!UnwrapOnlyByReaders'],
      ['administrator', 'kms:CreateGrant', 'EnvelopeKey', none, '!NoGrants'],
      ['administrator', 'kms:PutKeyPolicy', 'EnvelopeKey', none, 'Everything'],
      ['administrator', 'kms:GenerateMac', 'EnvelopeKey', none, '-'],
      [
        'administrator',
        'kms:ScheduleKeyDeletion',
        'EnvelopeKey',
        { 'kms:ScheduleKeyDeletionPendingWindowInDays': '7' },
        '!NoQuickDeletion'
      ],
      [
        'administrator',
        'kms:ScheduleKeyDeletion',
        'EnvelopeKey',
        { 'kms:ScheduleKeyDeletionPendingWindowInDays': '30' },
        'Everything'
      ],
      ['administrator', 'kms:Decrypt', 'StreamKey', kinesis, '-'],
      ['administrator', 'kms:Decrypt', 'SinkKey', s3, '-'],
      ['administrator', 'kms:GenerateDataKey', 'StateKey', sqs, '-'],
      ['administrator', 'kms:Decrypt', 'StateKey', dynamodb, '-'],
      ['administrator', 'kms:CreateGrant', 'StateKey', none, '-'],
      ['administrator', 'dynamodb:Scan', tableArn, none, '!OnlyConsumerTouchesLeases'],
      ['administrator', 'sqs:SendMessage', queueArn, none, '!OnlyDeclaredSends'],
      ['administrator', 'sqs:ReceiveMessage', queueArn, none, '!OnlyDeclaredDrains'],
      ['administrator', 's3:BypassGovernanceRetention', objectArn, none, '!DenyRetentionBypass'],
      ['administrator', 's3:DeleteObjectVersion', objectArn, none, '!DenyRetentionBypass']
    ])
  )

  it(
    'by default: the same roles with everything allowed by IAM besides',
    asked(
      plans.default,
      [
        ['consumer', 'kms:GenerateDataKey', 'EnvelopeKey', right, '!NeverWrap'],
        ['consumer', 'kms:Encrypt', 'EnvelopeKey', right, '!NeverWrap'],
        ['producer', 'kms:Decrypt', 'EnvelopeKey', right, '!NeverOpen'],
        ['delivery', 'kms:Decrypt', 'EnvelopeKey', right, '!UnwrapOnlyByReaders'],
        ['delivery', 'kms:GenerateDataKey', 'EnvelopeKey', right, '!WrapOnlyByProducer'],
        ['operator', 'kms:Decrypt', 'EnvelopeKey', right, '!UnwrapOnlyByReaders'],
        ['operator', 'kinesis:GetRecords', streamArn, none, '!NeverSeeRecords'],
        ['operator', 'sqs:ReceiveMessage', queueArn, none, '!NeverSeeRecords'],
        ['operator', 's3:GetObject', objectArn, none, '!NeverSeeRecords'],
        ['producer', 'kms:Decrypt', 'StreamKey', kinesis, '-'],
        ['producer', 'dynamodb:PutItem', tableArn, none, '!OnlyConsumerTouchesLeases'],
        ['producer', 'sqs:SendMessage', queueArn, none, '!OnlyDeclaredSends']
      ],
      true
    )
  )

  it(
    'by default: the keys at rest, through their services alone',
    asked(plans.default, [
      ['producer', 'kms:GenerateDataKey', 'StreamKey', kinesis, 'WriteThroughKinesis'],
      ['producer', 'kms:GenerateDataKey', 'StreamKey', otherKinesis, '-'],
      ['producer', 'kms:Decrypt', 'StreamKey', kinesis, '-'],
      ['consumer', 'kms:Decrypt', 'StreamKey', kinesis, 'ReadThroughKinesis'],
      ['consumer', 'kms:Decrypt', 'StreamKey', none, '-'],
      ['consumer', 'kms:Decrypt', 'StreamKey', otherKinesis, '-'],
      ['delivery', 'kms:Decrypt', 'StreamKey', kinesis, '-'],
      ['delivery', 'kms:GenerateDataKey', 'SinkKey', s3, 'DeliverToOrdersDelivered'],
      ['delivery', 'kms:GenerateDataKey', 'SinkKey', s3Object, '-'],
      ['delivery', 'kms:Decrypt', 'SinkKey', none, '-'],
      ['consumer', 'kms:Decrypt', 'SinkKey', s3, '-'],
      ['consumer', 'kms:Decrypt', 'StateKey', dynamodb, 'LeasesThroughDynamodb'],
      ['consumer', 'kms:Decrypt', 'StateKey', otherTable, '-'],
      ['consumer', 'kms:GenerateDataKey', 'StateKey', dynamodb, '-'],
      ['consumer', 'kms:GenerateDataKey', 'StateKey', sqs, 'DeadLettersThroughSqs'],
      ['consumer', 'kms:GenerateDataKey', 'StateKey', claims, 'ClaimsThroughS3'],
      ['consumer', 'kms:GenerateDataKey', 'StateKey', none, '-'],
      ['replayer', 'kms:Decrypt', 'StateKey', sqs, 'ReplayThroughSqs'],
      ['replayer', 'kms:Decrypt', 'StateKey', claims, 'ReplayThroughS3'],
      ['replayer', 'kms:GenerateDataKey', 'StateKey', sqs, '-'],
      ['operator', 'kms:Decrypt', 'StateKey', dynamodb, 'LeasesThroughDynamodb'],
      ['operator', 'kms:Decrypt', 'StateKey', sqs, '-'],
      ['producer', 'kms:GenerateDataKey', 'StateKey', sqs, '-']
    ])
  )

  it(
    'by default: stream, leases, deliveries, dead letters and objects',
    asked(plans.default, [
      ['producer', 'kinesis:PutRecords', streamArn, none, 'WriteStream'],
      ['producer', 'kinesis:GetRecords', streamArn, none, '-'],
      ['producer', 'kinesis:PutRecords', arn('kinesis', 'stream/invoices'), none, '-'],
      ['producer', 'kinesis:StopStreamEncryption', streamArn, none, '-'],
      ['consumer', 'kinesis:GetRecords', streamArn, none, 'Poll'],
      ['consumer', 'kinesis:PutRecords', streamArn, none, '-'],
      ['consumer', 'kinesis:SubscribeToShard', `${streamArn}/consumer/orders-worker:1`, none, '-'],
      ['consumer', 'kinesis:DecreaseStreamRetentionPeriod', streamArn, none, '-'],
      ['consumer', 'dynamodb:UpdateItem', tableArn, none, 'Checkpoint'],
      ['consumer', 'dynamodb:CreateTable', tableArn, none, '-'],
      ['consumer', 'dynamodb:DeleteTable', tableArn, none, '-'],
      ['consumer', 'dynamodb:Scan', `${tableArn}-CoordinatorState`, none, 'NoticeOtherFleets'],
      ['consumer', 'dynamodb:PutItem', `${tableArn}-CoordinatorState`, none, '-'],
      ['operator', 'dynamodb:Scan', tableArn, none, 'SeeLeases'],
      ['operator', 'dynamodb:UpdateItem', tableArn, none, '-'],
      ['stranger', 'dynamodb:Scan', tableArn, none, '!OnlyConsumerTouchesLeases'],
      ['consumer', 'firehose:PutRecordBatch', deliveryArn, none, 'Deliver'],
      ['consumer', 'firehose:PutRecordBatch', arn('firehose', 'deliverystream/other'), none, '-'],
      ['producer', 'firehose:PutRecordBatch', deliveryArn, none, '-'],
      ['consumer', 'sqs:SendMessage', queueArn, none, 'DeclaredSends'],
      ['consumer', 'sqs:ReceiveMessage', queueArn, none, '!OnlyDeclaredDrains'],
      ['replayer', 'sqs:ReceiveMessage', queueArn, none, 'DeclaredDrains'],
      ['replayer', 'sqs:SendMessage', queueArn, none, '!OnlyDeclaredSends'],
      ['replayer', 'kinesis:GetRecords', streamArn, none, '-'],
      ['replayer', 'dynamodb:Scan', tableArn, none, '!OnlyConsumerTouchesLeases'],
      [
        'consumer',
        'sqs:SendMessage',
        queueArn,
        { 'aws:SecureTransport': 'false' },
        '!DenyPlaintextTransport'
      ],
      ['consumer', 's3:PutObject', claimArn, none, 'Claims'],
      ['consumer', 's3:GetObject', claimArn, none, '-'],
      ['replayer', 's3:GetObject', claimArn, none, 'TakeClaims'],
      ['delivery', 's3:PutObject', objectArn, none, 'WriteObjects'],
      ['delivery', 's3:PutObject', `${bucketArn}/elsewhere/1`, none, '-'],
      ['delivery', 's3:DeleteObject', objectArn, none, '-'],
      ['delivery', 's3:PutObjectRetention', objectArn, none, '-'],
      ['stranger', 's3:GetObject', objectArn, none, '-']
    ])
  )

  const encryption = 's3:x-amz-server-side-encryption'
  const sinkKeyArn = arn('kms', 'key/SinkKey')
  it(
    'by default: uploads under the right encryption, over the right transport',
    asked(plans.default, [
      ['delivery', 's3:PutObject', objectArn, none, 'WriteObjects'],
      [
        'delivery',
        's3:PutObject',
        objectArn,
        { [encryption]: 'aws:kms', [`${encryption}-aws-kms-key-id`]: sinkKeyArn },
        'WriteObjects'
      ],
      ['delivery', 's3:PutObject', objectArn, { [encryption]: 'AES256' }, '!DenyOtherEncryption'],
      [
        'delivery',
        's3:PutObject',
        objectArn,
        { [encryption]: 'aws:kms', [`${encryption}-aws-kms-key-id`]: arn('kms', 'key/other') },
        '!DenyOtherKey'
      ],
      [
        'delivery',
        's3:PutObject',
        objectArn,
        { [`${encryption}-customer-algorithm`]: 'AES256' },
        '!DenyCustomerKeys'
      ],
      ['delivery', 's3:PutObject', objectArn, { 'aws:SecureTransport': 'false' }, '!DenyPlaintextTransport'],
      ['delivery', 's3:PutObject', objectArn, { 's3:TlsVersion': '1.1' }, '!DenyOldTls']
    ])
  )

  const elsewhere = 'arn:aws:kms:us-west-2:111122223333:key/elsewhere'
  it(
    'with a further key: data keys are encrypted under it, and come from the first one alone',
    asked({ name: 'orders', sealing: { additionalKeys: [elsewhere] } }, [
      ['producer', 'kms:GenerateDataKey', 'EnvelopeKey', right, 'ProducerWraps'],
      ['producer', 'kms:Encrypt', 'EnvelopeKey', right, '-'],
      ['producer', 'kms:Encrypt', elsewhere, right, 'ProducerWraps'],
      ['producer', 'kms:Encrypt', elsewhere, otherStream, '-'],
      ['producer', 'kms:Encrypt', elsewhere, none, '!OnlyWithContext'],
      ['producer', 'kms:GenerateDataKey', elsewhere, right, '-'],
      ['producer', 'kms:Decrypt', elsewhere, right, '!NeverOpen'],
      ['consumer', 'kms:Decrypt', elsewhere, right, 'ReadersUnwrap'],
      ['consumer', 'kms:Encrypt', elsewhere, right, '!NeverWrap'],
      ['administrator', 'kms:Encrypt', elsewhere, right, '!WrapOnlyByProducer']
    ])
  )

  it(
    'by enhanced fan-out: subscriptions, and polling where it may fall back',
    asked({ name: 'orders', consumer: { retrieval: 'fan-out' } }, [
      [
        'consumer',
        'kinesis:SubscribeToShard',
        `${streamArn}/consumer/orders-worker:1764000000`,
        none,
        'FanOut'
      ],
      ['consumer', 'kinesis:SubscribeToShard', `${streamArn}/consumer/other:1764000000`, none, '-'],
      ['consumer', 'kinesis:RegisterStreamConsumer', streamArn, none, '-'],
      ['consumer', 'kinesis:GetRecords', streamArn, none, '-']
    ])
  )

  it(
    'by enhanced fan-out that may fall back: polling, too',
    asked({ name: 'orders', consumer: { retrieval: 'fan-out', fallBackToPolling: true } }, [
      [
        'consumer',
        'kinesis:SubscribeToShard',
        `${streamArn}/consumer/orders-worker:1764000000`,
        none,
        'FanOut'
      ],
      ['consumer', 'kinesis:GetRecords', streamArn, none, 'Poll']
    ])
  )

  it(
    'with sealed bytes delivered: nobody but whoever reads them opens anything',
    asked(plans.ciphertext, [
      ['consumer', 'kms:Decrypt', 'EnvelopeKey', right, '!NeverOpen'],
      ['consumer', 'kms:DescribeKey', 'EnvelopeKey', none, '-'],
      ['replayer', 'kms:Decrypt', 'EnvelopeKey', right, '!NeverOpen'],
      ['producer', 'kms:GenerateDataKey', 'EnvelopeKey', right, 'ProducerWraps'],
      ['analyst', 'kms:Decrypt', 'EnvelopeKey', right, 'ReadersUnwrap'],
      ['analyst', 'kms:GenerateDataKey', 'EnvelopeKey', right, '!NeverWrap'],
      ['analyst', 'kms:Decrypt', 'SinkKey', s3, 'AnalystReadsThroughS3'],
      ['analyst', 's3:GetObject', objectArn, none, 'ReadObjects'],
      ['analyst', 's3:PutObject', objectArn, none, '-'],
      ['consumer', 'firehose:PutRecordBatch', deliveryArn, none, 'Deliver']
    ])
  )

  it(
    'with sealed bytes delivered and nobody to read them: nobody opens anything',
    asked({ name: 'orders', destinations: [{ kind: 's3', deliver: 'ciphertext' }] }, [
      ['consumer', 'kms:Decrypt', 'EnvelopeKey', right, '!NeverOpen'],
      ['administrator', 'kms:Decrypt', 'EnvelopeKey', right, '!UnwrapOnlyByReaders']
    ])
  )

  const tenant = (id: string): Context => ({ ...right, ...pairs({ tenant: id }) })
  it(
    'with tenants: each key for its own tenant',
    asked(plans.tenants, [
      ['producer', 'kms:GenerateDataKey', 'EnvelopeKeyA1', tenant('a1'), 'ProducerWraps'],
      ['producer', 'kms:GenerateDataKey', 'EnvelopeKeyA1', right, '-'],
      ['consumer', 'kms:Decrypt', 'EnvelopeKeyB2', tenant('b2'), 'ReadersUnwrap'],
      ['consumer', 'kms:Decrypt', 'EnvelopeKeyB2', right, '-'],
      ['consumer', 'kms:GenerateDataKey', 'EnvelopeKeyB2', tenant('b2'), '!NeverWrap'],
      ['consumer', 'kms:Decrypt', 'EnvelopeKeyA1', tenant('b2'), '-'],
      ['producer', 'kms:GenerateDataKey', 'EnvelopeKeyA1', tenant('b2'), '-'],
      ['administrator', 'kms:Decrypt', 'EnvelopeKeyA1', tenant('a1'), '!UnwrapOnlyByReaders']
    ])
  )

  it(
    'with keys that were given: by their ARNs',
    asked(plans.given, [
      ['producer', 'kms:GenerateDataKey', arn('kms', 'key/e0'), right, 'ProducerWraps'],
      ['consumer', 'kms:Decrypt', arn('kms', 'key/e0'), right, 'ReadersUnwrap'],
      ['consumer', 'kms:Decrypt', arn('kms', 'key/e1'), kinesis, 'ReadThroughKinesis'],
      ['consumer', 'kms:GenerateDataKey', arn('kms', 'key/e0'), right, '!NeverWrap']
    ])
  )

  it(
    'with readers and people of all kinds',
    asked({ ...plans.everything, network: { ...network } }, [
      ['transform', 'kms:Decrypt', 'EnvelopeKey', { ...right, ...pairs({ schema: '1' }) }, 'ReadersUnwrap'],
      ['transform', 'kms:Decrypt', 'EnvelopeKey', right, '-'],
      ['transform', 'kms:GenerateDataKey', 'EnvelopeKey', right, '!NeverWrap'],
      ['transform', 's3:PutObject', objectArn, none, '!NoSideDoor'],
      ['transform', 'kinesis:PutRecord', streamArn, none, '!NoSideDoor'],
      ['transform', 'kinesis:GetRecords', streamArn, none, '-'],
      ['sourced', 'kinesis:GetRecords', streamArn, none, 'ReadStream'],
      ['sourced', 'kms:Decrypt', 'StreamKey', kinesis, 'ReadThroughKinesis'],
      [
        'sourced',
        'kms:Decrypt',
        'EnvelopeKey',
        { ...right, ...pairs({ schema: '1' }) },
        '!UnwrapOnlyByReaders'
      ],
      ['sourced', 'lambda:InvokeFunction', arn('lambda', 'function:orders-open:live'), none, 'Transform'],
      ['sourced', 'lambda:InvokeFunction', arn('lambda', 'function:orders-open'), none, '-'],
      ['lambda', 'kinesis:GetRecords', streamArn, none, 'ReadStream'],
      ['lambda', 'kms:Decrypt', 'EnvelopeKey', { ...right, ...pairs({ schema: '1' }) }, 'ReadersUnwrap'],
      ['lambda', 'sqs:SendMessage', arn('sqs', 'orders-lambda-failures'), none, 'DeclaredSends'],
      ['lambda', 'sqs:SendMessage', queueArn, none, '!OnlyDeclaredSends'],
      ['kcl', 'kms:Decrypt', 'StreamKey', kinesis, 'ReadThroughKinesis'],
      ['kcl', 'dynamodb:Scan', tableArn, none, '!OnlyConsumerTouchesLeases'],
      [
        'redshift',
        'secretsmanager:GetSecretValue',
        arn('secretsmanager', 'secret:orders-redshift-a1B2c3'),
        none,
        'ReadSecret'
      ],
      ['redshift', 'secretsmanager:GetSecretValue', arn('secretsmanager', 'secret:other-a1B2c3'), none, '-'],
      [
        'redshift',
        'kms:Decrypt',
        'StateKey',
        via('secretsmanager', { SecretARN: arn('secretsmanager', 'secret:orders-redshift-a1B2c3') }),
        'SecretsThroughSecretsManager'
      ],
      [
        'analyst',
        'kms:Decrypt',
        'EnvelopeKey',
        { ...right, ...pairs({ schema: '1' }) },
        '!UnwrapOnlyByReaders'
      ],
      [
        'analyst',
        's3:GetObject',
        objectArn,
        { 'aws:SourceVpce': 'vpce-elsewhere', 'aws:ViaAWSService': 'false' },
        '!DenyOutsideEndpoint'
      ],
      ['analyst', 's3:GetObject', objectArn, { 'aws:SourceVpce': 'S3Endpoint' }, 'ReadObjects'],
      ['delivery', 's3:PutObject', objectArn, { 'aws:ViaAWSService': 'false' }, 'WriteObjects'],
      [
        'deployer',
        'iam:PassRole',
        roleArn('orders-s3-delivery'),
        { 'iam:PassedToService': 'firehose.amazonaws.com' },
        'PassDeliveryRoles'
      ],
      [
        'deployer',
        'iam:PassRole',
        roleArn('orders-s3-delivery'),
        { 'iam:PassedToService': 'lambda.amazonaws.com' },
        '-'
      ],
      ['administrator', 'kms:PutKeyPolicy', 'EnvelopeKey', none, '!PolicyOnlyByCustodian'],
      ['administrator', 's3:PutBucketObjectLockConfiguration', bucketArn, none, '!DenyRetentionBypass']
    ])
  )

  it(
    'with a KCL that shares the lease table',
    asked({ ...plans.everything, network: { ...network }, consumer: { foreignWorkers: true } }, [
      ['kcl', 'dynamodb:UpdateItem', tableArn, none, 'Checkpoint'],
      ['kcl', 'kms:Decrypt', 'StateKey', dynamodb, 'LeasesThroughDynamodb'],
      ['kcl', 'dynamodb:DeleteTable', tableArn, none, '-'],
      ['lambda', 'dynamodb:Scan', tableArn, none, '!OnlyConsumerTouchesLeases']
    ])
  )

  it(
    'with a leader that assigns the leases',
    asked({ name: 'orders', consumer: { leaseProtocol: 'kcl3' } }, [
      ['consumer', 'dynamodb:Query', ownerIndexArn, none, 'FindAssignedLeases'],
      ['consumer', 'dynamodb:Query', tableArn, none, '-'],
      ['consumer', 'dynamodb:Scan', `${tableArn}-CoordinatorState`, none, 'NoticeOtherFleets'],
      ['consumer', 'dynamodb:PutItem', `${tableArn}-CoordinatorState`, none, '-'],
      ['consumer', 'dynamodb:UpdateTable', tableArn, none, '-'],
      ['stranger', 'dynamodb:Query', tableArn, none, '!OnlyConsumerTouchesLeases']
    ])
  )

  it(
    'with a leader, and a KCL 3 that shares the lease table',
    asked({ ...plans.everything, network, consumer: { foreignWorkers: true, leaseProtocol: 'kcl3' } }, [
      ['consumer', 'dynamodb:UpdateItem', `${tableArn}-WorkerMetricStats`, none, 'NoticeOtherFleets'],
      ['consumer', 'dynamodb:DeleteItem', `${tableArn}-CoordinatorState`, none, 'NoticeOtherFleets'],
      ['kcl', 'dynamodb:Query', ownerIndexArn, none, 'FindAssignedLeases'],
      ['kcl', 'dynamodb:UpdateItem', tableArn, none, 'Checkpoint']
    ])
  )

  const functionVariables = via('lambda', {
    'aws:lambda:FunctionArn': arn('lambda', 'function:orders-count')
  })
  it(
    'with functions that are made: each what it is for',
    asked(plans.services, [
      ['counting', 'kinesis:GetRecords', streamArn, none, 'ReadStream'],
      ['counting', 'kinesis:PutRecords', streamArn, none, '-'],
      ['counting', 'kms:Decrypt', 'StreamKey', kinesis, 'ReadThroughKinesis'],
      ['counting', 'kms:Decrypt', 'EnvelopeKey', right, 'ReadersUnwrap'],
      ['counting', 'kms:GenerateDataKey', 'EnvelopeKey', right, '!NeverWrap'],
      ['counting', 'sqs:SendMessage', arn('sqs', 'orders-lambda-failures'), none, 'DeclaredSends'],
      ['counting', 'ec2:CreateNetworkInterface', '*', none, 'Interfaces'],
      [
        'counting',
        'ec2:CreateNetworkInterface',
        '*',
        { 'lambda:SourceFunctionArn': arn('lambda', 'function:orders-count') },
        '-'
      ],
      ['counting', 'kms:Decrypt', 'StateKey', functionVariables, '-'],
      ['transform', 'kms:Decrypt', 'EnvelopeKey', right, 'ReadersUnwrap'],
      ['transform', 'kinesis:GetRecords', streamArn, none, '-'],
      ['deployer', 'kms:Encrypt', 'StateKey', functionVariables, 'DeployerSetsVariables'],
      ['deployer', 'kms:Encrypt', 'StateKey', none, '-'],
      [
        'deployer',
        'iam:PassRole',
        roleArn('orders-count-reader'),
        { 'iam:PassedToService': 'lambda.amazonaws.com' },
        'PassFunctionRoles'
      ],
      [
        'deployer',
        'iam:PassRole',
        roleArn('orders-count-reader'),
        { 'iam:PassedToService': 'firehose.amazonaws.com' },
        '-'
      ]
    ])
  )

  const masterSecret = arn('secretsmanager', 'secret:redshift!orders-administrator-a1B2c3')
  const made = { 'kms:GrantIsForAWSResource': 'true' }
  it(
    'with a cluster and a domain: services get grants on the sink key, and the deployer keeps one password',
    asked(withLoadedCluster, [
      ['deployer', 'kms:CreateGrant', 'SinkKey', { ...via('redshift', {}), ...made }, 'ClusterGetsGrants'],
      ['deployer', 'kms:CreateGrant', 'SinkKey', { ...via('es', {}), ...made }, 'DomainGetsGrants'],
      ['deployer', 'kms:CreateGrant', 'SinkKey', via('es', {}), '-'],
      ['administrator', 'kms:CreateGrant', 'SinkKey', { ...via('es', {}), ...made }, '-'],
      [
        'deployer',
        'kms:GenerateDataKey',
        'StateKey',
        via('secretsmanager', { SecretARN: masterSecret }),
        'DeployerLetsRedshiftKeepPassword'
      ],
      [
        'deployer',
        'kms:GenerateDataKey',
        'StateKey',
        via('secretsmanager', { SecretARN: arn('secretsmanager', 'secret:orders-redshift-a1B2c3') }),
        '-'
      ],
      ['redshift', 'secretsmanager:GetSecretValue', masterSecret, none, '-']
    ])
  )

  const domain = arn('es', 'domain/orders')
  it(
    'with a domain: Firehose writes its index, the analyst searches, the master maps roles',
    asked(plans.services, [
      ['search', 'kms:Decrypt', 'SinkKey', via('es', {}), '-'],
      ['search', 'es:ESHttpPost', `${domain}/_bulk`, none, 'OrdersOpensearchIndex'],
      ['search', 'es:ESHttpPut', `${domain}/orders-2026-11-25/_doc/1`, none, 'OrdersOpensearchIndex'],
      ['search', 'es:ESHttpPut', `${domain}/invoices/_doc/1`, none, '-'],
      ['search', 'es:ESHttpDelete', `${domain}/orders-2026-11-25`, none, '-'],
      ['search', 'es:ESHttpPut', `${domain}/_plugins/_security/api/rolesmapping/all_access`, none, '-'],
      ['consumer', 'es:ESHttpPost', `${domain}/_bulk`, none, '-'],
      ['analyst', 'es:ESHttpPost', `${domain}/orders-2026-11-25/_search`, none, 'AnalystSearches'],
      ['analyst', 'es:ESHttpPost', `${domain}/_bulk`, none, '-'],
      ['master', 'es:ESHttpPut', `${domain}/_plugins/_security/api/roles/x`, none, 'MasterMapsRoles'],
      ['master', 'es:ESHttpGet', `${domain}/orders-2026-11-25/_search`, none, '-'],
      ['stranger', 'es:ESHttpGet', `${domain}/_search`, none, '-']
    ])
  )

  const output = arn('kinesis', 'stream/orders-counted')
  const intoOutput = via('kinesis', { 'aws:kinesis:arn': output })
  const state = via('kinesisanalytics', {
    'aws:kinesisanalytics:arn': arn('kinesisanalytics', 'application/orders-flink')
  })
  const grant = { 'kms:GrantConstraintType': 'EncryptionContextSubset', 'kms:GrantOperations': ['Decrypt'] }
  it(
    'with Flink: it reads one stream and writes another, and opens nothing',
    asked(plans.services, [
      ['flink', 'kinesis:GetRecords', streamArn, none, 'ReadStream'],
      ['flink', 'kinesis:PutRecords', streamArn, none, '-'],
      ['flink', 'kinesis:PutRecords', output, none, 'WriteOutput'],
      ['flink', 'kinesis:GetRecords', output, none, '-'],
      ['flink', 'kms:Decrypt', 'StreamKey', kinesis, 'ReadThroughKinesis'],
      ['flink', 'kms:Decrypt', 'EnvelopeKey', right, '!NeverOpen'],
      ['flink', 'kms:GenerateDataKey', 'ServicesKey', intoOutput, 'FlinkWritesThroughKinesis'],
      ['flink', 'kms:GenerateDataKey', 'ServicesKey', kinesis, '-'],
      ['flink', 'kms:Decrypt', 'ServicesKey', state, '-'],
      ['flink', 's3:GetObject', 'arn:aws:s3:::orders-reference/countries.csv', none, 'ReadReference'],
      ['flink', 's3:GetObject', 'arn:aws:s3:::orders-reference/others.csv', none, '-'],
      ['deployer', 'kms:GenerateDataKey', 'ServicesKey', state, 'DeployerMakesApplication'],
      ['deployer', 'kms:CreateGrant', 'ServicesKey', { ...state, ...grant }, 'DeployerLetsItRun'],
      ['deployer', 'kms:CreateGrant', 'ServicesKey', state, '-'],
      ['administrator', 'kms:Decrypt', 'ServicesKey', state, '-']
    ])
  )

  const errors = via('sqs', { 'aws:sqs:arn': arn('sqs', 'orders-iot-errors') })
  it(
    'with devices: the rule puts single records, and its error action messages',
    asked(plans.services, [
      ['iotRule', 'kinesis:PutRecord', streamArn, none, 'PutRecord'],
      ['iotRule', 'kinesis:PutRecord', output, none, '-'],
      ['iotRule', 'kinesis:GetRecords', streamArn, none, '-'],
      ['iotRule', 'kms:GenerateDataKey', 'StreamKey', kinesis, 'WriteThroughKinesis'],
      ['iotRule', 'kms:GenerateDataKey', 'EnvelopeKey', right, '!WrapOnlyByProducer'],
      ['iotRule', 'sqs:SendMessage', arn('sqs', 'orders-iot-errors'), none, '!OnlyDeclaredSends'],
      ['iotError', 'sqs:SendMessage', arn('sqs', 'orders-iot-errors'), none, 'DeclaredSends'],
      ['iotError', 'sqs:SendMessage', queueArn, none, '!OnlyDeclaredSends'],
      ['iotError', 'kms:GenerateDataKey', 'StateKey', errors, 'IotErrorsThroughSqs'],
      ['iotError', 'kinesis:PutRecord', streamArn, none, '-'],
      ['iotKey', 'kms:Decrypt', 'ServicesKey', via('iot', {}), 'IotKeepsWhatItHas'],
      ['iotKey', 'kms:Decrypt', 'ServicesKey', none, '-'],
      [
        'iotLogging',
        'logs:PutLogEvents',
        arn('logs', 'log-group:AWSIotLogsV2:log-stream:a'),
        none,
        'WriteLog'
      ],
      ['iotLogging', 'logs:PutLogEvents', arn('logs', 'log-group:other:log-stream:a'), none, '-']
    ])
  )

  it(
    'with a database: the consumer connects as its user, and nobody else does',
    asked(plans.services, [
      ['consumer', 'rds-db:connect', arn('rds-db', 'dbuser:cluster-ABC123/lookup'), none, 'LookUp'],
      ['consumer', 'rds-db:connect', arn('rds-db', 'dbuser:cluster-ABC123/admin'), none, '-'],
      ['producer', 'rds-db:connect', arn('rds-db', 'dbuser:cluster-ABC123/lookup'), none, '-']
    ])
  )

  const catalogue = via('glue', { glue_catalog_id: accountId })
  it(
    'with a catalogue: the converting delivery stream reads its own table, through Glue alone',
    asked(plans.services, [
      ['delivery', 'glue:GetTable', arn('glue', 'table/orders/orders_s3'), none, 'ReadSchema'],
      ['delivery', 'glue:GetTable', arn('glue', 'table/orders/other'), none, '-'],
      ['delivery', 'glue:UpdateTable', arn('glue', 'table/orders/orders_s3'), none, '-'],
      ['delivery', 'kms:Decrypt', 'ServicesKey', catalogue, 'DeliveriesReadSchemas'],
      ['delivery', 'kms:Decrypt', 'ServicesKey', none, '-'],
      ['delivery', 'kms:GenerateDataKey', 'ServicesKey', catalogue, '-'],
      ['deployer', 'kms:Encrypt', 'ServicesKey', catalogue, 'DeployerMakesTables'],
      ['deployer', 'kms:Decrypt', 'ServicesKey', none, '-'],
      ['consumer', 'kms:Decrypt', 'ServicesKey', catalogue, '-'],
      ['administrator', 'kms:Decrypt', 'ServicesKey', catalogue, '-']
    ])
  )

  it('with pinned endpoints: workloads through them alone, services from wherever they are', () => {
    const plan = { name: 'orders', network: { ...network, pinToEndpoint: true }, roles: people } as const
    const through = { 'aws:SourceVpce': 'KinesisStreamsEndpoint' }
    asked(plan, [
      ['producer', 'kinesis:PutRecords', streamArn, through, 'WriteStream'],
      ['producer', 'kinesis:PutRecords', streamArn, { 'aws:SourceVpce': 'vpce-elsewhere' }, '-'],
      ['producer', 'kinesis:PutRecords', streamArn, none, '-'],
      ['consumer', 'kms:Decrypt', 'StreamKey', kinesis, 'ReadThroughKinesis'],
      ['delivery', 's3:PutObject', objectArn, none, 'WriteObjects']
    ])()
    const { endpointPolicies } = planAccess(plan, { accountId, region })
    const limit = endpointPolicies.get('kms')!
    const access = planAccess(plan, { accountId, region })
    const decision = (action: string) =>
      evaluate(
        {
          principal: { arn: roleArn('orders-consumer'), accountId },
          action,
          resource: access.keyArns.StreamKey!,
          context: kinesis
        },
        { resource: access.resourcePolicies.get(access.keyArns.StreamKey!)!, limits: [limit] }
      ).effect
    expect(decision('kms:Decrypt')).toBe('implicitDeny')
  })

  const cluster = arn('cloudhsm', 'cluster/CloudHsmCluster')
  it(
    'with HSMs: the custodian builds what the key is going to be in, and uses no key',
    asked(hsmPlan, [
      ['custodian', 'cloudhsm:CreateHsm', cluster, none, 'FillCluster'],
      ['custodian', 'cloudhsm:CreateHsm', arn('cloudhsm', 'cluster/other'), none, '-'],
      ['custodian', 'cloudhsm:DeleteHsm', cluster, none, '-'],
      ['custodian', 'cloudhsm:DeleteCluster', cluster, none, '-'],
      ['custodian', 'kms:CreateKey', '*', { 'kms:KeyOrigin': 'AWS_CLOUDHSM' }, 'MakeKeysInHsms'],
      ['custodian', 'kms:CreateKey', '*', { 'kms:KeyOrigin': 'AWS_KMS' }, '-'],
      ['custodian', 'kms:Decrypt', 'EnvelopeKey', right, '!UnwrapOnlyByReaders'],
      ['custodian', 'kms:GenerateDataKey', 'EnvelopeKey', right, '!WrapOnlyByProducer'],
      ['custodian', 'ec2:CreateNetworkInterface', '*', { 'aws:RequestedRegion': region }, 'ConnectHsms'],
      ['custodian', 'ec2:CreateNetworkInterface', '*', { 'aws:RequestedRegion': 'us-east-1' }, '-'],
      ['deployer', 'cloudhsm:CreateHsm', cluster, none, '-'],
      ['producer', 'cloudhsm:DescribeClusters', '*', none, '-'],
      ['consumer', 'kms:ConnectCustomKeyStore', '*', none, '-']
    ])
  )
})
