import type { Action } from '../../aws-json.ts'
import { type KinesisStore, type ShardMetric, shardMetrics } from '../store.ts'
import { validateShardMetrics } from '../validations/monitoring.ts'
import { activeStream } from '../validations/stream-state.ts'

export const enableEnhancedMonitoring = (store: KinesisStore): Action =>
  monitoring(store, (current, named) => [...current, ...named])

export const disableEnhancedMonitoring = (store: KinesisStore): Action =>
  monitoring(store, (current, named) => current.filter(metric => !named.includes(metric)))

/** Keeps which metrics are wanted; none is made. */
function monitoring(
  store: KinesisStore,
  change: (current: readonly ShardMetric[], named: readonly ShardMetric[]) => readonly ShardMetric[]
): Action {
  return input => {
    const named = validateShardMetrics(input.ShardLevelMetrics)
    const stream = activeStream(store, input)
    const current = stream.shardMetrics
    const desired = change(current, named)
    stream.shardMetrics = shardMetrics.filter(metric => desired.includes(metric))
    store.update(stream)
    return {
      StreamName: stream.name,
      StreamARN: stream.arn,
      CurrentShardLevelMetrics: current,
      DesiredShardLevelMetrics: stream.shardMetrics
    }
  }
}
