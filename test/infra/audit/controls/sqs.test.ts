import { describe, expect, it } from 'vitest'
import { sqsControls } from '../../../../infra/audit/controls/sqs/index.ts'
import { sqs04 } from '../../../../infra/audit/controls/sqs/sqs-04.ts'
import { describeControl, modelOfTemplate, policy, resource } from '../../../helpers/audit.ts'

const at = 'us-east-1:123456789012'
const queueArn = `arn:aws:sqs:${at}:orders`
const consumerArn = 'arn:aws:iam::123456789012:role/consumer'
const control = (id: string) => sqsControls.find(each => each.id === id)!

const queue = (properties = {}) => resource('SQS::Queue', { QueueName: 'orders', ...properties })
const queuePolicy = (...statements: readonly Record<string, unknown>[]) =>
  resource('SQS::QueuePolicy', {
    Queues: [{ Ref: 'Queue' }],
    PolicyDocument: policy(...statements.map(each => ({ Principal: '*', Resource: queueArn, ...each })))
  })
const role = (name: string, ...statements: readonly Record<string, unknown>[]) =>
  resource('IAM::Role', {
    RoleName: name,
    Policies: [{ PolicyName: 'own', PolicyDocument: policy(...statements) }]
  })
const denyPlain = { Effect: 'Deny', Action: 'sqs:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }
const onlyConsumerSends = {
  Effect: 'Deny',
  Action: 'sqs:SendMessage',
  Condition: { ArnNotEquals: { 'aws:PrincipalArn': consumerArn } }
}

describeControl(control('SQS-01'), [
  {
    title: 'passes with a customer-managed key, by ARN and by id',
    resources: {
      Arn: queue({ KmsMasterKeyId: { 'Fn::GetAtt': ['Key', 'Arn'] } }),
      Id: queue({ KmsMasterKeyId: { Ref: 'Key' }, KmsDataKeyReusePeriodSeconds: 300 }),
      Key: resource('KMS::Key')
    },
    findings: { Arn: 'pass', Id: 'pass' }
  },
  {
    title: "fails with SQS's own encryption, and with the key of AWS",
    resources: {
      Own: queue({ SqsManagedSseEnabled: true }),
      OfAws: queue({ KmsMasterKeyId: 'alias/aws/sqs' })
    },
    findings: { Own: 'fail', OfAws: 'fail' }
  },
  {
    title: 'fails for a data key that is used for long',
    resources: { Queue: queue({ KmsMasterKeyId: 'alias/state', KmsDataKeyReusePeriodSeconds: 3600 }) },
    findings: { Queue: 'fail' }
  },
  {
    title: 'does not decide on a key that cannot be told',
    resources: { Queue: queue({ KmsMasterKeyId: { 'Fn::ImportValue': 'key' } }) },
    findings: { Queue: 'error' }
  }
])

describeControl(control('SQS-02'), [
  {
    title: 'passes where plain transport is denied',
    resources: { Queue: queue(), Policy: queuePolicy(denyPlain) },
    findings: { Queue: 'pass' }
  },
  {
    title: 'fails without a policy',
    resources: { Queue: queue() },
    findings: { Queue: 'fail' },
    evidence: /^plain transport is not denied$/
  },
  {
    title: 'fails where only sending is looked at',
    resources: { Queue: queue(), Policy: queuePolicy({ ...denyPlain, Action: 'sqs:SendMessage' }) },
    findings: { Queue: 'fail' }
  },
  {
    title: 'fails where a role is an exception',
    resources: {
      Queue: queue(),
      Policy: queuePolicy({
        ...denyPlain,
        Condition: { ...denyPlain.Condition, ArnNotEquals: { 'aws:PrincipalArn': consumerArn } }
      })
    },
    findings: { Queue: 'fail' }
  },
  {
    title: 'is not satisfied by a deny of something else',
    resources: {
      Queue: queue(),
      Policy: queuePolicy({
        Effect: 'Deny',
        Action: 'sqs:*',
        Condition: { StringNotEquals: { 'aws:SourceVpce': 'vpce-1' } }
      })
    },
    findings: { Queue: 'fail' }
  },
  {
    title: 'does not decide on a policy that cannot be told',
    resources: {
      Queue: queue(),
      Policy: resource('SQS::QueuePolicy', {
        Queues: [{ Ref: 'Queue' }],
        PolicyDocument: { 'Fn::ImportValue': 'policy' }
      })
    },
    findings: { Queue: 'error' }
  }
])

const sends = { Action: 'sqs:SendMessage', Resource: queueArn }
const drains = { Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage'], Resource: queueArn }

describeControl(control('SQS-03'), [
  {
    title: 'passes where the consumer alone sends, and another receives',
    resources: {
      Queue: queue(),
      Policy: queuePolicy(onlyConsumerSends),
      Consumer: role('consumer', sends),
      Operator: role('operator', drains)
    },
    findings: { Queue: 'pass' }
  },
  {
    title: 'fails for a policy that lets in everybody',
    resources: { Queue: queue(), Policy: queuePolicy({ Action: 'sqs:ReceiveMessage' }) },
    findings: { Queue: 'fail' },
    evidence: /any account may use it/
  },
  {
    title: 'fails where IAM alone says who sends',
    resources: { Queue: queue(), Policy: queuePolicy(denyPlain) },
    findings: { Queue: 'fail' },
    evidence: /^whomever IAM lets may send to it/
  },
  {
    title: 'fails for a role that both sends and receives',
    resources: {
      Queue: queue(),
      Policy: queuePolicy(onlyConsumerSends),
      Consumer: role('consumer', { Action: 'sqs:*' })
    },
    findings: { Queue: 'fail' },
    evidence: /^Consumer may both send and receive$/
  },
  {
    title: 'does not decide for a role that may send, with policies that are kept elsewhere',
    resources: {
      Queue: queue(),
      Policy: queuePolicy(onlyConsumerSends),
      Consumer: resource('IAM::Role', {
        RoleName: 'consumer',
        ManagedPolicyArns: [{ 'Fn::ImportValue': 'policy' }]
      })
    },
    findings: { Queue: 'error' }
  }
])

describe('SQS-04', () => {
  it('leaves what messages hold to a run that looks into them', () => {
    expect(sqs04.evaluate(modelOfTemplate({ Queue: queue() }))).toMatchObject([
      {
        status: 'manual',
        resourceId: 'Queue',
        evidence: expect.stringMatching(/; run: sealstream prove --only E2E-01$/)
      }
    ])
    expect(sqs04.evaluate(modelOfTemplate({}))).toEqual([])
  })
})

const endpoint = resource('EC2::VPCEndpoint', {
  ServiceName: 'com.amazonaws.us-east-1.sqs',
  VpcEndpointType: 'Interface',
  PrivateDnsEnabled: true,
  PolicyDocument: policy({ Principal: '*', Action: 'sqs:*', Resource: queueArn })
})
const mapping = (onFailure: string) =>
  resource('Lambda::EventSourceMapping', {
    EventSourceArn: `arn:aws:kinesis:${at}:stream/orders`,
    FunctionName: { Ref: 'Function' },
    DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [onFailure, 'Arn'] } } }
  })
const explicit = { MessageRetentionPeriod: 1_209_600, RedriveAllowPolicy: { redrivePermission: 'denyAll' } }

describeControl(control('SQS-05'), [
  {
    title: 'passes with an endpoint, and with what it keeps and takes said',
    resources: { Queue: queue(explicit), Endpoint: endpoint },
    findings: { Queue: 'pass' }
  },
  {
    title: 'fails for defaults, without an endpoint',
    resources: { Queue: queue() },
    findings: { Queue: 'fail' },
    evidence: /no VPC endpoint for sqs; it keeps messages for the default of 4 days; any queue of the account/
  },
  {
    title: 'asks no endpoint for a queue that Lambda alone fills, and for one that a role fills, too',
    resources: {
      Queue: queue(explicit),
      Shared: queue({ ...explicit, QueueName: 'shared' }),
      Consumer: role('consumer', { Action: 'sqs:SendMessage', Resource: `arn:aws:sqs:${at}:shared` }),
      Function: resource('Lambda::Function', {
        FunctionName: 'orders',
        Role: { 'Fn::GetAtt': ['FunctionRole', 'Arn'] }
      }),
      FunctionRole: role('function', { Action: 'sqs:SendMessage' }),
      OfQueue: mapping('Queue'),
      OfShared: mapping('Shared')
    },
    findings: { Queue: 'pass', Shared: 'fail' },
    evidence: /^private, .*\nthere is no VPC endpoint for sqs$/
  },
  {
    title: 'does not decide on a period that cannot be told',
    resources: {
      Queue: queue({ ...explicit, MessageRetentionPeriod: { 'Fn::ImportValue': 'days' } }),
      Endpoint: endpoint
    },
    findings: { Queue: 'error' }
  }
])
