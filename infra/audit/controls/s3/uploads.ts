import { defaultKeyOf } from '../../buckets.ts'
import { keyFor } from '../../keys.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import {
  type Answer,
  ask,
  circumstancesOf,
  everyRight,
  foreignAccount,
  principalsToldApart
} from '../../questions.ts'

/** How an upload may come: what its headers say of encryption. */
export type UploadHeaders = 'right' | 'none' | 'sseS3' | 'twoLayers' | 'otherKey' | 'customerKey'

const algorithmKey = 's3:x-amz-server-side-encryption'
const keyKey = 's3:x-amz-server-side-encryption-aws-kms-key-id'

/**
 * Answers to uploads by everybody, in every circumstance in which one with the right headers, or else without any, is let
 * through: whoever may not upload at all tells nothing about headers. Empty where nobody may.
 */
export function uploadAnswers(
  model: AuditModel,
  bucket: AuditResource
): readonly Readonly<Record<UploadHeaders, Answer>>[] {
  const policy = model.resourcePolicies.get(bucket.arn)
  const contexts = Object.entries(contextsOf(model, bucket))
  return principalsToldApart(model, policy)
    .flatMap(principal =>
      circumstancesOf(policy).map(circumstance => {
        const answers = contexts.map(([headers, context]) => [
          headers,
          ask(model, {
            principal,
            action: 's3:PutObject',
            resource: `${bucket.arn}/any/object`,
            identity: [everyRight],
            context: { ...circumstance, ...context }
          })
        ])
        return Object.fromEntries(answers) as Record<UploadHeaders, Answer>
      })
    )
    .filter(({ right, none }) => right !== 'deny' || none !== 'deny')
}

/** S3 tells policies of a header that an upload has, and nothing of one that it does not have. */
function contextsOf(
  model: AuditModel,
  bucket: AuditResource
): Readonly<Record<UploadHeaders, Record<string, string>>> {
  const { partition, region, accountId } = model
  const reference = defaultKeyOf(bucket)
  const key =
    keyFor(model, reference)?.arn ??
    (typeof reference === 'string' ? reference : `arn:${partition}:kms:${region}:${accountId}:key/default`)
  const otherKey = `arn:${partition}:kms:${region}:${foreignAccount(model)}:key/another`
  return {
    right: { [algorithmKey]: 'aws:kms', [keyKey]: key },
    none: {},
    sseS3: { [algorithmKey]: 'AES256' },
    twoLayers: { [algorithmKey]: 'aws:kms:dsse', [keyKey]: key },
    otherKey: { [algorithmKey]: 'aws:kms', [keyKey]: otherKey },
    customerKey: { 's3:x-amz-server-side-encryption-customer-algorithm': 'AES256' }
  }
}
