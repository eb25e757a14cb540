import { ErrorCode, SealstreamError } from '../../core/errors.ts'

/** Why a lease table is not copied, or not copied to. */
export type MigrationObstacle =
  /** It does not exist. */
  | 'missing'
  /** It holds leases already, and the copy was not told to go on. */
  | 'notEmpty'
  /** It is encrypted under another key than the one that was asked for. */
  | 'otherKey'

/** A lease table cannot be moved like this. Nothing was written. */
export class MigrationRefusedError extends SealstreamError {
  readonly tableName: string
  readonly obstacle: MigrationObstacle

  constructor(tableName: string, obstacle: MigrationObstacle, reason: string) {
    super(ErrorCode.leaseTableRefused, `table ${tableName} ${reason}`)
    this.tableName = tableName
    this.obstacle = obstacle
  }
}
