import { S3Client } from '@aws-sdk/client-s3'
import { expect, it, onTestFinished } from 'vitest'
import {
  clientConfigOf,
  createPipeline,
  embeddedEngine,
  Ledger,
  ObjectReader,
  type Pipeline,
  recordsOf
} from '../../pipeline/index.ts'
import type { TestEngine } from '../helpers/engine.ts'
import { openLocal } from '../helpers/local.ts'
import { putAll, records, startPipeline, startWorker } from '../helpers/pipeline.ts'

const bufferIntervalSeconds = 1

/** Puts records, and reads the plan's first destination until nothing is missing. */
async function carry(pipeline: Pipeline, test: Pick<TestEngine, 'local'>, count: number) {
  const reader = pipeline.createReader(pipeline.plan.destinations[0]!)!
  const ledger = new Ledger([{ name: 's3', identity: reader.identity }])
  const worker = startWorker(pipeline, 'w1')
  await putAll(pipeline, ledger, records(count))
  await expect
    .poll(
      async () => {
        await test.local?.flushFirehose()
        for await (const piece of reader.readNew()) for (const each of piece.records) ledger.deliver(each)
        return ledger.settled
      },
      { timeout: 25_000, interval: 100 }
    )
    .toBe(true)
  await worker.stop()
  expect(ledger.summary).toMatchObject({ delivered: count, lost: 0, foreign: 0, deadLettered: 0 })
  return worker
}

async function storedLines(pipeline: Pipeline, test: TestEngine): Promise<Buffer[]> {
  const { bucket } = pipeline.plan.destinations[0]!
  const s3 = new S3Client(clientConfigOf(test.engine, 's3'))
  onTestFinished(() => s3.destroy())
  const lines: Buffer[] = []
  for await (const { body } of new ObjectReader(s3, bucket, '').readNew())
    lines.push(...recordsOf(body, 'lines'))
  return lines
}

it.each(['aggregate', 'record'] as const)(
  'a plan delivers what was sealed in mode %s as it was received, by workers that ask for no key',
  async mode => {
    const { test, pipeline } = await startPipeline({
      sealing: { mode },
      destinations: [{ kind: 's3', deliver: 'ciphertext', packing: true, bufferIntervalSeconds }]
    })
    const { stats } = await carry(pipeline, test, 300)
    expect(stats.keys).toMatchObject({ serviceCalls: 0, open: 0 })
    const lines = await storedLines(pipeline, test)
    expect(lines.length).toBe(stats.read)
    expect(lines.every(line => /^[A-Za-z0-9+/]+=*$/.test(line.toString()))).toBe(true)
  }
)

it('a plan gives each record an id of its own, and packs small ones', async () => {
  const { test, pipeline } = await startPipeline({
    destinations: [{ kind: 's3', recordIdField: '_id', packing: true, bufferIntervalSeconds }]
  })
  await carry(pipeline, test, 300)
  const ids = (await storedLines(pipeline, test)).map(
    line => (JSON.parse(line.toString()) as { _id: string })._id
  )
  expect(new Set(ids).size).toBe(300)
  expect(ids.every(id => id.startsWith(`${pipeline.plan.stream.name}/shardId-`))).toBe(true)
})

it('a plan packs for S3: far fewer Firehose records than records', async () => {
  let entries = 0
  const local = await openLocal({
    faults: {
      firehose: (operation, { Records }) => {
        if (operation === 'PutRecordBatch') entries += (Records as unknown[]).length
        return undefined
      }
    }
  })
  const pipeline = createPipeline(
    {
      name: 'o',
      stream: { shards: 1 },
      destinations: [{ kind: 's3', packing: true, bufferIntervalSeconds }]
    },
    { engine: embeddedEngine(local) }
  )
  onTestFinished(() => pipeline.close())
  await pipeline.provision()
  await carry(pipeline, { local }, 300)
  expect(entries).toBeLessThan(30)
})
