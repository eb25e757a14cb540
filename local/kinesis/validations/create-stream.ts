import { AwsError } from '../../aws-json.ts'
import type { NewStream } from '../store.ts'
import {
  validateCount,
  validateMaxRecordSize,
  validateRecordDistribution,
  validateStreamMode,
  validateStreamName
} from './stream.ts'
import { mergeTags } from './tags.ts'

/** With how many shards an on-demand stream begins. */
const onDemandShards = 4

export function validateNewStream(input: Readonly<Record<string, unknown>>): NewStream {
  const name = validateStreamName(input.StreamName)
  const mode =
    input.StreamModeDetails === undefined ? 'PROVISIONED' : validateStreamMode(input.StreamModeDetails)
  if (mode === 'ON_DEMAND' && input.ShardCount !== undefined) {
    throw new AwsError('InvalidArgumentException', 'ShardCount is not expected when StreamMode=ON_DEMAND.')
  }
  return {
    name,
    mode,
    shards: mode === 'ON_DEMAND' ? onDemandShards : validateCount('shardCount', input.ShardCount, 1, 10_000),
    maxRecordBytes: validateMaxRecordSize(input.MaxRecordSizeInKiB ?? 1024),
    tags: mergeTags(new Map(), input.Tags),
    recordDistribution:
      input.RecordDistributionStrategy === undefined
        ? 'USER_PARTITION_KEY'
        : validateRecordDistribution(input.RecordDistributionStrategy, mode)
  }
}
