import { type Action, AwsError } from '../../aws-json.ts'
import { isOpen } from '../shard.ts'
import { encryptionType } from '../shard-reading.ts'
import type { KinesisStore, Stream } from '../store.ts'
import { decodeToken, encodeToken } from '../tokens.ts'
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
    const stream = store.streamOf(input)
    if (stream.consumers.length > 0 && input.EnforceConsumerDeletion !== true) {
      throw new AwsError(
        'ResourceInUseException',
        `Stream ${stream.name} has ${stream.consumers.length} consumers: deregister them, or set EnforceConsumerDeletion.`
      )
    }
    for (const consumer of stream.consumers) consumer.status = 'DELETING'
    store.delete(stream)
    return {}
  }

export const listStreams =
  (store: KinesisStore): Action =>
  input => {
    const limit = validateCount('limit', input.Limit ?? 100, 1, 10_000)
    const token = decodeToken('ListStreams', input.NextToken, store.clock)
    const after = token?.after ?? input.ExclusiveStartStreamName
    const streams = store.streams.filter(({ name }) => typeof after !== 'string' || name > after)
    const page = streams.slice(0, limit)
    const last = page.at(-1)
    return {
      StreamNames: page.map(({ name }) => name),
      StreamSummaries: page.map(summary),
      HasMoreStreams: streams.length > limit,
      ...(streams.length > limit && last !== undefined
        ? { NextToken: encodeToken('ListStreams', { stream: '', after: last.name }, store.clock) }
        : {})
    }
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
    ...summary(stream),
    RetentionPeriodHours: stream.retentionHours,
    EnhancedMonitoring: [{ ShardLevelMetrics: stream.shardMetrics }],
    EncryptionType: encryptionType(stream.keyId !== undefined),
    ...(stream.keyId === undefined ? {} : { KeyId: stream.keyId })
  }
}

function summary({ name, arn, status, mode, createdMs }: Stream): object {
  return {
    StreamName: name,
    StreamARN: arn,
    StreamStatus: status,
    StreamModeDetails: { StreamMode: mode },
    StreamCreationTimestamp: createdMs / 1000
  }
}
