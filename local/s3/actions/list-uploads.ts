import { nameEncodingOf } from '../name-encoding.ts'
import type { S3Action } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import type { Upload } from '../uploads.ts'
import { countOf } from '../validations/upload.ts'
import { xmlDocument } from '../xml.ts'
import { commonPrefixOf, compareKeys, owner, pageSizeOf } from './listing.ts'
import { uploadOf } from './uploads.ts'

/** ListParts, in the order of the part numbers. */
export function listParts(store: S3Store): S3Action {
  return async request => {
    const { bucket, key, query } = request
    const upload = uploadOf(store, request)
    const maxParts = pageSizeOf(query, 'max-parts')
    const marker = countOf(query, 'part-number-marker', 0)
    const rest = [...upload.parts.values()]
      .filter(({ number }) => number > marker)
      .sort((a, b) => a.number - b.number)
    const page = rest.slice(0, maxParts)
    const { checksum } = upload
    return {
      status: 200,
      body: xmlDocument('ListPartsResult', {
        Bucket: bucket,
        Key: key,
        UploadId: upload.id,
        PartNumberMarker: marker,
        NextPartNumberMarker: page.at(-1)?.number ?? 0,
        MaxParts: maxParts,
        IsTruncated: maxParts > 0 && rest.length > page.length,
        Initiator: owner,
        Owner: owner,
        StorageClass: 'STANDARD',
        ...checksumElements(upload),
        Part: page.map(({ number, modifiedMs, etag, sizeBytes, checksum: value }) => ({
          PartNumber: number,
          LastModified: new Date(modifiedMs).toISOString(),
          ETag: etag,
          Size: sizeBytes,
          ...(checksum === undefined ? {} : { [`Checksum${checksum.algorithm}`]: value })
        }))
      })
    }
  }
}

/** ListMultipartUploads, by key in the order of the bytes, and of one key the oldest first. */
export function listUploads(store: S3Store): S3Action {
  return async ({ bucket, query }) => {
    store.objectsOf(bucket)
    const { encode, told } = nameEncodingOf(query)
    const prefix = query.get('prefix') ?? ''
    const delimiter = query.get('delimiter') ?? ''
    const keyMarker = query.get('key-marker') ?? ''
    // It counts beside a key alone.
    const idMarker = keyMarker === '' ? '' : (query.get('upload-id-marker') ?? '')
    const maxUploads = pageSizeOf(query, 'max-uploads')

    const uploads: Upload[] = []
    const commonPrefixes: string[] = []
    let last = { entry: '', id: '' }
    let truncated = false
    for (const upload of sorted(store.uploads.ofBucket(bucket))) {
      const { key, id } = upload
      if (!key.startsWith(prefix)) continue
      const common = commonPrefixOf(key, prefix, delimiter)
      const entry = common ?? key
      if (common === last.entry) continue
      const order = compareKeys(entry, keyMarker)
      if (keyMarker !== '' && (order < 0 || (order === 0 && (idMarker === '' || id <= idMarker)))) continue
      if (uploads.length + commonPrefixes.length >= maxUploads) {
        truncated = maxUploads > 0
        break
      }
      if (common === undefined) uploads.push(upload)
      else commonPrefixes.push(common)
      last = { entry, id: common === undefined ? id : '' }
    }
    return {
      status: 200,
      body: xmlDocument('ListMultipartUploadsResult', {
        Bucket: bucket,
        KeyMarker: encode(keyMarker),
        UploadIdMarker: idMarker,
        ...(truncated ? { NextKeyMarker: encode(last.entry), NextUploadIdMarker: last.id } : {}),
        Prefix: encode(prefix),
        ...(delimiter === '' ? {} : { Delimiter: encode(delimiter) }),
        MaxUploads: maxUploads,
        ...told,
        IsTruncated: truncated,
        Upload: uploads.map(upload => ({
          Key: encode(upload.key),
          UploadId: upload.id,
          Initiator: owner,
          Owner: owner,
          StorageClass: 'STANDARD',
          Initiated: new Date(upload.startedMs).toISOString(),
          ...checksumElements(upload)
        })),
        CommonPrefixes: commonPrefixes.map(entry => ({ Prefix: encode(entry) }))
      })
    }
  }
}

function checksumElements({ checksum }: Upload): Record<string, string> {
  return checksum === undefined ? {} : { ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type }
}

function sorted(uploads: readonly Upload[]): Upload[] {
  return [...uploads].sort((a, b) => compareKeys(a.key, b.key) || compareKeys(a.id, b.id))
}
