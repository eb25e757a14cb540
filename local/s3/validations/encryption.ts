import { AwsError } from '../../aws-json.ts'
import type { BucketSettings } from '../bucket-settings.ts'
import {
  type BucketEncryption,
  defaultEncryption,
  type RequestedEncryption,
  type SseAlgorithm
} from '../encryption.ts'
import { childOf, childrenOf, parseXml, textOf } from '../xml-reader.ts'
import { type HeaderLookup, malformedXml } from './checksum.ts'

const algorithms: readonly SseAlgorithm[] = ['AES256', 'aws:kms', 'aws:kms:dsse']

const customerAlgorithm = 'x-amz-server-side-encryption-customer-algorithm'
const copySourceCustomerAlgorithm = 'x-amz-copy-source-server-side-encryption-customer-algorithm'

/** undefined when the request says nothing of it. @throws {AwsError} InvalidArgument */
export function requestedEncryption(header: HeaderLookup): RequestedEncryption | undefined {
  const given = header('x-amz-server-side-encryption')
  const keyId = header('x-amz-server-side-encryption-aws-kms-key-id')
  const bucketKey = header('x-amz-server-side-encryption-bucket-key-enabled')
  const algorithm = algorithms.find(known => known === given)
  if (given !== undefined && algorithm === undefined) {
    throw invalid('The encryption method specified is not supported', 'x-amz-server-side-encryption', given)
  }
  if (keyId !== undefined && (algorithm === undefined || algorithm === 'AES256')) {
    throw invalid(
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
      'x-amz-server-side-encryption',
      given ?? ''
    )
  }
  if (algorithm === undefined) return undefined
  return { algorithm, keyId, isBucketKeyEnabled: bucketKey === undefined ? undefined : bucketKey === 'true' }
}

/**
 * Keys that a customer brings along are refused: by the bucket that blocks them, or because they are not here.
 * @throws {AwsError} AccessDenied, NotImplemented
 */
export function checkCustomerKey(header: HeaderLookup, { encryption }: BucketSettings): void {
  const names = [customerAlgorithm, copySourceCustomerAlgorithm]
  if (names.every(name => header(name) === undefined)) return
  const { blocked } = encryption ?? defaultEncryption
  if (blocked.includes('SSE-C')) throw new AwsError('AccessDenied', 'Access Denied', 403)
  throw new AwsError('NotImplemented', 'SSE-C is not implemented by the local engine', 501)
}

/** No object is encrypted with a key that its reader would have to bring along. @throws {AwsError} InvalidRequest */
export function checkNoCustomerKey(header: HeaderLookup): void {
  if (header(customerAlgorithm) === undefined) return
  throw new AwsError('InvalidRequest', 'The encryption parameters are not applicable to this object.')
}

/** The body of PutBucketEncryption. @throws {AwsError} MalformedXML, InvalidArgument */
export function bucketEncryption(body: string): BucketEncryption {
  const root = parseXml(body)
  const rules = root === undefined ? [] : childrenOf(root, 'Rule')
  const [rule] = rules
  if (root?.name !== 'ServerSideEncryptionConfiguration' || rule === undefined || rules.length > 1) {
    throw malformedXml()
  }
  const byDefault = childOf(rule, 'ApplyServerSideEncryptionByDefault')
  const named = textOf(byDefault, 'SSEAlgorithm')
  const algorithm = byDefault === undefined ? 'AES256' : algorithms.find(known => known === named)
  if (algorithm === undefined) throw malformedXml()
  const keyId = textOf(byDefault, 'KMSMasterKeyID')
  if (keyId !== undefined && algorithm === 'AES256') {
    throw invalid(
      'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse',
      'ApplyServerSideEncryptionByDefault',
      algorithm
    )
  }
  const blockedTypes = childOf(rule, 'BlockedEncryptionTypes')
  const types = blockedTypes && childrenOf(blockedTypes, 'EncryptionType').map(({ text }) => text)
  if (types?.some(type => type !== 'SSE-C' && type !== 'NONE')) throw malformedXml()
  return {
    algorithm,
    keyId,
    isBucketKeyEnabled: textOf(rule, 'BucketKeyEnabled') === 'true',
    blocked: types === undefined ? defaultEncryption.blocked : types.filter(type => type !== 'NONE')
  }
}

function invalid(message: string, name: string, value: string): AwsError {
  return new AwsError('InvalidArgument', message, 400, { ArgumentName: name, ArgumentValue: value })
}
