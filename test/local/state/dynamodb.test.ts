import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteItemCommand,
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  ListTagsOfResourceCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateContinuousBackupsCommand,
  UpdateItemCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand
} from '@aws-sdk/client-dynamodb'
import { describe, expect, it } from 'vitest'
import { startLocal } from '../../../local/index.ts'
import { StateError, StateFolder } from '../../../local/state/index.ts'
import { opened } from '../../helpers/local.ts'
import { launchEngines, makeStateFolder, putUntilKilled, restartable } from '../../helpers/state.ts'

const TableName = 'table'
const definition: CreateTableCommandInput = {
  TableName,
  KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  BillingMode: 'PAY_PER_REQUEST'
}
const ownerIndex = {
  AttributeDefinitions: [
    { AttributeName: 'id', AttributeType: 'S' as const },
    { AttributeName: 'owner', AttributeType: 'S' as const }
  ],
  GlobalSecondaryIndexUpdates: [
    {
      Create: {
        IndexName: 'owners',
        KeySchema: [{ AttributeName: 'owner', KeyType: 'HASH' as const }],
        Projection: { ProjectionType: 'ALL' as const }
      }
    }
  ]
}

/** Makes a table and waits until it can be used. */
async function make(client: DynamoDBClient, input: CreateTableCommandInput): Promise<void> {
  await client.send(new CreateTableCommand(input))
  for (;;) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: input.TableName }))
    if (Table?.TableStatus === 'ACTIVE') return
  }
}

const put = (client: DynamoDBClient, id: string) =>
  client.send(new PutItemCommand({ TableName, Item: { id: { S: id }, owner: { S: 'w' } } }))

/** Everything that the API tells of the table. */
async function everythingOf(client: DynamoDBClient) {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }))
  const { Items } = await client.send(new ScanCommand({ TableName }))
  const { ContinuousBackupsDescription: backups } = await client.send(
    new DescribeContinuousBackupsCommand({ TableName })
  )
  return {
    Table,
    Items,
    window: backups?.PointInTimeRecoveryDescription?.EarliestRestorableDateTime,
    ttl: (await client.send(new DescribeTimeToLiveCommand({ TableName }))).TimeToLiveDescription,
    tags: (await client.send(new ListTagsOfResourceCommand({ ResourceArn: Table?.TableArn }))).Tags
  }
}

const ownedItems = async (client: DynamoDBClient) =>
  (
    await client.send(
      new QueryCommand({
        TableName,
        IndexName: 'owners',
        KeyConditionExpression: '#o = :w',
        ExpressionAttributeNames: { '#o': 'owner' },
        ExpressionAttributeValues: { ':w': { S: 'w' } }
      })
    )
  ).Count

describe('the DynamoDB engine with a state folder', () => {
  it('is the same after a restart: tables, items, indexes, settings, tags', async () => {
    const restart = restartable()
    const start = async () => opened(new DynamoDBClient((await restart()).clientConfig('dynamodb')))
    const client = await start()
    await make(client, {
      ...definition,
      DeletionProtectionEnabled: true,
      SSESpecification: { Enabled: true, SSEType: 'KMS' },
      Tags: [{ Key: 'a', Value: '1' }]
    })
    for (const id of ['a', 'b', 'c']) await put(client, id)
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key: { id: { S: 'b' } },
        UpdateExpression: 'ADD #n :one',
        ExpressionAttributeNames: { '#n': 'n' },
        ExpressionAttributeValues: { ':one': { N: '1' } }
      })
    )
    await client.send(new DeleteItemCommand({ TableName, Key: { id: { S: 'c' } } }))
    await client.send(new UpdateTableCommand({ TableName, ...ownerIndex }))
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName,
        TimeToLiveSpecification: { Enabled: true, AttributeName: 'expires' }
      })
    )
    await client.send(
      new UpdateContinuousBackupsCommand({
        TableName,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true }
      })
    )
    const before = await everythingOf(client)
    expect(before.Items).toHaveLength(2)
    expect(before.Table).toMatchObject({
      DeletionProtectionEnabled: true,
      SSEDescription: { SSEType: 'KMS' }
    })

    const after = await start()
    expect(await everythingOf(after)).toEqual(before)
    expect(await ownedItems(after)).toBe(2)
  })

  it('makes an index to its end whose process died while the table was made anew', async () => {
    const stateFolder = makeStateFolder()
    const first = await startLocal({ stateFolder })
    const client = opened(new DynamoDBClient(first.clientConfig('dynamodb')))
    await make(client, definition)
    await put(client, 'a')
    await first.close()
    // The table is gone, or half filled: what it held stands in the document alone.
    const folder = StateFolder.open(stateFolder)
    folder.document('dynamodb', 'rebuild').write({
      definition: {
        ...definition,
        AttributeDefinitions: ownerIndex.AttributeDefinitions,
        GlobalSecondaryIndexes: [ownerIndex.GlobalSecondaryIndexUpdates[0]!.Create]
      },
      items: ['a', 'b'].map(id => ({ id: { S: id }, owner: { S: 'w' } })),
      arn: 'arn:aws:dynamodb:us-east-1:000000000000:table/table',
      tags: []
    })
    folder.close()
    for (let restarts = 0; restarts < 2; restarts += 1) {
      await using local = await startLocal({ stateFolder })
      const again = opened(new DynamoDBClient(local.clientConfig('dynamodb')))
      expect(await ownedItems(again)).toBe(2 - restarts)
      // Done once: what comes after it stays.
      if (restarts === 0) await again.send(new DeleteItemCommand({ TableName, Key: { id: { S: 'b' } } }))
    }
  })

  it('ends the changes of status that its process died in', async () => {
    const stateFolder = makeStateFolder()
    const first = await startLocal({ stateFolder })
    const client = opened(new DynamoDBClient(first.clientConfig('dynamodb')))
    for (const name of ['creating', 'deleting', 'stays']) {
      await make(client, { ...definition, TableName: name })
      await client.send(new PutItemCommand({ TableName: name, Item: { id: { S: 'a' } } }))
    }
    await first.close()
    await changeStatus(stateFolder, { creating: 'CREATING', deleting: 'DELETING' })
    await using local = await startLocal({ stateFolder })
    const again = opened(new DynamoDBClient(local.clientConfig('dynamodb')))
    expect((await again.send(new ListTablesCommand({}))).TableNames).toEqual(['creating', 'stays'])
    await make(again, { ...definition, TableName: 'deleting' })
    const countOf = async (name: string) => (await again.send(new ScanCommand({ TableName: name }))).Count
    expect(await Promise.all(['creating', 'deleting', 'stays'].map(countOf))).toEqual([1, 0, 1])
  })

  it('says which folder is damaged', async () => {
    const stateFolder = makeStateFolder()
    await (await startLocal({ stateFolder })).close()
    writeFileSync(join(stateFolder, 'dynamodb', 'items', 'CURRENT'), 'nonsense\n')
    const starting = startLocal({ stateFolder })
    await expect(starting).rejects.toThrow(StateError)
    await expect(starting).rejects.toThrow(join('dynamodb', 'items'))
    // And nobody is left to hold the folder.
    StateFolder.open(stateFolder).close()
  })

  it.each([3, 60])('has every acknowledged item after a SIGKILL behind %i requests', async count => {
    const folder = makeStateFolder()
    const engines = await launchEngines(folder)
    const client = opened(new DynamoDBClient({ ...engines.clientConfig, maxAttempts: 1 }))
    await make(client, definition)
    await client.send(new UpdateTableCommand({ TableName, ...ownerIndex }))
    const acknowledged = await putUntilKilled(engines, count, async number => {
      await put(client, String(number))
      return String(number)
    })
    const again = opened(new DynamoDBClient((await launchEngines(folder)).clientConfig))
    for (const id of acknowledged) {
      const { Item } = await again.send(new GetItemCommand({ TableName, Key: { id: { S: id } } }))
      expect(Item?.owner).toEqual({ S: 'w' })
    }
    expect(await ownedItems(again)).toBeGreaterThanOrEqual(acknowledged.length)
  })
})

/** Writes the status of tables into the database of a state folder that nobody has open. */
async function changeStatus(stateFolder: string, statuses: Readonly<Record<string, string>>): Promise<void> {
  const { Level } = createRequire(createRequire(import.meta.url).resolve('dynalite'))('level')
  const database = new Level(join(stateFolder, 'dynamodb', 'items'), { valueEncoding: 'json' })
  for (const [name, TableStatus] of Object.entries(statuses)) {
    await database.put(`table~${name}`, { ...(await database.get(`table~${name}`)), TableStatus })
  }
  await database.close()
}
