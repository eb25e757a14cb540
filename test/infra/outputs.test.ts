import { describe, expect, it } from 'vitest'
import { planFromOutputs } from '../../infra/outputs.ts'
import { planTemplate } from '../../infra/planner.ts'
import { definePipeline, type PipelinePlan } from '../../pipeline/plan.ts'
import { plans } from './plans.ts'

const keyArn = (id: string): string => `arn:aws:kms:eu-west-1:111122223333:key/${id}`

/** What a stack of the plan would tell. */
function outputsOf(plan: PipelinePlan): Record<string, string> {
  const resolved = definePipeline(plan)
  const named: Record<string, string> = {
    StreamName: resolved.stream.name,
    LeaseTableName: resolved.consumer.applicationName
  }
  return Object.fromEntries(
    Object.entries(planTemplate(plan).Outputs).map(([name, { Value }]) => [
      name,
      typeof Value === 'string' ? Value : (named[name] ?? keyArn(name.replace('Arn', '')))
    ])
  )
}

describe('planFromOutputs', () => {
  it('names every key by its ARN', () => {
    const plan = planFromOutputs(plans.default, outputsOf(plans.default))
    expect(definePipeline(plan)).toMatchObject({
      sealing: { keyId: keyArn('EnvelopeKey') },
      keys: {
        envelope: { arn: keyArn('EnvelopeKey') },
        stream: { arn: keyArn('StreamKey') },
        sink: { arn: keyArn('SinkKey') },
        state: { arn: keyArn('StateKey') }
      }
    })
  })

  it('reads what DescribeStacks answers', () => {
    const outputs = Object.entries(outputsOf(plans.default)).map(([OutputKey, OutputValue]) => ({
      OutputKey,
      OutputValue
    }))
    expect(planFromOutputs(plans.default, outputs)).toEqual(
      planFromOutputs(plans.default, outputsOf(plans.default))
    )
  })

  it('names the key of each tenant, and keeps those that were given', () => {
    const { sealing } = definePipeline(planFromOutputs(plans.tenants, outputsOf(plans.tenants)))
    expect(sealing.tenants).toEqual([
      { id: 'a1', keyId: keyArn('EnvelopeKeyA1'), arn: keyArn('EnvelopeKeyA1') },
      { id: 'b2', keyId: keyArn('EnvelopeKeyB2'), arn: keyArn('EnvelopeKeyB2') }
    ])
    const { keys } = definePipeline(planFromOutputs(plans.given, outputsOf(plans.given)))
    expect(keys.envelope).toEqual({ arn: keyArn('e0'), origin: 'AWS_CLOUDHSM' })
  })

  it('gives a plan that can be planned again, and then makes no keys', () => {
    for (const plan of Object.values(plans)) {
      const types = Object.values(planTemplate(planFromOutputs(plan, outputsOf(plan))).Resources)
      expect(types.filter(({ Type }) => Type === 'AWS::KMS::Key')).toEqual([])
    }
  })

  it('refuses the outputs of another stack, and too few', () => {
    const outputs = outputsOf(plans.default)
    expect(() => planFromOutputs({ name: 'invoices' }, outputs)).toThrow(
      "option outputs.StreamName: is that of another plan: expected 'invoices'"
    )
    const { SinkKeyArn: _, ...fewer } = outputs
    expect(() => planFromOutputs(plans.default, fewer)).toThrow('option outputs.SinkKeyArn: is missing')
  })
})
