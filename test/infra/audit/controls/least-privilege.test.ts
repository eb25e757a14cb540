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
