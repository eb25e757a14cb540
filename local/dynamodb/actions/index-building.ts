import { AwsError } from '../../aws-json.ts'
import type { Input } from '../dynalite.ts'
import type { DynamodbStore } from '../store.ts'
import { createTable, probeName, removeTable } from '../tables.ts'
import { type IndexChange, mergedDefinitions } from '../validations/index-updates.ts'

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
  const probe = probeName()
  await createTable(dynalite, { ...definition, TableName: probe })
  await removeTable(dynalite, probe)

  const tags = (await dynalite.ask('ListTagsOfResource', { ResourceArn: table.TableArn })).Tags as Input[]
  store.state(tableName).identity ??= {
    TableId: table.TableId,
    CreationDateTime: table.CreationDateTime
  }
  await store.rebuild({ definition, items, arn: table.TableArn, tags })
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
