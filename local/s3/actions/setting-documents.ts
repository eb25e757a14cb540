import { AwsError } from '../../aws-json.ts'
import type { SettingDocument } from '../bucket-settings.ts'
import type { S3Action } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import { checkDigests } from '../validations/checksum.ts'
import { checkedDocument, documentKinds } from '../validations/setting-documents.ts'
import { xmlDocument } from '../xml.ts'

export function putDocument(store: S3Store, document: SettingDocument): S3Action {
  return async ({ bucket, body, header }) => {
    checkDigests(body, header)
    store.settingsOf(bucket)
    const kept = checkedDocument(document, body.toString('utf8'), {
      hasBucket: name => store.hasBucket(name)
    })
    changeDocument(store, bucket, document, kept)
    return { status: document === 'tagging' ? 204 : 200 }
  }
}

export function getDocument(store: S3Store, document: SettingDocument): S3Action {
  return async ({ bucket }) => {
    const { root, missing } = documentKinds[document]
    const kept = store.settingsOf(bucket).documents[document]
    if (kept !== undefined) return { status: 200, body: kept }
    if (missing === undefined) return { status: 200, body: xmlDocument(root, '') }
    throw new AwsError(...missing, 404, { BucketName: bucket })
  }
}

export function deleteDocument(store: S3Store, document: SettingDocument): S3Action {
  return async ({ bucket }) => {
    changeDocument(store, bucket, document, undefined)
    return { status: 204 }
  }
}

function changeDocument(
  store: S3Store,
  bucket: string,
  document: SettingDocument,
  kept: string | undefined
): void {
  const { [document]: _, ...others } = store.settingsOf(bucket).documents
  store.changeSettings(bucket, { documents: kept === undefined ? others : { ...others, [document]: kept } })
}
