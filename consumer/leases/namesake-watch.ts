import type { Lease } from './lease.ts'

/** A late write of a tenure of ours that is over can change a counter once; a namesake goes on. */
const changesToBelieve = 2

/**
 * Finds a second living worker under our id: rows that bear our name, that we do not hold, and whose counter goes
 * on changing all the same. Pure but for its memory of the last scans.
 */
export class NamesakeWatch {
  readonly #workerId: string
  #seen = new Map<string, { readonly counter: number; readonly changes: number }>()

  constructor(workerId: string) {
    this.#workerId = workerId
  }

  /** Takes one scan; a lease key that shows a namesake at work, or undefined. `isOurs`: what we write to ourselves. */
  observe(leases: readonly Lease[], isOurs: (leaseKey: string) => boolean): string | undefined {
    const before = this.#seen
    this.#seen = new Map()
    for (const { leaseKey, leaseOwner, leaseCounter } of leases) {
      if (leaseOwner !== this.#workerId || isOurs(leaseKey)) continue
      const last = before.get(leaseKey) ?? { counter: leaseCounter, changes: 0 }
      const changes = last.changes + (last.counter === leaseCounter ? 0 : 1)
      this.#seen.set(leaseKey, { counter: leaseCounter, changes })
      if (changes >= changesToBelieve) return leaseKey
    }
    return undefined
  }

  /** A tenure of ours begins: what its writes change is ours, also when it is over by the next scan. */
  forget(leaseKey: string): void {
    this.#seen.delete(leaseKey)
  }
}
