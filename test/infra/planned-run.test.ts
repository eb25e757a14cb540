import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  GetShardIteratorCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  StartStreamEncryptionCommand
} from '@aws-sdk/client-kinesis'
import { CreateKeyCommand, GenerateDataKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { PutBucketEncryptionCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LeaseAttribute } from '../../consumer/leases/lease-schema.ts'
import { createKinesisClient } from '../../core/kinesis-client.ts'
import { planAuthorizer } from '../../infra/plan-access.ts'
import type { LocalAuthorize, LocalEngines } from '../../local/index.ts'
import {
  createPipeline,
  definePipeline,
  embeddedEngine,
  type Pipeline,
  type PipelinePlan
} from '../../pipeline/index.ts'
import { opened, openLocal } from '../helpers/local.ts'

interface Stack {
  readonly local: LocalEngines
  readonly plan: PipelinePlan
  /** The pipeline as one of the roles of the plan runs it. */
  as(role: string): Pipeline
  /** What was refused since the plan's policies decide. */
  readonly refused: string[]
}

const delivery = { kind: 's3', roleArn: 'arn:aws:iam::000000000000:role/orders-s3-delivery' } as const

/** What the template would make, on engines that decide by the policies of the plan once it is there. */
async function deployed(
  members: Omit<PipelinePlan, 'name'> = {},
  tenants: readonly string[] = []
): Promise<Stack> {
  let decide: LocalAuthorize = () => 'allow'
  const refused: string[] = []
  const local = await openLocal({
    authorize: async request => {
      const decision = await decide(request)
      if (decision !== 'allow') refused.push(`${request.principal}: ${request.action} on ${request.resource}`)
      return decision
    }
  })
  const kms = opened(new KMSClient(local.clientConfig('kms')))
  const makeKey = async () => ({ arn: (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn! })
  const keys = {
    ...(tenants.length === 0 ? { envelope: await makeKey() } : {}),
    stream: await makeKey(),
    sink: await makeKey(),
    state: await makeKey()
  }
  const ofTenants: Record<string, string> = {}
  for (const tenant of tenants) ofTenants[tenant] = (await makeKey()).arn
  const plan: PipelinePlan = {
    name: 'orders',
    stream: { shards: 1 },
    destinations: [delivery],
    keys,
    ...(tenants.length === 0 ? {} : { sealing: { tenants: ofTenants } }),
    ...members,
    deadLetters: {
      ...members.deadLetters,
      ...(members.deadLetters?.kind === 's3' ? {} : { keyId: keys.state.arn })
    }
  }
  const as = (role: string): Pipeline => {
    const credentials = { accessKeyId: role, secretAccessKey: 'secret' }
    const pipeline = createPipeline(plan, { engine: { ...embeddedEngine(local), credentials } })
    onTestFinished(() => pipeline.close())
    return pipeline
  }
  await as('setup').provision()
  const kinesis = opened(createKinesisClient(local.clientConfig('kinesis')))
  const s3 = opened(new S3Client(local.clientConfig('s3')))
  const dynamodb = opened(new DynamoDBClient(local.clientConfig('dynamodb')))
  if (plan.consumer?.retrieval === 'fan-out') {
    const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/orders'
    await kinesis.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'orders-worker' }))
  }
  await kinesis.send(
    new StartStreamEncryptionCommand({ StreamName: 'orders', EncryptionType: 'KMS', KeyId: keys.stream.arn })
  )
  for (const [Bucket, key] of [
    ['orders-delivered', keys.sink],
    ['orders-dead-letters', keys.state]
  ] as const) {
    const ServerSideEncryptionConfiguration = {
      Rules: [
        {
          ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const, KMSMasterKeyID: key.arn },
          BucketKeyEnabled: true
        }
      ]
    }
    await s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration }))
  }
  await dynamodb.send(
    new CreateTableCommand({
      TableName: 'orders-worker',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: LeaseAttribute.leaseKey, AttributeType: 'S' }],
      KeySchema: [{ AttributeName: LeaseAttribute.leaseKey, KeyType: 'HASH' }]
    })
  )
  decide = planAuthorizer(plan)
  return { local, plan, as, refused }
}

async function put(pipeline: Pipeline, count: number): Promise<void> {
  const producer = pipeline.createProducer()
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      producer.put({ partitionKey: `k${index}`, data: Buffer.from(`{"id":${index}}`) })
    )
  )
  await producer.close()
}

/** Runs a worker until it has processed or dead-lettered that many records. */
async function work(pipeline: Pipeline, count: number): Promise<void> {
  const stop = new AbortController()
  const worker = pipeline.createWorker({ workerId: 'w1' })
  const running = worker.run({ signal: stop.signal })
  await expect
    .poll(() => worker.stats.processed + worker.stats.deadLettered, { timeout: 25_000 })
    .toBeGreaterThanOrEqual(count)
  stop.abort()
  await running
}

async function deliveredObjects(local: LocalEngines): Promise<number | undefined> {
  await local.flushFirehose()
  return (await local.inspect.s3()).buckets.find(({ name }) => name === 'orders-delivered')?.count
}

/** A record that no worker takes: it is not sealed. */
async function putPlain(local: LocalEngines, dataBytes: number): Promise<void> {
  const credentials = { accessKeyId: 'orders-producer', secretAccessKey: 'secret' }
  const kinesis = opened(createKinesisClient({ ...local.clientConfig('kinesis'), credentials }))
  const Records = [{ PartitionKey: 'k', Data: Buffer.alloc(dataBytes, 'x') }]
  await kinesis.send(new PutRecordsCommand({ StreamName: 'orders', Records }))
}

describe('a pipeline on the policies of its plan', { timeout: 60_000 }, () => {
  it.each([
    ['polling', {}],
    ['sealed bytes delivered', { deliver: 'ciphertext' }]
  ] as const)('has every right that it uses, from put to delivery: %s', async (_, members) => {
    const { local, as, refused } = await deployed({ destinations: [{ ...delivery, ...members }] })
    await put(as('orders-producer'), 20)
    await work(as('orders-consumer'), 1)
    expect(await deliveredObjects(local)).toBe(1)
    expect(refused).toEqual([])
  })

  it('has every right that it uses by enhanced fan-out', async () => {
    const { local, as, refused } = await deployed({ consumer: { retrieval: 'fan-out' } })
    await put(as('orders-producer'), 20)
    await work(as('orders-consumer'), 20)
    expect(await deliveredObjects(local)).toBe(1)
    expect(refused).toEqual([])
  })

  it('has every right that it uses with a key for each tenant', async () => {
    const { local, as, refused } = await deployed({}, ['a1', 'b2'])
    const producer = as('orders-producer').createProducer({ keyFor: ({ partitionKey }) => partitionKey })
    const data = Buffer.from('{"id":1}')
    await Promise.all(['a1', 'b2', 'a1'].map(partitionKey => producer.put({ partitionKey, data })))
    await producer.close()
    await work(as('orders-consumer'), 3)
    expect(await deliveredObjects(local)).toBe(1)
    expect(refused).toEqual([])
  })

  it.each(['sqs', 's3'] as const)(
    'has every right that it uses to put aside and to replay: %s',
    async kind => {
      const { local, as, refused } = await deployed({
        deadLetters: { kind }
      })
      // Too large for a message, so that a claim is stored, and small enough for one.
      await putPlain(local, 900_000)
      await putPlain(local, 10)
      await work(as('orders-consumer'), 2)
      const replayed = await as('orders-replayer').replayDeadLetters({ limit: 2, maxDurationMs: 5_000 })
      expect(replayed).toMatchObject({ replayed: 0, failed: 2 })
      expect(refused).toEqual([])
    }
  )

  it('lets no role do what another is for', async () => {
    const { local, plan, refused } = await deployed()
    const credentialsOf = (accessKeyId: string) => ({
      credentials: { accessKeyId, secretAccessKey: 'secret' },
      maxAttempts: 1
    })
    const consumer = credentialsOf('orders-consumer')
    const producer = credentialsOf('orders-producer')
    const kms = opened(new KMSClient({ ...local.clientConfig('kms'), ...consumer }))
    const writing = opened(createKinesisClient({ ...local.clientConfig('kinesis'), ...consumer }))
    const reading = opened(createKinesisClient({ ...local.clientConfig('kinesis'), ...producer }))
    const KeyId = definePipeline(plan).sealing.keyId
    const EncryptionContext = { pipeline: 'orders', stream: 'orders' }
    const Records = [{ PartitionKey: 'k', Data: Buffer.from('x') }]
    const shard = { StreamName: 'orders', ShardId: 'shardId-000000000000' }
    await expect(
      kms.send(new GenerateDataKeyCommand({ KeyId, EncryptionContext, KeySpec: 'AES_256' }))
    ).rejects.toMatchObject({ name: 'AccessDeniedException' })
    await expect(
      writing.send(new PutRecordsCommand({ StreamName: 'orders', Records }))
    ).rejects.toMatchObject({ name: 'AccessDeniedException' })
    await expect(
      reading.send(new GetShardIteratorCommand({ ...shard, ShardIteratorType: 'TRIM_HORIZON' }))
    ).rejects.toMatchObject({ name: 'AccessDeniedException' })
    expect(refused).toHaveLength(3)
  })
})
