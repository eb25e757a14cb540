import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it } from 'vitest'
import { AwsError, type Fault } from '../../local/index.ts'
import { opened, openLocal } from '../helpers/local.ts'

describe('the DynamoDB engine', () => {
  it('keeps items under conditions, shows them to the scan, and can lose an answer', async () => {
    let fault: Fault | undefined
    const local = await openLocal({ faults: { dynamodb: () => fault } })
    const client = opened(new DynamoDBClient({ ...local.clientConfig('dynamodb'), maxAttempts: 1 }))
    const documents = DynamoDBDocumentClient.from(client)
    await client.send(
      new CreateTableCommand({
        TableName: 'table',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'k', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'k', KeyType: 'HASH' }]
      })
    )
    const put = (k: string) =>
      documents.send(
        new PutCommand({
          TableName: 'table',
          Item: { k, v: `value of ${k}` },
          ConditionExpression: 'attribute_not_exists(k)'
        })
      )
    await put('a')
    await expect(put('a')).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' })

    fault = { kind: 'error', error: new AwsError('ThrottlingException', 'slow down') }
    await expect(put('b')).rejects.toMatchObject({ name: 'ThrottlingException' })
    fault = { kind: 'reset' }
    await expect(put('b')).rejects.toThrow()
    fault = { kind: 'loseAnswer' }
    await expect(put('c')).rejects.toThrow()
    fault = undefined
    const get = async (k: string) =>
      (await documents.send(new GetCommand({ TableName: 'table', Key: { k } }))).Item
    expect(await get('b')).toBeUndefined()
    expect(await get('c')).toEqual({ k: 'c', v: 'value of c' })

    let held = ''
    for await (const blob of local.everythingAtRest()) held += Buffer.from(blob).toString()
    expect(held).toContain('value of a')
    expect(held).toContain('value of c')
  })

  it('has a table as soon as CreateTable is answered', async () => {
    const local = await openLocal({ services: ['dynamodb'] })
    const client = opened(new DynamoDBClient({ ...local.clientConfig('dynamodb'), maxAttempts: 1 }))
    const documents = DynamoDBDocumentClient.from(client)
    for (let count = 0; count < 20; count += 1) {
      const TableName = `table-${count}`
      await client.send(
        new CreateTableCommand({
          TableName,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [{ AttributeName: 'k', AttributeType: 'S' }],
          KeySchema: [{ AttributeName: 'k', KeyType: 'HASH' }]
        })
      )
      await documents.send(new PutCommand({ TableName, Item: { k: 'a' } }))
    }
    const { tables } = await local.inspect.dynamodb()
    expect(tables.map(({ status, items }) => [status, items])).toEqual(
      Array.from({ length: 20 }, () => ['ACTIVE', 1])
    )
  })
})
