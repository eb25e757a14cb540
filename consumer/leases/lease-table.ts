import type { HashKeyRange } from '../../core/hash-key.ts'
import type { ExtendedSequenceNumber } from '../checkpoint/extended-sequence-number.ts'
import type { FleetTable } from './kcl3/fleet-table.ts'
import type { Lease } from './lease.ts'

export interface CheckpointUpdate {
  readonly checkpoint: ExtendedSequenceNumber
  /** Written at the end of a shard. */
  readonly childShardIds?: readonly string[]
}

/** What is known about a shard beside its lease. */
export interface ShardFacts {
  readonly childShardIds?: readonly string[]
  readonly hashKeyRange?: HashKeyRange
}

/** What the table was asked for since it was opened. */
export interface LeaseTableUsage {
  /** Whole scans. */
  readonly scans: number
  /** Conditional writes that were sent, also those that lost. */
  readonly writes: number
  /** Capacity units as the service counts them; 0 where it does not say. */
  readonly readUnits: number
  readonly writeUnits: number
}

/**
 * Port to the lease table. Each change is one conditional write; it resolves with the lease as it stands after
 * the write, or with undefined when somebody else was first. Each recognises its own success after a lost
 * answer, and rejects with `DuplicateWorkerError` when the row was changed under this worker's name by a write
 * that was not its own. Rejects with `ServiceError` when the outcome is not known.
 */
export interface LeaseTable {
  readonly usage: LeaseTableUsage
  /** Makes sure that the table is there, and fit. @throws LeaseTableMissingError, LeaseTableSchemaError, Kcl3StateError */
  ensure(): Promise<void>
  /** Every lease. Rows of other kinds are passed over. @throws Kcl3StateError as long as it never succeeded */
  list(): Promise<readonly Lease[]>
  /** Makes a row unless there is one; whether it was made. */
  create(lease: Lease): Promise<boolean>
  /**
   * Also stores the lease's throughput where the protocol has one. Where leases are handed over, the lease that it resolves
   * with tells of it: `checkpointOwner` is this worker then.
   */
  renew(lease: Lease): Promise<Lease | undefined>
  /** Makes `workerId` the owner, whoever was it before. */
  take(lease: Lease, workerId: string): Promise<Lease | undefined>
  /** Also clears what was prepared. */
  checkpoint(lease: Lease, update: CheckpointUpdate): Promise<Lease | undefined>
  /** Stores a position, and up to about 300 KB of state, beside the checkpoint; the next owner finds them. */
  prepareCheckpoint(
    lease: Lease,
    pending: ExtendedSequenceNumber,
    state?: Uint8Array
  ): Promise<Lease | undefined>
  /** Leaves the lease without an owner, or to the worker that it is being handed over to. */
  release(lease: Lease): Promise<Lease | undefined>
  /** Fills in what old writers left out. The counter stays: whoever holds the lease does not notice. */
  describe(lease: Lease, facts: ShardFacts): Promise<void>
  /** Removes the row unless it has changed since it was seen; whether it is gone. */
  delete(lease: Lease): Promise<boolean>
  /** What a fleet of KCL 3 keeps beside its leases; needed for that protocol alone. */
  readonly fleet?: FleetTable | undefined
  close(): void
}
