import type {
  DestinationSettings,
  RedshiftSettings,
  S3Settings,
  SearchSettings,
  SplunkSettings
} from '../settings.ts'
import type { DeliveryStream } from '../store.ts'
import type { Members } from '../validations/shape.ts'

/** The only destination of a delivery stream is always called so. */
export const destinationId = 'destinationId-000000000001'

/** DeliveryStreamDescription. */
export function describeStream(stream: DeliveryStream): object {
  const { name, arn, createdMs, updatedMs, version, destination, source, encryption } = stream
  return {
    DeliveryStreamName: name,
    DeliveryStreamARN: arn,
    DeliveryStreamStatus: 'ACTIVE',
    DeliveryStreamType: deliveryStreamType(stream),
    VersionId: String(version),
    CreateTimestamp: createdMs / 1000,
    ...(updatedMs === undefined ? {} : { LastUpdateTimestamp: updatedMs / 1000 }),
    DeliveryStreamEncryptionConfiguration:
      encryption === undefined
        ? { Status: 'DISABLED' }
        : {
            Status: 'ENABLED',
            KeyType: encryption.keyType,
            ...(encryption.keyArn === undefined ? {} : { KeyARN: encryption.keyArn })
          },
    ...(source === undefined
      ? {}
      : {
          Source: {
            KinesisStreamSourceDescription: {
              KinesisStreamARN: source.streamArn,
              RoleARN: source.roleArn,
              DeliveryStartTimestamp: createdMs / 1000
            }
          }
        }),
    HasMoreDestinations: false,
    Destinations: [
      {
        DestinationId: destinationId,
        ...withProcessing(describeDestination(destination.settings), destination.configuration)
      }
    ]
  }
}

export function deliveryStreamType({ source }: DeliveryStream): 'DirectPut' | 'KinesisStreamAsSource' {
  return source === undefined ? 'DirectPut' : 'KinesisStreamAsSource'
}

/** The processors as they were given. The older description of S3 has no place for them. */
function withProcessing(described: object, { ProcessingConfiguration }: Members): object {
  if (ProcessingConfiguration === undefined) return described
  return Object.fromEntries(
    Object.entries(described).map(([name, description]) => [
      name,
      name === 'S3DestinationDescription' ? description : { ...description, ProcessingConfiguration }
    ])
  )
}

function describeDestination(settings: DestinationSettings): object {
  switch (settings.kind) {
    case 's3':
      return {
        S3DestinationDescription: describeS3(settings),
        ExtendedS3DestinationDescription: {
          ...describeS3(settings),
          ...describeSourceBackup(settings.sourceBackup),
          ...(settings.partitioning === undefined
            ? {}
            : {
                DynamicPartitioningConfiguration: {
                  Enabled: true,
                  RetryOptions: { DurationInSeconds: settings.partitioning.retrySeconds }
                }
              }),
          FileExtension: settings.fileExtension,
          CustomTimeZone: settings.timeZone
        }
      }
    case 'search':
      return { [`${settings.family}DestinationDescription`]: describeSearch(settings) }
    case 'splunk':
      return { SplunkDestinationDescription: describeSplunk(settings) }
    case 'redshift':
      return { RedshiftDestinationDescription: describeRedshift(settings) }
  }
}

function describeS3(settings: S3Settings): object {
  return {
    RoleARN: settings.roleArn,
    BucketARN: settings.bucketArn,
    Prefix: settings.prefix,
    ErrorOutputPrefix: settings.errorOutputPrefix,
    BufferingHints: describeHints(settings),
    CompressionFormat: settings.compression,
    EncryptionConfiguration:
      settings.kmsKeyArn === undefined
        ? { NoEncryptionConfig: 'NoEncryption' }
        : { KMSEncryptionConfig: { AWSKMSKeyARN: settings.kmsKeyArn } },
    CloudWatchLoggingOptions: { Enabled: false }
  }
}

function describeSearch(settings: SearchSettings): object {
  return {
    RoleARN: settings.roleArn,
    ...(settings.domainArn === ''
      ? { ClusterEndpoint: settings.clusterEndpoint }
      : { DomainARN: settings.domainArn }),
    IndexName: settings.indexName,
    TypeName: settings.typeName,
    IndexRotationPeriod: settings.rotationPeriod,
    BufferingHints: describeHints(settings),
    RetryOptions: { DurationInSeconds: settings.retrySeconds },
    S3BackupMode: settings.s3BackupMode,
    S3DestinationDescription: describeS3(settings.s3),
    DocumentIdOptions: {
      DefaultDocumentIdFormat: settings.usesDocumentIds ? 'FIREHOSE_DEFAULT' : 'NO_DOCUMENT_ID'
    },
    CloudWatchLoggingOptions: { Enabled: false }
  }
}

/** With the token, as the service has it: of all secrets of destinations this one is told. */
function describeSplunk(settings: SplunkSettings): object {
  return {
    HECEndpoint: settings.hecEndpoint,
    HECEndpointType: settings.endpointType,
    HECToken: settings.token,
    HECAcknowledgmentTimeoutInSeconds: settings.ackTimeoutSeconds,
    RetryOptions: { DurationInSeconds: settings.retrySeconds },
    BufferingHints: describeHints(settings),
    S3BackupMode: settings.s3BackupMode,
    S3DestinationDescription: describeS3(settings.s3),
    CloudWatchLoggingOptions: { Enabled: false }
  }
}

/** Without the password, which the service keeps to itself. */
function describeRedshift(settings: RedshiftSettings): object {
  const { tableName, tableColumns, copyOptions } = settings
  return {
    RoleARN: settings.roleArn,
    ClusterJDBCURL: settings.jdbcUrl,
    CopyCommand: {
      DataTableName: tableName,
      ...(tableColumns === '' ? {} : { DataTableColumns: tableColumns }),
      ...(copyOptions === '' ? {} : { CopyOptions: copyOptions })
    },
    Username: settings.username,
    RetryOptions: { DurationInSeconds: settings.retrySeconds },
    S3DestinationDescription: describeS3(settings.s3),
    ...describeSourceBackup(settings.sourceBackup),
    CloudWatchLoggingOptions: { Enabled: false }
  }
}

function describeSourceBackup(backup: S3Settings | undefined): object {
  return backup === undefined
    ? { S3BackupMode: 'Disabled' }
    : { S3BackupMode: 'Enabled', S3BackupDescription: describeS3(backup) }
}

function describeHints(settings: {
  readonly bufferSizeMiB: number
  readonly bufferIntervalSeconds: number
}): object {
  return { SizeInMBs: settings.bufferSizeMiB, IntervalInSeconds: settings.bufferIntervalSeconds }
}
