export type {
  ConsumedRecord,
  DeadLetter,
  DeadLetterStore,
  KeyStats,
  RecordSink,
  UndeliverableRecord
} from '../core/index.ts'
export {
  ClosedError,
  ErrorCode,
  InvalidOptionError,
  isSealstreamError,
  KeyUnavailableError,
  RecordFaultError,
  SealstreamError,
  ServiceError
} from '../core/index.ts'
export type { ExtendedSequenceNumber } from './checkpoint/extended-sequence-number.ts'
export {
  LeaseLostError,
  LeaseTableMissingError,
  UnprocessableRecordError,
  WorkerStoppedError
} from './errors.ts'
export type { Lease } from './leases/lease.ts'
export type { CheckpointUpdate, LeaseTable } from './leases/lease-table.ts'
export type { BatchContext, BatchHandler, InitialPosition, OpenOptions, WorkerOptions } from './options.ts'
export type { WorkerEvent, WorkerStats } from './types.ts'
export { Worker } from './worker.ts'
