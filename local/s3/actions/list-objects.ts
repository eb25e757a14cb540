import { type NameEncoding, nameEncodingOf } from '../name-encoding.ts'
import type { S3Action } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import type { StoredObject } from '../versions.ts'
import { type XmlContent, xmlDocument } from '../xml.ts'
import { commonPrefixOf, compareKeys, owner, pageSizeOf } from './listing.ts'

/** ListObjects, the older one: a page begins behind the marker, which clients take from the page before. */
export function listObjectsByMarker(store: S3Store): S3Action {
  return async ({ bucket, query }) => {
    const { encode } = nameEncodingOf(query)
    const marker = query.get('marker') ?? ''
    const page = pageOf(store, bucket, query, marker)
    return {
      status: 200,
      body: xmlDocument('ListBucketResult', {
        ...commonElements(bucket, query, page),
        Marker: encode(marker),
        // Without a delimiter the last key is the next marker.
        ...(page.isTruncated && query.get('delimiter') ? { NextMarker: encode(page.last) } : {}),
        Contents: page.contents.map(object => ({ ...objectElements(object, encode), Owner: owner }))
      })
    }
  }
}

/** ListObjectsV2. The continuation token is the last key or common prefix of the page, in base64url. */
export function listObjects(store: S3Store): S3Action {
  return async ({ bucket, query }) => {
    const { encode } = nameEncodingOf(query)
    const token = query.get('continuation-token')
    const startAfter = query.get('start-after')
    const after = token === null ? (startAfter ?? '') : Buffer.from(token, 'base64url').toString()
    const page = pageOf(store, bucket, query, after)
    return {
      status: 200,
      body: xmlDocument('ListBucketResult', {
        ...commonElements(bucket, query, page),
        KeyCount: page.contents.length + page.commonPrefixes.length,
        ...(startAfter === null ? {} : { StartAfter: encode(startAfter) }),
        ...(token === null ? {} : { ContinuationToken: token }),
        ...(page.isTruncated ? { NextContinuationToken: Buffer.from(page.last).toString('base64url') } : {}),
        Contents: page.contents.map(object => objectElements(object, encode))
      })
    }
  }
}

interface Page {
  readonly contents: readonly StoredObject[]
  readonly commonPrefixes: readonly string[]
  readonly maxKeys: number
  /** Key or common prefix. */
  readonly last: string
  readonly isTruncated: boolean
}

function pageOf(store: S3Store, bucket: string, query: URLSearchParams, after: string): Page {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const maxKeys = pageSizeOf(query, 'max-keys')
  const contents: StoredObject[] = []
  const commonPrefixes: string[] = []
  let last = ''
  let isTruncated = false
  for (const key of sortedKeys(store, bucket)) {
    if (!key.startsWith(prefix)) continue
    const common = commonPrefixOf(key, prefix, delimiter)
    const entry = common ?? key
    if (entry === last || (after !== '' && compareKeys(entry, after) <= 0)) continue
    if (contents.length + commonPrefixes.length >= maxKeys) {
      isTruncated = maxKeys > 0
      break
    }
    if (common === undefined) contents.push(store.find(bucket, key))
    else commonPrefixes.push(common)
    last = entry
  }
  return { contents, commonPrefixes, maxKeys, last, isTruncated }
}

/** What both versions of the operation tell. */
function commonElements(bucket: string, query: URLSearchParams, page: Page): Record<string, XmlContent> {
  const { encode, told } = nameEncodingOf(query)
  const delimiter = query.get('delimiter') ?? ''
  return {
    Name: bucket,
    Prefix: encode(query.get('prefix') ?? ''),
    ...(delimiter === '' ? {} : { Delimiter: encode(delimiter) }),
    MaxKeys: page.maxKeys,
    ...told,
    IsTruncated: page.isTruncated,
    CommonPrefixes: page.commonPrefixes.map(entry => ({ Prefix: encode(entry) }))
  }
}

function objectElements(
  { key, modifiedMs, etag, sizeBytes }: StoredObject,
  encode: NameEncoding['encode']
): Record<string, XmlContent> {
  return {
    Key: encode(key),
    LastModified: new Date(modifiedMs).toISOString(),
    ETag: etag,
    Size: sizeBytes,
    StorageClass: 'STANDARD'
  }
}

function sortedKeys(store: S3Store, bucket: string): string[] {
  return [...store.objectsOf(bucket).keys()].sort(compareKeys)
}
