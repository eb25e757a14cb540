import { describe, expect, it, onTestFinished } from 'vitest'
import { clientConfigOf, type Pipeline } from '../../pipeline/index.ts'
import { Producer, type ProducerOptions } from '../../producer/index.ts'
import type { TestEngine } from '../helpers/engine.ts'
import { collect, startPipeline, texts } from '../helpers/pipeline.ts'

const plain = { sealing: { mode: 'off' } } as const
const within = { timeout: 20_000 }

function producerOn(
  { engine }: TestEngine,
  pipeline: Pipeline,
  options: Partial<ProducerOptions> = {}
): Producer {
  const producer = new Producer({
    streamName: pipeline.plan.stream.name,
    clientConfig: clientConfigOf(engine, 'kinesis'),
    ...options
  })
  onTestFinished(async () => void (await producer.close()))
  return producer
}

describe('the producer', () => {
  it('spreads aggregates over all shards, each where its explicit hash key belongs', async () => {
    const { test, pipeline } = await startPipeline({ ...plain, stream: { shards: 4 } })
    const producer = producerOn(test, pipeline)
    const quarter = 2n ** 126n
    const put = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        producer.put({
          partitionKey: 'same',
          explicitHashKey: String(quarter * BigInt(index % 4) + 7n),
          data: Buffer.from(String(index % 4))
        })
      )
    )
    const shards = new Map<string, Set<number>>()
    for (const [index, { shardId }] of put.entries()) {
      shards.set(shardId, (shards.get(shardId) ?? new Set()).add(index % 4))
    }
    expect([...shards.values()].map(quarters => [...quarters]).sort()).toEqual([[0], [1], [2], [3]])
    expect(producer.stats).toMatchObject({ acknowledged: 40, wrongShard: 0 })
  })

  it('carries records of nearly a mebibyte beside small ones', async () => {
    const { test, pipeline } = await startPipeline({ ...plain, stream: { shards: 2 } })
    const producer = producerOn(test, pipeline)
    const large = Array.from({ length: 4 }, (_, index) => Buffer.alloc(1_000_000, 97 + index))
    const small = Array.from({ length: 50 }, (_, index) => Buffer.from(`small ${index}`))
    await Promise.all(
      [...large, ...small].map((data, index) => producer.put({ partitionKey: `k${index}`, data }))
    )
    const worker = collect(test, pipeline, { workerId: 'w1' })
    await expect.poll(() => worker.received.length, within).toBe(54)
    expect(texts(worker.received)).toEqual(texts([...large, ...small].map(data => ({ data }))))
  })

  it('refuses at once what no Kinesis record can hold, and accepts nothing of it', async () => {
    const { test, pipeline } = await startPipeline({ ...plain, stream: { shards: 1 } })
    const producer = producerOn(test, pipeline)
    await expect(producer.put({ partitionKey: 'k', data: Buffer.alloc(1_048_577) })).rejects.toMatchObject({
      code: 'SEALSTREAM_INVALID_RECORD'
    })
    expect(producer.stats).toMatchObject({ accepted: 0, inFlight: 0 })
  })

  it('puts every record of several producers at once, waiting for room in a small buffer', async () => {
    const { test, pipeline } = await startPipeline({ ...plain, stream: { shards: 2 } })
    const producers = [1, 2, 3].map(() => producerOn(test, pipeline, { maxBufferedBytes: 1_048_576 }))
    await Promise.all(
      producers.map(async (producer, number) => {
        for (let from = 0; from < 1_000; from += 250) {
          await Promise.all(
            Array.from({ length: 250 }, (_, index) =>
              producer.put({
                partitionKey: `k${index}`,
                data: Buffer.from(`${number}-${from + index}-${'x'.repeat(3_000)}`)
              })
            )
          )
        }
      })
    )
    const worker = collect(test, pipeline, { workerId: 'w1' })
    await expect.poll(() => new Set(texts(worker.received)).size, within).toBe(3_000)
  })
})
