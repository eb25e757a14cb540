export type { ConsumedRecord, RecordSink, UndeliverableRecord } from '../core/index.ts'
export {
  ClosedError,
  ErrorCode,
  InvalidOptionError,
  isSealstreamError,
  SealstreamError,
  ServiceError
} from '../core/index.ts'
export { DeliveryStreamSink } from './delivery-stream-sink.ts'
export { UndeliverableError } from './errors.ts'
export type { DeliveryStreamSinkOptions } from './options.ts'
export { Framing } from './record-framing.ts'
export type { FirehosePort, SinkEvent, SinkStats } from './types.ts'
