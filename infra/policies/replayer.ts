import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { bucketArn, queueArn } from '../plan-arns.ts'
import type { PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { pinned } from './conditions.ts'
import { claimArn, deadLetterKey, delivering, hasQueue, openingWorker, policyOf } from './shared.ts'

/** Takes dead letters out and delivers them again; knows neither stream nor leases. */
export function replayerPolicy(plan: ResolvedPlan): PolicyDocument {
  return policyOf(taking(plan), deadLetterKey(plan, ['kms:Decrypt']), openingWorker(plan), delivering(plan))
}

function taking(plan: ResolvedPlan): readonly PolicyStatement[] {
  const { queue, bucket } = plan.deadLetters
  const claims = pinned(plan, {
    Sid: 'TakeClaims',
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:DeleteObject'],
    Resource: claimArn(plan)
  })
  if (hasQueue(plan)) {
    return [
      pinned(plan, {
        Sid: 'TakeDeadLetters',
        Effect: 'Allow',
        Action: ['sqs:GetQueueUrl', 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'],
        Resource: queueArn(queue)
      }),
      claims
    ]
  }
  return [
    pinned(plan, {
      Sid: 'FindDeadLetters',
      Effect: 'Allow',
      Action: ['s3:ListBucket'],
      Resource: bucketArn(bucket)
    }),
    claims
  ]
}
