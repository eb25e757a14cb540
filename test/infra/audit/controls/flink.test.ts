import { flinkControls } from '../../../../infra/audit/controls/flink/index.ts'
import { describeControl, policy, resource } from '../../../helpers/audit.ts'

const control = (id: string) => flinkControls.find(each => each.id === id)!
const at = 'us-east-1:123456789012'
const applicationArn = `arn:aws:kinesisanalytics:${at}:application/orders`
const untold = { 'Fn::ImportValue': 'gone' }

const application = (configuration: object = {}, properties: object = {}) =>
  resource('KinesisAnalyticsV2::Application', {
    ApplicationName: 'orders',
    RuntimeEnvironment: 'FLINK-1_20',
    ServiceExecutionRole: { 'Fn::GetAtt': ['Role', 'Arn'] },
    ApplicationConfiguration: configuration,
    ...properties
  })

describeControl(control('MSF-01'), [
  { title: 'passes for Flink', resources: { App: application() }, findings: { App: 'pass' } },
  {
    title: 'fails for SQL, of either type',
    resources: {
      V2: application({}, { RuntimeEnvironment: 'SQL-1_0' }),
      V1: resource('KinesisAnalytics::Application')
    },
    findings: { V1: 'fail', V2: 'fail' }
  },
  {
    title: 'does not decide on a runtime that cannot be told',
    resources: { App: application({}, { RuntimeEnvironment: untold }) },
    findings: { App: 'error' }
  },
  {
    title: 'does not apply without applications',
    resources: { S: resource('Kinesis::Stream') },
    findings: {}
  }
])

const admitted = ['kinesisanalytics.amazonaws.com', 'infrastructure.kinesisanalytics.amazonaws.com']
const key = (services: readonly string[]) =>
  resource('KMS::Key', {
    KeyPolicy: policy({
      Principal: { Service: services },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Condition: {
        StringEquals: { 'kms:EncryptionContext:aws:kinesisanalytics:arn': applicationArn },
        ArnEquals: { 'aws:SourceArn': applicationArn }
      }
    })
  })
const encrypted = (keyId: unknown = { 'Fn::GetAtt': ['Key', 'Arn'] }) => ({
  ApplicationEncryptionConfiguration: { KeyType: 'CUSTOMER_MANAGED_KEY', KeyId: keyId }
})
const checkpoints = (configuration: unknown) => ({
  ...encrypted(),
  FlinkApplicationConfiguration: { CheckpointConfiguration: configuration }
})

describeControl(control('MSF-02'), [
  {
    title: 'passes with a key that lets in both principals, and checkpoints as they are by default',
    resources: {
      Plain: application(encrypted()),
      Default: application(checkpoints({ ConfigurationType: 'DEFAULT' })),
      Custom: application(checkpoints({ ConfigurationType: 'CUSTOM', CheckpointingEnabled: 'true' })),
      Key: key(admitted)
    },
    findings: { Plain: 'pass', Default: 'pass', Custom: 'pass' }
  },
  {
    title: 'fails without a key of its own, and without checkpoints',
    resources: {
      OfAws: application(),
      Off: application(checkpoints({ ConfigurationType: 'CUSTOM', CheckpointingEnabled: false })),
      Key: key(admitted)
    },
    findings: { OfAws: 'fail', Off: 'fail' }
  },
  {
    title: 'fails where the key lets in one of the two principals',
    resources: { App: application(encrypted()), Key: key([admitted[0]!]) },
    findings: { App: 'fail' },
    evidence: /^the policy of Key does not let in infrastructure\.kinesisanalytics\.amazonaws\.com$/
  },
  {
    title: 'does not decide on a key that is not here, or cannot be told',
    resources: {
      Elsewhere: application(encrypted(`arn:aws:kms:${at}:key/other`)),
      Untold: application(encrypted(untold)),
      Checkpoints: application(checkpoints(untold)),
      Key: key(admitted)
    },
    findings: { Elsewhere: 'error', Untold: 'error', Checkpoints: 'error' }
  }
])

const streamArn = `arn:aws:kinesis:${at}:stream/orders`
const trust = (condition: object = { ArnEquals: { 'aws:SourceArn': applicationArn } }) =>
  policy({
    Action: 'sts:AssumeRole',
    Principal: { Service: 'kinesisanalytics.amazonaws.com' },
    Resource: undefined,
    Condition: condition
  })
const role = (statements: readonly Record<string, unknown>[], trusted = trust()) =>
  resource('IAM::Role', {
    RoleName: 'flink',
    AssumeRolePolicyDocument: trusted,
    Policies: [{ PolicyName: 'own', PolicyDocument: policy(...statements) }]
  })
const reads = { Action: 'kinesis:GetRecords', Resource: streamArn }
const writes = {
  Action: 'firehose:PutRecordBatch',
  Resource: `arn:aws:firehose:${at}:deliverystream/orders`
}
const roleArn = 'arn:aws:iam::123456789012:role/flink'
const stream = resource('Kinesis::Stream', { Name: 'orders' })
const envelope = (principal: object) =>
  resource('KMS::Key', { KeyPolicy: policy({ Principal: principal, Action: 'kms:Decrypt' }) })
const unwraps = { Action: 'kms:Decrypt', Resource: { 'Fn::GetAtt': ['EnvelopeKey', 'Arn'] } }

describeControl(control('MSF-03'), [
  {
    title: 'passes for a role of its own with named sources and outputs',
    resources: { App: application(), Role: role([reads, writes]), Stream: stream },
    findings: { App: 'pass' }
  },
  {
    title: 'fails for a trust that is bound to the account alone, or to nothing',
    resources: {
      App: application(),
      Role: role([reads], trust({ StringEquals: { 'aws:SourceAccount': '123456789012' } }))
    },
    findings: { App: 'fail' },
    evidence: /^Role trusts the service for other applications, too$/
  },
  {
    title: 'fails for a trust in which the application is not',
    resources: {
      App: application(),
      Role: role([reads], trust({ ArnEquals: { 'aws:SourceArn': `${applicationArn}-other` } }))
    },
    findings: { App: 'fail' },
    evidence: /does not trust the service for this application/
  },
  {
    title: 'fails for what reaches past its sources and outputs',
    resources: {
      App: application(),
      Role: role([
        { ...reads, Resource: `arn:aws:kinesis:${at}:stream/*` },
        { Action: 's3:PutObject', Resource: '*' }
      ])
    },
    findings: { App: 'fail' },
    evidence: /^Role may kinesis:GetRecords, s3:PutObject elsewhere$/
  },
  {
    title: 'fails for a role that writes the stream which it reads',
    resources: {
      App: application(),
      Role: role([reads, { ...reads, Action: 'kinesis:PutRecords' }]),
      Stream: stream
    },
    findings: { App: 'fail' },
    evidence: /^Role may write Stream, which it reads$/
  },
  {
    title: 'lets it unwrap where the policy of the envelope key names it',
    resources: {
      App: application(),
      Role: role([reads, unwraps]),
      EnvelopeKey: envelope({ AWS: roleArn })
    },
    findings: { App: 'pass' }
  },
  {
    title: 'fails where the key leaves to IAM that it unwraps',
    resources: {
      App: application(),
      Role: role([reads, unwraps]),
      EnvelopeKey: envelope({ AWS: 'arn:aws:iam::123456789012:root' })
    },
    findings: { App: 'fail' },
    evidence: /may unwrap, and the policy of EnvelopeKey does not name it/
  },
  {
    title: 'does not decide on a role that is not here, or whose policies cannot be told',
    resources: {
      Elsewhere: application({}, { ServiceExecutionRole: `${roleArn}-other` }),
      Untold: application(),
      Role: resource('IAM::Role', {
        RoleName: 'flink',
        AssumeRolePolicyDocument: trust(),
        ManagedPolicyArns: [untold]
      })
    },
    findings: { Elsewhere: 'error', Untold: 'error' }
  }
])
