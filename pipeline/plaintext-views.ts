/** Fewer bytes are not looked for, see `PlaintextScan`. */
const shortestText = 12
/** A code unit of UTF-16 is at most three bytes in UTF-8. */
const shortestUtf16Units = shortestText / 3

const hexAlphabet = alphabetOf('0123456789abcdefABCDEF')
// Both alphabets of base64, as Node's decoder reads them; that of hex lies in it.
const base64Alphabet = alphabetOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_')

/**
 * The high bytes of the UTF-16 code units of a text in UTF-8, collected into a table of 256 flags. Nearly all that
 * looks like UTF-16 in strange bytes has others, and needs no decoding.
 */
export function addHighBytes(table: Uint8Array, text: Uint8Array): void {
  // ASCII, and what base64 and hex are written in.
  table[0] = 1
  if (text.every(byte => byte < 0x80)) return
  const decoded = Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('utf8')
  for (let at = 0; at < decoded.length; at += 1) table[decoded.charCodeAt(at) >>> 8] = 1
}

/**
 * Every way in which the bytes may hold a text: as they are, read as UTF-16 of either byte order, and what their
 * stretches of hex, base64 and base64url decode to, at every alignment; and all that once more inside of what was
 * found, for base64 in UTF-16 and its like. UTF-16 comes as UTF-8.
 */
export function* plaintextViews(bytes: Uint8Array, highBytes: Uint8Array, depth = 2): Generator<Uint8Array> {
  yield bytes
  if (depth === 0) return
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (const decoded of decodedRuns(buffer)) yield* plaintextViews(decoded, highBytes, depth - 1)
  for (const text of utf16Texts(buffer, highBytes)) yield* plaintextViews(text, highBytes, depth - 1)
}

/** The stretch may begin with characters that only look like the encoding's, so each place of a group is tried. */
function* decodedRuns(bytes: Buffer): Generator<Buffer> {
  for (const run of runsOf(bytes, base64Alphabet, (shortestText / 3) * 4)) {
    for (let skipped = 0; skipped < 4; skipped += 1) {
      yield Buffer.from(run.toString('latin1', skipped), 'base64')
    }
    for (const hexRun of runsOf(run, hexAlphabet, shortestText * 2)) {
      for (let skipped = 0; skipped < 2; skipped += 1) {
        yield Buffer.from(hexRun.toString('latin1', skipped), 'hex')
      }
    }
  }
}

function* runsOf(bytes: Buffer, alphabet: Uint8Array, shortest: number): Generator<Buffer> {
  let start = 0
  for (let at = 0; at <= bytes.length; at += 1) {
    if (at < bytes.length && alphabet[bytes[at]!] === 1) continue
    if (at - start >= shortest) yield bytes.subarray(start, at)
    start = at + 1
  }
}

function* utf16Texts(bytes: Buffer, highBytes: Uint8Array): Generator<Buffer> {
  for (const parity of [0, 1]) {
    for (const highOffset of [0, 1]) {
      let start = parity
      for (let at = parity; at <= bytes.length; at += 2) {
        if (at + 1 < bytes.length && highBytes[bytes[at + highOffset]!] === 1) continue
        if (at - start >= shortestUtf16Units * 2) {
          const units = bytes.subarray(start, at)
          const littleEndian = highOffset === 1 ? units : Buffer.from(units).swap16()
          yield Buffer.from(littleEndian.toString('utf16le'), 'utf8')
        }
        start = at + 2
      }
    }
  }
}

function alphabetOf(characters: string): Uint8Array {
  const alphabet = new Uint8Array(256)
  for (const character of characters) alphabet[character.charCodeAt(0)] = 1
  return alphabet
}
