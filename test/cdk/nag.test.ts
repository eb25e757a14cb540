import { Validations } from 'aws-cdk-lib'
import { Stream } from 'aws-cdk-lib/aws-kinesis'
import { AwsSolutionsChecks } from 'cdk-nag'
import { describe, expect, it } from 'vitest'
import { SealstreamPipeline } from '../../infra/cdk/index.ts'
import { anApp, aTemplate } from './pipelines.ts'

describe('cdk-nag', () => {
  it('finds nothing that is not expected', () => {
    const { stack } = anApp()
    const pipeline = new SealstreamPipeline(stack, 'Orders', { template: aTemplate() })
    expect(new AwsSolutionsChecks().validateScope(stack).success).toBe(false)
    pipeline.acknowledgeExpectedFindings(new AwsSolutionsChecks())
    expect(new AwsSolutionsChecks().validateScope(stack).violations).toEqual([])
  })

  it('still finds what others put beside the pipeline', () => {
    const { stack } = anApp()
    const pipeline = new SealstreamPipeline(stack, 'Orders', { template: aTemplate() })
    new Stream(stack, 'Other')
    pipeline.acknowledgeExpectedFindings(new AwsSolutionsChecks())
    const { violations } = new AwsSolutionsChecks().validateScope(stack)
    expect(violations.map(({ ruleName }) => ruleName)).toEqual(['AwsSolutions-KDS3'])
  })

  it('lets a synthesis pass that acknowledges, and no other', () => {
    const { app, stack, synthesised } = anApp()
    const pipeline = new SealstreamPipeline(stack, 'Orders', { template: aTemplate() })
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    expect(synthesised).toThrow('AwsSolutions-KDS3')
    pipeline.acknowledgeExpectedFindings(new AwsSolutionsChecks())
    expect(Object.keys(synthesised().Resources)).toHaveLength(4)
  })
})
