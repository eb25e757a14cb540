/**
 * Where a shard consumer stands.
 *
 * waitingOnParents  the lease is held; a parent shard is not read to its end yet
 * initializing      finds the position to read from
 * processing        reads, opens, hands on, checkpoints
 * endingShard       makes the children's leases, then marks the shard as finished
 * releasing         gives the lease up for others
 * done              nothing is held any more
 */
export type ShardConsumerState =
  | 'waitingOnParents'
  | 'initializing'
  | 'processing'
  | 'endingShard'
  | 'releasing'
  | 'done'

/** How the task of a state ended. */
export type Outcome = 'succeeded' | 'shardEnded' | 'leaseLost' | 'shutdownRequested'

/** An outcome that is missing from a state is a bug, and throws. */
export const transitions = {
  waitingOnParents: { succeeded: 'initializing', leaseLost: 'done', shutdownRequested: 'releasing' },
  initializing: { succeeded: 'processing', leaseLost: 'done', shutdownRequested: 'releasing' },
  processing: {
    succeeded: 'processing',
    shardEnded: 'endingShard',
    leaseLost: 'done',
    shutdownRequested: 'releasing'
  },
  endingShard: { succeeded: 'releasing', leaseLost: 'done', shutdownRequested: 'releasing' },
  releasing: { succeeded: 'done', leaseLost: 'done' },
  done: {}
} as const satisfies Record<ShardConsumerState, Partial<Record<Outcome, ShardConsumerState>>>

export function nextState(state: ShardConsumerState, outcome: Outcome): ShardConsumerState {
  const next = (transitions[state] as Partial<Record<Outcome, ShardConsumerState>>)[outcome]
  if (next === undefined) throw new Error(`bug: no transition from ${state} after ${outcome}`)
  return next
}
