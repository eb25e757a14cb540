import type { AuthorizeRequest } from '../../authorization.ts'
import { AwsError } from '../../aws-json.ts'
import type { S3Action, S3Request } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import { checkDigests, malformedXml } from '../validations/checksum.ts'
import { bypassesGovernance } from '../validations/object-lock.ts'
import { checkVersionId } from '../validations/version-id.ts'
import { type XmlContent, xmlDocument } from '../xml.ts'
import { childrenOf, parseXml, textOf, type XmlElement } from '../xml-reader.ts'

const mostKeys = 1_000

/**
 * Of several objects, or versions of them: one that is refused keeps no other from going. `authorize` is asked for each
 * as for a deletion of its own.
 */
export function deleteObjects(store: S3Store, authorize?: AuthorizeRequest<S3Request>): S3Action {
  return async request => {
    const { bucket, body, header, principal } = request
    checkDigests(body, header)
    store.objectsOf(bucket)
    const root = parseXml(body.toString('utf8'))
    const targets = root?.name === 'Delete' ? childrenOf(root, 'Object').map(targetOf) : []
    if (targets.length === 0 || targets.length > mostKeys) throw malformedXml()
    const deleted: XmlContent[] = []
    const errors: XmlContent[] = []
    for (const { key, versionId } of targets) {
      const query = new URLSearchParams(versionId === undefined ? {} : { versionId })
      const named = { Key: key, ...(versionId === undefined ? {} : { VersionId: versionId }) }
      try {
        if (versionId !== undefined) checkVersionId(versionId)
        await authorize?.('DeleteObject', { ...request, key, query }, principal)
        const outcome = store.deleteObject(bucket, key, {
          versionId,
          bypassesGovernance: bypassesGovernance(header)
        })
        deleted.push({
          ...named,
          ...(outcome.isDeleteMarker
            ? { DeleteMarker: true, DeleteMarkerVersionId: outcome.versionId ?? 'null' }
            : {})
        })
      } catch (error) {
        if (!(error instanceof AwsError)) throw error
        errors.push({ ...named, Code: error.type, Message: error.message })
      }
    }
    const isQuiet = textOf(root, 'Quiet') === 'true'
    return {
      status: 200,
      body: xmlDocument('DeleteResult', { Deleted: isQuiet ? [] : deleted, Error: errors })
    }
  }
}

function targetOf(object: XmlElement): { readonly key: string; readonly versionId: string | undefined } {
  const key = textOf(object, 'Key')
  if (key === undefined) throw malformedXml()
  return { key, versionId: textOf(object, 'VersionId') }
}
