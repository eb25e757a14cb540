import { AwsError } from '../aws-json.ts'

/** How a listing writes names of objects and what they are cut at. */
export interface NameEncoding {
  readonly encode: (name: string) => string
  /** What the listing tells of it. Clients decode only where this stands. */
  readonly told: { readonly EncodingType?: 'url' }
}

const plain: NameEncoding = { encode: name => name, told: {} }
const url: NameEncoding = { encode: encodeName, told: { EncodingType: 'url' } }

/** What the parameter encoding-type asks for. @throws {AwsError} InvalidArgument */
export function nameEncodingOf(query: URLSearchParams): NameEncoding {
  const type = query.get('encoding-type') ?? ''
  if (type === '') return plain
  if (type !== 'url') throw new AwsError('InvalidArgument', 'Invalid Encoding Method specified in Request')
  return url
}

/** As forms are encoded, a blank as `+`, but for `/`, which stays. */
function encodeName(name: string): string {
  return encodeURIComponent(name)
    .replace(/[!'()~]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
    .replaceAll('%2F', '/')
}
