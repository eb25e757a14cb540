import type { ErrorCode } from '../core/errors.ts'
import type { KeyStats } from '../core/record-transform.ts'

/** What a function gets beside its event: the members that are handed on. Lambda's own context is one. */
export interface LambdaContext {
  readonly awsRequestId: string
  getRemainingTimeInMillis(): number
}

/** Why a transformation returned a record as `ProcessingFailed`. Firehose then keeps it, sealed, under its error prefix. */
export const TransformFailure = {
  /** It cannot be opened: altered, for another stream, not sealed, of a deleted key. */
  recordFault: 'recordFault',
  /** It holds several user records, and the destination takes one per output. */
  aggregateRefused: 'aggregateRefused',
  /** The framing cannot hold what it became, such as a text of several lines. */
  framing: 'framing',
  /** The `transform` of the options threw. */
  transformFailed: 'transformFailed',
  /** The `transform` of the options returned something else than it may. */
  invalidResult: 'invalidResult',
  /** It found no room in the response beside the records before it. */
  tooLarge: 'tooLarge'
} as const
export type TransformFailure = (typeof TransformFailure)[keyof typeof TransformFailure]

/** Also published on the channel `sealstream:lambda`. No event holds a payload, a key or a context value. */
export type LambdaEvent =
  /** The invocation fails as a whole, so that its source invokes again. */
  | { readonly type: 'keyUnavailable'; readonly serviceCode: string | undefined }
  /** A Kinesis record, or some user records of it, that cannot be opened: dead-lettered, or returned to the source. */
  | {
      readonly type: 'recordFault'
      readonly shardId: string
      readonly sequenceNumber: string
      readonly errorCode: ErrorCode
      readonly isDeadLettered: boolean
    }
  /** Everything from this Kinesis record on comes again. */
  | {
      readonly type: 'batchReturned'
      readonly shardId: string
      readonly sequenceNumber: string
      /** Of the first user record that was not processed. */
      readonly subSequenceNumber: number
      /** User records that were processed and come again all the same. */
      readonly comeAgain: number
      /** Of what the handler threw; undefined when it returned positions, or the record cannot be opened. */
      readonly errorName: string | undefined
    }
  /** A Firehose record that was returned as `ProcessingFailed`. */
  | {
      readonly type: 'transformFailed'
      readonly recordId: string
      readonly reason: TransformFailure
      /** Of an error of this package. */
      readonly errorCode: ErrorCode | undefined
      readonly errorName: string | undefined
    }

/**
 * Counters of a Kinesis handler since it was made. After each invocation: read = processed + deadLettered + returned.
 */
export interface KinesisHandlerStats {
  readonly invocations: number
  /** Invocations that failed as a whole; what they could not open does not count as read. */
  readonly failedInvocations: number
  readonly kinesisRecords: number
  /** User records, and what could not be opened. */
  readonly read: number
  readonly processed: number
  readonly deadLettered: number
  /** Not processed: they come again. */
  readonly returned: number
  /** Processed, and they come again: the source can begin again at a Kinesis record only. */
  readonly comeAgain: number
  /** User records that came unsealed and were accepted. */
  readonly plaintextAccepted: number
  /** Records that begin as an aggregate does and cannot be taken apart: handed on whole. */
  readonly malformedAggregates: number
  readonly keys: KeyStats
}

/** Counters of a transformation since it was made: records = ok + dropped + the sum of failed. */
export interface FirehoseTransformStats {
  readonly invocations: number
  /** Invocations that failed as a whole; their records are not counted. */
  readonly failedInvocations: number
  /** Records as Firehose has them. */
  readonly records: number
  readonly ok: number
  readonly dropped: number
  readonly failed: Readonly<Record<TransformFailure, number>>
  readonly userRecords: number
  readonly plaintextAccepted: number
  readonly malformedAggregates: number
  readonly keys: KeyStats
}
