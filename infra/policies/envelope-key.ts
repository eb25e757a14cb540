import type { ResolvedPlan, ResolvedTenant } from '../../pipeline/plan.ts'
import { oneOrMore, roleArn, roleIds } from '../plan-arns.ts'
import { envelopeReaderArns } from '../plan-readers.ts'
import type { PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { foreignContext, sealingContext } from './conditions.ts'
import { administering } from './key-administration.ts'
import { policyOf } from './shared.ts'

/**
 * The key that wraps data keys, that of one tenant, or one under which data keys are encrypted besides: the producer wraps, the readers unwrap, each with the pipeline's
 * context and by itself. The denials hold against IAM, whatever is allowed there.
 */
export function envelopeKeyPolicy(
  plan: ResolvedPlan,
  tenant?: ResolvedTenant,
  wraps: 'kms:GenerateDataKey' | 'kms:Encrypt' = 'kms:GenerateDataKey'
): PolicyDocument {
  const producer = roleArn(roleIds.producer)
  const readers = envelopeReaderArns(plan)
  const context = sealingContext(plan, tenant)
  const denied = { Effect: 'Deny', Principal: '*', Resource: '*' } as const
  const [administer, ...others] = administering(plan)
  const unwrap: PolicyStatement = {
    Sid: 'ReadersUnwrap',
    Effect: 'Allow',
    Principal: { AWS: oneOrMore(readers) },
    Action: ['kms:Decrypt'],
    Resource: '*',
    Condition: context
  }
  return policyOf(
    administer!,
    {
      Sid: 'ProducerWraps',
      Effect: 'Allow',
      Principal: { AWS: producer },
      Action: [wraps],
      Resource: '*',
      Condition: context
    },
    readers.length === 0 ? [] : unwrap,
    {
      Sid: 'OnlyWithContext',
      ...denied,
      Action: [
        'kms:Encrypt',
        'kms:Decrypt',
        'kms:GenerateDataKey',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo'
      ],
      Condition: foreignContext(plan)
    },
    {
      Sid: 'WrapOnlyByProducer',
      ...denied,
      Action: [
        'kms:Encrypt',
        'kms:GenerateDataKey',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:ReEncryptTo'
      ],
      Condition: { ArnNotEquals: { 'aws:PrincipalArn': producer } }
    },
    {
      Sid: 'UnwrapOnlyByReaders',
      ...denied,
      Action: ['kms:Decrypt', 'kms:ReEncryptFrom'],
      ...(readers.length === 0
        ? {}
        : { Condition: { ArnNotEquals: { 'aws:PrincipalArn': oneOrMore(readers) } } })
    },
    { Sid: 'NoGrants', ...denied, Action: ['kms:CreateGrant'] },
    others
  )
}
