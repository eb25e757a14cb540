import { randomBytes } from 'node:crypto'
import { type Action, AwsError } from '../../aws-json.ts'
import { newRecord } from '../record.ts'
import { directPut, type FirehoseStore } from '../store.ts'
import { parseRecord, parseRecords } from '../validations/records.ts'

/** Bytes that one delivery stream holds while its bucket cannot be written; beyond it puts are refused. */
const maxBufferedBytes = 256 * 1024 * 1024

const entryMessages: Readonly<Record<string, string>> = {
  ServiceUnavailableException: 'Slow down.',
  InternalFailure: 'Internal service failure.'
}

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

export function putRecordBatch(store: FirehoseStore): Action {
  return (input, { failEntry }) => {
    const { intake, encryption, metrics } = directPut(store.streamOf(input))
    const isFull = intake.bufferedBytes > maxBufferedBytes
    const sizes: number[] = []
    let throttled = 0
    const responses = parseRecords(input).map((data, index) => {
      const error = isFull ? 'ServiceUnavailableException' : failEntry?.(index)
      if (error !== undefined) {
        if (error === 'ServiceUnavailableException') throttled += 1
        return { ErrorCode: error, ErrorMessage: entryMessages[error] ?? error }
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

/** Opaque to everyone; as long as the service's. Random bytes for each record would cost more than all else about it. */
function recordId(): string {
  recordIds += 1
  return `${recordIdStart}${recordIds.toString(36).padStart(11, '0')}`
}

const recordIdStart = randomBytes(120).toString('base64url')
let recordIds = 0
