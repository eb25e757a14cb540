import type { Clock } from '../../core/clock.ts'
import { FailureClass, ServiceError } from '../../core/service-errors.ts'
import { callFailed } from '../call-failed.ts'
import { DuplicateWorkerError, IncompleteShardListError, LeaseLostError } from '../errors.ts'
import type { ShardSync } from '../shards/shard-sync.ts'
import type { WorkerEvent } from '../types.ts'
import { type HandoffOptions, HeldLease } from './held-lease.ts'
import type { FleetMember } from './kcl3/fleet-member.ts'
import { handoffTimeMs } from './kcl3/handoff-watch.ts'
import type { Lease } from './lease.ts'
import { assignLeases } from './lease-assignment.ts'
import type { LeaseCleaner } from './lease-cleaner.ts'
import { LeaseObserver, type ObservedLease } from './lease-observer.ts'
import type { LeaseTable } from './lease-table.ts'
import { NamesakeWatch } from './namesake-watch.ts'

export interface LeaseCoordinatorOptions {
  readonly table: LeaseTable
  /** The streams that are read. Leases of others are left alone. */
  readonly streams: readonly ShardSync[]
  /** Undefined leaves finished leases in the table. */
  readonly cleaner?: LeaseCleaner | undefined
  /** Where a leader assigns the leases, as KCL 3 does: this worker's part in it. @default each worker takes its own */
  readonly fleet?: FleetMember | undefined
  readonly workerId: string
  readonly failoverTimeMs: number
  readonly maxLeases: number
  /** Most leases taken from living workers at one scan. @default 1 */
  readonly maxLeasesToSteal?: number
  readonly clock: Clock
  readonly random: () => number
  readonly onEvent: (event: WorkerEvent) => void
  /** Whether this worker may take the lease: not while something of an earlier tenure still runs. @default always */
  readonly mayTake?: (leaseKey: string) => boolean
  /** A lease is ours now. */
  readonly onTaken: (held: HeldLease) => void
  /** What must end the worker. */
  readonly onFatal: (error: unknown) => void
}

/** How leases came and went since the worker was made. */
export interface LeaseCounts {
  /** Leases that became ours, stolen and assigned ones included. */
  readonly taken: number
  readonly stolen: number
  /** Leases that another worker took first. */
  readonly untaken: number
  readonly lost: number
  /** Leases that went to another worker because the leader wished so, after their last checkpoint. */
  readonly handedOver: number
  /** By how many leases `maxLeases` keeps this worker below its share, as of the last scan. */
  readonly spillover: number
}

/** Tables below this many leases are scanned every second, so that a deploy hands over quickly. */
const smallTable = 100
const smallTableScanMs = 1_000
/** The KCL's margin before the third of the failover time, in milliseconds. */
const epsilonMs = 25
/** Least time between two clean-ups by one worker, in milliseconds; the KCL's. Twice that at most. */
const cleanUpMs = 60_000

/** Takes and renews leases. Renewal runs on its own, whatever the processing does. */
export class LeaseCoordinator {
  readonly #options: LeaseCoordinatorOptions
  readonly #observer: LeaseObserver
  readonly #namesakes: NamesakeWatch
  readonly #held = new Map<string, HeldLease>()
  readonly #renewing = new Map<HeldLease, Promise<void>>()
  readonly #stop = new AbortController()
  readonly #counts = { taken: 0, stolen: 0, untaken: 0, lost: 0, handedOver: 0, spillover: 0 }
  /** Takes whose outcome is not known: the row may bear our name. */
  readonly #unsettled = new Set<string>()
  #leases: ReadonlyMap<string, Lease> = new Map()
  #loops: readonly Promise<void>[] = []
  #isTaking = true
  #isFirstScan = true
  /** Whether the last scan showed a worker above its share already. */
  #wasUneven = false
  #scanning: Promise<void> = Promise.resolve()

  constructor(options: LeaseCoordinatorOptions) {
    this.#options = options
    this.#observer = new LeaseObserver(options.failoverTimeMs)
    this.#namesakes = new NamesakeWatch(options.workerId)
  }

  /** The table as of the last scan, by lease key. */
  get leases(): ReadonlyMap<string, Lease> {
    return this.#leases
  }

  get heldCount(): number {
    return this.#held.size
  }

  get counts(): LeaseCounts {
    return { ...this.#counts }
  }

  /**
   * Makes the table and the first leases where they are missing, resumes what a former life under this id held,
   * and starts the loops.
   * @throws ServiceError, LeaseTableMissingError, LeaseTableSchemaError, Kcl2FleetError, Kcl3StateError,
   * FleetVersionError, StreamRecreatedError, IncompleteShardListError: what keeps the worker from starting
   */
  async start(): Promise<void> {
    const { table, streams, fleet } = this.#options
    await table.ensure()
    for (const stream of streams) await stream.identify()
    await fleet?.join(await table.list())
    await this.#scan()
    this.#loops = [this.#scanLoop(), this.#renewLoop(), this.#cleanLoop()]
  }

  /** Takes no more leases; those that are held are still renewed. */
  async stopTaking(): Promise<void> {
    this.#isTaking = false
    // A scan under way may have takes in flight; what they win is seen by `onTaken` first.
    await this.#scanning.catch(() => {})
    await this.#options.fleet?.leave()
  }

  async close(): Promise<void> {
    this.#isTaking = false
    this.#stop.abort()
    await Promise.all([...this.#loops, ...this.#renewing.values()])
  }

  /** The consumer of this lease is done; with `release` others may take it at once. */
  async giveUp(held: HeldLease, options: { readonly release: boolean }): Promise<void> {
    if (options.release) {
      try {
        const to = await held.release()
        if (to === undefined) this.#options.onEvent({ type: 'leaseReleased', leaseKey: held.leaseKey })
        else this.#noteHandedOver(held.leaseKey, to, true)
      } catch (error) {
        // Others take it when it expires.
        this.#report(error)
      }
    }
    if (this.#held.get(held.leaseKey) === held) this.#held.delete(held.leaseKey)
  }

  /** Makes a lease that was written just now known to everyone who waits, without waiting for the next scan. */
  note(lease: Lease): void {
    this.#leases = new Map(this.#leases).set(lease.leaseKey, lease)
  }

  async #scanLoop(): Promise<void> {
    const { clock, failoverTimeMs, fleet } = this.#options
    let scannedMs = clock.now()
    while (!this.#stop.signal.aborted) {
      const isSmall = this.#leases.size < smallTable
      const scanMs = isSmall ? Math.min(smallTableScanMs, failoverTimeMs / 2) : failoverTimeMs / 2
      // What is assigned to this worker the owner index tells for less than a scan.
      const intervalMs = fleet?.rules === 'kcl3' ? Math.min(smallTableScanMs, scanMs) : scanMs
      await clock.sleep(intervalMs, this.#stop.signal).catch(() => {})
      if (this.#stop.signal.aborted || !this.#isTaking) continue
      const isDue = intervalMs === scanMs || clock.now() - scannedMs >= scanMs
      if (isDue) scannedMs = clock.now()
      this.#scanning = isDue ? this.#scan() : this.#discover()
      await this.#scanning.catch((error: unknown) => this.#report(error))
    }
  }

  async #renewLoop(): Promise<void> {
    const { clock, failoverTimeMs, onEvent } = this.#options
    const intervalMs = failoverTimeMs / 3 - epsilonMs
    let dueMs = clock.now() + intervalMs
    while (!this.#stop.signal.aborted) {
      await clock.sleep(Math.max(0, dueMs - clock.now()), this.#stop.signal).catch(() => {})
      if (this.#stop.signal.aborted) return
      const lateMs = clock.now() - dueMs
      // A whole renewal was missed. What has expired meanwhile is given up below, before anything is written.
      if (lateMs >= intervalMs) onEvent({ type: 'renewalLate', lateMs })
      dueMs = (lateMs >= intervalMs ? clock.now() : dueMs) + intervalMs
      for (const held of [...this.#held.values()]) this.#renew(held)
    }
  }

  /** Each on its own: one that hangs holds up no other. */
  #renew(held: HeldLease): void {
    if (this.#renewing.has(held)) return
    const renewing = held
      .renew()
      .catch((error: unknown) => this.#report(error))
      .finally(() => this.#renewing.delete(held))
    this.#renewing.set(held, renewing)
  }

  async #cleanLoop(): Promise<void> {
    const { cleaner, clock, random } = this.#options
    while (cleaner !== undefined && !this.#stop.signal.aborted) {
      // Spread, so that the workers of a fleet seldom try the same rows.
      await clock.sleep(cleanUpMs * (1 + random()), this.#stop.signal).catch(() => {})
      if (this.#stop.signal.aborted || !this.#isTaking) continue
      await cleaner.run([...this.#leases.values()]).catch((error: unknown) => this.#report(error))
    }
  }

  async #scan(): Promise<void> {
    const { table, streams, workerId, clock, fleet } = this.#options
    let leases = await table.list()
    let changed = 0
    for (const stream of streams) changed += await this.#sync(stream, leases)
    if (changed > 0) leases = await table.list()
    this.#leases = new Map(leases.map(lease => [lease.leaseKey, lease]))
    for (const held of this.#held.values()) {
      const row = this.#leases.get(held.leaseKey)
      if (row !== undefined) held.noteOwner(row, workerId)
    }
    if (fleet === undefined) this.#watchForNamesakes(leases)

    const mine = leases.filter(lease => streams.some(stream => stream.owns(lease)))
    const observed = this.#observer.observe(mine, clock.now())
    if (fleet !== undefined) {
      const assigned = await this.#takePart(fleet, observed)
      if (fleet.rules === 'kcl3') {
        this.#isFirstScan = false
        this.#noteSpillover(fleet.spillover)
        await this.#adopt(assigned)
        return
      }
    }
    const resumed = this.#resumable(observed.map(({ lease }) => lease))
    this.#isFirstScan = false
    const resumedKeys = new Set(resumed.map(({ leaseKey }) => leaseKey))
    for (const key of [...this.#unsettled]) if (!resumedKeys.has(key)) this.#unsettled.delete(key)
    if (resumed.length > 0) {
      await this.#takeAll(resumed)
      return
    }
    const { take, steal, spillover } = assignLeases(observed, {
      ...this.#options,
      maxLeasesToSteal: this.#stealLimit
    })
    this.#noteSpillover(spillover)
    await this.#takeAll(take)
    // A fleet that is just starting or stopping is uneven for a moment, and a steal costs its victim work.
    if (this.#wasUneven) this.#counts.stolen += await this.#takeAll(steal)
    this.#wasUneven = steal.length > 0
  }

  /** What of this fails is done at the next scan; this worker reads on whatever the fleet does. */
  async #takePart(fleet: FleetMember, observed: readonly ObservedLease[]): Promise<readonly Lease[]> {
    try {
      return await fleet.takePart(observed)
    } catch (error) {
      this.#report(error)
      return observed.map(({ lease }) => lease)
    }
  }

  async #discover(): Promise<void> {
    const { table, workerId, streams } = this.#options
    const found = (await table.fleet?.findAssigned(workerId, new Set(this.#held.keys()))) ?? []
    await this.#adopt(found.filter(lease => streams.some(stream => stream.owns(lease))))
  }

  /** Begins to work the leases that bear our name. One that is handed over is ours only when its owner is done with it. */
  async #adopt(leases: readonly Lease[]): Promise<void> {
    const { workerId, table } = this.#options
    const assigned = leases.filter(
      ({ leaseOwner, checkpointOwner }) => leaseOwner === workerId && checkpointOwner === undefined
    )
    for (const lease of assigned) {
      // Who had it before, the row does not say any more.
      if (this.#mayAcquire(lease)) await this.#acquire(lease, undefined, () => table.renew(lease))
    }
  }

  #watchForNamesakes(leases: readonly Lease[]): void {
    const { workerId } = this.#options
    const namesake = this.#namesakes.observe(leases, key => this.#held.has(key) || this.#unsettled.has(key))
    if (namesake !== undefined) this.#endForNamesake(new DuplicateWorkerError(workerId, namesake))
  }

  get #stealLimit(): number {
    return this.#options.maxLeasesToSteal ?? 1
  }

  /** At the start a stream that cannot be listed keeps the worker from starting; later it is told, and tried again. */
  async #sync(stream: ShardSync, leases: readonly Lease[]): Promise<number> {
    try {
      return await stream.run(leases)
    } catch (error) {
      if (this.#isFirstScan) throw error
      this.#report(error)
      return 0
    }
  }

  /**
   * Left over from a former life under the same id, or taken by a call whose answer was lost: ours at once. Later
   * on a row that bears our name and is not held may be a namesake's, and waits for its time like any other.
   */
  #resumable(leases: readonly Lease[]): readonly Lease[] {
    const { workerId, maxLeases } = this.#options
    return leases
      .filter(
        ({ leaseKey, leaseOwner }) =>
          leaseOwner === workerId &&
          !this.#held.has(leaseKey) &&
          (this.#isFirstScan || this.#unsettled.has(leaseKey))
      )
      .slice(0, Math.max(0, maxLeases - this.#held.size))
  }

  /** Returns how many became ours. */
  async #takeAll(leases: readonly Lease[]): Promise<number> {
    const { table, workerId } = this.#options
    let taken = 0
    for (const lease of leases) {
      if (
        this.#mayAcquire(lease) &&
        (await this.#acquire(lease, lease.leaseOwner, () => table.take(lease, workerId)))
      )
        taken += 1
    }
    return taken
  }

  #mayAcquire({ leaseKey }: Lease): boolean {
    return this.#isTaking && !this.#held.has(leaseKey) && this.#options.mayTake?.(leaseKey) !== false
  }

  async #acquire(
    lease: Lease,
    previousOwner: string | undefined,
    write: () => Promise<Lease | undefined>
  ): Promise<boolean> {
    const { table, clock, failoverTimeMs, onEvent, onTaken } = this.#options
    const takenMs = clock.now()
    this.#namesakes.forget(lease.leaseKey)
    let taken: Lease | undefined
    try {
      taken = await write()
    } catch (error) {
      this.#unsettled.add(lease.leaseKey)
      throw error
    }
    this.#unsettled.delete(lease.leaseKey)
    if (taken === undefined) {
      this.#counts.untaken += 1
      return false
    }
    const held = new HeldLease({
      lease: taken,
      table,
      clock,
      failoverTimeMs,
      takenMs,
      onLost: lost => {
        if (this.#held.get(lost.leaseKey) === lost) this.#held.delete(lost.leaseKey)
        this.#counts.lost += 1
        onEvent({ type: 'leaseLost', leaseKey: lost.leaseKey })
      },
      onDuplicate: error => this.#endForNamesake(error),
      handoffs: this.#handoffs
    })
    this.#held.set(lease.leaseKey, held)
    this.#counts.taken += 1
    onEvent({ type: 'leaseTaken', leaseKey: lease.leaseKey, previousOwner })
    onTaken(held)
    return true
  }

  get #handoffs(): HandoffOptions | undefined {
    const { fleet, onEvent } = this.#options
    if (fleet === undefined) return undefined
    return {
      timeMs: handoffTimeMs,
      onRequested: (leaseKey, to) => onEvent({ type: 'leaseHandoffRequested', leaseKey, to }),
      onLate: (leaseKey, to) => this.#noteHandedOver(leaseKey, to, false)
    }
  }

  #noteHandedOver(leaseKey: string, to: string, isInTime: boolean): void {
    this.#counts.handedOver += 1
    this.#options.onEvent({ type: 'leaseHandedOver', leaseKey, to, isInTime })
  }

  #noteSpillover(spillover: number): void {
    if (spillover === this.#counts.spillover) return
    this.#counts.spillover = spillover
    this.#options.onEvent({ type: 'leaseSpillover', leases: spillover })
  }

  #endForNamesake(error: DuplicateWorkerError): void {
    this.#options.onEvent({ type: 'duplicateWorker', leaseKey: error.leaseKey })
    this.#options.onFatal(error)
  }

  /** What may pass is told; anything else is a fault that no loop should hide. */
  #report(error: unknown): void {
    const { onEvent, onFatal } = this.#options
    if (error instanceof ServiceError) onEvent(callFailed(error))
    else if (error instanceof IncompleteShardListError) {
      const failure = FailureClass.unavailable
      onEvent({
        type: 'callFailed',
        service: 'kinesis',
        operation: 'ListShards',
        failure,
        serviceCode: error.name
      })
    } else if (!(error instanceof LeaseLostError) && !this.#stop.signal.aborted) onFatal(error)
  }
}
