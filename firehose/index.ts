export type { ConsumedRecord, DeliverOptions, RecordSink, UndeliverableRecord } from '../core/index.ts'
export {
  ClosedError,
  ErrorCode,
  InvalidOptionError,
  InvalidRecordError,
  isSealstreamError,
  SealstreamError,
  ServiceError
} from '../core/index.ts'
export type { Packing } from './batcher.ts'
export { DeliveryStreamSink } from './delivery-stream-sink.ts'
export { Destination } from './destination.ts'
export type { FailedPut } from './errors.ts'
export { PutAllFailedError, SinkFullError, UndeliverableError } from './errors.ts'
export type { DeliveryStreamSinkOptions } from './options.ts'
export type { FrameFunction } from './record-framing.ts'
export { Framing } from './record-framing.ts'
export type { RoutingSinkOptions } from './routing-sink.ts'
export { RoutingSink } from './routing-sink.ts'
export type {
  FirehosePort,
  SinkEvent,
  SinkPutAllResult,
  SinkPutResult,
  SinkRecord,
  SinkStats
} from './types.ts'
