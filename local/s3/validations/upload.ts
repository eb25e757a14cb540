import { AwsError } from '../../aws-json.ts'
import { type ChecksumAlgorithm, type ChecksumType, checksumAlgorithms } from '../checksum.ts'
import type { Upload, UploadSettings } from '../uploads.ts'
import { childrenOf, parseXml, textOf } from '../xml-reader.ts'
import { type GivenChecksum, type HeaderLookup, malformedXml } from './checksum.ts'

const mostParts = 10_000

/** A part as CompleteMultipartUpload names it. */
export interface NamedPart {
  readonly number: number
  /** With or without quotes. */
  readonly etag: string
  /** By the algorithm of the upload, base64. */
  readonly checksum: string | undefined
}

/** @throws {AwsError} InvalidArgument unless it is 1 to 10,000 */
export function partNumberOf(text: string | null): number {
  const number = /^\d{1,5}$/.test(text ?? '') ? Number(text) : 0
  if (number < 1 || number > mostParts) {
    throw new AwsError(
      'InvalidArgument',
      `Part number must be an integer between 1 and ${mostParts}, inclusive`,
      400,
      { ArgumentName: 'partNumber', ArgumentValue: text ?? '' }
    )
  }
  return number
}

/** A whole number of a query; `fallback` when it is not there. @throws {AwsError} InvalidArgument */
export function countOf(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name)
  if (text === null) return fallback
  if (!/^\d{1,9}$/.test(text)) {
    throw new AwsError('InvalidArgument', `Provided ${name} not an integer or within integer range`)
  }
  return Number(text)
}

/** Algorithm and type that CreateMultipartUpload asks for. CRC64NVME is of the whole object, a SHA is composite. */
export function uploadChecksum(header: HeaderLookup): UploadSettings['checksum'] {
  const name = header('x-amz-checksum-algorithm')?.toUpperCase()
  const type = header('x-amz-checksum-type')?.toUpperCase()
  if (name === undefined) {
    if (type === undefined) return undefined
    throw new AwsError(
      'InvalidRequest',
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.'
    )
  }
  const algorithm = checksumAlgorithms.find(known => known === name)
  if (algorithm === undefined) {
    throw new AwsError(
      'InvalidRequest',
      'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]'
    )
  }
  const types = typesOf(algorithm)
  const chosen = type === undefined ? types[0] : types.find(known => known === type)
  if (chosen === undefined) {
    throw new AwsError(
      'InvalidRequest',
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`
    )
  }
  return { algorithm, type: chosen }
}

/** Those that go with an algorithm, the default first. */
function typesOf(algorithm: ChecksumAlgorithm): readonly [ChecksumType, ...ChecksumType[]] {
  if (algorithm === 'CRC64NVME') return ['FULL_OBJECT']
  return algorithm.startsWith('SHA') ? ['COMPOSITE'] : ['COMPOSITE', 'FULL_OBJECT']
}

/** A part comes with the checksum of its upload, or with any when the upload has none. */
export function checkPartChecksum({ checksum }: Upload, given: GivenChecksum | undefined): void {
  if (checksum === undefined || given?.algorithm === checksum.algorithm) return
  if (given === undefined && checksum.type === 'FULL_OBJECT') return
  throw checksumMismatch(checksum.algorithm, given?.algorithm)
}

/** A checksum of the whole object has to be one that the upload has: no other could be checked. */
export function checkExpectedChecksum({ checksum }: Upload, expected: GivenChecksum | undefined): void {
  if (expected === undefined || expected.algorithm === checksum?.algorithm) return
  throw checksumMismatch(checksum?.algorithm, expected.algorithm)
}

/** The size that CompleteMultipartUpload may tell. */
export function checkExpectedSize(header: HeaderLookup, sizeBytes: number): void {
  const expected = header('x-amz-mp-object-size')
  if (expected !== undefined && expected !== String(sizeBytes)) {
    throw new AwsError(
      'InvalidRequest',
      "The provided 'x-amz-mp-object-size' header does not match what was computed."
    )
  }
}

function checksumMismatch(
  expected: ChecksumAlgorithm | undefined,
  actual: ChecksumAlgorithm | undefined
): AwsError {
  const nameOf = (algorithm: ChecksumAlgorithm | undefined) => algorithm?.toLowerCase() ?? 'null'
  return new AwsError(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${nameOf(expected)}, actual checksum Type: ${nameOf(actual)}`
  )
}

/** The parts that the body of CompleteMultipartUpload names. @throws {AwsError} MalformedXML */
export function namedParts(body: string, { checksum }: Upload): readonly NamedPart[] {
  const root = parseXml(body)
  if (root?.name !== 'CompleteMultipartUpload') throw malformedXml()
  const parts = childrenOf(root, 'Part').map(part => {
    const number = textOf(part, 'PartNumber')
    const etag = textOf(part, 'ETag')
    if (number === undefined || !/^\d{1,9}$/.test(number) || etag === undefined) throw malformedXml()
    const sum = checksum && textOf(part, `Checksum${checksum.algorithm}`)
    return { number: Number(number), etag, checksum: sum }
  })
  if (parts.length === 0 || parts.length > mostParts) throw malformedXml()
  return parts
}
