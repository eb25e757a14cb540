import { describe, expect, it } from 'vitest'
import { planSteps } from '../../infra/steps/plan-steps.ts'
import { plans, withLoadedCluster } from './plans.ts'

const scope = { accountId: '111122223333', region: 'eu-west-1' }
const steps = planSteps(plans.services, scope)
const stepOf = (id: string) => steps.find(step => step.id === id)!

describe('planSteps', () => {
  it('has none for a plan without services', () => {
    expect(planSteps(plans.everything)).toEqual([])
  })

  it('has each step once, with a call or something to do, and something to see', () => {
    expect(new Set(steps.map(({ id }) => id)).size).toBe(steps.length)
    for (const { call, action, by, check } of steps) {
      expect([call, action].filter(each => each !== undefined)).toHaveLength(1)
      expect(`${by}${check}`).not.toBe('')
    }
  })

  it('leads from an empty cluster to the envelope key in it, in the only order that works', () => {
    const ids = steps.map(({ id }) => id).filter(id => id.startsWith('cloudHsm.'))
    expect(ids).toEqual(
      [
        'createHsm1',
        'request',
        'sign',
        'initialize',
        'activate',
        'kmsuser',
        'createHsm2',
        'createKeyStore',
        'connect',
        'createKey',
        'plan',
        'drill'
      ].map(name => `cloudHsm.${name}`)
    )
  })

  it('creates the key with the policy that a template would give it, roles by their names', () => {
    const { call } = stepOf('cloudHsm.createKey')
    expect(call).toMatchObject({ service: 'kms', operation: 'CreateKey', input: { Origin: 'AWS_CLOUDHSM' } })
    const { Statement } = JSON.parse(call!.input.Policy as string)
    expect(Statement).toContainEqual(
      expect.objectContaining({
        Sid: 'ProducerWraps',
        Principal: { AWS: 'arn:aws:iam::111122223333:role/orders-producer' }
      })
    )
    expect(JSON.stringify(steps)).not.toMatch(/\$\{/)
  })

  it('closes the catalogue to other accounts, without overwriting what is there', () => {
    const { input } = stepOf('glue.putResourcePolicy').call!
    expect(input.PolicyExistsCondition).toBe('NOT_EXIST')
    expect(JSON.parse(input.PolicyInJson as string).Statement).toEqual([
      {
        Sid: 'NoOtherAccount',
        Effect: 'Deny',
        Principal: '*',
        Action: 'glue:*',
        Resource: [
          'arn:aws:glue:eu-west-1:111122223333:catalog',
          'arn:aws:glue:eu-west-1:111122223333:database/orders',
          'arn:aws:glue:eu-west-1:111122223333:table/orders/*'
        ],
        Condition: {
          StringNotEquals: { 'aws:PrincipalAccount': '111122223333' },
          Bool: { 'aws:PrincipalIsAWSService': 'false' }
        }
      }
    ])
  })

  it('attaches the policy of devices to their group', () => {
    expect(stepOf('iot.attachPolicy').call).toEqual({
      service: 'iot',
      operation: 'AttachPolicy',
      input: {
        policyName: 'orders-devices',
        target: 'arn:aws:iot:eu-west-1:111122223333:thinggroup/orders-devices'
      }
    })
  })

  it('says who lets a delivery stream in, where IAM has no say', () => {
    expect(stepOf('openSearch.map.orders-opensearch')).toMatchObject({
      by: 'arn:aws:iam::111122223333:role/search-master',
      action: expect.stringContaining(
        'backend_roles arn:aws:iam::111122223333:role/orders-opensearch-delivery'
      )
    })
    const loading = planSteps(withLoadedCluster).find(({ id }) => id === 'redshift.user.orders-redshift')
    expect(loading?.action).toContain('GRANT INSERT ON orders')
  })

  it('says who makes the user of a database', () => {
    expect(stepOf('rds.createUser').action).toContain('GRANT rds_iam TO lookup')
  })

  it('leaves placeholders of what it is not told', () => {
    expect(JSON.stringify(planSteps(plans.services))).toContain(['$', '{AWS::AccountId}'].join(''))
  })

  it('refuses a plan of which no template can be made', () => {
    expect(() => planSteps({ name: 'o', sealing: { keyId: '1234' } })).toThrow(
      'option sealing.keyId: expected'
    )
  })
})
