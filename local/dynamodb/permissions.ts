import type { Permission } from '../authorization.ts'

type Input = Readonly<Record<string, unknown>>

/** A member of a transaction -> the action that allows it. */
const transactionActions = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
  Get: 'GetItem'
} as const

/**
 * What a request is allowed by; the tables need not be there. A transaction is allowed by the actions of its members, a
 * batch by its own action on each table:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
 */
export function dynamodbPermissions(
  scope: { readonly region: string; readonly accountId: string },
  operation: string,
  input: Input
): readonly Permission[] {
  const action = `dynamodb:${operation}`
  // A member that is not of the operation is passed over by it, and must not say what is asked.
  if (operation.startsWith('Transact') && Array.isArray(input.TransactItems))
    return ofTransaction(scope, operation, input.TransactItems)
  if (operation.startsWith('Batch') && isObject(input.RequestItems)) {
    return Object.keys(input.RequestItems).map(table => ({ action, resource: tableArn(scope, table) }))
  }
  const table = [input.TableName, input.ResourceArn].find(name => typeof name === 'string')
  if (table === undefined) return [{ action, resource: '*' }]
  const index = typeof input.IndexName === 'string' ? `/index/${input.IndexName}` : ''
  return [{ action, resource: `${tableArn(scope, table)}${index}` }]
}

function ofTransaction(
  scope: { readonly region: string; readonly accountId: string },
  operation: string,
  members: readonly unknown[]
): readonly Permission[] {
  const asked = new Map<string, Permission>()
  for (const member of members) {
    for (const [kind, action] of Object.entries(transactionActions)) {
      const item = isObject(member) ? member[kind] : undefined
      if (!isObject(item)) continue
      const resource = tableArn(scope, String(item.TableName))
      const context = { 'dynamodb:EnclosingOperation': operation }
      asked.set(`${action} ${resource}`, { action: `dynamodb:${action}`, resource, context })
    }
  }
  return [...asked.values()]
}

function tableArn(
  { region, accountId }: { readonly region: string; readonly accountId: string },
  table: string
): string {
  return table.startsWith('arn:') ? table : `arn:aws:dynamodb:${region}:${accountId}:table/${table}`
}

function isObject(value: unknown): value is Input {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
