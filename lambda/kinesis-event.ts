import type { LambdaKinesisRecord } from '../core/deaggregate.ts'
import { InvalidRecordError } from '../core/errors.ts'

/*
 * What Lambda hands to a function with a Kinesis event source
 * (https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html), and what it takes back with
 * `FunctionResponseTypes: ['ReportBatchItemFailures']`.
 */

/** The members that are read. All records of one event are of one shard, in its order. */
export interface KinesisEventRecord extends LambdaKinesisRecord {
  /** `<shard id>:<sequence number>`. */
  readonly eventID: string
  /** ARN of the stream, or of its consumer with enhanced fan-out. */
  readonly eventSourceARN: string
}

export interface KinesisEvent {
  readonly Records: readonly KinesisEventRecord[]
  /** With a tumbling window alone, as all that follow. */
  readonly window?: { readonly start: string; readonly end: string } | undefined
  readonly state?: unknown
  readonly shardId?: string | undefined
  readonly eventSourceARN?: string | undefined
  readonly isFinalInvokeForWindow?: boolean | undefined
  readonly isWindowTerminatedEarly?: boolean | undefined
}

export interface KinesisResponse {
  /** Nothing, or the one Kinesis record from which on everything comes again. */
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
  /** With a tumbling window alone. */
  readonly state?: unknown
}

/**
 * Of which stream and shard the records are; undefined for an event without any.
 * @throws InvalidRecordError for something that is no such event
 */
export function originOf(event: KinesisEvent): { streamName: string; shardId: string } | undefined {
  if (!Array.isArray(event?.Records)) {
    throw new InvalidRecordError('Records', 'must be a list; expected the event of a Kinesis event source')
  }
  const [first] = event.Records
  const arn = first?.eventSourceARN ?? event.eventSourceARN
  if (first === undefined && event.window === undefined) return undefined
  return {
    streamName: streamNameOf('eventSourceARN', arn),
    shardId: first?.eventID?.split(':')[0] ?? event.shardId ?? ''
  }
}

/** @throws InvalidRecordError naming the field */
export function streamNameOf(field: string, arn: unknown): string {
  const name =
    typeof arn === 'string' ? /^arn:[^:]+:kinesis:[^:]*:[^:]*:stream\/([^/]+)/.exec(arn)?.[1] : undefined
  if (name !== undefined) return name
  throw new InvalidRecordError(field, 'must be the ARN of a Kinesis stream')
}
