import { type Action, AwsError } from '../../aws-json.ts'
import { encryptionType, rateExceeded } from '../shard-reading.ts'
import type { KinesisStore, Stream } from '../store.ts'
import { validateEntries } from '../validations/put-records.ts'

const throughputExceeded = 'ProvisionedThroughputExceededException'

export const putRecords =
  (store: KinesisStore): Action =>
  (input, { failEntry }) => {
    const stream = writableStream(store, input)
    const entries = validateEntries(input.Records, stream)
    let failed = 0
    const records = entries.map((entry, index) => {
      const failure = failEntry?.(index)
      if (failure !== undefined && failure !== throughputExceeded) {
        failed += 1
        return { ErrorCode: failure, ErrorMessage: 'Internal service failure.' }
      }
      const outcome = store.put(stream, entry, failure === throughputExceeded)
      if ('throttled' in outcome) {
        failed += 1
        return { ErrorCode: throughputExceeded, ErrorMessage: rateExceeded(store, stream, outcome.shard) }
      }
      return { SequenceNumber: outcome.sequenceNumber, ShardId: outcome.shard.id }
    })
    store.keepToCap()
    return {
      FailedRecordCount: failed,
      Records: records,
      EncryptionType: encryptionType(stream.keyId !== undefined)
    }
  }

export const putRecord =
  (store: KinesisStore): Action =>
  input => {
    const stream = writableStream(store, input)
    if (stream.recordDistribution === 'AUTO' && input.SequenceNumberForOrdering !== undefined) {
      throw new AwsError(
        'InvalidArgumentException',
        `SequenceNumberForOrdering cannot be used: the record distribution strategy of stream ${stream.name} is AUTO.`
      )
    }
    const [entry] = validateEntries([input], stream)
    const outcome = store.put(stream, entry!)
    store.keepToCap()
    if ('throttled' in outcome) {
      throw new AwsError(throughputExceeded, rateExceeded(store, stream, outcome.shard))
    }
    return {
      SequenceNumber: outcome.sequenceNumber,
      ShardId: outcome.shard.id,
      EncryptionType: encryptionType(stream.keyId !== undefined)
    }
  }

function writableStream(store: KinesisStore, input: Readonly<Record<string, unknown>>): Stream {
  const stream = store.streamOf(input)
  if (stream.status === 'ACTIVE' || stream.status === 'UPDATING') return stream
  throw new AwsError(
    'ResourceNotFoundException',
    `Stream ${stream.name} under account ${store.options.accountId} not found.`
  )
}
