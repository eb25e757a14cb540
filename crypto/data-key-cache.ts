import type { KeyObject } from 'node:crypto'
import type { CancelTimer, Clock } from '../core/clock.ts'
import { SingleFlight } from '../core/concurrency.ts'
import { ClosedError } from '../core/errors.ts'
import { NoUsableDataKeyError } from './errors.ts'
import type { DataKey } from './materials.ts'
import type { ParsedHeader } from './message-format/header.ts'

/** What messages of one writer are opened with. */
export interface OpenKey {
  readonly dataKey: DataKey
  /** Of signed messages. */
  readonly publicKey: KeyObject | undefined
}

/** A key, or the answer that there is none, for a while. */
interface Entry {
  readonly key: OpenKey | undefined
  readonly failure: NoUsableDataKeyError | undefined
  readonly expiresAtMs: number
}

/** How long nobody asks again for a data key that could not be unwrapped, in milliseconds. */
const negativeAgeMs = 5_000

/**
 * Data keys of messages that were opened, by suite and the exact bytes of context and encrypted data keys.
 * Bounded by age and count; the one not used for longest goes first. A key is wiped when it leaves.
 */
export class OpenKeyCache {
  readonly #maxAgeMs: number
  readonly #maxKeys: number
  readonly #clock: Clock
  // In order of use: the first is the one not used for longest.
  readonly #entries = new Map<string, Entry>()
  readonly #misses = new SingleFlight<string, OpenKey>()
  #last: { readonly suiteId: number; readonly bytes: Buffer; readonly entry: Entry } | undefined
  #cancelSweep: CancelTimer | undefined
  #isClosed = false

  constructor(options: { readonly maxAgeMs: number; readonly maxKeys: number; readonly clock: Clock }) {
    this.#maxAgeMs = options.maxAgeMs
    this.#maxKeys = options.maxKeys
    this.#clock = options.clock
  }

  /** Data keys that are held. */
  get size(): number {
    let held = 0
    for (const { key } of this.#entries.values()) if (key !== undefined) held += 1
    return held
  }

  /**
   * The key when it is at hand.
   * @throws NoUsableDataKeyError when it was found a moment ago that there is none
   */
  get(header: ParsedHeader): OpenKey | undefined {
    const now = this.#clock.now()
    // Nearly every message is under the same key as the one before.
    if (this.#last?.suiteId === header.suite.id && this.#last.bytes.equals(header.materialBytes)) {
      return this.#last.entry.expiresAtMs > now ? this.#last.entry.key : undefined
    }
    const id = idOf(header)
    const found = this.#entries.get(id)
    if (found === undefined || found.expiresAtMs <= now) return undefined
    if (found.failure !== undefined) throw found.failure
    this.#entries.delete(id)
    this.#entries.set(id, found)
    this.#last = { suiteId: header.suite.id, bytes: Buffer.from(header.materialBytes), entry: found }
    return found.key
  }

  /** Has the key made by `unwrap`, once for all who ask at the same time. */
  load(header: ParsedHeader, unwrap: () => Promise<OpenKey>): Promise<OpenKey> {
    const id = idOf(header)
    return this.#misses.run(id, async () => {
      try {
        const key = await unwrap()
        // Whoever closed it meanwhile counts on no key being held.
        if (this.#isClosed) {
          key.dataKey.wipe()
          throw new ClosedError('opener')
        }
        this.#keep(id, { key, failure: undefined, expiresAtMs: this.#clock.now() + this.#maxAgeMs })
        return key
      } catch (error) {
        // A key that cannot be had at the moment is asked for again at once; the caller decides how soon.
        if (error instanceof NoUsableDataKeyError) {
          const expiresAtMs = this.#clock.now() + Math.min(negativeAgeMs, this.#maxAgeMs)
          this.#keep(id, { key: undefined, failure: error, expiresAtMs })
        }
        throw error
      }
    })
  }

  close(): void {
    this.#isClosed = true
    this.#cancelSweep?.()
    this.#cancelSweep = undefined
    for (const id of [...this.#entries.keys()]) this.#evict(id)
  }

  #keep(id: string, entry: Entry): void {
    this.#evict(id)
    this.#entries.set(id, entry)
    while (this.#entries.size > this.#maxKeys) this.#evict(this.#entries.keys().next().value!)
    this.#cancelSweep ??= this.#clock.schedule(() => this.#sweep(), this.#maxAgeMs, { unref: true })
  }

  #evict(id: string): void {
    const found = this.#entries.get(id)
    if (found === undefined) return
    this.#entries.delete(id)
    if (this.#last?.entry === found) this.#last = undefined
    found.key?.dataKey.wipe()
  }

  #sweep(): void {
    this.#cancelSweep = undefined
    const now = this.#clock.now()
    for (const [id, { expiresAtMs }] of [...this.#entries]) if (expiresAtMs <= now) this.#evict(id)
    if (this.#entries.size > 0) {
      this.#cancelSweep = this.#clock.schedule(() => this.#sweep(), this.#maxAgeMs / 2, { unref: true })
    }
  }
}

function idOf({ suite, materialBytes }: ParsedHeader): string {
  return String.fromCharCode(suite.id) + materialBytes.toString('latin1')
}
