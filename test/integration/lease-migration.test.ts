import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type MigrationEvent, migrateLeaseTable, type WorkerOptions } from '../../consumer/index.ts'
import { systemClock } from '../../core/clock.ts'
import { clientConfigOf } from '../../pipeline/index.ts'
import { CheckpointWatch } from '../helpers/checkpoint-watch.ts'
import { rowsOf } from '../helpers/lease-rows.ts'
import { opened } from '../helpers/local.ts'
import { collect, records, startPipeline } from '../helpers/pipeline.ts'

const within = { timeout: 40_000 }

describe('a fleet that moves to another lease table', { timeout: 120_000 }, () => {
  it('loses nothing while its workers are replaced one by one, and no checkpoint goes back', async () => {
    const { test, pipeline } = await startPipeline({ sealing: { mode: 'off' }, stream: { shards: 4 } })
    const oldTable = pipeline.plan.consumer.applicationName
    const newTable = `${oldTable}-moved`
    const watch = new CheckpointWatch(newTable)
    const client = (): DynamoDBClient =>
      watch.watch(opened(new DynamoDBClient(clientConfigOf(test.engine, 'dynamodb'))))
    const handled = new Map<string, number>()
    const worker = (workerId: string, tableName: string) =>
      collect(test, pipeline, {
        workerId,
        tableName,
        createTable: tableName === oldTable,
        dynamodb: { client: client() },
        eachBatch: batch => {
          for (const { data } of batch) {
            const { id } = JSON.parse(Buffer.from(data).toString()) as { id: string }
            handled.set(id, (handled.get(id) ?? 0) + 1)
          }
        }
      } satisfies Partial<WorkerOptions> & { readonly workerId: string })

    // Records come all the while.
    const put: string[] = []
    const load = new AbortController()
    const producer = pipeline.createProducer({ maxBufferedMs: 20 })
    const putting = (async () => {
      while (!load.signal.aborted) {
        const next = records(20, put.length)
        await Promise.all(next.map(({ key, data }) => producer.put({ partitionKey: key, data })))
        put.push(...next.map((_, index) => `r${put.length + index}`))
        await systemClock.sleep(50)
      }
      await producer.close()
    })()
    onTestFinished(async () => {
      load.abort()
      await putting
    })

    const old = ['old-1', 'old-2', 'old-3'].map(workerId => worker(workerId, oldTable))
    await expect.poll(() => old.every(({ stats }) => stats.leasesHeld > 0), within).toBe(true)
    await expect.poll(() => handled.size, within).toBeGreaterThan(100)

    const events: MigrationEvent[] = []
    const migrating = migrateLeaseTable({
      from: { tableName: oldTable, client: client() },
      to: { tableName: newTable, client: client() },
      follow: true,
      intervalMs: 200,
      // Workers of the old table renew every 0.6 s.
      quietMs: 4_000,
      onEvent: event => events.push(event)
    })
    const passes = (): number => events.filter(({ type }) => type === 'passDone').length
    await expect.poll(passes, within).toBeGreaterThan(1)

    const replaced: ReturnType<typeof worker>[] = []
    for (const [index, gone] of old.entries()) {
      const before = handled.size
      replaced.push(worker(`new-${index + 1}`, newTable))
      await expect.poll(() => replaced.at(-1)!.stats.leasesHeld, within).toBeGreaterThan(0)
      await gone.stop()
      await expect.poll(() => handled.size, within).toBeGreaterThan(before + 50)
    }
    load.abort()
    await putting
    await expect.poll(() => put.filter(id => !handled.has(id)), within).toEqual([])

    const { endedBy, comparison } = await migrating
    expect(endedBy).toBe('quiet')
    expect(comparison).toMatchObject({ state: 'equal', worked: 4, missing: 0, conflicts: 0 })
    // The overlap is told lease by lease, and costs duplicates alone.
    expect(events.filter(({ type }) => type === 'leaseHeldInBoth').length).toBeGreaterThan(0)
    const duplicates = [...handled.values()].reduce((sum, times) => sum + times - 1, 0)
    expect(duplicates).toBeGreaterThan(0)
    expect(watch.writes).toBeGreaterThan(10)
    expect(watch.steppedBack()).toEqual([])
    expect(Object.keys(await rowsOf(client(), newTable))).toHaveLength(4)
  })
})

describe('a fleet that is stopped, moved and started', { timeout: 60_000 }, () => {
  it('goes on where it was, with nothing handled twice', async () => {
    const { test, pipeline } = await startPipeline({ sealing: { mode: 'off' }, stream: { shards: 2 } })
    const oldTable = pipeline.plan.consumer.applicationName
    const tables = { from: { tableName: oldTable }, to: { tableName: `${oldTable}-moved` } }
    const clientConfig = clientConfigOf(test.engine, 'dynamodb')
    const putSome = async (from: number): Promise<void> => {
      const producer = pipeline.createProducer()
      for (const { key, data } of records(60, from)) void producer.put({ partitionKey: key, data })
      await producer.close()
    }
    const first = collect(test, pipeline, { workerId: 'first' })
    await putSome(0)
    await expect.poll(() => first.received.length, within).toBe(60)
    await first.stop()
    const { comparison } = await migrateLeaseTable({
      from: { ...tables.from, clientConfig },
      to: { ...tables.to, clientConfig },
      intervalMs: 10
    })
    expect(comparison).toMatchObject({ state: 'equal', equal: 2, heldInBoth: 0 })
    await putSome(60)
    const second = collect(test, pipeline, { workerId: 'second', ...tables.to, createTable: false })
    await expect.poll(() => second.received.length, within).toBe(60)
    await second.stop()
    expect(second.received).toHaveLength(60)
  })
})
