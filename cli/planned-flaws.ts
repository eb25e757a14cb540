import type { AccountCall, AuditModel, AuditResource } from '../infra/index.ts'

/** A template of CloudFormation, to be changed. */
export interface TemplateJson {
  readonly Resources: Record<string, { readonly Type: string; Properties: Record<string, unknown> }>
}

/** One thing that is made worse, in a template and by calls to the services that have it. */
export interface Flaw {
  readonly name: string
  /** The control that is about it. */
  readonly control: string
  readonly change: (template: TemplateJson) => void
  readonly calls: readonly AccountCall[]
}

type Properties = Record<string, unknown>

const openToIam = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'kms:*', Resource: '*' }]
}

/** Of each service one or two; each at the first resource of its type. */
export function flawsOf(model: AuditModel): readonly Flaw[] {
  const on = (
    type: string,
    make: (resource: AuditResource) => {
      readonly name: string
      readonly control: string
      readonly change: (properties: Properties) => void
      readonly call: readonly [AccountCall['service'], string, Properties]
    }
  ): readonly Flaw[] => {
    const resource = model.resources.find(each => each.type === type)
    if (resource === undefined) return []
    const { name, control, change, call } = make(resource)
    const [service, operation, input] = call
    return [
      {
        name,
        control,
        change: ({ Resources }) => change(Resources[resource.id]!.Properties),
        calls: [{ service, operation, input }]
      }
    ]
  }
  return [
    // Before a key is no longer used, and looked at by nobody.
    ...on('AWS::KMS::Key', ({ arn }) => ({
      name: 'a key does not rotate',
      control: 'KMS-02',
      change: key => {
        key.EnableKeyRotation = false
      },
      call: ['kms', 'DisableKeyRotation', { KeyId: arn }]
    })),
    ...on('AWS::KMS::Key', ({ arn }) => ({
      name: 'a key is open to everybody',
      control: 'KMS-04',
      change: key => {
        key.KeyPolicy = openToIam
      },
      call: ['kms', 'PutKeyPolicy', { KeyId: arn, PolicyName: 'default', Policy: JSON.stringify(openToIam) }]
    })),
    ...on('AWS::Kinesis::Stream', ({ properties }) => ({
      name: 'the stream is not encrypted',
      control: 'KDS-01',
      change: stream => delete stream.StreamEncryption,
      call: [
        'kinesis',
        'StopStreamEncryption',
        { StreamName: properties.Name, ...(properties.StreamEncryption as object) }
      ]
    })),
    ...on('AWS::Kinesis::Stream', ({ properties }) => ({
      name: 'the stream keeps a day',
      control: 'KDS-05',
      change: stream => {
        stream.RetentionPeriodHours = 24
      },
      call: [
        'kinesis',
        'DecreaseStreamRetentionPeriod',
        { StreamName: properties.Name, RetentionPeriodHours: 24 }
      ]
    })),
    ...on('AWS::DynamoDB::Table', ({ properties }) => ({
      name: 'the lease table has no backups',
      control: 'DDB-03',
      change: table => {
        table.PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: false }
      },
      call: [
        'dynamodb',
        'UpdateContinuousBackups',
        {
          TableName: properties.TableName,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: false }
        }
      ]
    })),
    ...on('AWS::DynamoDB::Table', ({ properties }) => ({
      name: 'the lease table has no key in KMS',
      control: 'DDB-01',
      change: table => delete table.SSESpecification,
      call: [
        'dynamodb',
        'UpdateTable',
        { TableName: properties.TableName, SSESpecification: { Enabled: false } }
      ]
    })),
    ...on('AWS::S3::Bucket', ({ properties }) => ({
      name: 'a bucket does not block public access',
      control: 'S3-05',
      change: bucket => delete bucket.PublicAccessBlockConfiguration,
      call: ['s3', 'DeletePublicAccessBlock', { Bucket: properties.BucketName }]
    }))
  ]
}
