import { describe, expect, it } from 'vitest'
import { s3Controls } from '../../../../infra/audit/controls/s3/index.ts'
import { s308 } from '../../../../infra/audit/controls/s3/s3-08.ts'
import { describeControl, modelOfTemplate, policy, resource } from '../../../helpers/audit.ts'

const at = 'us-east-1:123456789012'
const bucketArn = 'arn:aws:s3:::orders'
const both = [bucketArn, `${bucketArn}/*`]
const keyArn = `arn:aws:kms:${at}:key/SinkKey`
const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] })
const control = (id: string) => s3Controls.find(each => each.id === id)!

const bucket = (properties = {}) => resource('S3::Bucket', { BucketName: 'orders', ...properties })
const bucketPolicy = (...statements: readonly Record<string, unknown>[]) =>
  resource('S3::BucketPolicy', {
    Bucket: { Ref: 'Bucket' },
    PolicyDocument: policy(
      ...statements.map(each => ({ Effect: 'Deny', Principal: '*', Resource: both, ...each }))
    )
  })
const byDefault = (rule: object = {}, encryption: object = {}) => ({
  BucketEncryption: {
    ServerSideEncryptionConfiguration: [
      {
        ServerSideEncryptionByDefault: {
          SSEAlgorithm: 'aws:kms',
          KMSMasterKeyID: arnOf('SinkKey'),
          ...encryption
        },
        BucketKeyEnabled: true,
        ...rule
      }
    ]
  }
})
const blocked = { BlockedEncryptionTypes: { EncryptionType: ['SSE-C'] } }
const SinkKey = resource('KMS::Key')
const untold = resource('S3::BucketPolicy', {
  Bucket: { Ref: 'Bucket' },
  PolicyDocument: { 'Fn::ImportValue': 'policy' }
})

const sse = 's3:x-amz-server-side-encryption'
const sseKey = 's3:x-amz-server-side-encryption-aws-kms-key-id'
const sseCustomer = 's3:x-amz-server-side-encryption-customer-algorithm'
const denyAlgorithm = {
  Action: 's3:PutObject',
  Condition: { Null: { [sse]: 'false' }, StringNotEquals: { [sse]: 'aws:kms' } }
}
const denyOtherKey = {
  Action: 's3:PutObject',
  Condition: { Null: { [sseKey]: 'false' }, ArnNotEquals: { [sseKey]: keyArn } }
}
const denyCustomerKey = { Action: 's3:PutObject', Condition: { Null: { [sseCustomer]: 'false' } } }

describeControl(control('S3-01'), [
  {
    title: 'passes with the sink key, a Bucket Key, and customer-provided keys blocked',
    resources: { Bucket: bucket(byDefault(blocked)), SinkKey },
    findings: { Bucket: 'pass' }
  },
  {
    title: 'passes where the policy denies customer-provided keys instead',
    resources: { Bucket: bucket(byDefault()), SinkKey, Policy: bucketPolicy(denyCustomerKey) },
    findings: { Bucket: 'pass' }
  },
  {
    title: 'fails without encryption of its own, with that of S3, and with the key of AWS',
    resources: {
      Without: bucket(),
      OfS3: bucket(byDefault(blocked, { SSEAlgorithm: 'AES256', KMSMasterKeyID: { Ref: 'AWS::NoValue' } })),
      OfAws: bucket(byDefault(blocked, { KMSMasterKeyID: { Ref: 'AWS::NoValue' } }))
    },
    findings: { Without: 'fail', OfS3: 'fail', OfAws: 'fail' }
  },
  {
    title: 'fails without a Bucket Key, and where customer-provided keys are let through',
    resources: {
      Bucket: bucket(byDefault({ ...blocked, BucketKeyEnabled: false })),
      Open: bucket(byDefault({ BlockedEncryptionTypes: { EncryptionType: ['NONE'] } })),
      SinkKey
    },
    findings: { Bucket: 'fail', Open: 'fail' },
    evidence: /no Bucket Key\nSSE-C is not blocked/
  },
  {
    title: 'does not decide on encryption that cannot be told',
    resources: {
      Whole: bucket({ BucketEncryption: { 'Fn::ImportValue': 'encryption' } }),
      Key: bucket(byDefault(blocked, { KMSMasterKeyID: { 'Fn::ImportValue': 'key' } }))
    },
    findings: { Whole: 'error', Key: 'error' }
  },
  {
    title: 'has nothing to say of a bucket of logs, which S3 does not deliver under a KMS key',
    resources: {
      Bucket: bucket({
        ...byDefault(blocked),
        LoggingConfiguration: { DestinationBucketName: { Ref: 'Logs' } }
      }),
      Logs: resource('S3::Bucket'),
      SinkKey
    },
    findings: { Bucket: 'pass' }
  }
])

const denyPlain = { Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }
const denyOldTls = { Action: 's3:*', Condition: { NumericLessThan: { 's3:TlsVersion': '1.2' } } }
const denyOutside = {
  Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:ListBucket'],
  Condition: { StringNotEqualsIfExists: { 'aws:SourceVpce': 'vpce-1' } }
}

describeControl(control('S3-02'), [
  {
    title: 'passes for a policy with literal ARNs, which S10 of cdk-nag misreads',
    resources: { Bucket: bucket(), Policy: bucketPolicy(denyPlain, denyOldTls) },
    findings: { Bucket: 'pass' }
  },
  {
    title: 'passes for ARNs that the template puts together, and other denies beside',
    resources: {
      Bucket: resource('S3::Bucket'),
      Policy: bucketPolicy(
        { ...denyPlain, Resource: [arnOf('Bucket'), { 'Fn::Join': ['', [arnOf('Bucket'), '/*']] }] },
        { ...denyOldTls, Resource: [{ 'Fn::Sub': '${Bucket.Arn}' }, { 'Fn::Sub': '${Bucket.Arn}/*' }] },
        { ...denyOutside, Resource: { 'Fn::Sub': '${Bucket.Arn}/*' } }
      )
    },
    findings: { Bucket: 'pass' }
  },
  {
    title: 'fails without a policy',
    resources: { Bucket: bucket() },
    findings: { Bucket: 'fail' },
    evidence: /^plain transport is not denied; TLS 1.1 is not denied$/
  },
  {
    title: 'fails where old versions of TLS are let through',
    resources: { Bucket: bucket(), Policy: bucketPolicy(denyPlain) },
    findings: { Bucket: 'fail' },
    evidence: /^TLS 1.1 is not denied$/
  },
  {
    title: 'fails where the deny holds for the bucket and not for its objects',
    resources: {
      Bucket: bucket(),
      Policy: bucketPolicy({ ...denyPlain, Resource: bucketArn }, denyOldTls)
    },
    findings: { Bucket: 'fail' }
  },
  {
    title: 'fails where a deny spares a role by NotPrincipal',
    resources: {
      Bucket: bucket(),
      Policy: bucketPolicy(
        {
          ...denyPlain,
          Principal: undefined,
          NotPrincipal: { AWS: ['arn:aws:iam::123456789012:role/old', 'arn:aws:iam::123456789012:root'] }
        },
        denyOldTls
      )
    },
    findings: { Bucket: 'fail' },
    evidence: /^plain transport is not denied$/
  },
  {
    title: 'fails where a deny spares a role of the template by a pattern',
    resources: {
      Bucket: bucket(),
      Old: resource('IAM::Role', { RoleName: 'old-one' }),
      Policy: bucketPolicy(
        {
          ...denyPlain,
          Condition: {
            ...denyPlain.Condition,
            StringNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/old-*e' }
          }
        },
        denyOldTls
      )
    },
    findings: { Bucket: 'fail' },
    evidence: /^plain transport is not denied$/
  },
  {
    title: 'is not satisfied by a deny of something else, such as of other endpoints',
    resources: { Bucket: bucket(), Policy: bucketPolicy({ ...denyOutside, Action: 's3:*' }) },
    findings: { Bucket: 'fail' }
  },
  {
    title: 'does not decide on a policy that cannot be told',
    resources: { Bucket: bucket(), Policy: untold },
    findings: { Bucket: 'error' }
  }
])

describeControl(control('S3-03'), [
  {
    title: 'passes for denies that look whether the header is there',
    resources: {
      Bucket: bucket(byDefault()),
      SinkKey,
      Policy: bucketPolicy(denyAlgorithm, denyOtherKey, denyCustomerKey)
    },
    findings: { Bucket: 'pass' }
  },
  {
    title: 'passes where the bucket blocks customer-provided keys, and uploads come through an endpoint',
    resources: {
      Bucket: bucket(byDefault(blocked)),
      SinkKey,
      Policy: bucketPolicy(denyAlgorithm, denyOtherKey, denyOutside)
    },
    findings: { Bucket: 'pass' }
  },
  {
    title: 'fails for the usual deny, which refuses uploads without a header as well',
    resources: {
      Bucket: bucket(byDefault(blocked)),
      SinkKey,
      Policy: bucketPolicy(denyAlgorithm, {
        Action: 's3:PutObject',
        Condition: { StringNotEqualsIfExists: { [sseKey]: keyArn } }
      })
    },
    findings: { Bucket: 'fail' },
    evidence: /^an upload without headers, which takes the default, is denied$/
  },
  {
    title: 'fails where no policy looks at headers',
    resources: { Bucket: bucket(byDefault()), SinkKey },
    findings: { Bucket: 'fail' },
    evidence: /key of S3 is not denied; .*another algorithm.*another KMS key.*a key of its own is not denied$/
  },
  {
    title: 'fails for a policy that demands another key than the bucket has',
    resources: {
      Bucket: bucket(byDefault(blocked, { KMSMasterKeyID: arnOf('OtherKey') })),
      OtherKey: resource('KMS::Key'),
      Policy: bucketPolicy(denyAlgorithm, denyOtherKey)
    },
    findings: { Bucket: 'fail' },
    evidence: /^an upload that names the right key is denied$/
  },
  {
    title: 'does not decide on a policy that cannot be told',
    resources: { Bucket: bucket(byDefault(blocked)), SinkKey, Policy: untold },
    findings: { Bucket: 'error' }
  }
])

const toBucket = resource('KinesisFirehose::DeliveryStream', {
  ExtendedS3DestinationConfiguration: { BucketARN: arnOf('Bucket'), RoleARN: arnOf('Role'), Prefix: 'data/' }
})
const Role = resource('IAM::Role', { RoleName: 'firehose' })
const except = (condition: object) => ({
  ...denyOutside,
  Condition: { ...denyOutside.Condition, ArnNotEquals: condition }
})

describeControl(control('S3-04'), [
  {
    title: 'passes where the endpoint and the role of Firehose come through, and nobody else',
    resources: {
      Bucket: bucket(),
      Delivery: toBucket,
      Role,
      Policy: bucketPolicy(except({ 'aws:PrincipalArn': 'arn:aws:iam::123456789012:role/firehose' }))
    },
    findings: { Bucket: 'pass' }
  },
  {
    title: 'fails where Firehose is kept out, too',
    resources: { Bucket: bucket(), Delivery: toBucket, Role, Policy: bucketPolicy(denyOutside) },
    findings: { Bucket: 'fail' },
    evidence: /^it keeps out Role, with which Delivery delivers$/
  },
  {
    title: 'fails without such a policy',
    resources: { Bucket: bucket(), Policy: bucketPolicy(denyPlain) },
    findings: { Bucket: 'fail' },
    evidence: /s3:GetObject is not denied outside/
  },
  {
    title: 'fails for a policy that lets nobody in',
    resources: { Bucket: bucket(), Policy: bucketPolicy({ Action: 's3:*' }) },
    findings: { Bucket: 'fail' },
    evidence: /denied through an endpoint, too/
  },
  {
    title: 'does not decide on a policy, or a role, that is not here',
    resources: {
      Bucket: bucket(),
      Policy: bucketPolicy(denyOutside),
      Delivery: resource('KinesisFirehose::DeliveryStream', {
        S3DestinationConfiguration: { BucketARN: bucketArn, RoleARN: 'arn:aws:iam::123456789012:role/other' }
      })
    },
    findings: { Bucket: 'error' }
  }
])

const closed = {
  PublicAccessBlockConfiguration: {
    BlockPublicAcls: true,
    BlockPublicPolicy: true,
    IgnorePublicAcls: 'true',
    RestrictPublicBuckets: true
  },
  OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] }
}

describeControl(control('S3-05'), [
  { title: 'passes closed in all ways', resources: { Bucket: bucket(closed) }, findings: { Bucket: 'pass' } },
  {
    title: 'fails for one way that is open, and for lists that count',
    resources: {
      Open: bucket({
        ...closed,
        PublicAccessBlockConfiguration: {
          ...closed.PublicAccessBlockConfiguration,
          RestrictPublicBuckets: false
        }
      }),
      Lists: bucket({ ...closed, OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] } }),
      Bare: bucket()
    },
    findings: { Open: 'fail', Lists: 'fail', Bare: 'fail' },
    evidence: /^RestrictPublicBuckets is not set\naccess control lists are not disabled\n/
  },
  {
    title: 'does not decide on what cannot be told',
    resources: { Bucket: bucket({ ...closed, OwnershipControls: { 'Fn::ImportValue': 'ownership' } }) },
    findings: { Bucket: 'error' }
  }
])

describeControl(control('S3-06'), [
  {
    title: 'passes with versions',
    resources: { Bucket: bucket({ VersioningConfiguration: { Status: 'Enabled' } }) },
    findings: { Bucket: 'pass' }
  },
  {
    title: 'fails without, and where they are suspended',
    resources: {
      Without: bucket(),
      Suspended: bucket({ VersioningConfiguration: { Status: 'Suspended' } })
    },
    findings: { Without: 'fail', Suspended: 'fail' }
  },
  {
    title: 'does not decide on what cannot be told',
    resources: { Bucket: bucket({ VersioningConfiguration: { 'Fn::ImportValue': 'versioning' } }) },
    findings: { Bucket: 'error' }
  }
])

const locked = (DefaultRetention: object) =>
  bucket({ ObjectLockEnabled: true, ObjectLockConfiguration: { Rule: { DefaultRetention } } })
const denyBypass = {
  Action: 's3:BypassGovernanceRetention',
  Condition: { ArnNotEquals: { 'aws:PrincipalArn': 'arn:aws:iam::123456789012:role/custodian' } }
}

describeControl(control('S3-07'), [
  {
    title: 'passes for a lock that a custodian alone lifts',
    resources: {
      Bucket: locked({ Mode: 'GOVERNANCE', Days: 30 }),
      Delivery: toBucket,
      Policy: bucketPolicy(denyBypass)
    },
    findings: { Bucket: 'pass' }
  },
  {
    title: 'passes in compliance mode, which nobody lifts',
    resources: { Bucket: locked({ Mode: 'COMPLIANCE', Days: 365 }), Delivery: toBucket },
    findings: { Bucket: 'pass' }
  },
  {
    title: 'asks people about compliance mode for years',
    resources: { Bucket: locked({ Mode: 'COMPLIANCE', Years: 7 }), Delivery: toBucket },
    findings: { Bucket: 'manual' },
    evidence: /2555 days/
  },
  {
    title: 'fails without a lock',
    resources: { Bucket: bucket(), Delivery: toBucket },
    findings: { Bucket: 'fail' }
  },
  {
    title: 'fails for a lock that whoever has the right lifts',
    resources: { Bucket: locked({ Mode: 'GOVERNANCE', Days: 30 }), Delivery: toBucket },
    findings: { Bucket: 'fail' },
    evidence: /^whomever IAM lets may go past the lock$/
  },
  {
    title: 'does not decide on a policy that cannot be told',
    resources: { Bucket: locked({ Mode: 'GOVERNANCE', Days: 30 }), Delivery: toBucket, Policy: untold },
    findings: { Bucket: 'error' }
  },
  {
    title: 'has nothing to say of what Redshift copies from, or of a bucket that nothing is delivered to',
    resources: {
      Bucket: bucket(),
      Other: resource('S3::Bucket'),
      Delivery: resource('KinesisFirehose::DeliveryStream', {
        RedshiftDestinationConfiguration: { S3Configuration: { BucketARN: arnOf('Bucket') } }
      })
    },
    findings: {}
  }
])

describe('S3-08', () => {
  it('fails for a template that makes a vault', () => {
    const model = modelOfTemplate({
      Vault: { Type: 'Custom::GlacierVault', Properties: {} },
      Bucket: bucket()
    })
    expect(s308.evaluate(model)).toMatchObject([{ status: 'fail', resourceId: 'Vault' }])
  })

  it('passes in an account for a locked vault, and fails for an open one', () => {
    const vault = (State: unknown) => ({ Type: 'AWS::Glacier::Vault', Properties: { VaultLock: { State } } })
    const model = modelOfTemplate({ Locked: vault('Locked'), Open: vault('InProgress') })
    expect(s308.evaluate({ ...model, source: 'live' }).map(({ status }) => status)).toEqual(['pass', 'fail'])
  })

  it('has nothing to say of buckets', () => {
    expect(s308.evaluate(modelOfTemplate({ Bucket: bucket() }))).toEqual([])
  })
})

const logged = (target: unknown) =>
  bucket({ LoggingConfiguration: { DestinationBucketName: target, LogFilePrefix: 'orders/' } })
const Logs = resource('S3::Bucket', { BucketName: 'logs' })
const logsPolicy = (Condition?: object) =>
  resource('S3::BucketPolicy', {
    Bucket: 'logs',
    PolicyDocument: policy({
      Principal: { Service: 'logging.s3.amazonaws.com' },
      Action: 's3:PutObject',
      Resource: 'arn:aws:s3:::logs/orders/*',
      ...(Condition === undefined ? {} : { Condition })
    })
  })
const source = {
  ArnLike: { 'aws:SourceArn': bucketArn },
  StringEquals: { 'aws:SourceAccount': '123456789012' }
}

describeControl(control('S3-09'), [
  {
    title: 'passes with a bucket of logs that lets in the logs of this one',
    resources: { Bucket: logged({ Ref: 'Logs' }), Logs, Policy: logsPolicy(source) },
    findings: { Bucket: 'pass' }
  },
  {
    title: 'passes with a trail that records object events',
    resources: {
      Bucket: bucket(),
      Trail: resource('CloudTrail::Trail', {
        EventSelectors: [{ DataResources: [{ Type: 'AWS::S3::Object', Values: [`${bucketArn}/`] }] }]
      })
    },
    findings: { Bucket: 'pass' }
  },
  {
    title: 'fails without logs, and for a bucket that logs to itself',
    resources: {
      Bucket: bucket(),
      Itself: resource('S3::Bucket', { LoggingConfiguration: { LogFilePrefix: 'logs/' } })
    },
    findings: { Bucket: 'fail', Itself: 'fail' },
    evidence: /accesses are not logged\nit logs to itself/
  },
  {
    title: 'fails for a bucket of logs that takes those of any bucket',
    resources: { Bucket: logged({ Ref: 'Logs' }), Logs, Policy: logsPolicy() },
    findings: { Bucket: 'fail' },
    evidence: /^Logs takes the logs of any bucket$/
  },
  {
    title: 'fails for a bucket of logs that takes none, or is encrypted with a KMS key',
    resources: {
      Bucket: logged({ Ref: 'Logs' }),
      Logs: resource('S3::Bucket', { BucketName: 'logs', ...byDefault() }),
      SinkKey
    },
    findings: { Bucket: 'fail' },
    evidence: /^Logs is not encrypted by S3's own key.*; Logs does not let in the logs of S3$/
  },
  {
    title: 'does not decide on a bucket of logs that is not here, or cannot be told',
    resources: {
      Elsewhere: logged('logs-of-everybody'),
      Unknown: logged({ 'Fn::ImportValue': 'logs' })
    },
    findings: { Elsewhere: 'error', Unknown: 'error' }
  }
])

const replicated = (EncryptionConfiguration: unknown) =>
  bucket({
    ReplicationConfiguration: {
      Rules: [{ Destination: { Bucket: 'arn:aws:s3:::copy', EncryptionConfiguration } }]
    }
  })

describeControl(control('S3-10'), [
  {
    title: 'passes without either, and with a replica that has a key',
    resources: { Bucket: bucket(), Replicated: replicated({ ReplicaKmsKeyID: keyArn }) },
    findings: { Bucket: 'pass', Replicated: 'pass' }
  },
  {
    title: 'fails for other sites, and for a replica without a key',
    resources: {
      Bucket: bucket({ CorsConfiguration: { CorsRules: [] } }),
      Replicated: replicated({ Ref: 'AWS::NoValue' })
    },
    findings: { Bucket: 'fail', Replicated: 'fail' }
  },
  {
    title: 'does not decide on replication that cannot be told',
    resources: { Bucket: bucket({ ReplicationConfiguration: { 'Fn::ImportValue': 'replication' } }) },
    findings: { Bucket: 'error' }
  }
])
