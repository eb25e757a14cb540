import type { ExtendedSequenceNumber } from '../../consumer/checkpoint/extended-sequence-number.ts'
import { DuplicateWorkerError } from '../../consumer/errors.ts'
import type { FleetTable } from '../../consumer/leases/kcl3/fleet-table.ts'
import { isFinished, type Lease, ownedBy, workingOwner } from '../../consumer/leases/lease.ts'
import type {
  CheckpointUpdate,
  LeaseTable,
  LeaseTableUsage,
  ShardFacts
} from '../../consumer/leases/lease-table.ts'

/** One worker's view of a lease table in memory, with the conditions of the real one. */
export class MemoryLeaseTable implements LeaseTable {
  rows = new Map<string, Lease>()
  /** Thrown before anything is written. */
  fail: ((operation: string, leaseKey: string | undefined) => Error | undefined) | undefined
  /** Thrown after it was written. */
  loseAnswer: ((operation: string, leaseKey: string) => Error | undefined) | undefined
  /** Awaited before anything is done. */
  gate: (() => Promise<void> | undefined) | undefined
  writes = 0
  scans = 0
  /** Of a worker that speaks KCL 3's protocol. */
  fleet: FleetTable | undefined
  readonly #mayBeOurs = new Map<string, number>()

  get usage(): LeaseTableUsage {
    return { scans: this.scans, writes: this.writes, readUnits: 0, writeUnits: this.writes }
  }

  async ensure(): Promise<void> {}

  async list(): Promise<readonly Lease[]> {
    await this.gate?.()
    this.mayFail('list')
    this.scans += 1
    return [...this.rows.values()]
  }

  async create(lease: Lease): Promise<boolean> {
    await this.gate?.()
    this.mayFail('create', lease.leaseKey)
    if (this.rows.has(lease.leaseKey)) return false
    this.rows.set(lease.leaseKey, lease)
    return true
  }

  async renew(lease: Lease): Promise<Lease | undefined> {
    return this.#update('renew', lease, workingOwner(lease), () => ({ throughputKBps: lease.throughputKBps }))
  }

  async take(lease: Lease, workerId: string): Promise<Lease | undefined> {
    return this.#update('take', lease, workerId, ({ leaseOwner, ownerSwitchesSinceCheckpoint }) => ({
      leaseOwner: workerId,
      checkpointOwner: undefined,
      ownerSwitchesSinceCheckpoint: ownerSwitchesSinceCheckpoint + (leaseOwner === workerId ? 0 : 1)
    }))
  }

  async checkpoint(
    lease: Lease,
    { checkpoint, childShardIds }: CheckpointUpdate
  ): Promise<Lease | undefined> {
    const stored = this.rows.get(lease.leaseKey)
    if (stored !== undefined && isFinished(stored) && checkpoint.sequenceNumber !== 'SHARD_END')
      return undefined
    return this.#update('checkpoint', lease, workingOwner(lease), seen => ({
      checkpoint,
      childShardIds: childShardIds ?? seen.childShardIds,
      ownerSwitchesSinceCheckpoint: 0,
      pendingCheckpoint: undefined,
      pendingCheckpointState: undefined
    }))
  }

  async prepareCheckpoint(
    lease: Lease,
    pendingCheckpoint: ExtendedSequenceNumber,
    pendingCheckpointState?: Uint8Array
  ): Promise<Lease | undefined> {
    return this.#update('prepareCheckpoint', lease, workingOwner(lease), () => ({
      pendingCheckpoint,
      pendingCheckpointState
    }))
  }

  async release(lease: Lease): Promise<Lease | undefined> {
    return this.#update('release', lease, workingOwner(lease), seen => {
      if (seen.checkpointOwner === undefined) return { leaseOwner: undefined }
      const { checkpointOwner, ownerSwitchesSinceCheckpoint } = ownedBy(seen, seen.leaseOwner)
      return { checkpointOwner, ownerSwitchesSinceCheckpoint }
    })
  }

  async describe(lease: Lease, facts: ShardFacts): Promise<void> {
    await this.gate?.()
    this.mayFail('describe', lease.leaseKey)
    const row = this.rows.get(lease.leaseKey)
    if (row !== undefined) this.rows.set(lease.leaseKey, { ...row, ...facts })
  }

  async delete(lease: Lease): Promise<boolean> {
    await this.gate?.()
    this.mayFail('delete', lease.leaseKey)
    const row = this.rows.get(lease.leaseKey)
    if (row !== undefined && row.leaseCounter !== lease.leaseCounter) return false
    this.rows.delete(lease.leaseKey)
    return true
  }

  close(): void {}

  async #update(
    operation: string,
    lease: Lease,
    owner: string | undefined,
    change: (seen: Lease) => Partial<Lease>
  ): Promise<Lease | undefined> {
    await this.gate?.()
    const { leaseKey } = lease
    let seen = lease
    this.mayFail(operation, leaseKey)
    const found = this.rows.get(leaseKey)
    if (found === undefined) return undefined
    // A handoff leaves the counter as it is.
    const noticesHandoff = this.fleet !== undefined && (operation === 'renew' || operation === 'release')
    if (noticesHandoff && found.leaseCounter === seen.leaseCounter && found.checkpointOwner === owner) {
      seen = { ...found, throughputKBps: seen.throughputKBps }
    }
    if (found.leaseCounter !== seen.leaseCounter) {
      const isOurs =
        found.leaseCounter > seen.leaseCounter && found.leaseCounter <= (this.#mayBeOurs.get(leaseKey) ?? -1)
      if (
        !isOurs &&
        this.fleet === undefined &&
        operation !== 'take' &&
        owner !== undefined &&
        found.leaseOwner === owner &&
        found.leaseCounter > seen.leaseCounter
      )
        throw new DuplicateWorkerError(owner, leaseKey)
      if (!isOurs || (owner !== undefined && workingOwner(found) !== owner)) return undefined
      seen = found
    }
    // A checkpoint does not notice a handoff, and leaves it as it is.
    const { leaseOwner, checkpointOwner } = found
    const written: Lease = {
      ...seen,
      leaseOwner,
      checkpointOwner,
      ...change(seen),
      leaseCounter: seen.leaseCounter + 1
    }
    this.rows.set(leaseKey, written)
    this.writes += 1
    this.#mayBeOurs.set(leaseKey, written.leaseCounter)
    this.mayLoseAnswer(operation, leaseKey)
    return noticesHandoff || operation !== 'checkpoint'
      ? written
      : { ...written, checkpointOwner: seen.checkpointOwner }
  }

  mayLoseAnswer(operation: string, leaseKey: string): void {
    const lost = this.loseAnswer?.(operation, leaseKey)
    if (lost !== undefined) throw lost
  }

  mayFail(operation: string, leaseKey?: string): void {
    const failure = this.fail?.(operation, leaseKey)
    if (failure !== undefined) throw failure
  }
}
