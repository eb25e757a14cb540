import { describe, expect, it } from 'vitest'
import type { Control } from '../../../../infra/audit/control.ts'
import { hsm01 } from '../../../../infra/audit/controls/cloudhsm/hsm-01.ts'
import { hsm04 } from '../../../../infra/audit/controls/cloudhsm/hsm-04.ts'
import { cloudHsmControls } from '../../../../infra/audit/controls/cloudhsm/index.ts'
import type { AuditModel } from '../../../../infra/audit/model.ts'
import { describeControl, modelOfTemplate, policy, resource } from '../../../helpers/audit.ts'

const control = (id: string) => cloudHsmControls.find(each => each.id === id)!
const cluster = (properties = {}) =>
  resource('CloudHSM::Cluster', {
    HsmType: 'hsm2m.medium',
    Mode: 'FIPS',
    SubnetIds: ['subnet-a', 'subnet-b'],
    BackupRetentionPolicy: { Type: 'DAYS', Value: '90' },
    ...properties
  })
const live = (resources: Record<string, unknown>): AuditModel => ({
  ...modelOfTemplate(resources),
  source: 'live'
})
const statuses = (of: Control, model: AuditModel) =>
  Object.fromEntries(of.evaluate(model).map(({ resourceId, status }) => [resourceId, status]))

describe('HSM-01', () => {
  it('leaves to people what a template cannot show: that there are HSMs in its subnets', () => {
    const [finding] = hsm01.evaluate(modelOfTemplate({ Cluster: cluster() }))
    expect(finding).toMatchObject({ status: 'manual', resourceId: 'Cluster' })
    expect(finding!.evidence).toContain('see that HSMs are created in two of them')
  })

  it('fails for one subnet, and for two of one zone', () => {
    const subnet = (zone: string) => resource('EC2::Subnet', { AvailabilityZone: zone })
    const model = modelOfTemplate({
      Single: cluster({ SubnetIds: ['subnet-a'] }),
      SameZone: cluster({ SubnetIds: [{ Ref: 'A' }, { Ref: 'B' }] }),
      TwoZones: cluster({ SubnetIds: [{ Ref: 'A' }, { Ref: 'C' }] }),
      A: subnet('eu-west-1a'),
      B: subnet('eu-west-1a'),
      C: subnet('eu-west-1b')
    })
    expect(statuses(hsm01, model)).toEqual({ Single: 'fail', SameZone: 'fail', TwoZones: 'manual' })
  })

  it('does not decide on subnets that cannot be told', () => {
    const gone = { 'Fn::ImportValue': 'subnet' }
    const model = modelOfTemplate({
      Whole: cluster({ SubnetIds: gone }),
      Second: cluster({ SubnetIds: ['subnet-a', gone] })
    })
    expect(statuses(hsm01, model)).toEqual({ Whole: 'error', Second: 'error' })
  })

  it('counts zones of HSMs that are at work in an account', () => {
    const hsm = (zone: string, state = 'ACTIVE') => ({ AvailabilityZone: zone, State: state })
    const model = live({
      Good: cluster({ Hsms: [hsm('a'), hsm('b')] }),
      SameZone: cluster({ Hsms: [hsm('a'), hsm('a')] }),
      Degraded: cluster({ Hsms: [hsm('a'), hsm('b', 'DEGRADED')] }),
      Empty: cluster({ Hsms: [] })
    })
    expect(statuses(hsm01, model)).toEqual({
      Good: 'pass',
      SameZone: 'fail',
      Degraded: 'fail',
      Empty: 'fail'
    })
  })
})

describeControl(control('HSM-02'), [
  {
    title: 'passes for the current type in FIPS mode',
    resources: { Cluster: cluster() },
    findings: { Cluster: 'pass' }
  },
  {
    title: 'fails for an old type, a mode that nobody chose, and backups that go early',
    resources: {
      Old: cluster({ HsmType: 'hsm1.medium' }),
      Unchosen: cluster({ Mode: { Ref: 'AWS::NoValue' } }),
      Early: cluster({ BackupRetentionPolicy: { Type: 'DAYS', Value: 7 } }),
      Never: cluster({ BackupRetentionPolicy: { Ref: 'AWS::NoValue' } })
    },
    findings: { Old: 'fail', Unchosen: 'fail', Early: 'fail', Never: 'fail' }
  },
  {
    title: 'leaves the other mode to people',
    resources: { Cluster: cluster({ Mode: 'NON_FIPS' }) },
    findings: { Cluster: 'manual' }
  },
  {
    title: 'does not decide on what cannot be told',
    resources: { Cluster: cluster({ Mode: { 'Fn::ImportValue': 'mode' } }) },
    findings: { Cluster: 'error' }
  }
])

const role = (principal: object, ...statements: readonly Record<string, unknown>[]) =>
  resource('IAM::Role', {
    AssumeRolePolicyDocument: policy({ Action: 'sts:AssumeRole', Principal: principal, Resource: undefined }),
    Policies: [{ PolicyName: 'own', PolicyDocument: policy(...statements) }]
  })
const ofService = { Service: 'ecs-tasks.amazonaws.com' }
const ofPeople = { AWS: 'arn:aws:iam::123456789012:root' }

describeControl(control('HSM-03'), [
  {
    title: 'passes for roles without a right to a cluster, and does not ask custodians',
    resources: {
      Cluster: cluster(),
      Worker: role(ofService, { Action: 'kinesis:GetRecords' }),
      Custodian: role(ofPeople, { Action: 'cloudhsm:*' })
    },
    findings: { Worker: 'pass' }
  },
  {
    title: 'fails for a right to a cluster or its backups, by name and by wildcard',
    resources: {
      Cluster: cluster(),
      Named: role(ofService, { Action: 'cloudhsm:DescribeClusters' }),
      Backups: role(ofService, {
        Action: 'cloudhsm:RestoreBackup',
        Resource: 'arn:aws:cloudhsm:us-east-1:123456789012:backup/*'
      }),
      Everything: role(ofService, { Action: '*' })
    },
    findings: { Named: 'fail', Backups: 'fail', Everything: 'fail' },
    evidence: /^may cloudhsm:DescribeClusters\nmay cloudhsm:RestoreBackup\nmay all$/
  },
  {
    title: 'asks whoever reads a stream, whatever takes on the role',
    resources: {
      Stream: resource('Kinesis::Stream'),
      Reader: role(ofPeople, { Action: ['kinesis:GetRecords', 'cloudhsm:DeleteHsm'] })
    },
    findings: { Reader: 'fail' }
  },
  {
    title: 'passes where a deny takes back what a wildcard allows',
    resources: {
      Cluster: cluster(),
      Worker: role(ofService, { Action: '*' }, { Effect: 'Deny', Action: 'cloudhsm:*' })
    },
    findings: { Worker: 'pass' }
  },
  {
    title: 'does not decide on policies that cannot be told',
    resources: {
      Cluster: cluster(),
      Worker: resource('IAM::Role', {
        AssumeRolePolicyDocument: policy({
          Action: 'sts:AssumeRole',
          Principal: ofService,
          Resource: undefined
        }),
        ManagedPolicyArns: [{ 'Fn::ImportValue': 'policy' }]
      })
    },
    findings: { Worker: 'error' }
  },
  {
    title: 'does not apply without HSMs: an administrator of everything is the business of others',
    resources: { Worker: role(ofService, { Action: '*' }) },
    findings: {}
  }
])

describe('HSM-04', () => {
  const tagged = (type: string, value: unknown) =>
    resource(type, { Tags: [{ Key: 'key-origin', Value: value }] })

  it('does not apply to keys of KMS itself', () => {
    expect(hsm04.evaluate(modelOfTemplate({ EnvelopeKey: resource('KMS::Key') }))).toEqual([])
    expect(hsm04.evaluate(live({ EnvelopeKey: resource('KMS::Key', { Origin: 'AWS_KMS' }) }))).toEqual([])
  })

  it('leaves to people what a template declares by a tag', () => {
    const model = modelOfTemplate({
      Stream: tagged('Kinesis::Stream', 'AWS_CLOUDHSM'),
      Other: tagged('SQS::Queue', 'AWS_KMS')
    })
    expect(statuses(hsm04, model)).toEqual({ Stream: 'manual' })
  })

  it('fails for a key that a template claims to make in a key store', () => {
    const model = modelOfTemplate({ EnvelopeKey: tagged('KMS::Key', 'EXTERNAL_KEY_STORE') })
    expect(statuses(hsm04, model)).toEqual({ EnvelopeKey: 'fail' })
  })

  it('does not decide on a tag that cannot be told', () => {
    const model = modelOfTemplate({ Stream: tagged('Kinesis::Stream', { 'Fn::ImportValue': 'origin' }) })
    expect(statuses(hsm04, model)).toEqual({ Stream: 'error' })
  })

  it('fails for a key store that is not connected, and never passes without people', () => {
    const key = (state: string) =>
      resource('KMS::Key', { Origin: 'AWS_CLOUDHSM', CustomKeyStore: { ConnectionState: state } })
    const model = live({ EnvelopeA: key('CONNECTED'), EnvelopeB: key('DISCONNECTED') })
    expect(statuses(hsm04, model)).toEqual({ EnvelopeA: 'manual', EnvelopeB: 'fail' })
  })

  it('asks nothing of a key that seals no records', () => {
    const model = live({
      EnvelopeKey: resource('KMS::Key', { Origin: 'AWS_KMS' }),
      Other: resource('KMS::Key', { Origin: 'AWS_CLOUDHSM' })
    })
    expect(hsm04.evaluate(model)).toEqual([])
  })
})
