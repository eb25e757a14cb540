import { AwsError } from '../../aws-json.ts'
import { nameEncodingOf } from '../name-encoding.ts'
import type { S3Action } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import { isDeleteMarker, type StoredObject, type Version } from '../versions.ts'
import { type XmlContent, xmlDocument } from '../xml.ts'
import { commonPrefixOf, compareKeys, owner, pageSizeOf } from './listing.ts'

/** ListObjectVersions, by key in the order of the bytes, and of one key the newest first. */
export function listVersions(store: S3Store): S3Action {
  return async ({ bucket, query }) => {
    const { encode, told } = nameEncodingOf(query)
    const prefix = query.get('prefix') ?? ''
    const delimiter = query.get('delimiter') ?? ''
    const keyMarker = query.get('key-marker') ?? ''
    const idMarker = query.get('version-id-marker') ?? ''
    const maxKeys = pageSizeOf(query, 'max-keys')
    if (keyMarker === '' && idMarker !== '') {
      throw new AwsError('InvalidArgument', 'A version-id marker cannot be specified without a key marker.')
    }

    const listed: { readonly version: Version; readonly isLatest: boolean }[] = []
    const commonPrefixes: string[] = []
    let last = { entry: '', id: '' }
    let truncated = false
    for (const { version, isLatest, isPast } of sorted(store.versionsOf(bucket), keyMarker, idMarker)) {
      const { key, versionId = 'null' } = version
      if (!key.startsWith(prefix)) continue
      const common = commonPrefixOf(key, prefix, delimiter)
      const entry = common ?? key
      if (
        common === undefined
          ? isPast
          : entry === last.entry || (keyMarker !== '' && compareKeys(entry, keyMarker) <= 0)
      ) {
        continue
      }
      if (listed.length + commonPrefixes.length >= maxKeys) {
        truncated = maxKeys > 0
        break
      }
      if (common === undefined) listed.push({ version, isLatest })
      else commonPrefixes.push(common)
      last = { entry, id: common === undefined ? versionId : '' }
    }
    return {
      status: 200,
      body: xmlDocument('ListVersionsResult', [
        {
          Name: bucket,
          Prefix: encode(prefix),
          KeyMarker: encode(keyMarker),
          VersionIdMarker: idMarker,
          ...(truncated ? { NextKeyMarker: encode(last.entry), NextVersionIdMarker: last.id } : {}),
          MaxKeys: maxKeys,
          ...(delimiter === '' ? {} : { Delimiter: encode(delimiter) }),
          ...told,
          IsTruncated: truncated
        },
        ...listed.map(({ version, isLatest }) => {
          const common = {
            Key: encode(version.key),
            VersionId: version.versionId ?? 'null',
            IsLatest: isLatest,
            LastModified: new Date(version.modifiedMs).toISOString(),
            Owner: owner
          }
          return isDeleteMarker(version)
            ? { DeleteMarker: common }
            : { Version: { ...common, ...objectElements(version) } }
        }),
        { CommonPrefixes: commonPrefixes.map(entry => ({ Prefix: encode(entry) })) }
      ])
    }
  }
}

function objectElements({ etag, sizeBytes, checksum }: StoredObject): Record<string, XmlContent> {
  return {
    ETag: etag,
    ChecksumAlgorithm: checksum?.algorithm ?? 'CRC32',
    ChecksumType: checksum?.type ?? 'FULL_OBJECT',
    Size: sizeBytes,
    StorageClass: 'STANDARD'
  }
}

/** `isPast`: it does not come behind the markers. A version that is gone leaves nothing of its key behind them. */
function* sorted(
  versions: ReadonlyMap<string, readonly Version[]>,
  keyMarker: string,
  idMarker: string
): Generator<{ readonly version: Version; readonly isLatest: boolean; readonly isPast: boolean }> {
  for (const key of [...versions.keys()].sort(compareKeys)) {
    const ofKey = versions.get(key)!
    const order = keyMarker === '' ? 1 : compareKeys(key, keyMarker)
    const at = idMarker === '' ? -1 : ofKey.findIndex(({ versionId = 'null' }) => versionId === idMarker)
    for (const [index, version] of ofKey.entries()) {
      const isPast = order < 0 || (order === 0 && (at < 0 || index <= at))
      yield { version, isLatest: index === 0, isPast }
    }
  }
}
