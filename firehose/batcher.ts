import type { CancelTimer, Clock } from '../core/clock.ts'
import { Batch, type Entry, type Member } from './batch.ts'
import { billedBytes } from './billing.ts'

/** How many small records one Firehose record may hold. */
export interface Packing {
  readonly maxPackBytes: number
  readonly maxPackRecords: number
}

export interface BatcherOptions {
  readonly clock: Clock
  readonly maxBatchRecords: number
  readonly maxBatchBytes: number
  readonly maxBufferedMs: number
  /** Undefined sends each record as one entry. */
  readonly packing: Packing | undefined
  /** Whether a batch would leave at once. While none would, records gather. */
  readonly mayLeave: () => boolean
  readonly onBatch: (batch: Batch) => void
}

/**
 * Gathers framed records into entries, and entries into batches, in order. A batch leaves when it is full; when its
 * first record has waited long enough it leaves as soon as there is a slot for it.
 */
export class Batcher {
  readonly #options: BatcherOptions
  #entries: Entry[] = []
  /** Bytes of `#entries` and of the pack. */
  #bytes = 0
  #pack = emptyPack()
  #isDue = false
  #isPausing = false
  #cancelTimer: CancelTimer | undefined

  constructor(options: BatcherOptions) {
    this.#options = options
  }

  add(data: Uint8Array, member: Member): void {
    const { packing, maxBatchBytes, maxBatchRecords } = this.#options
    if (this.#bytes + data.length > maxBatchBytes) this.seal()
    if (packing !== undefined && !this.#fitsPack(data, packing)) this.#closePack()
    if (this.#entries.length === maxBatchRecords) this.seal()
    if (this.#isEmpty) this.#startAge()
    this.#bytes += data.length
    if (packing === undefined) {
      this.#entries.push({ data, members: [member], billedApart: billedBytes(data.length) })
      if (this.#entries.length === maxBatchRecords) this.seal()
    } else {
      this.#pack.pieces.push(data)
      this.#pack.members.push(member)
      this.#pack.bytes += data.length
      this.#pack.billedApart += billedBytes(data.length)
    }
  }

  /** Nothing more is added for now. Without an age this is what makes a batch due: what was added without a pause. */
  pause(): void {
    if (this.#options.maxBufferedMs > 0 || this.#isPausing) return
    this.#isPausing = true
    queueMicrotask(() => {
      this.#isPausing = false
      this.due()
    })
  }

  /** What is held leaves as soon as it may. */
  due(): void {
    if (this.#isEmpty) return
    this.#isDue = true
    this.leaveIfDue()
  }

  /** A slot may have become free. */
  leaveIfDue(): void {
    if (this.#isDue && this.#options.mayLeave()) this.seal()
  }

  /** Closes the batch, whether there is a slot or not. */
  seal(): void {
    this.#closePack()
    const entries = this.#entries
    const bytes = this.#bytes
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#isDue = false
    this.#entries = []
    this.#bytes = 0
    if (entries.length > 0) this.#options.onBatch(new Batch(entries, bytes))
  }

  #startAge(): void {
    const { clock, maxBufferedMs } = this.#options
    if (maxBufferedMs > 0) this.#cancelTimer = clock.schedule(() => this.due(), maxBufferedMs)
  }

  get #isEmpty(): boolean {
    return this.#entries.length === 0 && this.#pack.members.length === 0
  }

  #fitsPack({ length }: Uint8Array, { maxPackBytes, maxPackRecords }: Packing): boolean {
    return this.#pack.members.length < maxPackRecords && this.#pack.bytes + length <= maxPackBytes
  }

  #closePack(): void {
    const { pieces, members, bytes, billedApart } = this.#pack
    if (members.length === 0) return
    const data = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, bytes)
    this.#entries.push({ data, members, billedApart })
    this.#pack = emptyPack()
  }
}

function emptyPack() {
  return { pieces: [] as Uint8Array[], members: [] as Member[], bytes: 0, billedApart: 0 }
}
