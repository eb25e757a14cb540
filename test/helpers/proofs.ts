import type { PipelinePlan } from '../../pipeline/index.ts'

/** A plan of one shard whose workers read often. */
export function proofPlan(overrides: Partial<PipelinePlan> = {}): PipelinePlan {
  return {
    name: 'proofs',
    stream: { shards: 1 },
    consumer: { failoverTimeMs: 2_000, idleTimeBetweenReadsMs: 200 },
    destinations: [{ kind: 's3', bufferIntervalSeconds: 1 }],
    ...overrides
  }
}
