import { InvalidOptionError } from '../core/errors.ts'
import type { EncryptionContext } from '../core/record-transform.ts'
import { MalformedMessageError } from './errors.ts'
import { uint16 } from './uint16.ts'

/*
 * Serialised context: nothing at all when empty, else
 *   count (2) ‖ count × [ key length (2) ‖ key ‖ value length (2) ‖ value ]
 * UTF-8, sorted by the bytes of the key, integers big-endian. At most 65,535 bytes.
 */
const maxBytes = 65_535
const reservedPrefix = 'aws-crypto-'
const nothing = Buffer.alloc(0)

/** Canonical bytes of a context. Keys are ordered by their UTF-8 bytes, never by locale or UTF-16 unit. */
export function encodeContext(context: EncryptionContext): Buffer {
  const pairs = Object.entries(context).map(([key, value]) => [Buffer.from(key), Buffer.from(value)] as const)
  if (pairs.length === 0) return nothing
  pairs.sort(([a], [b]) => Buffer.compare(a, b))
  const parts: Buffer[] = [uint16(pairs.length)]
  for (const [key, value] of pairs) parts.push(uint16(key.length), key, uint16(value.length), value)
  return Buffer.concat(parts)
}

/** Checks a caller's context. @throws InvalidOptionError that names the pair and never quotes its value */
export function checkContext(context: EncryptionContext): EncryptionContext {
  let bytes = 2
  for (const [key, value] of Object.entries(context)) {
    if (typeof value !== 'string') throw new InvalidOptionError(`context.${key}`, 'expected a string')
    if (key === '') throw new InvalidOptionError('context', 'a name is empty')
    if (key.startsWith(reservedPrefix)) {
      throw new InvalidOptionError(`context.${key}`, `names that begin with ${reservedPrefix} are reserved`)
    }
    bytes += 4 + Buffer.byteLength(key) + Buffer.byteLength(value)
  }
  if (bytes > maxBytes)
    throw new InvalidOptionError('context', `${bytes} bytes; at most ${maxBytes} are allowed`)
  return context
}

/**
 * Reads a context as it stands in a message header, in any order: some writers do not sort.
 * @throws MalformedMessageError for a key that comes twice, lengths that disagree, or a count of zero
 */
export function decodeContext(bytes: Buffer, offset: number): ReadonlyMap<string, string> {
  const context = new Map<string, string>()
  if (bytes.length === 0) return context
  let at = 0
  const need = (length: number): number => {
    if (at + length > bytes.length)
      throw new MalformedMessageError('encryption context ends early', offset + at)
    at += length
    return at - length
  }
  const text = (): string => {
    const start = need(bytes.readUInt16BE(need(2)))
    return bytes.toString('utf8', start, at)
  }
  const count = bytes.readUInt16BE(need(2))
  if (count === 0) throw new MalformedMessageError('encryption context with a length but no pairs', offset)
  for (let pair = 0; pair < count; pair += 1) {
    const key = text()
    const value = text()
    if (context.has(key)) throw new MalformedMessageError('encryption context names a key twice', offset + at)
    context.set(key, value)
  }
  if (at !== bytes.length) throw new MalformedMessageError('bytes behind the encryption context', offset + at)
  return context
}
