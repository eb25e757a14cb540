import { backoffDelayMs } from '../core/backoff.ts'
import { FailureClass, isTransient } from '../core/service-errors.ts'
import type { KinesisRecord } from './kinesis-record.ts'
import type { EntryOutcome } from './sender.ts'

export interface RetryPolicy {
  readonly maxAttempts: number
  readonly failIfThrottled: boolean
  readonly random: () => number
}

export type Verdict =
  | { readonly kind: 'done'; readonly shardId: string; readonly sequenceNumber: string }
  /** Stored, but in another shard than predicted: whether a reader takes it there must be judged by the new map. */
  | { readonly kind: 'judge'; readonly shardId: string; readonly sequenceNumber: string }
  | { readonly kind: 'retry'; readonly delayMs: number }
  /** The request is wrong because of one of several entries: halves are sent to find it. */
  | { readonly kind: 'bisect' }
  | { readonly kind: 'fail' }

/** First and longest bound of a backoff, in milliseconds; guessed, not published by the service. */
const backoff = { baseMs: 100, maxMs: 5_000 }

/** Decides about one Kinesis record after one attempt. Pure but for the random source. */
export function judge(
  record: KinesisRecord,
  outcome: EntryOutcome,
  requestEntries: number,
  policy: RetryPolicy
): Verdict {
  if (outcome.kind === 'stored') {
    const { shardId, sequenceNumber } = outcome
    // A lone record is delivered from wherever it lies; an aggregate may be dropped by a reader's range filter.
    const predicted = record.batch.shardId
    const isExpected = !record.isAggregated || predicted === '' || shardId === predicted
    return { kind: isExpected ? 'done' : 'judge', shardId, sequenceNumber }
  }
  if (outcome.failure === FailureClass.invalid && requestEntries > 1) return { kind: 'bisect' }
  if (!isTransient(outcome.failure)) return { kind: 'fail' }
  if (outcome.failure === FailureClass.throttled && policy.failIfThrottled) return { kind: 'fail' }
  const attempts = attemptsOf(record)
  if (attempts >= policy.maxAttempts) return { kind: 'fail' }
  // The limiter leaves the shard alone for a while, for all its records together.
  if (outcome.failure === FailureClass.throttled) return { kind: 'retry', delayMs: 0 }
  return { kind: 'retry', delayMs: backoffDelayMs(attempts - 1, { ...backoff, random: policy.random }) }
}

/** Backoff before user records go round again because their aggregate lies in the wrong shard. */
export function wrongShardDelayMs(record: KinesisRecord, policy: RetryPolicy): number | undefined {
  const attempts = attemptsOf(record)
  // The first time costs nothing: the map is new, and the reshard is over.
  if (attempts >= policy.maxAttempts) return undefined
  return attempts <= 1 ? 0 : backoffDelayMs(attempts - 1, { ...backoff, random: policy.random })
}

function attemptsOf({ batch }: KinesisRecord): number {
  return batch.records.reduce((most, { attempts }) => Math.max(most, attempts), 0)
}
