import type { LeaderLock, WorkerRow } from '../../consumer/leases/kcl3/fleet-rows.ts'
import type { FleetState, FleetTable } from '../../consumer/leases/kcl3/fleet-table.ts'
import { type Lease, ownedBy } from '../../consumer/leases/lease.ts'
import type { MemoryLeaseTable } from './memory-lease-table.ts'

/** What the workers of a fleet share beside their leases. */
export interface FleetRows {
  lock: LeaderLock | undefined
  clientVersion: string | undefined
  readonly workers: Map<string, WorkerRow>
}

export const newFleetRows = (): FleetRows => ({
  lock: undefined,
  clientVersion: undefined,
  workers: new Map()
})

/** One worker's view of what a fleet of KCL 3 keeps beside its leases, with the conditions of the real one. */
export class MemoryFleetTable implements FleetTable {
  readonly #rows: FleetRows
  /** The leases, and how this worker reaches them. */
  readonly #leases: MemoryLeaseTable
  hasIndex = false

  constructor(rows: FleetRows, leases: MemoryLeaseTable) {
    this.#rows = rows
    this.#leases = leases
  }

  async read(): Promise<FleetState> {
    await this.#reach('readFleet')
    const { lock, clientVersion, workers } = this.#rows
    return { lock, clientVersion, workers: [...workers.values()] }
  }

  async takeLock(lock: LeaderLock, seen: LeaderLock | undefined): Promise<boolean> {
    await this.#reach('takeLock')
    if (this.#rows.lock?.recordVersionNumber !== seen?.recordVersionNumber) return false
    this.#rows.lock = lock
    return true
  }

  async keepLock(lock: LeaderLock, recordVersionNumber: string): Promise<boolean> {
    await this.#reach('keepLock')
    const found = this.#rows.lock
    if (found?.recordVersionNumber !== lock.recordVersionNumber || found.ownerName !== lock.ownerName)
      return false
    this.#rows.lock = { ...lock, recordVersionNumber }
    this.#leases.mayLoseAnswer('keepLock', 'Leader')
    return true
  }

  async giveLockBack(lock: LeaderLock): Promise<void> {
    await this.#reach('giveLockBack')
    if (this.#rows.lock?.recordVersionNumber === lock.recordVersionNumber) this.#rows.lock = undefined
  }

  async publish(
    workerId: string,
    updatedSeconds: number,
    previousSeconds: number | undefined
  ): Promise<boolean> {
    await this.#reach('publish')
    const found = this.#rows.workers.get(workerId)
    const isKnown = found === undefined || found.updatedSeconds === previousSeconds
    if (previousSeconds !== undefined && !isKnown) return found.updatedSeconds === updatedSeconds
    this.#rows.workers.set(workerId, { workerId, updatedSeconds, metrics: new Map(), limits: new Map() })
    this.#leases.mayLoseAnswer('publish', workerId)
    return true
  }

  async withdraw(workerId: string): Promise<void> {
    await this.#reach('withdraw')
    this.#rows.workers.delete(workerId)
  }

  async forget({ workerId, updatedSeconds }: WorkerRow): Promise<void> {
    await this.#reach('forget')
    if (this.#rows.workers.get(workerId)?.updatedSeconds === updatedSeconds)
      this.#rows.workers.delete(workerId)
  }

  async declare(clientVersion: string): Promise<void> {
    await this.#reach('declare')
    this.#rows.clientVersion ??= clientVersion
  }

  async assign(lease: Lease, workerId: string): Promise<Lease | undefined> {
    await this.#reach('assign')
    const found = this.#unchanged(lease)
    if (found === undefined || found.leaseCounter !== lease.leaseCounter) return undefined
    return this.#write('assign', ownedBy(found, workerId))
  }

  async startHandoff(lease: Lease, workerId: string): Promise<Lease | undefined> {
    await this.#reach('startHandoff')
    const found = this.#unchanged(lease)
    if (found === undefined) return undefined
    return this.#write('startHandoff', { ...found, leaseOwner: workerId, checkpointOwner: found.leaseOwner })
  }

  async findAssigned(workerId: string, known: ReadonlySet<string>): Promise<readonly Lease[] | undefined> {
    await this.#reach('findAssigned')
    if (!this.hasIndex) return undefined
    const rows = [...this.#leases.rows.values()]
    return rows.filter(({ leaseKey, leaseOwner }) => leaseOwner === workerId && !known.has(leaseKey))
  }

  #unchanged({ leaseKey, leaseOwner, checkpointOwner }: Lease): Lease | undefined {
    const found = this.#leases.rows.get(leaseKey)
    const isSame = found?.leaseOwner === leaseOwner && found?.checkpointOwner === checkpointOwner
    return isSame ? found : undefined
  }

  #write(operation: string, lease: Lease): Lease {
    this.#leases.rows.set(lease.leaseKey, lease)
    this.#leases.writes += 1
    this.#leases.mayLoseAnswer(operation, lease.leaseKey)
    return lease
  }

  async #reach(operation: string): Promise<void> {
    await this.#leases.gate?.()
    this.#leases.mayFail(operation)
  }
}
