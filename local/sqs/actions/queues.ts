import { type Action, type ActionContext, AwsError } from '../../aws-json.ts'
import { queueDoesNotExist, type SqsStore } from '../store.ts'
import { checkQueueName, numberParameter } from '../validations/parameters.ts'
import { settingsOf, withAttributes } from '../validations/queue-attributes.ts'

const purgeEveryMs = 60_000

export const createQueue =
  (store: SqsStore): Action =>
  (input, context) => {
    const name = checkQueueName(input.QueueName)
    const attributes = withAttributes(new Map(), input.Attributes)
    const found = store.find(name)
    if (found !== undefined) {
      const settings = settingsOf(found.attributes)
      for (const [attribute, value] of attributes) {
        if (settings.get(attribute) === value) continue
        throw new AwsError(
          'QueueNameExists',
          `A queue already exists with the same name and a different value for attribute ${attribute}`
        )
      }
    }
    return { QueueUrl: urlOf(store, (found ?? store.create(name, attributes)).name, context) }
  }

export const getQueueUrl =
  (store: SqsStore): Action =>
  (input, context) => {
    const found = store.find(String(input.QueueName))
    if (found === undefined) throw queueDoesNotExist()
    return { QueueUrl: urlOf(store, found.name, context) }
  }

export const listQueues =
  (store: SqsStore): Action =>
  (input, context) => {
    const { QueueNamePrefix: prefix = '', NextToken: after } = input
    const max = numberParameter('MaxResults', input.MaxResults, 1, 1_000) ?? 1_000
    const names = store.queues
      .map(({ name }) => name)
      .filter(name => name.startsWith(String(prefix)))
      .sort()
      .filter(name => typeof after !== 'string' || name > Buffer.from(after, 'base64').toString())
    const page = names.slice(0, max)
    return {
      QueueUrls: page.map(name => urlOf(store, name, context)),
      // Without MaxResults there is no paging, and no more than 1,000.
      ...(names.length > max && input.MaxResults !== undefined
        ? { NextToken: Buffer.from(page.at(-1)!).toString('base64') }
        : {})
    }
  }

export const deleteQueue =
  (store: SqsStore): Action =>
  input => {
    store.delete(store.byUrl(input.QueueUrl))
    return {}
  }

export const purgeQueue =
  (store: SqsStore): Action =>
  input => {
    const queue = store.byUrl(input.QueueUrl)
    if (queue.purgedAtMs !== undefined && store.options.clock.now() - queue.purgedAtMs < purgeEveryMs) {
      throw new AwsError(
        'PurgeQueueInProgress',
        `Only one PurgeQueue operation on ${queue.name} is allowed every 60 seconds.`
      )
    }
    queue.purge()
    return {}
  }

function urlOf(store: SqsStore, name: string, { origin }: ActionContext): string {
  return `${origin}/${store.options.accountId}/${name}`
}
