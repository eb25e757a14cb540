import { AwsError } from '../../aws-json.ts'
import { encryptionHeaders } from '../encryption.ts'
import { checksumHeaders, objectHeaders, requestedObject, versionHeaders } from '../object-headers.ts'
import type { S3Action, S3Request, S3Response } from '../protocol.ts'
import { type ByteRange, partRange, rangeOf } from '../range.ts'
import type { S3Store } from '../store.ts'
import { checkDigests } from '../validations/checksum.ts'
import { failedCondition, preconditionFailed, putConditions } from '../validations/conditions.ts'
import { checkNoCustomerKey } from '../validations/encryption.ts'
import { checkKey } from '../validations/key.ts'
import { bypassesGovernance, checkHasDigest } from '../validations/object-lock.ts'
import { versionIdOf } from '../validations/version-id.ts'
import type { StoredObject } from '../versions.ts'

export function putObject(store: S3Store): S3Action {
  return async request => {
    const { bucket, key, body, header } = request
    const given = checkDigests(body, header)
    checkKey(key)
    const settings = store.settingsOf(bucket)
    const requested = requestedObject(request, settings, store.nowMs())
    checkHasDigest(header, requested.lock, settings)
    const object = await store.putObject(bucket, key, body, {
      ...requested,
      checksum:
        given === undefined || given.algorithm === 'CRC32' ? undefined : { ...given, type: 'FULL_OBJECT' },
      conditions: putConditions(header)
    })
    return {
      status: 200,
      headers: {
        etag: object.etag,
        ...checksumHeaders(object),
        ...encryptionHeaders(object),
        ...versionHeaders(store.settingsOf(bucket), object)
      }
    }
  }
}

export function getObject(store: S3Store): S3Action {
  return async request => {
    const object = find(store, request)
    const { range, ...answer } = head(store, request, object)
    if (answer.status === 304) return answer
    // Nothing was awaited since it was found: the next put may bring another file of the same name.
    const bytes = await store.read(object)
    return { ...answer, body: range === undefined ? bytes : bytes.subarray(range.start, range.end + 1) }
  }
}

export function headObject(store: S3Store): S3Action {
  return async request => {
    const object = find(store, request)
    const { status, headers, range } = head(store, request, object)
    if (status === 304) return { status, headers }
    const length = range === undefined ? object.sizeBytes : range.end + 1 - range.start
    return { status, headers: { ...headers, 'content-length': String(length) } }
  }
}

export function deleteObject(store: S3Store): S3Action {
  return async ({ bucket, key, query, header }) => {
    const { versionId, isDeleteMarker } = store.deleteObject(bucket, key, {
      versionId: versionIdOf(query),
      bypassesGovernance: bypassesGovernance(header)
    })
    return {
      status: 204,
      headers: {
        ...(versionId === undefined ? {} : { 'x-amz-version-id': versionId }),
        ...(isDeleteMarker ? { 'x-amz-delete-marker': 'true' } : {})
      }
    }
  }
}

function find(store: S3Store, { bucket, key, query }: S3Request): StoredObject {
  return store.find(bucket, key, versionIdOf(query))
}

interface Head extends S3Response {
  readonly headers: Readonly<Record<string, string>>
  /** undefined for the whole object. */
  readonly range?: ByteRange
}

/**
 * What GET and HEAD answer without a body.
 * @throws {AwsError} InvalidRequest, PreconditionFailed, InvalidRange, InvalidPartNumber
 */
function head(store: S3Store, { bucket, header, query }: S3Request, object: StoredObject): Head {
  const settings = store.settingsOf(bucket)
  checkNoCustomerKey(header)
  const failed = failedCondition(object, header)
  if (failed === 'If-None-Match' || failed === 'If-Modified-Since') {
    return { status: 304, headers: { etag: object.etag, ...versionHeaders(settings, object) } }
  }
  if (failed !== undefined) throw preconditionFailed(failed)
  const partNumber = query.get('partNumber')
  if (partNumber !== null && header('range') !== undefined) {
    throw new AwsError('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter')
  }
  const range =
    partNumber === null ? rangeOf(header('range'), object.sizeBytes) : partRange(object, partNumber)
  const withChecksum = range === undefined && header('x-amz-checksum-mode') === 'ENABLED'
  const headers = objectHeaders(object, settings, withChecksum)
  if (range === undefined) return { status: 200, headers }
  const parts = partNumber === null ? undefined : object.partSizesBytes?.length
  return {
    status: 206,
    headers: {
      ...headers,
      ...(range.end < range.start
        ? {}
        : { 'content-range': `bytes ${range.start}-${range.end}/${object.sizeBytes}` }),
      ...(parts === undefined ? {} : { 'x-amz-mp-parts-count': String(parts) })
    },
    range
  }
}
