export type {
  ConsumedRecord,
  DeadLetter,
  DeadLetterStore,
  DeaggregatedRecord,
  DeaggregateOptions,
  FirehoseTransformRecord,
  KeyStats,
  LambdaKinesisRecord,
  MetricDimensions,
  MetricStatistics,
  Metrics,
  MetricUnit,
  RecordSink,
  UndeliverableRecord
} from '../core/index.ts'
export {
  ClosedError,
  DiagnosticsChannel,
  deaggregate,
  ErrorCode,
  InvalidOptionError,
  InvalidRecordError,
  isSealstreamError,
  KeyUnavailableError,
  MalformedAggregateError,
  MalformedReason,
  MetricsRecorder,
  RecordFaultError,
  SealstreamError,
  ServiceError
} from '../core/index.ts'
export { Checkpointer, type PreparedCheckpoint } from './checkpoint/checkpointer.ts'
export type { ExtendedSequenceNumber } from './checkpoint/extended-sequence-number.ts'
export {
  CheckpointRejectedError,
  HandlerOverdueError,
  LeaseLostError,
  LeaseTableMissingError,
  ProcessorFailedError,
  UnprocessableRecordError,
  WorkerStoppedError
} from './errors.ts'
export type { ConsumedBatch } from './handlers/batch-iterator.ts'
export type {
  BatchContext,
  BatchHandler,
  PendingCheckpoint,
  RecordHandler,
  RecordPosition,
  RecordProcessor,
  RecordProcessorFactory,
  ShardContext
} from './handlers/handlers.ts'
export type { Lease } from './leases/lease.ts'
export type { CheckpointUpdate, LeaseTable } from './leases/lease-table.ts'
export { ConsumerMetric } from './metrics.ts'
export type { FailurePolicy, InitialPosition, OpenOptions, WorkerOptions } from './options.ts'
export type { ShardHealth, WorkerEvent, WorkerStats } from './types.ts'
export { Worker } from './worker.ts'
