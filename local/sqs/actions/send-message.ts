import { type Action, AwsError } from '../../aws-json.ts'
import { attributesDigest, bodyDigest } from '../message-attributes.ts'
import type { StoredMessage } from '../queue.ts'
import type { SqsStore } from '../store.ts'
import { checkEntries, entryByEntry } from '../validations/batch.ts'
import { claimedBytes, parseMessage } from '../validations/message.ts'
import { secondsOf } from '../validations/queue-attributes.ts'

/** Largest batch, all its messages together, in bytes. */
const maxBatchBytes = 1_048_576

export const sendMessage =
  (store: SqsStore): Action =>
  input => {
    const queue = store.byUrl(input.QueueUrl)
    return receiptOf(queue.send(parseMessage(input, secondsOf(queue.attributes, 'MaximumMessageSize'))))
  }

export const sendMessageBatch =
  (store: SqsStore): Action =>
  (input, { failEntry }) => {
    const queue = store.byUrl(input.QueueUrl)
    const entries = checkEntries(input.Entries)
    const bytes = entries.reduce((sum, entry) => sum + claimedBytes(entry), 0)
    if (bytes > maxBatchBytes) {
      throw new AwsError(
        'BatchRequestTooLong',
        `Batch requests cannot be longer than ${maxBatchBytes} bytes. You have sent ${bytes} bytes.`
      )
    }
    const maxBytes = secondsOf(queue.attributes, 'MaximumMessageSize')
    return entryByEntry(entries, failEntry, entry => receiptOf(queue.send(parseMessage(entry, maxBytes))))
  }

function receiptOf({ id, body, attributes, systemAttributes }: StoredMessage): object {
  const md5 = attributesDigest(attributes)
  const systemMd5 = attributesDigest(systemAttributes)
  return {
    MessageId: id,
    MD5OfMessageBody: bodyDigest(body),
    ...(md5 === undefined ? {} : { MD5OfMessageAttributes: md5 }),
    ...(systemMd5 === undefined ? {} : { MD5OfMessageSystemAttributes: systemMd5 })
  }
}
