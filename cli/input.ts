import { createHash } from 'node:crypto'

/** One line of the input, without its terminator. */
export interface InputLine {
  /** From 1. */
  readonly number: number
  readonly bytes: Buffer
  /** The line was longer than the bound; `bytes` holds its beginning only. */
  readonly tooLong: boolean
}

/** A line as a record to put, or the reason why it is none. */
export type ParsedLine =
  | { readonly ok: true; readonly partitionKey: string; readonly data: Buffer }
  | { readonly ok: false; readonly reason: string }

const lineFeed = 10
const carriageReturn = 13
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * Splits a byte stream into lines at LF or CRLF. Empty lines and a leading byte order mark are left out. Holds
 * at most `maxLineBytes` of one line; the rest of a longer one is passed over. Yields the lines of one piece of
 * the source at a time.
 */
export async function* readLines(
  source: AsyncIterable<Buffer | string>,
  maxLineBytes: number
): AsyncGenerator<readonly InputLine[]> {
  let number = 0
  let parts: Buffer[] = []
  let held = 0
  let tooLong = false

  const keep = (part: Buffer): void => {
    const room = maxLineBytes - held
    if (part.length > room) tooLong = true
    const kept = part.subarray(0, room)
    if (kept.length > 0) parts.push(kept)
    held += kept.length
  }
  const take = (): InputLine | undefined => {
    let bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    number += 1
    if (number === 1 && bytes.subarray(0, 3).equals(byteOrderMark)) bytes = bytes.subarray(3)
    if (!tooLong && bytes.at(-1) === carriageReturn) bytes = bytes.subarray(0, -1)
    const line = bytes.length === 0 ? undefined : { number, bytes, tooLong }
    parts = []
    held = 0
    tooLong = false
    return line
  }

  for await (const piece of source) {
    const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece
    const lines: InputLine[] = []
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      keep(chunk.subarray(start, end))
      start = end + 1
      const line = take()
      if (line !== undefined) lines.push(line)
    }
    if (start < chunk.length) keep(chunk.subarray(start))
    yield lines
  }
  if (held > 0) {
    const line = take()
    if (line !== undefined) yield [line]
  }
}

export interface ParseOptions {
  readonly format: 'ndjson' | 'lines'
  /** Member whose value is the partition key; for `ndjson`. */
  readonly partitionKeyField: string | undefined
}

/** Turns one line into a record. A reason names fields and lengths, never their contents. */
export function parseLine(line: InputLine, options: ParseOptions): ParsedLine {
  if (options.format === 'lines') {
    // A line has no key of its own; its digest spreads lines evenly and keeps equal lines in one shard.
    const partitionKey = createHash('sha256').update(line.bytes).digest('hex').slice(0, 32)
    return { ok: true, partitionKey, data: line.bytes }
  }
  // A line cut at the bound cannot be parsed; `put` refuses it for its size.
  if (line.tooLong) return { ok: true, partitionKey: 'oversize', data: line.bytes }
  const value = parseObject(line.bytes)
  if (value === undefined) return { ok: false, reason: 'is not a JSON object' }
  const field = options.partitionKeyField!
  const key = Object.hasOwn(value, field) ? value[field] : undefined
  if (key === undefined || key === null)
    return { ok: false, reason: `has no partition key: member ${field} is missing` }
  if (typeof key !== 'string' && typeof key !== 'number') {
    return {
      ok: false,
      reason: `has no usable partition key: member ${field} is neither a string nor a number`
    }
  }
  const partitionKey = String(key)
  if (partitionKey === '') return { ok: false, reason: `has an empty partition key in member ${field}` }
  const characters = [...partitionKey].length
  if (characters > 256) {
    return {
      ok: false,
      reason: `has a partition key of ${characters} characters in member ${field}; at most 256 are allowed`
    }
  }
  return { ok: true, partitionKey, data: line.bytes }
}

function parseObject(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
