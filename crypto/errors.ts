import { ErrorCode, RecordFaultError, type SealstreamErrorOptions } from '../core/errors.ts'

/** The bytes are not a message of the AWS Encryption SDK, or not one of a kind that is read here. */
export class MalformedMessageError extends RecordFaultError {
  /** Where in the message the fault was found, in bytes. */
  readonly offset: number

  constructor(message: string, offset: number) {
    super(ErrorCode.malformedMessage, `sealed message, byte ${offset}: ${message}`)
    this.offset = offset
  }
}

/** Tag, commitment or wrapped key do not fit. One text for all causes: it tells an attacker nothing. */
export class AuthenticationFailedError extends RecordFaultError {
  constructor() {
    super(ErrorCode.authenticationFailed, 'sealed message: authentication failed')
  }
}

/** No encrypted data key of the message is for the configured keyring, or none of them could be opened by it. */
export class NoUsableDataKeyError extends RecordFaultError {
  constructor(message: string, options: SealstreamErrorOptions = {}) {
    super(ErrorCode.noUsableDataKey, message, options)
  }
}

/** The message is authentic, but bound to another stream or context than the one that is required. */
export class ContextMismatchError extends RecordFaultError {
  /** Names of the pairs that differ or are missing. */
  readonly names: readonly string[]

  constructor(names: readonly string[]) {
    super(
      ErrorCode.contextMismatch,
      `encryption context: required pairs differ or are missing: ${names.join(', ')}`
    )
    this.names = names
  }
}

/** The message does not commit to its data key, and the commitment policy asks for that. */
export class UncommittedMessageError extends RecordFaultError {
  constructor(suiteId: number) {
    super(
      ErrorCode.uncommittedMessage,
      `sealed message: algorithm suite 0x${suiteId.toString(16).padStart(4, '0')} does not commit to the data key`
    )
  }
}
