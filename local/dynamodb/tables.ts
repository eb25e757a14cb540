import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { AwsError } from '../aws-json.ts'
import type { Dynalite, Input } from './dynalite.ts'

/** Items of one BatchWriteItem (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html). */
const maxBatchItems = 25

/** A table that is to be made anew, with all that it holds. */
export interface Rebuild {
  /** Input of CreateTable. */
  readonly definition: Input
  readonly items: readonly Input[]
  readonly arn: unknown
  readonly tags: readonly Input[]
}

/** Makes the table in the place of the one of its name, which may have gone already. */
export async function rebuildTable(
  dynalite: Dynalite,
  { definition, items, arn, tags }: Rebuild
): Promise<void> {
  const tableName = String(definition.TableName)
  if (await isThere(dynalite, tableName)) await removeTable(dynalite, tableName)
  await createTable(dynalite, definition)
  for (let from = 0; from < items.length; from += maxBatchItems) {
    const batch = items.slice(from, from + maxBatchItems).map(Item => ({ PutRequest: { Item } }))
    await dynalite.ask('BatchWriteItem', { RequestItems: { [tableName]: batch } })
  }
  if (tags.length > 0) await dynalite.ask('TagResource', { ResourceArn: arn, Tags: tags })
}

/** For a table that is made and removed at once, to see whether it can be made. */
export function probeName(): string {
  return `probe-${randomUUID()}`
}

export function isProbe(tableName: string): boolean {
  return /^probe-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(tableName)
}

// dynalite changes the status of tables on timers of its own: the injected clock has no part in it.

export async function createTable(dynalite: Dynalite, definition: Input): Promise<void> {
  await dynalite.ask('CreateTable', definition)
  for (;;) {
    const { Table: table } = await dynalite.ask('DescribeTable', { TableName: definition.TableName })
    if ((table as Input).TableStatus === 'ACTIVE') return
    await wait(1)
  }
}

export async function removeTable(dynalite: Dynalite, tableName: string): Promise<void> {
  await dynalite.ask('DeleteTable', { TableName: tableName })
  await untilGone(dynalite, tableName)
}

/** Resolves when a table that was deleted is gone. */
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
