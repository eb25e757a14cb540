import { describe, expect, it } from 'vitest'
import { fh06 } from '../../../../infra/audit/controls/firehose/fh-06.ts'
import { firehoseControls } from '../../../../infra/audit/controls/firehose/index.ts'
import { describeControl, modelOfTemplate, policy, resource } from '../../../helpers/audit.ts'

const at = 'us-east-1:123456789012'
const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] })
const control = (id: string) => firehoseControls.find(each => each.id === id)!

const delivery = (properties = {}) =>
  resource('KinesisFirehose::DeliveryStream', { DeliveryStreamName: 'orders', ...properties })
const deliveryArn = `arn:aws:firehose:${at}:deliverystream/orders`
const toS3 = (configuration = {}, rest = {}) =>
  delivery({
    ExtendedS3DestinationConfiguration: {
      BucketARN: arnOf('Bucket'),
      RoleARN: arnOf('Role'),
      ...configuration
    },
    ...rest
  })
const trustOf = (Condition?: unknown) =>
  policy({
    Principal: { Service: 'firehose.amazonaws.com' },
    Action: 'sts:AssumeRole',
    Resource: undefined,
    ...(Condition === undefined ? {} : { Condition })
  })
const bound = {
  StringEquals: { 'aws:SourceAccount': '123456789012' },
  ArnLike: { 'aws:SourceArn': deliveryArn }
}
const role = (statements: readonly Record<string, unknown>[], trust: unknown = trustOf(bound)) =>
  resource('IAM::Role', {
    AssumeRolePolicyDocument: trust,
    Policies: [{ PolicyName: 'own', PolicyDocument: policy(...statements) }]
  })
const bucket = resource('S3::Bucket', { BucketName: 'orders' })
const writes = { Action: ['s3:PutObject', 's3:AbortMultipartUpload'], Resource: 'arn:aws:s3:::orders/*' }
const unknownDestination = delivery({
  ExtendedS3DestinationConfiguration: { 'Fn::ImportValue': 'destination' },
  RedshiftDestinationConfiguration: {
    S3Configuration: { 'Fn::ImportValue': 'objects' },
    RoleARN: arnOf('Role')
  }
})

const encrypted = (KeyARN: unknown, KeyType = 'CUSTOMER_MANAGED_CMK') =>
  delivery({
    DeliveryStreamType: 'DirectPut',
    DeliveryStreamEncryptionConfigurationInput: { KeyType, KeyARN }
  })
const fed = (properties = {}) =>
  delivery({
    DeliveryStreamType: 'KinesisStreamAsSource',
    KinesisStreamSourceConfiguration: { KinesisStreamARN: arnOf('Stream'), RoleARN: arnOf('Role') },
    ...properties
  })

describeControl(control('FH-01'), [
  {
    title: 'passes for one that is put to, with a customer-managed key',
    resources: { Delivery: encrypted(arnOf('Key')), Key: resource('KMS::Key') },
    findings: { Delivery: 'pass' }
  },
  {
    title:
      'passes for one that an encrypted stream feeds, where KDF1 and others demand what Firehose refuses',
    resources: {
      Delivery: fed(),
      Stream: resource('Kinesis::Stream', {
        StreamEncryption: { EncryptionType: 'KMS', KeyId: arnOf('Key') }
      }),
      Key: resource('KMS::Key')
    },
    findings: { Delivery: 'pass' }
  },
  {
    title: 'fails for one that is put to, without a key or with that of AWS',
    resources: {
      Without: delivery(),
      OfAws: encrypted(undefined, 'AWS_OWNED_CMK')
    },
    findings: { Without: 'fail', OfAws: 'fail' }
  },
  {
    title: 'fails for one that a stream feeds which has the key of AWS',
    resources: {
      Delivery: fed(),
      Stream: resource('Kinesis::Stream', {
        StreamEncryption: { EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' }
      })
    },
    findings: { Delivery: 'fail' }
  },
  {
    title: 'fails for one that a stream feeds with a setting that Firehose refuses',
    resources: {
      Delivery: fed({ DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' } }),
      Stream: resource('Kinesis::Stream')
    },
    findings: { Delivery: 'fail' },
    evidence: /Firehose refuses/
  },
  {
    title: 'does not decide where the source is not here, or of another kind',
    resources: { Fed: fed(), Topic: delivery({ DeliveryStreamType: 'MSKAsSource' }) },
    findings: { Fed: 'error', Topic: 'error' }
  }
])

describeControl(control('FH-02'), [
  {
    title: 'passes for a role that trusts Firehose for this delivery stream',
    resources: { Delivery: toS3(), Role: role([writes]), Bucket: bucket },
    findings: { Delivery: 'pass' }
  },
  {
    title: 'fails for a trust without a condition, as the CDK makes it',
    resources: { Delivery: toS3(), Role: role([writes], trustOf()), Bucket: bucket },
    findings: { Delivery: 'fail' },
    evidence: /Role trusts Firehose for delivery streams of any account/
  },
  {
    title: 'fails for a trust that holds for the whole account',
    resources: {
      Delivery: toS3(),
      Role: role([writes], trustOf({ StringEquals: { 'aws:SourceAccount': '123456789012' } })),
      Bucket: bucket
    },
    findings: { Delivery: 'fail' },
    evidence: /other delivery streams of the account/
  },
  {
    title: 'fails for a role that trusts another service',
    resources: {
      Delivery: toS3(),
      Role: role(
        [writes],
        policy({ Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' })
      ),
      Bucket: bucket
    },
    findings: { Delivery: 'fail' },
    evidence: /does not trust Firehose/
  },
  {
    title: 'looks at the role that reads the stream as well',
    resources: {
      Delivery: toS3({}, { KinesisStreamSourceConfiguration: { RoleARN: arnOf('Reader') } }),
      Role: role([writes]),
      Reader: role([], trustOf()),
      Bucket: bucket
    },
    findings: { Delivery: 'fail' },
    evidence: /^Reader trusts/
  },
  {
    title: 'does not decide on a role of elsewhere',
    resources: { Delivery: toS3({ RoleARN: 'arn:aws:iam::123456789012:role/elsewhere' }), Bucket: bucket },
    findings: { Delivery: 'error' }
  }
])

const sinkKeyArn = `arn:aws:kms:${at}:key/SinkKey`
const throughS3 = (objectArn: string) => ({
  Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
  Resource: sinkKeyArn,
  Condition: {
    StringEquals: { 'kms:ViaService': 's3.us-east-1.amazonaws.com' },
    ArnLike: { 'kms:EncryptionContext:aws:s3:arn': objectArn }
  }
})

describeControl(control('FH-03'), [
  {
    title: 'passes for a role that writes objects, and uses the key through S3',
    resources: {
      Delivery: toS3(),
      Role: role([writes, throughS3('arn:aws:s3:::orders')]),
      Bucket: bucket,
      SinkKey: resource('KMS::Key')
    },
    findings: { Delivery: 'pass' }
  },
  {
    title: 'fails for the rights that a grant of the CDK gives',
    resources: {
      Delivery: toS3(),
      Role: role([
        {
          ...writes,
          Action: ['s3:DeleteObject*', 's3:PutObject', 's3:PutObjectLegalHold', 's3:PutObjectRetention']
        }
      ]),
      Bucket: bucket
    },
    findings: { Delivery: 'fail' },
    evidence:
      /^Role may s3:DeleteObject, s3:DeleteObjectVersion, s3:PutObjectRetention, s3:PutObjectLegalHold$/
  },
  {
    title: 'fails for a role that may use a key by itself, with the context that the key asks for',
    resources: {
      Delivery: toS3(),
      Role: role([
        writes,
        {
          Action: 'kms:Decrypt',
          Condition: { StringEquals: { 'kms:EncryptionContext:pipeline': 'orders' } }
        }
      ]),
      Bucket: bucket,
      EnvelopeKey: resource('KMS::Key')
    },
    findings: { Delivery: 'fail' },
    evidence: /^Role may use EnvelopeKey without a service between$/
  },
  {
    title: 'fails for a role that may pass roles on',
    resources: { Delivery: toS3(), Role: role([writes, { Action: 'iam:*' }]), Bucket: bucket },
    findings: { Delivery: 'fail' },
    evidence: /iam:PassRole/
  },
  {
    title: 'does not decide on what cannot be told',
    resources: {
      Delivery: unknownDestination,
      Role: resource('IAM::Role', { ManagedPolicyArns: [{ 'Fn::ImportValue': 'policy' }] })
    },
    findings: { Delivery: 'error' },
    evidence:
      /ExtendedS3DestinationConfiguration cannot be told.*S3Configuration cannot be told.*what Role may do/
  }
])

const logs = { Enabled: true, LogGroupName: '/aws/kinesisfirehose/orders', LogStreamName: 'errors' }

describeControl(control('FH-04'), [
  {
    title: 'passes where destination and backup log',
    resources: {
      Delivery: toS3({
        CloudWatchLoggingOptions: logs,
        S3BackupConfiguration: { CloudWatchLoggingOptions: { ...logs, LogStreamName: 'backup' } }
      })
    },
    findings: { Delivery: 'pass' }
  },
  {
    title: 'fails where the backup does not',
    resources: { Delivery: toS3({ CloudWatchLoggingOptions: logs, S3BackupConfiguration: {} }) },
    findings: { Delivery: 'fail' },
    evidence: /^ExtendedS3DestinationConfiguration.S3BackupConfiguration logs no errors/
  },
  {
    title: 'fails where a destination that is not S3 does not, or logs to nowhere',
    resources: {
      Splunk: delivery({
        SplunkDestinationConfiguration: { S3Configuration: { CloudWatchLoggingOptions: logs } }
      }),
      Nowhere: toS3({ CloudWatchLoggingOptions: { Enabled: true } })
    },
    findings: { Splunk: 'fail', Nowhere: 'fail' },
    evidence: /names no LogGroupName/
  },
  {
    title: 'does not decide on a destination that cannot be told',
    resources: {
      Delivery: delivery({
        ExtendedS3DestinationConfiguration: {
          CloudWatchLoggingOptions: logs,
          S3BackupConfiguration: { Ref: 'Nowhere' }
        }
      })
    },
    findings: { Delivery: 'error' }
  }
])

const functionArn = `arn:aws:lambda:${at}:function:open`
const transformed = (LambdaArn: unknown, parameters: Record<string, string> = {}, rest = {}) =>
  toS3({
    ProcessingConfiguration: {
      Enabled: true,
      Processors: [
        {
          Type: 'Lambda',
          Parameters: Object.entries({ LambdaArn, ...parameters }).map(([ParameterName, ParameterValue]) => ({
            ParameterName,
            ParameterValue
          }))
        }
      ],
      ...rest
    }
  })

describeControl(control('FH-05'), [
  {
    title: 'passes for a version, an alias, and an alias of the template',
    resources: {
      Version: transformed(`${functionArn}:7`),
      Alias: transformed(`${functionArn}:live`, { BufferSizeInMBs: '3' }),
      Own: transformed({ Ref: 'Live' }),
      Live: resource('Lambda::Alias', { FunctionName: 'open', Name: 'live' })
    },
    findings: { Version: 'pass', Alias: 'pass', Own: 'pass' }
  },
  {
    title: 'fails for a function without one, and for $LATEST',
    resources: { Bare: transformed(functionArn), Latest: transformed(`${functionArn}:$LATEST`) },
    findings: { Bare: 'fail', Latest: 'fail' },
    evidence: /without a version or an alias/
  },
  {
    title: 'fails for a buffer that an invocation cannot carry',
    resources: { Delivery: transformed(`${functionArn}:7`, { BufferSizeInMBs: '3.5' }) },
    findings: { Delivery: 'fail' },
    evidence: /BufferSizeInMBs is above 3/
  },
  {
    title: 'has nothing to say where processing is off',
    resources: { Delivery: transformed(functionArn, {}, { Enabled: false }) },
    findings: {}
  },
  {
    title: 'does not decide on what cannot be told',
    resources: {
      Function: transformed({ 'Fn::ImportValue': 'function' }),
      Whole: toS3({ ProcessingConfiguration: { 'Fn::ImportValue': 'processing' } })
    },
    findings: { Function: 'error', Whole: 'error' }
  }
])

describe('FH-06', () => {
  it('says where records may be opened, and leaves it to people whether they are', () => {
    const found = fh06.evaluate(
      modelOfTemplate({
        Plain: toS3(),
        Opened: transformed(`${functionArn}:live`),
        Open: resource('Lambda::Function', { FunctionName: 'open' })
      })
    )
    expect(found.map(({ resourceId, status }) => [resourceId, status])).toEqual([
      ['Plain', 'manual'],
      ['Opened', 'manual']
    ])
    expect(found[1]!.evidence).toMatch(
      /may be opened by Open: whether that is plaintext, its plan has to say$/
    )
    expect(found[0]!.evidence).toMatch(/^it delivers what is put to it: /)
  })

  it('fails where there is more than one such place', () => {
    const processor = (LambdaArn: string) => ({
      Type: 'Lambda',
      Parameters: [{ ParameterName: 'LambdaArn', ParameterValue: LambdaArn }]
    })
    const model = modelOfTemplate({
      Delivery: toS3({
        ProcessingConfiguration: {
          Processors: [processor(`${functionArn}:1`), processor(`${functionArn}2:1`)]
        }
      })
    })
    expect(fh06.evaluate(model)).toMatchObject([{ status: 'fail' }])
  })

  it('does not decide where processing cannot be told', () => {
    const model = modelOfTemplate({ Delivery: toS3({ ProcessingConfiguration: { 'Fn::ImportValue': 'x' } }) })
    expect(fh06.evaluate(model)).toMatchObject([{ status: 'error' }])
  })
})

const withKey = (AWSKMSKeyARN: unknown) => ({
  EncryptionConfiguration: { KMSEncryptionConfig: { AWSKMSKeyARN } }
})
const sinkBucket = (BucketKeyEnabled: boolean, KMSMasterKeyID: unknown = arnOf('SinkKey')) =>
  resource('S3::Bucket', {
    BucketName: 'orders',
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [
        {
          BucketKeyEnabled,
          ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID }
        }
      ]
    }
  })
const sink = (isBucketKey: boolean, contextArn: string) => ({
  Delivery: toS3(withKey(arnOf('SinkKey'))),
  Bucket: sinkBucket(isBucketKey),
  SinkKey: resource('KMS::Key'),
  Role: role([writes, throughS3(contextArn)])
})

describeControl(control('FH-07'), [
  {
    title: 'passes for the key of the bucket, with the context of its Bucket Key',
    resources: sink(true, 'arn:aws:s3:::orders'),
    findings: { Delivery: 'pass' }
  },
  {
    title: 'passes for the context of objects where there is no Bucket Key',
    resources: sink(false, 'arn:aws:s3:::orders/*'),
    findings: { Delivery: 'pass' }
  },
  {
    title: 'fails for the context of objects where there is a Bucket Key',
    resources: sink(true, 'arn:aws:s3:::orders/*'),
    findings: { Delivery: 'fail' },
    evidence: /Role may not use SinkKey with the context that S3 sends/
  },
  {
    title: 'fails for a destination without a key, and for one with that of AWS',
    resources: {
      Without: toS3(),
      OfAws: toS3(withKey(`arn:aws:kms:${at}:alias/aws/s3`)),
      Bucket: sinkBucket(true)
    },
    findings: { Without: 'fail', OfAws: 'fail' }
  },
  {
    title: 'fails for another key than the bucket has',
    resources: {
      Delivery: toS3({ ...withKey(arnOf('OtherKey')), RoleARN: 'arn:aws:iam::123456789012:role/elsewhere' }),
      Bucket: sinkBucket(true),
      SinkKey: resource('KMS::Key'),
      OtherKey: resource('KMS::Key')
    },
    findings: { Delivery: 'fail' },
    evidence: /names another key than Bucket has/
  },
  {
    title: 'looks at the backup and at what Redshift copies from',
    resources: {
      Backup: toS3({
        ...withKey(sinkKeyArn),
        S3BackupConfiguration: { BucketARN: 'arn:aws:s3:::elsewhere' }
      }),
      Redshift: delivery({
        RedshiftDestinationConfiguration: {
          S3Configuration: { BucketARN: 'arn:aws:s3:::elsewhere' },
          S3BackupConfiguration: { BucketARN: 'arn:aws:s3:::elsewhere', ...withKey(sinkKeyArn) }
        }
      })
    },
    findings: { Backup: 'fail', Redshift: 'fail' },
    evidence:
      /S3BackupConfiguration is not set\n.*RedshiftDestinationConfiguration.S3Configuration is not set$/
  },
  {
    title: 'does not decide on a key or a place that cannot be told',
    resources: { Key: toS3(withKey({ 'Fn::ImportValue': 'key' })), Delivery: unknownDestination },
    findings: { Key: 'error', Delivery: 'error' }
  }
])

const search = (name: string, properties = {}) =>
  delivery({
    [`${name}DestinationConfiguration`]: {
      DomainARN: `arn:aws:es:${at}:domain/orders`,
      RoleARN: arnOf('Role'),
      S3Configuration: { BucketARN: 'arn:aws:s3:::orders' },
      VpcConfiguration: { SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'], RoleARN: arnOf('Role') },
      ...properties
    }
  })

describeControl(control('FH-08'), [
  {
    title: 'passes inside a VPC, under both names of the service',
    resources: { New: search('Amazonopensearchservice'), Old: search('Elasticsearch'), Role: role([]) },
    findings: { New: 'pass', Old: 'pass' }
  },
  {
    title: 'fails outside of a VPC, and for an address instead of a domain',
    resources: {
      Outside: search('Amazonopensearchservice', { VpcConfiguration: { Ref: 'AWS::NoValue' } }),
      Address: search('Elasticsearch', {
        DomainARN: { Ref: 'AWS::NoValue' },
        ClusterEndpoint: 'https://search'
      })
    },
    findings: { Outside: 'fail', Address: 'fail' },
    evidence: /no subnets of a VPC[\s\S]*names no DomainARN; .* names an address/
  },
  {
    title: 'does not decide on a setting that cannot be told',
    resources: {
      Search: search('Elasticsearch', { VpcConfiguration: { 'Fn::ImportValue': 'vpc' } }),
      Role: role([])
    },
    findings: { Search: 'error' }
  },
  { title: 'has nothing to say of other destinations', resources: { Delivery: toS3() }, findings: {} }
])

const secret = { Enabled: true, SecretARN: `arn:aws:secretsmanager:${at}:secret:redshift-AbCdEf` }
const redshift = (properties: object) => delivery({ RedshiftDestinationConfiguration: properties })

describeControl(control('FH-09'), [
  {
    title: 'passes with a secret',
    resources: { Redshift: redshift({ SecretsManagerConfiguration: secret }) },
    findings: { Redshift: 'pass' }
  },
  {
    title: 'fails with a password, even from a parameter that nobody sees',
    resources: {
      Inline: redshift({ Username: 'loader', Password: 'not-to-be-told' }),
      Parameter: redshift({ Password: { Ref: 'Password' }, SecretsManagerConfiguration: secret })
    },
    template: { Parameters: { Password: { Type: 'String', NoEcho: true } } },
    findings: { Inline: 'fail', Parameter: 'fail' },
    evidence: /^(?![\s\S]*not-to-be-told)Username stands in the configuration itself; Password stands/
  },
  {
    title: 'fails with a secret that is not enabled, or not named',
    resources: {
      Off: redshift({ SecretsManagerConfiguration: { ...secret, Enabled: false } }),
      Unnamed: redshift({ SecretsManagerConfiguration: { Enabled: true } })
    },
    findings: { Off: 'fail', Unnamed: 'fail' }
  },
  {
    title: 'does not decide on one that cannot be told',
    resources: { Redshift: redshift({ SecretsManagerConfiguration: { 'Fn::ImportValue': 'secret' } }) },
    findings: { Redshift: 'error' }
  }
])

const splunk = (properties: object) =>
  delivery({
    SplunkDestinationConfiguration: {
      HECEndpoint: 'https://splunk:8088',
      SecretsManagerConfiguration: secret,
      S3Configuration: { BucketARN: 'arn:aws:s3:::orders' },
      ...properties
    }
  })

describeControl(control('FH-10'), [
  {
    title: 'passes over https, with a secret',
    resources: { Splunk: splunk({}) },
    findings: { Splunk: 'pass' }
  },
  {
    title: 'fails over http, with a token, and without a place for what was refused',
    resources: {
      Http: splunk({ HECEndpoint: 'http://splunk:8088' }),
      Token: splunk({ HECToken: 'not-to-be-told' }),
      Lost: splunk({ S3Configuration: { Ref: 'AWS::NoValue' } })
    },
    findings: { Http: 'fail', Token: 'fail', Lost: 'fail' },
    evidence: /^(?![\s\S]*not-to-be-told)[\s\S]*HECToken stands/
  },
  {
    title: 'does not decide on an address that cannot be told',
    resources: { Splunk: splunk({ HECEndpoint: { 'Fn::ImportValue': 'address' } }) },
    findings: { Splunk: 'error' }
  }
])

const endpoint = (Resource: unknown) =>
  resource('EC2::VPCEndpoint', {
    ServiceName: 'com.amazonaws.us-east-1.kinesis-firehose',
    VpcEndpointType: 'Interface',
    PrivateDnsEnabled: true,
    PolicyDocument: policy({ Principal: '*', Action: 'firehose:PutRecordBatch', Resource })
  })

describeControl(control('FH-11'), [
  {
    title: 'passes with an endpoint for this delivery stream alone',
    resources: { Delivery: delivery(), Endpoint: endpoint(arnOf('Delivery')) },
    findings: { Delivery: 'pass' }
  },
  {
    title: 'fails with an endpoint for all, and without one',
    resources: { Delivery: delivery(), Endpoint: endpoint('*') },
    findings: { Delivery: 'fail' }
  },
  {
    title: 'fails without an endpoint',
    resources: { Delivery: delivery() },
    findings: { Delivery: 'fail' },
    evidence: /no VPC endpoint for kinesis-firehose/
  },
  { title: 'has nothing to say of one that reads by itself', resources: { Delivery: fed() }, findings: {} }
])

const passes = (service: string | undefined) => ({
  Action: 'iam:PassRole',
  Resource: arnOf('Role'),
  ...(service === undefined ? {} : { Condition: { StringEquals: { 'iam:PassedToService': service } } })
})
const trustedBy = (Principal: unknown) => policy({ Principal, Action: 'sts:AssumeRole' })

describeControl(control('FH-12'), [
  {
    title: 'passes where a deployer may pass the role to Firehose',
    resources: {
      Delivery: toS3(),
      Role: role([writes]),
      Deployer: role(
        [passes('firehose.amazonaws.com')],
        trustedBy({ Service: 'cloudformation.amazonaws.com' })
      ),
      Person: role([passes('firehose.amazonaws.com')], trustedBy({ AWS: '123456789012' }))
    },
    findings: { Delivery: 'pass' }
  },
  {
    title: 'fails where it may be passed to any service',
    resources: {
      Delivery: toS3(),
      Role: role([writes]),
      Deployer: role([passes(undefined)], trustedBy({ Service: 'cloudformation.amazonaws.com' }))
    },
    findings: { Delivery: 'fail' },
    evidence: /^Deployer may pass Role to other services$/
  },
  {
    title: 'fails where a workload may pass it',
    resources: {
      Delivery: toS3(),
      Role: role([writes]),
      Worker: role([passes('firehose.amazonaws.com')], trustedBy({ Service: 'ecs-tasks.amazonaws.com' }))
    },
    findings: { Delivery: 'fail' },
    evidence: /^Worker may pass Role on$/
  },
  {
    title: 'does not decide for somebody whose policies are kept elsewhere',
    resources: {
      Delivery: toS3(),
      Role: role([writes]),
      Somebody: resource('IAM::Role', { ManagedPolicyArns: [{ 'Fn::ImportValue': 'policy' }] })
    },
    findings: { Delivery: 'error' },
    evidence: /whether Somebody may pass Role on/
  }
])
