import { ErrorCode, SealstreamError } from '../core/errors.ts'
import type { UserRecord } from '../core/user-record.ts'
import type { FailedAttempt } from './types.ts'

export interface HandedBack {
  readonly record: UserRecord
  /** How often the record was sent; requests that another entry made invalid do not count. */
  readonly attempts: number
  /** The last attempts that failed, oldest first; at most ten. */
  readonly failedAttempts: readonly FailedAttempt[]
  /** An attempt may have been stored all the same: its answer was lost, or it went to another shard. */
  readonly maybeStored: boolean
  readonly cause: unknown
}

/** An accepted record is handed back, with its cause. `record` is the very object that was put. */
abstract class HandedBackError extends SealstreamError {
  readonly record!: UserRecord
  readonly attempts: number
  readonly failedAttempts: readonly FailedAttempt[]
  readonly maybeStored: boolean

  constructor(code: ErrorCode, message: string, details: HandedBack) {
    super(code, message, { cause: details.cause })
    // Not enumerable: a logger that prints the error does not print the payload.
    Object.defineProperty(this, 'record', { value: details.record, enumerable: false })
    this.attempts = details.attempts
    this.failedAttempts = details.failedAttempts
    this.maybeStored = details.maybeStored
  }
}

/** Kinesis refused the record for good, or the producer was closed before it could be sent. */
export class PutFailedError extends HandedBackError {
  constructor(details: HandedBack) {
    const reason = details.cause instanceof Error ? details.cause.message : 'unknown'
    super(ErrorCode.putFailed, `record was not put: ${reason}`, details)
  }
}

/** The record could not be put within `recordTtlMs`. The cause is the last failure; undefined without one. */
export class RecordExpiredError extends HandedBackError {
  constructor(details: HandedBack, recordTtlMs: number) {
    super(ErrorCode.recordExpired, `record expired after ${recordTtlMs} ms`, details)
  }
}

/** The buffer is full and as much waits for room as may. The record was not accepted. */
export class BufferFullError extends SealstreamError {
  constructor(maxWaitingBytes: number) {
    super(ErrorCode.bufferFull, `buffer is full, and ${maxWaitingBytes} bytes wait for room`, {
      retryable: true
    })
  }
}

/**
 * Ordered mode: an earlier record of the same partition key was handed back, so this one is, too. The cause of a
 * `PutFailedError`, or thrown by a `put` that was still waiting for room.
 */
export class LaneStoppedError extends SealstreamError {
  constructor() {
    super(ErrorCode.laneStopped, 'an earlier record of this partition key was handed back')
  }
}

/** Some records of a `putAll` were handed back, or refused; `errors` has each with its record, and no more were taken. */
export class PutAllFailedError extends SealstreamError {
  constructor(errors: readonly unknown[]) {
    super(ErrorCode.putFailed, `${errors.length} records were handed back or refused`, {
      cause: errors[0],
      errors
    })
  }
}
