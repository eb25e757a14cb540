import { type Lease, workingOwner } from '../lease.ts'
import { shuffled } from '../lease-assignment.ts'
import type { WorkerRow } from './fleet-rows.ts'

/** Weight of the newest value in an average; the KCL's. */
const alpha = 0.5
/** By how much of the average a worker may differ from it before leases move; the KCL's. */
const tolerance = 0.1
/** How much of what a worker has too much is moved at once, so that no load swings back; the KCL's. */
const dampening = 0.6
/** Stands for what a worker reads, in percent of the average, where it has no metrics of its own. */
const throughput = 'T'
/** Even a lease of which nothing is read costs its renewals: this part of an average one. */
const leastWeight = 0.01
/** Sums of shares come to a whole only nearly. */
const rounding = 1e-9

interface WorkerLoad {
  readonly workerId: string
  readonly leases: Map<string, Lease>
  /** By metric, in percent. */
  readonly values: Map<string, number>
  readonly limits: ReadonlyMap<string, number>
}

export interface FleetLoadOptions {
  /** Every lease that is not finished. */
  readonly leases: readonly Lease[]
  /** Keys of those that nobody works. */
  readonly available: ReadonlySet<string>
  /** Those that leases may be assigned to. */
  readonly workers: readonly WorkerRow[]
  /** Most leases of one worker. */
  readonly maxLeases: number
  readonly random: () => number
}

/**
 * How the leases weigh on the workers, and where they should go, by the rules of KCL 3: a lease weighs what is read of it,
 * and each worker's metrics are held against the average of those that have the same. What is assigned here counts from
 * then on. Pure but for the random source.
 */
export class FleetLoad {
  readonly #workers = new Map<string, WorkerLoad>()
  readonly #averages = new Map<string, number>()
  readonly #maxLeases: number
  readonly #random: () => number
  readonly #averageThroughput: number
  /** Of all leases, for each worker. */
  readonly #averageWeight: number

  constructor({ leases, available, workers, maxLeases, random }: FleetLoadOptions) {
    this.#maxLeases = maxLeases
    this.#random = random
    this.#averageThroughput = mean(leases.flatMap(({ throughputKBps }) => throughputKBps ?? []))
    this.#averageWeight = sum(leases.map(lease => this.#weightOf(lease))) / Math.max(1, workers.length)
    for (const { workerId, metrics, limits } of workers) {
      const values = new Map([...metrics].map(([name, list]) => [name, smoothed(list)]))
      this.#workers.set(workerId, { workerId, leases: new Map(), values, limits })
    }
    for (const lease of leases) {
      // One that is handed over weighs where it goes.
      const owner = lease.leaseOwner ?? workingOwner(lease)
      if (!available.has(lease.leaseKey)) this.#workers.get(owner!)?.leases.set(lease.leaseKey, lease)
    }
    for (const worker of this.#workers.values()) {
      if (worker.values.size === 0) worker.values.set(throughput, this.#share(worker))
    }
    for (const name of new Set([...this.#workers.values()].flatMap(({ values }) => [...values.keys()]))) {
      const values = [...this.#workers.values()].flatMap(worker => worker.values.get(name) ?? [])
      this.#averages.set(name, name === throughput ? 100 : mean(values))
    }
  }

  /** Whether the worker can be given one more lease. */
  hasRoom(workerId: string): boolean {
    const worker = this.#workers.get(workerId)
    return worker !== undefined && worker.leases.size < this.#maxLeases
  }

  /** Counts the lease as the worker's. */
  assign(lease: Lease, workerId: string): void {
    for (const { leases } of this.#workers.values()) leases.delete(lease.leaseKey)
    const worker = this.#workers.get(workerId)!
    worker.leases.set(lease.leaseKey, lease)
    for (const [name, value] of this.#valuesWith(worker, lease)) worker.values.set(name, value)
  }

  /** Assigns the lease to whoever is furthest below the averages; undefined when nobody has room. */
  place(lease: Lease): string | undefined {
    const worker = this.#mostRoom()
    if (worker !== undefined) this.assign(lease, worker.workerId)
    return worker?.workerId
  }

  /**
   * Moves leases from workers that bear too much, by the metric that has the most to move. Returns what was moved.
   * `isMovable`: not what moves already.
   */
  balance(isMovable: (lease: Lease) => boolean): readonly { readonly lease: Lease; readonly to: string }[] {
    const moves: { readonly lease: Lease; readonly to: string }[] = []
    for (const { worker, excess } of this.#overloaded()) {
      for (const lease of this.#picked(worker, excess, isMovable)) {
        const to = this.#mostRoom()
        if (to === undefined || to === worker || this.#wouldBeTooMuch(worker, to, lease)) break
        this.assign(lease, to.workerId)
        moves.push({ lease, to: to.workerId })
      }
    }
    return moves
  }

  /** Who has too much, and how much of it should go, by weight; the worst first. */
  #overloaded(): readonly { readonly worker: WorkerLoad; readonly excess: number }[] {
    let worst: { readonly worker: WorkerLoad; readonly excess: number }[] = []
    for (const [name, average] of this.#averages) {
      const bearing = [...this.#workers.values()]
        .filter(({ values }) => values.has(name))
        .map(worker => ({ worker, value: worker.values.get(name)! }))
        .sort((a, b) => b.value - a.value)
      const isAbove = ({ worker, value }: (typeof bearing)[number]): boolean =>
        value >= average * (1 + tolerance) || value > (worker.limits.get(name) ?? Number.POSITIVE_INFINITY)
      const isUneven = bearing.some(each => isAbove(each) || each.value < average * (1 - tolerance))
      if (!isUneven) continue
      const above = bearing.filter(isAbove)
      const excesses = (above.length > 0 ? above : bearing.slice(0, 1)).map(({ worker, value }) => ({
        worker,
        excess: value === 0 ? 0 : ((value - average) / value) * dampening * this.#weight(worker)
      }))
      if (sum(excesses.map(({ excess }) => excess)) > sum(worst.map(({ excess }) => excess))) worst = excesses
    }
    return worst.sort((a, b) => b.excess - a.excess)
  }

  /** Leases that weigh no more than that together; the lightest one where each weighs more. */
  #picked(worker: WorkerLoad, excess: number, isMovable: (lease: Lease) => boolean): readonly Lease[] {
    const movable = shuffled([...worker.leases.values()].filter(isMovable), this.#random)
    const picked: Lease[] = []
    let left = excess
    for (const lease of movable) {
      const weight = this.#weightOf(lease)
      if (left - weight <= 0) continue
      left -= weight
      picked.push(lease)
    }
    if (picked.length > 0 || movable.length === 0) return picked
    return [movable.reduce((least, lease) => (this.#weightOf(lease) < this.#weightOf(least) ? lease : least))]
  }

  #mostRoom(): WorkerLoad | undefined {
    let most: WorkerLoad | undefined
    for (const worker of this.#workers.values()) {
      if (worker.leases.size >= this.#maxLeases) continue
      const more = most === undefined ? 1 : this.#headroom(worker) - this.#headroom(most)
      if (more > 0 || (more === 0 && worker.leases.size < most!.leases.size)) most = worker
    }
    return most
  }

  /** How far the metric that is closest to its average is below it, as a part of the average. */
  #headroom({ values }: WorkerLoad): number {
    return Math.min(
      ...[...values].map(([name, value]) => {
        const average = this.#averages.get(name)!
        return average === 0 ? 0 : (average - value) / average
      })
    )
  }

  /**
   * The KCL stops at the average, so that leases which are measured a little apart stay where they are, three to one. Here
   * a worker may come above it by the tolerance, where it still bears clearly less than the other one did.
   */
  #wouldBeTooMuch(from: WorkerLoad, to: WorkerLoad, lease: Lease): boolean {
    const isBetter = this.#weight(to) + this.#weightOf(lease) <= this.#weight(from) * (1 - tolerance / 2)
    const most = isBetter ? 1 + tolerance : 1 + rounding
    return this.#valuesWith(to, lease).some(
      ([name, value]) =>
        value > this.#averages.get(name)! * most || value > (to.limits.get(name) ?? Number.POSITIVE_INFINITY)
    )
  }

  /** An average worker bears the average weight: so much more of each metric comes with a lease. */
  #valuesWith(worker: WorkerLoad, lease: Lease): readonly (readonly [string, number])[] {
    const share = this.#averageWeight === 0 ? 0 : this.#weightOf(lease) / this.#averageWeight
    return [...worker.values].map(
      ([name, value]) => [name, value + share * this.#averages.get(name)!] as const
    )
  }

  #share(worker: WorkerLoad): number {
    return this.#averageWeight === 0 ? 0 : (this.#weight(worker) / this.#averageWeight) * 100
  }

  #weight({ leases }: WorkerLoad): number {
    return sum([...leases.values()].map(lease => this.#weightOf(lease)))
  }

  /** A lease of which nobody knows weighs as the average; where nothing is read at all, each weighs the same. */
  #weightOf({ throughputKBps = this.#averageThroughput }: Lease): number {
    if (this.#averageThroughput === 0) return 1
    return Math.max(throughputKBps, this.#averageThroughput * leastWeight)
  }
}

/** A moving average; values that could not be read are left out. */
function smoothed(values: readonly number[]): number {
  const read = values.filter(value => value !== -1)
  return read.reduce((average, value) => alpha * value + (1 - alpha) * average, read[0] ?? 0)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : sum(values) / values.length
}
