import { AwsError } from './aws-error.ts'
import type { BodyFormat } from './json-body.ts'

/** What the SDKs for Java speak with Kinesis. */
export const cborContentType = 'application/x-amz-cbor-1.1'

/** Members that CBOR has types of its own for. */
export interface CborMembers {
  /** Base64 text in JSON. */
  readonly blobs: readonly string[]
  /** Epoch seconds in JSON; here milliseconds under tag 1, as the SDKs for Java write and read them. */
  readonly timestamps: readonly string[]
}

/** The part of the package `cborg` that is used. */
type Cborg = typeof import('cborg')

/**
 * Bodies in CBOR (RFC 8949). The package `cborg` is loaded with the first of them.
 * Rejects when it is not installed.
 */
export async function cborBody(members: CborMembers): Promise<BodyFormat> {
  const { decode, encode, Token, Type } = await load()
  const blobs = new Set(members.blobs)
  const timestamps = new Set(members.timestamps)
  const timestampTag = 1

  const fromCbor = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
    if (typeof value === 'number' || typeof value === 'bigint') return finite(value)
    if (Array.isArray(value)) return value.map(fromCbor)
    if (value instanceof Date) return value.getTime() / 1_000
    if (!(value instanceof Map)) return value
    return Object.fromEntries(Array.from(value, ([name, item]) => [String(name), fromCbor(item)]))
  }

  const toCbor = (name: string, value: unknown): unknown => {
    if (typeof value === 'string' && blobs.has(name)) return Buffer.from(value, 'base64')
    if (typeof value === 'number' && timestamps.has(name)) return new Date(value * 1_000)
    if (Array.isArray(value)) return value.map(item => toCbor(name, item))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).flatMap(([inner, item]) =>
        item === undefined ? [] : [[inner, toCbor(inner, item)]]
      )
    )
  }

  return {
    contentType: cborContentType,
    parse(body) {
      try {
        const parsed: unknown = decode(body, {
          // A member may be called __proto__.
          useMaps: true,
          tags: { [timestampTag]: readTag => new Date(finite(readTag())) }
        })
        if (parsed instanceof Map) return fromCbor(parsed) as Record<string, unknown>
      } catch {
        // Told below: the parser's own words may quote the body.
      }
      throw new AwsError('SerializationException', 'body is not a CBOR map')
    },
    serialise: body =>
      Buffer.from(
        encode(toCbor('', body), {
          typeEncoders: {
            Date: (date: Date) => [
              new Token(Type.tag, timestampTag),
              new Token(Type.uint, Math.round(date.getTime()))
            ]
          }
        })
      )
  }
}

/** JSON has no other numbers, and the actions look for none. @throws {TypeError} */
function finite(value: unknown): number {
  const number = typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Number.NaN
  if (Number.isFinite(number)) return number
  throw new TypeError('expected a finite number')
}

async function load(): Promise<Cborg> {
  try {
    return await import('cborg')
  } catch {
    throw new AwsError('SerializationException', 'a body in CBOR needs the package cborg: npm i -D cborg')
  }
}
