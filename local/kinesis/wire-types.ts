import { wireTypes } from '../wire-types.ts'

/** Members of all operations of Kinesis Data Streams that are here. */
export const kinesisTypes = wireTypes(
  {
    text: `AdjacentShardToMerge ConsumerARN ConsumerName EncryptionType ExclusiveStartShardId
      ExclusiveStartStreamName ExclusiveStartTagKey ExplicitHashKey KeyId NewStartingHashKey NextToken PartitionKey
      Policy RecordDistributionStrategy ResourceARN ScalingType SequenceNumber SequenceNumberForOrdering ShardId
      ShardIterator ShardIteratorType ShardToMerge ShardToSplit StartingSequenceNumber StreamARN StreamId StreamMode
      StreamName Type`,
    number: `Limit MaxRecordSizeInKiB MaxResults RetentionPeriodHours ShardCount StreamCreationTimestamp
      TargetShardCount Timestamp WarmThroughputMiBps`,
    boolean: 'DryRun EnforceConsumerDeletion',
    blob: 'Data',
    structure: 'ShardFilter StartingPosition StreamModeDetails'
  },
  {
    Records: { list: 'structure' },
    ShardLevelMetrics: { list: 'text' },
    TagKeys: { list: 'text' },
    Tags: { map: 'text' }
  }
)
