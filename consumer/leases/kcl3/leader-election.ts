import type { Clock } from '../../../core/clock.ts'
import type { LeaderLock } from './fleet-rows.ts'
import type { FleetTable } from './fleet-table.ts'

export interface LeaderElectionOptions {
  readonly table: FleetTable
  readonly workerId: string
  /** How long others wait for a leader that has gone silent, in milliseconds. The lock says so itself. */
  readonly leaseDurationMs: number
  /** Time from one sign of life to the next, in milliseconds. */
  readonly heartbeatMs: number
  readonly clock: Clock
  /** Makes the versions of the lock. */
  readonly newVersion: () => string
}

/** One worker's part in the election: it takes the lock when nobody has it, and keeps it alive. */
export class LeaderElection {
  readonly #options: LeaderElectionOptions
  /** Ours, as it was last written. */
  #lock: LeaderLock | undefined
  /** When that write was sent. */
  #writtenMs = 0
  /** Somebody else's, and since when it has not changed, by our own clock. */
  #seen: { readonly version: string; readonly sinceMs: number } | undefined

  constructor(options: LeaderElectionOptions) {
    this.#options = options
  }

  get isLeader(): boolean {
    const { clock, leaseDurationMs } = this.#options
    return this.#lock !== undefined && clock.now() - this.#writtenMs <= leaseDurationMs
  }

  /** Takes the lock as it was last read. @throws ServiceError; the lock stays ours until it runs out */
  async run(found: LeaderLock | undefined): Promise<void> {
    if (this.#lock !== undefined && !this.isLeader) this.#lock = undefined
    if (this.#lock !== undefined) await this.#keep(this.#lock)
    else if (this.#isFree(found)) await this.#take(found)
  }

  /** Others need not wait for this worker. @throws ServiceError */
  async resign(): Promise<void> {
    const lock = this.#lock
    this.#lock = undefined
    if (lock !== undefined) await this.#options.table.giveLockBack(lock)
  }

  #isFree(found: LeaderLock | undefined): boolean {
    const { workerId, clock } = this.#options
    // One under our own name is left from a former life, or from a write whose answer was lost.
    if (found === undefined || found.isReleased || found.ownerName === workerId) return true
    const nowMs = clock.now()
    if (this.#seen?.version !== found.recordVersionNumber) {
      this.#seen = { version: found.recordVersionNumber, sinceMs: nowMs }
    }
    return nowMs - this.#seen.sinceMs > found.leaseDurationMs
  }

  async #take(found: LeaderLock | undefined): Promise<void> {
    const { table, clock, workerId, leaseDurationMs, newVersion } = this.#options
    const lock = {
      ownerName: workerId,
      leaseDurationMs,
      recordVersionNumber: newVersion(),
      isReleased: false
    }
    const sentMs = clock.now()
    if (!(await table.takeLock(lock, found))) return
    this.#lock = lock
    this.#writtenMs = sentMs
  }

  async #keep(lock: LeaderLock): Promise<void> {
    const { table, clock, heartbeatMs, newVersion } = this.#options
    if (clock.now() - this.#writtenMs < heartbeatMs) return
    const sentMs = clock.now()
    const next = { ...lock, recordVersionNumber: newVersion() }
    // A refusal may be that of a second try, whose first was carried out.
    const isKept =
      (await table.keepLock(lock, next.recordVersionNumber)) ||
      (await table.keepLock(next, next.recordVersionNumber))
    this.#lock = isKept ? next : undefined
    if (isKept) this.#writtenMs = sentMs
  }
}
