/** Shared by every copy of the package in a process, so that two copies recognise each other's errors. */
const brand = Symbol.for('sealstream.error')

/** Stable codes of every error that sealstream throws or hands back. */
export const ErrorCode = {
  invalidOption: 'SEALSTREAM_INVALID_OPTION',
  invalidRecord: 'SEALSTREAM_INVALID_RECORD',
  closed: 'SEALSTREAM_CLOSED',
  recordExpired: 'SEALSTREAM_RECORD_EXPIRED',
  putFailed: 'SEALSTREAM_PUT_FAILED',
  bufferFull: 'SEALSTREAM_BUFFER_FULL',
  laneStopped: 'SEALSTREAM_LANE_STOPPED',
  leaseLost: 'SEALSTREAM_LEASE_LOST',
  checkpointRejected: 'SEALSTREAM_CHECKPOINT_REJECTED',
  leaseTableRefused: 'SEALSTREAM_LEASE_TABLE_REFUSED',
  duplicateWorker: 'SEALSTREAM_DUPLICATE_WORKER',
  streamMismatch: 'SEALSTREAM_STREAM_MISMATCH',
  malformedAggregate: 'SEALSTREAM_MALFORMED_AGGREGATE',
  malformedMessage: 'SEALSTREAM_MALFORMED_MESSAGE',
  malformedDeadLetter: 'SEALSTREAM_MALFORMED_DEAD_LETTER',
  authenticationFailed: 'SEALSTREAM_AUTHENTICATION_FAILED',
  noUsableDataKey: 'SEALSTREAM_NO_USABLE_DATA_KEY',
  uncommittedMessage: 'SEALSTREAM_UNCOMMITTED_MESSAGE',
  contextMismatch: 'SEALSTREAM_CONTEXT_MISMATCH',
  plaintextRefused: 'SEALSTREAM_PLAINTEXT_REFUSED',
  keyUnavailable: 'SEALSTREAM_KEY_UNAVAILABLE',
  service: 'SEALSTREAM_SERVICE',
  throttled: 'SEALSTREAM_THROTTLED',
  timeout: 'SEALSTREAM_TIMEOUT',
  unreachable: 'SEALSTREAM_UNREACHABLE',
  undeliverable: 'SEALSTREAM_UNDELIVERABLE',
  processorFailed: 'SEALSTREAM_PROCESSOR_FAILED',
  engineUnavailable: 'SEALSTREAM_ENGINE_UNAVAILABLE',
  stateInUse: 'SEALSTREAM_STATE_IN_USE',
  stateDamaged: 'SEALSTREAM_STATE_DAMAGED',
  stateFormat: 'SEALSTREAM_STATE_FORMAT'
} as const
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode]

export interface SealstreamErrorOptions {
  readonly cause?: unknown
  /** Several causes of one failure, for example one per keyring. */
  readonly errors?: readonly unknown[]
  /** @default false */
  readonly retryable?: boolean
}

/**
 * Base of every error of the package.
 * Messages never hold a payload, a key or an encryption-context value.
 */
export class SealstreamError extends Error {
  readonly code: ErrorCode
  /** Whether the same call may succeed later without any change by the caller. */
  readonly retryable: boolean
  readonly errors: readonly unknown[]

  constructor(code: ErrorCode, message: string, options: SealstreamErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.retryable = options.retryable ?? false
    this.errors = options.errors ?? []
    Object.defineProperty(this, brand, { value: true })
  }
}

/** True for an error of this package, also when another copy of the package made it. */
export function isSealstreamError(error: unknown): error is SealstreamError {
  return typeof error === 'object' && error !== null && brand in error
}

/** An option is missing, has the wrong type or lies outside its range. */
export class InvalidOptionError extends SealstreamError {
  /** Path of the option, such as `seal.keyring`. */
  readonly option: string

  constructor(option: string, message: string) {
    super(ErrorCode.invalidOption, `option ${option}: ${message}`)
    this.option = option
  }
}

/** A user record that was refused: nothing of it was accepted. */
export class InvalidRecordError extends SealstreamError {
  /** The member of the record that is wrong, such as `partitionKey`. */
  readonly field: string

  constructor(field: string, message: string) {
    super(ErrorCode.invalidRecord, `record ${field}: ${message}`)
    this.field = field
  }
}

/** The object was closed, or is closing, and takes nothing more. */
export class ClosedError extends SealstreamError {
  constructor(what: string) {
    super(ErrorCode.closed, `${what} is closed`)
  }
}

/**
 * **Record fault**: the bytes are no message that the configured keyring may open.
 * The record itself is wrong and stays wrong; it is dead-lettered as it was received.
 */
export class RecordFaultError extends SealstreamError {}

/** A record came without sealing where only sealed ones are accepted. */
export class PlaintextRefusedError extends RecordFaultError {
  constructor() {
    super(ErrorCode.plaintextRefused, 'the record is not sealed, and acceptPlaintext is off')
  }
}

/** The record can never be delivered as it is. The message says why, and never what the record holds. */
export class UndeliverableError extends RecordFaultError {
  constructor(reason: string, cause?: unknown) {
    super(ErrorCode.undeliverable, `record cannot be delivered: ${reason}`, { cause })
  }
}

/**
 * **Key fault**: the key cannot be had at the moment (denied, disabled, throttled, unreachable).
 * The record may be fine. A consumer holds its checkpoint and tries again; it never dead-letters.
 */
export class KeyUnavailableError extends SealstreamError {
  /** What the key service answered, such as `AccessDeniedException`; undefined for an unreachable service. */
  readonly serviceCode: string | undefined

  constructor(message: string, options: SealstreamErrorOptions & { readonly serviceCode?: string } = {}) {
    super(ErrorCode.keyUnavailable, message, { ...options, retryable: true })
    this.serviceCode = options.serviceCode
  }
}
