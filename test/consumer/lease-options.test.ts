import { describe, expect, it } from 'vitest'
import { InvalidOptionError, Worker, type WorkerOptions } from '../../consumer/index.ts'
import { FakeKinesis } from '../helpers/fake-kinesis.ts'
import { MemoryLeaseTable } from '../helpers/memory-lease-table.ts'
import { TestFleet } from '../helpers/worker-fleet.ts'

describe('options of leases', () => {
  const good: WorkerOptions = {
    applicationName: 'app',
    streamName: 's',
    initialPosition: 'LATEST',
    kinesis: { port: new FakeKinesis() },
    leaseTable: new MemoryLeaseTable(),
    eachBatch() {}
  }

  it.each([
    [{ streamName: undefined }, 'streamName'],
    [{ streams: [{ streamName: 'a' }] }, 'streams'],
    [{ streamName: undefined, streams: [] }, 'streams'],
    [{ streamName: undefined, streams: [{ streamName: 'a' }, { streamName: 'a' }] }, 'streams'],
    [{ streamName: undefined, streams: [{ streamName: 'a' }, {}] }, 'streams.1.streamName'],
    [{ streamName: undefined, streams: [{ streamName: 'a', shards: 1 }] }, 'streams.0.shards'],
    [
      { streamName: undefined, streams: [{ streamName: 'a', initialPosition: 'NOW' }] },
      'streams.0.initialPosition'
    ],
    [{ createTable: { encrypted: true } }, 'createTable.encrypted'],
    [{ createTable: { sse: { kmsKeyId: '' } } }, 'createTable.sse.kmsKeyId'],
    [{ maxLeasesToSteal: 0 }, 'maxLeasesToSteal'],
    [{ onStreamRecreated: 'ignore' }, 'onStreamRecreated'],
    [{ formerStreams: { deleteAfterMs: -1 } }, 'formerStreams.deleteAfterMs'],
    [{ formerStreams: { keep: true } }, 'formerStreams.keep']
  ])('are refused by name: %j', (options, option) => {
    const make = (): unknown => new Worker({ ...good, ...options } as never)
    expect(make).toThrow(InvalidOptionError)
    expect(make).toThrow(expect.objectContaining({ option }))
  })

  it('are taken as they are when they are right', () => {
    const { streamName: _, ...rest } = good
    for (const options of [
      {
        ...rest,
        streams: [{ streamName: 'a', initialPosition: 'TRIM_HORIZON' as const }, { streamName: 'b' }]
      },
      { ...good, createTable: { sse: true, pointInTimeRecovery: true } },
      { ...good, createTable: { sse: { kmsKeyId: 'alias/leases' } }, formerStreams: { deleteAfterMs: 0 } }
    ]) {
      expect(new Worker(options).stats).toMatchObject({
        leases: { taken: 0, stolen: 0, untaken: 0, lost: 0, spillover: 0 },
        leaseTable: { scans: 0, writes: 0 }
      })
    }
  })
})

describe('a worker', () => {
  it('ends when another lives under its id, and leaves the other its leases', async () => {
    const fleet = new TestFleet(2)
    const table = () => Object.assign(new MemoryLeaseTable(), { rows: fleet.table.rows })
    const older = fleet.start('twin', { leaseTable: table() })
    await fleet.clock.advance(2_000)
    const newer = fleet.start('twin', { leaseTable: table() })
    await fleet.clock.advance(10_000)
    expect(older.outcome()).toMatchObject({ code: 'SEALSTREAM_DUPLICATE_WORKER', workerId: 'twin' })
    await fleet.clock.advance(30_000)
    expect(newer.outcome()).toBeUndefined()
    expect(newer.worker.stats).toMatchObject({ leasesHeld: 2, leases: { taken: 2, lost: 0 } })
  })

  it('says what its leases cost', async () => {
    const fleet = new TestFleet(2)
    const { worker } = fleet.start('w1')
    await fleet.clock.advance(10_500)
    // Takes, and three renewals of each; a scan a second, and two more at the start to fill the table.
    expect(worker.stats).toMatchObject({ leases: { taken: 2 }, leaseTable: { writes: 2 + 3 * 2, scans: 13 } })
  })
})
