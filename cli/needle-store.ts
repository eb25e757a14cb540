import { PlaintextScan, packNeedles } from '../pipeline/index.ts'

/**
 * What the scan for plaintext looks for: the input's lines and the canaries. Copies, in one piece of memory, so
 * that the lines themselves can go. When it is full every other one is dropped, and from then on only every
 * second, fourth, … line is taken: what is kept stays spread evenly over the whole input.
 */
export class NeedleStore {
  readonly #maxCount: number
  // Pages that nothing was written to yet take no memory.
  readonly #arena: Buffer
  #ends: number[] = []
  #stride = 1
  #seen = 0

  constructor(limits: { readonly maxCount?: number; readonly maxBytes?: number } = {}) {
    this.#maxCount = limits.maxCount ?? 400_000
    this.#arena = Buffer.allocUnsafeSlow(limits.maxBytes ?? 64 * 1024 * 1024)
  }

  /** Needles that are kept. */
  get size(): number {
    return this.#ends.length
  }

  add(needle: Uint8Array): void {
    if (this.#seen++ % this.#stride !== 0) return
    while (this.#ends.length >= this.#maxCount || this.#used + needle.length > this.#arena.length) {
      if (this.#ends.length < 2) return
      this.#thin()
    }
    this.#arena.set(needle, this.#used)
    this.#ends.push(this.#used + needle.length)
  }

  /** Tells how many of the kept needles, and of `more`, which no limit drops, stand in a blob. */
  scan(more: readonly Uint8Array[]): (blob: Uint8Array) => number {
    const others = new PlaintextScan(packNeedles(more))
    const kept = new PlaintextScan({
      bytes: this.#arena.subarray(0, this.#used),
      ends: Uint32Array.from(this.#ends)
    })
    return blob => others.scan(blob) + kept.scan(blob)
  }

  get #used(): number {
    return this.#ends.at(-1) ?? 0
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]!
  }

  #thin(): void {
    const kept: number[] = []
    let used = 0
    for (let index = 0; index < this.#ends.length; index += 2) {
      const start = this.#startOf(index)
      const end = this.#ends[index]!
      this.#arena.copyWithin(used, start, end)
      used += end - start
      kept.push(used)
    }
    this.#ends = kept
    this.#stride *= 2
  }
}
