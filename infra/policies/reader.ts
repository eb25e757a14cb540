import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { functionLogGroup, keyArn, logGroupArn, queueArn, streamArn } from '../plan-arns.ts'
import type { MappedFunction } from '../plan-readers.ts'
import type { PolicyDocument } from '../policy-document.ts'
import { throughSqs } from './conditions.ts'
import { inNetwork } from './function.ts'
import {
  checkpointing,
  findingAssignedLeases,
  neverWrapping,
  policyOf,
  readingLeases,
  readingSealedStream,
  readingStream,
  unwrapping
} from './shared.ts'

/*
 * Policies of readers besides our own. To roles that are there already a template attaches nothing.
 */

/** Of a function with the stream as event source: no lease table, but a queue for what Lambda gives up. */
export function lambdaPolicy(plan: ResolvedPlan, mapped: MappedFunction): PolicyDocument {
  const [, functionName] = mapped.functionArn.split(':function:')
  const logGroup = functionLogGroup(functionName!.split(':')[0]!)
  return policyOf(
    readingStream(plan),
    readingSealedStream(plan),
    unwrapping(plan, false),
    neverWrapping(plan),
    {
      Sid: 'GivenUp',
      Effect: 'Allow',
      Action: ['sqs:SendMessage'],
      Resource: queueArn(mapped.onFailureQueue)
    },
    {
      Sid: 'GivenUpKey',
      Effect: 'Allow',
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Resource: keyArn(plan, 'state'),
      Condition: throughSqs([queueArn(mapped.onFailureQueue)])
    },
    {
      Sid: 'OwnLog',
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: `${logGroupArn(logGroup)}:log-stream:*`
    },
    mapped.made === undefined ? [] : inNetwork(plan, mapped.made)
  )
}

/**
 * Of a Kinesis Client Library application: of the stream and the keys, and of the lease table where it shares ours. Tables of
 * its own are its own affair.
 */
export function kclPolicy(plan: ResolvedPlan): PolicyDocument {
  return policyOf(
    {
      Sid: 'ReadStream',
      Effect: 'Allow',
      Action: [
        'kinesis:DescribeStreamSummary',
        'kinesis:GetRecords',
        'kinesis:GetShardIterator',
        'kinesis:ListShards'
      ],
      Resource: streamArn(plan)
    },
    readingSealedStream(plan),
    plan.consumer.foreignWorkers
      ? [checkpointing(plan), findingAssignedLeases(plan), readingLeases(plan)].flat()
      : [],
    unwrapping(plan, false),
    neverWrapping(plan)
  )
}
