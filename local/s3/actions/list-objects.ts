import type { S3Action } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import type { StoredObject } from '../versions.ts'
import { xmlDocument } from '../xml.ts'
import { commonPrefixOf, compareKeys, keyEncoderOf, pageSizeOf } from './listing.ts'

/** ListObjectsV2. The continuation token is the last key or common prefix of the page, in base64url. */
export function listObjects(store: S3Store): S3Action {
  return async ({ bucket, query }) => {
    const prefix = query.get('prefix') ?? ''
    const delimiter = query.get('delimiter') ?? ''
    const maxKeys = pageSizeOf(query, 'max-keys')
    const token = query.get('continuation-token')
    const after =
      token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString()

    const contents: StoredObject[] = []
    const commonPrefixes: string[] = []
    let last = ''
    let truncated = false
    for (const key of sortedKeys(store, bucket)) {
      if (!key.startsWith(prefix)) continue
      const common = commonPrefixOf(key, prefix, delimiter)
      const entry = common ?? key
      if (entry === last || (after !== '' && compareKeys(entry, after) <= 0)) continue
      if (contents.length + commonPrefixes.length >= maxKeys) {
        truncated = maxKeys > 0
        break
      }
      if (common === undefined) contents.push(store.find(bucket, key))
      else commonPrefixes.push(common)
      last = entry
    }
    const encode = keyEncoderOf(query)
    return {
      status: 200,
      body: xmlDocument('ListBucketResult', {
        Name: bucket,
        Prefix: encode(prefix),
        ...(delimiter === '' ? {} : { Delimiter: encode(delimiter) }),
        MaxKeys: maxKeys,
        KeyCount: contents.length + commonPrefixes.length,
        IsTruncated: truncated,
        ...(token === null ? {} : { ContinuationToken: token }),
        ...(truncated ? { NextContinuationToken: Buffer.from(last).toString('base64url') } : {}),
        Contents: contents.map(({ key, modifiedMs, etag, sizeBytes }) => ({
          Key: encode(key),
          LastModified: new Date(modifiedMs).toISOString(),
          ETag: etag,
          Size: sizeBytes,
          StorageClass: 'STANDARD'
        })),
        CommonPrefixes: commonPrefixes.map(entry => ({ Prefix: encode(entry) }))
      })
    }
  }
}

function sortedKeys(store: S3Store, bucket: string): string[] {
  return [...store.objectsOf(bucket).keys()].sort(compareKeys)
}
