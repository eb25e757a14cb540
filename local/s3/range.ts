import { AwsError } from '../aws-json.ts'
import { partNumberOf } from './validations/upload.ts'
import type { StoredObject } from './versions.ts'

/** Both ends inclusive. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** The one range that a request may ask for; undefined for the whole object. @throws {AwsError} InvalidRange */
export function rangeOf(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  const [, first, last] = match
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first)
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(sizeBytes - 1, Number(last))
  if (start >= sizeBytes || start > end) {
    throw new AwsError('InvalidRange', 'The requested range is not satisfiable', 416)
  }
  return { start, end }
}

/** The bytes of one part; an object that came as a whole is its first. @throws {AwsError} InvalidPartNumber */
export function partRange(
  { sizeBytes, partSizesBytes = [sizeBytes] }: Pick<StoredObject, 'sizeBytes' | 'partSizesBytes'>,
  partNumber: string
): ByteRange {
  const number = partNumberOf(partNumber)
  const size = partSizesBytes[number - 1]
  if (size === undefined) {
    throw new AwsError('InvalidPartNumber', 'The requested partnumber is not satisfiable', 416)
  }
  const start = partSizesBytes.slice(0, number - 1).reduce((sum, bytes) => sum + bytes, 0)
  return { start, end: start + size - 1 }
}
