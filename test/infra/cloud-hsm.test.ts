import { describe, expect, it } from 'vitest'
import { evaluate } from '../../infra/evaluator.ts'
import { planAccess } from '../../infra/plan-access.ts'
import { planTemplate } from '../../infra/planner.ts'
import { rolePolicies } from '../../infra/role-policies.ts'
import type { PipelinePlan } from '../../pipeline/plan.ts'
import { custodianRights } from './custodian-rights.ts'
import { hsmPlan } from './hsm-plan.ts'
import { people, plans } from './plans.ts'

const accountId = '111122223333'
const region = 'eu-west-1'
const hsmKey = { arn: `arn:aws:kms:${region}:${accountId}:key/e0`, origin: 'AWS_CLOUDHSM' } as const

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_cloudhsm.html */
const actions = [
  'CopyBackupToRegion',
  'CreateCluster',
  'CreateHsm',
  'DeleteBackup',
  'DeleteCluster',
  'DeleteHsm',
  'DeleteResourcePolicy',
  'DescribeBackups',
  'DescribeClusters',
  'GetResourcePolicy',
  'InitializeCluster',
  'ListTags',
  'ModifyBackupAttributes',
  'ModifyCluster',
  'PutResourcePolicy',
  'RestoreBackup',
  'TagResource',
  'UntagResource'
].map(action => `cloudhsm:${action}`)

describe('a cluster of HSMs', () => {
  it('is of the current type, in two zones, in FIPS mode, with backups, and stays when the stack goes', () => {
    const { Resources, Outputs } = planTemplate(hsmPlan)
    expect(Resources.CloudHsmCluster).toEqual({
      Type: 'AWS::CloudHSM::Cluster',
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        HsmType: 'hsm2m.medium',
        Mode: 'FIPS',
        SubnetIds: ['subnet-0a1b2c3d', 'subnet-0a1b2c3e'],
        BackupRetentionPolicy: { Type: 'DAYS', Value: '90' },
        Tags: [
          { Key: 'key-origin', Value: 'AWS_CLOUDHSM' },
          { Key: 'pipeline', Value: 'orders' }
        ]
      }
    })
    expect(Outputs.CloudHsmClusterId).toEqual({ Value: { 'Fn::GetAtt': ['CloudHsmCluster', 'ClusterId'] } })
  })

  it('is the same one once the key in it is there', () => {
    const later = planTemplate({ ...hsmPlan, keys: { envelope: hsmKey } }).Resources
    expect(later.CloudHsmCluster).toEqual(planTemplate(hsmPlan).Resources.CloudHsmCluster)
    expect(later).not.toHaveProperty('EnvelopeKey')
  })

  it('is in no plan that does not ask for one', () => {
    const { Resources, Outputs } = planTemplate(plans.everything)
    expect(JSON.stringify([Resources, Outputs])).not.toMatch(/hsm/i)
  })
})

describe('who may do what with a cluster of HSMs', () => {
  const allPlans: readonly (readonly [string, PipelinePlan])[] = Object.entries({ ...plans, hsmPlan })

  it.each(allPlans)('no role of the plan %s, its deployer and readers included', (_, plan) => {
    const { identityPolicies } = planAccess(plan, { accountId, region })
    const others = [...identityPolicies].filter(([arn]) => arn !== people.custodianArn)
    expect(others.length).toBeGreaterThan(4)
    const resources = ['cluster/CloudHsmCluster', 'cluster/cluster-1', 'backup/backup-1'].map(
      resource => `arn:aws:cloudhsm:${region}:${accountId}:${resource}`
    )
    const allowed = others.flatMap(([arn, identity]) =>
      actions.flatMap(action =>
        resources
          .filter(resource => {
            const request = { principal: { arn, accountId }, action, resource, context: {} }
            return evaluate(request, { identity }).effect === 'allow'
          })
          .map(resource => `${arn} ${action} ${resource}`)
      )
    )
    expect(allowed).toEqual([])
  })

  it('the custodian what the steps take, as far as IAM has a say', () => {
    const { identityPolicies } = planAccess(hsmPlan, { accountId, region })
    const policies = identityPolicies.get(people.custodianArn) ?? []
    expect(policies.map(({ document }) => document.Statement)).toEqual([custodianRights])
  })

  it('the custodian keeps the policy of the key that is there, and makes no alias any more', () => {
    const { identityPolicies } = planAccess({ ...hsmPlan, keys: { envelope: hsmKey } }, { accountId, region })
    const [policy] = identityPolicies.get(people.custodianArn) ?? []
    const sids = policy?.document.Statement.map(({ Sid }) => Sid)
    expect(sids).not.toContain('NameKeys')
    expect(policy?.document.Statement.at(-1)).toEqual({
      Sid: 'KeepPolicies',
      Effect: 'Allow',
      Action: ['kms:PutKeyPolicy'],
      Resource: hsmKey.arn
    })
  })

  it('a custodian has nothing to do where the plan has no cluster', () => {
    const kindsOf = (plan: PipelinePlan) => rolePolicies(plan).map(({ kind }) => kind)
    expect(kindsOf(hsmPlan)).toContain('custodian')
    expect(kindsOf({ name: 'orders', roles: people })).not.toContain('custodian')
  })
})
