import type { FailureClass, ServiceError } from '../core/service-errors.ts'

/** A call of a service failed; what called goes on without it, or calls again. */
export interface CallFailedEvent {
  readonly type: 'callFailed'
  readonly service: string
  readonly operation: string
  readonly failure: FailureClass
  readonly serviceCode: string
}

export function callFailed({ service, operation, failure, serviceCode }: ServiceError): CallFailedEvent {
  return { type: 'callFailed', service, operation, failure, serviceCode }
}
