import { randomBytes } from 'node:crypto'
import { type Action, AwsError } from '../../aws-json.ts'
import { newRecord } from '../record.ts'
import { directPut, type FirehoseStore } from '../store.ts'
import { parseRecord, parseRecords } from '../validations/records.ts'

/** Scripted failures: the error code of one entry of PutRecordBatch, or undefined to store it. */
export type FailDeliveryEntry = (
  deliveryStreamName: string,
  index: number,
  data: Buffer
) => 'ServiceUnavailableException' | 'InternalFailure' | undefined

/** Bytes that one delivery stream holds while its bucket cannot be written; beyond it puts are refused. */
const maxBufferedBytes = 256 * 1024 * 1024

export function putRecord(store: FirehoseStore): Action {
  return input => {
    const { intake, encryption, metrics } = directPut(store.streamOf(input))
    const data = parseRecord(input)
    if (intake.bufferedBytes > maxBufferedBytes) {
      metrics.put('PutRecord', [], 1)
      throw new AwsError('ServiceUnavailableException', 'Slow down.', 503)
    }
    intake.add(newRecord(data, store.wallTime()))
    metrics.put('PutRecord', [data.length], 0)
    return { RecordId: recordId(), Encrypted: encryption !== undefined }
  }
}

export function putRecordBatch(store: FirehoseStore, failEntry?: FailDeliveryEntry): Action {
  return input => {
    const { name, intake, encryption, metrics } = directPut(store.streamOf(input))
    const isFull = intake.bufferedBytes > maxBufferedBytes
    const sizes: number[] = []
    let throttled = 0
    const responses = parseRecords(input).map((data, index) => {
      const error = isFull ? 'ServiceUnavailableException' : failEntry?.(name, index, data)
      if (error !== undefined) {
        if (error === 'ServiceUnavailableException') throttled += 1
        return { ErrorCode: error, ErrorMessage: 'Slow down.' }
      }
      sizes.push(data.length)
      intake.add(newRecord(data, store.wallTime()))
      return { RecordId: recordId() }
    })
    metrics.put('PutRecordBatch', sizes, throttled)
    return {
      FailedPutCount: responses.filter(response => 'ErrorCode' in response).length,
      Encrypted: encryption !== undefined,
      RequestResponses: responses
    }
  }
}

/** Opaque to everyone; as long as the service's. */
function recordId(): string {
  return randomBytes(128).toString('base64url')
}
