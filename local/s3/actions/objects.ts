import { AwsError } from '../../aws-json.ts'
import { checksumHeaders, encryptionHeaders, requestedObject } from '../object-headers.ts'
import type { S3Action } from '../protocol.ts'
import type { S3Store, StoredObject } from '../store.ts'
import { checkDigests, malformedXml } from '../validations/checksum.ts'
import { checkKey } from '../validations/key.ts'
import { textsOf, xmlDocument } from '../xml.ts'

export function putObject(store: S3Store): S3Action {
  return async request => {
    const { bucket, key, body, header } = request
    const given = checkDigests(body, header)
    if (header('x-amz-copy-source') !== undefined) {
      throw new AwsError('NotImplemented', 'CopyObject is not implemented by the local engine', 501)
    }
    checkKey(key)
    const object = await store.putObject(bucket, key, body, {
      ...requestedObject(request),
      checksum:
        given === undefined || given.algorithm === 'CRC32' ? undefined : { ...given, type: 'FULL_OBJECT' },
      ifAbsent: header('if-none-match') === '*'
    })
    return {
      status: 200,
      headers: { etag: object.etag, ...checksumHeaders(object), ...encryptionHeaders(object) }
    }
  }
}

export function getObject(store: S3Store): S3Action {
  return async ({ bucket, key, header }) => {
    const object = store.find(bucket, key)
    const bytes = await store.read(object)
    const range = rangeOf(header('range'), bytes.length)
    const headers = describe(object, range === undefined && header('x-amz-checksum-mode') === 'ENABLED')
    if (range === undefined) return { status: 200, headers, body: bytes }
    const { start, end } = range
    return {
      status: 206,
      headers: { ...headers, 'content-range': `bytes ${start}-${end}/${bytes.length}` },
      body: bytes.subarray(start, end + 1)
    }
  }
}

export function headObject(store: S3Store): S3Action {
  return async ({ bucket, key, header }) => {
    const object = store.find(bucket, key)
    const headers = describe(object, header('x-amz-checksum-mode') === 'ENABLED')
    return { status: 200, headers: { ...headers, 'content-length': String(object.sizeBytes) } }
  }
}

export function deleteObject(store: S3Store): S3Action {
  return async ({ bucket, key }) => {
    await store.deleteObject(bucket, key)
    return { status: 204 }
  }
}

export function deleteObjects(store: S3Store): S3Action {
  return async ({ bucket, body, header }) => {
    checkDigests(body, header)
    const text = body.toString('utf8')
    const keys = textsOf(text, 'Key')
    if (keys.length === 0 || keys.length > 1_000) {
      throw malformedXml()
    }
    for (const key of keys) await store.deleteObject(bucket, key)
    const quiet = textsOf(text, 'Quiet')[0] === 'true'
    return {
      status: 200,
      body: xmlDocument('DeleteResult', { Deleted: quiet ? [] : keys.map(Key => ({ Key })) })
    }
  }
}

function describe(object: StoredObject, withChecksum: boolean): Record<string, string> {
  return {
    etag: object.etag,
    'last-modified': new Date(object.modifiedMs).toUTCString(),
    'content-type': object.contentType,
    'accept-ranges': 'bytes',
    ...encryptionHeaders(object),
    ...(object.contentEncoding === undefined ? {} : { 'content-encoding': object.contentEncoding }),
    ...Object.fromEntries(
      Object.entries(object.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])
    ),
    ...(object.tags === undefined ? {} : { 'x-amz-tagging-count': String(object.tags.length) }),
    ...(withChecksum ? checksumHeaders(object) : {})
  }
}

/** The one range that a request may ask for, both ends inclusive; undefined for the whole object. */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  const [, first, last] = match
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(size - 1, Number(last))
  if (start >= size || start > end) {
    throw new AwsError('InvalidRange', 'The requested range is not satisfiable', 416)
  }
  return { start, end }
}
