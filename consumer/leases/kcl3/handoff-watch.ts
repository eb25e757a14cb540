import type { Lease } from '../lease.ts'
import type { ObservedLease } from '../lease-observer.ts'

/** How long an owner may take to hand a lease over, in milliseconds; the KCL's. */
export const handoffTimeMs = 30_000

export interface Handoffs {
  /** Under way: nothing is to be done about them. */
  readonly pending: readonly Lease[]
  /** Not done in time, although their owner lives: to be assigned without waiting for it. */
  readonly overdue: readonly Lease[]
}

/** Remembers since when each handoff is under way, on the leader's own clock. */
export class HandoffWatch {
  /** The owner learns of it at its next renewal. */
  readonly #timeMs: number
  #seen = new Map<string, { readonly owners: string; readonly sinceMs: number }>()

  constructor(failoverTimeMs: number) {
    this.#timeMs = handoffTimeMs + failoverTimeMs
  }

  observe(observed: readonly ObservedLease[], nowMs: number): Handoffs {
    const before = this.#seen
    this.#seen = new Map()
    const pending: Lease[] = []
    const overdue: Lease[] = []
    for (const { lease, isAvailable } of observed) {
      const { leaseKey, leaseOwner, checkpointOwner } = lease
      // Whose owner is gone is assigned anew in any case.
      if (checkpointOwner === undefined || leaseOwner === undefined || isAvailable) continue
      const owners = `${checkpointOwner}\n${leaseOwner}`
      const known = before.get(leaseKey)
      const sinceMs = known?.owners === owners ? known.sinceMs : nowMs
      this.#seen.set(leaseKey, { owners, sinceMs })
      if (nowMs - sinceMs > this.#timeMs) overdue.push(lease)
      else pending.push(lease)
    }
    return { pending, overdue }
  }
}
