import type { UserRecord } from '../core/user-record.ts'
import type { HandedBack } from './errors.ts'
import type { FailedAttempt, PutResult } from './types.ts'

/**
 * waiting: in a buffer, a backoff or a queue; its time to live counts.
 * sent: a request carries it; whatever the answer says decides, also after its time to live.
 * settled: acknowledged or handed back; whoever still holds it passes over it.
 */
export type PendingState = 'waiting' | 'sent' | 'settled'

export interface PendingRecordInit {
  readonly record: UserRecord
  /** In plain decimal. */
  readonly explicitHashKey: string | undefined
  readonly hashKey: bigint
  /** Whose key seals it; undefined where all records have the same key. */
  readonly tenant: string | undefined
  /** Of its partition key in UTF-8. */
  readonly partitionKeyBytes: number
  /** Bytes taken from the budget. */
  readonly bytes: number
  /** Rises with every `put`, also of those that had to wait for room. */
  readonly order: number
  readonly acceptedMs: number
  readonly maxBufferedMs: number
  readonly recordTtlMs: number
  readonly generation: number
  readonly resolve: (result: PutResult) => void
  readonly reject: (error: unknown) => void
}

const keptFailures = 10

/** One accepted user record on its way, and the promise that its caller holds. */
export class PendingRecord {
  readonly record: UserRecord
  readonly explicitHashKey: string | undefined
  readonly hashKey: bigint
  readonly tenant: string | undefined
  readonly partitionKeyBytes: number
  readonly bytes: number
  readonly order: number
  readonly acceptedMs: number
  readonly expiresAtMs: number
  /** Which `flush()` waits for it. */
  readonly generation: number
  readonly resolve: (result: PutResult) => void
  readonly reject: (error: unknown) => void
  /** What an aggregate takes of it: its data, or, where every record is sealed by itself, the sealed data. */
  payload: Uint8Array
  /** When it should be sent. */
  deadlineMs: number
  /** Since when it is in no request. */
  freeSinceMs: number
  state: PendingState = 'waiting'
  attempts = 0
  maybeStored = false
  cause: unknown
  #failures: FailedAttempt[] | undefined

  constructor(init: PendingRecordInit) {
    this.record = init.record
    this.explicitHashKey = init.explicitHashKey
    this.hashKey = init.hashKey
    this.tenant = init.tenant
    this.partitionKeyBytes = init.partitionKeyBytes
    this.bytes = init.bytes
    this.order = init.order
    this.payload = init.record.data
    this.acceptedMs = init.acceptedMs
    this.freeSinceMs = init.acceptedMs
    this.deadlineMs = init.acceptedMs + init.maxBufferedMs
    this.expiresAtMs = init.acceptedMs + init.recordTtlMs
    this.generation = init.generation
    this.resolve = init.resolve
    this.reject = init.reject
  }

  noteFailure(errorCode: string, cause: unknown, nowMs: number): void {
    this.cause = cause
    this.#failures ??= []
    if (this.#failures.length === keptFailures) this.#failures.shift()
    this.#failures.push({ afterMs: Math.round(nowMs - this.acceptedMs), errorCode })
  }

  handedBack(cause: unknown): HandedBack {
    return {
      record: this.record,
      attempts: this.attempts,
      failedAttempts: this.#failures ?? [],
      maybeStored: this.maybeStored,
      cause
    }
  }
}
