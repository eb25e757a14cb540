export type {
  KeyStats,
  MetricDimensions,
  MetricStatistics,
  Metrics,
  MetricUnit,
  UserRecord
} from '../core/index.ts'
export {
  AggregatedRecordBuilder,
  ClosedError,
  DiagnosticsChannel,
  ErrorCode,
  InvalidOptionError,
  InvalidRecordError,
  isSealstreamError,
  KeyUnavailableError,
  MetricsRecorder,
  SealMode,
  SealstreamError,
  ServiceError
} from '../core/index.ts'
export {
  BufferFullError,
  LaneStoppedError,
  PutAllFailedError,
  PutFailedError,
  RecordExpiredError
} from './errors.ts'
export { ProducerMetric } from './metrics.ts'
export type { ProducerOptions, SealOptions } from './options.ts'
export { Producer } from './producer.ts'
export type { FailedAttempt, ProducerEvent, ProducerStats, PutAllResult, PutResult } from './types.ts'
