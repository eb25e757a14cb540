import type { WorkerOptions } from '../../consumer/index.ts'
import { MemoryFleetTable, newFleetRows } from './memory-fleet-table.ts'
import { MemoryLeaseTable } from './memory-lease-table.ts'
import { type RunningWorker, TestFleet } from './worker-fleet.ts'

export interface Kcl3Worker extends RunningWorker {
  readonly table: MemoryLeaseTable
  readonly fleetTable: MemoryFleetTable
  /** The process is gone: nothing of it reaches the table any more. */
  die(): void
}

/** Workers over a stream, a lease table and a clock in memory, by the protocol of KCL 3. */
export class Kcl3Fleet extends TestFleet {
  readonly rows = newFleetRows()

  join(workerId: string, options: Partial<WorkerOptions> = {}): Kcl3Worker {
    const table = Object.assign(new MemoryLeaseTable(), { rows: this.table.rows })
    const fleetTable = new MemoryFleetTable(this.rows, table)
    table.fleet = fleetTable
    const never = new Promise<never>(() => {})
    const die = (): void => {
      table.gate = () => never
    }
    const running = this.start(workerId, { leaseTable: table, leaseProtocol: 'kcl3', ...options })
    return Object.assign(running, { table, fleetTable, die })
  }

  /** Stored owners of a shard's lease: who has it, and who still works it. */
  ownersOf(shardId: string): readonly (string | undefined)[] {
    const row = this.table.rows.get(shardId)
    return [row?.leaseOwner, row?.checkpointOwner]
  }

  /** Shards by worker, as the table has them. */
  get owned(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {}
    for (const { leaseOwner = 'nobody' } of this.table.rows.values())
      counts[leaseOwner] = (counts[leaseOwner] ?? 0) + 1
    return counts
  }
}
