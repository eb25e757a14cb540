// What other folders and the package's entries re-export from here; everything else is imported by file.

export { AggregatedRecordBuilder, MalformedAggregateError, MalformedReason } from './aggregated-record.ts'
export type { Clock } from './clock.ts'
export type {
  DeaggregatedRecord,
  DeaggregateOptions,
  FirehoseTransformRecord,
  LambdaKinesisRecord
} from './deaggregate.ts'
export { deaggregate } from './deaggregate.ts'
export {
  ClosedError,
  ErrorCode,
  InvalidOptionError,
  InvalidRecordError,
  isSealstreamError,
  KeyUnavailableError,
  RecordFaultError,
  SealstreamError,
  UndeliverableError
} from './errors.ts'
export type { Logger } from './logger.ts'
export type { MetricDimensions, MetricStatistics, Metrics, MetricUnit } from './metrics.ts'
export { MetricsRecorder } from './metrics.ts'
export type { OpenOptions } from './open-options.ts'
export { Framing } from './record-framing.ts'
export type {
  DeadLetter,
  DeadLetterStore,
  DeliverOptions,
  RecordSink,
  UndeliverableRecord
} from './record-sink.ts'
export type {
  EncryptionContext,
  KeyStats,
  RecordOpener,
  RecordSealer,
  SealingKeyring
} from './record-transform.ts'
export { SealMode } from './record-transform.ts'
export { FailureClass, ServiceError } from './service-errors.ts'
export { DiagnosticsChannel } from './surroundings.ts'
export type { ConsumedRecord, UserRecord } from './user-record.ts'
