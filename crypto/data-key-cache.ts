import type { CancelTimer, Clock } from '../core/clock.ts'
import { SingleFlight } from '../core/concurrency.ts'
import type { DataKey } from './materials.ts'

interface OpenKey {
  readonly dataKey: DataKey
  readonly expiresAtMs: number
}

/**
 * Data keys of messages that were opened, by the exact bytes of context and encrypted data keys. Bounded by
 * age and count; the one not used for longest goes first. A key is wiped when it leaves.
 */
export class OpenKeyCache {
  readonly #maxAgeMs: number
  readonly #maxKeys: number
  readonly #clock: Clock
  // In order of use: the first is the one not used for longest.
  readonly #keys = new Map<string, OpenKey>()
  readonly #misses = new SingleFlight<string, DataKey>()
  #last: { readonly bytes: Buffer; readonly key: OpenKey } | undefined
  #cancelSweep: CancelTimer | undefined

  constructor(options: { readonly maxAgeMs: number; readonly maxKeys: number; readonly clock: Clock }) {
    this.#maxAgeMs = options.maxAgeMs
    this.#maxKeys = options.maxKeys
    this.#clock = options.clock
  }

  /** The data key when it is at hand. */
  get(materialBytes: Buffer): DataKey | undefined {
    const now = this.#clock.now()
    // Nearly every message is under the same key as the one before.
    if (this.#last?.bytes.equals(materialBytes)) {
      return this.#last.key.expiresAtMs > now ? this.#last.key.dataKey : undefined
    }
    const id = materialBytes.toString('latin1')
    const found = this.#keys.get(id)
    if (found === undefined || found.expiresAtMs <= now) return undefined
    this.#keys.delete(id)
    this.#keys.set(id, found)
    this.#last = { bytes: Buffer.from(materialBytes), key: found }
    return found.dataKey
  }

  /** Has the key made by `unwrap`, once for all who ask at the same time. A failure is not kept. */
  load(materialBytes: Buffer, unwrap: () => Promise<DataKey>): Promise<DataKey> {
    const id = materialBytes.toString('latin1')
    return this.#misses.run(id, async () => {
      const dataKey = await unwrap()
      this.#evict(id)
      this.#keys.set(id, { dataKey, expiresAtMs: this.#clock.now() + this.#maxAgeMs })
      while (this.#keys.size > this.#maxKeys) this.#evict(this.#keys.keys().next().value!)
      this.#cancelSweep ??= this.#clock.schedule(() => this.#sweep(), this.#maxAgeMs, { unref: true })
      return dataKey
    })
  }

  close(): void {
    this.#cancelSweep?.()
    this.#cancelSweep = undefined
    for (const id of [...this.#keys.keys()]) this.#evict(id)
  }

  #evict(id: string): void {
    const found = this.#keys.get(id)
    if (found === undefined) return
    this.#keys.delete(id)
    if (this.#last?.key === found) this.#last = undefined
    found.dataKey.wipe()
  }

  #sweep(): void {
    this.#cancelSweep = undefined
    const now = this.#clock.now()
    for (const [id, { expiresAtMs }] of [...this.#keys]) if (expiresAtMs <= now) this.#evict(id)
    if (this.#keys.size > 0) {
      this.#cancelSweep = this.#clock.schedule(() => this.#sweep(), this.#maxAgeMs / 2, { unref: true })
    }
  }
}
