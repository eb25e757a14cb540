import type { S3Action } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import { checkDigests } from '../validations/checksum.ts'
import { tagsOfBody } from '../validations/tags.ts'
import { xmlDocument } from '../xml.ts'

export function putObjectTagging(store: S3Store): S3Action {
  return async ({ bucket, key, body, header }) => {
    checkDigests(body, header)
    store.tagObject(store.find(bucket, key), bucket, tagsOfBody(body.toString('utf8')))
    return { status: 200 }
  }
}

export function getObjectTagging(store: S3Store): S3Action {
  return async ({ bucket, key }) => {
    const { tags = [] } = store.find(bucket, key)
    return {
      status: 200,
      body: xmlDocument('Tagging', {
        TagSet: { Tag: tags.map(tag => ({ Key: tag.key, Value: tag.value })) }
      })
    }
  }
}

export function deleteObjectTagging(store: S3Store): S3Action {
  return async ({ bucket, key }) => {
    store.tagObject(store.find(bucket, key), bucket, [])
    return { status: 204 }
  }
}
