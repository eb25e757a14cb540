import { type AwsJsonOptions, awsJson } from '../aws-json.ts'
import type { RequestListener } from '../http-server.ts'
import { savingActions } from '../state/saving.ts'
import {
  deregisterStreamConsumer,
  describeStreamConsumer,
  listStreamConsumers,
  registerStreamConsumer
} from './actions/consumers.ts'
import { describeLimits } from './actions/describe-limits.ts'
import { startStreamEncryption, stopStreamEncryption } from './actions/encryption.ts'
import { getRecords, getShardIterator } from './actions/get-records.ts'
import { listShards } from './actions/list-shards.ts'
import { disableEnhancedMonitoring, enableEnhancedMonitoring } from './actions/monitoring.ts'
import { putRecord, putRecords } from './actions/put-records.ts'
import { deleteResourcePolicy, getResourcePolicy, putResourcePolicy } from './actions/resource-policies.ts'
import { decreaseStreamRetentionPeriod, increaseStreamRetentionPeriod } from './actions/retention.ts'
import { mergeShards, splitShard } from './actions/shards.ts'
import {
  createStream,
  deleteStream,
  describeStream,
  describeStreamSummary,
  listStreams
} from './actions/streams.ts'
import { subscribeToShard } from './actions/subscribe-to-shard.ts'
import {
  addTagsToStream,
  listTagsForResource,
  listTagsForStream,
  removeTagsFromStream,
  tagResource,
  untagResource
} from './actions/tags.ts'
import { updateMaxRecordSize } from './actions/update-max-record-size.ts'
import { updateShardCount } from './actions/update-shard-count.ts'
import { updateStreamMode } from './actions/update-stream-mode.ts'
import { updateStreamRecordDistributionStrategy } from './actions/update-stream-record-distribution-strategy.ts'
import { KinesisStore, type KinesisStoreOptions } from './store.ts'
import { kinesisTypes } from './wire-types.ts'

export interface KinesisEngineOptions extends KinesisStoreOptions {
  readonly fault?: AwsJsonOptions['fault']
  readonly authorize?: AwsJsonOptions['authorize']
}

export interface KinesisEngine {
  readonly listener: RequestListener
  readonly store: KinesisStore
}

/** Kinesis Data Streams in memory, and in a state folder if there is one, over AWS JSON 1.1 and, for the SDKs for Java, CBOR. */
export function createKinesisEngine(options: KinesisEngineOptions): KinesisEngine {
  const store = new KinesisStore(options)
  return {
    store,
    listener: awsJson({
      targetPrefix: 'Kinesis_20131202',
      contentType: 'application/x-amz-json-1.1',
      cbor: {
        blobs: ['Data'],
        timestamps: [
          'ApproximateArrivalTimestamp',
          'ConsumerCreationTimestamp',
          'StreamCreationTimestamp',
          'Timestamp'
        ]
      },
      types: kinesisTypes,
      fault: options.fault,
      authorize: options.authorize,
      // 10 MiB of data in base64, and what stands around it.
      maxBodyBytes: 16 * 1024 * 1024,
      actions: savingActions(
        {
          CreateStream: createStream(store),
          DeleteStream: deleteStream(store),
          ListStreams: listStreams(store),
          DescribeStream: describeStream(store),
          DescribeStreamSummary: describeStreamSummary(store),
          ListShards: listShards(store),
          SplitShard: splitShard(store),
          MergeShards: mergeShards(store),
          UpdateShardCount: updateShardCount(store),
          UpdateStreamMode: updateStreamMode(store),
          UpdateMaxRecordSize: updateMaxRecordSize(store),
          UpdateStreamRecordDistributionStrategy: updateStreamRecordDistributionStrategy(store),
          IncreaseStreamRetentionPeriod: increaseStreamRetentionPeriod(store),
          DecreaseStreamRetentionPeriod: decreaseStreamRetentionPeriod(store),
          StartStreamEncryption: startStreamEncryption(store),
          StopStreamEncryption: stopStreamEncryption(store),
          EnableEnhancedMonitoring: enableEnhancedMonitoring(store),
          DisableEnhancedMonitoring: disableEnhancedMonitoring(store),
          AddTagsToStream: addTagsToStream(store),
          RemoveTagsFromStream: removeTagsFromStream(store),
          ListTagsForStream: listTagsForStream(store),
          TagResource: tagResource(store),
          UntagResource: untagResource(store),
          ListTagsForResource: listTagsForResource(store),
          PutResourcePolicy: putResourcePolicy(store),
          GetResourcePolicy: getResourcePolicy(store),
          DeleteResourcePolicy: deleteResourcePolicy(store),
          DescribeLimits: describeLimits(store),
          PutRecord: putRecord(store),
          PutRecords: putRecords(store),
          GetShardIterator: getShardIterator(store),
          GetRecords: getRecords(store),
          RegisterStreamConsumer: registerStreamConsumer(store),
          DescribeStreamConsumer: describeStreamConsumer(store),
          ListStreamConsumers: listStreamConsumers(store),
          DeregisterStreamConsumer: deregisterStreamConsumer(store),
          SubscribeToShard: subscribeToShard(store)
        },
        operation => store.save(operation)
      )
    })
  }
}
