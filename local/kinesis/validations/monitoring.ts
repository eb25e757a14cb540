import { constraintError } from '../../constraint-error.ts'
import { type ShardMetric, shardMetrics } from '../store.ts'
import { validateOneOf } from './stream.ts'

/** The metrics that are named; `ALL` is each of them. */
export function validateShardMetrics(names: unknown): readonly ShardMetric[] {
  if (!Array.isArray(names) || names.length < 1 || names.length > shardMetrics.length) {
    throw constraintError('shardLevelMetrics', `Member must have length between 1 and ${shardMetrics.length}`)
  }
  return names.flatMap((name: unknown) => {
    const metric = validateOneOf('shardLevelMetrics', name, [...shardMetrics, 'ALL'])
    return metric === 'ALL' ? shardMetrics : [metric]
  })
}
