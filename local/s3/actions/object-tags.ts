import { versionHeaders } from '../object-headers.ts'
import type { S3Action, S3Request } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import { checkDigests } from '../validations/checksum.ts'
import { tagsOfBody } from '../validations/tags.ts'
import { versionIdOf } from '../validations/version-id.ts'
import type { StoredObject, Tag } from '../versions.ts'
import { xmlDocument } from '../xml.ts'

export function putObjectTagging(store: S3Store): S3Action {
  return async request => {
    checkDigests(request.body, request.header)
    const object = find(store, request)
    replaceTags(store, request, object, tagsOfBody(request.body.toString('utf8')))
    return { status: 200, headers: versionHeaders(store.settingsOf(request.bucket), object) }
  }
}

export function getObjectTagging(store: S3Store): S3Action {
  return async request => {
    const object = find(store, request)
    const { tags = [] } = object
    return {
      status: 200,
      headers: versionHeaders(store.settingsOf(request.bucket), object),
      body: xmlDocument('Tagging', {
        TagSet: { Tag: tags.map(tag => ({ Key: tag.key, Value: tag.value })) }
      })
    }
  }
}

export function deleteObjectTagging(store: S3Store): S3Action {
  return async request => {
    const object = find(store, request)
    replaceTags(store, request, object, [])
    return { status: 204, headers: versionHeaders(store.settingsOf(request.bucket), object) }
  }
}

function find(store: S3Store, { bucket, key, query }: S3Request): StoredObject {
  return store.find(bucket, key, versionIdOf(query))
}

function replaceTags(
  store: S3Store,
  { bucket }: S3Request,
  object: StoredObject,
  tags: readonly Tag[]
): void {
  const { tags: _, ...untagged } = object
  store.describe(bucket, tags.length === 0 ? untagged : { ...untagged, tags })
}
