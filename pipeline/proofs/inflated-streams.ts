import { constants, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'

/** A stream that unpacks to more is cut off: it would be a bomb. */
const maxInflatedBytes = 16 * 1024 * 1024
/** Raw deflate has no leading bytes to know it by, so each place is tried; in longer pieces the first places alone. */
const maxRawStarts = 1_024
/** Less is of no interest to a scan, see `PlaintextScan`. */
const shortestText = 12

const options = {
  finishFlush: constants.Z_SYNC_FLUSH,
  maxOutputLength: maxInflatedBytes,
  // Nearly every attempt ends at once, and would have taken more for nothing.
  chunkSize: 4_096
}

/** What unpacks anywhere in the bytes as gzip, zlib or raw deflate, streams that are cut off included. */
export function* inflatedStreams(bytes: Uint8Array): Generator<Buffer> {
  for (let start = 0; start + 2 < bytes.length; start += 1) {
    const rest = bytes.subarray(start)
    const isGzip = bytes[start] === 0x1f && bytes[start + 1] === 0x8b && bytes[start + 2] === 8
    const isZlib = (bytes[start]! & 0x0f) === 8 && ((bytes[start]! << 8) | bytes[start + 1]!) % 31 === 0
    if (isGzip) yield* unpacked(() => gunzipSync(rest, options))
    if (isZlib) yield* unpacked(() => inflateSync(rest, options))
    if (start < maxRawStarts && isPackedBlock(bytes[start]!))
      yield* unpacked(() => inflateRawSync(rest, options))
  }
}

/** Whether a block may begin here: of its four types one is reserved, and one holds the text as it is. */
function isPackedBlock(header: number): boolean {
  const type = (header >> 1) & 0b11
  return type === 1 || type === 2
}

function* unpacked(unpack: () => Buffer): Generator<Buffer> {
  try {
    const bytes = unpack()
    if (bytes.length >= shortestText) yield bytes
  } catch {
    // Not a stream.
  }
}
