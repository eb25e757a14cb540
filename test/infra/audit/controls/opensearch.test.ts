import { describe, expect, it } from 'vitest'
import { openSearchControls } from '../../../../infra/audit/controls/opensearch/index.ts'
import { os04 } from '../../../../infra/audit/controls/opensearch/os-04.ts'
import { describeControl, modelOfTemplate, policy, resource } from '../../../helpers/audit.ts'

const control = (id: string) => openSearchControls.find(each => each.id === id)!
const at = 'us-east-1:123456789012'
const untold = { 'Fn::ImportValue': 'gone' }
const unset = { Ref: 'AWS::NoValue' }
const roleArn = 'arn:aws:iam::123456789012:role/delivery'

const domain = (properties: object = {}, type = 'OpenSearchService::Domain') =>
  resource(type, {
    DomainName: 'orders',
    EncryptionAtRestOptions: { Enabled: true, KmsKeyId: `arn:aws:kms:${at}:key/k` },
    NodeToNodeEncryptionOptions: { Enabled: true },
    DomainEndpointOptions: {
      EnforceHTTPS: true,
      TLSSecurityPolicy: 'Policy-Min-TLS-1-2-PFS-2023-10'
    },
    VPCOptions: { SubnetIds: ['subnet-a'] },
    AdvancedSecurityOptions: { Enabled: true, MasterUserOptions: { MasterUserARN: roleArn } },
    ...properties
  })

describeControl(control('OS-01'), [
  {
    title: 'passes for a domain of either name with a key',
    resources: { Domain: domain(), Elastic: domain({}, 'Elasticsearch::Domain') },
    findings: { Domain: 'pass', Elastic: 'pass' }
  },
  {
    title: 'fails without encryption at rest, a key of its own, or encryption between nodes',
    resources: {
      Plain: domain({ EncryptionAtRestOptions: unset }),
      OfAws: domain({ EncryptionAtRestOptions: { Enabled: true } }),
      Nodes: domain({ NodeToNodeEncryptionOptions: { Enabled: false } })
    },
    findings: { Plain: 'fail', OfAws: 'fail', Nodes: 'fail' }
  },
  {
    title: 'does not decide on what cannot be told',
    resources: { Domain: domain({ EncryptionAtRestOptions: untold }) },
    findings: { Domain: 'error' }
  },
  { title: 'does not apply without domains', resources: { S: resource('Kinesis::Stream') }, findings: {} }
])

const endpoint = (options: object) => domain({ DomainEndpointOptions: { EnforceHTTPS: true, ...options } })

describeControl(control('OS-02'), [
  {
    title: 'passes with https and a current policy',
    resources: { Domain: domain() },
    findings: { Domain: 'pass' }
  },
  {
    title: 'fails over plain http, and with older policies',
    resources: {
      Http: domain({ DomainEndpointOptions: { TLSSecurityPolicy: 'Policy-Min-TLS-1-2-PFS-2023-10' } }),
      Old: endpoint({ TLSSecurityPolicy: 'Policy-Min-TLS-1-0-2019-07' }),
      NoSecrecy: endpoint({ TLSSecurityPolicy: 'Policy-Min-TLS-1-2-2019-07' }),
      None: endpoint({})
    },
    findings: { Http: 'fail', Old: 'fail', NoSecrecy: 'fail', None: 'fail' }
  },
  {
    title: 'does not decide on what cannot be told',
    resources: { Domain: endpoint({ TLSSecurityPolicy: untold }) },
    findings: { Domain: 'error' }
  }
])

describeControl(control('OS-03'), [
  { title: 'passes in a VPC', resources: { Domain: domain() }, findings: { Domain: 'pass' } },
  {
    title: 'fails outside of one',
    resources: { Domain: domain({ VPCOptions: unset }) },
    findings: { Domain: 'fail' }
  },
  {
    title: 'does not decide on what cannot be told',
    resources: {
      Whole: domain({ VPCOptions: untold }),
      Subnets: domain({ VPCOptions: { SubnetIds: untold } })
    },
    findings: { Whole: 'error', Subnets: 'error' }
  }
])

const security = (options: object) =>
  domain({
    AdvancedSecurityOptions: { Enabled: true, MasterUserOptions: { MasterUserARN: roleArn }, ...options }
  })
const access = (statement: object) =>
  domain({ AccessPolicies: policy({ Action: 'es:ESHttp*', ...statement }) })

describeControl(control('OS-04'), [
  {
    title: 'passes with a master in IAM, and a policy that names roles or is not there',
    resources: { None: domain(), Named: access({ Principal: { AWS: roleArn } }) },
    findings: { None: 'pass', Named: 'pass' }
  },
  {
    title:
      'fails without access control inside, with users of its own, with the anonymous, and without a master',
    resources: {
      Off: domain({ AdvancedSecurityOptions: unset }),
      Users: security({ InternalUserDatabaseEnabled: true }),
      Anonymous: security({ AnonymousAuthEnabled: true }),
      NoMaster: security({ MasterUserOptions: { MasterUserName: 'admin', MasterUserPassword: 'hunter2' } })
    },
    findings: { Off: 'fail', Users: 'fail', Anonymous: 'fail', NoMaster: 'fail' },
    evidence: /^(?![\s\S]*hunter2)/
  },
  {
    title: 'fails for a policy that lets in everybody, from some addresses too',
    resources: {
      All: access({ Principal: '*' }),
      Addresses: resource('OpenSearchService::Domain', {
        ...(domain() as { Properties: object }).Properties,
        DomainName: 'addresses',
        AccessPolicies: policy({
          Action: 'es:ESHttpGet',
          Principal: { AWS: '*' },
          Condition: { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } }
        })
      })
    },
    findings: { All: 'fail', Addresses: 'fail' },
    evidence: /its access policy lets in everybody/
  },
  {
    title: 'leaves to people what the role of Firehose is mapped to',
    resources: {
      Domain: domain(),
      Delivery: resource('KinesisFirehose::DeliveryStream', {
        AmazonopensearchserviceDestinationConfiguration: { DomainARN: { 'Fn::GetAtt': ['Domain', 'Arn'] } }
      })
    },
    findings: { Domain: 'manual' }
  },
  {
    title: 'does not decide on what cannot be told',
    resources: {
      Options: domain({ AdvancedSecurityOptions: untold }),
      Policy: resource('OpenSearchService::Domain', {
        ...(domain() as { Properties: object }).Properties,
        DomainName: 'policy',
        AccessPolicies: untold
      })
    },
    findings: { Options: 'error', Policy: 'error' }
  }
])

describe('OS-04', () => {
  it('asks no account for a master, which none tells', () => {
    const model = modelOfTemplate({ Domain: domain({ AdvancedSecurityOptions: { Enabled: true } }) })
    expect(os04.evaluate(model)[0]!.status).toBe('fail')
    expect(os04.evaluate({ ...model, source: 'live' })[0]!.status).toBe('pass')
  })
})

const publishing = (options: object = {}) => ({
  LogPublishingOptions: Object.fromEntries(
    ['AUDIT_LOGS', 'ES_APPLICATION_LOGS'].map(type => [
      type,
      { Enabled: true, CloudWatchLogsLogGroupArn: { 'Fn::GetAtt': ['Group', 'Arn'] }, ...options }
    ])
  )
})
const logGroup = (properties: object = { KmsKeyId: `arn:aws:kms:${at}:key/k` }) =>
  resource('Logs::LogGroup', { LogGroupName: '/orders', ...properties })

describeControl(control('OS-05'), [
  {
    title: 'passes with both logs in an encrypted group',
    resources: { Domain: domain(publishing()), Group: logGroup() },
    findings: { Domain: 'pass' }
  },
  {
    title: 'fails without logs, with logs that are off, and in a group without a key',
    resources: {
      None: domain(),
      Off: domain(publishing({ Enabled: 'false' })),
      Plain: domain(publishing({ CloudWatchLogsLogGroupArn: { 'Fn::GetAtt': ['PlainGroup', 'Arn'] } })),
      Group: logGroup(),
      PlainGroup: resource('Logs::LogGroup', { LogGroupName: '/plain' })
    },
    findings: { None: 'fail', Off: 'fail', Plain: 'fail' }
  },
  {
    title: 'does not decide on a group that is not here, or cannot be told',
    resources: {
      Elsewhere: domain(publishing({ CloudWatchLogsLogGroupArn: `arn:aws:logs:${at}:log-group:other:*` })),
      Untold: domain(publishing({ CloudWatchLogsLogGroupArn: untold }))
    },
    findings: { Elsewhere: 'error', Untold: 'error' }
  }
])
