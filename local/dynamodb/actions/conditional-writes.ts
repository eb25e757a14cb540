import { type Answer, errorTypeOf, type Input, parseJson } from '../dynalite.ts'
import type { DynamodbStore } from '../store.ts'

const writes: readonly string[] = ['PutItem', 'UpdateItem', 'DeleteItem']

/** Whether a request wants to see the item that its condition has failed on. */
export function wantsFailedItem(operation: string, input: Input): boolean {
  return writes.includes(operation) && input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD'
}

/**
 * The answer of a write with the item that its condition has failed on. The caller sees to it that nobody writes
 * meanwhile: the item is read after the condition.
 */
export async function withFailedItem(store: DynamodbStore, input: Input, answer: Answer): Promise<Answer> {
  if (errorTypeOf(answer) !== 'ConditionalCheckFailedException') return answer
  const { TableName, Item, Key } = input
  const { KeySchema: schema } = await store.describe(TableName)
  const names = (schema as readonly Input[]).map(({ AttributeName }) => String(AttributeName))
  const whole = (Key ?? Item) as Input
  const { Item: item } = await store.dynalite.ask('GetItem', {
    TableName,
    Key: Object.fromEntries(names.map(name => [name, whole[name]])),
    ConsistentRead: true
  })
  if (item === undefined) return answer
  const { 'x-amz-crc32': _, 'content-length': __, ...headers } = answer.headers
  return { ...answer, headers, body: Buffer.from(JSON.stringify({ ...parseJson(answer.body), Item: item })) }
}
