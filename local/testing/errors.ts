import { ErrorCode, SealstreamError } from '../../core/errors.ts'

export type EngineStartReason =
  /** An optional package is not installed. */
  | 'package-missing'
  /** No container engine answers. */
  | 'no-docker'
  /** The image is neither here nor can it be pulled. */
  | 'image-not-found'
  /** LocalStack ended with exit code 55: it wants a token, or refused the one it was given. */
  | 'token-refused'
  | 'port-taken'
  /** The container ended by itself. */
  | 'exited'
  /** The container runs, and did not say in time that it is ready. */
  | 'not-ready'
  /** Nothing answers at the address of an engine that should be up. */
  | 'unreachable'
  | 'failed'

/** An engine for tests could not be started or reached. The message says what to do. */
export class EngineStartError extends SealstreamError {
  readonly reason: EngineStartReason

  constructor(reason: EngineStartReason, message: string, cause?: unknown) {
    super(ErrorCode.engineUnavailable, message, cause === undefined ? {} : { cause })
    this.reason = reason
  }
}
