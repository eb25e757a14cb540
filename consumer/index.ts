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
  OpenOptions,
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
export type { ReadRecord, RecordFault, RecordReaderOptions } from '../core/record-reader.ts'
export { RecordReader } from '../core/record-reader.ts'
export { Checkpointer, type PreparedCheckpoint } from './checkpoint/checkpointer.ts'
export type { ExtendedSequenceNumber } from './checkpoint/extended-sequence-number.ts'
export type { ClaimOptions } from './dead-letters/claims.ts'
export type { DeadLetterSource, HeldDeadLetter, ReceiveOptions } from './dead-letters/dead-letter-source.ts'
export { MalformedDeadLetterError } from './dead-letters/errors.ts'
export type { DeadLetterSummary, StoredDeadLetter } from './dead-letters/layout.ts'
export { replayDeadLetters, surveyDeadLetters } from './dead-letters/replay.ts'
export type {
  DeadLetterBounds,
  DeadLetterSurvey,
  ReplayEvent,
  ReplayOptions,
  ReplayResult
} from './dead-letters/replay-options.ts'
export { S3DeadLetterSource } from './dead-letters/s3-dead-letter-source.ts'
export type { S3DeadLetterStoreOptions } from './dead-letters/s3-dead-letter-store.ts'
export { S3DeadLetterStore } from './dead-letters/s3-dead-letter-store.ts'
export type { SqsDeadLetterSourceOptions } from './dead-letters/sqs-dead-letter-source.ts'
export { SqsDeadLetterSource } from './dead-letters/sqs-dead-letter-source.ts'
export type { SqsDeadLetterStoreOptions } from './dead-letters/sqs-dead-letter-store.ts'
export { SqsDeadLetterStore } from './dead-letters/sqs-dead-letter-store.ts'
export type { FanOutObstacle } from './errors.ts'
export {
  CheckpointRejectedError,
  DuplicateWorkerError,
  FanOutUnavailableError,
  FleetVersionError,
  HandlerOverdueError,
  IncompleteShardListError,
  Kcl2FleetError,
  Kcl3StateError,
  LeaseHandoffError,
  LeaseLostError,
  LeaseTableMissingError,
  LeaseTableSchemaError,
  ProcessorFailedError,
  StreamRecreatedError,
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
export type { LeaseRules } from './leases/kcl3/fleet-member.ts'
export type { LeaderLock, WorkerRow } from './leases/kcl3/fleet-rows.ts'
export type { FleetState, FleetTable } from './leases/kcl3/fleet-table.ts'
export type { Lease } from './leases/lease.ts'
export type { FormerStreams } from './leases/lease-cleaner.ts'
export type { LeaseCounts } from './leases/lease-coordinator.ts'
export type { CheckpointUpdate, LeaseTable, LeaseTableUsage, ShardFacts } from './leases/lease-table.ts'
export type { CreateLeaseTable } from './leases/lease-table-setup.ts'
export { ConsumerMetric } from './metrics.ts'
export { type MigrationObstacle, MigrationRefusedError } from './migration/errors.ts'
export { migrateLeaseTable } from './migration/migrate-lease-table.ts'
export type {
  LeaseTableAddress,
  LeaseTableKey,
  LeaseTableMigration,
  MigrateLeaseTableOptions,
  MigrationEvent,
  MigrationWrites
} from './migration/migration-options.ts'
export {
  type RekeyedLeaseTable,
  type RekeyLeaseTableOptions,
  rekeyLeaseTable
} from './migration/rekey-lease-table.ts'
export type { TableComparison, TableDifference } from './migration/table-comparison.ts'
export type {
  FailurePolicy,
  FanOutRetrieval,
  InitialPosition,
  RetrievalOptions,
  StreamOptions,
  WorkerOptions
} from './options.ts'
export type { ShardHealth, WorkerEvent, WorkerStats } from './types.ts'
export { Worker } from './worker.ts'
