import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { functionLogGroup, logGroupArn } from '../plan-arns.ts'
import type { PolicyDocument } from '../policy-document.ts'
import { inNetwork } from './function.ts'
import { neverWrapping, policyOf, unwrapping } from './shared.ts'

/** A function that opens records inside of a delivery stream: it can unwrap and write its own log, and that is all. */
export function transformPolicy(plan: ResolvedPlan, functionName: string): PolicyDocument {
  return policyOf(
    unwrapping(plan, false),
    {
      Sid: 'OwnLog',
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: `${logGroupArn(functionLogGroup(functionName))}:log-stream:*`
    },
    inNetwork(plan, functionName),
    neverWrapping(plan),
    {
      Sid: 'NoSideDoor',
      Effect: 'Deny',
      Action: [
        'kinesis:PutRecord',
        'kinesis:PutRecords',
        's3:PutObject',
        'firehose:PutRecord',
        'firehose:PutRecordBatch',
        'sqs:SendMessage'
      ],
      Resource: '*'
    }
  )
}

export function transformTrust(): PolicyDocument {
  return policyOf({
    Sid: 'LambdaRunsIt',
    Effect: 'Allow',
    Principal: { Service: 'lambda.amazonaws.com' },
    Action: 'sts:AssumeRole'
  })
}
