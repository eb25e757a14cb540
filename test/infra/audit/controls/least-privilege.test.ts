import { expect, it } from 'vitest'
import { audit } from '../../../../infra/audit/audit.ts'
import { catalogue } from '../../../../infra/audit/catalogue.ts'
import { loadTemplate } from '../../../../infra/audit/loaders/template.ts'
import { resource } from '../../../helpers/audit.ts'
import {
  consumerPolicy,
  decryptLambdaPolicy,
  dynamodbEndpointPolicy,
  envelopeKeyPolicy,
  firehosePolicy,
  firehoseTrustPolicy,
  kinesisEndpointPolicy,
  leaseTablePolicy,
  otherEndpointStatements,
  producerPolicy,
  queuePolicy,
  sinkBucketPolicy,
  sinkKeyPolicy,
  stateKeyPolicy,
  streamKeyPolicy
} from '../../least-privilege.ts'

const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] })
const retained = { DeletionPolicy: 'Retain' }
const services = ['KDS', 'FH', 'SQS', 'S3', 'DDB', 'LAM', 'LOG']

const role = (RoleName: string, PolicyDocument: unknown, AssumeRolePolicyDocument?: unknown) =>
  resource('IAM::Role', {
    RoleName,
    ...(AssumeRolePolicyDocument === undefined ? {} : { AssumeRolePolicyDocument }),
    Policies: [{ PolicyName: 'own', PolicyDocument }]
  })
const endpoint = (service: string, PolicyDocument: unknown) =>
  resource('EC2::VPCEndpoint', {
    ServiceName: { 'Fn::Sub': `com.amazonaws.\${AWS::Region}.${service}` },
    VpcEndpointType: service === 'dynamodb' ? 'Gateway' : 'Interface',
    ...(service === 'dynamodb' ? {} : { PrivateDnsEnabled: true }),
    PolicyDocument
  })
const logGroup = (LogGroupName: string) =>
  resource('Logs::LogGroup', { LogGroupName, KmsKeyId: arnOf('state'), RetentionInDays: 90 })
const errors = { Enabled: true, LogGroupName: '/aws/kinesisfirehose/orders', LogStreamName: 'errors' }
const objects = {
  RoleARN: arnOf('FirehoseRole'),
  BucketARN: arnOf('Sink'),
  CloudWatchLoggingOptions: errors,
  EncryptionConfiguration: { KMSEncryptionConfig: { AWSKMSKeyARN: arnOf('sink') } }
}

/** A pipeline with a delivery stream that reads the stream and opens its records, as least privilege would have it. */
const template = {
  Resources: {
    envelope: resource('KMS::Key', { KeyPolicy: envelopeKeyPolicy }),
    stream: resource('KMS::Key', { KeyPolicy: streamKeyPolicy }),
    sink: resource('KMS::Key', { KeyPolicy: sinkKeyPolicy }),
    state: resource('KMS::Key', { KeyPolicy: stateKeyPolicy }),
    Stream: resource(
      'Kinesis::Stream',
      {
        Name: 'orders',
        RetentionPeriodHours: 168,
        StreamEncryption: { EncryptionType: 'KMS', KeyId: arnOf('stream') }
      },
      retained
    ),
    ProducerRole: role('orders-producer', producerPolicy),
    ConsumerRole: role('orders-consumer', consumerPolicy),
    DecryptRole: role('orders-decrypt-lambda', decryptLambdaPolicy),
    FirehoseRole: role('orders-firehose', firehosePolicy, firehoseTrustPolicy),
    Delivery: resource('KinesisFirehose::DeliveryStream', {
      DeliveryStreamName: 'orders-delivery',
      DeliveryStreamType: 'KinesisStreamAsSource',
      KinesisStreamSourceConfiguration: {
        KinesisStreamARN: arnOf('Stream'),
        RoleARN: arnOf('FirehoseRole')
      },
      ExtendedS3DestinationConfiguration: {
        ...objects,
        Prefix: 'data/',
        S3BackupConfiguration: { ...objects, Prefix: 'errors/' },
        ProcessingConfiguration: {
          Enabled: true,
          Processors: [
            {
              Type: 'Lambda',
              Parameters: [
                {
                  ParameterName: 'LambdaArn',
                  ParameterValue: 'arn:aws:lambda:eu-central-1:111122223333:function:orders-decrypt:live'
                }
              ]
            }
          ]
        }
      }
    }),
    Decrypt: resource('Lambda::Function', {
      FunctionName: 'orders-decrypt',
      Role: arnOf('DecryptRole'),
      ReservedConcurrentExecutions: 10,
      VpcConfig: { SubnetIds: ['subnet-1', 'subnet-2'] }
    }),
    Sink: resource('S3::Bucket', {
      BucketName: 'orders-sink',
      ObjectLockEnabled: true,
      ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 30 } } },
      VersioningConfiguration: { Status: 'Enabled' },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true
      },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          {
            BucketKeyEnabled: true,
            BlockedEncryptionTypes: { EncryptionType: ['SSE-C'] },
            ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: arnOf('sink') }
          }
        ]
      }
    }),
    SinkPolicy: resource('S3::BucketPolicy', {
      Bucket: { Ref: 'Sink' },
      PolicyDocument: sinkBucketPolicy
    }),
    Trail: resource('CloudTrail::Trail', {
      EventSelectors: [
        { DataResources: [{ Type: 'AWS::S3::Object', Values: ['arn:aws:s3:::orders-sink/'] }] }
      ]
    }),
    Queue: resource('SQS::Queue', {
      QueueName: 'orders-dlq',
      KmsMasterKeyId: arnOf('state'),
      MessageRetentionPeriod: 1_209_600,
      RedriveAllowPolicy: { redrivePermission: 'denyAll' }
    }),
    QueuePolicy: resource('SQS::QueuePolicy', {
      Queues: [{ Ref: 'Queue' }],
      PolicyDocument: queuePolicy
    }),
    Leases: resource('DynamoDB::Table', {
      TableName: 'orders-app',
      KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: arnOf('state') },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      DeletionProtectionEnabled: true,
      ResourcePolicy: { PolicyDocument: leaseTablePolicy }
    }),
    KinesisEndpoint: endpoint('kinesis-streams', kinesisEndpointPolicy),
    DynamodbEndpoint: endpoint('dynamodb', dynamodbEndpointPolicy),
    SqsEndpoint: endpoint('sqs', {
      Statement: otherEndpointStatements.filter(({ Sid }) => Sid === 'ThisQueueOnly')
    }),
    DeliveryLogs: logGroup('/aws/kinesisfirehose/orders'),
    DecryptLogs: logGroup('/aws/lambda/orders-decrypt')
  }
}
const options = { accountId: '111122223333', region: 'eu-central-1' }

it('passes all that can be told of a pipeline with the least of privileges, and misses its alarms alone', () => {
  const { results } = audit(loadTemplate(template, options), catalogue)
  const findings = results
    .filter(({ control }) => services.includes(control.id.split('-')[0]!))
    .flatMap(each => each.findings)
  const open = findings
    .filter(({ status }) => !['pass', 'notApplicable'].includes(status))
    .map(({ controlId, resourceId, status }) => `${controlId} ${resourceId ?? 'whole'} ${status}`)
  expect(open).toEqual([
    'KDS-02 Stream manual',
    'KDS-03 Stream manual',
    'FH-06 Delivery manual',
    'SQS-04 Queue manual',
    'DDB-06 Leases manual',
    'LOG-02 whole fail'
  ])
  const notApplicable = findings.filter(({ status }) => status === 'notApplicable')
  expect(notApplicable.map(({ controlId }) => controlId)).toEqual([
    'KDS-07',
    'FH-08',
    'FH-09',
    'FH-10',
    'FH-11',
    'S3-08'
  ])
})

type Path = readonly string[]

/** Every place of a value, but for those inside of references and policies. */
function* pathsOf(value: unknown, at: Path = []): Generator<Path> {
  if (at.length > 0) yield at
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) {
    if (/^Fn::|^Ref$|Polic(y|ies)|Document/.test(name)) continue
    yield* pathsOf(member, [...at, name])
  }
}

/** The template with another value in one place, or none. */
function changed(path: Path, value: unknown): unknown {
  const copy = structuredClone(template)
  const holder = path.slice(0, -1).reduce<unknown>((held, name) => Reflect.get(held as object, name), copy)
  if (value !== undefined) Reflect.set(holder as object, path.at(-1)!, value)
  else if (Array.isArray(holder)) holder.splice(Number(path.at(-1)), 1)
  else Reflect.deleteProperty(holder as object, path.at(-1)!)
  return copy
}

/** Control and resource -> status. Those that ask of uploads and transport ask the same policies every time. */
function statusesOf(changedTemplate: unknown): ReadonlyMap<string, string> {
  const controls = catalogue.filter(
    ({ id }) => services.includes(id.split('-')[0]!) && !['S3-02', 'S3-03', 'SQS-02'].includes(id)
  )
  const { results } = audit(loadTemplate(changedTemplate, options), controls)
  return new Map(
    results.flatMap(({ findings }) =>
      findings.map(({ controlId, resourceId, status }) => [`${controlId} ${resourceId}`, status] as const)
    )
  )
}

it('passes nothing of which a value cannot be told, that fails without the value', {
  timeout: 120_000
}, () => {
  const passing = [...statusesOf(template)].filter(([, status]) => status === 'pass').map(([key]) => key)
  const places = Object.entries(template.Resources).flatMap(([id, { Properties }]) =>
    [...pathsOf(Properties)].map(path => ['Resources', id, 'Properties', ...path])
  )
  let failed = 0
  for (const place of places) {
    const without = statusesOf(changed(place, undefined))
    const failing = passing.filter(key => without.get(key) === 'fail')
    if (failing.length === 0) continue
    const untold = statusesOf(changed(place, { 'Fn::ImportValue': 'untold' }))
    expect(
      failing.filter(key => untold.get(key) === 'pass').map(key => `${place.join('.')}: ${key}`)
    ).toEqual([])
    failed += failing.length
  }
  expect(failed).toBeGreaterThan(50)
})
