import type { Clock } from '../core/clock.ts'
import { KeyUnavailableError } from '../core/errors.ts'
import type { RecordSealer } from '../core/record-transform.ts'
import type { KeyOutages } from './key-outages.ts'
import type { PendingRecord } from './pending-record.ts'

export interface RecordSealingOptions {
  readonly sealer: RecordSealer
  readonly clock: Clock
  readonly outages: KeyOutages
  readonly signal: AbortSignal
  /** The record's payload is sealed. */
  readonly onSealed: (record: PendingRecord) => void
  /** It cannot be sealed at all. */
  readonly onFailed: (record: PendingRecord, error: unknown) => void
}

/**
 * Seals user records one by one, once each, in the order of their puts: while one waits for its tenant's key, the
 * later ones of that tenant wait behind it. A key that cannot be had is asked for again until the records expire.
 */
export class RecordSealing {
  readonly #options: RecordSealingOptions
  readonly #waiting = new Map<string | undefined, PendingRecord[]>()

  constructor(options: RecordSealingOptions) {
    this.#options = options
  }

  seal(record: PendingRecord): void {
    const waiting = this.#waiting.get(record.tenant)
    if (waiting !== undefined) {
      waiting.push(record)
      return
    }
    const sealed = this.#trySeal(record)
    if (sealed === undefined) return
    const queue = [record]
    this.#waiting.set(record.tenant, queue)
    void this.#drain(record.tenant, queue, sealed)
  }

  /** Seals now, or returns the promise of it. */
  #trySeal(record: PendingRecord): Promise<Uint8Array> | undefined {
    const { sealer, onFailed } = this.#options
    try {
      const sealed = sealer.seal(record.record.data, record.tenant)
      if (sealed instanceof Promise) return sealed
      this.#finish(record, sealed)
    } catch (error) {
      onFailed(record, error)
    }
    return undefined
  }

  /** `sealing` seals the first of the queue. */
  async #drain(
    tenant: string | undefined,
    queue: PendingRecord[],
    first: Promise<Uint8Array>
  ): Promise<void> {
    for (
      let sealing: Promise<Uint8Array> | undefined = first;
      sealing !== undefined;
      sealing = this.#next(queue)
    ) {
      const head = queue[0]!
      try {
        this.#finish(head, await sealing)
        queue.shift()
      } catch (error) {
        if (error instanceof KeyUnavailableError) {
          if (!(await this.#waitForKey(tenant, queue, error))) return
        } else {
          this.#options.onFailed(head, error)
          queue.shift()
        }
      }
    }
    this.#waiting.delete(tenant)
  }

  /** Seals what needs no waiting; returns what is waited for, or undefined when nothing is left. */
  #next(queue: PendingRecord[]): Promise<Uint8Array> | undefined {
    for (let head = queue[0]; head !== undefined; head = queue[0]) {
      const sealing = head.state === 'settled' ? undefined : this.#trySeal(head)
      if (sealing !== undefined) return sealing
      queue.shift()
    }
    return undefined
  }

  #finish(record: PendingRecord, sealed: Uint8Array): void {
    this.#options.outages.onAvailable(record.tenant)
    // It may have expired while it waited.
    if (record.state === 'settled') return
    record.payload = sealed
    this.#options.onSealed(record)
  }

  /** False when the producer ends meanwhile. */
  async #waitForKey(
    tenant: string | undefined,
    queue: readonly PendingRecord[],
    error: KeyUnavailableError
  ): Promise<boolean> {
    const { clock, outages, signal } = this.#options
    const now = clock.now()
    for (const record of queue) record.noteFailure(error.code, error, now)
    return clock.sleep(outages.onUnavailable(tenant, error), signal).then(
      () => true,
      () => false
    )
  }
}
