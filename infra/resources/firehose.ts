import type {
  ResolvedDestination,
  ResolvedRedshiftDestination,
  ResolvedSearchDestination,
  ResolvedSplunkDestination
} from '../../pipeline/destinations.ts'
import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { attributeOf } from '../placeholders.ts'
import {
  bucketArn,
  bucketId,
  deliveryLogGroup,
  deliveryRoleId,
  errorPrefix,
  functionArn,
  idPart,
  keyArn,
  roleArn,
  secretArn
} from '../plan-arns.ts'
import { type SourcedDelivery, sourcedDeliveries } from '../plan-readers.ts'
import { domainArnOf, jdbcUrlOf } from '../plan-services.ts'
import { sourcedPrefix } from '../policies/delivery.ts'
import { after, type TemplateResource, type TemplateResources } from '../template.ts'
import { aliasId } from './functions.ts'
import { formatConversion } from './glue.ts'
import { rolePolicyId } from './iam.ts'
import { deliveryLogStream, deliveryLogStreamId } from './logs.ts'
import { domainId } from './open-search.ts'

/** A delivery stream for each destination, which the workers write to, and for each that reads the stream itself. */
export function deliveryResources(plan: ResolvedPlan): TemplateResources {
  return Object.fromEntries([
    ...plan.destinations.map(destination => [
      deliveryStreamId(destination.deliveryStreamName),
      deliveryStream(
        destination,
        {
          DeliveryStreamType: 'DirectPut',
          DeliveryStreamEncryptionConfigurationInput: {
            KeyType: 'CUSTOMER_MANAGED_CMK',
            KeyARN: keyArn(plan, 'sink')
          },
          ...configurationOf(plan, destination)
        },
        ...madeDomainIds(destination)
      )
    ]),
    ...sourcedDeliveries(plan).map(delivery => [
      deliveryStreamId(delivery.deliveryStreamName),
      deliveryStream(delivery, sourced(plan, delivery), ...transformIds(plan, delivery))
    ])
  ])
}

export const deliveryStreamId = (deliveryStreamName: string): string =>
  `${idPart(deliveryStreamName)}DeliveryStream`

/** The domain that is made: its ARN does not tell CloudFormation that it has to be there. */
function madeDomainIds(destination: ResolvedDestination): readonly string[] {
  return 'domainArn' in destination && destination.domainArn === 'made' ? [domainId] : []
}

/** The alias of a transform that is made. */
function transformIds({ services }: ResolvedPlan, { transform }: SourcedDelivery): readonly string[] {
  if (transform === undefined) return []
  const isMade = services.functions.some(({ name }) => name === transform.functionName)
  return isMade ? [aliasId(transform.functionName, transform.qualifier)] : []
}

type Delivery = Pick<ResolvedDestination, 'deliveryStreamName' | 'bucket'>

function deliveryStream(
  { deliveryStreamName, bucket }: Delivery,
  properties: Readonly<Record<string, unknown>>,
  ...others: readonly string[]
): TemplateResource {
  return {
    Type: 'AWS::KinesisFirehose::DeliveryStream',
    ...after(
      rolePolicyId(deliveryRoleId(deliveryStreamName)),
      `${bucketId(bucket)}Policy`,
      deliveryLogStreamId(deliveryStreamName),
      ...others
    ),
    Properties: { DeliveryStreamName: deliveryStreamName, ...properties }
  }
}

function configurationOf(
  plan: ResolvedPlan,
  destination: ResolvedDestination
): Readonly<Record<string, unknown>> {
  switch (destination.kind) {
    case 's3':
      return {
        ExtendedS3DestinationConfiguration: {
          ...objects(plan, destination),
          ...hints(destination),
          CompressionFormat: destination.compression,
          ...formatConversion(plan, destination.deliveryStreamName)
        }
      }
    case 'elasticsearch':
      return { ElasticsearchDestinationConfiguration: search(plan, destination) }
    case 'opensearch':
      return { AmazonopensearchserviceDestinationConfiguration: search(plan, destination) }
    case 'redshift':
      return { RedshiftDestinationConfiguration: redshift(plan, destination) }
    case 'splunk':
      return { SplunkDestinationConfiguration: splunk(plan, destination) }
  }
}

/** What Firehose reads from the stream is encrypted there: it takes no encryption of its own. */
function sourced(plan: ResolvedPlan, delivery: SourcedDelivery): Readonly<Record<string, unknown>> {
  const RoleARN = roleArn(deliveryRoleId(delivery.deliveryStreamName))
  const { transform } = delivery
  const lambdaArn = transform && functionArn(`${transform.functionName}:${transform.qualifier}`)
  return {
    DeliveryStreamType: 'KinesisStreamAsSource',
    KinesisStreamSourceConfiguration: { KinesisStreamARN: attributeOf('Stream', 'Arn'), RoleARN },
    ExtendedS3DestinationConfiguration: {
      ...objects(plan, { ...delivery, prefix: sourcedPrefix }),
      BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 60 },
      ...(lambdaArn === undefined
        ? {}
        : {
            ProcessingConfiguration: {
              Enabled: true,
              Processors: [
                {
                  Type: 'Lambda',
                  Parameters: Object.entries({
                    LambdaArn: lambdaArn,
                    RoleArn: RoleARN,
                    NumberOfRetries: '3',
                    // Both ways in base64, an invocation stays below the 6 MB of Lambda.
                    BufferSizeInMBs: '1',
                    BufferIntervalInSeconds: '60'
                  }).map(([ParameterName, ParameterValue]) => ({ ParameterName, ParameterValue }))
                }
              ]
            }
          })
    }
  }
}

function search(plan: ResolvedPlan, destination: ResolvedSearchDestination): object {
  const { deliveryStreamName, indexName, indexRotation, retrySeconds } = destination
  const RoleARN = roleArn(deliveryRoleId(deliveryStreamName))
  const { network } = plan
  return {
    RoleARN,
    DomainARN: domainArnOf(plan, destination),
    IndexName: indexName,
    IndexRotationPeriod: indexRotation,
    ...hints(destination),
    RetryOptions: { DurationInSeconds: retrySeconds },
    S3BackupMode: 'FailedDocumentsOnly',
    S3Configuration: objects(plan, destination),
    ...logging(deliveryStreamName),
    ...(network === undefined
      ? {}
      : {
          VpcConfiguration: {
            RoleARN,
            SubnetIds: network.subnetIds,
            SecurityGroupIds: network.securityGroupIds
          }
        })
  }
}

/** The hints are those of the objects that COPY reads. */
function redshift(plan: ResolvedPlan, destination: ResolvedRedshiftDestination): object {
  const { deliveryStreamName, table, columns, copyOptions, compression, retrySeconds } = destination
  return {
    RoleARN: roleArn(deliveryRoleId(deliveryStreamName)),
    ClusterJDBCURL: jdbcUrlOf(plan, destination),
    CopyCommand: {
      DataTableName: table,
      ...(columns.length === 0 ? {} : { DataTableColumns: columns.join(',') }),
      ...(copyOptions === '' ? {} : { CopyOptions: copyOptions })
    },
    ...secretOf(destination),
    RetryOptions: { DurationInSeconds: retrySeconds },
    S3Configuration: {
      ...objects(plan, destination),
      // It takes no expressions, and writes errors beside the prefix by itself.
      ErrorOutputPrefix: undefined,
      ...hints(destination),
      CompressionFormat: compression
    },
    ...logging(deliveryStreamName)
  }
}

function splunk(plan: ResolvedPlan, destination: ResolvedSplunkDestination): object {
  const { deliveryStreamName, endpoint, endpointType, ackTimeoutSeconds, retrySeconds } = destination
  return {
    HECEndpoint: endpoint,
    HECEndpointType: endpointType,
    HECAcknowledgmentTimeoutInSeconds: ackTimeoutSeconds,
    ...secretOf(destination),
    ...hints(destination),
    RetryOptions: { DurationInSeconds: retrySeconds },
    S3BackupMode: 'FailedEventsOnly',
    S3Configuration: objects(plan, destination),
    ...logging(deliveryStreamName)
  }
}

function secretOf({
  deliveryStreamName,
  secret
}: ResolvedRedshiftDestination | ResolvedSplunkDestination): object {
  return {
    SecretsManagerConfiguration: {
      Enabled: true,
      RoleARN: roleArn(deliveryRoleId(deliveryStreamName)),
      SecretARN: secretArn(secret!)
    }
  }
}

/** The bucket of a destination, or of what it could not deliver, under the sink key. */
function objects(
  plan: ResolvedPlan,
  {
    deliveryStreamName,
    bucket,
    prefix
  }: Pick<ResolvedDestination, 'deliveryStreamName' | 'bucket' | 'prefix'>
): object {
  return {
    RoleARN: roleArn(deliveryRoleId(deliveryStreamName)),
    BucketARN: bucketArn(bucket),
    ...(prefix === '' ? {} : { Prefix: prefix }),
    ErrorOutputPrefix: `${errorPrefix}!{firehose:error-output-type}/`,
    EncryptionConfiguration: { KMSEncryptionConfig: { AWSKMSKeyARN: keyArn(plan, 'sink') } },
    ...logging(deliveryStreamName)
  }
}

function logging(deliveryStreamName: string): object {
  return {
    CloudWatchLoggingOptions: {
      Enabled: true,
      LogGroupName: deliveryLogGroup(deliveryStreamName),
      LogStreamName: deliveryLogStream
    }
  }
}

function hints({ bufferSizeMiB, bufferIntervalSeconds }: ResolvedDestination): object {
  return { BufferingHints: { SizeInMBs: bufferSizeMiB, IntervalInSeconds: bufferIntervalSeconds } }
}
