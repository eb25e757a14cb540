import { describe, expect, it } from 'vitest'
import { kinesisControls } from '../../../../infra/audit/controls/kinesis/index.ts'
import { kds02 } from '../../../../infra/audit/controls/kinesis/kds-02.ts'
import { kds03 } from '../../../../infra/audit/controls/kinesis/kds-03.ts'
import { kds06 } from '../../../../infra/audit/controls/kinesis/kds-06.ts'
import { describeControl, modelOfTemplate, policy, resource } from '../../../helpers/audit.ts'

const at = 'us-east-1:123456789012'
const streamArn = `arn:aws:kinesis:${at}:stream/orders`
const keyArn = { 'Fn::GetAtt': ['Key', 'Arn'] }
const stream = (properties = {}, rest = {}) =>
  resource('Kinesis::Stream', { Name: 'orders', ...properties }, rest)
const encrypted = (KeyId: unknown) => stream({ StreamEncryption: { EncryptionType: 'KMS', KeyId } })
const role = (...statements: readonly Record<string, unknown>[]) =>
  resource('IAM::Role', { Policies: [{ PolicyName: 'own', PolicyDocument: policy(...statements) }] })
const streamPolicy = (...statements: readonly Record<string, unknown>[]) =>
  resource('Kinesis::ResourcePolicy', { ResourceArn: streamArn, ResourcePolicy: policy(...statements) })

const control = (id: string) => kinesisControls.find(each => each.id === id)!

describeControl(control('KDS-01'), [
  {
    title: 'passes with a key of the template',
    resources: { Stream: encrypted(keyArn), Key: resource('KMS::Key') },
    findings: { Stream: 'pass' }
  },
  {
    title: 'passes with a customer-managed key by alias, though KDS3 of cdk-nag warns of one',
    resources: { Stream: encrypted('alias/orders') },
    findings: { Stream: 'pass' }
  },
  {
    title: 'fails without encryption',
    resources: { Stream: stream() },
    findings: { Stream: 'fail' },
    evidence: /^the stream is not encrypted by KMS$/
  },
  {
    title: 'fails with the key of AWS, by alias and by ARN',
    resources: {
      Stream: encrypted('alias/aws/kinesis'),
      Other: resource('Kinesis::Stream', {
        StreamEncryption: { EncryptionType: 'KMS', KeyId: `arn:aws:kms:${at}:alias/aws/kinesis` }
      })
    },
    findings: { Stream: 'fail', Other: 'fail' }
  },
  {
    title: 'takes the branch of a condition on the region that is in force here',
    resources: {
      Stream: stream({
        StreamEncryption: {
          'Fn::If': [
            'IsUnsupported',
            { Ref: 'AWS::NoValue' },
            { EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' }
          ]
        }
      })
    },
    template: { Conditions: { IsUnsupported: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'cn-north-1'] } } },
    findings: { Stream: 'fail' },
    evidence: /key of AWS/
  },
  {
    title: 'does not decide on a key that cannot be told',
    resources: { Stream: encrypted({ 'Fn::ImportValue': 'key' }) },
    findings: { Stream: 'error' },
    evidence: /^StreamEncryption.KeyId cannot be told$/
  },
  { title: 'has nothing to say of others', resources: { Key: resource('KMS::Key') }, findings: {} }
])

describe('KDS-02', () => {
  const transport = (value: string) => ({
    Effect: 'Deny',
    Principal: '*',
    Action: 'kinesis:*',
    Resource: streamArn,
    Condition: { Bool: { 'aws:SecureTransport': value } }
  })

  it('passes where the policy of the stream denies plain transport', () => {
    const model = modelOfTemplate({ Stream: stream(), Policy: streamPolicy(transport('false')) })
    expect(kds02.evaluate(model)).toMatchObject([{ status: 'pass', resourceId: 'Stream' }])
  })

  it('leaves it to people where there is no such policy, or one that denies something else', () => {
    const without = modelOfTemplate({ Stream: stream() })
    const other = modelOfTemplate({ Stream: stream(), Policy: streamPolicy(transport('true')) })
    expect(kds02.evaluate(without)).toMatchObject([{ status: 'manual' }])
    expect(kds02.evaluate(other)).toMatchObject([{ status: 'manual' }])
  })
})

describe('KDS-03', () => {
  it('leaves what records hold to a run that reads them', () => {
    const [finding] = kds03.evaluate(
      modelOfTemplate({ Stream: encrypted(keyArn), Key: resource('KMS::Key') })
    )
    expect(finding).toMatchObject({ status: 'manual', resourceId: 'Stream' })
    expect(finding!.evidence).toMatch(/; run: sealstream prove --only E2E-01$/)
    expect(kds03.evaluate(modelOfTemplate({}))).toEqual([])
  })
})

const endpoint = (PolicyDocument: unknown, properties = {}) =>
  resource('EC2::VPCEndpoint', {
    ServiceName: { 'Fn::Sub': 'com.amazonaws.${AWS::Region}.kinesis-streams' },
    VpcEndpointType: 'Interface',
    PrivateDnsEnabled: true,
    ...(PolicyDocument === undefined ? {} : { PolicyDocument }),
    ...properties
  })
const onlyThis = {
  Principal: '*',
  Action: 'kinesis:*',
  Resource: streamArn,
  Condition: { StringEquals: { 'aws:PrincipalAccount': '123456789012' } }
}

describeControl(control('KDS-04'), [
  {
    title: 'passes with an endpoint for this stream alone',
    resources: { Stream: stream(), Endpoint: endpoint(policy(onlyThis)) },
    findings: { Stream: 'pass' }
  },
  {
    title: 'passes where the endpoint names the role that may come',
    resources: {
      Stream: stream(),
      Endpoint: endpoint(
        policy({
          ...onlyThis,
          Condition: { ArnEquals: { 'aws:PrincipalArn': 'arn:aws:iam::123456789012:role/producer' } }
        })
      )
    },
    findings: { Stream: 'pass' }
  },
  {
    title: 'fails without an endpoint',
    resources: { Stream: stream() },
    findings: { Stream: 'fail' },
    evidence: /no VPC endpoint for kinesis-streams/
  },
  {
    title: 'fails for an endpoint without a policy',
    resources: { Stream: stream(), Endpoint: endpoint(undefined) },
    findings: { Stream: 'fail' },
    evidence: /lets everything through/
  },
  {
    title: 'fails for an endpoint that lets through other accounts',
    resources: {
      Stream: stream(),
      Endpoint: endpoint(policy({ ...onlyThis, Resource: `arn:aws:kinesis:us-east-1:*:stream/orders` }))
    },
    findings: { Stream: 'fail' },
    evidence: /elsewhere/
  },
  {
    title: 'fails for an endpoint that keeps out the stream, and for one without private DNS',
    resources: {
      Stream: stream(),
      Endpoint: endpoint(policy({ ...onlyThis, Action: 'kinesis:GetRecords' }), { PrivateDnsEnabled: false })
    },
    findings: { Stream: 'fail' },
    evidence: /no private DNS.*does not let through kinesis:PutRecords here/
  },
  {
    title: 'does not decide on a policy that cannot be told',
    resources: { Stream: stream(), Endpoint: endpoint({ 'Fn::ImportValue': 'policy' }) },
    findings: { Stream: 'error' }
  }
])

describeControl(control('KDS-05'), [
  {
    title: 'passes from a week on, as number and as text',
    resources: {
      Stream: stream({ RetentionPeriodHours: 168 }),
      Text: stream({ RetentionPeriodHours: '8760' })
    },
    findings: { Stream: 'pass', Text: 'pass' }
  },
  {
    title: 'fails for less, for more than there is, and for the default',
    resources: {
      Less: stream({ RetentionPeriodHours: 167 }),
      More: stream({ RetentionPeriodHours: 8761 }),
      Default: stream()
    },
    findings: { Less: 'fail', More: 'fail', Default: 'fail' },
    evidence: /167 hours[\s\S]*default of 24 hours/
  },
  {
    title: 'does not decide on a parameter without a default',
    resources: { Stream: stream({ RetentionPeriodHours: { Ref: 'Hours' } }) },
    template: { Parameters: { Hours: { Type: 'Number' } } },
    findings: { Stream: 'error' }
  }
])

describe('KDS-06', () => {
  const declared = {
    Stream: resource('Kinesis::Stream', { Name: 'orders' }),
    Other: resource('Kinesis::Stream'),
    Fan: resource('Kinesis::StreamConsumer', { StreamARN: streamArn }),
    Function: resource('Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': ['Fan', 'ConsumerARN'] }
    }),
    Copy: resource('KinesisFirehose::DeliveryStream', {
      KinesisStreamSourceConfiguration: { KinesisStreamARN: { 'Fn::GetAtt': ['Stream', 'Arn'] } }
    }),
    Channel: resource('Kinesis::Channel', { Streams: [streamArn] })
  }

  it('lists the readers of each stream, those behind a fan-out consumer, too', () => {
    const [ofStream, ofOther] = kds06.evaluate(modelOfTemplate(declared))
    expect(ofStream).toMatchObject({ status: 'pass', resourceId: 'Stream' })
    expect(ofStream!.evidence).toBe(
      'read by Fan (StreamConsumer), Function (EventSourceMapping), Copy (DeliveryStream), Channel (Channel)'
    )
    expect(ofOther).toMatchObject({ status: 'pass', evidence: 'no reader besides those that poll' })
  })

  it('does not decide where it cannot be told what a mapping reads', () => {
    const model = modelOfTemplate({
      ...declared,
      Function: resource('Lambda::EventSourceMapping', { EventSourceArn: { 'Fn::ImportValue': 'source' } })
    })
    expect(kds06.evaluate(model)[0]).toMatchObject({ status: 'error' })
  })

  const live = (counts: object) => {
    const model = modelOfTemplate(declared)
    const resources = model.resources
      .filter(({ id }) => id !== 'Other')
      .map(each => (each.id === 'Stream' ? { ...each, properties: { ...each.properties, ...counts } } : each))
    return kds06.evaluate({ ...model, source: 'live' as const, resources })
  }

  it('passes where an account counts as many readers as are known', () => {
    expect(live({ ConsumerCount: 1, ChannelCount: 1 })).toMatchObject([{ status: 'pass' }])
  })

  it('fails for a channel that no list of consumers shows', () => {
    const [finding] = live({ ConsumerCount: 1, ChannelCount: 2 })
    expect(finding).toMatchObject({ status: 'fail' })
    expect(finding!.evidence).toBe('delivery channels counted: 2, known: 1')
  })

  it('fails for what reads in an account and is not in the plan, and leaves to people who may be an unnamed reader', () => {
    const functionArn = 'arn:aws:lambda:eu-west-1:111122223333:function:f:live'
    const model = modelOfTemplate({
      Stream: resource('Kinesis::Stream', { Name: 'orders', ConsumerCount: 1, ChannelCount: 0 }),
      Fan: resource('Kinesis::StreamConsumer', { ConsumerName: 'fan', StreamARN: streamArn }),
      Mapping: resource('Lambda::EventSourceMapping', {
        EventSourceArn: streamArn,
        FunctionName: functionArn
      })
    })
    const of = (consumers: string[], functions: string[], unnamed: string[] = []) => {
      const declaredReaders = { consumers, functions, unnamed }
      const [finding] = kds06.evaluate({ ...model, source: 'live', declaredReaders })
      return [finding?.status, finding?.evidence]
    }
    expect(of(['fan'], [functionArn])).toEqual([
      'pass',
      'read by Fan (StreamConsumer), Mapping (EventSourceMapping)'
    ])
    // A plan knows a function that it makes by its name alone.
    expect(of(['fan'], ['f:live'])[0]).toBe('pass')
    expect(of(['fan'], ['g:live'])).toEqual(['fail', 'Mapping is not declared'])
    expect(of([], [functionArn])).toEqual(['fail', 'Fan is not declared'])
    expect(of(['fan'], [])).toEqual(['fail', 'Mapping is not declared'])
    expect(of([], [functionArn], ['AWS::Kinesis::StreamConsumer'])).toEqual([
      'manual',
      'whether Fan belongs to a reader that the plan declares without a name'
    ])
  })

  it('does not decide where the counts were not read', () => {
    expect(live({})).toMatchObject([{ status: 'error' }])
  })
})

describeControl(control('KDS-07'), [
  {
    title: 'passes where the account is named',
    resources: {
      Stream: stream(),
      Policy: streamPolicy({
        Principal: { AWS: '111122223333' },
        Action: 'kinesis:GetRecords',
        Resource: streamArn
      })
    },
    findings: { Stream: 'pass' }
  },
  {
    title: 'passes for everybody of an organization',
    resources: {
      Stream: stream(),
      Policy: streamPolicy({
        Principal: '*',
        Action: 'kinesis:GetRecords',
        Resource: streamArn,
        Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } }
      })
    },
    findings: { Stream: 'pass' }
  },
  {
    title: 'fails for everybody',
    resources: {
      Stream: stream(),
      Policy: streamPolicy({ Principal: '*', Action: 'kinesis:Get*', Resource: streamArn })
    },
    findings: { Stream: 'fail' },
    evidence: /any account may kinesis:GetRecords/
  },
  {
    title: 'does not decide on a policy that cannot be told',
    resources: {
      Stream: stream(),
      Policy: streamPolicy({ Principal: { Ref: 'Who' }, Action: 'kinesis:Get*', Resource: streamArn })
    },
    template: { Parameters: { Who: { Type: 'String' } } },
    findings: { Stream: 'error' }
  },
  { title: 'has nothing to say of a stream without a policy', resources: { Stream: stream() }, findings: {} }
])

describeControl(control('KDS-08'), [
  {
    title: 'passes for a stream that is kept, and roles that use it',
    resources: {
      Stream: stream({}, { DeletionPolicy: 'Retain' }),
      Producer: role({ Action: ['kinesis:PutRecords', 'kinesis:ListShards'], Resource: streamArn })
    },
    findings: { Stream: 'pass' }
  },
  {
    title: 'passes where a wildcard is taken back by a deny',
    resources: {
      Stream: stream({}, { DeletionPolicy: 'Retain' }),
      Reader: role(
        { Action: 'kinesis:*' },
        {
          Effect: 'Deny',
          NotAction: ['kinesis:Get*', 'kinesis:List*', 'kinesis:Describe*', 'kinesis:SubscribeToShard']
        }
      )
    },
    findings: { Stream: 'pass' }
  },
  {
    title: 'fails for a stream that goes with its stack',
    resources: { Stream: stream() },
    findings: { Stream: 'fail' },
    evidence: /DeletionPolicy is not Retain/
  },
  {
    title: 'fails for a role that may turn the encryption off, by a wildcard',
    resources: {
      Stream: stream({}, { DeletionPolicy: 'Retain' }),
      Wide: role({ Action: 'kinesis:Stop*' })
    },
    findings: { Stream: 'fail' },
    evidence: /^Wide may kinesis:StopStreamEncryption$/
  },
  {
    title: 'does not decide for a role with a policy that is kept elsewhere',
    resources: {
      Stream: stream({}, { DeletionPolicy: 'Retain' }),
      Wide: resource('IAM::Role', { ManagedPolicyArns: [{ 'Fn::ImportValue': 'policy' }] })
    },
    findings: { Stream: 'error' },
    evidence: /what Wide may do cannot be told/
  }
])
