import { setTimeout as wait } from 'node:timers/promises'
import { AwsError } from '../../aws-json.ts'
import type { Input } from '../dynalite.ts'
import type { DynamodbAction } from '../store.ts'
import { untilGone } from '../tables.ts'
import { encryptionKeyOf } from '../validations/encryption.ts'
import { indexChangeOf } from '../validations/index-updates.ts'
import { changeIndexes } from './index-building.ts'

export const createTable: DynamodbAction = async (store, input, principal) => {
  const keyArn = await encryptionKeyOf(store, input.SSESpecification, principal)
  const { TableDescription: table } = await store.dynalite.ask('CreateTable', input)
  const { TableName: name, TableArn: arn } = table as Input
  const tableName = String(name)
  // On a timer of `dynalite`'s own: a write that came before would not find the table.
  while ((await store.describe(tableName)).TableStatus === 'CREATING') await wait(1)
  store.forget(tableName)
  const state = store.state(tableName)
  state.keyArn = keyArn
  state.isDeletionProtected = input.DeletionProtectionEnabled === true
  const { Tags: tags } = input
  if (Array.isArray(tags) && tags.length > 0) {
    await store.dynalite.ask('TagResource', { ResourceArn: arn, Tags: tags })
  }
  return { TableDescription: store.described(table as Input) }
}

export const describeTable: DynamodbAction = async (store, input) => ({
  Table: store.described(await store.describe(input.TableName))
})

export const deleteTable: DynamodbAction = async (store, input) => {
  const state = await store.stateOf(input.TableName)
  if (state.isDeletionProtected) {
    throw new AwsError(
      'ValidationException',
      'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.'
    )
  }
  const { TableDescription: table } = await store.dynalite.ask('DeleteTable', input)
  const described = store.described(table as Input)
  await untilGone(store.dynalite, input.TableName)
  store.forget(String(input.TableName))
  return { TableDescription: described }
}

export const updateTable: DynamodbAction = async (store, input, principal) => {
  const { SSESpecification: sse, DeletionProtectionEnabled: protection, ...rest } = input
  const state = await store.stateOf(input.TableName)
  const tableName = String(input.TableName)
  const change = indexChangeOf(input)
  const keyArn = sse === undefined ? state.keyArn : await encryptionKeyOf(store, sse, principal)
  if (change !== undefined) {
    await changeIndexes(store, tableName, change, input.AttributeDefinitions)
  } else if (
    ['BillingMode', 'ProvisionedThroughput', 'GlobalSecondaryIndexUpdates'].some(name => name in rest)
  ) {
    await store.dynalite.ask('UpdateTable', rest)
  } else if (sse === undefined && protection === undefined) {
    throw new AwsError(
      'ValidationException',
      'At least one of ProvisionedThroughput, BillingMode, GlobalSecondaryIndexUpdates, SSESpecification or DeletionProtectionEnabled is required'
    )
  }
  state.keyArn = keyArn
  if (protection !== undefined) state.isDeletionProtected = protection === true
  const table = store.described(await store.describe(tableName))
  if (change === undefined) return { TableDescription: table }
  // The index is ready; the answer says what AWS says while it is being built.
  const indexes = ((table.GlobalSecondaryIndexes ?? []) as readonly Input[]).map(index =>
    change.kind === 'create' && index.IndexName === change.index.IndexName
      ? { ...index, IndexStatus: 'CREATING', Backfilling: false }
      : index
  )
  return {
    TableDescription: {
      ...table,
      TableStatus: 'UPDATING',
      ...(indexes.length === 0 ? {} : { GlobalSecondaryIndexes: indexes })
    }
  }
}
