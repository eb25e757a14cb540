import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { oneOrMore, roleArn, roleIds } from '../plan-arns.ts'
import { streamReaderArns } from '../plan-readers.ts'
import type { PolicyDocument } from '../policy-document.ts'
import { throughKinesis } from './conditions.ts'
import { administering } from './key-administration.ts'
import { policyOf } from './shared.ts'

/** The key of the stream at rest: used by Kinesis for this stream, on behalf of those who write and read it. */
export function streamKeyPolicy(plan: ResolvedPlan): PolicyDocument {
  const shared = { Effect: 'Allow', Resource: '*', Condition: throughKinesis(plan) } as const
  return policyOf(
    administering(plan),
    {
      Sid: 'WriteThroughKinesis',
      Principal: { AWS: roleArn(roleIds.producer) },
      Action: ['kms:GenerateDataKey'],
      ...shared
    },
    {
      Sid: 'ReadThroughKinesis',
      Principal: { AWS: oneOrMore(streamReaderArns(plan)) },
      Action: ['kms:Decrypt'],
      ...shared
    }
  )
}
