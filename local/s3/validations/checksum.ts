import { createHash } from 'node:crypto'
import { AwsError } from '../../aws-json.ts'
import {
  type ChecksumAlgorithm,
  checksumAlgorithms,
  checksumBytes,
  checksumHeader,
  checksumOf
} from '../checksum.ts'

/** Value of a request header or trailer, names in lower case. */
export type HeaderLookup = (name: string) => string | undefined

export interface GivenChecksum {
  readonly algorithm: ChecksumAlgorithm
  /** Base64. */
  readonly value: string
}

/**
 * Checks every digest that came with the body. Returns the checksum among them, for there is one at most.
 * @throws {AwsError} BadDigest, and InvalidRequest for what is no checksum or more than one
 */
export function checkDigests(bytes: Uint8Array, headers: HeaderLookup): GivenChecksum | undefined {
  const given = givenChecksum(headers)
  if (given !== undefined) {
    const { algorithm, value } = given
    if (Buffer.from(value, 'base64').length !== checksumBytes[algorithm]) {
      throw new AwsError('InvalidRequest', `Value for ${checksumHeader(algorithm)} header is invalid.`)
    }
    if (value !== checksumOf(algorithm, bytes)) throw badChecksum(algorithm)
  }
  const md5 = headers('content-md5')
  if (md5 !== undefined && md5 !== createHash('md5').update(bytes).digest('base64')) {
    throw new AwsError('BadDigest', 'The Content-MD5 you specified did not match what we received.')
  }
  return given
}

/** The one checksum that a request carries. @throws {AwsError} InvalidRequest for more than one */
export function givenChecksum(headers: HeaderLookup): GivenChecksum | undefined {
  const given = checksumAlgorithms.flatMap(algorithm => {
    const value = headers(checksumHeader(algorithm))
    return value === undefined ? [] : [{ algorithm, value }]
  })
  if (given.length > 1) {
    throw new AwsError(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.'
    )
  }
  return given[0]
}

export function malformedXml(): AwsError {
  return new AwsError(
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema'
  )
}

export function badChecksum(algorithm: ChecksumAlgorithm): AwsError {
  return new AwsError('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`)
}
