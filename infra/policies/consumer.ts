import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { arnOf } from '../placeholders.ts'
import { fanOutArn, queueArn, streamArn, tableArn } from '../plan-arns.ts'
import type { PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { pinned } from './conditions.ts'
import {
  checkpointing,
  claimArn,
  deadLetterKey,
  delivering,
  findingAssignedLeases,
  hasQueue,
  openingWorker,
  policyOf,
  readingLeases,
  readingSealedStream
} from './shared.ts'

/** Reads the stream, keeps its leases, delivers, and puts aside what it cannot process. Writes to no stream. */
export function consumerPolicy(plan: ResolvedPlan): PolicyDocument {
  return policyOf(
    pinned(plan, {
      Sid: 'FindShards',
      Effect: 'Allow',
      Action: ['kinesis:DescribeStreamSummary', 'kinesis:ListShards'],
      Resource: streamArn(plan)
    }),
    retrieving(plan),
    readingSealedStream(plan),
    pinned(plan, checkpointing(plan)),
    findingAssignedLeases(plan).map(statement => pinned(plan, statement)),
    pinned(plan, meetingOtherFleets(plan)),
    readingLeases(plan),
    openingWorker(plan),
    delivering(plan),
    puttingAside(plan),
    deadLetterKey(plan, ['kms:GenerateDataKey', 'kms:Decrypt']),
    lookingUp(plan)
  )
}

/**
 * The tables of KCL 3.0 to 3.4: a worker that takes its own leases refuses to start beside them; one of the same protocol has
 * to know whether they are there, and writes to them where such a KCL shares the leases.
 */
function meetingOtherFleets({ consumer }: ResolvedPlan): PolicyStatement {
  const isJoining = consumer.leaseProtocol === 'kcl3' && consumer.foreignWorkers
  const writes = ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem']
  return {
    Sid: 'NoticeOtherFleets',
    Effect: 'Allow',
    Action: ['dynamodb:Scan', ...(isJoining ? writes : [])],
    Resource: ['CoordinatorState', 'WorkerMetricStats'].map(suffix =>
      tableArn(`${consumer.applicationName}-${suffix}`)
    )
  }
}

function retrieving(plan: ResolvedPlan): readonly PolicyStatement[] {
  const { retrieval, fallBackToPolling } = plan.consumer
  const poll = pinned(plan, {
    Sid: 'Poll',
    Effect: 'Allow',
    Action: ['kinesis:GetShardIterator', 'kinesis:GetRecords'],
    Resource: streamArn(plan)
  })
  const fanOut = pinned(plan, {
    Sid: 'FanOut',
    Effect: 'Allow',
    Action: ['kinesis:DescribeStreamConsumer', 'kinesis:SubscribeToShard'],
    Resource: fanOutArn(plan)
  })
  if (retrieval === 'polling') return [poll]
  return fallBackToPolling ? [fanOut, poll] : [fanOut]
}

function puttingAside(plan: ResolvedPlan): readonly PolicyStatement[] {
  const claims = pinned(plan, {
    Sid: 'Claims',
    Effect: 'Allow',
    Action: ['s3:PutObject'],
    Resource: claimArn(plan)
  })
  if (!hasQueue(plan)) return [claims]
  return [
    pinned(plan, {
      Sid: 'DeadLetters',
      Effect: 'Allow',
      Action: ['sqs:GetQueueUrl', 'sqs:SendMessage'],
      Resource: queueArn(plan.deadLetters.queue)
    }),
    claims
  ]
}

/** As one user of a database that is there; what that user may do is the database's to say. */
function lookingUp({ services: { rds } }: ResolvedPlan): readonly PolicyStatement[] {
  if (rds === undefined) return []
  return [
    {
      Sid: 'LookUp',
      Effect: 'Allow',
      Action: ['rds-db:connect'],
      Resource: arnOf('rds-db', `dbuser:${rds.resourceId}/${rds.user}`)
    }
  ]
}
