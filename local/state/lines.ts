import { crc32 } from 'node:zlib'
import { StateError } from './errors.ts'

/**
 * How values lie in a state file:
 *
 *     line = crc32(8 hexadecimal digits) " " JSON LF
 *
 * JSON holds no line feed of its own, so that a line without one at its end was cut off while it was written.
 */
export function encodeLine(value: unknown): string {
  const json = JSON.stringify(value)
  return `${head(Buffer.from(json))}${json}\n`
}

export interface DecodedLines {
  /** Bytes of the whole lines; what follows was cut off while it was written. */
  readonly wholeBytes: number
  readonly count: number
}

/**
 * Hands every whole line of a file to `read`.
 * @throws {StateError} when a whole line is not what was written
 */
export function decodeLines(file: string, bytes: Buffer, read: (value: unknown) => void): DecodedLines {
  let start = 0
  let count = 0
  for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, start)) {
    const json = bytes.subarray(start + headBytes, end)
    if (bytes.toString('latin1', start, start + headBytes) !== head(json)) {
      throw StateError.damaged(file, `wrong checksum at byte ${start}`)
    }
    read(JSON.parse(json.toString('utf8')))
    count += 1
    start = end + 1
  }
  return { wholeBytes: start, count }
}

const lineFeed = 10
/** Checksum and space. */
const headBytes = 9

function head(json: Uint8Array): string {
  return `${crc32(json).toString(16).padStart(8, '0')} `
}
