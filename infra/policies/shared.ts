import { ownerIndex } from '../../consumer/leases/lease-schema.ts'
import type { ResolvedPlan } from '../../pipeline/plan.ts'
import {
  bucketArn,
  deliveryStreamArn,
  keyArn,
  oneOrMore,
  openingKeyArns,
  opensRecords,
  queueArn,
  streamArn,
  tableArn
} from '../plan-arns.ts'
import { failureQueues } from '../plan-readers.ts'
import { iotErrorQueue } from '../plan-services.ts'
import type { PolicyDocument, PolicyStatement } from '../policy-document.ts'
import {
  pinned,
  sealingContext,
  throughDynamodb,
  throughKinesis,
  throughS3,
  throughSqs
} from './conditions.ts'

/*
 * Statements that several roles have. Who is named in a key's policy needs nothing in IAM in the same account; it stands
 * here all the same, so that a role tells the truth about itself.
 */

export function policyOf(
  ...statements: readonly (PolicyStatement | readonly PolicyStatement[])[]
): PolicyDocument {
  return { Version: '2012-10-17', Statement: statements.flat() }
}

/** Opening records: nothing for workers that see sealed bytes alone. */
export function unwrapping(plan: ResolvedPlan, isPinned = true): readonly PolicyStatement[] {
  const keys = openingKeyArns(plan)
  if (keys.length === 0) return []
  const unwrap: PolicyStatement = {
    Sid: 'UnwrapDataKeys',
    Effect: 'Allow',
    Action: ['kms:Decrypt'],
    Resource: oneOrMore(keys),
    Condition: sealingContext(plan)
  }
  const resolve: PolicyStatement = {
    // An alias is resolved once, and a tenant's key asked whether it is gone.
    Sid: 'ResolveKeys',
    Effect: 'Allow',
    Action: ['kms:DescribeKey'],
    Resource: oneOrMore(keys)
  }
  return isPinned ? [pinned(plan, unwrap), pinned(plan, resolve)] : [unwrap, resolve]
}

/** Whatever else would let a reader use the key, or have others use it. */
export function neverWrapping(plan: ResolvedPlan): readonly PolicyStatement[] {
  const keys = openingKeyArns(plan)
  if (keys.length === 0) return []
  return [
    {
      Sid: 'NeverWrap',
      Effect: 'Deny',
      Action: [
        'kms:GenerateDataKey',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:Encrypt',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
        'kms:CreateGrant'
      ],
      Resource: oneOrMore(keys)
    }
  ]
}

/** For workers that deliver sealed bytes: the key is none of their business. */
export function neverOpening(plan: ResolvedPlan): readonly PolicyStatement[] {
  const keys = openingKeyArns(plan)
  if (keys.length === 0) return []
  return [{ Sid: 'NeverOpen', Effect: 'Deny', Action: ['kms:Decrypt'], Resource: oneOrMore(keys) }]
}

/** What a worker, or whoever replays what it could not process, has of the envelope key. */
export function openingWorker(plan: ResolvedPlan): readonly PolicyStatement[] {
  return [...(opensRecords(plan) ? unwrapping(plan) : neverOpening(plan)), ...neverWrapping(plan)]
}

export function readingSealedStream(plan: ResolvedPlan): PolicyStatement {
  return {
    Sid: 'StreamSseRead',
    Effect: 'Allow',
    Action: ['kms:Decrypt'],
    Resource: keyArn(plan, 'stream'),
    Condition: throughKinesis(plan)
  }
}

/** Into the delivery streams of the destinations; Firehose encrypts them by a grant of its own. */
export function delivering(plan: ResolvedPlan): PolicyStatement {
  return pinned(plan, {
    Sid: 'Deliver',
    Effect: 'Allow',
    Action: ['firehose:PutRecordBatch'],
    Resource: oneOrMore(
      plan.destinations.map(({ deliveryStreamName }) => deliveryStreamArn(deliveryStreamName))
    )
  })
}

/** The key of the lease table; DynamoDB makes its table key by a grant, so that its users need no more. */
export function readingLeases(plan: ResolvedPlan): PolicyStatement {
  return {
    Sid: 'LeaseTableKey',
    Effect: 'Allow',
    Action: ['kms:Decrypt'],
    Resource: keyArn(plan, 'state'),
    Condition: throughDynamodb([plan.consumer.applicationName])
  }
}

/** Rows of the lease table, as a worker, ours or the KCL's, reads and writes them. */
export function checkpointing(plan: ResolvedPlan): PolicyStatement {
  return {
    Sid: 'Checkpoint',
    Effect: 'Allow',
    Action: leaseActions,
    Resource: leaseTableArn(plan)
  }
}

/** Records of the stream, for services of AWS, which describe it before they read. */
export function readingStream(plan: ResolvedPlan): PolicyStatement {
  return {
    Sid: 'ReadStream',
    Effect: 'Allow',
    Action: [
      'kinesis:DescribeStream',
      'kinesis:DescribeStreamSummary',
      'kinesis:GetRecords',
      'kinesis:GetShardIterator',
      'kinesis:ListShards'
    ],
    Resource: streamArn(plan)
  }
}

/** Where a leader assigns the leases: what was assigned to oneself. */
export function findingAssignedLeases(plan: ResolvedPlan): readonly PolicyStatement[] {
  if (plan.consumer.leaseProtocol !== 'kcl3') return []
  return [
    {
      Sid: 'FindAssignedLeases',
      Effect: 'Allow',
      Action: ['dynamodb:Query'],
      Resource: ownerIndexArn(plan)
    }
  ]
}

export const ownerIndexArn = (plan: ResolvedPlan): string => `${leaseTableArn(plan)}/index/${ownerIndex}`

export const leaseTableArn = ({ consumer }: ResolvedPlan): string => tableArn(consumer.applicationName)

/** What a worker does with rows of its tables. */
export const leaseActions = [
  'dynamodb:DescribeTable',
  'dynamodb:Scan',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:DeleteItem'
] as const

export const hasQueue = ({ deadLetters }: ResolvedPlan): boolean => deadLetters.kind === 'sqs'

/** Names of all queues: of dead letters, of what Lambda gave up, and of what devices sent in vain. */
export const queueNames = (plan: ResolvedPlan): readonly string[] => [
  ...(hasQueue(plan) ? [plan.deadLetters.queue] : []),
  ...failureQueues(plan),
  ...(plan.services.iot === undefined ? [] : [iotErrorQueue(plan)])
]

/** Keys of dead letters, or of what of them is too large for a message. */
export const claimArn = ({ deadLetters }: ResolvedPlan): string =>
  `${bucketArn(deadLetters.bucket)}/${deadLetters.prefix}*`

/** The state key behind the queue and the bucket of dead letters. */
export function deadLetterKey(plan: ResolvedPlan, actions: readonly string[]): readonly PolicyStatement[] {
  const { queue, bucket } = plan.deadLetters
  const shared = { Effect: 'Allow', Action: actions, Resource: keyArn(plan, 'state') } as const
  return [
    ...(hasQueue(plan)
      ? [{ Sid: 'DeadLetterKey', ...shared, Condition: throughSqs([queueArn(queue)]) }]
      : []),
    { Sid: 'ClaimKey', ...shared, Condition: throughS3([bucketArn(bucket)]) }
  ]
}
