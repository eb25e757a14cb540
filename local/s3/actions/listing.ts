import { countOf } from '../validations/upload.ts'

// What the listings of S3 have in common.

const mostListed = 1_000

/** Of everything: there is no other account. */
export const owner = { ID: 'local', DisplayName: 'local' }

/** How much one page may hold; `name`: of the member of the query. @throws {AwsError} InvalidArgument */
export function pageSizeOf(query: URLSearchParams, name: string): number {
  return Math.min(mostListed, countOf(query, name, mostListed))
}

/** The common prefix that stands for a key; undefined for a key that is listed itself. */
export function commonPrefixOf(key: string, prefix: string, delimiter: string): string | undefined {
  const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
  return end < 0 ? undefined : key.slice(0, end + delimiter.length)
}

/** S3 lists in the order of the UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
