import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { oneOrMore } from '../plan-arns.ts'
import { streamReaderArns, streamWriterArns } from '../plan-readers.ts'
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
      Principal: { AWS: oneOrMore(streamWriterArns(plan)) },
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
