import { writersTo } from './delivery-streams.ts'
import type { AuditModel, AuditResource } from './model.ts'
import { knownListAt, resourceFor, resourcesOf, valueAt } from './readers.ts'

/** Buckets that hold data: all but those that take the access logs of others. */
export function dataBucketsOf(model: AuditModel): readonly AuditResource[] {
  return resourcesOf(model, 'AWS::S3::Bucket').filter(bucket => !isLogBucket(model, bucket))
}

function isLogBucket(model: AuditModel, bucket: AuditResource): boolean {
  return resourcesOf(model, 'AWS::S3::Bucket').some(
    each => each !== bucket && logBucketOf(model, each) === bucket
  )
}

/** The bucket of the model that takes another's access logs. */
export function logBucketOf(model: AuditModel, bucket: AuditResource): AuditResource | undefined {
  const name = valueAt(bucket.properties, 'LoggingConfiguration', 'DestinationBucketName')
  return resourceFor(model, name, 'AWS::S3::Bucket')
}

/** Whether a delivery stream delivers to it, rather than that it holds copies, failures or what Redshift loads. */
export function isSink(model: AuditModel, bucket: AuditResource): boolean {
  return writersTo(model, bucket).some(({ objects }) => objects.use === 'sink')
}

/** The rule of default encryption; S3 knows no more than one. */
export function encryptionRuleOf(bucket: AuditResource): unknown {
  const rules = valueAt(bucket.properties, 'BucketEncryption', 'ServerSideEncryptionConfiguration')
  return typeof rules === 'symbol' ? rules : knownListAt({ rules }, 'rules')[0]
}

/** Key of the default encryption. */
export function defaultKeyOf(bucket: AuditResource): unknown {
  return valueAt(encryptionRuleOf(bucket), 'ServerSideEncryptionByDefault', 'KMSMasterKeyID')
}
