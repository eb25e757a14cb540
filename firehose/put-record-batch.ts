import { FailureClass, ServiceError } from '../core/service-errors.ts'
import type { FirehosePort } from './types.ts'

/** What one PutRecordBatch call came to. */
export interface BatchOutcome {
  /** Of each entry in turn; undefined for one that failed. Empty when the request failed as a whole. */
  readonly recordIds: readonly (string | undefined)[]
  /** Indices of the entries without a RecordId, in order. */
  readonly failed: readonly number[]
  /** Why the first of them failed; undefined when none did. */
  readonly error: ServiceError | undefined
  /** Whether the request failed as a whole. */
  readonly isRefused: boolean
}

/**
 * Makes one PutRecordBatch call and matches the answer back to the entries by index. Only a RecordId counts as
 * success: an entry that the answer does not name may be stored or not, and has to be sent again.
 */
export async function putRecordBatch(
  firehose: FirehosePort,
  deliveryStreamName: string,
  data: readonly Uint8Array[],
  signal: AbortSignal | undefined
): Promise<BatchOutcome> {
  let answered: Awaited<ReturnType<FirehosePort['putRecordBatch']>>
  try {
    answered = await firehose.putRecordBatch(
      { DeliveryStreamName: deliveryStreamName, Records: data.map(Data => ({ Data })) },
      { signal }
    )
  } catch (cause) {
    return {
      recordIds: [],
      failed: data.map((_, index) => index),
      error: new ServiceError('firehose', 'PutRecordBatch', cause),
      isRefused: true
    }
  }
  const responses = answered.RequestResponses ?? []
  // An answer of another length cannot be matched by index, so nothing is known about any entry.
  const isMatched = responses.length === data.length
  const failed: number[] = []
  const recordIds: (string | undefined)[] = []
  for (let index = 0; index < data.length; index += 1) {
    const response = isMatched ? responses[index] : undefined
    const recordId = response?.ErrorCode ? undefined : response?.RecordId || undefined
    if (recordId === undefined) failed.push(index)
    recordIds.push(recordId)
  }
  const errorCode = (isMatched && responses[failed[0] ?? 0]?.ErrorCode) || 'UnknownAnswer'
  return {
    recordIds,
    failed,
    error: failed.length === 0 ? undefined : entryError(errorCode),
    isRefused: false
  }
}

/** `ServiceUnavailableException` is how Firehose throttles single entries; anything else may have been stored. */
function entryError(errorCode: string): ServiceError {
  const cause = Object.assign(new Error(errorCode), {
    name: errorCode,
    $metadata: { httpStatusCode: errorCode === 'ServiceUnavailableException' ? 429 : 500 }
  })
  return new ServiceError('firehose', 'PutRecordBatch', cause)
}

/** Errors that speak of the stream or its key, though their status is that of a wrong request. */
const streamErrors = new Set(['InvalidKMSResourceException', 'InvalidSourceException'])

/** Whether the request was refused for what one of its records may be. */
export function mayBlameRecord({ failure, serviceCode }: ServiceError): boolean {
  return failure === FailureClass.invalid && !streamErrors.has(serviceCode)
}
