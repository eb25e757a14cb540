import { PutResourcePolicyCommand } from '@aws-sdk/client-glue'
import {
  AddThingToThingGroupCommand,
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreateThingCommand,
  DescribeCertificateCommand,
  DescribeThingCommand,
  ListPrincipalThingsCommand,
  ListTargetsForPolicyCommand,
  ListThingGroupsForThingCommand
} from '@aws-sdk/client-iot'
import { describe, expect, it } from 'vitest'
import { evaluate, planSteps, planTemplate, type StepCall } from '../../../infra/index.ts'
import { placeholdersIn } from '../../../infra/placeholders.ts'
import type { PipelinePlan } from '../../../pipeline/plan.ts'
import { hsmPlan } from '../hsm-plan.ts'
import { people, plans, withLoadedCluster } from '../plans.ts'

const scope = { accountId: '111122223333', region: 'eu-west-1' }
const hsmKey = { arn: 'arn:aws:kms:eu-west-1:111122223333:key/e0', origin: 'AWS_CLOUDHSM' } as const
const idsOf = (plan: PipelinePlan): readonly string[] => planSteps(plan).map(({ id }) => id)

/** By operation. */
type Inputs = { [Call in StepCall as Call['operation']]: Call['input'] }

/** The input of the step's request; the step has to have one of this operation. */
function inputOf<Operation extends StepCall['operation']>(
  plan: PipelinePlan,
  id: string,
  operation: Operation
): Inputs[Operation] {
  const call = planSteps(plan, scope).find(step => step.id === id)?.call
  if (call?.operation !== operation) throw new Error(`${id} is no ${operation}`)
  return call.input as Inputs[Operation]
}

type IotCall = Extract<StepCall, { service: 'iot' }>

/** The commands take the inputs as their own: the compiler holds the steps against the SDK. */
function toIotCommand(call: IotCall): { readonly input: object } {
  switch (call.operation) {
    case 'AttachPolicy':
      return new AttachPolicyCommand(call.input)
    case 'ListTargetsForPolicy':
      return new ListTargetsForPolicyCommand(call.input)
    case 'CreateThing':
      return new CreateThingCommand(call.input)
    case 'DescribeThing':
      return new DescribeThingCommand(call.input)
    case 'CreateCertificateFromCsr':
      return new CreateCertificateFromCsrCommand(call.input)
    case 'DescribeCertificate':
      return new DescribeCertificateCommand(call.input)
    case 'AttachThingPrincipal':
      return new AttachThingPrincipalCommand(call.input)
    case 'ListPrincipalThings':
      return new ListPrincipalThingsCommand(call.input)
    case 'AddThingToThingGroup':
      return new AddThingToThingGroupCommand(call.input)
    case 'ListThingGroupsForThing':
      return new ListThingGroupsForThingCommand(call.input)
    default:
      return call satisfies never
  }
}

describe('planSteps', () => {
  it('has none where the template makes everything', () => {
    for (const plan of [plans.default, plans.ciphertext, plans.tenants, plans.plain, plans.everything]) {
      expect(planSteps(plan)).toEqual([])
    }
  })

  it('goes from the cluster of HSMs to what is made inside of other services', () => {
    expect(idsOf(withLoadedCluster)).toEqual([
      'cloudHsm.zones',
      'cloudHsm.createHsm1',
      'cloudHsm.request',
      'cloudHsm.sign',
      'cloudHsm.initialize',
      'cloudHsm.activate',
      'cloudHsm.createHsm2',
      'cloudHsm.kmsuser',
      'cloudHsm.createKeyStore',
      'cloudHsm.connect',
      'cloudHsm.createKey',
      'cloudHsm.plan',
      'cloudHsm.createAlias',
      'cloudHsm.drill',
      'iot.attachPolicy',
      'iot.request',
      'iot.createThing',
      'iot.createCertificate',
      'iot.attachCertificate',
      'iot.addToGroup',
      'glue.putResourcePolicy',
      'openSearch.map.orders-opensearch',
      'redshift.user.orders-redshift',
      'rds.createUser'
    ])
  })

  it.each(Object.entries({ ...plans, withLoadedCluster, hsmPlan }))(
    'can be done in its order: %s',
    (_, plan) => {
      const done = new Set<string>()
      const known = new Set(Object.keys(planTemplate(plan).Resources))
      for (const { number, id, waitsFor, call, action, check, gives } of planSteps(plan, scope)) {
        expect(number).toBe(done.size + 1)
        expect(waitsFor.filter(other => !done.has(other))).toEqual([])
        expect(done).not.toContain(id)
        done.add(id)
        expect([call, action].filter(each => each !== undefined)).toHaveLength(1)
        const isOpen = (name: string): boolean => !known.has(name.split('.')[0]!)
        // Whatever a request names is in the template, or was given before; what is looked at may be what was just made.
        expect(placeholdersIn(JSON.stringify(call ?? action)).filter(isOpen)).toEqual([])
        for (const { name } of gives) known.add(name)
        expect(placeholdersIn(JSON.stringify(check)).filter(isOpen)).toEqual([])
      }
    }
  )

  it('has each step wait for those that give what it needs', () => {
    const steps = planSteps(plans.services, scope)
    const before = (id: string): readonly string[] => {
      const { waitsFor } = steps.find(step => step.id === id)!
      return [...waitsFor, ...waitsFor.flatMap(before)]
    }
    for (const { id, call, action } of steps) {
      const names = placeholdersIn(JSON.stringify(call ?? action))
      const givers = steps.filter(({ gives }) => gives.some(({ name }) => names.includes(name)))
      expect(before(id)).toEqual(expect.arrayContaining(givers.map(giver => giver.id)))
    }
  })

  it('creates an HSM in the zone of each subnet', () => {
    const plan: PipelinePlan = {
      name: 'orders',
      services: { cloudHsm: { subnetIds: ['subnet-1a', 'subnet-1b', 'subnet-1c'] } }
    }
    const zones = planSteps(plan).flatMap(({ call }) =>
      call?.operation === 'CreateHsm' ? placeholdersIn(call.input.AvailabilityZone) : []
    )
    expect(zones).toEqual(['Zone1', 'Zone2', 'Zone3'])
    expect(inputOf(plan, 'cloudHsm.zones', 'DescribeSubnets').SubnetIds).toEqual(
      planTemplate(plan).Resources.CloudHsmCluster?.Properties.SubnetIds
    )
    expect(planSteps(plan).find(({ id }) => id === 'cloudHsm.kmsuser')?.waitsFor).toEqual([
      'cloudHsm.createHsm3'
    ])
  })

  it('names what the template names', () => {
    const { Resources } = planTemplate(hsmPlan)
    expect(inputOf(hsmPlan, 'cloudHsm.createHsm1', 'CreateHsm').ClusterId).toBe(
      '${CloudHsmCluster.ClusterId}'
    )
    expect(inputOf(hsmPlan, 'cloudHsm.createAlias', 'CreateAlias').AliasName).toBe(
      Resources.EnvelopeKeyAlias?.Properties.AliasName
    )
    expect(inputOf(hsmPlan, 'cloudHsm.createKey', 'CreateKey').Description).toBe(
      Resources.EnvelopeKey?.Properties.Description
    )
  })

  it('says who, and the role where the plan names it', () => {
    const [first] = planSteps(hsmPlan)
    expect(first).toMatchObject({ by: 'the custodian of the keys', roleArn: people.custodianArn })
    const { roles: _, ...nameless } = hsmPlan
    expect(planSteps(nameless)[0]).not.toHaveProperty('roleArn')
    const steps = planSteps(withLoadedCluster, scope)
    const whoOf = (id: string) => steps.find(step => step.id === id)
    expect(whoOf('glue.putResourcePolicy')).toMatchObject({
      by: 'the deployer',
      roleArn: people.deployerArn
    })
    expect(whoOf('openSearch.map.orders-opensearch')).toMatchObject({
      by: 'arn:aws:iam::111122223333:role/search-master',
      action: expect.stringContaining(
        'backend_roles arn:aws:iam::111122223333:role/orders-opensearch-delivery'
      )
    })
    expect(whoOf('redshift.user.orders-redshift')?.action).toContain('GRANT INSERT ON orders')
    expect(whoOf('rds.createUser')?.action).toContain('GRANT rds_iam TO lookup')
  })

  it('attaches the policy of devices to their group, and each device to its own certificate', () => {
    const { policyName, target } = inputOf(plans.services, 'iot.attachPolicy', 'AttachPolicy')
    const { Resources } = planTemplate(plans.services)
    expect(policyName).toBe(Resources.IotPolicy?.Properties.PolicyName)
    expect(target).toBe('arn:aws:iot:eu-west-1:111122223333:thinggroup/orders-devices')
    const requests = planSteps(plans.services).flatMap(({ call, check }) => {
      const command = [call, check.call].flatMap(each =>
        each?.service === 'iot' ? [toIotCommand(each)] : []
      )
      return command.map(({ input }) => input)
    })
    expect(requests).toHaveLength(10)
  })

  it('makes a key for each tenant that has none', () => {
    const plan: PipelinePlan = { ...hsmPlan, sealing: { tenants: { a1: 'made', b2: hsmKey.arn } } }
    expect(idsOf(plan).slice(-5)).toEqual([
      'cloudHsm.createKey.a1',
      'cloudHsm.plan',
      'cloudHsm.createAlias.a1',
      'cloudHsm.drill',
      'keys.putPolicy'
    ])
    expect(inputOf(plan, 'cloudHsm.createKey.a1', 'CreateKey').Policy).toContain(
      '"kms:EncryptionContext:tenant":"a1"'
    )
    expect(inputOf(plan, 'keys.putPolicy', 'PutKeyPolicy').Policy).toContain(
      '"kms:EncryptionContext:tenant":"b2"'
    )
  })

  it('goes on to the HSMs from a key of KMS that is given, and has nothing to do with one that is there', () => {
    const given = (keys: PipelinePlan['keys']): readonly string[] =>
      idsOf({ ...hsmPlan, ...(keys === undefined ? {} : { keys }) })
    expect(given({ envelope: { arn: hsmKey.arn } }).slice(-4)).toEqual([
      'cloudHsm.createKey',
      'cloudHsm.plan',
      'cloudHsm.drill',
      'keys.putPolicy'
    ])
    expect(given({ envelope: hsmKey })).toEqual(['keys.putPolicy'])
  })

  it('gives each envelope key that is given its own policy', () => {
    const other = 'arn:aws:kms:us-east-1:111122223333:key/e1'
    const plan: PipelinePlan = {
      name: 'orders',
      keys: { envelope: hsmKey },
      sealing: { additionalKeys: [other] }
    }
    expect(idsOf(plan)).toEqual(['keys.putPolicy1', 'keys.putPolicy2'])
    expect(inputOf(plan, 'keys.putPolicy1', 'PutKeyPolicy')).toMatchObject({
      KeyId: hsmKey.arn,
      PolicyName: 'default'
    })
    expect(inputOf(plan, 'keys.putPolicy2', 'PutKeyPolicy').KeyId).toBe(other)
    expect(inputOf(plan, 'keys.putPolicy2', 'PutKeyPolicy').Policy).not.toContain(
      'GenerateDataKey"],"Resource'
    )
  })

  it('names roles by their names, and leaves open only where the stack is', () => {
    const { Policy } = inputOf(hsmPlan, 'cloudHsm.createKey', 'CreateKey')
    expect(Policy).toContain('arn:aws:iam::111122223333:role/orders-producer')
    expect(placeholdersIn(Policy)).toEqual([])
    const open = placeholdersIn(JSON.stringify(planSteps(plans.given)))
    expect(new Set(open)).toEqual(new Set(['AWS::Partition', 'AWS::AccountId']))
  })

  it('refuses a plan that no template can be made of', () => {
    expect(() => planSteps({ ...hsmPlan, sealing: { mode: 'off' } })).toThrow('option services.cloudHsm')
    expect(() => planSteps(hsmPlan, { accountId: '1' })).toThrow('option accountId')
  })
})

describe('the policy of the catalogue', () => {
  const input = inputOf(plans.services, 'glue.putResourcePolicy', 'PutResourcePolicy')
  const resource = { name: 'catalogue', document: JSON.parse(input.PolicyInJson) }
  const everything = {
    name: 'everything',
    document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }
  } as const
  const table = 'arn:aws:glue:eu-west-1:111122223333:table/orders/orders_s3'
  const ask = (role: string, accountId: string, action: string, on: string) =>
    evaluate(
      { principal: { arn: `arn:aws:iam::${accountId}:role/${role}`, accountId }, action, resource: on },
      { identity: [everything], resource }
    )

  it('is accepted by the SDK, and replaces nobody’s', () => {
    expect(new PutResourcePolicyCommand(input).input).toEqual(input)
    expect(input.PolicyExistsCondition).toBe('NOT_EXIST')
  })

  it('keeps other accounts out, and tables to the deployer', () => {
    const decisions = [
      ask('analyst', '111122223333', 'glue:GetTable', table),
      ask('analyst', '999999999999', 'glue:GetTable', table),
      ask('analyst', '111122223333', 'glue:UpdateTable', table),
      ask('deployer', '111122223333', 'glue:UpdateTable', table),
      ask('analyst', '111122223333', 'glue:CreatePartition', table)
    ]
    expect(decisions.map(({ effect, decidedBy }) => [effect, decidedBy?.sid])).toEqual([
      ['allow', undefined],
      ['explicitDeny', 'NoOtherAccounts'],
      ['explicitDeny', 'TablesOnlyByDeployer'],
      ['allow', undefined],
      ['allow', undefined]
    ])
  })

  it('says nothing about what others have in the catalogue', () => {
    for (const on of ['catalog', 'database/other', 'table/other/any']) {
      const arn = `arn:aws:glue:eu-west-1:111122223333:${on}`
      expect(ask('analyst', '111122223333', 'glue:UpdateTable', arn).effect).toBe('allow')
      expect(ask('analyst', '999999999999', 'glue:GetTable', arn).effect).toBe('implicitDeny')
    }
  })
})
