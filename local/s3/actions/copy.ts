import { AwsError } from '../../aws-json.ts'
import { type Checksum, checksumOf } from '../checksum.ts'
import { encryptionHeaders } from '../encryption.ts'
import { checksumElements, checksumHeaders, requestedObject, versionHeaders } from '../object-headers.ts'
import type { S3Action } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import { putConditions } from '../validations/conditions.ts'
import {
  type CopySource,
  copyRangeOf,
  copySourceOf,
  findSource,
  isReplacing
} from '../validations/copy-source.ts'
import { checkCustomerKey } from '../validations/encryption.ts'
import { checkKey } from '../validations/key.ts'
import { partNumberOf, uploadChecksum } from '../validations/upload.ts'
import type { StoredObject } from '../versions.ts'
import { xmlDocument } from '../xml.ts'
import { uploadOf } from './uploads.ts'

export function copyObject(store: S3Store): S3Action {
  return async request => {
    const { bucket, key, header } = request
    checkKey(key)
    const requested = requestedObject(request, store.settingsOf(bucket), store.nowMs())
    const from = copySourceOf(header)
    const replacesMetadata = isReplacing(header, 'metadata')
    const replacesTags = isReplacing(header, 'tagging')
    const isItself = from.bucket === bucket && from.key === key && from.versionId === undefined
    if (isItself && !replacesMetadata && !replacesTags && requested.encryption === undefined) {
      throw new AwsError(
        'InvalidRequest',
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."
      )
    }
    const source = findSource(store, from, header)
    const bytes = await store.read(source)
    const { contentType, contentEncoding, metadata } = replacesMetadata ? requested : source
    const object = await store.putObject(bucket, key, bytes, {
      ...requested,
      contentType,
      contentEncoding,
      metadata,
      tags: replacesTags ? requested.tags : source.tags,
      checksum: checksumOfCopy(uploadChecksum(header)?.algorithm ?? source.checksum?.algorithm, bytes),
      conditions: putConditions(header)
    })
    return {
      status: 200,
      headers: {
        ...sourceHeaders(store, from, source),
        ...encryptionHeaders(object),
        ...versionHeaders(store.settingsOf(bucket), object)
      },
      body: xmlDocument('CopyObjectResult', {
        LastModified: new Date(object.modifiedMs).toISOString(),
        ETag: object.etag,
        ...checksumElements(checksumHeaders(object))
      })
    }
  }
}

export function uploadPartCopy(store: S3Store): S3Action {
  return async request => {
    const { bucket, header, query } = request
    const upload = uploadOf(store, request)
    checkCustomerKey(header, store.settingsOf(bucket))
    const number = partNumberOf(query.get('partNumber'))
    const from = copySourceOf(header)
    const source = findSource(store, from, header)
    const range = copyRangeOf(header, source.sizeBytes)
    const whole = await store.read(source)
    const bytes = range === undefined ? whole : whole.subarray(range.start, range.end + 1)
    const algorithm = upload.checksum?.algorithm
    const checksum = algorithm && checksumOf(algorithm, bytes)
    const part = await store.uploads.putPart(upload, number, bytes, checksum)
    return {
      status: 200,
      headers: { ...sourceHeaders(store, from, source), ...encryptionHeaders(upload.encryption) },
      body: xmlDocument('CopyPartResult', {
        LastModified: new Date(part.modifiedMs).toISOString(),
        ETag: part.etag,
        ...(algorithm === undefined ? {} : { [`Checksum${algorithm}`]: checksum })
      })
    }
  }
}

/** A copy has a checksum of all of its bytes, whatever the source was put in. */
function checksumOfCopy(algorithm: Checksum['algorithm'] | undefined, bytes: Buffer): Checksum | undefined {
  return algorithm === undefined || algorithm === 'CRC32'
    ? undefined
    : { algorithm, type: 'FULL_OBJECT', value: checksumOf(algorithm, bytes) }
}

function sourceHeaders(store: S3Store, { bucket }: CopySource, source: StoredObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(versionHeaders(store.settingsOf(bucket), source)).map(([, id]) => [
      'x-amz-copy-source-version-id',
      id
    ])
  )
}
