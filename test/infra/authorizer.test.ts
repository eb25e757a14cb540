import { CreateDeliveryStreamCommand, FirehoseClient, PutRecordCommand } from '@aws-sdk/client-firehose'
import {
  CreateStreamCommand,
  GetShardIteratorCommand,
  KinesisClient,
  PutRecordsCommand
} from '@aws-sdk/client-kinesis'
import {
  CreateKeyCommand,
  DecryptCommand,
  GenerateDataKeyCommand,
  KMSClient,
  PutKeyPolicyCommand,
  ScheduleKeyDeletionCommand
} from '@aws-sdk/client-kms'
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import {
  type AuthorizationQuestion,
  authorizer,
  type NamedPolicy,
  type PolicyDocument
} from '../../infra/index.ts'
import type { LocalAuthorize } from '../../local/index.ts'
import { opened, openLocal } from '../helpers/local.ts'
import { consumerPolicy, envelopeKeyPolicy, firehosePolicy, producerPolicy } from './least-privilege.ts'

const accountId = '000000000000'
const role = (name: string) => `arn:aws:iam::${accountId}:role/${name}`
const queue = `arn:aws:sqs:us-east-1:${accountId}:q`

const everything: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }]
}

function identities(documents: Readonly<Record<string, PolicyDocument>>) {
  return new Map(
    Object.entries(documents).map(([name, document]): [string, NamedPolicy[]] => [
      role(name),
      [{ name, document }]
    ])
  )
}

const question: AuthorizationQuestion = {
  action: 'sqs:SendMessage',
  resource: queue,
  resourcePolicy: undefined,
  principal: 'app',
  context: {}
}

function resourcePolicy(Principal: object | '*', Effect = 'Allow'): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect, Principal, Action: '*', Resource: '*' }]
  })
}

describe('authorizer', () => {
  it('finds the role of an access key: the one it was told, or the one of that name', () => {
    const identityPolicies = identities({ app: everything })
    const decide = authorizer({ principals: { AKIAP: role('app') }, identityPolicies })
    const of = (principal: string | undefined) => decide({ ...question, principal })
    expect(['AKIAP', 'app', role('app'), 'other', undefined].map(of)).toEqual([
      'allow',
      'allow',
      'allow',
      'implicitDeny',
      'implicitDeny'
    ])
  })

  it('takes the policy that was put to the engine, unless it was given another one', () => {
    const put = { ...question, resourcePolicy: resourcePolicy({ AWS: role('app') }) }
    const denied: PolicyDocument = {
      Statement: [{ Effect: 'Deny', Principal: '*', Action: '*', Resource: '*' }]
    }
    expect(authorizer({})(put)).toBe('allow')
    const resourcePolicies = new Map([[queue, { name: 'queue', document: denied }]])
    expect(authorizer({ resourcePolicies })(put)).toBe('deny')
  })

  it('finds the policy of a bucket for its objects, and of a table for its indexes', () => {
    const table = `arn:aws:dynamodb:us-east-1:${accountId}:table/t`
    const document: PolicyDocument = {
      Statement: [{ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }]
    }
    const resourcePolicies = new Map(
      ['arn:aws:s3:::b', table].map(arn => [arn, { name: arn, document }] as const)
    )
    const decide = authorizer({ resourcePolicies })
    const of = (action: string, resource: string) => decide({ ...question, action, resource })
    expect(of('s3:GetObject', 'arn:aws:s3:::b/k/l')).toBe('allow')
    expect(of('s3:GetObject', 'arn:aws:s3:::c/k')).toBe('implicitDeny')
    expect(of('dynamodb:Query', `${table}/index/i`)).toBe('allow')
  })

  it('takes who has not signed for nobody, and for no service', () => {
    const open = { ...question, principal: undefined, resourcePolicy: resourcePolicy('*') }
    expect(authorizer({})(open)).toBe('allow')
    const Condition = {
      Bool: { 'aws:PrincipalIsAWSService': 'false' },
      Null: { 'aws:PrincipalServiceName': 'true' }
    }
    const forPeople = JSON.stringify({
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Principal: '*', Action: '*', Resource: '*', Condition }
    })
    expect(authorizer({})({ ...open, resourcePolicy: forPeople })).toBe('allow')
  })

  it('holds limits', () => {
    const document: PolicyDocument = { Statement: [{ Effect: 'Allow', Action: 'kms:*', Resource: '*' }] }
    const identityPolicies = identities({ app: everything })
    expect(authorizer({ identityPolicies, limits: [{ name: 'limit', document }] })(question)).toBe(
      'implicitDeny'
    )
  })
})

describe('the embedded engines under the policies of a pipeline', () => {
  /** Of the account and the region that the engines have, about keys that are there. */
  function placed(document: PolicyDocument, keyArn = ''): PolicyDocument {
    const text = JSON.stringify(document)
      .replaceAll('111122223333', accountId)
      .replaceAll('eu-central-1', 'us-east-1')
      .replaceAll(`arn:aws:kms:us-east-1:${accountId}:key/envelope`, keyArn)
    return JSON.parse(text) as PolicyDocument
  }

  async function start() {
    const identityPolicies = identities({
      administrator: everything,
      'orders-firehose': placed(firehosePolicy)
    })
    const authorize: LocalAuthorize = authorizer({ identityPolicies })
    const local = await openLocal({ authorize, services: ['kinesis', 'kms', 's3', 'firehose'] })
    const as = (accessKeyId: string) => ({ accessKeyId, secretAccessKey: 'secret' })
    const kmsOf = (name: string) =>
      opened(new KMSClient({ ...local.clientConfig('kms'), credentials: as(name), maxAttempts: 1 }))
    const kinesisOf = (name: string) =>
      opened(new KinesisClient({ ...local.clientConfig('kinesis'), credentials: as(name), maxAttempts: 1 }))
    const { KeyMetadata: key } = await kmsOf('administrator').send(new CreateKeyCommand({}))
    await kmsOf('administrator').send(
      new PutKeyPolicyCommand({ KeyId: key!.KeyId, Policy: JSON.stringify(placed(envelopeKeyPolicy)) })
    )
    identityPolicies.set(role('orders-producer'), [
      { name: 'producer', document: placed(producerPolicy, key!.Arn) }
    ])
    identityPolicies.set(role('orders-consumer'), [
      { name: 'consumer', document: placed(consumerPolicy, key!.Arn) }
    ])
    return { local, as, kmsOf, kinesisOf, KeyId: key!.KeyId! }
  }
  const refused = { name: 'AccessDeniedException' }

  it('let the producer wrap and write, the consumer unwrap and read, and nobody more', async () => {
    const { kmsOf, kinesisOf, KeyId } = await start()
    const EncryptionContext = { pipeline: 'orders', stream: 'orders' }
    const wrap = new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext })
    const { CiphertextBlob } = await kmsOf('orders-producer').send(wrap)
    const unwrap = new DecryptCommand({ KeyId, CiphertextBlob, EncryptionContext })
    await expect(kmsOf('orders-consumer').send(unwrap)).resolves.toHaveProperty('Plaintext')
    await expect(kmsOf('orders-producer').send(unwrap)).rejects.toMatchObject(refused)
    await expect(kmsOf('orders-consumer').send(wrap)).rejects.toMatchObject(refused)
    await expect(kmsOf('administrator').send(unwrap)).rejects.toMatchObject(refused)
    const withoutContext = new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' })
    await expect(kmsOf('orders-producer').send(withoutContext)).rejects.toMatchObject(refused)

    await kinesisOf('administrator').send(new CreateStreamCommand({ StreamName: 'orders', ShardCount: 1 }))
    const put = new PutRecordsCommand({
      StreamName: 'orders',
      Records: [{ PartitionKey: 'p', Data: Buffer.from('x') }]
    })
    await expect(kinesisOf('orders-producer').send(put)).resolves.toMatchObject({ FailedRecordCount: 0 })
    await expect(kinesisOf('orders-consumer').send(put)).rejects.toMatchObject(refused)
    const read = new GetShardIteratorCommand({
      StreamName: 'orders',
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'TRIM_HORIZON'
    })
    await expect(kinesisOf('orders-consumer').send(read)).resolves.toHaveProperty('ShardIterator')
    await expect(kinesisOf('orders-producer').send(read)).rejects.toMatchObject(refused)
  })

  it('let the administrator delete the key slowly alone', async () => {
    const { kmsOf, KeyId } = await start()
    const schedule = (PendingWindowInDays: number) =>
      kmsOf('administrator').send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays }))
    await expect(schedule(7)).rejects.toMatchObject(refused)
    await expect(schedule(30)).resolves.toHaveProperty('DeletionDate')
  })

  it('let a delivery stream write below its prefixes alone', async () => {
    const { local, as } = await start()
    const admin = { credentials: as('administrator') }
    const s3 = opened(new S3Client({ ...local.clientConfig('s3'), ...admin }))
    const firehose = opened(new FirehoseClient({ ...local.clientConfig('firehose'), ...admin }))
    await s3.send(new CreateBucketCommand({ Bucket: 'orders-sink' }))
    const deliver = async (name: string, Prefix: string) => {
      await firehose.send(
        new CreateDeliveryStreamCommand({
          DeliveryStreamName: name,
          ExtendedS3DestinationConfiguration: {
            RoleARN: role('orders-firehose'),
            BucketARN: 'arn:aws:s3:::orders-sink',
            Prefix
          }
        })
      )
      await firehose.send(
        new PutRecordCommand({ DeliveryStreamName: name, Record: { Data: Buffer.from('x') } })
      )
    }
    await deliver('right', 'data/')
    await deliver('wrong', 'elsewhere/')
    await local.flushFirehose()
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'orders-sink' }))
    expect(Contents.map(({ Key }) => Key)).toEqual([expect.stringMatching(/^data\//)])
  })
})
