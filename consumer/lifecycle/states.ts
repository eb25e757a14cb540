/**
 * Where a shard consumer stands.
 *
 * waitingOnParents  the lease is held; a parent shard is not read to its end yet
 * initializing      finds the position to read from, and tells the processor
 * processing        reads, opens, hands on, checkpoints
 * endingShard       makes the children's leases, tells the processor, then marks the shard as finished
 * stopping          lets what was handed over end, and the processor checkpoint
 * losing            tells the processor that the lease is lost
 * releasing         gives the lease up for others
 * done              nothing is held any more
 */
export type ShardConsumerState =
  | 'waitingOnParents'
  | 'initializing'
  | 'processing'
  | 'endingShard'
  | 'stopping'
  | 'losing'
  | 'releasing'
  | 'done'

/** How the task of a state ended. */
export type Outcome = 'succeeded' | 'shardEnded' | 'leaseLost' | 'shutdownRequested'

/** An outcome that is missing from a state is a bug, and throws. */
export const transitions = {
  waitingOnParents: { succeeded: 'initializing', leaseLost: 'done', shutdownRequested: 'releasing' },
  initializing: { succeeded: 'processing', leaseLost: 'losing', shutdownRequested: 'releasing' },
  processing: {
    succeeded: 'processing',
    shardEnded: 'endingShard',
    leaseLost: 'losing',
    shutdownRequested: 'stopping'
  },
  endingShard: { succeeded: 'releasing', leaseLost: 'losing', shutdownRequested: 'stopping' },
  stopping: { succeeded: 'releasing', leaseLost: 'losing', shutdownRequested: 'releasing' },
  losing: { succeeded: 'done', leaseLost: 'done', shutdownRequested: 'done' },
  releasing: { succeeded: 'done', leaseLost: 'done' },
  done: {}
} as const satisfies Record<ShardConsumerState, Partial<Record<Outcome, ShardConsumerState>>>

export function nextState(state: ShardConsumerState, outcome: Outcome): ShardConsumerState {
  const next = (transitions[state] as Partial<Record<Outcome, ShardConsumerState>>)[outcome]
  if (next === undefined) throw new Error(`bug: no transition from ${state} after ${outcome}`)
  return next
}
