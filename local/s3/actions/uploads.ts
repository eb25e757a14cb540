import { AwsError } from '../../aws-json.ts'
import { checksumHeader, checksumOf } from '../checksum.ts'
import { encryptionHeaders } from '../encryption.ts'
import { checksumElements, checksumHeaders, requestedObject, versionHeaders } from '../object-headers.ts'
import type { S3Action, S3Request } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import type { StoredPart, Upload } from '../uploads.ts'
import { badChecksum, checkDigests, givenChecksum } from '../validations/checksum.ts'
import { putConditions } from '../validations/conditions.ts'
import { checkCustomerKey } from '../validations/encryption.ts'
import { checkKey } from '../validations/key.ts'
import {
  checkExpectedChecksum,
  checkExpectedSize,
  checkPartChecksum,
  type NamedPart,
  namedParts,
  partNumberOf,
  uploadChecksum
} from '../validations/upload.ts'
import { xmlDocument } from '../xml.ts'

/** Of every part but the last. */
const minPartBytes = 5 * 1024 * 1024

export function createUpload(store: S3Store): S3Action {
  return async request => {
    const { bucket, key, header } = request
    const requested = requestedObject(request, store.settingsOf(bucket), store.nowMs())
    checkKey(key)
    const checksum = uploadChecksum(header)
    const encryption = await store.encrypt(bucket, key, requested)
    // KMS may have taken a while.
    store.objectsOf(bucket)
    const upload = store.uploads.start({ ...requested, bucket, key, encryption, checksum })
    return {
      status: 200,
      headers: {
        ...encryptionHeaders(upload.encryption),
        ...(checksum === undefined
          ? {}
          : { 'x-amz-checksum-algorithm': checksum.algorithm, 'x-amz-checksum-type': checksum.type })
      },
      body: xmlDocument('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: upload.id })
    }
  }
}

export function uploadPart(store: S3Store): S3Action {
  return async request => {
    const { bucket, body, header, query } = request
    const upload = uploadOf(store, request)
    checkCustomerKey(header, store.settingsOf(bucket))
    const number = partNumberOf(query.get('partNumber'))
    const given = checkDigests(body, header)
    checkPartChecksum(upload, given)
    const algorithm = upload.checksum?.algorithm
    const part = await store.uploads.putPart(
      upload,
      number,
      body,
      algorithm && (given?.value ?? checksumOf(algorithm, body))
    )
    return {
      status: 200,
      headers: {
        etag: part.etag,
        ...encryptionHeaders(upload.encryption),
        ...(given === undefined ? {} : { [checksumHeader(given.algorithm)]: given.value })
      }
    }
  }
}

export function completeUpload(store: S3Store): S3Action {
  return async request => {
    const { bucket, key, body, header, origin } = request
    const upload = uploadOf(store, request)
    const expected = givenChecksum(header)
    checkExpectedChecksum(upload, expected)
    const parts = chosenParts(upload, namedParts(body.toString('utf8'), upload))
    checkExpectedSize(
      header,
      parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    )
    const object = await store.completeUpload(upload, parts, {
      conditions: putConditions(header),
      check: checksum => {
        if (expected === undefined || checksum === undefined) return
        if (checksum.value.split('-')[0] !== expected.value.split('-')[0]) {
          throw badChecksum(expected.algorithm)
        }
      }
    })
    return {
      status: 200,
      headers: { ...encryptionHeaders(object), ...versionHeaders(store.settingsOf(bucket), object) },
      body: xmlDocument('CompleteMultipartUploadResult', {
        Location: `${origin}/${bucket}/${encodeURIComponent(key)}`,
        Bucket: bucket,
        Key: key,
        ETag: object.etag,
        ...checksumElements(checksumHeaders(object))
      })
    }
  }
}

export function abortUpload(store: S3Store): S3Action {
  return async request => {
    await store.uploads.abort(uploadOf(store, request))
    return { status: 204 }
  }
}

export function uploadOf(store: S3Store, { bucket, key, query }: S3Request): Upload {
  store.objectsOf(bucket)
  return store.uploads.find(bucket, key, query.get('uploadId') ?? '')
}

/** @throws {AwsError} unless the parts that are named are there, in order, and large enough */
function chosenParts(upload: Upload, named: readonly NamedPart[]): readonly StoredPart[] {
  named.forEach(({ number }, index) => {
    if (index > 0 && number <= named[index - 1]!.number) {
      throw new AwsError(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. Parts must be ordered by part number.',
        400,
        { UploadId: upload.id }
      )
    }
  })
  const parts = named.map(part => storedPart(upload, part))
  for (const { number, sizeBytes, etag } of parts.slice(0, -1)) {
    if (sizeBytes < minPartBytes) {
      throw new AwsError(
        'EntityTooSmall',
        'Your proposed upload is smaller than the minimum allowed size',
        400,
        { ProposedSize: sizeBytes, MinSizeAllowed: minPartBytes, PartNumber: number, ETag: etag }
      )
    }
  }
  return parts
}

function storedPart(upload: Upload, { number, etag, checksum }: NamedPart): StoredPart {
  const part = upload.parts.get(number)
  if (
    part === undefined ||
    part.etag.slice(1, -1) !== etag.replaceAll('"', '') ||
    (checksum !== undefined && checksum !== part.checksum)
  ) {
    throw new AwsError(
      'InvalidPart',
      "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
      400,
      { UploadId: upload.id, PartNumber: number, ETag: etag }
    )
  }
  if (upload.checksum?.type === 'COMPOSITE' && checksum === undefined) {
    throw new AwsError(
      'InvalidRequest',
      `The upload was created using a ${upload.checksum.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`
    )
  }
  return part
}
