import type { WorkerRow } from './fleet-rows.ts'
import { workerAliveMs } from './signs.ts'

export interface WatchedWorker {
  readonly row: WorkerRow
  /** When the row was last seen to change, or was first seen, on our own clock. */
  readonly changedMs: number
  /** It has written its row within the last minute, and every metric in it can be read. */
  readonly isActive: boolean
}

/**
 * Tells which workers are there by their rows. A row that is new to us is judged by its own time, which another machine's
 * clock has written; from then on by how long it has not changed, on our own.
 */
export class WorkerWatch {
  #seen = new Map<string, { readonly updatedSeconds: number; readonly changedMs: number }>()

  observe(rows: readonly WorkerRow[], nowMs: number, wallTimeMs: number): readonly WatchedWorker[] {
    const before = this.#seen
    this.#seen = new Map()
    return rows.map(row => {
      const known = before.get(row.workerId)
      const ageMs = Math.max(0, wallTimeMs - row.updatedSeconds * 1_000)
      const changedMs =
        known === undefined
          ? nowMs - ageMs
          : known.updatedSeconds === row.updatedSeconds
            ? known.changedMs
            : nowMs
      this.#seen.set(row.workerId, { updatedSeconds: row.updatedSeconds, changedMs })
      return { row, changedMs, isActive: nowMs - changedMs <= workerAliveMs && isSound(row) }
    })
  }
}

/** A metric whose last reading failed, or that has no limit, says nothing about what the worker can bear. */
function isSound({ metrics, limits }: WorkerRow): boolean {
  return [...metrics].every(([name, values]) => values.at(-1) !== -1 && (limits.get(name) ?? 0) > 0)
}
