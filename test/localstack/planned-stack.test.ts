import { describe, expect, it, onTestFinished } from 'vitest'
import { planFromOutputs, planTemplate } from '../../infra/index.ts'
import { createPipeline, Ledger } from '../../pipeline/index.ts'
import { openTestEngine } from '../helpers/engine.ts'
import { putAll, records, startWorker, untilSettled } from '../helpers/pipeline.ts'
import { deployStack } from './stacks.ts'

const endpoint = process.env.SEALSTREAM_ENDPOINT ?? 'http://127.0.0.1:4566'

describe.skipIf(process.env.SEALSTREAM_TEST_ENGINE !== 'localstack')('a planned stack on LocalStack', () => {
  it('is made but for the policies of its roles, and carries records', async () => {
    const test = await openTestEngine()
    const plan = test.plan({ stream: { shards: 2 } })
    const template = planTemplate(plan, { profile: 'core' })
    const { status, physicalIds, outputs } = await deployStack(endpoint, template)
    expect(status).toBe('CREATE_COMPLETE')
    expect([...physicalIds.keys()].sort()).toEqual(Object.keys(template.Resources).sort())
    const passedOver = [...physicalIds].filter(([, id]) => id === 'unknown').map(([logicalId]) => logicalId)
    const rolePolicies = Object.entries(template.Resources).filter(
      ([, { Type }]) => Type === 'AWS::IAM::RolePolicy'
    )
    expect(passedOver.sort()).toEqual(rolePolicies.map(([logicalId]) => logicalId).sort())

    const pipeline = createPipeline(planFromOutputs(plan, outputs), { engine: test.engine })
    onTestFinished(() => pipeline.close())
    expect(pipeline.plan.sealing.keyId).toBe(outputs.EnvelopeKeyArn)
    const worker = startWorker(pipeline, 'w1')
    const ledger = new Ledger()
    await putAll(pipeline, ledger, records(100))
    expect(await untilSettled(pipeline, test, ledger)).toEqual([])
    expect(ledger.summary).toMatchObject({ delivered: 100, lost: 0, foreign: 0, deadLettered: 0 })
    await worker.stop()
  }, 120_000)
})
