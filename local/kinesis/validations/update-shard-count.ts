import { AwsError } from '../../aws-json.ts'
import { validateCount, validateOneOf } from './stream.ts'

/**
 * The number of shards that UpdateShardCount asks for: at most double and at least half of those that are open
 * (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html).
 */
export function validateTargetShardCount(
  { TargetShardCount: target, ScalingType: scaling }: Readonly<Record<string, unknown>>,
  open: number
): number {
  validateOneOf('scalingType', scaling, ['UNIFORM_SCALING'])
  const count = validateCount('targetShardCount', target, 1, 10_000)
  const counts = `Current open shard count: ${open} Target shard count: ${count}`
  if (count > open * 2) {
    throw new AwsError(
      'LimitExceededException',
      `UpdateShardCount cannot scale up over double your current open shard count. ${counts}`
    )
  }
  if (count * 2 < open) {
    throw new AwsError(
      'LimitExceededException',
      `UpdateShardCount cannot scale down below half your current open shard count. ${counts}`
    )
  }
  return count
}
