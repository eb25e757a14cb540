import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { deliveryStreamArn, envelopeKeyArns, keyArn, oneOrMore, queueArn, streamArn } from '../plan-arns.ts'
import { sourcedDeliveries } from '../plan-readers.ts'
import { hasServicesKey } from '../plan-services.ts'
import type { PolicyDocument } from '../policy-document.ts'
import { leaseTableArn, policyOf, queueNames, readingLeases } from './shared.ts'

/** Sees how everything is, and nothing of what it holds. */
export function operatorPolicy(plan: ResolvedPlan): PolicyDocument {
  const queues = queueNames(plan)
  const deliveries = [...plan.destinations, ...sourcedDeliveries(plan)]
  const keys = [
    ...envelopeKeyArns(plan),
    ...(['stream', 'sink', 'state'] as const).map(purpose => keyArn(plan, purpose)),
    ...(hasServicesKey(plan) ? [keyArn(plan, 'services')] : [])
  ]
  return policyOf(
    {
      Sid: 'SeeStream',
      Effect: 'Allow',
      Action: ['kinesis:DescribeStreamSummary', 'kinesis:ListShards'],
      Resource: streamArn(plan)
    },
    {
      Sid: 'SeeLeases',
      Effect: 'Allow',
      Action: ['dynamodb:DescribeTable', 'dynamodb:GetItem', 'dynamodb:Scan'],
      Resource: leaseTableArn(plan)
    },
    readingLeases(plan),
    queues.length === 0
      ? []
      : {
          Sid: 'SeeQueues',
          Effect: 'Allow',
          Action: ['sqs:GetQueueUrl', 'sqs:GetQueueAttributes'],
          Resource: oneOrMore(queues.map(queueArn))
        },
    {
      Sid: 'SeeDelivery',
      Effect: 'Allow',
      Action: ['firehose:DescribeDeliveryStream'],
      Resource: oneOrMore(deliveries.map(({ deliveryStreamName }) => deliveryStreamArn(deliveryStreamName)))
    },
    {
      Sid: 'SeeKeys',
      Effect: 'Allow',
      Action: ['kms:DescribeKey', 'kms:GetKeyRotationStatus'],
      Resource: keys
    },
    {
      Sid: 'NeverSeeRecords',
      Effect: 'Deny',
      Action: [
        'kinesis:GetRecords',
        'kinesis:SubscribeToShard',
        'kinesis:PutRecord',
        'kinesis:PutRecords',
        'firehose:PutRecord',
        'firehose:PutRecordBatch',
        'sqs:ReceiveMessage',
        'sqs:SendMessage',
        's3:GetObject',
        's3:PutObject'
      ],
      Resource: '*'
    }
  )
}
