import { isUtf8 } from 'node:buffer'
import { UndeliverableError } from './errors.ts'

/** How records are told apart at a destination that glues them together, as S3, Redshift and Splunk do. */
export const Framing = {
  /** One JSON text per line: checked, and ended by a line feed. */
  ndjson: 'ndjson',
  /** One line of any bytes per record, ended by a line feed. */
  lines: 'lines',
  /** The bytes as they are, for destinations that keep records apart. */
  none: 'none'
} as const
export type Framing = (typeof Framing)[keyof typeof Framing]

const lineFeed = 0x0a

/**
 * The bytes to send for one record: a line feed is added unless the record ends with one already.
 * @throws UndeliverableError when the framing cannot hold the record, so that a reader would see something else
 */
export function frameRecord(framing: Framing, data: Uint8Array): Uint8Array {
  if (framing === Framing.none) return data
  const isEnded = endsAsOneLine(framing, data)
  if (framing === Framing.ndjson) parseJsonText(data)
  if (isEnded) return data
  const framed = Buffer.allocUnsafe(data.length + 1)
  framed.set(data)
  framed[data.length] = lineFeed
  return framed
}

/**
 * Whether the record ends with a line feed.
 * @throws UndeliverableError for one with others in it, which would be several lines
 */
export function endsAsOneLine(framing: Framing, data: Uint8Array): boolean {
  const firstBreak = data.indexOf(lineFeed)
  if (firstBreak < 0) return false
  if (firstBreak === data.length - 1) return true
  throw new UndeliverableError(`framing ${framing} takes one line, the record has several`)
}

/** @throws UndeliverableError for what is no JSON in UTF-8; it does not quote the record */
export function parseJsonText(data: Uint8Array): unknown {
  // Node would put a replacement character for what is not UTF-8.
  if (isUtf8(data)) {
    try {
      return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8'))
    } catch {
      // The error would quote the record.
    }
  }
  throw new UndeliverableError('framing ndjson takes JSON in UTF-8')
}
