import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { envelopeKeyArns, keyArn, oneOrMore, openingKeyArns, streamArn } from '../plan-arns.ts'
import type { PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { pinned, sealingContext, throughKinesis } from './conditions.ts'
import { policyOf } from './shared.ts'

/** Writes to the stream and wraps data keys; reads nothing and opens nothing. */
export function producerPolicy(plan: ResolvedPlan): PolicyDocument {
  return policyOf(
    pinned(plan, {
      Sid: 'WriteStream',
      Effect: 'Allow',
      Action: ['kinesis:PutRecords', 'kinesis:ListShards', 'kinesis:DescribeStreamSummary'],
      Resource: streamArn(plan)
    }),
    wrapping(plan),
    {
      Sid: 'StreamSseWrite',
      Effect: 'Allow',
      Action: ['kms:GenerateDataKey'],
      Resource: keyArn(plan, 'stream'),
      Condition: throughKinesis(plan)
    }
  )
}

function wrapping(plan: ResolvedPlan): readonly PolicyStatement[] {
  const keys = envelopeKeyArns(plan)
  if (keys.length === 0) return []
  return [
    pinned(plan, {
      Sid: 'WrapDataKeys',
      Effect: 'Allow',
      Action: ['kms:GenerateDataKey'],
      Resource: oneOrMore(keys),
      Condition: sealingContext(plan)
    }),
    ...wrappingForOthers(plan),
    {
      Sid: 'NeverOpen',
      Effect: 'Deny',
      Action: ['kms:Decrypt', 'kms:ReEncryptFrom', 'kms:CreateGrant'],
      Resource: oneOrMore(openingKeyArns(plan))
    }
  ]
}

/** A data key comes from the first key, and is encrypted under each of the others. */
function wrappingForOthers(plan: ResolvedPlan): readonly PolicyStatement[] {
  const { additionalKeys } = plan.sealing
  if (additionalKeys.length === 0) return []
  return [
    pinned(plan, {
      Sid: 'WrapUnderFurtherKeys',
      Effect: 'Allow',
      Action: ['kms:Encrypt'],
      Resource: oneOrMore(additionalKeys),
      Condition: sealingContext(plan)
    })
  ]
}
