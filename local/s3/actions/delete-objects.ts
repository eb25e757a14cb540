import { AwsError } from '../../aws-json.ts'
import type { S3Action } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import { checkDigests, malformedXml } from '../validations/checksum.ts'
import { checkVersionId } from '../validations/version-id.ts'
import { type XmlContent, xmlDocument } from '../xml.ts'
import { childrenOf, parseXml, textOf } from '../xml-reader.ts'

const mostKeys = 1_000

/** Of several objects, or versions of them: one that is refused keeps no other from going. */
export function deleteObjects(store: S3Store): S3Action {
  return async ({ bucket, body, header }) => {
    checkDigests(body, header)
    store.objectsOf(bucket)
    const root = parseXml(body.toString('utf8'))
    const targets = root?.name === 'Delete' ? childrenOf(root, 'Object') : []
    if (targets.length === 0 || targets.length > mostKeys) throw malformedXml()
    const bypassesGovernance = header('x-amz-bypass-governance-retention')?.toLowerCase() === 'true'
    const deleted: XmlContent[] = []
    const errors: XmlContent[] = []
    for (const target of targets) {
      const key = textOf(target, 'Key')
      if (key === undefined) throw malformedXml()
      const versionId = textOf(target, 'VersionId')
      const named = { Key: key, ...(versionId === undefined ? {} : { VersionId: versionId }) }
      try {
        if (versionId !== undefined) checkVersionId(versionId)
        const outcome = store.deleteObject(bucket, key, { versionId, bypassesGovernance })
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
