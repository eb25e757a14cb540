import {
  type AttributeValue,
  CreateTableCommand,
  type DynamoDBClient,
  PutItemCommand,
  ScanCommand
} from '@aws-sdk/client-dynamodb'
import type { Row } from '../../consumer/migration/rows.ts'

/** A row of a lease table as a KCL writes it, at a checkpoint, with what a test wants besides. */
export function aRow(
  leaseKey: string,
  checkpoint = 'TRIM_HORIZON',
  more: Record<string, AttributeValue | undefined> = {}
): Row {
  const row: Record<string, AttributeValue | undefined> = {
    leaseKey: { S: leaseKey },
    leaseCounter: { N: '5' },
    ownerSwitchesSinceCheckpoint: { N: '1' },
    checkpoint: { S: checkpoint },
    checkpointSubSequenceNumber: { N: '0' },
    ...more
  }
  return Object.fromEntries(
    Object.entries(row).filter((entry): entry is [string, AttributeValue] => entry[1] !== undefined)
  )
}

/** A table with these rows. */
export async function makeLeaseTable(
  client: DynamoDBClient,
  tableName: string,
  rows: readonly Row[] = []
): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }]
    })
  )
  for (const row of rows) await putRow(client, tableName, row)
}

export async function putRow(client: DynamoDBClient, tableName: string, row: Row): Promise<void> {
  await client.send(new PutItemCommand({ TableName: tableName, Item: { ...row } }))
}

/** By lease key. */
export async function rowsOf(
  client: DynamoDBClient,
  tableName: string
): Promise<Readonly<Record<string, Row>>> {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName, ConsistentRead: true }))
  return Object.fromEntries(Items.map(row => [row.leaseKey?.S ?? '', row]))
}
