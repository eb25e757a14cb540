import type { TableDescription } from '@aws-sdk/client-dynamodb'
import { callService, ServiceError, serviceErrorName } from '../../core/service-errors.ts'

/** Whether a write was refused by its condition; takes the error as the client threw it. */
export function isConditionFailure(error: unknown): boolean {
  return serviceErrorName(error) === 'ConditionalCheckFailedException'
}

/** Carries out one write under a condition; false when that did not hold. @throws ServiceError */
export async function wasCarriedOut(operation: string, write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write()
    return true
  } catch (cause) {
    if (isConditionFailure(cause)) return false
    throw new ServiceError('dynamodb', operation, cause)
  }
}

/** Every page of a scan or a query. `send` is given where the last one ended. @throws ServiceError */
export async function* pagesOf<Page extends { readonly LastEvaluatedKey?: unknown }>(
  operation: string,
  send: (from: Page['LastEvaluatedKey']) => Promise<Page>
): AsyncGenerator<Page, void, undefined> {
  let from: Page['LastEvaluatedKey'] | undefined
  do {
    const start = from
    const page = await callService('dynamodb', operation, () => send(start))
    yield page
    from = page.LastEvaluatedKey
  } while (from !== undefined)
}

/** The key of a table, such as `leaseKey S HASH`. */
export function keyOf({
  KeySchema: keys = [],
  AttributeDefinitions: attributes = []
}: TableDescription): string {
  return keys
    .map(({ AttributeName: name, KeyType: type }) => {
      const attribute = attributes.find(({ AttributeName }) => AttributeName === name)
      return `${name} ${attribute?.AttributeType} ${type}`
    })
    .join(', ')
}
