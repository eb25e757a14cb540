import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { CallOptions } from './aws-ports.ts'

/**
 * What a client is made with whose caller retries by itself: it decides per record and counts every attempt, so
 * the SDK's own retries are off.
 */
export function withoutRetries(): { readonly requestHandler: NodeHttpHandler; readonly maxAttempts: number } {
  return {
    requestHandler: new NodeHttpHandler({ connectionTimeout: 5_000, requestTimeout: 30_000 }),
    maxAttempts: 1
  }
}

/** Our options of a call as `send` of an SDK client takes them. */
export function sendOptions({ signal }: CallOptions = {}): { readonly abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}
