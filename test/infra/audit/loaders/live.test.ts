import { describe, expect, it } from 'vitest'
import { audit } from '../../../../infra/audit/audit.ts'
import { catalogue } from '../../../../infra/audit/catalogue.ts'
import type { AccountService, ReadAccount } from '../../../../infra/audit/loaders/account/account-reader.ts'
import { loadLive, type PipelineNames } from '../../../../infra/audit/loaders/live.ts'
import { namesOfPlan } from '../../../../infra/audit/loaders/plan-names.ts'
import { type AuditModel, unknownValue } from '../../../../infra/audit/model.ts'
import { definePipeline } from '../../../../pipeline/plan.ts'
import { policy } from '../../../helpers/audit.ts'

const services: ReadonlySet<AccountService> = new Set([
  'kinesis',
  'kms',
  's3',
  'sqs',
  'dynamodb',
  'firehose',
  'iam',
  'ec2',
  'lambda',
  'logs',
  'cloudwatch',
  'events'
])

const arn = (service: string, rest: string) => `arn:aws:${service}:eu-west-1:111122223333:${rest}`
const keyArn = (id: string) => arn('kms', `key/${id}`)
const roleArn = 'arn:aws:iam::111122223333:role/service/orders-delivery'
const names: PipelineNames = {
  stream: 'orders',
  envelopeKeys: ['alias/orders'],
  tables: ['orders-worker'],
  queues: ['orders-dead-letters'],
  buckets: ['orders-delivered'],
  deliveryStreams: ['orders-s3'],
  roles: []
}

type Answers = Record<string, (input: Record<string, unknown>) => unknown>

// A pipeline as an account tells of it.
const account: Answers = {
  'kinesis:DescribeStreamSummary': () => ({
    StreamDescriptionSummary: {
      StreamARN: arn('kinesis', 'stream/orders'),
      RetentionPeriodHours: 168,
      EncryptionType: 'KMS',
      KeyId: keyArn('stream'),
      ConsumerCount: 1
    }
  }),
  'kinesis:GetResourcePolicy': () => ({ Policy: JSON.stringify(policy({ Action: 'kinesis:GetRecords' })) }),
  'kinesis:ListStreamConsumers': () => ({
    Consumers: [{ ConsumerName: 'fan', ConsumerARN: arn('kinesis', 'stream/orders/consumer/fan:1') }]
  }),
  'lambda:ListEventSourceMappings': ({ EventSourceArn }) => ({
    EventSourceMappings: String(EventSourceArn).endsWith('/consumer/fan:1')
      ? [{ UUID: 'v', EventSourceArn, FunctionArn: arn('lambda', 'function:g') }]
      : [{ UUID: 'u', EventSourceArn, FunctionArn: arn('lambda', 'function:f'), BatchSize: 7 }]
  }),
  'dynamodb:DescribeTable': () => ({
    Table: {
      TableArn: arn('dynamodb', 'table/orders-worker'),
      SSEDescription: { Status: 'ENABLED', SSEType: 'KMS', KMSMasterKeyArn: keyArn('state') },
      DeletionProtectionEnabled: true
    }
  }),
  'dynamodb:DescribeContinuousBackups': () => ({
    ContinuousBackupsDescription: { PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: 'ENABLED' } }
  }),
  'dynamodb:GetResourcePolicy': () => refused('PolicyNotFoundException'),
  'sqs:GetQueueUrl': ({ QueueName }) => ({
    QueueUrl: `https://sqs.eu-west-1.amazonaws.com/111122223333/${QueueName}`
  }),
  'sqs:GetQueueAttributes': () => ({
    Attributes: {
      QueueArn: arn('sqs', 'orders-dead-letters'),
      KmsMasterKeyId: 'alias/state',
      Policy: JSON.stringify(policy({ Action: 'sqs:SendMessage' })),
      RedriveAllowPolicy: '{"redrivePermission":"denyAll"}'
    }
  }),
  's3:GetBucketVersioning': () => ({ Status: 'Enabled' }),
  's3:GetBucketEncryption': () => ({
    ServerSideEncryptionConfiguration: {
      Rules: [
        {
          ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn('sink') },
          BucketKeyEnabled: true
        }
      ]
    }
  }),
  's3:GetPublicAccessBlock': () => ({ PublicAccessBlockConfiguration: { BlockPublicAcls: true } }),
  's3:GetBucketOwnershipControls': () => ({
    OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] }
  }),
  's3:GetObjectLockConfiguration': () => refused('ObjectLockConfigurationNotFoundError', 404),
  's3:GetBucketLogging': () => ({ LoggingEnabled: { TargetBucket: 'logs', TargetPrefix: 'p/' } }),
  's3:GetBucketCors': () => refused('NoSuchCORSConfiguration', 404),
  's3:GetBucketLifecycleConfiguration': () => refused('NoSuchLifecycleConfiguration', 404),
  's3:GetBucketReplication': () => refused('ReplicationConfigurationNotFoundError', 404),
  's3:GetBucketPolicy': () => ({ Policy: JSON.stringify(policy({ Action: 's3:GetObject' })) }),
  'firehose:DescribeDeliveryStream': () => ({
    DeliveryStreamDescription: {
      DeliveryStreamARN: arn('firehose', 'deliverystream/orders-s3'),
      DeliveryStreamType: 'DirectPut',
      DeliveryStreamEncryptionConfiguration: {
        Status: 'ENABLED',
        KeyType: 'CUSTOMER_MANAGED_CMK',
        KeyARN: keyArn('sink')
      },
      Destinations: [
        {
          DestinationId: '1',
          S3DestinationDescription: { BucketARN: 'arn:aws:s3:::orders-delivered' },
          ExtendedS3DestinationDescription: {
            RoleARN: roleArn,
            BucketARN: 'arn:aws:s3:::orders-delivered',
            EncryptionConfiguration: { KMSEncryptionConfig: { AWSKMSKeyARN: keyArn('sink') } },
            CloudWatchLoggingOptions: { Enabled: true, LogGroupName: '/orders' },
            S3BackupDescription: { BucketARN: 'arn:aws:s3:::orders-backup' }
          }
        }
      ]
    }
  }),
  'logs:DescribeLogGroups': () => ({
    logGroups: [
      { logGroupName: '/orders', kmsKeyId: keyArn('state'), retentionInDays: 30 },
      { logGroupName: '/orders-of-others' }
    ]
  }),
  'kms:DescribeKey': ({ KeyId }) => {
    const id =
      { 'alias/orders': 'envelope', 'alias/state': 'state' }[String(KeyId)] ?? String(KeyId).split('/')[1]
    return { KeyMetadata: { KeyId: id, Arn: keyArn(String(id)), KeyManager: 'CUSTOMER', Origin: 'AWS_KMS' } }
  },
  'kms:GetKeyPolicy': () => ({ Policy: JSON.stringify(policy({ Action: 'kms:*' })) }),
  'kms:GetKeyRotationStatus': () => ({ KeyRotationEnabled: true, RotationPeriodInDays: 180 }),
  'kms:ListGrants': () => ({ Grants: [] }),
  'kms:ListAliases': ({ KeyId }) => ({
    Aliases: KeyId === 'state' ? [{ AliasName: 'alias/state', AliasArn: arn('kms', 'alias/state') }] : []
  }),
  'iam:GetRole': ({ RoleName }) => ({
    Role: { Arn: roleArn, RoleName, AssumeRolePolicyDocument: encoded(policy({ Action: 'sts:AssumeRole' })) }
  }),
  'iam:ListRolePolicies': () => ({ PolicyNames: ['inline'] }),
  'iam:GetRolePolicy': () => ({
    PolicyDocument: encoded(policy({ Action: 's3:PutObject', Resource: 'arn:aws:s3:::orders-delivered/*' }))
  }),
  'iam:ListAttachedRolePolicies': () => ({
    AttachedPolicies: [{ PolicyName: 'shared', PolicyArn: 'arn:shared' }]
  }),
  'iam:GetPolicy': () => ({ Policy: { DefaultVersionId: 'v2' } }),
  'iam:GetPolicyVersion': ({ VersionId }) => ({
    PolicyVersion: {
      Document: encoded(
        policy({ Action: 's3:GetObject', Resource: 'arn:aws:s3:::orders-delivered/*', Sid: VersionId })
      )
    }
  }),
  'ec2:DescribeVpcEndpoints': () => ({
    VpcEndpoints: [
      {
        VpcEndpointId: 'vpce-1',
        ServiceName: 'com.amazonaws.eu-west-1.kms',
        VpcEndpointType: 'Interface',
        SubnetIds: ['a', 'b'],
        Groups: [{ GroupId: 'sg-1' }],
        PolicyDocument: JSON.stringify(policy({ Action: '*' }))
      }
    ]
  }),
  'cloudwatch:DescribeAlarms': () => ({
    MetricAlarms: [
      { AlarmName: 'late', AlarmArn: arn('cloudwatch', 'alarm:late'), MetricName: 'IteratorAge' }
    ]
  }),
  'events:ListRules': () => ({
    Rules: [{ Name: 'keys', Arn: arn('events', 'rule/keys'), EventPattern: '{"source":["aws.kms"]}' }]
  })
}

function encoded(value: unknown): string {
  return encodeURIComponent(JSON.stringify(value))
}

function refused(name: string, status = 400): never {
  throw Object.assign(new Error('refused'), { name, $metadata: { httpStatusCode: status } })
}

function reading(overrides: Answers = {}): { read: ReadAccount; calls: string[] } {
  const calls: string[] = []
  return {
    calls,
    async read({ service, operation, input }) {
      const call = `${service}:${operation}`
      calls.push(call)
      return (overrides[call] ?? account[call]!)({ ...input }) as object
    }
  }
}

const load = (overrides: Answers = {}) => loadLive(names, { read: reading(overrides).read, services })
const denied = () => refused('AccessDeniedException')

const find = ({ resources }: AuditModel, type: string, id?: string) =>
  resources.find(each => each.type === `AWS::${type}` && (id === undefined || each.id === id))

describe('loadLive', () => {
  it('reads a pipeline under the names of CloudFormation', async () => {
    const model = await load()
    expect(model).toMatchObject({ source: 'live', region: 'eu-west-1', accountId: '111122223333' })
    expect(model.failedReads).toEqual([])
    expect(find(model, 'Kinesis::Stream')?.properties).toEqual({
      Name: 'orders',
      RetentionPeriodHours: 168,
      StreamEncryption: { EncryptionType: 'KMS', KeyId: keyArn('stream') },
      ConsumerCount: 1,
      ChannelCount: 0
    })
    expect(find(model, 'Kinesis::StreamConsumer', 'fan')?.properties.StreamARN).toBe(
      arn('kinesis', 'stream/orders')
    )
    expect(find(model, 'Lambda::EventSourceMapping')?.properties).toMatchObject({
      FunctionName: arn('lambda', 'function:f'),
      BatchSize: 7
    })
    // By the consumer.
    expect(find(model, 'Lambda::EventSourceMapping', 'v')?.properties.FunctionName).toBe(
      arn('lambda', 'function:g')
    )
    expect(find(model, 'DynamoDB::Table')?.properties).toMatchObject({
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: keyArn('state') },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      DeletionProtectionEnabled: true
    })
    expect(find(model, 'SQS::Queue')?.properties).toMatchObject({
      KmsMasterKeyId: 'alias/state',
      RedriveAllowPolicy: { redrivePermission: 'denyAll' }
    })
    expect(find(model, 'S3::Bucket')?.properties).toMatchObject({
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          {
            ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn('sink') },
            BucketKeyEnabled: true
          }
        ]
      },
      VersioningConfiguration: { Status: 'Enabled' },
      ObjectLockEnabled: false,
      LoggingConfiguration: { DestinationBucketName: 'logs', LogFilePrefix: 'p/' }
    })
    expect(find(model, 'S3::Bucket')?.properties).not.toHaveProperty('CorsConfiguration')
    expect(find(model, 'KinesisFirehose::DeliveryStream')?.properties).toEqual({
      DeliveryStreamName: 'orders-s3',
      DeliveryStreamType: 'DirectPut',
      DeliveryStreamEncryptionConfigurationInput: {
        Status: 'ENABLED',
        KeyType: 'CUSTOMER_MANAGED_CMK',
        KeyARN: keyArn('sink')
      },
      ExtendedS3DestinationConfiguration: {
        RoleARN: roleArn,
        BucketARN: 'arn:aws:s3:::orders-delivered',
        EncryptionConfiguration: { KMSEncryptionConfig: { AWSKMSKeyARN: keyArn('sink') } },
        CloudWatchLoggingOptions: { Enabled: true, LogGroupName: '/orders' },
        S3BackupConfiguration: { BucketARN: 'arn:aws:s3:::orders-backup' }
      }
    })
    expect(find(model, 'Logs::LogGroup')?.properties).toEqual({
      LogGroupName: '/orders',
      KmsKeyId: keyArn('state'),
      RetentionInDays: 30
    })
    expect(find(model, 'EC2::VPCEndpoint')?.properties.SecurityGroupIds).toEqual(['sg-1'])
    expect(find(model, 'Events::Rule')?.properties.EventPattern).toEqual({ source: ['aws.kms'] })
    expect(find(model, 'CloudWatch::Alarm')?.properties.MetricName).toBe('IteratorAge')
  })

  it('follows names to keys and roles, each once, and reads all of their policies', async () => {
    const model = await load()
    const keys = model.resources.filter(({ type }) => type === 'AWS::KMS::Key').map(({ id }) => id)
    expect(keys).toEqual(['envelope', 'stream', 'state', 'sink'])
    expect(model.envelopeKeyArns).toEqual([keyArn('envelope')])
    expect(model.identityPolicies.get(roleArn)?.map(({ document }) => document.Statement[0]?.Action)).toEqual(
      ['s3:PutObject', 's3:GetObject']
    )
    expect([...model.resourcePolicies.keys()].sort()).toEqual(
      [
        ...['envelope', 'stream', 'state', 'sink'].map(keyArn),
        'arn:aws:s3:::orders-delivered',
        'arn:aws:s3:::logs',
        arn('kinesis', 'stream/orders'),
        arn('sqs', 'orders-dead-letters'),
        arn('ec2', 'vpc-endpoint/vpce-1'),
        roleArn
      ].sort()
    )
  })

  it('makes no more calls than the pipeline needs', async () => {
    const { read, calls } = reading()
    await loadLive(names, { read, services })
    expect(calls.length).toBeLessThanOrEqual(65)
    expect(calls.filter(call => call === 'kms:DescribeKey')).toHaveLength(4)
  })

  it('reads the boundary of a role as a limit to what its policies allow', async () => {
    const boundaryArn = 'arn:aws:iam::111122223333:policy/team/boundary'
    const model = await load({
      'iam:GetRole': ({ RoleName }) => ({
        Role: { Arn: roleArn, RoleName, PermissionsBoundary: { PermissionsBoundaryArn: boundaryArn } }
      }),
      'iam:GetPolicyVersion': () => ({ PolicyVersion: { Document: encoded(policy({ Action: 's3:Get*' })) } })
    })
    expect(model.boundaries?.get(roleArn)?.document.Statement).toEqual([
      { Effect: 'Allow', Resource: '*', Action: 's3:Get*' }
    ])
  })

  it('tells what only a service knows: replicas, a key that is gone, encryption that is not at work', async () => {
    const rule = { Destination: { Bucket: 'arn:aws:s3:::copy' } }
    const model = await load({
      's3:GetBucketReplication': () => ({ ReplicationConfiguration: { Rules: [rule] } }),
      'dynamodb:DescribeTable': () => ({
        Table: {
          TableArn: arn('dynamodb', 'table/orders-worker'),
          KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
          SSEDescription: { Status: 'ENABLED', InaccessibleEncryptionDateTime: new Date(0) }
        }
      }),
      'firehose:DescribeDeliveryStream': () => ({
        DeliveryStreamDescription: {
          DeliveryStreamARN: arn('firehose', 'deliverystream/orders-s3'),
          DeliveryStreamType: 'DirectPut',
          DeliveryStreamEncryptionConfiguration: {
            Status: 'ENABLING_FAILED',
            KeyType: 'CUSTOMER_MANAGED_CMK',
            KeyARN: keyArn('sink')
          }
        }
      })
    })
    const { results } = audit(model, catalogue)
    const evidenceOf = (id: string) =>
      results.find(({ control }) => control.id === id)?.findings.map(({ evidence }) => evidence)
    expect(evidenceOf('S3-10')).toEqual(['ReplicaKmsKeyID is not set'])
    expect(evidenceOf('DDB-06')).toEqual(['its key cannot be used: DynamoDB is going to archive it'])
    expect(evidenceOf('FH-01')).toEqual(['its encryption is not enabled'])
  })

  it('reads lists to their end', async () => {
    const alarm = (name: string) => ({ AlarmName: name, AlarmArn: arn('cloudwatch', `alarm:${name}`) })
    const grant = { GrantId: 'g' }
    const model = await load({
      'cloudwatch:DescribeAlarms': ({ NextToken }) =>
        NextToken === undefined
          ? { MetricAlarms: [alarm('first')], NextToken: 'more' }
          : { MetricAlarms: [alarm(`after ${String(NextToken)}`)] },
      'kms:ListGrants': ({ Marker }) =>
        Marker === undefined
          ? { Grants: [grant], Truncated: true, NextMarker: 'more' }
          : { Grants: [{ GrantId: Marker }], Truncated: false }
    })
    const alarms = model.resources.filter(({ type }) => type === 'AWS::CloudWatch::Alarm')
    expect(alarms.map(({ id }) => id)).toEqual(['first', 'after more'])
    expect(find(model, 'KMS::Key', 'envelope')?.properties.Grants).toEqual([grant, { GrantId: 'more' }])
  })

  it('takes a list without its end for one that cannot be told', async () => {
    const model = await load({
      'kms:ListGrants': ({ Marker }) =>
        Marker === undefined ? { Grants: [], Truncated: true, NextMarker: 'more' } : denied(),
      // An account that never comes to an end.
      'cloudwatch:DescribeAlarms': () => ({ MetricAlarms: [], NextToken: 'more' }),
      'iam:ListRolePolicies': ({ Marker }) =>
        Marker === undefined
          ? { PolicyNames: ['inline'], IsTruncated: true, Marker: 'more' }
          : refused('ThrottlingException')
    })
    expect(find(model, 'KMS::Key', 'envelope')?.properties.Grants).toBe(unknownValue)
    expect(model.failedReads).toContainEqual({
      action: 'cloudwatch:DescribeAlarms',
      resource: '*',
      code: 'TooManyPages'
    })
    expect(audit(model, catalogue).results.find(({ control }) => control.id === 'LOG-02')?.status).toBe(
      'error'
    )
    expect(model.unreadablePolicies?.get(roleArn)).toHaveLength(1)
  })

  it('goes on where a read is refused, and passes nothing that it would have told', async () => {
    const model = await load({
      's3:GetBucketEncryption': denied,
      'kms:GetKeyPolicy': denied,
      'iam:ListAttachedRolePolicies': denied,
      'ec2:DescribeVpcEndpoints': () => refused('UnauthorizedOperation', 403)
    })
    expect(model.failedReads).toEqual([
      {
        action: 's3:GetEncryptionConfiguration',
        resource: 'orders-delivered',
        code: 'AccessDeniedException'
      },
      { action: 's3:GetEncryptionConfiguration', resource: 'logs', code: 'AccessDeniedException' },
      ...['envelope', 'stream', 'state', 'sink'].map(resource => ({
        action: 'kms:GetKeyPolicy',
        resource,
        code: 'AccessDeniedException'
      })),
      { action: 'iam:ListAttachedRolePolicies', resource: 'orders-delivery', code: 'AccessDeniedException' },
      { action: 'ec2:DescribeVpcEndpoints', resource: '*', code: 'UnauthorizedOperation' }
    ])
    expect(find(model, 'S3::Bucket')?.properties.BucketEncryption).toBe(unknownValue)
    const { results } = audit(model, catalogue)
    const resultOf = (id: string) => results.find(({ control }) => control.id === id)
    expect(resultOf('KMS-03')?.status).toBe('error')
    expect(resultOf('KMS-03')?.findings[0]?.evidence).toMatch(
      /kms:GetKeyPolicy on envelope: AccessDeniedException$/
    )
    expect(resultOf('IAM-01')?.status).toBe('error')
    expect(resultOf('NET-01')?.status).toBe('error')
    // What was read is decided all the same.
    expect(resultOf('KMS-02')?.status).toBe('pass')
  })

  it('says nothing of keys and roles that it could not even find', async () => {
    const { results } = audit(await load({ 'kms:DescribeKey': denied, 'iam:GetRole': denied }), catalogue)
    for (const { control, status } of results.filter(({ control }) => /^(KMS|IAM)/.test(control.id))) {
      expect(status, control.id).toBe('error')
    }
  })

  it('tells of what the plan names and is not there', async () => {
    const model = await load({
      'dynamodb:DescribeTable': () => refused('ResourceNotFoundException'),
      's3:GetBucketVersioning': () => refused('NoSuchBucket', 404)
    })
    expect(model.failedReads.map(({ code }) => code)).toEqual(['ResourceNotFoundException', 'NoSuchBucket'])
    expect(find(model, 'DynamoDB::Table')).toBeUndefined()
    expect(find(model, 'S3::Bucket')).toBeUndefined()
  })

  it('leaves keys of AWS alone', async () => {
    const { read, calls } = reading({
      'kms:DescribeKey': () => ({ KeyMetadata: { KeyId: 'k', Arn: keyArn('k'), KeyManager: 'AWS' } })
    })
    const model = await loadLive(names, { read, services })
    expect(find(model, 'KMS::Key')).toBeUndefined()
    expect(calls).not.toContain('kms:GetKeyPolicy')
  })

  it('asks only services that it is told of', async () => {
    const { read, calls } = reading()
    await loadLive(names, {
      read,
      services: new Set(['kinesis', 'kms', 's3', 'sqs', 'dynamodb', 'firehose'])
    })
    expect(calls.filter(call => /^(iam|ec2|lambda|logs|cloudwatch|events):/.test(call))).toEqual([])
  })

  it('ends where a service cannot be reached', async () => {
    const unreachable = () => {
      throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
    }
    await expect(load({ 'sqs:GetQueueUrl': unreachable })).rejects.toThrow('connect')
  })
})

describe('namesOfPlan', () => {
  it('has the names of everything that a plan makes', () => {
    const plan = definePipeline({
      name: 'orders',
      destinations: [{ kind: 's3' }, { kind: 's3', deliveryStreamName: 'more', bucket: 'orders-delivered' }]
    })
    expect(namesOfPlan(plan)).toEqual({
      stream: 'orders',
      envelopeKeys: ['alias/orders'],
      tables: ['orders-worker'],
      queues: ['orders-dead-letters'],
      buckets: ['orders-delivered', 'orders-dead-letters'],
      deliveryStreams: ['orders-s3', 'more'],
      readers: { consumers: [], functions: [], unnamed: [] },
      roles: ['orders-producer', 'orders-consumer', 'orders-operator', 'orders-replayer'],
      neighbours: { searchDomains: [], redshiftClusters: [] }
    })
    const read = definePipeline({
      name: 'orders',
      stream: {
        readers: [
          { kind: 'firehose', destination: 's3', deliveryStreamName: 'direct', bucket: 'orders-direct' },
          {
            kind: 'lambda',
            handler: 'sealstream',
            functionArn: arn('lambda', 'function:f:live'),
            roleArn: 'arn:aws:iam::111122223333:role/f'
          }
        ]
      }
    })
    expect(namesOfPlan(read)).toMatchObject({
      queues: ['orders-dead-letters', 'orders-lambda-failures'],
      buckets: ['orders-delivered', 'orders-direct', 'orders-dead-letters'],
      deliveryStreams: ['orders-s3', 'direct'],
      readers: { functions: [arn('lambda', 'function:f:live')], unnamed: [] }
    })
    const shared = definePipeline({
      name: 'orders',
      sealing: { mode: 'record' },
      stream: { readers: [{ kind: 'kcl' }, { kind: 'lambda' }] },
      consumer: { retrieval: 'fan-out' }
    })
    expect(namesOfPlan(shared).readers).toEqual({
      consumers: ['orders-worker'],
      functions: [],
      unnamed: ['AWS::Kinesis::StreamConsumer', 'AWS::Lambda::EventSourceMapping']
    })
    expect(namesOfPlan(read, true)).toMatchObject({
      queues: ['orders-dead-letters'],
      buckets: ['orders-delivered', 'orders-dead-letters'],
      deliveryStreams: ['orders-s3']
    })
    const ofTenants = definePipeline({ name: 'o', sealing: { tenants: { a: 'made', b: 'made' } } })
    expect(namesOfPlan(ofTenants).envelopeKeys).toEqual(['alias/o/tenant-a', 'alias/o/tenant-b'])
    const open = namesOfPlan(
      definePipeline({ name: 'o', sealing: { mode: 'off' }, deadLetters: { kind: 's3', bucket: 'letters' } })
    )
    expect(open).toMatchObject({ envelopeKeys: [], queues: [], buckets: ['o-delivered', 'letters'] })
  })
})
