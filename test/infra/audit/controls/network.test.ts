import { net01 } from '../../../../infra/audit/controls/network/net-01.ts'
import { net02 } from '../../../../infra/audit/controls/network/net-02.ts'
import { net03 } from '../../../../infra/audit/controls/network/net-03.ts'
import { describeControl, policy, resource } from '../../../helpers/audit.ts'

type Properties = Record<string, unknown>

const ownAccount = { StringEquals: { 'aws:PrincipalAccount': '123456789012' } }
const endpoint = (service: string, properties: Properties = {}) =>
  resource('EC2::VPCEndpoint', {
    ServiceName: { 'Fn::Sub': `com.amazonaws.\${AWS::Region}.${service}` },
    PolicyDocument: policy({ Principal: '*', Action: '*', Condition: ownAccount }),
    ...properties
  })
const vpc = { Vpc: resource('EC2::VPC') }

describeControl(net01, [
  {
    title: 'an endpoint for each service, each for this account',
    resources: {
      ...vpc,
      Stream: resource('Kinesis::Stream'),
      Bucket: resource('S3::Bucket'),
      Streams: endpoint('kinesis-streams'),
      Metrics: endpoint('monitoring'),
      Objects: endpoint('s3')
    },
    findings: { Streams: 'pass', Metrics: 'pass', Objects: 'pass' }
  },
  {
    title: 'one that is missing',
    resources: { ...vpc, Queue: resource('SQS::Queue') },
    findings: { whole: 'fail' },
    evidence: /^there is no VPC endpoint for sqs$/
  },
  {
    title: 'one without a policy, and one that lets others in',
    resources: {
      Table: resource('DynamoDB::Table'),
      Queue: resource('SQS::Queue'),
      Tables: endpoint('dynamodb', { PolicyDocument: undefined }),
      Queues: endpoint('sqs', { PolicyDocument: policy({ Principal: '*', Action: 'sqs:*' }) })
    },
    findings: { Tables: 'fail', Queues: 'fail' },
    evidence:
      /^lets account 999999999999, or any other, do sqs:SendMessage here\nhas no policy: it lets everything through$/
  },
  {
    title: 'a pipeline without a network of its own',
    resources: { Stream: resource('Kinesis::Stream'), Queue: resource('SQS::Queue') },
    findings: {}
  }
])

const ofInterface = (properties: Properties = {}) =>
  endpoint('kms', {
    VpcEndpointType: 'Interface',
    PrivateDnsEnabled: true,
    SubnetIds: ['subnet-1', 'subnet-2'],
    SecurityGroupIds: [{ Ref: 'Group' }],
    ...properties
  })
const https = { IpProtocol: 'tcp', FromPort: 443, ToPort: '443', SourceSecurityGroupId: 'sg-workload' }
const group = (...rules: readonly Properties[]) => ({
  Group: resource('EC2::SecurityGroup', { SecurityGroupIngress: rules })
})

describeControl(net02, [
  {
    title: 'private DNS, two subnets, one port',
    resources: { ...group(https), Endpoint: ofInterface() },
    findings: { Endpoint: 'pass' }
  },
  {
    title: 'a group that is kept elsewhere',
    resources: { Endpoint: ofInterface({ SecurityGroupIds: ['sg-elsewhere'] }) },
    findings: { Endpoint: 'pass' }
  },
  {
    title: 'none of it',
    resources: { Endpoint: endpoint('kms', { VpcEndpointType: 'Interface', SubnetIds: ['one', 'one'] }) },
    findings: { Endpoint: 'fail' },
    evidence: /has no private DNS; stands in fewer than two subnets; has no security group/
  },
  {
    title: 'a group that admits everybody, by a rule that stands beside it',
    resources: {
      ...group(),
      Rule: resource('EC2::SecurityGroupIngress', {
        GroupId: { 'Fn::GetAtt': ['Group', 'GroupId'] },
        FromPort: 0,
        ToPort: 65_535,
        CidrIp: '0.0.0.0/0'
      }),
      Endpoint: ofInterface()
    },
    findings: { Endpoint: 'fail' },
    evidence: /^Group admits more than port 443; Group admits every address$/
  },
  { title: 'a gateway', resources: { Gateway: endpoint('s3', { VpcEndpointType: 'Gateway' }) }, findings: {} }
])

const pinned = { Action: 'kinesis:PutRecords', Condition: { StringEquals: { 'AWS:SourceVpce': 'vpce-1' } } }
const role = (service: string, statement: Properties) =>
  resource('IAM::Role', {
    AssumeRolePolicyDocument: policy({ Principal: { Service: service }, Action: 'sts:AssumeRole' }),
    Policies: [{ PolicyName: 'p', PolicyDocument: policy(statement) }]
  })

describeControl(net03, [
  {
    title: 'a workload that is pinned, a service that is not, and a workload that need not be',
    resources: {
      Producer: role('ecs-tasks.amazonaws.com', pinned),
      Delivery: role('firehose.amazonaws.com', { Action: 's3:PutObject' }),
      Free: role('ecs-tasks.amazonaws.com', { Action: 's3:PutObject' })
    },
    findings: { Producer: 'pass', Delivery: 'pass' }
  },
  {
    title: 'a service that is pinned',
    resources: { Delivery: role('firehose.amazonaws.com', pinned) },
    findings: { Delivery: 'fail' },
    evidence: /^is of firehose\.amazonaws\.com, and pinned to an endpoint$/
  }
])
