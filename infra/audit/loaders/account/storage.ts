import { type AuditResource, unknownValue } from '../../model.ts'
import { isObject, knownListAt, listAt, textAt, valueAt } from '../../readers.ts'
import type { AccountReader } from './account-reader.ts'
import { resource } from './resource.ts'

/** A bucket with what is set of it, and its policy. */
export async function readBucket(
  reader: AccountReader,
  partition: string,
  name: string
): Promise<readonly AuditResource[]> {
  const failuresBefore = reader.failedReads.length
  const read = (operation: string, ...absent: readonly string[]) =>
    reader.read({ service: 's3', operation, input: { Bucket: name } }, name, absent)
  const versioning = await read('GetBucketVersioning')
  if (reader.failedReads.slice(failuresBefore).some(({ code }) => code === 'NoSuchBucket')) return []
  const encryption = await read('GetBucketEncryption', 'ServerSideEncryptionConfigurationNotFoundError')
  const access = await read('GetPublicAccessBlock', 'NoSuchPublicAccessBlockConfiguration')
  const ownership = await read('GetBucketOwnershipControls', 'OwnershipControlsNotFoundError')
  const lock = await read('GetObjectLockConfiguration', 'ObjectLockConfigurationNotFoundError')
  const logging = await read('GetBucketLogging')
  const cors = await read('GetBucketCors', 'NoSuchCORSConfiguration')
  const lifecycle = await read('GetBucketLifecycleConfiguration', 'NoSuchLifecycleConfiguration')
  // An engine without replication answers that it has none of it.
  const replication = await read(
    'GetBucketReplication',
    'ReplicationConfigurationNotFoundError',
    'NotImplemented'
  )
  const policyAnswer = await read('GetBucketPolicy', 'NoSuchBucketPolicy')
  const policy = valueAt(policyAnswer, 'Policy')
  const arn = `arn:${partition}:s3:::${name}`
  const lockConfiguration = valueAt(lock, 'ObjectLockConfiguration')
  return [
    resource('AWS::S3::Bucket', name, arn, 's3:GetBucketVersioning', {
      BucketName: name,
      BucketEncryption: encryptionOf(encryption),
      PublicAccessBlockConfiguration: valueAt(access, 'PublicAccessBlockConfiguration'),
      OwnershipControls: valueAt(ownership, 'OwnershipControls'),
      VersioningConfiguration:
        versioning === unknownValue
          ? unknownValue
          : {
              Status: valueAt(versioning, 'Status') ?? 'Suspended',
              MFADelete: valueAt(versioning, 'MFADelete')
            },
      ObjectLockEnabled:
        lock === unknownValue ? unknownValue : textAt(lockConfiguration, 'ObjectLockEnabled') === 'Enabled',
      ObjectLockConfiguration: lockConfiguration,
      LoggingConfiguration: loggingOf(logging),
      CorsConfiguration:
        cors === undefined || cors === unknownValue ? cors : { CorsRules: valueAt(cors, 'CORSRules') },
      LifecycleConfiguration: lifecycle,
      ReplicationConfiguration: valueAt(replication, 'ReplicationConfiguration')
    }),
    ...(policy === undefined
      ? []
      : [
          resource('AWS::S3::BucketPolicy', `${name} policy`, arn, 's3:GetBucketPolicy', {
            Bucket: name,
            PolicyDocument: policy
          })
        ])
  ]
}

function encryptionOf(answer: unknown): unknown {
  const rules = listAt(answer, 'ServerSideEncryptionConfiguration', 'Rules')
  if (rules === unknownValue) return unknownValue
  if (rules.length === 0) return undefined
  return {
    ServerSideEncryptionConfiguration: rules.filter(isObject).map(rule => {
      const { ApplyServerSideEncryptionByDefault: given, ...rest } = rule
      const byDefault = isObject(given) ? given : {}
      return {
        ...rest,
        ServerSideEncryptionByDefault: {
          SSEAlgorithm: byDefault.SSEAlgorithm,
          ...(byDefault.KMSMasterKeyID === undefined ? {} : { KMSMasterKeyID: byDefault.KMSMasterKeyID })
        }
      }
    })
  }
}

function loggingOf(answer: unknown): unknown {
  const logging = valueAt(answer, 'LoggingEnabled')
  if (!isObject(logging)) return logging
  return { DestinationBucketName: logging.TargetBucket, LogFilePrefix: logging.TargetPrefix }
}

/** A queue and its policy. @param queue its name or URL */
export async function readQueue(reader: AccountReader, queue: string): Promise<readonly AuditResource[]> {
  const url = /^https?:/.test(queue)
    ? queue
    : textAt(
        await reader.read({ service: 'sqs', operation: 'GetQueueUrl', input: { QueueName: queue } }, queue),
        'QueueUrl'
      )
  if (url === undefined) return []
  const name = url.slice(url.lastIndexOf('/') + 1)
  const answer = await reader.read(
    { service: 'sqs', operation: 'GetQueueAttributes', input: { QueueUrl: url, AttributeNames: ['All'] } },
    name
  )
  const attributes = valueAt(answer, 'Attributes')
  const arn = textAt(attributes, 'QueueArn')
  if (arn === undefined) return []
  const policy = valueAt(attributes, 'Policy')
  return [
    resource('AWS::SQS::Queue', name, arn, 'sqs:GetQueueAttributes', {
      QueueName: name,
      KmsMasterKeyId: valueAt(attributes, 'KmsMasterKeyId'),
      KmsDataKeyReusePeriodSeconds: valueAt(attributes, 'KmsDataKeyReusePeriodSeconds'),
      SqsManagedSseEnabled: valueAt(attributes, 'SqsManagedSseEnabled'),
      MessageRetentionPeriod: valueAt(attributes, 'MessageRetentionPeriod'),
      RedrivePolicy: parsed(valueAt(attributes, 'RedrivePolicy')),
      RedriveAllowPolicy: parsed(valueAt(attributes, 'RedriveAllowPolicy'))
    }),
    ...(policy === undefined
      ? []
      : [
          resource('AWS::SQS::QueuePolicy', `${name} policy`, arn, 'sqs:GetQueueAttributes', {
            Queues: [url],
            PolicyDocument: policy
          })
        ])
  ]
}

/** A table with its backups and its policy. */
export async function readTable(reader: AccountReader, name: string): Promise<readonly AuditResource[]> {
  const read = (operation: string, input: object, ...absent: readonly string[]) =>
    reader.read({ service: 'dynamodb', operation, input: { ...input } }, name, absent)
  const table = valueAt(await read('DescribeTable', { TableName: name }), 'Table')
  const arn = textAt(table, 'TableArn')
  if (arn === undefined) return []
  const backups = await read('DescribeContinuousBackups', { TableName: name })
  const policy = valueAt(
    await read('GetResourcePolicy', { ResourceArn: arn }, 'PolicyNotFoundException'),
    'Policy'
  )
  const encryption = valueAt(table, 'SSEDescription')
  const inaccessibleSince = valueAt(encryption, 'InaccessibleEncryptionDateTime')
  const recovery = valueAt(
    backups,
    'ContinuousBackupsDescription',
    'PointInTimeRecoveryDescription',
    'PointInTimeRecoveryStatus'
  )
  return [
    resource('AWS::DynamoDB::Table', name, arn, 'dynamodb:DescribeTable', {
      TableName: name,
      SSESpecification: isObject(encryption)
        ? {
            SSEEnabled: ['ENABLED', 'UPDATING'].includes(String(encryption.Status)),
            SSEType: encryption.SSEType,
            KMSMasterKeyId: encryption.KMSMasterKeyArn
          }
        : encryption,
      // Nothing that a template sets: DynamoDB tells it of a table whose key it cannot use.
      SSEDescription:
        inaccessibleSince === undefined ? undefined : { InaccessibleEncryptionDateTime: inaccessibleSince },
      PointInTimeRecoverySpecification:
        recovery === unknownValue ? unknownValue : { PointInTimeRecoveryEnabled: recovery === 'ENABLED' },
      DeletionProtectionEnabled: valueAt(table, 'DeletionProtectionEnabled') ?? false,
      ResourcePolicy: policy === undefined ? undefined : { PolicyDocument: policy },
      KeySchema: knownListAt(table, 'KeySchema')
    })
  ]
}

function parsed(text: unknown): unknown {
  if (typeof text !== 'string') return text
  try {
    return JSON.parse(text)
  } catch {
    return unknownValue
  }
}
