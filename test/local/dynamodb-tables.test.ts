import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  ListTablesCommand,
  ListTagsOfResourceCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateContinuousBackupsCommand,
  UpdateItemCommand,
  UpdateTableCommand,
  type UpdateTableCommandInput,
  UpdateTimeToLiveCommand
} from '@aws-sdk/client-dynamodb'
import { CreateKeyCommand, DisableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import { AwsError, type Fault, type LocalOptions } from '../../local/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { opened, openLocal } from '../helpers/local.ts'

const TableName = 'table'

async function open(options: LocalOptions = {}) {
  const local = await openLocal(options)
  const client = opened(new DynamoDBClient({ ...local.clientConfig('dynamodb'), maxAttempts: 1 }))
  return {
    local,
    client,
    create: (input: Partial<CreateTableCommandInput> = {}) =>
      client.send(
        new CreateTableCommand({
          TableName,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [{ AttributeName: 'k', AttributeType: 'S' }],
          KeySchema: [{ AttributeName: 'k', KeyType: 'HASH' }],
          ...input
        })
      ),
    update: (input: Partial<UpdateTableCommandInput>) =>
      client.send(new UpdateTableCommand({ TableName, ...input })),
    described: async () => (await client.send(new DescribeTableCommand({ TableName }))).Table!,
    put: (k: string, more: Record<string, { S: string } | { N: string }> = {}) =>
      client.send(new PutItemCommand({ TableName, Item: { k: { S: k }, ...more } }))
  }
}

const byOwner = {
  AttributeDefinitions: [
    { AttributeName: 'k', AttributeType: 'S' },
    { AttributeName: 'owner', AttributeType: 'S' }
  ],
  GlobalSecondaryIndexUpdates: [
    {
      Create: {
        IndexName: 'by-owner',
        KeySchema: [{ AttributeName: 'owner', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'ALL' }
      }
    }
  ]
} satisfies Partial<UpdateTableCommandInput>

function ofOwner(owner: string): QueryCommand {
  return new QueryCommand({
    TableName,
    IndexName: 'by-owner',
    KeyConditionExpression: '#o = :o',
    ExpressionAttributeNames: { '#o': 'owner' },
    ExpressionAttributeValues: { ':o': { S: owner } }
  })
}

describe('an index of the DynamoDB engine', () => {
  it('comes by UpdateTable: filled with what is there, active, and kept up to date', async () => {
    const { client, create, update, described, put } = await open()
    await create({ Tags: [{ Key: 'a', Value: '1' }] })
    for (let index = 0; index < 60; index += 1) {
      await put(`k${index}`, index % 3 === 0 ? {} : { owner: { S: `w${index % 3}` } })
    }
    const before = await described()
    const { TableDescription: answered } = await update(byOwner)
    expect(answered).toMatchObject({
      TableStatus: 'UPDATING',
      GlobalSecondaryIndexes: [{ IndexName: 'by-owner', IndexStatus: 'CREATING' }]
    })
    const after = await described()
    expect(after).toMatchObject({
      TableStatus: 'ACTIVE',
      TableId: before.TableId,
      CreationDateTime: before.CreationDateTime,
      GlobalSecondaryIndexes: [{ IndexName: 'by-owner', IndexStatus: 'ACTIVE' }]
    })
    expect((await client.send(ofOwner('w1'))).Count).toBe(20)
    await put('new', { owner: { S: 'w1' } })
    expect((await client.send(ofOwner('w1'))).Count).toBe(21)
    expect((await client.send(new ScanCommand({ TableName }))).Count).toBe(61)
    const tags = await client.send(new ListTagsOfResourceCommand({ ResourceArn: after.TableArn }))
    expect(tags.Tags).toEqual([{ Key: 'a', Value: '1' }])
    expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual([TableName])
    await update({ GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'by-owner' } }] })
    expect(await described()).not.toHaveProperty('GlobalSecondaryIndexes')
    expect((await described()).AttributeDefinitions).toEqual([{ AttributeName: 'k', AttributeType: 'S' }])
    expect((await client.send(new ScanCommand({ TableName }))).Count).toBe(61)
  })

  it('loses no write that comes while it is built', async () => {
    const { client, create, update, put } = await open()
    await create()
    for (let index = 0; index < 100; index += 1) await put(`old${index}`, { owner: { S: 'w' } })
    const writes: Promise<unknown>[] = []
    for (let index = 0; index < 40; index += 1) {
      writes.push(put(`new${index}`, { owner: { S: 'w' } }))
      if (index === 10) writes.push(update(byOwner))
    }
    await Promise.all(writes)
    expect((await client.send(ofOwner('w'))).Count).toBe(140)
  })

  it('that is wrong is refused, and the table stays as it was', async () => {
    const { client, create, update, described, put } = await open()
    await create()
    await put('a', { owner: { N: '1' } })
    const create2 = byOwner.GlobalSecondaryIndexUpdates[0]!.Create
    const second = { ...create2, IndexName: 'second' }
    for (const [input, name] of [
      // dynalite cannot hold the item beside such an index.
      [byOwner, 'ValidationException'],
      // No definition of the key attribute.
      [{ GlobalSecondaryIndexUpdates: byOwner.GlobalSecondaryIndexUpdates }, 'ValidationException'],
      [
        { ...byOwner, GlobalSecondaryIndexUpdates: [{ Create: create2 }, { Create: second }] },
        'LimitExceededException'
      ],
      [{ GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'none' } }] }, 'ResourceNotFoundException']
    ] as const) {
      await expect(update(input as Partial<UpdateTableCommandInput>)).rejects.toMatchObject({ name })
    }
    expect(await described()).not.toHaveProperty('GlobalSecondaryIndexes')
    expect((await client.send(new ScanCommand({ TableName }))).Items).toEqual([
      { k: { S: 'a' }, owner: { N: '1' } }
    ])
    await put('a', { owner: { S: 'w' } })
    await update(byOwner)
    await expect(update(byOwner)).rejects.toMatchObject({ name: 'ValidationException' })
  })
})

describe('a failed condition of the DynamoDB engine', () => {
  it('shows the item that it failed on when that is asked for', async () => {
    const { client, create, put } = await open()
    await create()
    await put('a', { v: { N: '1' } })
    const condition = {
      TableName,
      ConditionExpression: 'v = :v',
      ExpressionAttributeValues: { ':v': { N: '2' } }
    }
    const found = { name: 'ConditionalCheckFailedException', Item: { k: { S: 'a' }, v: { N: '1' } } }
    const show = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const
    const Key = { k: { S: 'a' } }
    for (const command of [
      new PutItemCommand({ ...condition, ...show, Item: { k: { S: 'a' }, v: { N: '3' } } }),
      new DeleteItemCommand({ ...condition, ...show, Key }),
      new UpdateItemCommand({ ...condition, ...show, Key, UpdateExpression: 'SET w = :v' })
    ]) {
      await expect(client.send(command as PutItemCommand)).rejects.toMatchObject(found)
    }
    const quiet = await client.send(new DeleteItemCommand({ ...condition, Key })).catch(error => error)
    expect(quiet).toMatchObject({ name: 'ConditionalCheckFailedException' })
    expect(quiet.Item).toBeUndefined()
    const missing = await client
      .send(new DeleteItemCommand({ ...condition, ...show, Key: { k: { S: 'none' } } }))
      .catch(error => error)
    expect(missing).toMatchObject({ name: 'ConditionalCheckFailedException' })
    expect(missing.Item).toBeUndefined()
  })
})

describe('settings of tables of the DynamoDB engine', () => {
  it('hold the encryption, under a key that KMS has', async () => {
    const { local, create, update, described, client } = await open()
    const kms = opened(new KMSClient(local.clientConfig('kms')))
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
    const sse = (KMSMasterKeyId?: string) => ({
      SSESpecification: { Enabled: true, SSEType: 'KMS' as const, KMSMasterKeyId }
    })
    await expect(create(sse('alias/none'))).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('alias/none')
    })
    const { TableDescription: made } = await create(sse(key!.KeyId))
    const encryption = { Status: 'ENABLED', SSEType: 'KMS', KMSMasterKeyArn: key!.Arn }
    expect(made?.SSEDescription).toEqual(encryption)
    expect((await described()).SSEDescription).toEqual(encryption)
    // A key of DynamoDB's own; then one that AWS manages, which the embedded KMS does not have.
    await update({ SSESpecification: { Enabled: false } })
    expect(await described()).not.toHaveProperty('SSEDescription')
    await update(sse())
    const managed = (await described()).SSEDescription!.KMSMasterKeyArn!
    expect(managed).toMatch(/^arn:aws:kms:us-east-1:000000000000:key\//)
    expect(managed).not.toBe(key!.Arn)
    await kms.send(new DisableKeyCommand({ KeyId: key!.KeyId }))
    await expect(update(sse(key!.Arn))).rejects.toMatchObject({ name: 'ValidationException' })
    await expect(update({})).rejects.toMatchObject({ name: 'ValidationException' })
    await client.send(new DeleteTableCommand({ TableName }))
    expect(local.kmsRequestLog().filter(({ viaService }) => viaService !== undefined)).toMatchObject([
      { operation: 'DescribeKey', error: 'NotFoundException' },
      { operation: 'DescribeKey', principal: 'local', keyArns: [key!.Arn] },
      { operation: 'DescribeKey', viaService: 'dynamodb.us-east-1.amazonaws.com' }
    ])
  })

  it('hold point-in-time recovery, with its window', async () => {
    const clock = new FakeClock()
    const { client, create } = await open({ clock })
    const update = (PointInTimeRecoverySpecification: {
      PointInTimeRecoveryEnabled: boolean
      RecoveryPeriodInDays?: number
    }) => client.send(new UpdateContinuousBackupsCommand({ TableName, PointInTimeRecoverySpecification }))
    const recovery = async () =>
      (await client.send(new DescribeContinuousBackupsCommand({ TableName }))).ContinuousBackupsDescription
        ?.PointInTimeRecoveryDescription
    await expect(recovery()).rejects.toMatchObject({ name: 'TableNotFoundException' })
    await create()
    expect(await recovery()).toEqual({ PointInTimeRecoveryStatus: 'DISABLED' })
    const start = clock.wallTime()
    await update({ PointInTimeRecoveryEnabled: true })
    expect(await recovery()).toEqual({
      PointInTimeRecoveryStatus: 'ENABLED',
      RecoveryPeriodInDays: 35,
      EarliestRestorableDateTime: new Date(start),
      LatestRestorableDateTime: new Date(start)
    })
    await clock.advance(40 * 86_400_000)
    expect(await recovery()).toMatchObject({
      EarliestRestorableDateTime: new Date(start + 5 * 86_400_000),
      LatestRestorableDateTime: new Date(clock.wallTime() - 300_000)
    })
    await expect(
      update({ PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 36 })
    ).rejects.toMatchObject({ name: 'ValidationException' })
    await update({ PointInTimeRecoveryEnabled: false })
    expect(await recovery()).toEqual({ PointInTimeRecoveryStatus: 'DISABLED' })
  })

  it('hold the time to live, by which no item expires', async () => {
    const { client, create, put } = await open()
    await create()
    const update = (Enabled: boolean, AttributeName = 'expires') =>
      client.send(
        new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { Enabled, AttributeName } })
      )
    const described = async () =>
      (await client.send(new DescribeTimeToLiveCommand({ TableName }))).TimeToLiveDescription
    expect(await described()).toEqual({ TimeToLiveStatus: 'DISABLED' })
    await expect(update(false)).rejects.toMatchObject({ name: 'ValidationException' })
    await update(true)
    expect(await described()).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'expires' })
    await expect(update(true)).rejects.toMatchObject({ name: 'ValidationException' })
    await expect(update(false, 'other')).rejects.toMatchObject({ name: 'ValidationException' })
    await put('a', { expires: { N: '1' } })
    expect((await client.send(new ScanCommand({ TableName }))).Count).toBe(1)
    await update(false)
    expect(await described()).toEqual({ TimeToLiveStatus: 'DISABLED' })
  })

  it('hold tags', async () => {
    const { client, create, described } = await open()
    await create({ Tags: [{ Key: 'a', Value: '1' }] })
    const { TableArn: ResourceArn } = await described()
    await client.send(new TagResourceCommand({ ResourceArn, Tags: [{ Key: 'b', Value: '2' }] }))
    await client.send(new UntagResourceCommand({ ResourceArn, TagKeys: ['a'] }))
    expect((await client.send(new ListTagsOfResourceCommand({ ResourceArn }))).Tags).toEqual([
      { Key: 'b', Value: '2' }
    ])
  })

  it('hold the protection against deletion, and go with the table', async () => {
    const { client, create, update, described } = await open()
    await create({ DeletionProtectionEnabled: true, SSESpecification: { Enabled: true, SSEType: 'KMS' } })
    expect(await described()).toMatchObject({ DeletionProtectionEnabled: true })
    const remove = () => client.send(new DeleteTableCommand({ TableName }))
    await expect(remove()).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('protected against deletion')
    })
    await update({ DeletionProtectionEnabled: false })
    await remove()
    await expect(described()).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    await create()
    const anew = await described()
    expect(anew).toMatchObject({ DeletionProtectionEnabled: false })
    expect(anew).not.toHaveProperty('SSEDescription')
  })

  it('leave out streams, which the engine does not have', async () => {
    const { create, described } = await open()
    await create({ StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } })
    const table = await described()
    expect(table).not.toHaveProperty('StreamSpecification')
    expect(table).not.toHaveProperty('LatestStreamArn')
  })
})

describe('requests to the DynamoDB engine', () => {
  it('are told what they cost when they ask', async () => {
    const { client, create } = await open()
    await create()
    const put = (bytes: number, ReturnConsumedCapacity?: 'TOTAL') =>
      client.send(
        new PutItemCommand({
          TableName,
          Item: { k: { S: 'a' }, v: { B: Buffer.alloc(bytes) } },
          ReturnConsumedCapacity
        })
      )
    expect((await put(1)).ConsumedCapacity).toBeUndefined()
    expect((await put(1, 'TOTAL')).ConsumedCapacity).toMatchObject({ TableName, CapacityUnits: 1 })
    expect((await put(3_000, 'TOTAL')).ConsumedCapacity).toMatchObject({ TableName, CapacityUnits: 3 })
    const scanned = await client.send(new ScanCommand({ TableName, ReturnConsumedCapacity: 'TOTAL' }))
    expect(scanned.ConsumedCapacity).toMatchObject({ TableName, CapacityUnits: 0.5 })
  })

  it('fail by operation, those of the front too', async () => {
    let failing: string | undefined
    let fault: Fault | undefined
    const { create, described, client } = await open({
      faults: { dynamodb: operation => (operation === failing ? fault : undefined) }
    })
    await create()
    failing = 'UpdateTimeToLive'
    fault = { kind: 'error', error: new AwsError('ThrottlingException', 'slow down') }
    const enable = () =>
      client.send(
        new UpdateTimeToLiveCommand({
          TableName,
          TimeToLiveSpecification: { Enabled: true, AttributeName: 'e' }
        })
      )
    await expect(enable()).rejects.toMatchObject({ name: 'ThrottlingException' })
    await described()
    fault = { kind: 'loseAnswer' }
    await expect(enable()).rejects.toThrow()
    const { TimeToLiveDescription: kept } = await client.send(new DescribeTimeToLiveCommand({ TableName }))
    expect(kept).toMatchObject({ TimeToLiveStatus: 'ENABLED' })
  })
})
