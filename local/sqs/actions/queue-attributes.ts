import type { Action } from '../../aws-json.ts'
import type { SqsStore } from '../store.ts'
import { chosenAttributes, settingsOf, withAttributes } from '../validations/queue-attributes.ts'

export const getQueueAttributes =
  (store: SqsStore): Action =>
  input => {
    const queue = store.byUrl(input.QueueUrl)
    const { visible, inFlight, delayed } = queue.counts
    const all = new Map([
      ...settingsOf(queue.attributes),
      ['QueueArn', queue.arn],
      ['ApproximateNumberOfMessages', String(visible)],
      ['ApproximateNumberOfMessagesNotVisible', String(inFlight)],
      ['ApproximateNumberOfMessagesDelayed', String(delayed)],
      ['CreatedTimestamp', epochSeconds(queue.createdMs)],
      ['LastModifiedTimestamp', epochSeconds(queue.modifiedMs)]
    ])
    const Attributes = chosenAttributes(input.AttributeNames, all)
    return Object.keys(Attributes).length > 0 ? { Attributes } : {}
  }

export const setQueueAttributes =
  (store: SqsStore): Action =>
  input => {
    const queue = store.byUrl(input.QueueUrl)
    queue.attributes = withAttributes(queue.attributes, input.Attributes)
    queue.modifiedMs = store.options.clock.wallTime()
    return {}
  }

function epochSeconds(ms: number): string {
  return String(Math.floor(ms / 1000))
}
