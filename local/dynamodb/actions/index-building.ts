import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { AwsError } from '../../aws-json.ts'
import type { Dynalite, Input } from '../dynalite.ts'
import type { DynamodbStore } from '../store.ts'
import { type IndexChange, mergedDefinitions } from '../validations/index-updates.ts'

/** Items of one BatchWriteItem (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html). */
const maxBatchItems = 25

/**
 * Adds or removes a global secondary index. `dynalite` has indexes only from CreateTable: the table is read, made anew
 * with other indexes, and filled again. The caller sees to it that nobody else is at the tables meanwhile.
 * @throws AwsError ValidationException, ResourceNotFoundException; the table is then as it was
 */
export async function changeIndexes(
  store: DynamodbStore,
  tableName: string,
  change: IndexChange,
  addedDefinitions: unknown
): Promise<void> {
  const { dynalite } = store
  const table = await store.describe(tableName)
  const definition = changedDefinition(table, change, addedDefinitions)
  const items: Input[] = []
  let start: unknown
  do {
    const page = await dynalite.page(tableName, start)
    items.push(...page.items)
    start = page.next
  } while (start !== undefined)
  if (change.kind === 'create')
    checkIndexKeys(items, change.index, definition.AttributeDefinitions as Input[])
  // Whatever is wrong with the definition must show before the table goes.
  const probe = `probe-${randomUUID()}`
  await create(dynalite, { ...definition, TableName: probe })
  await remove(dynalite, probe)

  const tags = (await dynalite.ask('ListTagsOfResource', { ResourceArn: table.TableArn })).Tags as Input[]
  store.state(tableName).identity ??= {
    TableId: table.TableId,
    CreationDateTime: table.CreationDateTime
  }
  await remove(dynalite, tableName)
  await create(dynalite, definition)
  for (let from = 0; from < items.length; from += maxBatchItems) {
    const batch = items.slice(from, from + maxBatchItems).map(Item => ({ PutRequest: { Item } }))
    await dynalite.ask('BatchWriteItem', { RequestItems: { [tableName]: batch } })
  }
  if (tags.length > 0) await dynalite.ask('TagResource', { ResourceArn: table.TableArn, Tags: tags })
}

/** CreateTable input for the table as it will be. */
function changedDefinition(table: Input, change: IndexChange, addedDefinitions: unknown): Input {
  const isOnDemand = (table.BillingModeSummary as Input | undefined)?.BillingMode === 'PAY_PER_REQUEST'
  const current = ((table.GlobalSecondaryIndexes ?? []) as readonly Input[]).map(index =>
    indexDefinition(index, isOnDemand)
  )
  const changedName = change.kind === 'create' ? change.index.IndexName : change.indexName
  const others = current.filter(({ IndexName }) => IndexName !== changedName)
  const isThere = others.length < current.length
  if (change.kind === 'create' && isThere) {
    throw new AwsError('ValidationException', 'Attempting to create an index which already exists')
  }
  if (change.kind === 'delete' && !isThere) {
    throw new AwsError('ResourceNotFoundException', 'Requested resource not found')
  }
  const globalIndexes = change.kind === 'create' ? [...others, change.index] : others
  const localIndexes = ((table.LocalSecondaryIndexes ?? []) as readonly Input[]).map(index =>
    indexDefinition(index, true)
  )
  const keys = [table, ...globalIndexes, ...localIndexes].flatMap(({ KeySchema }) =>
    ((KeySchema ?? []) as readonly Input[]).map(({ AttributeName }) => AttributeName)
  )
  return {
    TableName: table.TableName,
    KeySchema: table.KeySchema,
    // Attributes that are no key any longer must not be defined.
    AttributeDefinitions: mergedDefinitions(table.AttributeDefinitions as Input[], addedDefinitions).filter(
      ({ AttributeName }) => keys.includes(AttributeName)
    ),
    ...(isOnDemand
      ? { BillingMode: 'PAY_PER_REQUEST' }
      : { ProvisionedThroughput: throughputOf(table.ProvisionedThroughput) }),
    ...(globalIndexes.length === 0 ? {} : { GlobalSecondaryIndexes: globalIndexes }),
    ...(localIndexes.length === 0 ? {} : { LocalSecondaryIndexes: localIndexes })
  }
}

function indexDefinition(index: Input, isWithoutThroughput: boolean): Input {
  const { IndexName, KeySchema, Projection, ProvisionedThroughput } = index
  return {
    IndexName,
    KeySchema,
    Projection,
    ...(isWithoutThroughput ? {} : { ProvisionedThroughput: throughputOf(ProvisionedThroughput) })
  }
}

function throughputOf(throughput: unknown): object {
  const { ReadCapacityUnits, WriteCapacityUnits } = throughput as Input
  return { ReadCapacityUnits, WriteCapacityUnits }
}

/**
 * AWS leaves items out of an index whose key attribute is of another type; `dynalite` could not take them back at all.
 * @throws AwsError ValidationException
 */
function checkIndexKeys(items: readonly Input[], index: Input, definitions: readonly Input[]): void {
  for (const { AttributeName: name } of (index.KeySchema ?? []) as readonly Input[]) {
    const type = definitions.find(({ AttributeName }) => AttributeName === name)?.AttributeType
    if (typeof name !== 'string' || typeof type !== 'string') continue
    const isWrong = items.some(item => {
      const value = item[name] as Input | undefined
      return value !== undefined && (value[type] === undefined || value[type] === '')
    })
    if (!isWrong) continue
    throw new AwsError(
      'ValidationException',
      `the local engine cannot build index ${String(index.IndexName)}: some items have a ${name} that is not of type ${type}`
    )
  }
}

// dynalite changes the status of tables on timers of its own: the injected clock has no part in it.

async function create(dynalite: Dynalite, definition: Input): Promise<void> {
  await dynalite.ask('CreateTable', definition)
  for (;;) {
    const { Table: table } = await dynalite.ask('DescribeTable', { TableName: definition.TableName })
    if ((table as Input).TableStatus === 'ACTIVE') return
    await wait(1)
  }
}

async function remove(dynalite: Dynalite, tableName: string): Promise<void> {
  await dynalite.ask('DeleteTable', { TableName: tableName })
  await untilGone(dynalite, tableName)
}

/** Resolves when a table that was deleted is gone, which takes `dynalite` a moment. */
export async function untilGone(dynalite: Dynalite, tableName: unknown): Promise<void> {
  while (await isThere(dynalite, tableName)) await wait(1)
}

async function isThere(dynalite: Dynalite, tableName: unknown): Promise<boolean> {
  try {
    await dynalite.ask('DescribeTable', { TableName: tableName })
    return true
  } catch (error) {
    if (error instanceof AwsError && error.type === 'ResourceNotFoundException') return false
    throw error
  }
}
