export type { KeyStats, UserRecord } from '../core/index.ts'
export {
  ClosedError,
  ErrorCode,
  InvalidOptionError,
  InvalidRecordError,
  isSealstreamError,
  KeyUnavailableError,
  SealMode,
  SealstreamError,
  ServiceError
} from '../core/index.ts'
export { BufferFullError, PutFailedError, RecordExpiredError } from './errors.ts'
export type { ProducerOptions, SealOptions } from './options.ts'
export { Producer } from './producer.ts'
export type { FailedAttempt, ProducerEvent, ProducerStats, PutResult } from './types.ts'
