import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand
} from '@aws-sdk/client-dynamodb'
import { expect } from 'vitest'
import { type ConformanceCase, caseOf, refused, until } from '../case.ts'
import type { World } from '../world.ts'

const id = { id: { S: 'one' } }
const putItem = ({ dynamodb }: World, TableName: string, further: object = {}) =>
  dynamodb.send(new PutItemCommand({ TableName, Item: { ...id, ...further } }))
const getItem = async ({ dynamodb }: World, TableName: string) =>
  (await dynamodb.send(new GetItemCommand({ TableName, Key: id, ConsistentRead: true }))).Item

const byOwner = {
  IndexName: 'by-owner',
  KeySchema: [{ AttributeName: 'owner', KeyType: 'HASH' as const }],
  Projection: { ProjectionType: 'KEYS_ONLY' as const }
}
const definitions = ['id', 'owner'].map(AttributeName => ({ AttributeName, AttributeType: 'S' as const }))

export const dynamodbCases: readonly ConformanceCase[] = [
  caseOf('dynamodb.table.on-demand', 'an on-demand table says so, and is ACTIVE', async world => {
    const TableName = await world.table()
    const { Table } = await world.dynamodb.send(new DescribeTableCommand({ TableName }))
    expect(Table?.BillingModeSummary?.BillingMode).toBe('PAY_PER_REQUEST')
    expect(Table?.TableArn).toMatch(
      new RegExp(`^arn:aws[\\w-]*:dynamodb:[\\w-]+:\\d{12}:table/${TableName}$`)
    )
  }),
  caseOf('dynamodb.table.twice', 'a table name that is taken is a ResourceInUseException', async world => {
    const TableName = await world.table()
    await refused(
      world.dynamodb.send(
        new CreateTableCommand({
          TableName,
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
          BillingMode: 'PAY_PER_REQUEST'
        })
      ),
      'ResourceInUseException'
    )
  }),
  caseOf(
    'dynamodb.table.missing',
    'a table that is not there is a ResourceNotFoundException',
    async world => {
      await refused(putItem(world, world.name()), 'ResourceNotFoundException')
    }
  ),
  caseOf('dynamodb.table.protected', 'a table under deletion protection says so', async world => {
    const TableName = await world.table()
    const protect = (DeletionProtectionEnabled: boolean) =>
      world.dynamodb.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled }))
    await protect(true)
    const { Table } = await world.dynamodb.send(new DescribeTableCommand({ TableName }))
    expect(Table?.DeletionProtectionEnabled).toBe(true)
    await protect(false)
  }),
  caseOf('dynamodb.table.time-to-live', 'time to live is switched on and told', async world => {
    const TableName = await world.table()
    await world.dynamodb.send(
      new UpdateTimeToLiveCommand({
        TableName,
        TimeToLiveSpecification: { Enabled: true, AttributeName: 'expires' }
      })
    )
    const { TimeToLiveDescription: description } = await world.dynamodb.send(
      new DescribeTimeToLiveCommand({ TableName })
    )
    expect(description?.AttributeName).toBe('expires')
    expect(['ENABLING', 'ENABLED']).toContain(description?.TimeToLiveStatus)
  }),
  caseOf('dynamodb.item.round-trip', 'an item comes back with every type of attribute', async world => {
    const TableName = await world.table()
    const item = {
      n: { N: '1.5' },
      b: { B: Buffer.from([0, 255]) },
      ss: { SS: ['a'] },
      l: { L: [{ BOOL: true }, { NULL: true }] },
      m: { M: { x: { S: '' } } }
    }
    await putItem(world, TableName, item)
    const found = await getItem(world, TableName)
    expect({ ...found, b: { B: Buffer.from(found!.b!.B!) } }).toEqual({ ...id, ...item })
  }),
  caseOf('dynamodb.item.missing', 'an item that is not there is no member of the answer', async world => {
    expect(await getItem(world, await world.table())).toBeUndefined()
  }),
  caseOf(
    'dynamodb.item.no-key',
    'an item without its key is refused with ValidationException',
    async world => {
      const TableName = await world.table()
      await refused(
        world.dynamodb.send(new PutItemCommand({ TableName, Item: { other: { S: 'x' } } })),
        'ValidationException'
      )
    }
  ),
  caseOf(
    'dynamodb.item.too-large',
    'an item above 400 KB is refused with ValidationException',
    async world => {
      const TableName = await world.table()
      await refused(putItem(world, TableName, { a: { S: 'x'.repeat(409_600) } }), 'ValidationException')
    }
  ),
  caseOf(
    'dynamodb.condition.create',
    'attribute_not_exists lets the first put in, and no second one',
    async world => {
      const TableName = await world.table()
      const create = () =>
        world.dynamodb.send(
          new PutItemCommand({ TableName, Item: id, ConditionExpression: 'attribute_not_exists(id)' })
        )
      await create()
      await refused(create(), 'ConditionalCheckFailedException')
    }
  ),
  caseOf(
    'dynamodb.condition.counter',
    'of ten writers that expect the same counter one wins',
    async world => {
      const TableName = await world.table()
      await putItem(world, TableName, { counter: { N: '0' } })
      const outcomes = await Promise.allSettled(
        Array.from({ length: 10 }, () =>
          world.dynamodb.send(
            new UpdateItemCommand({
              TableName,
              Key: id,
              ConditionExpression: '#c = :before',
              UpdateExpression: 'SET #c = :after',
              ExpressionAttributeNames: { '#c': 'counter' },
              ExpressionAttributeValues: { ':before': { N: '0' }, ':after': { N: '1' } }
            })
          )
        )
      )
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    }
  ),
  caseOf(
    'dynamodb.condition.old-item',
    'a failed condition brings the item when it is asked for',
    async world => {
      const TableName = await world.table()
      await putItem(world, TableName, { counter: { N: '7' } })
      const error = await refused(
        world.dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: id,
            ConditionExpression: 'attribute_not_exists(id)',
            UpdateExpression: 'SET a = :a',
            ExpressionAttributeValues: { ':a': { S: 'x' } },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD'
          })
        ),
        'ConditionalCheckFailedException'
      )
      expect(error.Item).toEqual({ ...id, counter: { N: '7' } })
    }
  ),
  caseOf(
    'dynamodb.condition.legacy',
    'Expected and AttributeUpdates, as the KCL writes them',
    async world => {
      const TableName = await world.table()
      await putItem(world, TableName, { counter: { N: '1' } })
      const renew = () =>
        world.dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: id,
            Expected: { counter: { Value: { N: '1' } } },
            AttributeUpdates: { counter: { Value: { N: '2' }, Action: 'PUT' } }
          })
        )
      await renew()
      await refused(renew(), 'ConditionalCheckFailedException')
    }
  ),
  caseOf('dynamodb.update.take', 'SET, REMOVE and ADD in one update, and ALL_NEW', async world => {
    const TableName = await world.table()
    await putItem(world, TableName, { gone: { S: 'x' }, switches: { N: '3' } })
    const { Attributes } = await world.dynamodb.send(
      new UpdateItemCommand({
        TableName,
        Key: id,
        UpdateExpression: 'SET leaseOwner = :me REMOVE gone ADD switches :one',
        ExpressionAttributeValues: { ':me': { S: 'w' }, ':one': { N: '1' } },
        ReturnValues: 'ALL_NEW'
      })
    )
    expect(Attributes).toEqual({ ...id, leaseOwner: { S: 'w' }, switches: { N: '4' } })
  }),
  caseOf('dynamodb.update.foreign-attributes', 'an update leaves the other attributes alone', async world => {
    const TableName = await world.table()
    await putItem(world, TableName, { theirs: { S: 'x' } })
    await world.dynamodb.send(
      new UpdateItemCommand({
        TableName,
        Key: id,
        UpdateExpression: 'SET ours = :x',
        ExpressionAttributeValues: { ':x': { S: 'y' } }
      })
    )
    expect(await getItem(world, TableName)).toEqual({ ...id, theirs: { S: 'x' }, ours: { S: 'y' } })
  }),
  caseOf('dynamodb.update.creates', 'an update of an item that is not there makes it', async world => {
    const TableName = await world.table()
    await world.dynamodb.send(new UpdateItemCommand({ TableName, Key: id }))
    expect(await getItem(world, TableName)).toEqual(id)
  }),
  caseOf(
    'dynamodb.update.key',
    'an update of a key attribute is refused with ValidationException',
    async world => {
      const TableName = await world.table()
      await refused(
        world.dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: id,
            UpdateExpression: 'SET id = :x',
            ExpressionAttributeValues: { ':x': { S: 'y' } }
          })
        ),
        'ValidationException'
      )
    }
  ),
  caseOf('dynamodb.delete.missing', 'a delete of an item that is not there succeeds', async world => {
    await world.dynamodb.send(new DeleteItemCommand({ TableName: await world.table(), Key: id }))
  }),
  caseOf('dynamodb.scan.paging', 'a scan by pages brings every item once', async world => {
    const TableName = await world.table()
    const RequestItems = {
      [TableName]: Array.from({ length: 25 }, (_, at) => ({ PutRequest: { Item: { id: { S: `${at}` } } } }))
    }
    await world.dynamodb.send(new BatchWriteItemCommand({ RequestItems }))
    const seen: string[] = []
    let ExclusiveStartKey: Record<string, { S: string }> | undefined
    do {
      const page = await world.dynamodb.send(new ScanCommand({ TableName, Limit: 10, ExclusiveStartKey }))
      seen.push(...page.Items!.map(item => item.id!.S!))
      ExclusiveStartKey = page.LastEvaluatedKey as typeof ExclusiveStartKey
    } while (ExclusiveStartKey !== undefined)
    expect(seen.sort()).toEqual(Array.from({ length: 25 }, (_, at) => `${at}`).sort())
  }),
  caseOf('dynamodb.batch.26', 'a batch of 26 writes is refused with ValidationException', async world => {
    const TableName = await world.table()
    const RequestItems = {
      [TableName]: Array.from({ length: 26 }, (_, at) => ({ PutRequest: { Item: { id: { S: `${at}` } } } }))
    }
    await refused(world.dynamodb.send(new BatchWriteItemCommand({ RequestItems })), 'ValidationException')
  }),
  caseOf('dynamodb.index.query', 'an index finds items by another key, and is sparse', async world => {
    const TableName = await world.table({
      AttributeDefinitions: definitions,
      GlobalSecondaryIndexes: [byOwner]
    })
    await putItem(world, TableName, { owner: { S: 'w' }, more: { S: 'x' } })
    await world.dynamodb.send(new PutItemCommand({ TableName, Item: { id: { S: 'unowned' } } }))
    const ask = () => ownedBy(world, TableName)
    const { Items } = await until(ask, answer => answer.Count === 1)
    expect(Items).toEqual([{ ...id, owner: { S: 'w' } }])
  }),
  caseOf(
    'dynamodb.index.added',
    'an index that UpdateTable adds is filled with what is there',
    async world => {
      const TableName = await world.table()
      await putItem(world, TableName, { owner: { S: 'w' } })
      await world.dynamodb.send(
        new UpdateTableCommand({
          TableName,
          AttributeDefinitions: definitions,
          GlobalSecondaryIndexUpdates: [{ Create: byOwner }]
        })
      )
      await until(
        () => world.dynamodb.send(new DescribeTableCommand({ TableName })),
        ({ Table }) =>
          Table?.TableStatus === 'ACTIVE' && Table.GlobalSecondaryIndexes?.[0]?.IndexStatus === 'ACTIVE'
      )
      const { Items } = await until(
        () => ownedBy(world, TableName),
        answer => answer.Count === 1
      )
      expect(Items).toEqual([{ ...id, owner: { S: 'w' } }])
    }
  ),
  caseOf('dynamodb.transaction', 'a transaction writes all of its items, or none', async world => {
    const TableName = await world.table()
    await putItem(world, TableName)
    const ConditionExpression = 'attribute_not_exists(id)'
    await refused(
      world.dynamodb.send(
        new TransactWriteItemsCommand({
          TransactItems: [
            { Put: { TableName, Item: { id: { S: 'two' } } } },
            { Put: { TableName, Item: id, ConditionExpression } }
          ]
        })
      ),
      'TransactionCanceledException'
    )
    expect((await world.dynamodb.send(new ScanCommand({ TableName, ConsistentRead: true }))).Count).toBe(1)
  })
]

function ownedBy({ dynamodb }: World, TableName: string) {
  return dynamodb.send(
    new QueryCommand({
      TableName,
      IndexName: byOwner.IndexName,
      KeyConditionExpression: '#o = :w',
      ExpressionAttributeNames: { '#o': 'owner' },
      ExpressionAttributeValues: { ':w': { S: 'w' } }
    })
  )
}
