import { describe, expect, it } from 'vitest'
import { awsEngine, clientConfigOf, endpointEngine } from '../../pipeline/engine.ts'
import { definePipeline, type PipelinePlan } from '../../pipeline/plan.ts'

describe('definePipeline', () => {
  it('derives every name from the pipeline name', () => {
    expect(definePipeline({ name: 'orders' })).toMatchObject({
      stream: { name: 'orders', shards: 4 },
      sealing: { mode: 'aggregate', keyId: 'alias/orders' },
      consumer: { applicationName: 'orders-worker', initialPosition: 'TRIM_HORIZON' },
      delivery: { deliveryStreamName: 'orders-s3', bucket: 'orders-delivered', framing: 'ndjson' },
      deadLetters: { bucket: 'orders-dead-letters' }
    })
  })

  it.each([
    [{ name: 'orders', steam: {} }, 'option steam: unknown'],
    [{ name: 'orders', stream: { shard: 1 } }, 'option stream.shard: unknown; known are name, shards'],
    [
      { name: 'orders', stream: { shards: 0 } },
      'option stream.shards: expected an integer from 1 to 10000, found 0'
    ],
    [{ name: 'orders', stream: 4 }, 'option stream: expected an object'],
    [{ name: 'Orders' }, 'option name: expected 1 to 40 lower-case letters'],
    [{}, 'option name: expected a string'],
    [
      { name: 'o', sealing: { mode: 'both' } },
      "option sealing.mode: expected 'aggregate' or 'record' or 'off'"
    ],
    [{ name: 'o', delivery: { bufferIntervalSeconds: 901 } }, 'option delivery.bufferIntervalSeconds'],
    [{ name: 'o', delivery: { prefix: 1 } }, 'option delivery.prefix: expected a string, found number'],
    [
      { name: 'o', sealing: { context: { stream: 'x' } } },
      'option sealing.context.stream: is set by the pipeline'
    ],
    [{ name: 'o', sealing: { context: { schema: 7 } } }, 'option sealing.context.schema: expected a string']
  ])('refuses %j and names the member', (plan, message) => {
    expect(() => definePipeline(plan as unknown as PipelinePlan)).toThrow(message)
  })

  it('does not quote a context value', () => {
    const plan = { name: 'o', sealing: { context: { tenant: ['secret-value'] } } } as unknown as PipelinePlan
    expect(() => definePipeline(plan)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') })
    )
  })
})

describe('engines', () => {
  it('pass endpoint, region and credentials explicitly, so that no environment leads a local run to AWS', () => {
    const engine = endpointEngine('http://127.0.0.1:4566')
    expect(clientConfigOf(engine, 'kinesis')).toEqual({
      endpoint: 'http://127.0.0.1:4566',
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' }
    })
    expect(clientConfigOf(engine, 's3')).toMatchObject({ forcePathStyle: true })
  })

  it('leave everything to the SDK on AWS', () => {
    expect(clientConfigOf(awsEngine, 's3')).toEqual({})
  })
})
