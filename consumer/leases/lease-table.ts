import type { ExtendedSequenceNumber } from '../checkpoint/extended-sequence-number.ts'
import type { Lease } from './lease.ts'

export interface CheckpointUpdate {
  readonly checkpoint: ExtendedSequenceNumber
  /** Written at the end of a shard. */
  readonly childShardIds?: readonly string[]
}

/**
 * Port to the lease table. Each change is one conditional write; it resolves with the lease as it stands after
 * the write, or with undefined when somebody else was first. Each recognises its own success after a lost
 * answer. Rejects with `ServiceError` when the outcome is not known.
 */
export interface LeaseTable {
  /** Makes sure that the table is there. @throws LeaseTableMissingError */
  ensure(): Promise<void>
  list(): Promise<readonly Lease[]>
  /** Makes a row unless there is one; whether it was made. */
  create(lease: Lease): Promise<boolean>
  renew(lease: Lease): Promise<Lease | undefined>
  /** Makes `workerId` the owner, whoever was it before. */
  take(lease: Lease, workerId: string): Promise<Lease | undefined>
  checkpoint(lease: Lease, update: CheckpointUpdate): Promise<Lease | undefined>
  /** Leaves the lease without an owner. */
  release(lease: Lease): Promise<Lease | undefined>
  close(): void
}
