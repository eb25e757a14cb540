import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { PlaintextScan, packNeedles } from '../plaintext-scan.ts'
import { plaintextViews } from '../plaintext-views.ts'
import { inflatedStreams } from './inflated-streams.ts'

/** What was looked at in one place. */
export interface ScannedPlace {
  readonly pieces: number
  readonly bytes: number
  /** Pieces that hold the canary. */
  readonly hits: number
}

const noHighBytes = new Uint8Array(256)

/**
 * Looks for one canary: as it is, in base64 and base64url at every alignment, in hex, in UTF-16 of either byte order, and
 * in all of these inside of what a gzip, zlib or deflate stream unpacks to.
 */
export class CanaryScan {
  readonly #scan: PlaintextScan
  readonly #places = new Map<string, ScannedPlace>()

  /** A random text of at least 12 bytes: anything shorter turns up by chance. */
  constructor(canary: Uint8Array) {
    this.#scan = new PlaintextScan(packNeedles([canary]))
  }

  /** By place, in the order of their first pieces. */
  get places(): Readonly<Record<string, ScannedPlace>> {
    return Object.fromEntries(this.#places)
  }

  get hits(): number {
    return [...this.#places.values()].reduce((sum, { hits }) => sum + hits, 0)
  }

  /** Names a place that was looked into, also when it holds nothing. */
  enter(place: string): void {
    if (!this.#places.has(place)) this.#places.set(place, { pieces: 0, bytes: 0, hits: 0 })
  }

  add(place: string, piece: Uint8Array): void {
    const { pieces, bytes, hits } = this.#places.get(place) ?? { pieces: 0, bytes: 0, hits: 0 }
    this.#places.set(place, {
      pieces: pieces + 1,
      bytes: bytes + piece.length,
      hits: hits + (this.finds(piece) ? 1 : 0)
    })
  }

  finds(piece: Uint8Array): boolean {
    if (this.#scan.scan(piece) > 0) return true
    // What was packed and then encoded, such as an object in a message, is unpacked as well.
    for (const view of plaintextViews(piece, noHighBytes, 1)) {
      for (const inflated of inflatedStreams(view)) if (this.#scan.scan(inflated) > 0) return true
    }
    return false
  }
}

/** The forms that a scan has to find, each between strange bytes; by name. */
export function canaryForms(canary: Buffer): Readonly<Record<string, Buffer>> {
  const text = canary.toString('latin1')
  const aligned = (skipped: number): Buffer => Buffer.concat([Buffer.alloc(skipped, 0xa5), canary])
  const utf16 = Buffer.from(text, 'utf16le')
  const forms: Readonly<Record<string, Buffer>> = {
    raw: canary,
    'base64, alignment 0': Buffer.from(aligned(0).toString('base64')),
    'base64, alignment 1': Buffer.from(aligned(1).toString('base64')),
    'base64, alignment 2': Buffer.from(aligned(2).toString('base64')),
    base64url: Buffer.from(aligned(1).toString('base64url')),
    'hex, lower case': Buffer.from(canary.toString('hex')),
    'hex, upper case': Buffer.from(canary.toString('hex').toUpperCase()),
    'UTF-16, little-endian': utf16,
    'UTF-16, big-endian': Buffer.from(utf16).swap16(),
    gzip: gzipSync(canary),
    zlib: deflateSync(canary),
    deflate: deflateRawSync(canary)
  }
  const around = Buffer.from([0xff, 0x00, 0xff, 0x00, 0xff])
  return Object.fromEntries(
    Object.entries(forms).map(([name, form]) => [name, Buffer.concat([around, form, around])])
  )
}
