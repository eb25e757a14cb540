import { randomUUID } from 'node:crypto'
import type { Clock } from '../../../core/clock.ts'
import { ServiceError } from '../../../core/service-errors.ts'
import { callFailed } from '../../call-failed.ts'
import { DuplicateWorkerError, FleetVersionError, Kcl2FleetError } from '../../errors.ts'
import type { WorkerEvent } from '../../types.ts'
import { isFinished, type Lease, workingOwner } from '../lease.ts'
import type { ObservedLease } from '../lease-observer.ts'
import type { LeaseTable } from '../lease-table.ts'
import { FleetLoad } from './fleet-load.ts'
import { ClientVersion, type WorkerRow } from './fleet-rows.ts'
import type { FleetState, FleetTable } from './fleet-table.ts'
import { type Handoffs, HandoffWatch } from './handoff-watch.ts'
import { LeaderElection } from './leader-election.ts'
import { workerAliveMs } from './signs.ts'
import { type WatchedWorker, WorkerWatch } from './worker-watch.ts'

/** Whose rules decide which worker has which lease: each takes its own (KCL 2), or the leader assigns them (KCL 3). */
export type LeaseRules = 'kcl2' | 'kcl3'

export interface FleetMemberOptions {
  readonly table: FleetTable
  readonly leaseTable: LeaseTable
  readonly applicationName: string
  readonly workerId: string
  readonly failoverTimeMs: number
  /** Most leases that this worker, when it leads, assigns to any one. */
  readonly maxLeases: number
  readonly clock: Clock
  readonly random: () => number
  readonly onEvent: (event: WorkerEvent) => void
  /** What must end the worker. */
  readonly onFatal: (error: unknown) => void
}

/** Time between two rows of a worker, in milliseconds; the KCL's. */
const publishMs = 30_000
/** Age at which the leader removes the row of a worker, in milliseconds; the KCL's. */
const forgetMs = 86_400_000
/** Failover times between two runs that move leases from living workers; the KCL's three times two. */
const balanceFailovers = 6
/** Failover times after which it does so again while there is something to move, or workers have come or gone. */
const settleFailovers = 2
/** Failover times for which a leader may be silent. */
const lockFailovers = 3
/** Time between two looks for workers of KCL 2 at the start, in milliseconds. */
const lookMs = 1_000
/** Most assignments that are written beside each other. */
const writesAtOnce = 20

/** What the leader makes of one lease. `isHandoff`: its owner is to be done with it first. */
interface Decision {
  readonly lease: Lease
  readonly to: string
  readonly isHandoff: boolean
}

/**
 * One worker of a fleet by the protocol of KCL 3: it publishes its row, takes part in the election, and assigns leases
 * while it leads. Everything happens at the scans of the lease table; nothing here reads or holds a shard.
 */
export class FleetMember {
  readonly #options: FleetMemberOptions
  readonly #election: LeaderElection
  readonly #workers = new WorkerWatch()
  readonly #handoffs: HandoffWatch
  /** Workers without a row that were told of. */
  readonly #told = new Set<string>()
  #rules: LeaseRules = 'kcl3'
  #wasLeader = false
  /** When the own row was last written. */
  #publishedMs = Number.NEGATIVE_INFINITY
  /** The time in the own row; undefined where it is not known. */
  #rowSeconds: number | undefined
  #hasLeft = false
  #members = ''
  #balanceDueMs = 0
  #spillover = 0

  constructor(options: FleetMemberOptions) {
    const { table, workerId, failoverTimeMs, clock } = options
    this.#options = options
    this.#handoffs = new HandoffWatch(failoverTimeMs)
    this.#election = new LeaderElection({
      table,
      workerId,
      leaseDurationMs: lockFailovers * failoverTimeMs,
      heartbeatMs: failoverTimeMs,
      clock,
      newVersion: randomUUID
    })
  }

  get rules(): LeaseRules {
    return this.#rules
  }

  get isLeader(): boolean {
    return this.#election.isLeader
  }

  /** Leases that no worker has room for, as of the last run of this worker as the leader. */
  get spillover(): number {
    return this.isLeader ? this.#spillover : 0
  }

  /**
   * Joins the fleet, or begins it. Takes the leases as they were just read.
   * @throws Kcl2FleetError, FleetVersionError, ServiceError
   */
  async join(leases: readonly Lease[]): Promise<void> {
    const { table, workerId, clock } = this.#options
    const state = await table.read()
    this.#rules = this.#rulesOf(state)
    const isBegun =
      state.clientVersion !== undefined ||
      state.lock !== undefined ||
      state.workers.some(({ updatedSeconds }) => updatedSeconds * 1_000 > clock.wallTime() - workerAliveMs)
    if (!isBegun) await this.#refuseKcl2(leases)
    // A worker that could also go back to KCL 2 takes this for the end of that.
    if (state.clientVersion === undefined) await table.declare(ClientVersion.v3, workerId)
    // A KCL before 3.5 may have made one of its tables, and not the other yet.
    await this.#attempt(() => this.#publish(state))
  }

  /**
   * To be called with each scan. Takes the unfinished leases of the streams that are read; returns them as they stand after
   * what was assigned.
   * @throws ServiceError: what could not be done is done at the next scan
   */
  async takePart(observed: readonly ObservedLease[]): Promise<readonly Lease[]> {
    const { table, clock } = this.#options
    const leases = observed.map(({ lease }) => lease)
    if (this.#hasLeft) return leases
    const state = await table.read()
    this.#changeRules(this.#rulesOf(state))
    // The fleet goes on for a minute without the row of a worker; without a leader it does not.
    await this.#attempt(() => this.#publish(state))
    const nowMs = clock.now()
    const workers = this.#workers.observe(this.#withOwnRow(state.workers), nowMs, clock.wallTime())
    const handoffs = this.#handoffs.observe(observed, nowMs)
    if (this.#rules === 'kcl2') {
      await this.#election.resign()
      this.#noteLeader()
      return leases
    }
    await this.#election.run(state.lock)
    this.#noteLeader()
    if (!this.isLeader) return leases
    this.#tellOfKcl2(observed, state.workers)
    await this.#attempt(() => this.#forget(workers))
    const written = await this.#carryOut(this.#decide(observed, workers, handoffs))
    return leases.map(lease => written.get(lease.leaseKey) ?? lease)
  }

  /** Is assigned nothing from now on, and leads no more. */
  async leave(): Promise<void> {
    this.#hasLeft = true
    const { table, workerId } = this.#options
    if (Number.isFinite(this.#publishedMs)) await this.#attempt(() => table.withdraw(workerId))
    await this.#attempt(() => this.#election.resign())
  }

  #rulesOf({ clientVersion }: FleetState): LeaseRules {
    switch (clientVersion) {
      case undefined:
      case ClientVersion.v3:
      case ClientVersion.v3WithRollback:
        return 'kcl3'
      case ClientVersion.v2:
      case ClientVersion.upgrading:
        return 'kcl2'
      default:
        throw new FleetVersionError(this.#options.applicationName, clientVersion)
    }
  }

  #changeRules(rules: LeaseRules): void {
    if (rules === this.#rules) return
    this.#rules = rules
    this.#options.onEvent({ type: 'leaseRulesChanged', rules })
  }

  #noteLeader(): void {
    if (this.isLeader === this.#wasLeader) return
    this.#wasLeader = this.isLeader
    this.#balanceDueMs = this.#options.clock.now()
    this.#options.onEvent({ type: 'leaderChanged', isLeader: this.isLeader })
  }

  /** Workers that take leases for themselves would fight with the leader over them, and could not read its rows. */
  async #refuseKcl2(leases: readonly Lease[]): Promise<void> {
    const { applicationName, workerId, failoverTimeMs, leaseTable, clock } = this.#options
    const owned = leases.filter(
      lease => !isFinished(lease) && lease.leaseOwner !== undefined && lease.leaseOwner !== workerId
    )
    if (owned.length === 0) return
    const counters = new Map(owned.map(({ leaseKey, leaseCounter }) => [leaseKey, leaseCounter]))
    const endMs = clock.now() + failoverTimeMs
    while (clock.now() < endMs) {
      await clock.sleep(Math.min(lookMs, failoverTimeMs))
      const living = (await leaseTable.list()).filter(
        ({ leaseKey, leaseOwner, leaseCounter }) =>
          leaseOwner !== undefined && counters.has(leaseKey) && counters.get(leaseKey) !== leaseCounter
      )
      if (living.length === 0) continue
      throw new Kcl2FleetError(applicationName, [...new Set(living.map(({ leaseOwner }) => leaseOwner!))])
    }
  }

  async #publish({ clientVersion }: FleetState): Promise<void> {
    const { table, workerId, clock, onEvent, onFatal } = this.#options
    if (clientVersion === ClientVersion.v2) return
    const sentMs = clock.now()
    if (sentMs - this.#publishedMs < publishMs) return
    const seconds = Math.floor(clock.wallTime() / 1_000)
    const previousSeconds = this.#rowSeconds
    // Until the answer comes the row may have either.
    this.#rowSeconds = undefined
    if (await table.publish(workerId, seconds, previousSeconds)) {
      this.#publishedMs = sentMs
      this.#rowSeconds = seconds
      return
    }
    onEvent({ type: 'duplicateWorker', leaseKey: undefined })
    onFatal(new DuplicateWorkerError(workerId, undefined))
  }

  #decide(
    observed: readonly ObservedLease[],
    workers: readonly WatchedWorker[],
    handoffs: Handoffs
  ): readonly Decision[] {
    const { clock, maxLeases, random, failoverTimeMs } = this.#options
    const available = observed.filter(({ isAvailable }) => isAvailable)
    const active = this.#assignable(workers, available)
    const load = new FleetLoad({
      leases: observed.map(({ lease }) => lease),
      available: new Set(available.map(({ lease }) => lease.leaseKey)),
      workers: active,
      maxLeases,
      random
    })
    const decisions: Decision[] = []
    const decide = (lease: Lease, to: string | undefined, isHandoff = false): void => {
      if (to !== undefined) decisions.push({ lease, to, isHandoff })
    }
    // Whoever has been without an owner for longest comes first.
    for (const { lease } of [...available].sort((a, b) => a.changedMs - b.changedMs)) {
      decide(lease, load.place(lease))
    }
    // Its owner had the time to hand it over.
    for (const lease of handoffs.overdue) {
      decide(lease, load.hasRoom(lease.leaseOwner!) ? lease.leaseOwner : load.place(lease))
    }
    const spillover = active.length === 0 ? 0 : available.length - decisions.length
    if (this.#isBalanceDue(active, clock.now())) {
      const still = new Set(decisions.map(({ lease }) => lease).concat(handoffs.pending))
      const moves = load.balance(each => !still.has(each))
      for (const { lease, to } of moves) decide(lease, to, true)
      this.#balanceDueMs =
        clock.now() + (moves.length > 0 ? settleFailovers : balanceFailovers) * failoverTimeMs
    }
    this.#spillover = Math.max(0, spillover)
    return decisions
  }

  /** Writes what was decided. Returns, by key, the leases as they stand; one that has changed since is left for the next run. */
  async #carryOut(decisions: readonly Decision[]): Promise<ReadonlyMap<string, Lease>> {
    const { table, onEvent } = this.#options
    const written = new Map<string, Lease>()
    for (let from = 0; from < decisions.length; from += writesAtOnce) {
      await Promise.all(
        decisions.slice(from, from + writesAtOnce).map(async ({ lease, to, isHandoff }) => {
          const { leaseKey } = lease
          const now = await (isHandoff ? table.startHandoff(lease, to) : table.assign(lease, to))
          if (now === undefined) return
          written.set(leaseKey, now)
          onEvent({ type: 'leaseAssigned', leaseKey, to })
        })
      )
    }
    return written
  }

  /** The scan may be older than the own row. */
  #withOwnRow(rows: readonly WorkerRow[]): readonly WorkerRow[] {
    const { workerId } = this.#options
    const updatedSeconds = this.#rowSeconds
    if (updatedSeconds === undefined || rows.some(row => row.workerId === workerId)) return rows
    return [...rows, { workerId, updatedSeconds, metrics: new Map(), limits: new Map() }]
  }

  /**
   * Active workers, without those that look dead: their leases have run out, and they have written no row since. A row alone
   * would keep a dead worker in the fleet for a minute, and what it is assigned would run out again.
   */
  #assignable(workers: readonly WatchedWorker[], available: readonly ObservedLease[]): readonly WorkerRow[] {
    const { failoverTimeMs, workerId } = this.#options
    const silentSince = new Map<string, number>()
    for (const { lease, changedMs } of available) {
      const owner = workingOwner(lease)
      if (owner !== undefined)
        silentSince.set(owner, Math.max(changedMs, silentSince.get(owner) ?? changedMs))
    }
    return workers
      .filter(({ row, isActive, changedMs }) => {
        const sinceMs = silentSince.get(row.workerId)
        const looksDead =
          row.workerId !== workerId && sinceMs !== undefined && changedMs <= sinceMs + failoverTimeMs
        return isActive && !looksDead
      })
      .map(({ row }) => row)
  }

  #isBalanceDue(active: readonly WorkerRow[], nowMs: number): boolean {
    const { failoverTimeMs } = this.#options
    const members = active
      .map(({ workerId }) => workerId)
      .sort()
      .join('\n')
    if (members !== this.#members) {
      this.#members = members
      this.#balanceDueMs = Math.min(this.#balanceDueMs, nowMs + settleFailovers * failoverTimeMs)
    }
    return nowMs >= this.#balanceDueMs
  }

  async #forget(workers: readonly WatchedWorker[]): Promise<void> {
    const { table, clock } = this.#options
    const oldestSeconds = (clock.wallTime() - forgetMs) / 1_000
    for (const { row, isActive } of workers) {
      if (!isActive && row.updatedSeconds < oldestSeconds) await table.forget(row)
    }
  }

  /** A worker that holds leases and has never written a row takes them for itself. */
  #tellOfKcl2(observed: readonly ObservedLease[], rows: readonly WorkerRow[]): void {
    const known = new Set(rows.map(({ workerId }) => workerId))
    for (const { lease, isAvailable } of observed) {
      const owner = workingOwner(lease)
      if (isAvailable || owner === undefined || owner === this.#options.workerId) continue
      if (known.has(owner) || this.#told.has(owner)) continue
      this.#told.add(owner)
      this.#options.onEvent({ type: 'kcl2WorkerSeen', workerId: owner })
    }
  }

  /** A service that fails is told of, and what comes next is done all the same. */
  async #attempt(task: () => Promise<void>): Promise<void> {
    try {
      await task()
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      this.#options.onEvent(callFailed(error))
    }
  }
}
