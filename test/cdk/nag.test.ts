import { Validations } from 'aws-cdk-lib'
import { Stream } from 'aws-cdk-lib/aws-kinesis'
import { AwsSolutionsChecks } from 'cdk-nag'
import { describe, expect, it } from 'vitest'
import { expectationOf } from '../../infra/cdk/expected-findings.ts'
import { expectedFindings, SealstreamPipeline } from '../../infra/cdk/index.ts'
import { anApp, plans } from './pipelines.ts'

function aPipeline(plan = plans['by default']!) {
  const { stack, ...app } = anApp()
  return { ...app, stack, pipeline: new SealstreamPipeline(stack, 'Orders', { plan }) }
}

describe('cdk-nag', () => {
  it.each(Object.entries(plans))('finds in a plan %s nothing that is not expected', (_, plan) => {
    const { stack, pipeline } = aPipeline(plan)
    expect(new AwsSolutionsChecks().validateScope(stack).success).toBe(false)
    pipeline.acknowledgeExpectedFindings(new AwsSolutionsChecks())
    expect(new AwsSolutionsChecks().validateScope(stack).violations).toEqual([])
  })

  it('still finds all that is expected', () => {
    const found = new Set(
      Object.values(plans).flatMap(plan =>
        new AwsSolutionsChecks()
          .validateScope(aPipeline(plan).stack)
          .violations.map(({ ruleName }) => ruleName)
      )
    )
    expect([...found].sort()).toEqual(expectedFindings.map(({ rule }) => rule).sort())
  })

  it('is not expected to find what is there for no reason', () => {
    const resources = ['with every neighbour', 'with a cluster that Firehose loads'].flatMap(name =>
      Object.values(aPipeline(plans[name]!).pipeline.template.Resources)
    )
    for (const { rule, resourceType } of expectedFindings) {
      const resource = resources.find(
        each => each.Type === resourceType && expectationOf(rule, each) !== undefined
      )!
      const bare = resourceType === 'AWS::S3::BucketPolicy' ? { PolicyDocument: { Statement: [] } } : {}
      expect(expectationOf(rule, { ...resource, Properties: bare })).toBeUndefined()
    }
  })

  it('still finds what others put beside the pipeline', () => {
    const { stack, pipeline } = aPipeline()
    new Stream(stack, 'Other')
    pipeline.acknowledgeExpectedFindings(new AwsSolutionsChecks())
    const { violations } = new AwsSolutionsChecks().validateScope(stack)
    expect(violations.map(({ ruleName }) => ruleName)).toEqual(['AwsSolutions-KDS3'])
  })

  it('lets a synthesis pass that acknowledges, and no other', () => {
    const { app, pipeline, synthesised } = aPipeline()
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    expect(synthesised).toThrow('AwsSolutions-KDS3')
    pipeline.acknowledgeExpectedFindings(new AwsSolutionsChecks())
    expect(synthesised().Resources).toHaveProperty('Stream')
  })
})
