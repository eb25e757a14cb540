import { ErrorCode, SealstreamError } from './errors.ts'

/** How a failed call to an AWS service is to be treated. */
export const FailureClass = {
  /** The service asks for less. */
  throttled: 'throttled',
  /** The service could not be reached, or the answer was lost: the call may have been carried out. */
  unreachable: 'unreachable',
  /** The service failed; the call may have been carried out. */
  unavailable: 'unavailable',
  /** Credentials or rights. */
  denied: 'denied',
  /** The thing named does not exist. */
  notFound: 'notFound',
  /** The request itself is wrong. */
  invalid: 'invalid',
  /** Cancelled by an AbortSignal of ours. */
  aborted: 'aborted'
} as const
export type FailureClass = (typeof FailureClass)[keyof typeof FailureClass]

const throttledNames = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'LimitExceededException',
  'KMSThrottlingException',
  'KmsThrottled',
  'RequestThrottled',
  'OverLimit',
  'SlowDown'
])
const deniedNames = new Set([
  'AccessDeniedException',
  'AccessDenied',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'ExpiredTokenException',
  'ExpiredToken',
  'MissingAuthenticationTokenException',
  'IncompleteSignatureException',
  'CredentialsProviderError',
  'TokenProviderError',
  'NotAuthorizedException',
  'KMSAccessDeniedException',
  'KmsAccessDenied'
])
const notFoundNames = new Set([
  'ResourceNotFoundException',
  'NotFoundException',
  'NoSuchBucket',
  'NoSuchKey',
  'QueueDoesNotExist',
  'AWS.SimpleQueueService.NonExistentQueue',
  'NotFound'
])
const unreachableCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EPIPE',
  'ECONNABORTED',
  'ERR_HTTP2_STREAM_CANCEL',
  'ERR_HTTP2_SESSION_ERROR',
  'ERR_HTTP2_ERROR',
  'ERR_HTTP2_GOAWAY_SESSION',
  'ERR_HTTP2_INVALID_SESSION'
])

interface ErrorShape {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly cause?: unknown
  readonly errors?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
}

/** Error name that the service gave, such as `AccessDeniedException`; `Unknown` when there is none. */
export function serviceErrorName(error: unknown): string {
  const name = (error as ErrorShape | null)?.name
  return typeof name === 'string' && name !== '' && name !== 'Error' ? name : 'Unknown'
}

/** Status of the HTTP answer that the error stands for; undefined when there was no answer. */
export function httpStatus(error: unknown): number | undefined {
  return (error as ErrorShape | null)?.$metadata?.httpStatusCode
}

/** Sorts what an AWS SDK call threw into one of the classes that the retriers know. */
export function classifyFailure(error: unknown): FailureClass {
  const name = serviceErrorName(error)
  if (throttledNames.has(name)) return FailureClass.throttled
  if (deniedNames.has(name)) return FailureClass.denied
  if (notFoundNames.has(name)) return FailureClass.notFound
  if (name === 'AbortError') return FailureClass.aborted
  const status = httpStatus(error)
  if (isConnectionFailure(error)) return FailureClass.unreachable
  if (status === undefined) return name === 'TypeError' ? FailureClass.invalid : FailureClass.unreachable
  if (status === 429) return FailureClass.throttled
  if (status === 403 || status === 401) return FailureClass.denied
  if (status === 404) return FailureClass.notFound
  // Below 400 the service did answer, but nobody can read what: the call may have been carried out.
  if (status >= 500 || status < 400) return FailureClass.unavailable
  return FailureClass.invalid
}

/**
 * Whether the connection failed. Under HTTP/2 the refusal hides: the SDK throws an `Error` whose text alone
 * holds the code of the socket's error, and a happy-eyeballs failure is an `AggregateError` with no text.
 */
export function isConnectionFailure(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > 4) return false
  const { code, name, message, cause, errors } = error as ErrorShape
  if (typeof code === 'string' && unreachableCodes.has(code)) return true
  if (name === 'TimeoutError') return true
  if (typeof message === 'string') {
    for (const known of unreachableCodes) if (message.includes(known)) return true
    if (message.includes('socket hang up') || message.includes('HTTP/2 session')) return true
  }
  if (Array.isArray(errors) && errors.some(inner => isConnectionFailure(inner, depth + 1))) return true
  return isConnectionFailure(cause, depth + 1)
}

/** Whether a call that failed in this way may succeed when it is made again unchanged. */
export function isTransient(failure: FailureClass): boolean {
  return (
    failure === FailureClass.throttled ||
    failure === FailureClass.unreachable ||
    failure === FailureClass.unavailable
  )
}

/** An AWS service refused, failed, or could not be reached. */
export class ServiceError extends SealstreamError {
  readonly service: string
  readonly operation: string
  /** Name of the service's error, such as `ResourceNotFoundException`. */
  readonly serviceCode: string
  readonly failure: FailureClass
  readonly requestId: string | undefined

  constructor(service: string, operation: string, cause: unknown) {
    const failure = classifyFailure(cause)
    const serviceCode = serviceErrorName(cause)
    super(codeOf(failure), `${service} ${operation} failed: ${failure} (${serviceCode})`, {
      cause,
      retryable: isTransient(failure)
    })
    this.service = service
    this.operation = operation
    this.serviceCode = serviceCode
    this.failure = failure
    this.requestId = (cause as ErrorShape | null)?.$metadata?.requestId
  }
}

/** Makes one call. @throws ServiceError in place of what the SDK throws */
export async function callService<T>(service: string, operation: string, send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (error) {
    throw new ServiceError(service, operation, error)
  }
}

function codeOf(failure: FailureClass): ErrorCode {
  if (failure === FailureClass.throttled) return ErrorCode.throttled
  if (failure === FailureClass.unreachable) return ErrorCode.unreachable
  return ErrorCode.service
}
