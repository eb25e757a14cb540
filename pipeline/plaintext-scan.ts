import { addHighBytes, plaintextViews } from './plaintext-views.ts'

/** Many needles in one piece of memory: needle `i` ends at `ends[i]`, where the next one begins. */
export interface PackedNeedles {
  readonly bytes: Uint8Array
  readonly ends: Uint32Array
}

export function packNeedles(needles: readonly Uint8Array[]): PackedNeedles {
  let end = 0
  return {
    bytes: Buffer.concat(needles),
    ends: Uint32Array.from(needles, ({ length }) => {
      end += length
      return end
    })
  }
}

/** A needle is known by the hash of this many of its bytes, and then compared as a whole. */
const windowBytes = 12
/** Places of a needle that are tried for a window that few others share. */
const windowChoices = 8
const factor = 0x01000193
/** `factor` to the power of `windowBytes`: takes the byte that leaves the window out of the hash. */
const leavingFactor = Array.from({ length: windowBytes }).reduce<number>(power => Math.imul(power, factor), 1)

/**
 * Looks for a great many needles in what was stored. Found are needles as they are, and in hex, UTF-16, base64 and
 * base64url, see `plaintextViews`. All needles are looked for in one pass over the bytes.
 */
export class PlaintextScan {
  /** Needles that are too short to look for: fewer than 12 bytes turn up by chance. */
  readonly ignored: number
  readonly #needles: PackedNeedles
  /** Where in the packed bytes the window of each needle begins, and the window's hash. */
  readonly #windows: Uint32Array
  readonly #hashes: Int32Array
  /** First needle of each slot, and the next one of the same slot; -1 for none. */
  readonly #heads: Int32Array
  readonly #next: Int32Array
  /** One bit per finer slot: nearly all windows of strange bytes end here, in memory that stays near. */
  readonly #filter: Uint8Array
  readonly #filterShift: number
  readonly #highBytes = new Uint8Array(256)

  constructor(needles: PackedNeedles) {
    const { bytes, ends } = needles
    const slotBits = Math.ceil(Math.log2(ends.length + 1)) + 1
    this.#needles = needles
    this.#windows = new Uint32Array(ends.length)
    this.#hashes = new Int32Array(ends.length)
    this.#heads = new Int32Array(2 ** slotBits).fill(-1)
    this.#next = new Int32Array(ends.length).fill(-1)
    this.#filter = new Uint8Array(2 ** slotBits)
    this.#filterShift = 32 - slotBits - 3
    const taken = new Uint32Array(this.#heads.length)
    let ignored = 0
    for (let needle = 0, start = 0; needle < ends.length; start = ends[needle]!, needle += 1) {
      const last = ends[needle]! - windowBytes
      if (last < start) {
        ignored += 1
        continue
      }
      addHighBytes(this.#highBytes, bytes.subarray(start, last + windowBytes))
      let fewest = Number.POSITIVE_INFINITY
      let chosen = 0
      const step = Math.max(1, Math.floor((last - start) / (windowChoices - 1)))
      for (let at = start; at <= last && fewest > 0; at += step) {
        const hash = hashWindow(bytes, at)
        const fine = fineSlot(hash, this.#filterShift)
        if (taken[fine >>> 3]! >= fewest) continue
        fewest = taken[fine >>> 3]!
        chosen = fine
        this.#windows[needle] = at
        this.#hashes[needle] = hash
      }
      taken[chosen >>> 3]! += 1
      this.#filter[chosen >>> 3]! |= 1 << (chosen & 7)
      this.#next[needle] = this.#heads[chosen >>> 3]!
      this.#heads[chosen >>> 3] = needle
    }
    this.ignored = ignored
  }

  /** How many of the needles stand in the blob. */
  scan(blob: Uint8Array): number {
    const found = new Set<number>()
    for (const view of plaintextViews(blob, this.#highBytes)) this.#search(view, found)
    return found.size
  }

  #search(view: Uint8Array, found: Set<number>): void {
    if (view.length < windowBytes) return
    const filter = this.#filter
    const filterShift = this.#filterShift
    let hash = hashWindow(view, 0)
    for (let end = windowBytes; ; end += 1) {
      const fine = fineSlot(hash, filterShift)
      if ((filter[fine >>> 3]! & (1 << (fine & 7))) !== 0) {
        for (let needle = this.#heads[fine >>> 3]!; needle >= 0; needle = this.#next[needle]!) {
          if (this.#hashes[needle] === hash && this.#standsAt(view, end - windowBytes, needle)) {
            found.add(needle)
          }
        }
      }
      if (end === view.length) return
      hash = (Math.imul(hash, factor) + view[end]! - Math.imul(view[end - windowBytes]!, leavingFactor)) | 0
    }
  }

  /** Whether the needle stands in the view, its window at `windowStart`. */
  #standsAt(view: Uint8Array, windowStart: number, needle: number): boolean {
    const { bytes, ends } = this.#needles
    const start = needle === 0 ? 0 : ends[needle - 1]!
    const end = ends[needle]!
    const offset = windowStart - this.#windows[needle]!
    if (start + offset < 0 || end + offset > view.length) return false
    for (let at = start; at < end; at += 1) if (bytes[at] !== view[at + offset]) return false
    return true
  }
}

function fineSlot(hash: number, shift: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x9e3779b1) >>> shift
}

function hashWindow(bytes: Uint8Array, start: number): number {
  let hash = 0
  for (let at = start; at < start + windowBytes; at += 1) hash = (Math.imul(hash, factor) + bytes[at]!) | 0
  return hash
}
