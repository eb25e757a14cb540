import type {
  CreateDeliveryStreamCommandInput,
  ElasticsearchDestinationConfiguration,
  RedshiftDestinationConfiguration,
  S3DestinationConfiguration,
  SplunkDestinationConfiguration
} from '@aws-sdk/client-firehose'
import { InvalidOptionError } from '../core/errors.ts'
import type {
  ResolvedDestination,
  ResolvedRedshiftDestination,
  ResolvedSearchDestination,
  ResolvedSplunkDestination
} from './destinations.ts'

/**
 * What CreateDeliveryStream is asked for a destination; `option` is its path in the plan.
 * @throws InvalidOptionError when a secret is in an environment variable that is not set
 */
export function deliveryStreamRequest(
  destination: ResolvedDestination,
  option: string
): CreateDeliveryStreamCommandInput {
  const input = {
    DeliveryStreamName: destination.deliveryStreamName,
    DeliveryStreamType: 'DirectPut'
  } as const
  checkThere(destination, option)
  switch (destination.kind) {
    case 's3':
      return {
        ...input,
        ExtendedS3DestinationConfiguration: {
          ...objects(destination),
          ...hints(destination),
          CompressionFormat: destination.compression
        }
      }
    case 'elasticsearch':
      return { ...input, ElasticsearchDestinationConfiguration: search(destination) }
    case 'opensearch':
      return { ...input, AmazonopensearchserviceDestinationConfiguration: search(destination) }
    case 'redshift':
      return { ...input, RedshiftDestinationConfiguration: redshift(destination, option) }
    case 'splunk':
      return { ...input, SplunkDestinationConfiguration: splunk(destination, option) }
  }
}

/** What only a template makes has no address yet. */
function checkThere(destination: ResolvedDestination, option: string): void {
  const member =
    'domainArn' in destination && destination.domainArn === 'made'
      ? 'domainArn'
      : 'jdbcUrl' in destination && destination.jdbcUrl === 'made'
        ? 'jdbcUrl'
        : undefined
  if (member === undefined) return
  throw new InvalidOptionError(`${option}.${member}`, "is 'made' by a template alone: expected what is there")
}

function search(destination: ResolvedSearchDestination): ElasticsearchDestinationConfiguration {
  const { roleArn, indexName, indexRotation, endpoint, domainArn, retrySeconds } = destination
  return {
    RoleARN: roleArn,
    IndexName: indexName,
    IndexRotationPeriod: indexRotation,
    ...(endpoint === undefined ? { DomainARN: domainArn } : { ClusterEndpoint: endpoint }),
    RetryOptions: { DurationInSeconds: retrySeconds },
    ...hints(destination),
    S3Configuration: objects(destination)
  }
}

/** Here the hints are those of the objects that COPY reads. */
function redshift(
  destination: ResolvedRedshiftDestination,
  option: string
): RedshiftDestinationConfiguration {
  const { roleArn, jdbcUrl, table, columns, copyOptions, username, password, retrySeconds, compression } =
    destination
  return {
    RoleARN: roleArn,
    ClusterJDBCURL: jdbcUrl,
    CopyCommand: {
      DataTableName: table,
      ...(columns.length === 0 ? {} : { DataTableColumns: columns.join(',') }),
      ...(copyOptions === '' ? {} : { CopyOptions: copyOptions })
    },
    Username: username,
    Password: password.reveal(`${option}.password`),
    RetryOptions: { DurationInSeconds: retrySeconds },
    S3Configuration: { ...objects(destination), ...hints(destination), CompressionFormat: compression }
  }
}

function splunk(destination: ResolvedSplunkDestination, option: string): SplunkDestinationConfiguration {
  const { endpoint, endpointType, token, ackTimeoutSeconds, retrySeconds } = destination
  return {
    HECEndpoint: endpoint,
    HECEndpointType: endpointType,
    HECToken: token.reveal(`${option}.token`),
    HECAcknowledgmentTimeoutInSeconds: ackTimeoutSeconds,
    RetryOptions: { DurationInSeconds: retrySeconds },
    ...hints(destination),
    S3Configuration: objects(destination)
  }
}

/** The bucket of the destination, or that of what it could not deliver. */
function objects({ roleArn, bucket, prefix }: ResolvedDestination): S3DestinationConfiguration {
  return {
    RoleARN: roleArn,
    BucketARN: `arn:aws:s3:::${bucket}`,
    Prefix: prefix,
    // A prefix with an expression demands an error prefix with one.
    ...(prefix.includes('!{') ? { ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/' } : {})
  }
}

function hints({ bufferSizeMiB, bufferIntervalSeconds }: ResolvedDestination) {
  return { BufferingHints: { SizeInMBs: bufferSizeMiB, IntervalInSeconds: bufferIntervalSeconds } }
}
