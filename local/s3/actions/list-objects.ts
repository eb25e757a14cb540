import { AwsError } from '../../aws-json.ts'
import type { S3Action } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import type { StoredObject } from '../versions.ts'
import { xmlDocument } from '../xml.ts'

const mostKeys = 1_000

/** ListObjectsV2. The continuation token is the last key or common prefix of the page, in base64url. */
export function listObjects(store: S3Store): S3Action {
  return async ({ bucket, query }) => {
    const prefix = query.get('prefix') ?? ''
    const delimiter = query.get('delimiter') ?? ''
    const maxKeys = keysPerPage(query.get('max-keys'))
    const token = query.get('continuation-token')
    const after =
      token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString()

    const contents: StoredObject[] = []
    const commonPrefixes: string[] = []
    let last = ''
    let truncated = false
    for (const key of sortedKeys(store, bucket)) {
      if (!key.startsWith(prefix)) continue
      const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
      const entry = end < 0 ? key : key.slice(0, end + delimiter.length)
      if (entry === last || (after !== '' && compare(entry, after) <= 0)) continue
      if (contents.length + commonPrefixes.length >= maxKeys) {
        truncated = maxKeys > 0
        break
      }
      if (end < 0) contents.push(store.find(bucket, key))
      else commonPrefixes.push(entry)
      last = entry
    }
    const encode = query.get('encoding-type') === 'url' ? encodeURIComponent : (text: string) => text
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

function keysPerPage(text: string | null): number {
  if (text === null) return mostKeys
  if (!/^\d{1,9}$/.test(text))
    throw new AwsError('InvalidArgument', 'Provided max-keys not an integer or within integer range')
  return Math.min(mostKeys, Number(text))
}

/** S3 lists in the order of the UTF-8 bytes. */
function sortedKeys(store: S3Store, bucket: string): string[] {
  return [...store.objectsOf(bucket).keys()].sort(compare)
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
