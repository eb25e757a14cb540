import { ErrorCode, RecordFaultError } from '../core/errors.ts'

/** The record can never be delivered as it is. The message says why, and never what the record holds. */
export class UndeliverableError extends RecordFaultError {
  constructor(reason: string, cause?: unknown) {
    super(ErrorCode.undeliverable, `record cannot be delivered: ${reason}`, { cause })
  }
}
