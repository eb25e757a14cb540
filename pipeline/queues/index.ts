export {
  ClosedError,
  DiagnosticsChannel,
  ErrorCode,
  InvalidOptionError,
  InvalidRecordError,
  isSealstreamError,
  KeyUnavailableError,
  RecordFaultError,
  SealstreamError,
  ServiceError
} from '../../core/index.ts'
export type { QueueEvent } from './queue-events.ts'
export type { QueueMessage, QueueReceiveOptions, SealedQueueReceiverOptions } from './queue-receiver.ts'
export { SealedQueueReceiver } from './queue-receiver.ts'
export type { QueueSendOptions, SealedQueueSenderOptions } from './queue-sender.ts'
export { SealedQueueSender } from './queue-sender.ts'
export type { SealedBodiesOptions } from './sealed-bodies.ts'
export { SealedBodies } from './sealed-bodies.ts'
