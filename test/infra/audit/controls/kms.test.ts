import { describe, expect, it } from 'vitest'
import { kms01 } from '../../../../infra/audit/controls/kms/kms-01.ts'
import { kms02 } from '../../../../infra/audit/controls/kms/kms-02.ts'
import { kms03 } from '../../../../infra/audit/controls/kms/kms-03.ts'
import { kms04 } from '../../../../infra/audit/controls/kms/kms-04.ts'
import { kms05 } from '../../../../infra/audit/controls/kms/kms-05.ts'
import { kms06 } from '../../../../infra/audit/controls/kms/kms-06.ts'
import { kms07 } from '../../../../infra/audit/controls/kms/kms-07.ts'
import { kms08 } from '../../../../infra/audit/controls/kms/kms-08.ts'
import { kms09 } from '../../../../infra/audit/controls/kms/kms-09.ts'
import { kms10 } from '../../../../infra/audit/controls/kms/kms-10.ts'
import { unknownValue } from '../../../../infra/audit/model.ts'
import { describeControl, modelOfTemplate, policy, resource } from '../../../helpers/audit.ts'

type Statement = Record<string, unknown>

const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] })
const root = { AWS: { 'Fn::Sub': 'arn:aws:iam::123456789012:root' } }

const administer: Statement = {
  Principal: root,
  Action: ['kms:DescribeKey', 'kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion', 'kms:RevokeGrant']
}
const noQuickDeletion: Statement = {
  Effect: 'Deny',
  Principal: '*',
  Action: 'kms:ScheduleKeyDeletion',
  Condition: { NumericLessThan: { 'kms:ScheduleKeyDeletionPendingWindowInDays': '30' } }
}
const direct = { Null: { 'kms:ViaService': 'true' } }
const pairs = { 'kms:EncryptionContext:pipeline': 'orders', 'kms:EncryptionContext:stream': 'orders' }
const bound = {
  StringEquals: pairs,
  'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['pipeline', 'stream', 'schema'] },
  ...direct
}
const wrap: Statement = {
  Principal: { AWS: arnOf('Producer') },
  Action: 'kms:GenerateDataKey',
  Condition: bound
}
const unwrap: Statement = { Principal: { AWS: arnOf('Consumer') }, Action: 'kms:Decrypt', Condition: bound }
const envelopeStatements = [
  administer,
  wrap,
  unwrap,
  { Effect: 'Deny', Principal: '*', Action: 'kms:CreateGrant' },
  noQuickDeletion
]

const roles = { Producer: resource('IAM::Role'), Consumer: resource('IAM::Role') }
const keyOf = (...statements: readonly Statement[]) =>
  resource(
    'KMS::Key',
    { EnableKeyRotation: true, KeyPolicy: policy(...statements) },
    { DeletionPolicy: 'Retain' }
  )
const envelope = (...statements: readonly Statement[]) => ({ ...roles, EnvelopeKey: keyOf(...statements) })
const sealed = envelope(...envelopeStatements)

const through = (service: string, more: object = {}) => ({
  StringEquals: { 'kms:ViaService': `${service}.us-east-1.amazonaws.com`, ...more }
})
const ofStream = { 'kms:EncryptionContext:aws:kinesis:arn': arnOf('Stream') }
const readStream: Statement = {
  Principal: { AWS: arnOf('Consumer') },
  Action: 'kms:Decrypt',
  Condition: through('kinesis', ofStream)
}
const stream = { Stream: resource('Kinesis::Stream', { StreamEncryption: { KeyId: arnOf('StreamKey') } }) }
const atRest = (...statements: readonly Statement[]) => ({
  ...roles,
  ...stream,
  StreamKey: keyOf(...statements)
})

// What KMS and the CDK make of a key that nobody thought about.
const byDefault = { Key: resource('KMS::Key') }
const everything = policy({ Action: '*' })

describeControl(kms01, [
  {
    title: 'a key that seals alone',
    resources: { ...sealed, ...atRest() },
    findings: { EnvelopeKey: 'pass' }
  },
  {
    title: 'a key that also encrypts the stream and the queue',
    resources: {
      ...sealed,
      Stream: resource('Kinesis::Stream', { StreamEncryption: { KeyId: { Ref: 'EnvelopeKey' } } }),
      Queue: resource('SQS::Queue', { KmsMasterKeyId: 'alias/orders' }),
      Alias: resource('KMS::Alias', { AliasName: 'alias/orders', TargetKeyId: { Ref: 'EnvelopeKey' } })
    },
    findings: { EnvelopeKey: 'fail' },
    evidence: /encrypts Stream at rest; it also encrypts Queue at rest/
  },
  {
    title: 'a key that policies, tags and the configuration of a function speak of',
    resources: {
      ...sealed,
      Function: resource('Lambda::Function', {
        Environment: { Variables: { KEY_ARN: arnOf('EnvelopeKey') } },
        Tags: [{ KeyId: arnOf('EnvelopeKey') }]
      }),
      BucketPolicy: resource('S3::BucketPolicy', {
        Bucket: 'b',
        PolicyDocument: policy({
          Action: 's3:*',
          Condition: { StringEquals: { keyId: arnOf('EnvelopeKey') } }
        })
      })
    },
    findings: { EnvelopeKey: 'pass' }
  },
  {
    title: 'a key that encrypts nothing, where none is called envelope',
    resources: { ...atRest(), Sealing: keyOf() },
    findings: { Sealing: 'pass' }
  },
  { title: 'no envelope key at all', resources: atRest(), findings: {} },
  {
    title: 'a key that a tag tells of',
    resources: {
      Tagged: resource('KMS::Key', { Tags: [{ Key: 'purpose', Value: 'envelope' }] }),
      Idle: resource('KMS::Key')
    },
    findings: { Tagged: 'pass' }
  }
])

const rotating = (properties: object) => ({
  Key: resource('KMS::Key', { EnableKeyRotation: true, ...properties })
})
describeControl(kms02, [
  { title: 'a key that rotates', resources: rotating({}), findings: { Key: 'pass' } },
  {
    title: 'a key that rotates every 90 days',
    resources: rotating({ RotationPeriodInDays: '90' }),
    findings: { Key: 'pass' }
  },
  {
    title: 'a key that rotates too rarely',
    resources: rotating({ RotationPeriodInDays: 366 }),
    findings: { Key: 'fail' }
  },
  { title: 'a key that does not', resources: byDefault, findings: { Key: 'fail' } },
  {
    title: 'a key that signs',
    resources: { Key: resource('KMS::Key', { KeyUsage: 'SIGN_VERIFY' }) },
    findings: {}
  },
  {
    title: 'a key of a key store',
    resources: { Key: resource('KMS::Key', { Origin: 'AWS_CLOUDHSM' }) },
    findings: {}
  }
])

describeControl(kms03, [
  {
    title: 'a policy that leaves administration to IAM',
    resources: sealed,
    findings: { EnvelopeKey: 'pass' }
  },
  {
    title: 'the policy of a key by default',
    resources: byDefault,
    findings: { Key: 'fail' },
    evidence: /^an administrator may wrap and unwrap by IAM alone$/
  },
  {
    title: 'a policy that leaves use with a context to IAM',
    resources: envelope({ Principal: root, Action: 'kms:Decrypt', Condition: { StringLike: pairs } }),
    findings: { EnvelopeKey: 'fail' }
  },
  {
    title: 'a policy that leaves all to IAM, and denies use to all but a role',
    resources: envelope(
      { Principal: root, Action: 'kms:*' },
      {
        Effect: 'Deny',
        Principal: '*',
        NotAction: ['kms:Describe*', 'kms:Get*'],
        Condition: { ArnNotEquals: { 'aws:PrincipalArn': arnOf('Producer') } }
      }
    ),
    findings: { EnvelopeKey: 'pass' }
  }
])

const foreign = { AWS: 'arn:aws:iam::111122223333:root' }
describeControl(kms04, [
  { title: 'a key of its account', resources: byDefault, findings: { Key: 'pass' } },
  {
    title: 'a key for everyone',
    resources: envelope({ Principal: '*', Action: 'kms:Decrypt' }),
    findings: { EnvelopeKey: 'fail' },
    evidence: /^everyone may Decrypt from outside$/
  },
  {
    title: 'a key for everyone with a context that anybody can send',
    resources: envelope({ Principal: { AWS: '*' }, Action: 'kms:*', Condition: { StringEquals: pairs } }),
    findings: { EnvelopeKey: 'fail' }
  },
  {
    title: 'a key for everyone who calls from this account',
    resources: envelope({
      Principal: { AWS: '*' },
      Action: 'kms:*',
      Condition: { StringEquals: { 'kms:CallerAccount': '123456789012' } }
    }),
    findings: { EnvelopeKey: 'pass' }
  },
  {
    title: 'a key for another account, unbound',
    resources: envelope({ Principal: foreign, Action: 'kms:Decrypt' }),
    findings: { EnvelopeKey: 'fail' },
    evidence: /^account 111122223333 may Decrypt from outside$/
  },
  {
    title: 'a key for another account with a context',
    resources: envelope({ Principal: foreign, Action: 'kms:Decrypt', Condition: { StringEquals: pairs } }),
    findings: { EnvelopeKey: 'pass' }
  }
])

describeControl(kms05, [
  { title: 'a context that is demanded, and bounded', resources: sealed, findings: { EnvelopeKey: 'pass' } },
  {
    title: 'no context at all',
    resources: envelope(administer, { ...wrap, Condition: direct }),
    findings: { EnvelopeKey: 'fail' },
    evidence: /^Producer may GenerateDataKey without an encryption context$/
  },
  {
    title: 'further pairs',
    resources: envelope(administer, { ...wrap, Condition: { StringEquals: pairs } }),
    findings: { EnvelopeKey: 'fail' },
    evidence: /^Producer may GenerateDataKey with a further pair in the encryption context$/
  },
  {
    title: 'any context where there is one',
    resources: envelope(administer, {
      ...wrap,
      Condition: { ...bound, StringEquals: {}, StringLike: { 'kms:EncryptionContext:pipeline': '*' } }
    }),
    findings: { EnvelopeKey: 'fail' },
    evidence: /with a foreign encryption context/
  },
  {
    title: 'names that are bounded, and pairs that may be missing',
    resources: envelope(administer, {
      ...wrap,
      Condition: { ...bound, StringEquals: {}, StringEqualsIfExists: pairs }
    }),
    findings: { EnvelopeKey: 'fail' },
    evidence: /without an encryption context/
  },
  {
    title: 'a policy that leaves use to IAM, where the role demands a context',
    resources: {
      Sealing: resource('KMS::Key'),
      Producer: resource('IAM::Role', {
        Policies: [
          {
            PolicyName: 'wrap',
            PolicyDocument: policy({ Action: 'kms:GenerateDataKey', Condition: bound })
          }
        ]
      })
    },
    findings: { Sealing: 'fail' },
    evidence: /^an administrator may/
  }
])

describeControl(kms06, [
  {
    title: 'an envelope key that is used directly, and a stream key through Kinesis',
    resources: { ...sealed, ...atRest(administer, readStream) },
    findings: { EnvelopeKey: 'pass', StreamKey: 'pass' }
  },
  {
    title: 'an envelope key that a service could use',
    resources: envelope(administer, { ...wrap, Condition: { StringEquals: pairs } }),
    findings: { EnvelopeKey: 'fail' },
    evidence: /^Producer may GenerateDataKey through a service$/
  },
  {
    title: 'a stream key that can be used directly',
    resources: atRest(administer, { ...readStream, Condition: { StringEquals: ofStream } }),
    findings: { StreamKey: 'fail' },
    evidence: /^Consumer may Decrypt directly/
  },
  {
    title: 'a stream key for any stream',
    resources: atRest(administer, readStream, { ...readStream, Condition: through('kinesis') }),
    findings: { StreamKey: 'fail' },
    evidence: /for another resource/
  },
  {
    title: 'a key for whoever makes tables',
    resources: {
      ...roles,
      Table: resource('DynamoDB::Table', { SSESpecification: { KMSMasterKeyId: arnOf('StateKey') } }),
      EnvelopeKey: keyOf(...envelopeStatements),
      StateKey: keyOf(
        administer,
        {
          Principal: { AWS: arnOf('Consumer') },
          Action: 'kms:Decrypt',
          Condition: through('dynamodb', { 'kms:EncryptionContext:aws:dynamodb:tableName': 'leases' })
        },
        {
          Principal: { AWS: 'arn:aws:iam::123456789012:role/deployer' },
          Action: ['kms:CreateGrant', 'kms:Decrypt'],
          Condition: through('dynamodb')
        }
      )
    },
    findings: { EnvelopeKey: 'pass', StateKey: 'pass' }
  },
  {
    title: 'a stream key through any service',
    resources: atRest(administer, {
      ...readStream,
      Condition: { StringLike: { 'kms:ViaService': '*.us-east-1.amazonaws.com' } }
    }),
    findings: { StreamKey: 'fail' },
    evidence: /through another service, ec2/
  }
])

describeControl(kms07, [
  {
    title: 'a producer that wraps and a consumer that unwraps',
    resources: sealed,
    findings: { EnvelopeKey: 'pass' },
    evidence: /^wrap: Producer; unwrap: Consumer$/
  },
  {
    title: 'a role that does both',
    resources: envelope(...envelopeStatements, { ...unwrap, Principal: { AWS: arnOf('Producer') } }),
    findings: { EnvelopeKey: 'fail' },
    evidence: /^Producer may wrap and unwrap$/
  },
  {
    title: 'the policy of a key by default',
    resources: { ...roles, EnvelopeKey: resource('KMS::Key') },
    findings: { EnvelopeKey: 'fail' },
    evidence: /^an administrator may wrap and unwrap$/
  },
  {
    title: 'a role with all rights in IAM that the key policy does not name',
    resources: {
      ...sealed,
      Admin: resource('IAM::Role', { Policies: [{ PolicyName: 'all', PolicyDocument: everything }] })
    },
    findings: { EnvelopeKey: 'pass' }
  }
])

describeControl(kms08, [
  {
    title: 'no grants on the envelope key, and those of a service on another',
    resources: {
      ...sealed,
      ...atRest(administer, {
        Principal: { AWS: arnOf('Consumer') },
        Action: 'kms:CreateGrant',
        Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } }
      })
    },
    findings: { EnvelopeKey: 'pass', StreamKey: 'pass' }
  },
  {
    title: 'grants through a service on the envelope key',
    resources: envelope(administer, {
      Principal: { AWS: arnOf('Consumer') },
      Action: 'kms:CreateGrant',
      Condition: through('dynamodb')
    }),
    findings: { EnvelopeKey: 'fail' },
    evidence: /^Consumer may CreateGrant$/
  },
  { title: 'the policy of a key by default', resources: byDefault, findings: { Key: 'fail' } },
  {
    title: 'grants that are there',
    resources: {
      EnvelopeKey: resource('KMS::Key', {
        KeyPolicy: policy(administer),
        Grants: [{ Operations: ['Decrypt'] }]
      }),
      OtherKey: resource('KMS::Key', {
        KeyPolicy: policy(administer),
        Grants: [{ Operations: ['Decrypt'], Constraints: { EncryptionContextSubset: { a: 'b' } } }]
      }),
      OpenKey: resource('KMS::Key', { KeyPolicy: policy(administer), Grants: [{ Operations: ['Decrypt'] }] })
    },
    findings: { EnvelopeKey: 'fail', OtherKey: 'pass', OpenKey: 'fail' }
  }
])

describeControl(kms09, [
  { title: 'a key that is kept, and slow to delete', resources: sealed, findings: { EnvelopeKey: 'pass' } },
  {
    title: 'the policy of a key by default',
    resources: byDefault,
    findings: { Key: 'fail' },
    evidence: /goes with its stack; its policy allows deletion within 7 days/
  },
  {
    title: 'a short window',
    resources: {
      Key: resource(
        'KMS::Key',
        { PendingWindowInDays: 7, KeyPolicy: policy(noQuickDeletion) },
        { DeletionPolicy: 'RetainExceptOnCreate' }
      )
    },
    findings: { Key: 'fail' },
    evidence: /^waits for 7 days$/
  }
])

const roleWith = (...statements: readonly Statement[]) => ({
  Role: resource('IAM::Role', { Policies: [{ PolicyName: 'p', PolicyDocument: policy(...statements) }] })
})
describeControl(kms10, [
  {
    title: 'a right to one key',
    resources: roleWith({ Action: 'kms:Decrypt', Resource: 'arn:aws:kms:us-east-1:123456789012:key/1' }),
    findings: { Role: 'pass' }
  },
  {
    title: 'a right to all keys',
    resources: roleWith({ Action: 'kms:Decrypt' }),
    findings: { Role: 'fail' },
    evidence: /^may decrypt with every key/
  },
  {
    title: 'a right to all keys of the account, through a service, in other words',
    resources: roleWith({
      Action: 'KMS:D*',
      Resource: 'arn:aws:kms:*:*:key/*',
      Condition: through('s3')
    }),
    findings: { Role: 'fail' }
  },
  {
    title: 'an alias in the place of a key',
    resources: roleWith({
      Action: 'kms:Decrypt',
      Resource: 'arn:aws:kms:us-east-1:123456789012:alias/orders'
    }),
    findings: { Role: 'fail' },
    evidence: /^Role\.p names a key by its alias$/
  },
  {
    title: 'an alias that is administered',
    resources: roleWith({
      Action: 'kms:UpdateAlias',
      Resource: 'arn:aws:kms:us-east-1:123456789012:alias/orders'
    }),
    findings: { Role: 'pass' }
  }
])

describe('controls of keys', () => {
  const all = [kms01, kms02, kms03, kms04, kms05, kms06, kms07, kms08, kms09, kms10]

  it('pass nothing of a key whose policy cannot be read', () => {
    const broken = modelOfTemplate(envelope({ Effect: 'Maybe', Action: 'kms:*' }))
    for (const control of [kms03, kms04, kms05, kms06, kms07, kms08, kms09]) {
      const [finding] = control.evaluate(broken)
      expect(finding?.status, control.id).not.toBe('pass')
    }
  })

  it('tell what a policy allows for certain where a part of it cannot be told', () => {
    const partner: Statement = { Principal: { AWS: { Ref: 'Partner' } }, Action: 'kms:Decrypt' }
    const model = modelOfTemplate(envelope({ Principal: root, Action: 'kms:*' }, partner))
    expect(kms03.evaluate(model)[0]?.status).toBe('fail')
    // Whether the partner is of this account is not known.
    expect(kms04.evaluate(model)[0]?.status).toBe('error')
  })

  it('pass nothing of a property that cannot be told', () => {
    const model = modelOfTemplate({ Key: resource('KMS::Key', { EnableKeyRotation: { Ref: 'Gone' } }) })
    expect(model.resources[0]?.properties.EnableKeyRotation).toBe(unknownValue)
    expect(kms02.evaluate(model)[0]?.status).not.toBe('pass')
  })

  it('take what cannot be read of a role for nothing where the key policy leaves nothing to IAM', () => {
    const resources = {
      ...sealed,
      Producer: resource('IAM::Role', { ManagedPolicyArns: ['arn:aws:iam::aws:policy/Unheard'] }),
      Stranger: resource('IAM::Role', { ManagedPolicyArns: ['arn:aws:iam::aws:policy/Unheard'] })
    }
    expect(kms07.evaluate(modelOfTemplate(resources))[0]?.evidence).not.toContain('Stranger')
  })

  it('tell no value of an encryption context', () => {
    const model = modelOfTemplate(
      envelope({ ...wrap, Condition: { StringEquals: { 'kms:EncryptionContext:tenant': 'confidential' } } })
    )
    const evidence = all.flatMap(control => control.evaluate(model)).map(finding => finding.evidence)
    expect(evidence.join('\n')).not.toContain('confidential')
  })
})
