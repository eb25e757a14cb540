import type { Action } from '../../aws-json.ts'
import { isOpen, type KinesisStore, type Stream } from '../store.ts'
import { validateNewStream } from '../validations/create-stream.ts'
import { validateCount } from '../validations/stream.ts'
import { shardOutput } from './shards.ts'

export const createStream =
  (store: KinesisStore): Action =>
  input => {
    store.create(validateNewStream(input))
    return {}
  }

export const deleteStream =
  (store: KinesisStore): Action =>
  input => {
    store.delete(store.streamOf(input))
    return {}
  }

export const listStreams =
  (store: KinesisStore): Action =>
  input => {
    const limit = validateCount('limit', input.Limit ?? 100, 1, 10_000)
    const after = input.ExclusiveStartStreamName
    const names = store.streamNames.filter(name => typeof after !== 'string' || name > after)
    return { StreamNames: names.slice(0, limit), HasMoreStreams: names.length > limit }
  }

export const describeStream =
  (store: KinesisStore): Action =>
  input => {
    const stream = store.streamOf(input)
    const limit = validateCount('limit', input.Limit ?? 100, 1, 10_000)
    const after = input.ExclusiveStartShardId
    const shards = stream.shards.filter(({ id }) => typeof after !== 'string' || id > after)
    return {
      StreamDescription: {
        ...common(stream),
        Shards: shards.slice(0, limit).map(shardOutput),
        HasMoreShards: shards.length > limit
      }
    }
  }

export const describeStreamSummary =
  (store: KinesisStore): Action =>
  input => {
    const stream = store.streamOf(input)
    return {
      StreamDescriptionSummary: {
        ...common(stream),
        OpenShardCount: stream.shards.filter(isOpen).length,
        ConsumerCount: stream.consumers.length,
        MaxRecordSizeInKiB: stream.maxRecordBytes / 1024,
        // A provisioned stream has no strategy to tell of.
        ...(stream.mode === 'ON_DEMAND' ? { RecordDistributionStrategy: stream.recordDistribution } : {})
      }
    }
  }

function common(stream: Stream): object {
  return {
    StreamName: stream.name,
    StreamARN: stream.arn,
    StreamStatus: stream.status,
    StreamModeDetails: { StreamMode: stream.mode },
    RetentionPeriodHours: stream.retentionHours,
    StreamCreationTimestamp: stream.createdMs / 1000,
    EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
    EncryptionType: 'NONE'
  }
}
