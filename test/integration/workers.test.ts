import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { describe, expect, it, onTestFinished } from 'vitest'
import { clientConfigOf, Ledger, type Pipeline } from '../../pipeline/index.ts'
import type { TestEngine } from '../helpers/engine.ts'
import { collect, putAll, records, startPipeline, texts } from '../helpers/pipeline.ts'

const plain = { sealing: { mode: 'off' } } as const
const within = { timeout: 20_000 }
const bodies = (put: readonly { data: Buffer }[]): string[] =>
  put.map(({ data }) => data.toString('utf8')).sort()

async function leaseRows({ engine }: TestEngine, pipeline: Pipeline): Promise<Record<string, unknown>[]> {
  const dynamodb = new DynamoDBClient(clientConfigOf(engine, 'dynamodb'))
  onTestFinished(() => dynamodb.destroy())
  const { Items: items = [] } = await dynamodb.send(
    new ScanCommand({ TableName: pipeline.plan.consumer.applicationName, ConsistentRead: true })
  )
  return items
}

describe('a fleet of workers', () => {
  it('goes on at the checkpoint when one worker follows another', async () => {
    const { test, pipeline } = await startPipeline({ ...plain, stream: { shards: 2 } })
    const first = collect(test, pipeline, { workerId: 'first' })
    await putAll(pipeline, new Ledger(), records(200))
    await expect.poll(() => first.received.length, within).toBe(200)
    await first.stop()
    const put = records(100, 200)
    await putAll(pipeline, new Ledger(), put)
    const second = collect(test, pipeline, { workerId: 'second' })
    await expect.poll(() => second.received.length, within).toBe(100)
    expect(texts(second.received)).toEqual(bodies(put))
  })

  it('shares the shards, and takes those of a worker that stops', async () => {
    const { test, pipeline } = await startPipeline({ ...plain, stream: { shards: 4 } })
    const one = collect(test, pipeline, { workerId: 'one' })
    const two = collect(test, pipeline, { workerId: 'two' })
    await expect.poll(() => [one.stats.leasesHeld, two.stats.leasesHeld], within).toEqual([2, 2])
    await one.stop()
    await expect.poll(() => two.stats.leasesHeld, within).toBe(4)
  })

  it('reads from the end with LATEST and from the beginning with TRIM_HORIZON', async () => {
    const { test, pipeline } = await startPipeline({ ...plain, stream: { shards: 1 } })
    const before = records(20)
    await putAll(pipeline, new Ledger(), before)
    const latest = collect(test, pipeline, {
      workerId: 'latest',
      applicationName: `${pipeline.plan.name}-latest`,
      initialPosition: 'LATEST'
    })
    // It stands at the end once it has read a record that came after it.
    const probes: { key: string; data: Buffer }[] = []
    await expect
      .poll(async () => {
        const probe = records(1, 1_000 + probes.length)
        probes.push(...probe)
        await putAll(pipeline, new Ledger(), probe)
        return latest.received.length
      }, within)
      .toBeGreaterThan(0)
    const after = records(20, 20)
    await putAll(pipeline, new Ledger(), after)
    const horizon = collect(test, pipeline, { workerId: 'horizon' })
    await expect.poll(() => texts(horizon.received), within).toEqual(bodies([...before, ...probes, ...after]))
    await expect.poll(() => texts(latest.received), within).toEqual(expect.arrayContaining(bodies(after)))
    expect(texts(latest.received).filter(text => bodies(before).includes(text))).toEqual([])
  })

  it('hands the same records out again when the handler throws, in order, and skips none', async () => {
    const { test, pipeline } = await startPipeline({ ...plain, stream: { shards: 1 } })
    const put = records(50)
    await putAll(pipeline, new Ledger(), put)
    const processed: string[] = []
    let failures = 0
    const worker = collect(test, pipeline, {
      workerId: 'w1',
      eachBatch: batch => {
        if (failures < 2) {
          failures += 1
          throw new Error('not yet')
        }
        processed.push(...texts(batch))
      }
    })
    await expect.poll(() => processed.length, within).toBe(50)
    expect(processed.sort()).toEqual(bodies(put))
    expect(worker.stats).toMatchObject({ processed: 50, deadLettered: 0, inHand: 0, retries: 2 })
  })

  it('lets two applications read everything independently', async () => {
    const { test, pipeline } = await startPipeline({ ...plain, stream: { shards: 2 } })
    const put = records(60)
    await putAll(pipeline, new Ledger(), put)
    const workers = ['a', 'b'].map(name =>
      collect(test, pipeline, { workerId: name, applicationName: `${pipeline.plan.name}-${name}` })
    )
    for (const { received } of workers) {
      await expect.poll(() => received.length, within).toBe(60)
      expect(texts(received)).toEqual(bodies(put))
    }
  })

  it('keeps the lease table as the KCL lays it out, and gives the leases back at shutdown', async () => {
    const { test, pipeline } = await startPipeline({ ...plain, stream: { shards: 2 } })
    const worker = collect(test, pipeline, { workerId: 'w1' })
    await putAll(pipeline, new Ledger(), records(60))
    await expect.poll(() => worker.received.length, within).toBe(60)
    await expect.poll(() => worker.stats.checkpoints, within).toBeGreaterThanOrEqual(2)
    for (const row of await leaseRows(test, pipeline)) {
      expect(row).toMatchObject({
        leaseKey: { S: expect.stringMatching(/^shardId-\d{12}$/) },
        leaseOwner: { S: 'w1' },
        leaseCounter: { N: expect.stringMatching(/^[1-9]\d*$/) },
        checkpoint: { S: expect.stringMatching(/^(\d{50,}|TRIM_HORIZON)$/) },
        checkpointSubSequenceNumber: { N: expect.stringMatching(/^\d+$/) },
        ownerSwitchesSinceCheckpoint: { N: expect.any(String) }
      })
    }
    await worker.stop()
    const rows = await leaseRows(test, pipeline)
    expect(rows).toHaveLength(2)
    for (const row of rows) expect(row).not.toHaveProperty('leaseOwner')
  })
})
