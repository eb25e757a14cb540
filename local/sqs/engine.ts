import { type AwsError, type AwsJsonOptions, awsJson } from '../aws-json.ts'
import type { RequestListener } from '../http-server.ts'
import { savingActions } from '../state/saving.ts'
import { getQueueAttributes, setQueueAttributes } from './actions/queue-attributes.ts'
import { createQueue, deleteQueue, getQueueUrl, listQueues, purgeQueue } from './actions/queues.ts'
import { receiveMessage } from './actions/receive-message.ts'
import {
  changeMessageVisibility,
  changeMessageVisibilityBatch,
  deleteMessage,
  deleteMessageBatch
} from './actions/received-messages.ts'
import { sendMessage, sendMessageBatch } from './actions/send-message.ts'
import { SqsStore, type SqsStoreOptions } from './store.ts'
import { sqsTypes } from './wire-types.ts'

export interface SqsEngineOptions extends SqsStoreOptions {
  readonly fault?: AwsJsonOptions['fault']
  readonly authorize?: AwsJsonOptions['authorize']
}

export interface SqsEngine {
  readonly listener: RequestListener
  readonly store: SqsStore
}

/** Errors that are called otherwise in the older query protocol, whose names clients still ask for. */
const olderNames: Readonly<Record<string, string>> = {
  QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
  QueueNameExists: 'QueueAlreadyExists',
  QueueDeletedRecently: 'AWS.SimpleQueueService.QueueDeletedRecently',
  PurgeQueueInProgress: 'AWS.SimpleQueueService.PurgeQueueInProgress',
  MessageNotInflight: 'AWS.SimpleQueueService.MessageNotInflight',
  UnsupportedOperation: 'AWS.SimpleQueueService.UnsupportedOperation',
  EmptyBatchRequest: 'AWS.SimpleQueueService.EmptyBatchRequest',
  TooManyEntriesInBatchRequest: 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
  InvalidBatchEntryId: 'AWS.SimpleQueueService.InvalidBatchEntryId',
  BatchEntryIdsNotDistinct: 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct',
  BatchRequestTooLong: 'AWS.SimpleQueueService.BatchRequestTooLong'
}

/** Standard queues in memory, and in a state folder if there is one, over AWS JSON 1.0. */
export function createSqsEngine(options: SqsEngineOptions): SqsEngine {
  const store = new SqsStore(options)
  return {
    store,
    listener: awsJson({
      targetPrefix: 'AmazonSQS',
      contentType: 'application/x-amz-json-1.0',
      types: sqsTypes,
      errorHeaders,
      fault: options.fault,
      authorize: options.authorize,
      actions: savingActions(
        {
          CreateQueue: createQueue(store),
          GetQueueUrl: getQueueUrl(store),
          GetQueueAttributes: getQueueAttributes(store),
          SetQueueAttributes: setQueueAttributes(store),
          ListQueues: listQueues(store),
          DeleteQueue: deleteQueue(store),
          PurgeQueue: purgeQueue(store),
          SendMessage: sendMessage(store),
          SendMessageBatch: sendMessageBatch(store),
          ReceiveMessage: receiveMessage(store),
          DeleteMessage: deleteMessage(store),
          DeleteMessageBatch: deleteMessageBatch(store),
          ChangeMessageVisibility: changeMessageVisibility(store),
          ChangeMessageVisibilityBatch: changeMessageVisibilityBatch(store)
        },
        operation => store.save(operation)
      )
    })
  }
}

function errorHeaders({ type, status }: AwsError): Readonly<Record<string, string>> {
  const fault = status < 500 ? 'Sender' : 'Receiver'
  return { 'x-amzn-query-error': `${olderNames[type] ?? type};${fault}` }
}
