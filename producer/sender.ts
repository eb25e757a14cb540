import type { KinesisWriterPort } from '../core/aws-ports.ts'
import { FailureClass, ServiceError } from '../core/service-errors.ts'
import type { KinesisRecord } from './kinesis-record.ts'

/** What became of one entry of a request. */
export type EntryOutcome =
  | { readonly kind: 'stored'; readonly shardId: string; readonly sequenceNumber: string }
  | {
      readonly kind: 'failed'
      readonly failure: FailureClass
      readonly errorCode: string
      /** The record may be stored all the same: the answer was lost, or says nothing. */
      readonly maybeStored: boolean
      readonly cause: unknown
    }

export interface RequestOutcome {
  /** In the order of the request. */
  readonly entries: readonly EntryOutcome[]
  /** Why the whole request failed; undefined when Kinesis answered it. */
  readonly error: ServiceError | undefined
}

/** Makes one PutRecords call and matches the answer back to the entries by index. Decides nothing. */
export async function sendRecords(
  kinesis: KinesisWriterPort,
  streamName: string,
  records: readonly KinesisRecord[],
  signal: AbortSignal
): Promise<RequestOutcome> {
  let answered: Awaited<ReturnType<KinesisWriterPort['putRecords']>>
  try {
    answered = await kinesis.putRecords(
      {
        StreamName: streamName,
        Records: records.map(({ data, partitionKey, explicitHashKey }) =>
          explicitHashKey === undefined
            ? { Data: data, PartitionKey: partitionKey }
            : { Data: data, PartitionKey: partitionKey, ExplicitHashKey: explicitHashKey }
        )
      },
      { signal }
    )
  } catch (cause) {
    const error = new ServiceError('kinesis', 'PutRecords', cause)
    const { failure, serviceCode } = error
    const maybeStored =
      failure === FailureClass.unreachable ||
      failure === FailureClass.unavailable ||
      failure === FailureClass.aborted
    return {
      error,
      entries: records.map(() => ({
        kind: 'failed',
        failure,
        errorCode: serviceCode,
        maybeStored,
        cause: error
      }))
    }
  }
  const entries = answered.Records ?? []
  return {
    error: undefined,
    // An answer of another length cannot be matched by index, so nothing is known about any entry.
    entries: records.map((_, index) =>
      outcomeOf(entries.length === records.length ? entries[index] : undefined)
    )
  }
}

function outcomeOf(
  entry:
    | {
        readonly SequenceNumber?: string | undefined
        readonly ShardId?: string | undefined
        readonly ErrorCode?: string | undefined
      }
    | undefined
): EntryOutcome {
  if (entry?.SequenceNumber !== undefined && entry.ShardId !== undefined && entry.ErrorCode === undefined) {
    return { kind: 'stored', shardId: entry.ShardId, sequenceNumber: entry.SequenceNumber }
  }
  const errorCode = entry?.ErrorCode ?? 'UnknownAnswer'
  const isThrottled = errorCode === 'ProvisionedThroughputExceededException'
  const cause = new ServiceError(
    'kinesis',
    'PutRecords',
    Object.assign(new Error(errorCode), {
      name: errorCode,
      $metadata: { httpStatusCode: isThrottled || /^KMS.*Exception$/.test(errorCode) ? 400 : 500 }
    })
  )
  return {
    kind: 'failed',
    failure: isThrottled ? FailureClass.throttled : FailureClass.unavailable,
    errorCode,
    maybeStored: !isThrottled,
    cause
  }
}
