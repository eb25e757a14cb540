import { createRequire } from 'node:module'
import { afterAll, describe, expect, it } from 'vitest'
import { aTemplate } from './pipelines.ts'

// The copy that comes in the CDK: what npm has under the name itself is behind it.
const inside = createRequire(createRequire(import.meta.url).resolve('aws-cdk-lib'))
const { CompositeEngine, TemplateContent } = inside('@aws/cloudformation-validate')

describe('cloudformation-validate', () => {
  const engine = new CompositeEngine()
  afterAll(() => engine.free())

  /** What is an error or a warning; the rest is advice, such as to give everything tags. */
  function diagnosticsOf(template: object): string[] {
    const { diagnostics } = engine.validateTemplate(new TemplateContent(JSON.stringify(template)))
    return (diagnostics as { severity: string; ruleId: string; message: string }[])
      .filter(({ severity }) => severity !== 'INFO')
      .map(({ ruleId, message }) => `${ruleId}: ${message}`)
  }

  it('finds nothing wrong in what the planner makes', () => {
    expect(diagnosticsOf(aTemplate())).toEqual([])
  })

  it('finds a property that does not exist, and a value that is out of range', () => {
    const template = aTemplate()
    const { Stream, EnvelopeKey } = template.Resources
    Object.assign(Stream.Properties, { Retention: 24 })
    Object.assign(EnvelopeKey.Properties, { PendingWindowInDays: 31 })
    expect(diagnosticsOf(template)).toEqual([
      expect.stringContaining('Retention'),
      expect.stringContaining('31')
    ])
  })
})
