import { createHash } from 'node:crypto'
import { AwsError } from '../../aws-json.ts'
import { crc32Of } from '../store.ts'

/** Value of a request header or trailer, names in lower case. */
export type HeaderLookup = (name: string) => string | undefined

const checksums: Readonly<Record<string, (bytes: Uint8Array) => string>> = {
  'x-amz-checksum-crc32': crc32Of,
  'x-amz-checksum-sha1': bytes => createHash('sha1').update(bytes).digest('base64'),
  'x-amz-checksum-sha256': bytes => createHash('sha256').update(bytes).digest('base64')
}
const notThereYet = ['x-amz-checksum-crc32c', 'x-amz-checksum-crc64nvme']

/** Checks every digest that came with the body. One that cannot be checked here is refused, never passed over. */
export function checkDigests(bytes: Uint8Array, headers: HeaderLookup): void {
  for (const name of notThereYet) {
    if (headers(name) !== undefined) {
      throw new AwsError('NotImplemented', `${name} is not implemented by the local engine`, 501)
    }
  }
  for (const [name, digest] of Object.entries(checksums)) {
    const given = headers(name)
    if (given !== undefined && given !== digest(bytes)) {
      const algorithm = name.slice('x-amz-checksum-'.length).toUpperCase()
      throw new AwsError('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`)
    }
  }
  const md5 = headers('content-md5')
  if (md5 !== undefined && md5 !== createHash('md5').update(bytes).digest('base64')) {
    throw new AwsError('BadDigest', 'The Content-MD5 you specified did not match what we received.')
  }
}
