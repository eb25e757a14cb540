import { type Item, numberOf, textOf } from '../lease-item.ts'

/**
 * What KCL 3 keeps beside its leases, as its own attributes have it: in the lease table since 3.5, each row under its
 * `entityType`; in `<applicationName>-CoordinatorState` and `-WorkerMetricStats` before, where the key alone tells what a
 * row is.
 */
export type FleetRow =
  | { readonly kind: 'lock'; readonly lock: LeaderLock }
  | { readonly kind: 'worker'; readonly worker: WorkerRow }
  | { readonly kind: 'clientVersion'; readonly version: string }
  | { readonly kind: 'tableMigration'; readonly status: string }

/** `entityType` of the rows. */
export const FleetEntity = {
  lock: 'LEADER',
  worker: 'WORKER_METRIC_STATS',
  clientVersion: 'CLIENT_VERSION_MIGRATION',
  tableMigration: 'TABLE_MIGRATION'
} as const

/** Keys of the rows of which there is one; a worker's row has its id. */
export const FleetKey = {
  lock: 'Leader',
  clientVersion: 'Migration3.0',
  tableMigration: 'TableMigration3.5'
} as const

/** What tells by whose rules the leases are assigned: `cv` of the row `Migration3.0`. */
export const ClientVersion = {
  /** By those of KCL 2; nothing that is KCL 3's is written. */
  v2: 'CLIENT_VERSION_2X',
  /** By those of KCL 2, while every worker publishes its metrics. */
  upgrading: 'CLIENT_VERSION_UPGRADE_FROM_2X',
  /** By the leader; it may still go back. */
  v3WithRollback: 'CLIENT_VERSION_3X_WITH_ROLLBACK',
  v3: 'CLIENT_VERSION_3X'
} as const

/** How far the rows have moved from their tables into the lease table: `tm` of the row `TableMigration3.5`. */
export const TableMigration = {
  deployed: 'TABLE_MIGRATION_STATUS_DEPLOYED',
  pending: 'TABLE_MIGRATION_STATUS_PENDING',
  complete: 'TABLE_MIGRATION_STATUS_COMPLETE'
} as const

/** Whoever holds it assigns the leases; written as the lock client of DynamoDB writes its locks. */
export interface LeaderLock {
  readonly ownerName: string
  /** Others may take the lock when its version has not changed for so long, by their own clocks. */
  readonly leaseDurationMs: number
  /** A new one with each heartbeat. */
  readonly recordVersionNumber: string
  readonly isReleased: boolean
}

/** A worker's own account of itself. One that has written none is assigned nothing. */
export interface WorkerRow {
  readonly workerId: string
  /** Of the last write, in seconds since 1970 by the worker's clock. */
  readonly updatedSeconds: number
  /** By name of the metric, in percent, its latest averages, oldest first; -1 is one that could not be read. */
  readonly metrics: ReadonlyMap<string, readonly number[]>
  /** By name of the metric, the most that it should come to. */
  readonly limits: ReadonlyMap<string, number>
}

/** Undefined for a row of another kind, and for one that cannot be read. */
export function parseFleetRow(item: Item): FleetRow | undefined {
  switch (item.entityType ?? typeInOwnTable(item)) {
    case FleetEntity.lock:
      return toLock(item)
    case FleetEntity.worker:
      return toWorker(item)
    case FleetEntity.clientVersion: {
      const version = textOf(item.cv)
      return version === undefined ? undefined : { kind: 'clientVersion', version }
    }
    case FleetEntity.tableMigration: {
      const status = textOf(item.tm)
      return status === undefined ? undefined : { kind: 'tableMigration', status }
    }
    default:
      return undefined
  }
}

function typeInOwnTable(item: Item): string | undefined {
  if (typeof item.wid === 'string') return FleetEntity.worker
  if (item.key === FleetKey.lock) return FleetEntity.lock
  if (item.key === FleetKey.clientVersion) return FleetEntity.clientVersion
  return item.key === FleetKey.tableMigration ? FleetEntity.tableMigration : undefined
}

/** Duration of the KCL's locks, in milliseconds; also of one that names none. */
const lockDurationMs = 120_000

function toLock(item: Item): FleetRow {
  const leaseDurationMs = Number(item.leaseDuration)
  const lock = {
    ownerName: textOf(item.ownerName) ?? '',
    recordVersionNumber: textOf(item.recordVersionNumber) ?? '',
    leaseDurationMs: leaseDurationMs > 0 ? leaseDurationMs : lockDurationMs,
    isReleased: item.isReleased === '1'
  }
  return { kind: 'lock', lock }
}

function toWorker(item: Item): FleetRow | undefined {
  const workerId = textOf(item.wid) ?? textOf(item.leaseKey)
  const updatedSeconds = numberOf(item.lut)
  if (workerId === undefined || updatedSeconds === undefined) return undefined
  const limits = [...numbersByName(item.opr)].map(([name, [most]]) => [name, most ?? 0] as const)
  return {
    kind: 'worker',
    worker: { workerId, updatedSeconds, metrics: numbersByName(item.sts), limits: new Map(limits) }
  }
}

function numbersByName(value: unknown): ReadonlyMap<string, readonly number[]> {
  if (typeof value !== 'object' || value === null) return new Map()
  return new Map(
    Object.entries(value).map(([name, list]) => [
      name,
      Array.isArray(list) ? list.flatMap(each => numberOf(each) ?? []) : []
    ])
  )
}
