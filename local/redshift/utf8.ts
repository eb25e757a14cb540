import { isUtf8 } from 'node:buffer'
import { RowFault } from './rows.ts'

/**
 * The text of bytes that a latin1 string holds. Bytes that are no UTF-8 become one `replacement` each; without one they
 * are a fault of the row.
 *
 * @throws {RowFault}
 */
export function decodeUtf8(latin1: string, replacement: string | undefined): string {
  const bytes = Buffer.from(latin1, 'latin1')
  if (isUtf8(bytes)) return bytes.toString('utf8')
  if (replacement === undefined) throw new RowFault('the text is not UTF-8')
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const sequence = bytes.subarray(at, at + sequenceLength(bytes[at]!))
    const isValid = isUtf8(sequence)
    text += isValid ? sequence.toString('utf8') : replacement
    at += isValid ? sequence.length : 1
  }
  return text
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4
  if (lead >= 0xe0) return 3
  return lead >= 0xc0 ? 2 : 1
}
