import type { PlanEndpoint, ResolvedPlan } from '../../pipeline/plan.ts'
import { accountId } from '../placeholders.ts'
import {
  bucketArn,
  deliveryStreamArn,
  glueArn,
  logGroupArn,
  oneOrMore,
  openingKeyArns,
  queueArn,
  secretArnPattern,
  streamArn,
  streamArnOf,
  tableArn
} from '../plan-arns.ts'
import { sinkBucketArns } from '../plan-readers.ts'
import { outputStream } from '../plan-services.ts'
import type { PolicyConditions, PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { claimArn, leaseActions, ownerIndexArn, policyOf, queueNames } from './shared.ts'
import { logGroups } from './state-key.ts'

/**
 * What may be reached through an endpoint of the VPC, by principals of this account: this pipeline's, and nothing else.
 * Undefined where the pipeline has nothing behind it. What is encrypted at rest is no matter here: services call KMS
 * themselves.
 */
export function endpointPolicy(plan: ResolvedPlan, endpoint: PlanEndpoint): PolicyDocument | undefined {
  const statements = statementsOf(plan, endpoint)
  return statements.length === 0 ? undefined : policyOf(statements)
}

function statementsOf(plan: ResolvedPlan, endpoint: PlanEndpoint): readonly PolicyStatement[] {
  switch (endpoint) {
    case 'kinesis-streams':
      return [kinesis(plan)]
    case 'kinesis-firehose':
      return [
        allow(
          'ThesePipelineDeliveries',
          [
            'firehose:PutRecordBatch',
            'firehose:DescribeDeliveryStream',
            ...(plan.services.flink?.output.kind === 'firehose' ? ['firehose:PutRecord'] : [])
          ],
          plan.destinations.map(({ deliveryStreamName }) => deliveryStreamArn(deliveryStreamName))
        )
      ]
    case 'kms': {
      const keys = openingKeyArns(plan)
      if (keys.length === 0) return []
      const wrapping = [
        'kms:GenerateDataKey',
        ...(plan.sealing.additionalKeys.length > 0 ? ['kms:Encrypt'] : [])
      ]
      return [allow('EnvelopeKeysOnly', [...wrapping, 'kms:Decrypt', 'kms:DescribeKey'], keys)]
    }
    case 'sqs':
      if (queueNames(plan).length === 0) return []
      return [
        allow(
          'TheseQueuesOnly',
          [
            'sqs:GetQueueUrl',
            'sqs:GetQueueAttributes',
            'sqs:SendMessage',
            'sqs:ReceiveMessage',
            'sqs:DeleteMessage',
            'sqs:ChangeMessageVisibility'
          ],
          queueNames(plan).map(queueArn)
        )
      ]
    case 'monitoring':
      return [allow('MetricsOnly', ['cloudwatch:PutMetricData'], ['*'])]
    case 's3':
      return s3(plan)
    case 'dynamodb':
      return [dynamodb(plan)]
    case 'logs':
      return [
        allow(
          'TheseLogsOnly',
          ['logs:CreateLogStream', 'logs:PutLogEvents'],
          logGroups(plan).map(group => `${logGroupArn(group)}:*`)
        )
      ]
    case 'sts':
      return [allow('OwnIdentity', ['sts:GetCallerIdentity', 'sts:AssumeRole'], ['*'])]
    case 'secretsmanager':
      return secrets(plan)
    case 'glue':
      return catalogue(plan)
  }
}

function allow(
  sid: string,
  actions: readonly string[],
  resources: readonly string[],
  conditions: PolicyConditions['StringEquals'] & {} = {}
): PolicyStatement {
  return {
    Sid: sid,
    Effect: 'Allow',
    Principal: '*',
    Action: actions,
    Resource: oneOrMore(resources),
    Condition: { StringEquals: { 'aws:PrincipalAccount': accountId, ...conditions } }
  }
}

function kinesis(plan: ResolvedPlan): PolicyStatement {
  const output = outputStream(plan)
  return allow(
    'ThisStreamOnly',
    [
      'kinesis:PutRecords',
      'kinesis:ListShards',
      'kinesis:DescribeStreamSummary',
      'kinesis:GetShardIterator',
      'kinesis:GetRecords',
      'kinesis:DescribeStreamConsumer',
      'kinesis:SubscribeToShard',
      ...(plan.services.flink === undefined ? [] : ['kinesis:DescribeStream', 'kinesis:PutRecord'])
    ],
    [streamArn(plan), `${streamArn(plan)}/consumer/*`, ...(output === undefined ? [] : [streamArnOf(output)])]
  )
}

function dynamodb(plan: ResolvedPlan): PolicyStatement {
  const { applicationName, leaseProtocol } = plan.consumer
  const tables = ['', '-CoordinatorState', '-WorkerMetricStats'].map(suffix =>
    tableArn(`${applicationName}${suffix}`)
  )
  return leaseProtocol === 'kcl3'
    ? allow('LeasesOnly', [...leaseActions, 'dynamodb:Query'], [...tables, ownerIndexArn(plan)])
    : allow('LeasesOnly', leaseActions, tables)
}

function s3(plan: ResolvedPlan): readonly PolicyStatement[] {
  const own = { 'aws:ResourceAccount': accountId }
  const sinks = sinkBucketArns(plan)
  const reference = plan.services.flink?.reference
  return [
    allow(
      'SinkReadersOnly',
      ['s3:GetObject', 's3:ListBucket'],
      sinks.flatMap(arn => [arn, `${arn}/*`]),
      own
    ),
    allow(
      'DeadLettersOnly',
      ['s3:PutObject', 's3:GetObject', 's3:DeleteObject', 's3:ListBucket'],
      [bucketArn(plan.deadLetters.bucket), claimArn(plan)],
      own
    ),
    ...(reference === undefined
      ? []
      : [allow('ReferenceOnly', ['s3:GetObject'], [`${bucketArn(reference.bucket)}/${reference.key}`], own)])
  ]
}

function secrets({ destinations, services: { glue } }: ResolvedPlan): readonly PolicyStatement[] {
  const ids = [
    ...destinations.flatMap(destination =>
      'secret' in destination && destination.secret !== undefined
        ? [secretArnPattern(destination.secret)]
        : []
    ),
    ...(glue?.connection === undefined ? [] : [secretArnPattern(glue.connection.secret)])
  ]
  if (ids.length === 0) return []
  return [allow('TheseSecretsOnly', ['secretsmanager:GetSecretValue'], ids)]
}

/** Who reads what was delivered finds its columns. */
function catalogue({ services: { glue } }: ResolvedPlan): readonly PolicyStatement[] {
  if (glue === undefined) return []
  const { database } = glue
  return [
    allow(
      'ThisDatabaseOnly',
      ['glue:GetDatabase', 'glue:GetTable', 'glue:GetTables', 'glue:GetPartitions', 'glue:GetConnection'],
      [
        glueArn('catalog'),
        glueArn(`database/${database}`),
        glueArn(`table/${database}/*`),
        ...(glue.connection === undefined ? [] : [glueArn(`connection/${glue.connection.name}`)])
      ]
    )
  ]
}
