import type { Clock } from '../../core/clock.ts'
import { ServiceError } from '../../core/service-errors.ts'
import type { ShardSync } from '../shards/shard-sync.ts'
import type { WorkerEvent } from '../types.ts'
import { HeldLease } from './held-lease.ts'
import type { Lease } from './lease.ts'
import { leasesToTake } from './lease-assignment.ts'
import { LeaseObserver } from './lease-observer.ts'
import type { LeaseTable } from './lease-table.ts'

export interface LeaseCoordinatorOptions {
  readonly table: LeaseTable
  readonly shardSync: ShardSync
  readonly workerId: string
  readonly failoverTimeMs: number
  readonly maxLeases: number
  readonly clock: Clock
  readonly random: () => number
  readonly onEvent: (event: WorkerEvent) => void
  /** Whether this worker may take the lease: not while something of an earlier tenure still runs. */
  readonly mayTake: (leaseKey: string) => boolean
  /** A lease is ours now. */
  readonly onTaken: (held: HeldLease) => void
}

/** Tables below this many leases are scanned every second, so that a deploy hands over quickly. */
const smallTable = 100
const smallTableScanMs = 1_000
/** The KCL's margin before the third of the failover time, in milliseconds. */
const epsilonMs = 25
/** Time between two looks for shards without a lease, in milliseconds; the KCL's. */
const auditMs = 120_000

/** Takes and renews leases. Renewal runs on its own, whatever the processing does. */
export class LeaseCoordinator {
  readonly #options: LeaseCoordinatorOptions
  readonly #observer: LeaseObserver
  readonly #held = new Map<string, HeldLease>()
  readonly #stop = new AbortController()
  #leases: ReadonlyMap<string, Lease> = new Map()
  #auditedMs = Number.NEGATIVE_INFINITY
  #loops: readonly Promise<void>[] = []
  #isTaking = true
  #scanning: Promise<void> = Promise.resolve()

  constructor(options: LeaseCoordinatorOptions) {
    this.#options = options
    this.#observer = new LeaseObserver(options.failoverTimeMs)
  }

  /** The table as of the last scan. */
  get leases(): ReadonlyMap<string, Lease> {
    return this.#leases
  }

  get heldCount(): number {
    return this.#held.size
  }

  /**
   * Makes the table and the first leases where they are missing, and starts the loops.
   * @throws ServiceError, LeaseTableMissingError: what keeps the worker from starting
   */
  async start(): Promise<void> {
    await this.#options.table.ensure()
    await this.#scan()
    this.#loops = [this.#scanLoop(), this.#renewLoop()]
  }

  /** Takes no more leases; those that are held are still renewed. */
  async stopTaking(): Promise<void> {
    this.#isTaking = false
    // A scan under way may have takes in flight; what they win is seen by `onTaken` first.
    await this.#scanning.catch(() => {})
  }

  async close(): Promise<void> {
    this.#isTaking = false
    this.#stop.abort()
    await Promise.all(this.#loops)
  }

  /** The consumer of this lease is done; with `release` others may take it at once. */
  async giveUp(held: HeldLease, options: { readonly release: boolean }): Promise<void> {
    if (options.release) {
      try {
        await held.release()
        this.#options.onEvent({ type: 'leaseReleased', leaseKey: held.leaseKey })
      } catch (error) {
        // Others take it when it expires.
        this.#report(error)
      }
    }
    if (this.#held.get(held.leaseKey) === held) this.#held.delete(held.leaseKey)
  }

  /** Makes the leases of new shards known to everyone who waits, without waiting for the next scan. */
  noteFinished(lease: Lease): void {
    this.#leases = new Map(this.#leases).set(lease.leaseKey, lease)
  }

  async #scanLoop(): Promise<void> {
    const { clock, failoverTimeMs } = this.#options
    while (!this.#stop.signal.aborted) {
      const intervalMs =
        this.#leases.size < smallTable ? Math.min(smallTableScanMs, failoverTimeMs / 2) : failoverTimeMs / 2
      await clock.sleep(intervalMs, this.#stop.signal).catch(() => {})
      if (this.#stop.signal.aborted || !this.#isTaking) continue
      this.#scanning = this.#scan()
      await this.#scanning.catch((error: unknown) => this.#report(error))
    }
  }

  async #renewLoop(): Promise<void> {
    const { clock, failoverTimeMs } = this.#options
    while (!this.#stop.signal.aborted) {
      await clock.sleep(failoverTimeMs / 3 - epsilonMs, this.#stop.signal).catch(() => {})
      if (this.#stop.signal.aborted) return
      await Promise.all(
        [...this.#held.values()].map(held => held.renew().catch((error: unknown) => this.#report(error)))
      )
    }
  }

  async #scan(): Promise<void> {
    const { table, shardSync, workerId, clock } = this.#options
    let leases = await table.list()
    if (leases.length === 0 || clock.now() - this.#auditedMs >= auditMs) {
      if ((await shardSync.run(leases)) > 0) leases = await table.list()
      this.#auditedMs = clock.now()
    }
    this.#leases = new Map(leases.map(lease => [lease.leaseKey, lease]))
    for (const held of this.#held.values()) {
      const row = this.#leases.get(held.leaseKey)
      if (row !== undefined) held.noteOwner(row, workerId)
    }
    const observed = this.#observer.observe(leases, clock.now())
    // Left over from a former life under the same id: resumed at once.
    const own = leases.filter(
      lease =>
        lease.leaseOwner === workerId &&
        !this.#held.has(lease.leaseKey) &&
        observed.some(seen => seen.lease === lease)
    )
    const wanted = own.length > 0 ? own : leasesToTake(observed, { ...this.#options, maxLeasesToSteal: 1 })
    for (const lease of wanted) {
      if (!this.#isTaking) return
      if (!this.#held.has(lease.leaseKey) && this.#options.mayTake(lease.leaseKey)) await this.#take(lease)
    }
  }

  async #take(lease: Lease): Promise<void> {
    const { table, workerId, clock, failoverTimeMs, onEvent, onTaken } = this.#options
    const takenMs = clock.now()
    const taken = await table.take(lease, workerId)
    if (taken === undefined) return
    const held = new HeldLease({
      lease: taken,
      table,
      clock,
      failoverTimeMs,
      takenMs,
      onLost: lost => {
        if (this.#held.get(lost.leaseKey) === lost) this.#held.delete(lost.leaseKey)
        onEvent({ type: 'leaseLost', leaseKey: lost.leaseKey })
      }
    })
    this.#held.set(lease.leaseKey, held)
    onEvent({ type: 'leaseTaken', leaseKey: lease.leaseKey, previousOwner: lease.leaseOwner })
    onTaken(held)
  }

  #report(error: unknown): void {
    if (!(error instanceof ServiceError)) return
    const { service, operation, failure, serviceCode } = error
    this.#options.onEvent({ type: 'callFailed', service, operation, failure, serviceCode })
  }
}
