import { isFinished, type Lease, workingOwner } from './lease.ts'

export interface ObservedLease {
  readonly lease: Lease
  /** Nobody holds it, or its owner has not changed it for the failover time. */
  readonly isAvailable: boolean
  /** Available for three times the failover time, or new and without an owner. */
  readonly isVeryOld: boolean
  /** When its counter was last seen to change, on our own clock; minus infinity for one that was never held. */
  readonly changedMs: number
}

/**
 * Remembers when each lease's counter was last seen to change, on our own monotonic clock. No wall clock of two
 * machines is ever compared.
 */
export class LeaseObserver {
  readonly #failoverTimeMs: number
  readonly #seen = new Map<string, { readonly counter: number; readonly changedMs: number }>()

  constructor(failoverTimeMs: number) {
    this.#failoverTimeMs = failoverTimeMs
  }

  /** Takes one scan of the table, made at `nowMs`. Finished leases are left out: nobody needs to hold them. */
  observe(leases: readonly Lease[], nowMs: number): readonly ObservedLease[] {
    const keys = new Set(leases.map(({ leaseKey }) => leaseKey))
    for (const key of [...this.#seen.keys()]) if (!keys.has(key)) this.#seen.delete(key)
    const observed: ObservedLease[] = []
    for (const lease of leases) {
      const changedMs = this.#changedMs(lease, nowMs)
      if (isFinished(lease)) continue
      const ageMs = nowMs - changedMs
      const isAvailable = workingOwner(lease) === undefined || ageMs > this.#failoverTimeMs
      const isVeryOld = isAvailable && ageMs > 3 * this.#failoverTimeMs
      observed.push({ lease, isAvailable, isVeryOld, changedMs })
    }
    return observed
  }

  #changedMs(lease: Lease, nowMs: number): number {
    const before = this.#seen.get(lease.leaseKey)
    if (before?.counter === lease.leaseCounter) return before.changedMs
    // A lease that is new to us and has no owner was never held, as far as we know: infinitely old.
    const changedMs =
      before === undefined && workingOwner(lease) === undefined ? Number.NEGATIVE_INFINITY : nowMs
    this.#seen.set(lease.leaseKey, { counter: lease.leaseCounter, changedMs })
    return changedMs
  }
}
