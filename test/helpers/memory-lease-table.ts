import type { Lease } from '../../consumer/leases/lease.ts'
import type { CheckpointUpdate, LeaseTable } from '../../consumer/leases/lease-table.ts'

/** A lease table in memory, with the conditions of the real one. */
export class MemoryLeaseTable implements LeaseTable {
  rows = new Map<string, Lease>()
  /** Thrown before anything is written. */
  fail: ((operation: string, leaseKey: string | undefined) => Error | undefined) | undefined
  writes = 0

  async ensure(): Promise<void> {}

  async list(): Promise<readonly Lease[]> {
    this.#mayFail('list')
    return [...this.rows.values()]
  }

  async create(lease: Lease): Promise<boolean> {
    this.#mayFail('create', lease.leaseKey)
    if (this.rows.has(lease.leaseKey)) return false
    this.rows.set(lease.leaseKey, lease)
    return true
  }

  async renew(lease: Lease): Promise<Lease | undefined> {
    return this.#update('renew', lease, {})
  }

  async take(lease: Lease, workerId: string): Promise<Lease | undefined> {
    const switched = lease.leaseOwner === workerId ? 0 : 1
    return this.#update('take', lease, {
      leaseOwner: workerId,
      ownerSwitchesSinceCheckpoint: lease.ownerSwitchesSinceCheckpoint + switched
    })
  }

  async checkpoint(
    lease: Lease,
    { checkpoint, childShardIds }: CheckpointUpdate
  ): Promise<Lease | undefined> {
    return this.#update('checkpoint', lease, {
      checkpoint,
      childShardIds: childShardIds ?? lease.childShardIds,
      ownerSwitchesSinceCheckpoint: 0
    })
  }

  async release(lease: Lease): Promise<Lease | undefined> {
    return this.#update('release', lease, { leaseOwner: undefined })
  }

  close(): void {}

  #update(operation: string, seen: Lease, change: Partial<Lease>): Lease | undefined {
    this.#mayFail(operation, seen.leaseKey)
    if (this.rows.get(seen.leaseKey)?.leaseCounter !== seen.leaseCounter) return undefined
    const written = { ...seen, ...change, leaseCounter: seen.leaseCounter + 1 } as Lease
    this.rows.set(seen.leaseKey, written)
    this.writes += 1
    return written
  }

  #mayFail(operation: string, leaseKey?: string): void {
    const failure = this.fail?.(operation, leaseKey)
    if (failure !== undefined) throw failure
  }
}
