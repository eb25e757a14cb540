export type { ConsumedRecord, DeliverOptions, RecordSink, UndeliverableRecord } from '../core/index.ts'
export {
  ClosedError,
  ErrorCode,
  Framing,
  InvalidOptionError,
  InvalidRecordError,
  isSealstreamError,
  SealstreamError,
  ServiceError,
  UndeliverableError
} from '../core/index.ts'
export type { Packing } from './batcher.ts'
export { DeliveryStreamSink } from './delivery-stream-sink.ts'
export { Destination } from './destination.ts'
export type { FailedPut } from './errors.ts'
export { PutAllFailedError, SinkFullError } from './errors.ts'
export type { FrameFunction } from './framer.ts'
export type { DeliveryStreamSinkOptions } from './options.ts'
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
