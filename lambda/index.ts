export type {
  ConsumedRecord,
  DeadLetter,
  DeadLetterStore,
  FirehoseTransformRecord,
  KeyStats,
  LambdaKinesisRecord,
  Logger,
  OpenOptions
} from '../core/index.ts'
export {
  DiagnosticsChannel,
  ErrorCode,
  Framing,
  InvalidOptionError,
  InvalidRecordError,
  isSealstreamError,
  KeyUnavailableError,
  SealstreamError
} from '../core/index.ts'
export type {
  FirehoseTransformEvent,
  FirehoseTransformEventRecord,
  FirehoseTransformResponse,
  TransformedRecord
} from './firehose-event.ts'
export type { FirehoseTransform } from './firehose-transform.ts'
export { firehoseTransform } from './firehose-transform.ts'
export type { KinesisEvent, KinesisEventRecord, KinesisResponse } from './kinesis-event.ts'
export type { KinesisHandler } from './kinesis-handler.ts'
export { kinesisHandler } from './kinesis-handler.ts'
export type {
  FirehoseTransformOptions,
  FunctionOptions,
  KinesisBatchContext,
  KinesisBatchHandler,
  KinesisHandlerOptions,
  KinesisRecordHandler,
  RecordPosition,
  Transform,
  TransformContext,
  TransformRecord,
  TransformResult,
  TumblingWindow
} from './options.ts'
export type { FirehoseTransformStats, KinesisHandlerStats, LambdaContext, LambdaEvent } from './types.ts'
export { TransformFailure } from './types.ts'
