import type { Action } from '../../aws-json.ts'
import { attributesDigest, bodyDigest } from '../message-attributes.ts'
import type { StoredMessage } from '../queue.ts'
import type { SqsStore } from '../store.ts'
import { numberParameter } from '../validations/parameters.ts'
import { secondsOf } from '../validations/queue-attributes.ts'

export const receiveMessage =
  (store: SqsStore): Action =>
  async (input, context) => {
    const queue = store.byUrl(input.QueueUrl)
    const max = numberParameter('MaxNumberOfMessages', input.MaxNumberOfMessages, 1, 10) ?? 1
    const visibilitySeconds =
      numberParameter('VisibilityTimeout', input.VisibilityTimeout, 0, 43_200) ??
      secondsOf(queue.attributes, 'VisibilityTimeout')
    const waitSeconds =
      numberParameter('WaitTimeSeconds', input.WaitTimeSeconds, 0, 20) ??
      secondsOf(queue.attributes, 'ReceiveMessageWaitTimeSeconds')
    const messages = await queue.receive(
      {
        max,
        visibilityMs: visibilitySeconds * 1000,
        waitMs: waitSeconds * 1000,
        onEnd: callback => context.onEnd(callback)
      },
      store.redriveOf(queue)
    )
    // The older name of the member means the same.
    const systemNames = [...listOf(input.MessageSystemAttributeNames), ...listOf(input.AttributeNames)]
    const names = listOf(input.MessageAttributeNames)
    return messages.length === 0
      ? {}
      : { Messages: messages.map(message => described(message, systemNames, names, store)) }
  }

function described(
  message: StoredMessage,
  systemNames: readonly string[],
  names: readonly string[],
  store: SqsStore
): object {
  const system: Readonly<Record<string, string | undefined>> = {
    SenderId: store.options.accountId,
    SentTimestamp: String(message.sentMs),
    ApproximateReceiveCount: String(message.receiveCount),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedMs),
    DeadLetterQueueSourceArn: message.sourceArn,
    AWSTraceHeader: message.systemAttributes.get('AWSTraceHeader')?.StringValue
  }
  const Attributes = Object.fromEntries(
    Object.entries(system).filter(
      ([name, value]) => value !== undefined && (systemNames.includes('All') || systemNames.includes(name))
    )
  )
  const chosen = new Map([...message.attributes].filter(([name]) => isAskedFor(name, names)))
  const md5 = attributesDigest(chosen)
  return {
    MessageId: message.id,
    ReceiptHandle: message.receipt,
    Body: message.body,
    MD5OfBody: bodyDigest(message.body),
    ...(Object.keys(Attributes).length > 0 ? { Attributes } : {}),
    ...(md5 === undefined
      ? {}
      : { MessageAttributes: Object.fromEntries(chosen), MD5OfMessageAttributes: md5 })
  }
}

/** A name, a prefix before `.*`, or all. */
function isAskedFor(name: string, names: readonly string[]): boolean {
  return names.some(
    asked =>
      asked === name ||
      asked === 'All' ||
      asked === '.*' ||
      (asked.endsWith('.*') && name.startsWith(asked.slice(0, -1)))
  )
}

function listOf(names: unknown): readonly string[] {
  return Array.isArray(names) ? names.map(String) : []
}
