import { type Lease, workingOwner } from './lease.ts'
import type { ObservedLease } from './lease-observer.ts'

export interface AssignmentPolicy {
  readonly workerId: string
  readonly maxLeases: number
  /** Most leases taken from a living worker in one round. */
  readonly maxLeasesToSteal: number
  readonly random: () => number
}

export interface Assignment {
  /** Nobody holds these, as far as we have seen. */
  readonly take: readonly Lease[]
  /** A living worker holds these, and more than its share. */
  readonly steal: readonly Lease[]
  /** By how many leases `maxLeases` keeps this worker below its share. */
  readonly spillover: number
}

/**
 * The leases that this worker should try to take now, by the KCL's rules: all that are very old; else up to its
 * share of the available ones; else one of the most loaded worker's. Pure but for the random source.
 */
export function assignLeases(
  leases: readonly Omit<ObservedLease, 'changedMs'>[],
  policy: AssignmentPolicy
): Assignment {
  const { workerId, maxLeases, maxLeasesToSteal, random } = policy
  const held = new Map<string, Lease[]>([[workerId, []]])
  const available: Lease[] = []
  for (const { lease, isAvailable } of leases) {
    if (isAvailable) available.push(lease)
    else {
      const owner = workingOwner(lease)!
      const owned = held.get(owner)
      if (owned === undefined) held.set(owner, [lease])
      else owned.push(lease)
    }
  }
  const share = held.size >= leases.length ? 1 : Math.ceil(leases.length / held.size)
  const spillover = leases.length === 0 ? 0 : Math.max(0, share - maxLeases)
  const nothing = { take: [], steal: [], spillover }
  const mine = held.get(workerId)!.length
  const room = maxLeases - mine
  if (room <= 0) return nothing

  const veryOld = leases.filter(({ isVeryOld }) => isVeryOld).map(({ lease }) => lease)
  if (veryOld.length > 0) return { ...nothing, take: shuffled(veryOld, random).slice(0, room) }

  const target = Math.min(share, maxLeases)
  const need = target - mine
  if (need <= 0) return nothing
  if (available.length > 0) return { ...nothing, take: shuffled(available, random).slice(0, need) }

  const richest = [...held.values()].reduce((most, owned) => (owned.length > most.length ? owned : most))
  let count = Math.min(need, richest.length - target)
  // Two short while nobody is above the share: one lease evens it out.
  if (count <= 0 && need > 1 && richest.length >= target) count = 1
  return {
    ...nothing,
    steal: shuffled(richest, random).slice(0, Math.max(0, Math.min(count, maxLeasesToSteal)))
  }
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1))
    ;[result[last], result[other]] = [result[other]!, result[last]!]
  }
  return result
}
