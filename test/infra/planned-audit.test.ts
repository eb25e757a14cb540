import { expect, it } from 'vitest'
import everything from '../../examples/plans/everything.config.ts'
import { audit } from '../../infra/audit/audit.ts'
import { catalogue } from '../../infra/audit/catalogue.ts'
import { loadTemplate } from '../../infra/audit/loaders/template.ts'
import { planTemplate } from '../../infra/planner.ts'
import type { PipelinePlan } from '../../pipeline/plan.ts'
import { network, plans, withLoadedCluster } from './plans.ts'

function failuresOf(plan: PipelinePlan, profile: 'core' | 'full' = 'full') {
  const template: unknown = JSON.parse(JSON.stringify(planTemplate(plan, { profile })))
  const model = loadTemplate(template, { accountId: '111122223333', region: 'eu-west-1' })
  expect(model.unresolved).toEqual([])
  const findings = audit(model, catalogue).results.flatMap(({ findings: found }) => found)
  return findings
    .filter(({ status }) => status === 'fail' || status === 'error')
    .map(({ controlId, resourceId, evidence }) => `${controlId} ${resourceId}: ${evidence}`)
}

// Without a VPC there are no endpoints to ask for; that is the plan's to say.
const controlsOfEndpoints = /^(KDS-04|FH-11|SQS-05|S3-04|DDB-05|NET-01) /

it.each(Object.entries(plans).filter(([name]) => name !== 'plain'))(
  'passes every control in a VPC: %s',
  (_, plan: PipelinePlan) => {
    expect(failuresOf({ network, ...plan })).toEqual([])
  }
)

it('passes every control with everything that a plan can have', () => {
  expect(failuresOf(everything)).toEqual([])
})

it('passes every control with a cluster that Firehose loads', () => {
  expect(failuresOf(withLoadedCluster)).toEqual([])
})

it('passes every control but those of endpoints without a VPC', () => {
  const failures = failuresOf(plans.default)
  expect(failures.filter(failure => !controlsOfEndpoints.test(failure))).toEqual([])
})

it('leaves to the profile core and to a plan without alarms what nobody is told of', () => {
  expect(failuresOf(plans.default, 'core').filter(failure => !controlsOfEndpoints.test(failure))).toEqual([
    expect.stringMatching(/^LOG-02 /)
  ])
  const { plain } = plans
  // Nothing of it is behind the endpoints of kms and sqs.
  expect(failuresOf({ ...plain, network }).map(failure => failure.slice(0, 6))).toEqual(['NET-01', 'LOG-02'])
})
