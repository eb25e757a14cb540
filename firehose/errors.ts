import { ErrorCode, SealstreamError } from '../core/errors.ts'
import type { SinkRecord } from './types.ts'

/** The sink's buffer is full and as much waits for room as may. The record was not accepted. */
export class SinkFullError extends SealstreamError {
  constructor(maxBufferedBytes: number) {
    super(ErrorCode.bufferFull, `buffer is full, and ${maxBufferedBytes} bytes wait for room`, {
      retryable: true
    })
  }
}

/** A record of a `putAll` that was not delivered, and why. */
export interface FailedPut {
  readonly record: SinkRecord
  readonly error: SealstreamError
}

/** Some records of a `putAll` were not delivered, and no more were taken. */
export class PutAllFailedError extends SealstreamError {
  /** The records, each with its error. Not enumerable, so that no logger prints them. */
  declare readonly failed: readonly FailedPut[]

  constructor(failed: readonly FailedPut[]) {
    super(ErrorCode.putFailed, `${failed.length} records were not delivered`, {
      cause: failed[0]?.error,
      errors: failed.map(({ error }) => error)
    })
    Object.defineProperty(this, 'failed', { value: failed })
  }
}
