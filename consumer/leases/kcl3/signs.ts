import type { Item } from '../lease-item.ts'
import { ClientVersion, parseFleetRow } from './fleet-rows.ts'

/** A worker's row is written every 30 seconds; the KCL counts it as alive for twice that, by the wall clock. */
export const workerAliveMs = 60_000

/**
 * What tells that a fleet of KCL 3 is at work on the table: its leader assigns leases by rules of its own, which a
 * worker that takes leases for itself would break. Takes rows of the lease table (KCL 3.5) and of the tables beside it
 * (3.0 to 3.4); leases and unknown rows say nothing. Pure.
 */
export function kcl3Signs(items: readonly Item[], wallTimeMs: number): readonly string[] {
  return items.flatMap(item => signOf(item, wallTimeMs) ?? [])
}

function signOf(item: Item, wallTimeMs: number): string | undefined {
  const row = parseFleetRow(item)
  switch (row?.kind) {
    case 'lock':
      // A lock that was given back stands for nobody.
      return row.lock.isReleased ? undefined : 'a leader lock'
    case 'worker':
      return row.worker.updatedSeconds * 1_000 > wallTimeMs - workerAliveMs
        ? 'metrics of a living worker'
        : undefined
    case 'clientVersion':
      // A fleet that was rolled back works by the rules of KCL 2.
      return row.version === ClientVersion.v2 ? undefined : 'a migration to KCL 3'
    case 'tableMigration':
      return 'a migration of the tables'
    default:
      return undefined
  }
}
