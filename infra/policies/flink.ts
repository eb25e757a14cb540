import type { ResolvedFlink, ResolvedPlan } from '../../pipeline/plan.ts'
import { accountId } from '../placeholders.ts'
import {
  applicationArn,
  applicationLogGroup,
  bucketArn,
  deliveryStreamArn,
  keyArn,
  logGroupArn,
  streamArnOf
} from '../plan-arns.ts'
import type { PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { throughStream } from './conditions.ts'
import { networkInterfaces } from './network.ts'
import {
  neverOpening,
  neverWrapping,
  policyOf,
  readingSealedStream,
  readingStream,
  unwrapping
} from './shared.ts'

/** Of the log of an application. */
export const applicationLogStream = 'application'

/** Reads the stream, and what it was given to look up; writes its output. */
export function flinkPolicy(plan: ResolvedPlan, flink: ResolvedFlink): PolicyDocument {
  const { name, code, reference, opens } = flink
  const log = logGroupArn(applicationLogGroup(name))
  return policyOf(
    readingStream(plan),
    readingSealedStream(plan),
    opens ? unwrapping(plan, false) : neverOpening(plan),
    neverWrapping(plan),
    {
      Sid: 'LoadCode',
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:GetObjectVersion'],
      Resource: `${bucketArn(code.bucket)}/${code.key}`
    },
    reference === undefined
      ? []
      : {
          Sid: 'ReadReference',
          Effect: 'Allow',
          Action: ['s3:GetObject'],
          Resource: `${bucketArn(reference.bucket)}/${reference.key}`
        },
    writing(plan, flink),
    {
      Sid: 'FindLog',
      Effect: 'Allow',
      Action: ['logs:DescribeLogGroups', 'logs:DescribeLogStreams'],
      Resource: [log, `${log}:*`]
    },
    {
      Sid: 'OwnLog',
      Effect: 'Allow',
      Action: ['logs:PutLogEvents'],
      Resource: `${log}:log-stream:${applicationLogStream}`
    },
    networkInterfaces(plan, 'ec2:DescribeDhcpOptions')
  )
}

function writing(plan: ResolvedPlan, { output }: ResolvedFlink): readonly PolicyStatement[] {
  if (output.kind === 'firehose') {
    return [
      {
        Sid: 'WriteOutput',
        Effect: 'Allow',
        Action: ['firehose:DescribeDeliveryStream', 'firehose:PutRecord', 'firehose:PutRecordBatch'],
        Resource: deliveryStreamArn(output.name)
      }
    ]
  }
  const arn = streamArnOf(output.name)
  return [
    {
      Sid: 'WriteOutput',
      Effect: 'Allow',
      Action: [
        'kinesis:DescribeStream',
        'kinesis:DescribeStreamSummary',
        'kinesis:ListShards',
        'kinesis:PutRecord',
        'kinesis:PutRecords'
      ],
      Resource: arn
    },
    {
      Sid: 'OutputKey',
      Effect: 'Allow',
      Action: ['kms:GenerateDataKey'],
      Resource: keyArn(plan, 'services'),
      Condition: throughStream(arn)
    }
  ]
}

/** This application alone. */
export function flinkTrust({ name }: ResolvedFlink): PolicyDocument {
  return policyOf({
    Sid: 'FlinkForThisApplication',
    Effect: 'Allow',
    Principal: { Service: 'kinesisanalytics.amazonaws.com' },
    Action: 'sts:AssumeRole',
    Condition: {
      StringEquals: { 'aws:SourceAccount': accountId },
      ArnEquals: { 'aws:SourceArn': applicationArn(name) }
    }
  })
}
