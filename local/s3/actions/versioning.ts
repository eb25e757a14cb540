import { AwsError } from '../../aws-json.ts'
import type { S3Action } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import { checkDigests, malformedXml } from '../validations/checksum.ts'
import { xmlDocument } from '../xml.ts'
import { parseXml, textOf } from '../xml-reader.ts'

export function putBucketVersioning(store: S3Store): S3Action {
  return async ({ bucket, body, header }) => {
    checkDigests(body, header)
    const { objectLock } = store.settingsOf(bucket)
    const root = parseXml(body.toString('utf8'))
    if (root?.name !== 'VersioningConfiguration') throw malformedXml()
    const status = textOf(root, 'Status')
    if (status !== 'Enabled' && status !== 'Suspended') {
      throw new AwsError(
        'IllegalVersioningConfigurationException',
        'The Versioning element must be specified'
      )
    }
    if (textOf(root, 'MfaDelete') === 'Enabled') {
      throw new AwsError('NotImplemented', 'MFA delete is not implemented by the local engine', 501)
    }
    if (objectLock !== undefined && status === 'Suspended') {
      throw new AwsError(
        'InvalidBucketState',
        'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.',
        409
      )
    }
    store.changeSettings(bucket, { versioning: status })
    return { status: 200 }
  }
}

export function getBucketVersioning(store: S3Store): S3Action {
  return async ({ bucket }) => ({
    status: 200,
    body: xmlDocument('VersioningConfiguration', { Status: store.settingsOf(bucket).versioning })
  })
}
