import { type Action, AwsError } from '../../aws-json.ts'
import type { Queue } from '../queue.ts'
import type { SqsStore } from '../store.ts'
import { checkEntries, entryByEntry } from '../validations/batch.ts'
import { checkReceipt, numberParameter } from '../validations/parameters.ts'

type Members = Readonly<Record<string, unknown>>

export const deleteMessage =
  (store: SqsStore): Action =>
  input =>
    remove(store.byUrl(input.QueueUrl), input)

export const deleteMessageBatch =
  (store: SqsStore): Action =>
  (input, { failEntry }) => {
    const queue = store.byUrl(input.QueueUrl)
    return entryByEntry(checkEntries(input.Entries), failEntry, entry => remove(queue, entry))
  }

export const changeMessageVisibility =
  (store: SqsStore): Action =>
  input =>
    changeVisibility(store.byUrl(input.QueueUrl), input)

export const changeMessageVisibilityBatch =
  (store: SqsStore): Action =>
  (input, { failEntry }) => {
    const queue = store.byUrl(input.QueueUrl)
    return entryByEntry(checkEntries(input.Entries), failEntry, entry => changeVisibility(queue, entry))
  }

function remove(queue: Queue, { ReceiptHandle }: Members): object {
  const message = queue.byReceipt(checkReceipt(ReceiptHandle))
  // An older handle succeeds, too, and deletes nothing: whoever has the newer one may be at work.
  if (message !== undefined) queue.delete(message)
  return {}
}

function changeVisibility(queue: Queue, { ReceiptHandle, VisibilityTimeout }: Members): object {
  const receipt = checkReceipt(ReceiptHandle)
  const seconds = numberParameter('VisibilityTimeout', VisibilityTimeout, 0, 43_200)
  if (seconds === undefined) {
    throw new AwsError('MissingParameter', 'The request must contain the parameter VisibilityTimeout.')
  }
  const message = queue.byReceipt(receipt)
  if (message === undefined) {
    throw new AwsError(
      'InvalidParameterValue',
      'The value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.'
    )
  }
  if (!queue.isInFlight(message)) {
    throw new AwsError('MessageNotInflight', 'The specified message is not in flight.')
  }
  queue.hide(message, seconds)
  return {}
}
