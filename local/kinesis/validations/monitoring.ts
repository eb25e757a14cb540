import { AwsError } from '../../aws-json.ts'
import { type ShardMetric, shardMetrics } from '../store.ts'
import { validateOneOf } from './stream.ts'

/** The metrics that are named; `ALL` is each of them. */
export function validateShardMetrics(names: unknown): readonly ShardMetric[] {
  if (!Array.isArray(names) || names.length < 1 || names.length > shardMetrics.length) {
    throw new AwsError(
      'ValidationException',
      `1 validation error detected: Value at 'shardLevelMetrics' failed to satisfy constraint: Member must have length between 1 and ${shardMetrics.length}`
    )
  }
  return names.flatMap((name: unknown) => {
    const metric = validateOneOf('shardLevelMetrics', name, [...shardMetrics, 'ALL'])
    return metric === 'ALL' ? shardMetrics : [metric]
  })
}
