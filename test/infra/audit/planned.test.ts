import { describe, expect, it } from 'vitest'
import { audit, hasFindingsFrom, isOpen } from '../../../infra/audit/audit.ts'
import { catalogue } from '../../../infra/audit/catalogue.ts'
import { loadTemplate } from '../../../infra/audit/loaders/template.ts'
import { planTemplate } from '../../../infra/planner.ts'
import type { PipelinePlan } from '../../../pipeline/plan.ts'
import { plans } from '../plans.ts'

function auditOf(plan: PipelinePlan, profile: 'core' | 'full') {
  // As a template is written down: nothing but JSON.
  const template = JSON.parse(JSON.stringify(planTemplate(plan, { profile })))
  return audit(loadTemplate(template, { region: 'eu-west-1', accountId: '111122223333' }), catalogue)
}

/** Controls with open findings. */
const openIn = (report: ReturnType<typeof auditOf>): readonly string[] =>
  report.results.filter(({ findings }) => findings.some(isOpen)).map(({ control }) => control.id)

describe('a template of the planner', () => {
  it.each(Object.entries(plans))('has no grave finding, and nothing that cannot be told: %s', (_, plan) => {
    for (const profile of ['core', 'full'] as const) {
      const report = auditOf(plan, profile)
      expect(hasFindingsFrom(report, 'high'), openIn(report).join(', ')).toBe(false)
      expect(report.unresolved).toEqual([])
      expect(report.counts.error).toBe(0)
    }
  })

  it('leaves open what a plan without a network, or without alarms, leaves open', () => {
    const ofNetworks = ['KDS-04', 'FH-11', 'SQS-05', 'S3-04', 'DDB-05']
    expect(openIn(auditOf(plans.default, 'full'))).toEqual(ofNetworks)
    expect(openIn(auditOf(plans.default, 'core'))).toEqual([...ofNetworks, 'LOG-02'])
  })

  it('is found wanting as soon as a policy says less', () => {
    const template = JSON.stringify(planTemplate(plans.default))
    const openAfter = (from: RegExp, to: string): readonly string[] => {
      const altered = template.replaceAll(from, to)
      expect(altered).not.toBe(template)
      return openIn(audit(loadTemplate(JSON.parse(altered)), catalogue))
    }
    expect(openAfter(/"Null":\{"kms:ViaService":"true"\}/g, '"Null":{}')).toContain('KMS-06')
    expect(openAfter(/"kms:DescribeKey"/g, '"kms:Decrypt"')).toContain('KMS-03')
    expect(openAfter(/"ForAllValues:StringEquals"/g, '"ForAnyValue:StringEquals"')).toContain('KMS-05')
  })
})
