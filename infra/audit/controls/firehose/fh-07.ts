import { defaultKeyOf, encryptionRuleOf } from '../../buckets.ts'
import type { Control } from '../../control.ts'
import { type DeliveryObjects, deliveryStreamsOf, objectsOf, unknownPartsOf } from '../../delivery-streams.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import { demandCustomerKey, isSameKey, keyFor } from '../../keys.ts'
import type { AuditModel } from '../../model.ts'
import { ask, principalOf } from '../../questions.ts'
import { isTrue, resourceFor, valueAt } from '../../readers.ts'
import { urlSuffixOf } from '../../template/resource-names.ts'

export const fh07: Control = {
  id: 'FH-07',
  severity: 'high',
  title:
    'Every object that Firehose writes names the key of its bucket: delivered, staged, backed up or failed.',
  rationale:
    'What Redshift copies from and what could not be delivered are as readable as what was. A place without a key of its ' +
    'own, or with another than its bucket has, is outside of what the key policies say.',
  fix: 'Set EncryptionConfiguration.KMSEncryptionConfig.AWSKMSKeyARN to the sink key on each S3 configuration.',
  kind: 'resources',
  sources: { statements: [18, 38] },
  evaluate: model =>
    deliveryStreamsOf(model)
      .filter(stream => objectsOf(stream).length + unknownPartsOf(stream).length > 0)
      .map(stream =>
        judge(
          stream,
          [...unknownPartsOf(stream), ...objectsOf(stream).flatMap(objects => problemsOf(model, objects))],
          `encrypted with the key of the bucket: ${objectsOf(stream)
            .map(({ path }) => path)
            .join(', ')}`
        )
      )
}

function problemsOf(
  model: AuditModel,
  { path, configuration }: DeliveryObjects
): readonly (Problem | undefined)[] {
  const key = valueAt(configuration, 'EncryptionConfiguration', 'KMSEncryptionConfig', 'AWSKMSKeyARN')
  const named = demandCustomerKey(model, `the key of ${path}`, key)
  if (named !== undefined) return [named]
  const bucket = resourceFor(model, configuration.BucketARN, 'AWS::S3::Bucket')
  if (bucket === undefined) return []
  const bucketKey = defaultKeyOf(bucket)
  const isSame = bucketKey === undefined ? true : isSameKey(model, key, bucketKey)
  return [
    isSame === false ? wrong(`${path} names another key than ${bucket.id} has`) : undefined,
    isSame === undefined
      ? unknown(`whether ${path} names the key of ${bucket.id} cannot be told`)
      : undefined,
    usable(model, path, {
      roleArn: configuration.RoleARN,
      key,
      // With a Bucket Key S3 asks for the bucket, without one for each object.
      objectArn: isTrue(valueAt(encryptionRuleOf(bucket), 'BucketKeyEnabled'))
        ? bucket.arn
        : `${bucket.arn}/${String(configuration.Prefix ?? '')}object`
    })
  ]
}

/** A right that is bound to the other form of the context lets no delivery through. */
function usable(
  model: AuditModel,
  path: string,
  { roleArn, key, objectArn }: { roleArn: unknown; key: unknown; objectArn: string }
): Problem | undefined {
  const role = resourceFor(model, roleArn, 'AWS::IAM::Role')
  const resource = keyFor(model, key)
  if (role === undefined || resource === undefined) return undefined
  const answer = ask(model, {
    principal: principalOf(role.arn),
    action: 'kms:GenerateDataKey',
    resource: resource.arn,
    context: {
      'kms:ViaService': `s3.${model.region}.${urlSuffixOf(model)}`,
      'kms:CallerAccount': model.accountId,
      'kms:EncryptionContext:aws:s3:arn': objectArn
    }
  })
  if (answer === 'unknown') return unknown(`whether ${role.id} may use ${resource.id} cannot be told`)
  return answer === 'deny'
    ? wrong(`${role.id} may not use ${resource.id} with the context that S3 sends for ${path}`)
    : undefined
}
