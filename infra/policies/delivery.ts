import type { ResolvedDestination } from '../../pipeline/destinations.ts'
import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { accountId } from '../placeholders.ts'
import {
  bucketArn,
  deliveryLogGroup,
  deliveryStreamArn,
  functionArn,
  keyArn,
  logGroupArn,
  objectArns,
  secretArnPattern,
  streamArn
} from '../plan-arns.ts'
import type { SourcedDelivery } from '../plan-readers.ts'
import { domainArnOf } from '../plan-services.ts'
import type { PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { throughS3, throughSecretsManager } from './conditions.ts'
import { readingSchema } from './glue.ts'
import { networkInterfaces } from './network.ts'
import { policyOf, readingSealedStream } from './shared.ts'

/*
 * Roles that Firehose assumes, one for each delivery stream, so that the trust names it. None has a right to the envelope
 * key, or to delete anything.
 */

/** Of a destination, which the workers write to. */
export function deliveryPolicy(plan: ResolvedPlan, destination: ResolvedDestination): PolicyDocument {
  return policyOf(
    // Manifests, with which Redshift loads, lie beside the prefix.
    writingObjects(plan, destination.kind === 'redshift' ? { ...destination, prefix: '' } : destination),
    loggingErrors(destination.deliveryStreamName),
    destinationOf(plan, destination),
    readingSchema(plan, destination.deliveryStreamName)
  )
}

/** Of a delivery stream that reads the stream itself. */
export function sourcedDeliveryPolicy(plan: ResolvedPlan, delivery: SourcedDelivery): PolicyDocument {
  const { deliveryStreamName, bucket, transform } = delivery
  return policyOf(
    {
      Sid: 'ReadStream',
      Effect: 'Allow',
      Action: [
        'kinesis:DescribeStream',
        'kinesis:GetShardIterator',
        'kinesis:GetRecords',
        'kinesis:ListShards'
      ],
      Resource: streamArn(plan)
    },
    readingSealedStream(plan),
    writingObjects(plan, { bucket, prefix: sourcedPrefix }),
    loggingErrors(deliveryStreamName),
    transform === undefined
      ? []
      : {
          Sid: 'Transform',
          Effect: 'Allow',
          Action: ['lambda:InvokeFunction', 'lambda:GetFunctionConfiguration'],
          Resource: functionArn(`${transform.functionName}:${transform.qualifier}`)
        }
  )
}

/** Of the objects that a delivery stream makes from the stream itself. */
export const sourcedPrefix = 'records/'

/** Only this delivery stream: another's request would have Firehose act with rights that are not its own. */
export function deliveryTrust(deliveryStreamName: string): PolicyDocument {
  return policyOf({
    Sid: 'FirehoseForThisDeliveryStream',
    Effect: 'Allow',
    Principal: { Service: 'firehose.amazonaws.com' },
    Action: 'sts:AssumeRole',
    Condition: {
      StringEquals: { 'aws:SourceAccount': accountId },
      ArnLike: { 'aws:SourceArn': deliveryStreamArn(deliveryStreamName) }
    }
  })
}

function writingObjects(
  plan: ResolvedPlan,
  objects: Pick<ResolvedDestination, 'bucket' | 'prefix'>
): readonly PolicyStatement[] {
  return [
    {
      Sid: 'SeeBucket',
      Effect: 'Allow',
      Action: ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'],
      Resource: bucketArn(objects.bucket)
    },
    {
      Sid: 'WriteObjects',
      Effect: 'Allow',
      Action: ['s3:PutObject', 's3:AbortMultipartUpload', 's3:GetObject'],
      Resource: objectArns(objects)
    },
    {
      Sid: 'SinkKey',
      Effect: 'Allow',
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Resource: keyArn(plan, 'sink'),
      Condition: throughS3([bucketArn(objects.bucket)])
    }
  ]
}

function loggingErrors(deliveryStreamName: string): PolicyStatement {
  return {
    Sid: 'LogErrors',
    Effect: 'Allow',
    Action: ['logs:PutLogEvents'],
    Resource: `${logGroupArn(deliveryLogGroup(deliveryStreamName))}:log-stream:*`
  }
}

function destinationOf(plan: ResolvedPlan, destination: ResolvedDestination): readonly PolicyStatement[] {
  switch (destination.kind) {
    case 's3':
      return []
    case 'elasticsearch':
    case 'opensearch':
      return [...indexing(domainArnOf(plan, destination), destination.indexName), ...networkInterfaces(plan)]
    case 'redshift':
    case 'splunk':
      return secret(plan, destination.secret!)
  }
}

/** https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html */
function indexing(domainArn: string, indexName: string): readonly PolicyStatement[] {
  return [
    {
      Sid: 'SeeDomain',
      Effect: 'Allow',
      Action: ['es:DescribeDomain', 'es:DescribeDomains', 'es:DescribeDomainConfig'],
      Resource: domainArn
    },
    ...writingDocuments(domainArn, indexName)
  ]
}

/** What Firehose asks of the domain itself. */
export function writingDocuments(domainArn: string, indexName: string): readonly PolicyStatement[] {
  const under = (...paths: readonly string[]): readonly string[] => paths.map(path => `${domainArn}/${path}`)
  return [
    {
      Sid: 'Index',
      Effect: 'Allow',
      Action: ['es:ESHttpPost', 'es:ESHttpPut'],
      Resource: [domainArn, ...under('_bulk', `${indexName}*`)]
    },
    {
      Sid: 'Health',
      Effect: 'Allow',
      Action: ['es:ESHttpGet'],
      Resource: under(
        '_all/_settings',
        '_cluster/stats',
        `${indexName}*/_mapping/*`,
        '_nodes',
        '_nodes/stats',
        '_nodes/*/stats',
        '_stats',
        `${indexName}*/_stats`
      )
    }
  ]
}

function secret(plan: ResolvedPlan, id: string): readonly PolicyStatement[] {
  return [
    {
      Sid: 'ReadSecret',
      Effect: 'Allow',
      Action: ['secretsmanager:GetSecretValue'],
      Resource: secretArnPattern(id)
    },
    {
      Sid: 'SecretKey',
      Effect: 'Allow',
      Action: ['kms:Decrypt'],
      Resource: keyArn(plan, 'state'),
      Condition: throughSecretsManager([id])
    }
  ]
}
