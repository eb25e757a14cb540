import { ErrorCode, InvalidOptionError, isSealstreamError } from '../core/errors.ts'
import { classifyFailure, FailureClass, ServiceError } from '../core/service-errors.ts'
import { StateError } from '../local/state/index.ts'
import { ExitCode, UsageError } from './exit-code.ts'

export interface Explanation {
  readonly exitCode: ExitCode
  /** One line: what happened and what to check. */
  readonly message: string
}

/** Puts a failure into one line for a person. `endpoint` is where the services were expected. */
export function explainError(error: unknown, endpoint: string): Explanation {
  if (error instanceof UsageError || error instanceof InvalidOptionError) {
    return { exitCode: ExitCode.usage, message: error.message }
  }
  if (isSealstreamError(error) && error.code === ErrorCode.engineUnavailable) {
    return { exitCode: ExitCode.unreachable, message: error.message }
  }
  if (error instanceof StateError) return { exitCode: ExitCode.usage, message: error.message }
  const failure = failureOf(error)
  if (failure === FailureClass.unreachable) {
    return {
      exitCode: ExitCode.unreachable,
      message: `cannot reach ${endpoint}: check that the service is up there and that the address is right (${whatFailed(error)})`
    }
  }
  if (failure === FailureClass.denied) {
    return {
      exitCode: ExitCode.unreachable,
      message: `denied at ${endpoint}: check credentials, region and policies (${whatFailed(error)})`
    }
  }
  return { exitCode: ExitCode.failed, message: error instanceof Error ? error.message : String(error) }
}

/** Tells a person of a failure, on standard error. Returns the exit code of the command. */
export function tellFailure(error: unknown, endpoint: string, { isVerbose = false } = {}): ExitCode {
  const { message, exitCode } = explainError(error, endpoint)
  process.stderr.write(`sealstream: ${message}\n`)
  if (isVerbose && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  return exitCode
}

function failureOf(error: unknown, depth = 0): FailureClass | undefined {
  if (error instanceof ServiceError) return error.failure
  if (typeof error !== 'object' || error === null || depth > 4) return undefined
  // An SDK error that nobody wrapped, or a wrapped cause inside one of our own.
  const inner = 'cause' in error ? failureOf(error.cause, depth + 1) : undefined
  if (inner !== undefined) return inner
  if (isSealstreamError(error)) return undefined
  const failure = classifyFailure(error)
  return '$metadata' in error || 'code' in error || failure === FailureClass.denied ? failure : undefined
}

function whatFailed(error: unknown): string {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 5; depth += 1) {
    if (at instanceof ServiceError) return `${at.service} ${at.operation}: ${at.serviceCode}`
    at = (at as { cause?: unknown }).cause
  }
  return error instanceof Error ? error.name : 'unknown'
}
