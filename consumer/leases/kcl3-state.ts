import { type Item, numberOf } from './lease-item.ts'

/** A worker's row is written every 30 seconds; the KCL counts it as alive for twice that, by the wall clock. */
const metricsAliveMs = 60_000

/**
 * What tells that a fleet of the Java KCL 3 is at work on the table: its leader assigns leases by rules of its
 * own, which a worker that takes leases for itself would break. Takes rows of the lease table (KCL 3.5) and of
 * the tables beside it (3.0 to 3.4); leases and unknown rows say nothing. Pure.
 */
export function kcl3Signs(items: readonly Item[], wallTimeMs: number): readonly string[] {
  return items.flatMap(item => signOf(item, wallTimeMs) ?? [])
}

function signOf(item: Item, wallTimeMs: number): string | undefined {
  switch (item.entityType ?? typeInOwnTable(item)) {
    case 'LEADER':
      // A lock that was given back stands for nobody.
      return item.isReleased === '1' ? undefined : 'a leader lock'
    case 'WORKER_METRIC_STATS': {
      const updatedMs = (numberOf(item.lut) ?? 0) * 1_000
      return updatedMs > wallTimeMs - metricsAliveMs ? 'metrics of a living worker' : undefined
    }
    case 'CLIENT_VERSION_MIGRATION':
      // A fleet that was rolled back works by the rules of KCL 2.
      return item.cv === 'CLIENT_VERSION_2X' ? undefined : 'a migration to KCL 3'
    case 'TABLE_MIGRATION':
      return 'a migration of the tables'
    default:
      return undefined
  }
}

/** The tables of 3.0 to 3.4 name no types: each row is known by its key. */
function typeInOwnTable(item: Item): string | undefined {
  if (typeof item.wid === 'string') return 'WORKER_METRIC_STATS'
  if (item.key === 'Leader') return 'LEADER'
  if (item.key === 'Migration3.0') return 'CLIENT_VERSION_MIGRATION'
  return item.key === 'TableMigration3.5' ? 'TABLE_MIGRATION' : undefined
}
