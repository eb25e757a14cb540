import { createRequire } from 'node:module'
import { afterAll, describe, expect, it } from 'vitest'
import { SealstreamPipeline } from '../../infra/cdk/index.ts'
import { planTemplate } from '../../infra/planner.ts'
import { anApp, plans } from './pipelines.ts'

// The copy that comes in the CDK: what npm has under the name itself is behind it.
const inside = createRequire(createRequire(import.meta.url).resolve('aws-cdk-lib'))
const { CompositeEngine, TemplateContent } = inside('@aws/cloudformation-validate')

/** Whoever gives ARNs of what is there has their account in the template. */
const givenAccount = 'W9013'

describe('cloudformation-validate', () => {
  const engine = new CompositeEngine()
  afterAll(() => engine.free())

  /** What is an error or a warning; the rest is advice, such as to give everything tags. */
  function diagnosticsOf(template: object): string[] {
    const { diagnostics } = engine.validateTemplate(new TemplateContent(JSON.stringify(template)))
    return (diagnostics as { severity: string; ruleId: string; message: string }[])
      .filter(({ severity, ruleId }) => severity !== 'INFO' && ruleId !== givenAccount)
      .map(({ ruleId, message }) => `${ruleId}: ${message}`)
  }

  describe.each(Object.entries(plans))('of a plan %s', (_, plan) => {
    it.each(['core', 'full'] as const)('finds nothing wrong in the template %s', profile => {
      expect(diagnosticsOf(planTemplate(plan, { profile }))).toEqual([])
    })
  })

  it('lets the synthesis pass that an application does by default', () => {
    const { stack, synthesised } = anApp({ builtinCloudFormationValidation: true })
    new SealstreamPipeline(stack, 'Orders', { plan: plans['with every neighbour']! })
    expect(synthesised().Resources).toHaveProperty('Stream')
  })

  it('finds a property that does not exist, and a value that is out of range', () => {
    const template = structuredClone(planTemplate(plans['by default']!))
    Object.assign(template.Resources.Stream!.Properties, { Retention: 24 })
    Object.assign(template.Resources.StateKey!.Properties, { PendingWindowInDays: 31 })
    expect(diagnosticsOf(template)).toEqual([
      expect.stringContaining('Retention'),
      expect.stringContaining('31')
    ])
  })
})
