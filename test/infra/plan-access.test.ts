import { expect, it } from 'vitest'
import { loadTemplate } from '../../infra/audit/loaders/template.ts'
import { planAccess } from '../../infra/plan-access.ts'
import { planTemplate } from '../../infra/planner.ts'
import { plans } from './plans.ts'

const scope = { accountId: '111122223333', region: 'eu-west-1' }

it.each(Object.entries(plans))('is what an audit reads in the template of the plan %s', (_, plan) => {
  const { identityPolicies, resourcePolicies, roleArns } = planAccess(plan, scope)
  const model = loadTemplate(JSON.parse(JSON.stringify(planTemplate(plan))), scope)
  for (const arn of Object.values(roleArns)) {
    expect(identityPolicies.get(arn)?.map(({ document }) => document)).toEqual(
      model.identityPolicies.get(arn)?.map(({ document }) => document)
    )
  }
  const found = [...resourcePolicies].filter(([arn]) => model.resourcePolicies.has(arn))
  expect(found.length).toBeGreaterThan(4)
  for (const [arn, { document }] of found) {
    expect(document).toEqual(model.resourcePolicies.get(arn)?.document)
  }
})

it('has no placeholder left', () => {
  const { identityPolicies, resourcePolicies, endpointPolicies } = planAccess(plans.everything)
  for (const policies of [identityPolicies, resourcePolicies, endpointPolicies]) {
    expect(JSON.stringify([...policies])).not.toContain('${')
  }
})

it('has the keys that a stack was given', () => {
  const arn = 'arn:aws:kms:us-east-1:000000000000:key/1234'
  const { keyArns, identityPolicies, resourcePolicies, roleArns } = planAccess(plans.default, {
    keyArns: { EnvelopeKey: arn }
  })
  expect(keyArns.EnvelopeKey).toBe(arn)
  expect(resourcePolicies.get(arn)?.name).toBe('EnvelopeKey.KeyPolicy')
  expect(JSON.stringify(identityPolicies.get(roleArns.ProducerRole!))).toContain(arn)
})
