import { hash } from 'node:crypto'

/** A record as a destination holds it: its bytes, or its members where the destination parses it. */
export type RecordContent = Uint8Array | Readonly<Record<string, unknown>>

/** Whether two records are one: by their bytes, or by what their JSON says, in whatever order and spacing. */
export type RecordIdentity = 'bytes' | 'json'

/** A digest under which equal records, and no others, are found again; 32 bytes as a binary string. */
export function identify(content: RecordContent, identity: RecordIdentity): string {
  if (identity === 'bytes') return digestOf(content instanceof Uint8Array ? content : canonicalJson(content))
  const value = content instanceof Uint8Array ? parsed(content) : content
  return digestOf(value === undefined ? (content as Uint8Array) : canonicalJson(value))
}

/** JSON without spaces, the members of every object in the order of their UTF-16 code units. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`
  const members = value as Readonly<Record<string, unknown>>
  const texts = Object.keys(members)
    .sort()
    .map(name => `${JSON.stringify(name)}:${canonicalJson(members[name])}`)
  return `{${texts.join()}}`
}

/** The members of a JSON object but one; what is none stays as it is. */
export function withoutMember(content: RecordContent, member: string): RecordContent {
  const value = content instanceof Uint8Array ? parsed(content) : content
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return content
  const { [member]: _, ...others } = value as Readonly<Record<string, unknown>>
  return others
}

/** undefined for what is no JSON. */
function parsed(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8'))
  } catch {
    return undefined
  }
}

function digestOf(data: Uint8Array | string): string {
  return hash('sha256', data, 'binary')
}
