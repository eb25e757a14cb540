import type { AccountCall, AuditModel, AuditResource } from '../infra/index.ts'

/*
 * What has to be asked of the services for a template of the planner to stand there: the embedded engines have no
 * CloudFormation. Roles, logs, alarms and endpoints, of which they know nothing, are left out.
 */

type Properties = Readonly<Record<string, unknown>>

/** A key, and what comes after it under the ARN that it was given. */
export interface PlannedKeyCalls {
  /** The ARN that stands for it in the template. */
  readonly arn: string
  readonly create: AccountCall
  readonly finish: (keyArn: string) => readonly AccountCall[]
}

export function callsForKeys({ resources }: AuditModel): readonly PlannedKeyCalls[] {
  const aliases = resources.filter(({ type }) => type === 'AWS::KMS::Alias')
  return resources
    .filter(({ type }) => type === 'AWS::KMS::Key')
    .map(({ arn, properties }) => ({
      arn,
      create: call('kms', 'CreateKey', {
        Description: properties.Description,
        Policy: JSON.stringify(properties.KeyPolicy)
      }),
      finish: KeyId => [
        call('kms', 'EnableKeyRotation', { KeyId, RotationPeriodInDays: properties.RotationPeriodInDays }),
        ...aliases
          .filter(alias => alias.properties.TargetKeyId === arn)
          .map(alias =>
            call('kms', 'CreateAlias', { AliasName: alias.properties.AliasName, TargetKeyId: KeyId })
          )
      ]
    }))
}

/** Of everything else that engines have, in an order in which it can be made. */
export function callsForResources(model: AuditModel): readonly AccountCall[] {
  return model.resources.flatMap(resource => {
    const { properties } = resource
    switch (resource.type) {
      case 'AWS::Kinesis::Stream':
        return callsForStream(properties)
      case 'AWS::DynamoDB::Table':
        return callsForTable(properties)
      case 'AWS::SQS::Queue':
        return [callForQueue(resource, model)]
      case 'AWS::S3::Bucket':
        return callsForBucket(resource, model)
      case 'AWS::KinesisFirehose::DeliveryStream':
        // Others need a cluster, a domain or a stream that somebody reads for them.
        return isPlain(properties) ? [call('firehose', 'CreateDeliveryStream', properties)] : []
      default:
        return []
    }
  })
}

const isPlain = ({ DeliveryStreamType, ExtendedS3DestinationConfiguration: s3 }: Properties): boolean =>
  DeliveryStreamType === 'DirectPut' && s3 !== undefined

function callsForStream({
  Name: StreamName,
  RetentionPeriodHours,
  StreamEncryption,
  ...others
}: Properties): readonly AccountCall[] {
  return [
    call('kinesis', 'CreateStream', { StreamName, ...others }),
    ...(StreamEncryption === undefined
      ? []
      : [call('kinesis', 'StartStreamEncryption', { StreamName, ...(StreamEncryption as object) })]),
    ...(Number(RetentionPeriodHours ?? 24) > 24
      ? [call('kinesis', 'IncreaseStreamRetentionPeriod', { StreamName, RetentionPeriodHours })]
      : [])
  ]
}

function callsForTable({
  TableName,
  SSESpecification: encryption,
  PointInTimeRecoverySpecification,
  ResourcePolicy: _,
  ...others
}: Properties): readonly AccountCall[] {
  const { SSEEnabled, ...key } = (encryption ?? {}) as Properties
  return [
    call('dynamodb', 'CreateTable', {
      TableName,
      ...others,
      ...(encryption === undefined ? {} : { SSESpecification: { Enabled: SSEEnabled, ...key } })
    }),
    ...(PointInTimeRecoverySpecification === undefined
      ? []
      : [call('dynamodb', 'UpdateContinuousBackups', { TableName, PointInTimeRecoverySpecification })])
  ]
}

function callForQueue({ properties, arn }: AuditResource, { resourcePolicies }: AuditModel): AccountCall {
  const { QueueName, ...others } = properties
  const policy = resourcePolicies.get(arn)
  const attributes = { ...others, ...(policy === undefined ? {} : { Policy: policy.document }) }
  return call('sqs', 'CreateQueue', {
    QueueName,
    Attributes: Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [
        name,
        typeof value === 'object' ? JSON.stringify(value) : String(value)
      ])
    )
  })
}

function callsForBucket(
  { properties, arn }: AuditResource,
  { resourcePolicies }: AuditModel
): readonly AccountCall[] {
  const Bucket = properties.BucketName
  const policy = resourcePolicies.get(arn)
  const logging = properties.LoggingConfiguration as Properties | undefined
  const put = (operation: string, member: string, value: unknown): readonly AccountCall[] =>
    value === undefined ? [] : [call('s3', operation, { Bucket, [member]: value })]
  return [
    call('s3', 'CreateBucket', { Bucket, ObjectLockEnabledForBucket: properties.ObjectLockEnabled === true }),
    ...put('PutBucketVersioning', 'VersioningConfiguration', properties.VersioningConfiguration),
    ...put(
      'PutBucketEncryption',
      'ServerSideEncryptionConfiguration',
      encryptionOf(properties.BucketEncryption)
    ),
    ...put(
      'PutPublicAccessBlock',
      'PublicAccessBlockConfiguration',
      properties.PublicAccessBlockConfiguration
    ),
    ...put('PutBucketOwnershipControls', 'OwnershipControls', properties.OwnershipControls),
    ...put(
      'PutObjectLockConfiguration',
      'ObjectLockConfiguration',
      properties.ObjectLockEnabled === true ? properties.ObjectLockConfiguration : undefined
    ),
    ...put(
      'PutBucketLogging',
      'BucketLoggingStatus',
      logging === undefined
        ? undefined
        : {
            LoggingEnabled: {
              TargetBucket: logging.DestinationBucketName,
              TargetPrefix: logging.LogFilePrefix
            }
          }
    ),
    ...put('PutBucketPolicy', 'Policy', policy === undefined ? undefined : JSON.stringify(policy.document))
  ]
}

/** CloudFormation and the API call the same thing differently. */
function encryptionOf(encryption: unknown): unknown {
  const rules = (encryption as Properties | undefined)?.ServerSideEncryptionConfiguration
  if (!Array.isArray(rules)) return undefined
  return {
    Rules: (rules as readonly Properties[]).map(({ ServerSideEncryptionByDefault: byDefault, ...rule }) => ({
      ApplyServerSideEncryptionByDefault: byDefault,
      ...rule
    }))
  }
}

function call(service: AccountCall['service'], operation: string, input: Properties): AccountCall {
  return { service, operation, input }
}
