import { type Action, AwsError } from '../../aws-json.ts'
import type { KinesisStore, Stream } from '../store.ts'
import { validateEntries } from '../validations/put-records.ts'

/** Scripted failure of one entry; `index` counts within its request. */
export type FailEntry = (
  index: number,
  partitionKey: string
) => 'ProvisionedThroughputExceededException' | 'InternalFailure' | undefined

export const putRecords =
  (store: KinesisStore, failEntry: FailEntry | undefined): Action =>
  input => {
    const stream = writableStream(store, input)
    const entries = validateEntries(input.Records, stream.maxRecordBytes)
    let failed = 0
    const records = entries.map(({ partitionKey, explicitHashKey, data, dataBytes }, index) => {
      const failure = failEntry?.(index, partitionKey)
      if (failure !== undefined) {
        failed += 1
        return { ErrorCode: failure, ErrorMessage: 'scripted failure' }
      }
      const outcome = store.put(stream, partitionKey, explicitHashKey, data, dataBytes)
      if ('throttled' in outcome) {
        failed += 1
        return {
          ErrorCode: 'ProvisionedThroughputExceededException',
          ErrorMessage: `Rate exceeded for shard ${outcome.shard.id} in stream ${stream.name} under account ${store.options.accountId}.`
        }
      }
      return { SequenceNumber: outcome.sequenceNumber, ShardId: outcome.shard.id }
    })
    return { FailedRecordCount: failed, Records: records, EncryptionType: 'NONE' }
  }

export const putRecord =
  (store: KinesisStore): Action =>
  input => {
    const stream = writableStream(store, input)
    const [entry] = validateEntries([input], stream.maxRecordBytes)
    const { partitionKey, explicitHashKey, data, dataBytes } = entry!
    const outcome = store.put(stream, partitionKey, explicitHashKey, data, dataBytes)
    if ('throttled' in outcome) {
      throw new AwsError(
        'ProvisionedThroughputExceededException',
        `Rate exceeded for shard ${outcome.shard.id}.`
      )
    }
    return { SequenceNumber: outcome.sequenceNumber, ShardId: outcome.shard.id, EncryptionType: 'NONE' }
  }

function writableStream(store: KinesisStore, input: Readonly<Record<string, unknown>>): Stream {
  const stream = store.streamOf(input)
  if (stream.status === 'ACTIVE' || stream.status === 'UPDATING') return stream
  throw new AwsError(
    'ResourceNotFoundException',
    `Stream ${stream.name} under account ${store.options.accountId} not found.`
  )
}
