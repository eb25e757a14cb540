import type { Permission } from '../authorization.ts'
import { queueNames } from '../faults/resource-names.ts'
import type { SqsStore } from './store.ts'

/**
 * What a request is allowed by; the queue need not be there. A batch is allowed by the action of its entries:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
 */
export function sqsPermissions(
  store: SqsStore,
  operation: string,
  input: Readonly<Record<string, unknown>>
): readonly Permission[] {
  const { region, accountId } = store.options
  const name = queueNames(input)[0]?.split('/').at(-1)
  const action = `sqs:${operation.replace(/Batch$/, '')}`
  if (name === undefined || operation === 'ListQueues') return [{ action, resource: '*' }]
  return [
    {
      action,
      resource: `arn:aws:sqs:${region}:${accountId}:${name}`,
      resourcePolicy: store.find(name)?.attributes.get('Policy')
    }
  ]
}
