import { describe, expect, it } from 'vitest'
import { iam01 } from '../../../../infra/audit/controls/iam/iam-01.ts'
import { iam02 } from '../../../../infra/audit/controls/iam/iam-02.ts'
import { iam03 } from '../../../../infra/audit/controls/iam/iam-03.ts'
import { iam04 } from '../../../../infra/audit/controls/iam/iam-04.ts'
import { describeControl, modelOfTemplate, policy, resource } from '../../../helpers/audit.ts'

type Statement = Record<string, unknown>

const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] })
const trust = (principal: unknown, more: Statement = {}) =>
  policy({ Principal: principal, Action: 'sts:AssumeRole', Resource: undefined, ...more })
const role = (statements: readonly Statement[], trusted?: unknown) =>
  resource('IAM::Role', {
    ...(trusted === undefined ? {} : { AssumeRolePolicyDocument: trusted }),
    Policies: [{ PolicyName: 'p', PolicyDocument: policy(...statements) }]
  })

const onStream = 'arn:aws:kinesis:us-east-1:123456789012:stream/orders'
const allowing = (...statements: readonly Statement[]) => ({ Role: role(statements) })

describeControl(iam01, [
  {
    title: 'actions and resources by name',
    resources: allowing({ Action: 'kinesis:PutRecords', Resource: onStream }),
    findings: { Role: 'pass' }
  },
  {
    title: 'part of a resource',
    resources: allowing({ Action: ['s3:PutObject'], Resource: ['arn:aws:s3:::sink/data/*'] }),
    findings: { Role: 'pass' }
  },
  {
    title: 'actions that take everything, the one that changes something with a condition',
    resources: allowing(
      { Action: ['ec2:DescribeSubnets', 'kms:ListAliases'] },
      { Action: 'cloudwatch:PutMetricData', Condition: { StringEquals: { 'cloudwatch:namespace': 'n' } } }
    ),
    findings: { Role: 'pass' }
  },
  {
    title: 'metrics without a condition',
    resources: allowing({ Action: 'cloudwatch:PutMetricData' }),
    findings: { Role: 'fail' },
    evidence: /^statement 0 of Role\.p allows cloudwatch:PutMetricData on everything$/
  },
  {
    title: 'all actions of a kind',
    resources: allowing({ Sid: 'Read', Action: 'kinesis:Get*', Resource: onStream }),
    findings: { Role: 'fail' },
    evidence: /^Read of Role\.p allows kinesis:Get\*$/
  },
  {
    title: 'all streams',
    resources: allowing({ Action: 'kinesis:GetRecords', Resource: 'arn:aws:kinesis:*:*:stream/*' }),
    findings: { Role: 'fail' },
    evidence: /allows kinesis:GetRecords on everything$/
  },
  {
    title: 'everything of a service, in ARNs of several forms',
    resources: Object.fromEntries(
      ['arn:aws:kinesis:*', 'arn:aws:s3:::*/*', 'arn:aws:logs:us-east-1:123456789012:log-group:*:*'].map(
        (Resource, index) => [`Role${index}`, role([{ Action: 's3:GetObject', Resource }])]
      )
    ),
    findings: { Role0: 'fail', Role1: 'fail', Role2: 'fail' },
    evidence: /allows s3:GetObject on everything$/
  },
  {
    title: 'all actions but some',
    resources: allowing({ Action: undefined, NotAction: 'iam:*' }),
    findings: { Role: 'fail' }
  },
  {
    title: 'all resources but one',
    resources: allowing({ Action: 'kinesis:GetRecords', Resource: undefined, NotResource: onStream }),
    findings: { Role: 'fail' }
  },
  {
    title: 'a wildcard that denies',
    resources: allowing({ Effect: 'Deny', Action: 'kms:*' }),
    findings: { Role: 'pass' }
  },
  {
    title: 'a policy of AWS that has wildcards',
    resources: {
      Role: resource('IAM::Role', { ManagedPolicyArns: ['arn:aws:iam::aws:policy/AmazonKinesisFullAccess'] })
    },
    findings: { Role: 'fail' }
  }
])

const ofService = (name: string, more: Statement = {}) => trust({ Service: name }, more)
const fromHere = { StringEquals: { 'aws:SourceAccount': '123456789012' } }

describeControl(iam02, [
  {
    title: 'roles of services',
    resources: {
      A: role([], ofService('lambda.amazonaws.com')),
      B: role([], ofService('ec2.amazonaws.com'))
    },
    findings: { A: 'pass', B: 'pass' }
  },
  {
    title: 'a role that another may assume, by name',
    resources: { A: role([]), B: role([], trust({ AWS: arnOf('A') })) },
    findings: { A: 'pass', B: 'fail' },
    evidence: /A may assume it/
  },
  {
    title: 'a role that the account may assume, and one that is allowed to',
    resources: {
      A: role([{ Action: 'sts:AssumeRole' }], ofService('ec2.amazonaws.com')),
      B: role([], trust({ AWS: 'arn:aws:iam::123456789012:root' }))
    },
    findings: { A: 'pass', B: 'fail' }
  },
  {
    title: 'a role that the account may assume, and none that is allowed to',
    resources: {
      A: role([], ofService('ec2.amazonaws.com')),
      B: role([], trust({ AWS: 'arn:aws:iam::123456789012:root' }))
    },
    findings: { A: 'pass', B: 'pass' }
  }
])

const keyPolicy = policy(
  {
    Principal: { AWS: arnOf('Producer') },
    Action: 'kms:GenerateDataKey',
    Condition: { StringEquals: { 'kms:EncryptionContext:pipeline': 'orders' } }
  },
  { Principal: { AWS: arnOf('Consumer') }, Action: 'kms:Decrypt' }
)
const put = { Action: 'kinesis:PutRecords', Resource: arnOf('Stream') }
const get = { Action: ['kinesis:GetRecords', 'kinesis:GetShardIterator'], Resource: arnOf('Stream') }
const pipeline = (producer: readonly Statement[], consumer: readonly Statement[], more: object = {}) => ({
  Stream: resource('Kinesis::Stream'),
  EnvelopeKey: resource('KMS::Key', { KeyPolicy: keyPolicy }),
  Producer: role(producer, ofService('ec2.amazonaws.com')),
  Consumer: role(consumer, ofService('ec2.amazonaws.com')),
  ...more
})

describeControl(iam03, [
  {
    title: 'one direction each',
    resources: pipeline([put], [get], { Other: role([]) }),
    findings: { Producer: 'pass', Consumer: 'pass' }
  },
  {
    title: 'a producer that reads',
    resources: pipeline([put, get], [get]),
    findings: { Producer: 'fail', Consumer: 'pass' },
    evidence: /^may write and read Stream; may read a stream and wrap/
  },
  {
    title: 'a role that may do both, within a boundary that lets it read alone',
    resources: pipeline([put], [get], {
      Both: resource('IAM::Role', {
        PermissionsBoundary: { Ref: 'Boundary' },
        Policies: [{ PolicyName: 'p', PolicyDocument: policy(put, get) }]
      }),
      Boundary: resource('IAM::ManagedPolicy', { PolicyDocument: policy({ Action: 'kinesis:Get*' }) })
    }),
    findings: { Producer: 'pass', Consumer: 'pass', Both: 'pass' },
    evidence: /^Both reads, and no more$/m
  },
  {
    title: 'a user whose group may do both',
    resources: pipeline([put], [get], {
      User: resource('IAM::User', { Groups: [{ Ref: 'Group' }] }),
      Group: resource('IAM::Group', {
        Policies: [{ PolicyName: 'p', PolicyDocument: policy(put, get) }]
      })
    }),
    findings: { Producer: 'pass', Consumer: 'pass', User: 'fail' },
    evidence: /may write and read Stream/
  },
  {
    title: 'a consumer that writes',
    resources: pipeline([put], [put]),
    findings: { Producer: 'pass', Consumer: 'fail' },
    evidence: /may write a stream and unwrap/
  },
  {
    title: 'fan-out, and a consumer that forwards to another stream',
    resources: pipeline(
      [put],
      [
        { Action: 'kinesis:SubscribeToShard', Resource: { 'Fn::Sub': `\${Stream.Arn}/consumer/*` } },
        { Action: 'kinesis:PutRecord', Resource: arnOf('Next') }
      ],
      {
        Next: resource('Kinesis::Stream'),
        EnvelopeKey: resource('KMS::Key', {
          KeyPolicy: policy({ Principal: { AWS: arnOf('Producer') }, Action: 'kms:Encrypt' })
        })
      }
    ),
    findings: { Producer: 'pass', Consumer: 'pass' }
  },
  {
    title: 'a role of Firehose that may unwrap',
    resources: pipeline([put], [get], {
      Consumer: role([get], ofService('firehose.amazonaws.com'))
    }),
    findings: { Producer: 'pass', Consumer: 'fail' },
    evidence: /is of Firehose and may use the envelope key/
  },
  {
    title: 'a role with every right',
    resources: pipeline([put], [get], { Admin: role([{ Action: '*' }]) }),
    findings: { Producer: 'pass', Consumer: 'pass', Admin: 'fail' }
  },
  {
    title: 'no stream',
    resources: { EnvelopeKey: resource('KMS::Key'), Admin: role([{ Action: '*' }]) },
    findings: {}
  }
])

describeControl(iam04, [
  {
    title: 'a service that is bound to its source, and one that tells none',
    resources: {
      Delivery: role([], ofService('firehose.amazonaws.com', { Condition: fromHere })),
      Function: role([], ofService('lambda.amazonaws.com'))
    },
    findings: { Delivery: 'pass', Function: 'pass' }
  },
  {
    title: 'a service without a condition',
    resources: { Delivery: role([], ofService('firehose.amazonaws.com')) },
    findings: { Delivery: 'fail' },
    evidence: /^firehose\.amazonaws\.com may assume it for others, too$/
  },
  {
    title: 'a condition that holds where there is no source',
    resources: {
      Delivery: role(
        [],
        ofService('firehose.amazonaws.com', {
          Condition: { StringEqualsIfExists: { 'aws:SourceAccount': '123456789012' } }
        })
      )
    },
    findings: { Delivery: 'fail' }
  },
  {
    title: 'a role for everyone',
    resources: { Open: role([], trust({ AWS: '*' })) },
    findings: { Open: 'fail' },
    evidence: /^any account may assume it$/
  },
  {
    title: 'keys and passwords that last',
    resources: {
      User: resource('IAM::User', { LoginProfile: { Password: 'x' } }),
      Robot: resource('IAM::User'),
      Key: resource('IAM::AccessKey', { UserName: { Ref: 'Robot' } })
    },
    findings: { User: 'fail', Key: 'fail' }
  }
])

describe('controls of roles', () => {
  it('pass nothing of a role with a policy that cannot be read', () => {
    const model = modelOfTemplate({
      ...pipeline([put], [get]),
      Producer: resource('IAM::Role', {
        AssumeRolePolicyDocument: '{',
        ManagedPolicyArns: ['arn:aws:iam::aws:policy/Unheard']
      })
    })
    for (const control of [iam01, iam02, iam03, iam04]) {
      const found = control.evaluate(model).find(({ resourceId }) => resourceId === 'Producer')
      expect(found?.status ?? 'nothing', control.id).not.toBe('pass')
    }
  })
})
