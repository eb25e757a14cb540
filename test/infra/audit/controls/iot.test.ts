import { describe, expect, it } from 'vitest'
import { iotControls } from '../../../../infra/audit/controls/iot/index.ts'
import { iot04 } from '../../../../infra/audit/controls/iot/iot-04.ts'
import { describeControl, modelOfTemplate, policy, resource } from '../../../helpers/audit.ts'

const control = (id: string) => iotControls.find(each => each.id === id)!
const at = 'us-east-1:123456789012'
const untold = { 'Fn::ImportValue': 'gone' }

const thing = (name: string) => resource('IoT::Thing', { ThingName: name })
const attached = (thingName: unknown, principal: unknown) =>
  resource('IoT::ThingPrincipalAttachment', { ThingName: thingName, Principal: principal })
const certificateArn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] })
const certificate = resource('IoT::Certificate', { Status: 'ACTIVE' })
const registration = (types: readonly string[]) =>
  resource('IoT::ProvisioningTemplate', {
    TemplateBody: JSON.stringify({
      Resources: Object.fromEntries(types.map((type, index) => [`R${index}`, { Type: `AWS::IoT::${type}` }]))
    })
  })

describeControl(control('IOT-01'), [
  {
    title: 'passes for a certificate, or an identity of Cognito, of its own',
    resources: {
      A: thing('a'),
      B: thing('b'),
      C: thing('c'),
      CertificateA: certificate,
      CertificateB: certificate,
      OfA: attached({ Ref: 'A' }, certificateArn('CertificateA')),
      OfB: attached('b', certificateArn('CertificateB')),
      OfC: attached('c', 'us-east-1:0a1b2c3d-0000-1111-2222-333344445555')
    },
    findings: { A: 'pass', B: 'pass', C: 'pass' }
  },
  {
    title: 'fails for a certificate that things share',
    resources: {
      A: thing('a'),
      B: thing('b'),
      Certificate: certificate,
      OfA: attached('a', certificateArn('Certificate')),
      OfB: attached({ Ref: 'B' }, certificateArn('Certificate'))
    },
    findings: { A: 'fail', B: 'fail' },
    evidence: /it shares its certificate: 2 things have it/
  },
  {
    title: 'fails for what is neither',
    resources: { A: thing('a'), OfA: attached('a', 'arn:aws:iam::123456789012:user/a') },
    findings: { A: 'fail' }
  },
  {
    title: 'leaves to people how a thing without anything attached comes in',
    resources: { A: thing('a') },
    findings: { A: 'manual' }
  },
  {
    title: 'wants a certificate of each device that is registered by a template',
    resources: {
      Good: registration(['Thing', 'Certificate']),
      Bad: registration(['Thing']),
      Untold: resource('IoT::ProvisioningTemplate', { TemplateBody: untold }),
      Broken: resource('IoT::ProvisioningTemplate', { TemplateBody: '{' })
    },
    findings: { Good: 'pass', Bad: 'fail', Untold: 'error', Broken: 'error' }
  },
  {
    title: 'does not decide on a certificate that cannot be told',
    resources: { A: thing('a'), OfA: attached('a', untold) },
    findings: { A: 'error' }
  }
])

const own = '${iot:Connection.Thing.ThingName}'
const devicePolicy = (...statements: readonly Record<string, unknown>[]) =>
  resource('IoT::Policy', { PolicyName: 'devices', PolicyDocument: policy(...statements) })
const inGroup = resource('IoT::PolicyPrincipalAttachment', {
  PolicyName: 'devices',
  Principal: { 'Fn::GetAtt': ['Group', 'Arn'] }
})
const group = resource('IoT::ThingGroup', { ThingGroupName: 'devices' })
const connect = { Action: 'iot:Connect', Resource: `arn:aws:iot:${at}:client/${own}` }
const publish = (topic: string) => ({
  Action: ['iot:Publish', 'iot:Receive'],
  Resource: `arn:aws:iot:${at}:topic/${topic}`
})
const subscribe = (filter: string) => ({
  Action: 'iot:Subscribe',
  Resource: [`arn:aws:iot:${at}:topicfilter/${filter}`]
})
const withGroup = (document: Record<string, unknown>) => ({
  Policy: document,
  Attachment: inGroup,
  Group: group
})

describeControl(control('IOT-02'), [
  {
    title: 'passes for names and topics of the device itself, wildcards behind them',
    resources: withGroup(
      devicePolicy(
        connect,
        publish(`orders/${own}/*`),
        publish('$aws/rules/orders'),
        subscribe(`orders/${own}/#`),
        { Effect: 'Deny', Action: '*' }
      )
    ),
    findings: { Policy: 'pass' }
  },
  {
    title: 'reads a document that is written with Fn::Sub, or as text',
    resources: {
      Policy: devicePolicy({
        ...connect,
        Resource: {
          'Fn::Sub':
            'arn:${AWS::Partition}:iot:${AWS::Region}:${AWS::AccountId}:client/${!iot:Connection.Thing.ThingName}'
        }
      }),
      Text: resource('IoT::Policy', { PolicyDocument: JSON.stringify(policy(connect)) }),
      Attachment: inGroup,
      TextAttachment: resource('IoT::PolicyPrincipalAttachment', {
        PolicyName: { Ref: 'Text' },
        Principal: { 'Fn::GetAtt': ['Group', 'Arn'] }
      }),
      Group: group
    },
    findings: { Policy: 'pass', Text: 'pass' }
  },
  {
    title: 'fails where a device may be another',
    resources: withGroup(devicePolicy({ ...connect, Resource: `arn:aws:iot:${at}:client/*` })),
    findings: { Policy: 'fail' }
  },
  {
    title: 'fails for a name that the device chooses by itself, and for one that all have',
    resources: withGroup(
      devicePolicy(
        { ...connect, Resource: `arn:aws:iot:${at}:client/\${iot:ClientId}` },
        { ...connect, Resource: `arn:aws:iot:${at}:client/all` }
      )
    ),
    findings: { Policy: 'fail' },
    evidence: /lets any device connect as \$\{iot:ClientId\}; it lets any device connect as all$/
  },
  {
    title: 'fails for topics of others, and for wildcards of MQTT before the name',
    resources: withGroup(devicePolicy(connect, publish('orders/*'), subscribe(`+/${own}`))),
    findings: { Policy: 'fail' },
    evidence: /topic\/orders\/\*: a wildcard .*; it allows .*topicfilter\/\+/
  },
  {
    title: 'fails for all actions, all resources, and all but some',
    resources: {
      Actions: devicePolicy({ ...connect, Action: 'iot:*' }),
      Resources: devicePolicy({ Action: 'iot:Publish' }),
      Others: devicePolicy({ NotAction: 'iot:Connect' })
    },
    findings: { Actions: 'fail', Resources: 'fail', Others: 'fail' }
  },
  {
    title: 'leaves to people a policy that no group has',
    resources: {
      Nobody: resource('IoT::Policy', { PolicyName: 'nobody', PolicyDocument: policy(connect) }),
      Policy: devicePolicy(connect),
      Attachment: resource('IoT::PolicyPrincipalAttachment', {
        PolicyName: 'devices',
        Principal: `arn:aws:iot:${at}:cert/0a`
      })
    },
    findings: { Nobody: 'manual', Policy: 'manual' },
    evidence: /attached to nothing here[\s\S]*attached to devices one by one/
  },
  {
    title: 'does not decide on what cannot be told',
    resources: {
      Policy: devicePolicy({ ...connect, Resource: [untold] }),
      Attachment: inGroup,
      Group: group,
      Document: resource('IoT::Policy', { PolicyDocument: untold }),
      Broken: resource('IoT::Policy', { PolicyDocument: '{' })
    },
    findings: { Policy: 'error', Document: 'error', Broken: 'error' }
  }
])

const stream = resource('Kinesis::Stream', { Name: 'orders' })
const queue = (key: unknown = { 'Fn::GetAtt': ['StateKey', 'Arn'] }) =>
  resource('SQS::Queue', { QueueName: 'refused', KmsMasterKeyId: key })
const toKinesis = { Kinesis: { RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] }, StreamName: { Ref: 'Stream' } } }
const toQueue = { Sqs: { QueueUrl: { Ref: 'Queue' }, RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] } } }
const rule = (payload: object = {}) =>
  resource('IoT::TopicRule', {
    TopicRulePayload: {
      Sql: "SELECT * FROM 'orders/#'",
      Actions: [toKinesis],
      ErrorAction: toQueue,
      ...payload
    }
  })
const role = (...statements: readonly Record<string, unknown>[]) =>
  resource('IAM::Role', {
    RoleName: 'rule',
    Policies: [{ PolicyName: 'own', PolicyDocument: policy(...statements) }]
  })
const put = { Action: 'kinesis:PutRecord', Resource: { 'Fn::GetAtt': ['Stream', 'Arn'] } }
const throughKinesis = {
  Action: 'kms:GenerateDataKey',
  Resource: { 'Fn::GetAtt': ['StateKey', 'Arn'] },
  Condition: { StringEquals: { 'kms:ViaService': 'kinesis.us-east-1.amazonaws.com' } }
}
const send = { Action: 'sqs:SendMessage', Resource: { 'Fn::GetAtt': ['Queue', 'Arn'] } }
const surroundings = { Stream: stream, Queue: queue(), StateKey: resource('KMS::Key') }

describeControl(control('IOT-03'), [
  {
    title: 'passes for a role that puts to the stream, and failures in an encrypted queue',
    resources: { ...surroundings, Rule: rule(), Role: role(put, throughKinesis, send) },
    findings: { Rule: 'pass' }
  },
  {
    title: 'fails without an error action, or with one that is no queue',
    resources: {
      ...surroundings,
      None: rule({ ErrorAction: { Ref: 'AWS::NoValue' } }),
      Logs: rule({ ErrorAction: { CloudwatchLogs: { LogGroupName: 'g' } } }),
      Role: role(put)
    },
    findings: { None: 'fail', Logs: 'fail' }
  },
  {
    title: "fails for a queue with SQS's own key",
    resources: {
      ...surroundings,
      Queue: queue({ Ref: 'AWS::NoValue' }),
      Rule: rule(),
      Role: role(put, send)
    },
    findings: { Rule: 'fail' }
  },
  {
    title: 'fails for a role that can do more, or puts to other streams',
    resources: {
      ...surroundings,
      Rule: rule(),
      Role: role({ ...put, Resource: '*' }, { ...put, Action: 'kinesis:GetRecords' })
    },
    findings: { Rule: 'fail' },
    evidence: /^Role may put records to other streams; Role may kinesis:GetRecords$/
  },
  {
    title: 'fails for a role that cannot put, or uses a key by itself',
    resources: {
      ...surroundings,
      Rule: rule(),
      Role: role({ ...throughKinesis, Condition: undefined })
    },
    findings: { Rule: 'fail' },
    evidence: /^Role may not put records to Stream; Role may use StateKey without a service between$/
  },
  {
    title: 'fails for sending with a role that is not for errors',
    resources: {
      ...surroundings,
      Rule: rule({
        ErrorAction: { Sqs: { ...toQueue.Sqs, RoleArn: 'arn:aws:iam::123456789012:role/other' } }
      }),
      Role: role(put, send)
    },
    findings: { Rule: 'fail' },
    evidence: /^Role may sqs:SendMessage$/
  },
  {
    title: 'does not decide on a role, a stream or a queue that is not here',
    resources: {
      NoRole: rule({ Actions: [{ Kinesis: { ...toKinesis.Kinesis, RoleArn: untold } }] }),
      NoStream: rule({ Actions: [{ Kinesis: { ...toKinesis.Kinesis, StreamName: 'other' } }] }),
      NoQueue: rule({ ErrorAction: { Sqs: { ...toQueue.Sqs, QueueUrl: untold } } }),
      NoAction: rule({ ErrorAction: untold }),
      Role: role(put, send),
      ...surroundings
    },
    findings: { NoRole: 'error', NoStream: 'error', NoQueue: 'error', NoAction: 'error' }
  },
  {
    title: 'does not apply to rules that go elsewhere',
    resources: { Rule: rule({ Actions: [{ Lambda: { FunctionArn: 'arn' } }] }) },
    findings: {}
  }
])

const encryption = (properties: Record<string, unknown>) =>
  resource('IoT::EncryptionConfiguration', properties)
const customerKey = {
  EncryptionType: 'CUSTOMER_MANAGED_KMS_KEY',
  KmsKeyArn: `arn:aws:kms:${at}:key/k`,
  KmsAccessRoleArn: 'arn:aws:iam::123456789012:role/iot'
}

describeControl(control('IOT-04'), [
  { title: 'passes with a key', resources: { Own: encryption(customerKey) }, findings: { Own: 'pass' } },
  {
    title: 'fails with a key of AWS, and without a role for the other',
    resources: {
      OfAws: encryption({ EncryptionType: 'AWS_OWNED_KMS_KEY' }),
      NoRole: encryption({ ...customerKey, KmsAccessRoleArn: { Ref: 'AWS::NoValue' } })
    },
    findings: { OfAws: 'fail', NoRole: 'fail' }
  },
  {
    title: 'leaves to people what the account has where the template has devices',
    resources: { Thing: thing('a') },
    findings: { whole: 'manual' }
  },
  {
    title: 'does not decide on what cannot be told',
    resources: { Own: encryption({ EncryptionType: untold }) },
    findings: { Own: 'error' }
  },
  { title: 'does not apply without devices', resources: { Stream: stream }, findings: {} }
])

const domain = (securityPolicy: unknown, properties: object = {}) =>
  resource('IoT::DomainConfiguration', { TlsConfig: { SecurityPolicy: securityPolicy }, ...properties })

describeControl(control('IOT-05'), [
  {
    title: 'passes for TLS 1.2 or later, and leaves endpoints of other kinds',
    resources: {
      Both: domain('IoTSecurityPolicy_TLS13_1_2_2022_10', { ServiceType: 'DATA' }),
      Latest: domain('IoTSecurityPolicy_TLS13_1_3_2022_10'),
      Twelve: domain('IoTSecurityPolicy_TLS12_1_2_2022_10'),
      Jobs: domain('IoTSecurityPolicy_TLS12_1_0_2016_01', { ServiceType: 'JOBS' })
    },
    findings: { Both: 'pass', Latest: 'pass', Twelve: 'pass' }
  },
  {
    title: 'fails for TLS 1.0, and for none that is named',
    resources: {
      Old: domain('IoTSecurityPolicy_TLS12_1_0_2016_01'),
      None: resource('IoT::DomainConfiguration')
    },
    findings: { Old: 'fail', None: 'fail' }
  },
  {
    title: 'leaves to people what the account has where a rule feeds a stream',
    resources: { Rule: rule(), Stream: stream },
    findings: { whole: 'manual' }
  },
  {
    title: 'does not decide on what cannot be told',
    resources: { Domain: domain(untold) },
    findings: { Domain: 'error' }
  }
])

describe('controls of devices', () => {
  it('have nothing to say of rules that go elsewhere', () => {
    const model = modelOfTemplate({ Rule: rule({ Actions: [{ Lambda: { FunctionArn: 'arn' } }] }) })
    expect(iot04.evaluate(model)).toEqual([])
  })
})
