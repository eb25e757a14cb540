import type { CancelTimer, Clock } from '../../core/clock.ts'
import type { ExtendedSequenceNumber } from '../checkpoint/extended-sequence-number.ts'
import { DuplicateWorkerError, LeaseHandoffError, LeaseLostError } from '../errors.ts'
import { type Lease, workingOwner } from './lease.ts'
import type { CheckpointUpdate, LeaseTable } from './lease-table.ts'
import { ThroughputMeter } from './throughput-meter.ts'

export interface HandoffOptions {
  /** Time after which the lease goes, whatever its processing does, in milliseconds. */
  readonly timeMs: number
  readonly onRequested: (leaseKey: string, to: string) => void
  /** It went, and its processing had not ended. */
  readonly onLate: (leaseKey: string, to: string) => void
}

/**
 * One tenure of one lease. Its writes follow one another, because renewal and checkpoint both move the counter.
 * It expires on our own clock, before any other worker may take it: from then on nothing is written and `signal`
 * is aborted.
 */
export class HeldLease {
  readonly #table: LeaseTable
  readonly #clock: Clock
  readonly #failoverTimeMs: number
  readonly #onLost: (held: HeldLease) => void
  readonly #onDuplicate: (error: DuplicateWorkerError) => void
  readonly #handoffs: HandoffOptions | undefined
  readonly #meter: ThroughputMeter | undefined
  readonly #lost = new AbortController()
  readonly #handoff = new AbortController()
  #lease: Lease
  #isReleased = false
  #renewedMs: number
  #cancelExpiry: CancelTimer | undefined
  #cancelHandoff: CancelTimer | undefined
  /** The last write; the next one waits for it. */
  #writing: Promise<unknown> = Promise.resolve()

  constructor(options: {
    readonly lease: Lease
    readonly table: LeaseTable
    readonly clock: Clock
    readonly failoverTimeMs: number
    /** When the write that took it was sent. */
    readonly takenMs: number
    readonly onLost: (held: HeldLease) => void
    /** Another worker writes under our id; the lease is lost. */
    readonly onDuplicate?: (error: DuplicateWorkerError) => void
    /** For a fleet whose leader may ask for the lease on behalf of another worker. */
    readonly handoffs?: HandoffOptions | undefined
  }) {
    this.#lease = options.lease
    this.#table = options.table
    this.#clock = options.clock
    this.#failoverTimeMs = options.failoverTimeMs
    this.#onLost = options.onLost
    this.#onDuplicate = options.onDuplicate ?? (() => {})
    this.#handoffs = options.handoffs
    this.#meter =
      options.handoffs === undefined
        ? undefined
        : new ThroughputMeter(options.lease.throughputKBps, options.clock.now())
    this.#renewedMs = options.takenMs
    this.#armExpiry()
    this.#noticeHandoff()
  }

  get leaseKey(): string {
    return this.#lease.leaseKey
  }

  get lease(): Lease {
    return this.#lease
  }

  /** Aborted with a `LeaseLostError` when the lease is lost. */
  get signal(): AbortSignal {
    return this.#lost.signal
  }

  /**
   * Aborted with a `LeaseHandoffError` when another worker is to have the lease: what is in hand is finished, checkpointed,
   * and the lease released.
   */
  get handoffSignal(): AbortSignal {
    return this.#handoff.signal
  }

  /** Bytes that were read of the shard. */
  noteRead(bytes: number): void {
    this.#meter?.add(bytes)
  }

  /**
   * To be called before anything is begun that only the owner may do, such as a call of the handler: timers may be
   * late, so that the lease is past its time and `signal` does not say so yet.
   * @throws LeaseLostError
   */
  ensureHeld(): void {
    if (this.#isExpired()) this.lose()
    if (this.#isReleased || this.#lost.signal.aborted) throw new LeaseLostError(this.leaseKey)
  }

  /** Keeps the lease. A failure whose outcome is not known leaves it as it is, until it expires. */
  async renew(): Promise<void> {
    await this.#write(lease => {
      const throughputKBps = this.#meter?.sample(this.#clock.now())
      return this.#table.renew(throughputKBps === undefined ? lease : { ...lease, throughputKBps })
    }).catch((error: unknown) => {
      if (!(error instanceof LeaseLostError)) throw error
    })
  }

  /** @throws LeaseLostError; ServiceError when the outcome is not known, then the caller may try again */
  async checkpoint(update: CheckpointUpdate): Promise<void> {
    await this.#write(lease => this.#table.checkpoint(lease, update))
  }

  /**
   * Stores a position, and state with it, for the next owner to find; the next checkpoint clears them.
   * @throws as `checkpoint`
   */
  async prepareCheckpoint(pending: ExtendedSequenceNumber, state?: Uint8Array): Promise<void> {
    await this.#write(lease => this.#table.prepareCheckpoint(lease, pending, state))
  }

  /**
   * Gives the lease up, to the worker that waits for it or for others to take at once; nothing can be written afterwards.
   * Resolves with the id of the worker that waits.
   */
  async release(): Promise<string | undefined> {
    await this.#write(async lease => {
      const released = await this.#table.release(lease)
      this.#end()
      return released
    })
    return this.#lease.leaseOwner
  }

  /** The table shows another owner. */
  noteOwner(row: Lease, workerId: string): void {
    if (row.leaseCounter < this.#lease.leaseCounter) return
    if (row.leaseCounter > this.#lease.leaseCounter && workingOwner(row) !== workerId) this.lose()
    else if (row.checkpointOwner === workerId && this.#lease.checkpointOwner === undefined) {
      this.#lease = { ...this.#lease, leaseOwner: row.leaseOwner, checkpointOwner: workerId }
      this.#noticeHandoff()
    }
  }

  lose(): void {
    if (this.#lost.signal.aborted || this.#isReleased) return
    this.#end()
    this.#abandon()
  }

  #write(write: (lease: Lease) => Promise<Lease | undefined>): Promise<void> {
    const done = this.#writing.then(async () => {
      this.ensureHeld()
      const sentMs = this.#clock.now()
      const written = await write(this.#lease).catch((error: unknown) => {
        if (!(error instanceof DuplicateWorkerError)) throw error
        this.#onDuplicate(error)
        return undefined
      })
      if (written === undefined) {
        this.lose()
        throw new LeaseLostError(this.leaseKey)
      }
      // It is ours from when the write was sent, not from when the answer came.
      this.#renewedMs = sentMs
      // The answer came when the time was over, and may be here before the timer: others may hold the lease by now.
      if (this.#isExpired()) this.lose()
      if (this.#lost.signal.aborted) throw new LeaseLostError(this.leaseKey)
      this.#lease = written
      if (this.#isReleased) return
      this.#armExpiry()
      this.#noticeHandoff()
    })
    this.#writing = done.catch(() => {})
    return done
  }

  #isExpired(): boolean {
    return this.#clock.now() - this.#renewedMs > this.#failoverTimeMs
  }

  #armExpiry(): void {
    this.#cancelExpiry?.()
    const ms = this.#renewedMs + this.#failoverTimeMs - this.#clock.now()
    this.#cancelExpiry = this.#clock.schedule(() => this.lose(), Math.max(0, ms), { unref: true })
  }

  #noticeHandoff(): void {
    const { checkpointOwner, leaseOwner } = this.#lease
    if (checkpointOwner === undefined || leaseOwner === undefined || this.#handoff.signal.aborted) return
    const handOver = (): void => this.#handOverLate(leaseOwner)
    this.#cancelHandoff = this.#clock.schedule(handOver, this.#handoffs?.timeMs ?? 0, { unref: true })
    this.#handoffs?.onRequested(this.leaseKey, leaseOwner)
    this.#handoff.abort(new LeaseHandoffError(this.leaseKey))
  }

  /** The worker that waits has waited long enough. Whatever still runs here has lost the lease. */
  #handOverLate(to: string): void {
    this.release().then(
      () => {
        this.#handoffs?.onLate(this.leaseKey, to)
        this.#abandon()
      },
      // The leader was first; or it runs out, or is assigned anew.
      () => {
        if (this.#lost.signal.aborted) return
        this.#end()
        this.#abandon()
      }
    )
  }

  #abandon(): void {
    this.#lost.abort(new LeaseLostError(this.leaseKey))
    this.#onLost(this)
  }

  #end(): void {
    this.#isReleased = true
    this.#cancelExpiry?.()
    this.#cancelHandoff?.()
  }
}
