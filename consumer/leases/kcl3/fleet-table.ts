import type { Lease } from '../lease.ts'
import type { LeaderLock, WorkerRow } from './fleet-rows.ts'

/** What a fleet has written of itself. */
export interface FleetState {
  readonly lock: LeaderLock | undefined
  /** One of `ClientVersion`, or what a newer KCL may call it; undefined where nobody has said. */
  readonly clientVersion: string | undefined
  /** Every worker once, by its latest row. */
  readonly workers: readonly WorkerRow[]
}

/**
 * Port to what KCL 3 keeps beside the leases, and to what its leader writes into them. Each change is one conditional write that says whether it won. Rejects with
 * `ServiceError` when the outcome is not known.
 */
export interface FleetTable {
  /** As of the last scan of the lease table, or as the tables of their own have it now. */
  read(): Promise<FleetState>
  /** Takes a lock that is not there, was given back, or still is as it was `seen`. */
  takeLock(lock: LeaderLock, seen: LeaderLock | undefined): Promise<boolean>
  /** Gives the lock a new version; false when it is another's by now. */
  keepLock(lock: LeaderLock, recordVersionNumber: string): Promise<boolean>
  /** Removes the lock unless it is another's by now. */
  giveLockBack(lock: LeaderLock): Promise<void>
  /**
   * Writes a worker's row; metrics by which it could be measured there are none, so that it counts by what it reads.
   * False when the row is not what this worker wrote at `previousSeconds`: somebody else has its id. Undefined for the
   * first row of a life.
   */
  publish(workerId: string, updatedSeconds: number, previousSeconds: number | undefined): Promise<boolean>
  /** Removes a worker's row. */
  withdraw(workerId: string): Promise<void>
  /** Removes the row of a worker that is long gone, unless it has changed since. */
  forget(worker: WorkerRow): Promise<void>
  /** Says by whose rules the fleet works, unless that was said before. */
  declare(clientVersion: string, workerId: string): Promise<void>
  /**
   * As the leader: makes `workerId` the owner at once. Resolves with the lease as it stands then; undefined when it has
   * changed since it was seen, a renewal included: its owner lives.
   */
  assign(lease: Lease, workerId: string): Promise<Lease | undefined>
  /** As the leader: asks the owner to hand the lease over. Undefined when it has another owner by now. */
  startHandoff(lease: Lease, workerId: string): Promise<Lease | undefined>
  /**
   * Leases that the owner index shows as the worker's, read anew, without those in `known`. Undefined where there is no
   * such index, or none that is filled yet.
   */
  findAssigned(workerId: string, known: ReadonlySet<string>): Promise<readonly Lease[] | undefined>
}
