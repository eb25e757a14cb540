import type { BucketSettings } from './bucket-settings.ts'
import { checksumHeader } from './checksum.ts'
import { encryptionHeaders } from './encryption.ts'
import type { S3Request } from './protocol.ts'
import type { PutOptions } from './store.ts'
import { checkCustomerKey, requestedEncryption } from './validations/encryption.ts'
import { requestedLock } from './validations/object-lock.ts'
import { tagsOfHeader } from './validations/tags.ts'
import type { StoredObject, Version } from './versions.ts'

// What a request says of an object, and what an answer says of it.

export type RequestedObject = Required<
  Pick<
    PutOptions,
    'contentType' | 'contentEncoding' | 'metadata' | 'tags' | 'encryption' | 'principal' | 'lock'
  >
>

/** `nowMs`: no retention may end before it. @throws {AwsError} for what the bucket does not take */
export function requestedObject(
  request: S3Request,
  settings: BucketSettings,
  nowMs: number
): RequestedObject {
  const { header } = request
  checkCustomerKey(header, settings)
  return {
    contentType: header('content-type'),
    contentEncoding: contentEncoding(header('content-encoding')),
    metadata: userMetadata(request),
    tags: tagsOfHeader(header('x-amz-tagging')),
    encryption: requestedEncryption(header),
    principal: request.principal,
    lock: requestedLock(header, settings, nowMs)
  }
}

/** An object that came without a checksum has its CRC32. */
export function checksumHeaders({
  checksum,
  crc32
}: Pick<StoredObject, 'checksum' | 'crc32'>): Record<string, string> {
  const { algorithm, value, type } = checksum ?? { algorithm: 'CRC32', value: crc32, type: 'FULL_OBJECT' }
  return { [checksumHeader(algorithm)]: value, 'x-amz-checksum-type': type }
}

/** `x-amz-checksum-crc32` as a header is `ChecksumCRC32` as an element. */
export function checksumElements(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const what = name.slice('x-amz-checksum-'.length)
      return [what === 'type' ? 'ChecksumType' : `Checksum${what.toUpperCase()}`, value]
    })
  )
}

/** Nothing in a bucket that never had versioning. */
export function versionHeaders(
  { versioning }: BucketSettings,
  { versionId }: Pick<Version, 'versionId'>
): Record<string, string> {
  return versioning === undefined ? {} : { 'x-amz-version-id': versionId ?? 'null' }
}

/** What GET and HEAD tell. */
export function objectHeaders(
  object: StoredObject,
  settings: BucketSettings,
  withChecksum: boolean
): Record<string, string> {
  const { retention, isOnLegalHold } = object
  return {
    etag: object.etag,
    'last-modified': new Date(object.modifiedMs).toUTCString(),
    'content-type': object.contentType,
    'accept-ranges': 'bytes',
    ...versionHeaders(settings, object),
    ...encryptionHeaders(object),
    ...(object.contentEncoding === undefined ? {} : { 'content-encoding': object.contentEncoding }),
    ...Object.fromEntries(
      Object.entries(object.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])
    ),
    ...(object.tags === undefined ? {} : { 'x-amz-tagging-count': String(object.tags.length) }),
    ...(retention === undefined
      ? {}
      : {
          'x-amz-object-lock-mode': retention.mode,
          'x-amz-object-lock-retain-until-date': new Date(retention.untilMs).toISOString()
        }),
    ...(isOnLegalHold === undefined ? {} : { 'x-amz-object-lock-legal-hold': isOnLegalHold ? 'ON' : 'OFF' }),
    ...(withChecksum ? checksumHeaders(object) : {})
  }
}

/** `aws-chunked` names the framing of the request; it is no property of the object. */
function contentEncoding(header: string | undefined): string | undefined {
  const codings = (header ?? '')
    .split(',')
    .map(coding => coding.trim())
    .filter(coding => coding !== '' && coding !== 'aws-chunked')
  return codings.length === 0 ? undefined : codings.join(',')
}

function userMetadata({ headers }: S3Request): Record<string, string> {
  const prefix = 'x-amz-meta-'
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), String(value)])
  )
}
