import { describe, expect, it } from 'vitest'
import type { InitialPosition } from '../../../consumer/index.ts'
import type { Lease } from '../../../consumer/leases/lease.ts'
import { uncovered } from '../../../consumer/shards/hash-range-holes.ts'
import { ShardSync } from '../../../consumer/shards/shard-sync.ts'
import type { WorkerEvent } from '../../../consumer/types.ts'
import { deferred } from '../../../core/concurrency.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { FakeKinesis, type FakeShard, serviceError } from '../../helpers/fake-kinesis.ts'
import { aLease } from '../../helpers/leases.ts'
import { MemoryLeaseTable } from '../../helpers/memory-lease-table.ts'
import { numberedScenarios } from '../../helpers/numbered-scenarios.ts'
import { severalStreams } from '../../helpers/several-streams.ts'
import { TestFleet } from '../../helpers/worker-fleet.ts'

const { scenario, complete } = numberedScenarios('shards', [1, 2, 3, 4, 5, 28, 29, 30, 40, 41])
const put = ({ kinesis }: TestFleet, text: string, shard = kinesis.shards[0]!): string =>
  kinesis.store(Buffer.from(text), shard)
const isEnded = ({ table }: TestFleet, { id }: FakeShard): boolean =>
  table.rows.get(id)?.checkpoint.sequenceNumber === 'SHARD_END'
const rows = (table: MemoryLeaseTable): string[] =>
  [...table.rows.values()].map(
    ({ leaseKey, checkpoint }) => `${leaseKey.slice(-1)} ${checkpoint.sequenceNumber}`
  )

function syncOf(
  kinesis: FakeKinesis,
  initialPosition: InitialPosition = 'TRIM_HORIZON',
  table = new MemoryLeaseTable()
) {
  const clock = new FakeClock()
  const events: WorkerEvent[] = []
  const sync = new ShardSync({
    kinesis,
    streamName: 's',
    table,
    initialPosition,
    clock,
    random: () => 0.5,
    signal: new AbortController().signal,
    onEvent: event => events.push(event)
  })
  return { clock, table, sync, events }
}

describe('resharding', () => {
  scenario(1, 'a split: children stand before the parent ends, and begin after it', async () => {
    const fleet = new TestFleet(1)
    const parent = fleet.kinesis.shards[0]!
    let atEnd: readonly Lease[] | undefined
    const begunEarly: string[] = []
    fleet.start('w1', {
      onEvent: event => {
        if (event.type === 'shardEnded') atEnd = [...fleet.table.rows.values()]
      },
      eachBatch: records => {
        if (records[0]!.shardId !== parent.id && !isEnded(fleet, parent)) begunEarly.push(records[0]!.shardId)
        fleet.record('w1', records)
      }
    })
    put(fleet, 'one')
    await fleet.clock.advance(1_500)
    put(fleet, 'two')
    const children = fleet.kinesis.split(parent)
    for (const child of children) put(fleet, 'after', child)
    await fleet.clock.advance(5_000)
    expect(fleet.texts()).toEqual(['one', 'two', 'after', 'after'])
    expect(begunEarly).toEqual([])
    expect(atEnd).toHaveLength(3)
    for (const { id, start, end } of children) {
      expect(atEnd!.find(({ leaseKey }) => leaseKey === id)).toMatchObject({
        checkpoint: { sequenceNumber: 'TRIM_HORIZON' },
        parentShardIds: [parent.id],
        hashKeyRange: { start, end }
      })
    }
    expect(fleet.table.rows.get(parent.id)!.childShardIds).toEqual(children.map(({ id }) => id))
  })

  scenario(2, 'a merge with parents on two workers, one slow: one row, and it waits for both', async () => {
    const fleet = new TestFleet(2)
    const [left, right] = [fleet.kinesis.shards[0]!, fleet.kinesis.shards[1]!]
    let created = 0
    const create = fleet.table.create.bind(fleet.table)
    fleet.table.create = async lease => {
      const isMade = await create(lease)
      if (isMade && lease.parentShardIds.length === 2) created += 1
      return isMade
    }
    const gate = deferred<void>()
    for (const id of ['w1', 'w2']) {
      fleet.start(id, {
        eachBatch: async records => {
          if (records[0]!.shardId === right.id) await gate.promise
          fleet.record(id, records)
        }
      })
    }
    await fleet.clock.advance(10_000)
    expect(new Set([...fleet.table.rows.values()].map(({ leaseOwner }) => leaseOwner)).size).toBe(2)
    put(fleet, 'left', left)
    put(fleet, 'right', right)
    put(fleet, 'merged', fleet.kinesis.merge(left, right))
    await fleet.clock.advance(20_000)
    expect(fleet.texts()).toEqual(['left'])
    gate.resolve()
    await fleet.clock.advance(20_000)
    expect([...new Set(fleet.texts())]).toEqual(['left', 'right', 'merged'])
    expect(created).toBe(1)
  })

  scenario(
    3,
    'a merge with one parent’s row missing: the row is made again and read before the child',
    async () => {
      const fleet = new TestFleet(2)
      const [left, right] = [fleet.kinesis.shards[0]!, fleet.kinesis.shards[1]!]
      put(fleet, 'left', left)
      fleet.start('w1', { initialPosition: 'LATEST' })
      await fleet.clock.advance(1_500)
      fleet.table.rows.delete(right.id)
      put(fleet, 'more left', left)
      put(fleet, 'right', right)
      put(fleet, 'merged', fleet.kinesis.merge(left, right))
      const { listings } = fleet.kinesis
      await fleet.clock.advance(60_000)
      const texts = fleet.texts()
      expect([...new Set(texts)].sort()).toEqual(['merged', 'more left', 'right'])
      expect(texts.at(-1)).toBe('merged')
      expect(isEnded(fleet, right)).toBe(true)
      expect(fleet.eventsOf('leasesCreated').at(-1)).toMatchObject({ leaseKeys: [right.id] })
      expect(fleet.kinesis.listings - listings).toBeLessThan(5)
    }
  )

  scenario(
    4,
    'two splits while nobody worked: grandparent, children, grandchildren, all in order',
    async () => {
      const fleet = new TestFleet(1)
      put(fleet, 'a')
      const first = fleet.start('w1', { initialPosition: 'LATEST' })
      await fleet.clock.advance(1_500)
      put(fleet, 'b')
      await fleet.clock.advance(1_500)
      await Promise.all([first.worker.shutdown(), fleet.clock.advance(1_000)])
      put(fleet, 'c')
      const [left, right] = fleet.kinesis.split(fleet.kinesis.shards[0]!)
      put(fleet, 'd', left)
      put(fleet, 'e', right)
      const [, grandchild] = fleet.kinesis.split(left)
      put(fleet, 'f', grandchild)
      expect([...fleet.table.rows.keys()]).toEqual([fleet.kinesis.shards[0]!.id])
      fleet.start('w2', { initialPosition: 'LATEST' })
      await fleet.clock.advance(30_000)
      expect(fleet.texts(fleet.kinesis.shards[0]!.id)).toEqual(['b', 'c'])
      expect(fleet.texts().slice(2).sort()).toEqual(['d', 'e', 'f'])
      expect(fleet.texts().indexOf('f')).toBeGreaterThan(fleet.texts().indexOf('d'))
    }
  )
})

describe('the first leases', () => {
  scenario(
    5,
    'of each position: sentinel, closed shards, whole hash range; the timestamp is the configuration’s',
    async () => {
      const timestamp = new Date('2026-07-01T00:00:00Z')
      for (const [position, count, sentinel] of [
        ['TRIM_HORIZON', 4, 'TRIM_HORIZON'],
        ['LATEST', 3, 'LATEST'],
        [{ timestamp }, 4, 'AT_TIMESTAMP']
      ] as const) {
        const kinesis = new FakeKinesis(2)
        const children = kinesis.split(kinesis.shards[0]!)
        const filters: unknown[] = []
        const list = kinesis.listShards.bind(kinesis)
        kinesis.listShards = input => {
          filters.push(input.ShardFilter)
          return list(input)
        }
        const { sync, table } = syncOf(kinesis, position)
        expect(await sync.run([])).toBe(count)
        const leases = [...table.rows.values()]
        for (const lease of leases) {
          const shard = kinesis.shards.find(({ id }) => id === lease.leaseKey)!
          expect(lease.checkpoint).toEqual({ sequenceNumber: sentinel, subSequenceNumber: 0 })
          expect(lease.parentShardIds).toEqual(shard.parents)
          expect(lease.hashKeyRange).toEqual({ start: shard.start, end: shard.end })
        }
        expect(uncovered(leases.map(({ hashKeyRange }) => hashKeyRange!))).toEqual([])
        expect(leases.map(({ leaseKey }) => leaseKey)).toEqual(
          expect.arrayContaining(children.map(({ id }) => id))
        )
        expect(filters).toEqual([
          position === 'LATEST'
            ? { Type: 'AT_LATEST' }
            : position === 'TRIM_HORIZON'
              ? { Type: 'AT_TRIM_HORIZON' }
              : { Type: 'AT_TIMESTAMP', Timestamp: timestamp }
        ])
      }

      const fleet = new TestFleet(1)
      const asked: (Date | undefined)[] = []
      const iterate = fleet.kinesis.getShardIterator.bind(fleet.kinesis)
      fleet.kinesis.getShardIterator = input => {
        asked.push(input.Timestamp)
        return iterate(input)
      }
      const first = fleet.start('w1', { initialPosition: { timestamp } })
      await fleet.clock.advance(1_500)
      await Promise.all([first.worker.shutdown(), fleet.clock.advance(1_000)])
      const other = new Date('2026-08-01T00:00:00Z')
      fleet.start('w2', { initialPosition: { timestamp: other } })
      await fleet.clock.advance(1_500)
      expect(asked).toEqual([timestamp, other])
    }
  )

  it('are not made from a listing that leaves out hash keys, and it is asked for three times', async () => {
    const kinesis = new FakeKinesis(4)
    const [, gone] = kinesis.shards.splice(1, 1, { ...kinesis.shards[2]! })
    expect(gone).toBeUndefined()
    const { sync, table, clock } = syncOf(kinesis)
    const run = sync.run([]).then(
      () => 'made',
      (error: Error) => error
    )
    await clock.advance(5_000)
    expect(await run).toMatchObject({ name: 'IncompleteShardListError', streamName: 's', retryable: true })
    expect(kinesis.listings).toBe(3)
    expect(table.rows.size).toBe(0)
  })

  scenario(
    40,
    'of 3,000 shards in pages: a limit is waited out, an expired token begins anew, or nothing is made',
    async () => {
      const kinesis = new FakeKinesis(3_000)
      kinesis.pageSize = 600
      const failures = new Map([
        [3, 'LimitExceededException'],
        [6, 'ExpiredNextTokenException']
      ])
      const fail = (call: number): Error | undefined => {
        const name = failures.get(call)
        return name === undefined ? undefined : serviceError(name, 400)
      }
      kinesis.failListing = fail
      const { sync, table, clock } = syncOf(kinesis)
      const made = sync.run([])
      await clock.advance(10_000)
      expect(await made).toBe(3_000)
      // Two pages, a refused one, two more, an expired token, and five pages from the beginning.
      expect(kinesis.listings).toBe(11)
      expect(await sync.run([...table.rows.values()])).toBe(0)

      const limited = syncOf(new FakeKinesis(3))
      const refused = new FakeKinesis(3)
      refused.failListing = () => serviceError('LimitExceededException', 400)
      const never = syncOf(refused, 'TRIM_HORIZON', limited.table)
      const outcome = never.sync.run([]).then(
        () => 'made',
        (error: Error) => error
      )
      await never.clock.advance(120_000)
      expect(await outcome).toMatchObject({ operation: 'ListShards', failure: 'throttled' })
      expect(refused.listings).toBe(10)
      expect(limited.table.rows.size).toBe(0)
    }
  )
})

describe('rows that are lost', () => {
  scenario(
    29,
    'a held lease’s and a child’s: the lease is lost, and both are made again, not at LATEST',
    async () => {
      const fleet = new TestFleet(2)
      const [parent, other] = [fleet.kinesis.shards[0]!, fleet.kinesis.shards[1]!]
      fleet.start('w1', { initialPosition: 'LATEST', cleanupLeases: false })
      await fleet.clock.advance(1_500)
      const [child] = fleet.kinesis.split(parent)
      await fleet.clock.advance(3_000)
      expect(isEnded(fleet, parent)).toBe(true)
      put(fleet, 'child', child)
      put(fleet, 'other', other)
      fleet.table.rows.delete(child.id)
      fleet.table.rows.delete(other.id)
      await fleet.clock.advance(4_000)
      expect(
        fleet
          .eventsOf('leaseLost')
          .map(event => 'leaseKey' in event && event.leaseKey)
          .sort()
      ).toEqual([child.id, other.id].sort())
      await fleet.clock.advance(60_000)
      expect(new Set(fleet.texts())).toEqual(new Set(['child', 'other']))
      for (const { id } of [child, other]) expect(fleet.table.rows.get(id)?.leaseOwner).toBe('w1')

      // A closed child that nobody has read, named by its finished parent, comes back with and without its children.
      for (const hasChildren of [false, true]) {
        const kinesis = new FakeKinesis(1)
        const [left, right] = kinesis.split(kinesis.shards[0]!)
        const grandchildren = kinesis.split(left)
        const { sync, table, clock } = syncOf(kinesis, 'LATEST')
        const lease = (shard: FakeShard, more: Partial<Lease> = {}): void => {
          const hashKeyRange = { start: shard.start, end: shard.end }
          table.rows.set(shard.id, aLease(shard.id, { hashKeyRange, parentShardIds: shard.parents, ...more }))
        }
        const shardEnd = { sequenceNumber: 'SHARD_END', subSequenceNumber: 0 }
        lease(kinesis.shards[0]!, { checkpoint: shardEnd, childShardIds: [left.id, right.id] })
        lease(right)
        if (hasChildren) for (const shard of grandchildren) lease(shard)
        for (let look = 0; look < 3; look += 1) {
          await sync.run([...table.rows.values()])
          await clock.advance(10_000)
        }
        expect(rows(table)).toEqual([
          '0 SHARD_END',
          '2 TRIM_HORIZON',
          ...(hasChildren ? ['3 TRIM_HORIZON', '4 TRIM_HORIZON'] : []),
          '1 TRIM_HORIZON'
        ])
      }
    }
  )

  scenario(30, 'an open shard’s: told at the first look, made after three, not at LATEST', async () => {
    const fleet = new TestFleet(3)
    const hole = fleet.kinesis.shards[1]!
    const { listings } = fleet.kinesis
    fleet.start('w1', { initialPosition: 'LATEST' })
    await fleet.clock.advance(60_000)
    expect(fleet.eventsOf('leaseHole')).toEqual([])
    expect(fleet.kinesis.listings - listings).toBe(1)
    put(fleet, 'in the hole', hole)
    fleet.table.rows.delete(hole.id)
    await fleet.clock.advance(11_000)
    expect(fleet.eventsOf('leaseHole')).toMatchObject([
      { streamName: 's', startingHashKey: String(hole.start), endingHashKey: String(hole.end) }
    ])
    expect(fleet.table.rows.has(hole.id)).toBe(false)
    await fleet.clock.advance(8_000)
    expect(fleet.table.rows.has(hole.id)).toBe(false)
    await fleet.clock.advance(12_000)
    expect(fleet.table.rows.get(hole.id)?.checkpoint.sequenceNumber).not.toBe('LATEST')
    expect(fleet.eventsOf('leasesCreated').at(-1)).toMatchObject({ leaseKeys: [hole.id] })
    await fleet.clock.advance(5_000)
    expect(fleet.texts()).toContain('in the hole')
    expect(fleet.eventsOf('leaseHole')).toHaveLength(1)
  })

  it('are not made for a hole that goes by, and their range is filled in where an old writer left it out', async () => {
    const kinesis = new FakeKinesis(2)
    const { sync, table, clock, events } = syncOf(kinesis)
    await sync.run([])
    const [first, second] = [...table.rows.values()] as [Lease, Lease]
    for (const seen of [[first, second], [first], [first], [first, second], [first], [first]]) {
      await clock.advance(10_000)
      expect(await sync.run(seen)).toBe(0)
    }
    expect(events.filter(({ type }) => type === 'leaseHole')).toHaveLength(2)
    expect(kinesis.listings).toBe(1)
    table.rows.set(first.leaseKey, { ...first, hashKeyRange: undefined })
    await clock.advance(10_000)
    await sync.run([...table.rows.values()])
    expect(table.rows.get(first.leaseKey)).toEqual(first)
    expect(events.filter(({ type }) => type === 'leaseHole')).toHaveLength(2)
  })
})

describe('a stream that is gone', () => {
  scenario(
    28,
    'ends the worker; and leases of its former life are refused before anything is read, or discarded',
    async () => {
      const fleet = new TestFleet(2)
      fleet.kinesis.store(Buffer.from('old'), fleet.kinesis.shards[0]!)
      const first = fleet.start('w1')
      await fleet.clock.advance(2_000)
      fleet.kinesis.failRead = () => serviceError('ResourceNotFoundException', 400)
      await fleet.clock.advance(10_000)
      expect(first.outcome()).toMatchObject({ failure: 'notFound' })
      const { checkpoint } = fleet.table.rows.get(fleet.kinesis.shards[0]!.id)!
      expect(checkpoint.sequenceNumber).toBe('1')

      const again = new FakeKinesis(2, 1_000n)
      again.store(Buffer.from('new'), again.shards[0]!)
      const refused = fleet.start('w2', { kinesis: { port: again } })
      await fleet.clock.advance(60_000)
      expect(refused.outcome()).toMatchObject({
        code: 'SEALSTREAM_STREAM_MISMATCH',
        streamName: 's',
        leaseKeys: [again.shards[0]!.id],
        message: expect.stringContaining("onStreamRecreated: 'discardLeases'")
      })
      expect([again.reads, again.iteratorTypes]).toEqual([0, []])

      fleet.start('w3', {
        kinesis: { port: again },
        initialPosition: 'LATEST',
        onStreamRecreated: 'discardLeases'
      })
      await fleet.clock.advance(5_000)
      expect(fleet.texts()).toEqual(['old', 'new'])
      expect(again.iteratorTypes).not.toContain('AT_SEQUENCE_NUMBER')
      expect(fleet.eventsOf('leaseDeleted')).toMatchObject([{ reason: 'recreatedStream' }])
    }
  )

  it.each([
    ['a range of its own', (lease: Lease) => ({ ...lease, hashKeyRange: { start: 1n, end: 2n } })],
    [
      'a finished lease of an open shard',
      (lease: Lease) => ({ ...lease, checkpoint: { sequenceNumber: 'SHARD_END', subSequenceNumber: 0 } })
    ]
  ])('is known by %s', async (_, change) => {
    const kinesis = new FakeKinesis(2)
    const { sync, table } = syncOf(kinesis)
    await sync.run([])
    const [first, second] = [...table.rows.values()] as [Lease, Lease]
    const next = syncOf(kinesis)
    await expect(next.sync.run([change(first), second])).rejects.toMatchObject({
      leaseKeys: [first.leaseKey]
    })
  })

  it('is no such thing: a shard beyond the retention, whose lease is dropped and whose child is read', async () => {
    const kinesis = new FakeKinesis(1, 1_000n)
    const { sync, table, events } = syncOf(kinesis)
    table.rows.set(
      'shardId-old',
      aLease('shardId-old', { checkpoint: { sequenceNumber: '7', subSequenceNumber: 0 } })
    )
    expect(await sync.run([...table.rows.values()])).toBe(2)
    expect(rows(table)).toEqual(['0 TRIM_HORIZON'])
    expect(events).toMatchObject([{ type: 'leaseDeleted', reason: 'garbage' }, { type: 'leasesCreated' }])
  })
})

describe('several streams', () => {
  scenario(
    41,
    'with equal shard ids share a table and do not mix; one that is removed keeps its leases unless told',
    async () => {
      const [a, b] = [new FakeKinesis(1), new FakeKinesis(1)]
      Object.assign(a, { name: 'a' })
      Object.assign(b, { name: 'b', createdEpochSeconds: 1_800_000_000 })
      const fleet = new TestFleet()
      const start = (workerId: string, more: object) =>
        fleet.start(workerId, {
          streamName: undefined,
          kinesis: { port: severalStreams(a, b) },
          ...more
        } as object)
      const seen: string[] = []
      const eachBatch = (records: readonly { streamName: string; data: Uint8Array }[]): void => {
        for (const { streamName, data } of records) seen.push(`${streamName}: ${Buffer.from(data)}`)
      }
      a.store(Buffer.from('of a'))
      b.store(Buffer.from('of b'))
      const both = start('w1', {
        streams: [{ streamName: 'a' }, { streamName: 'b', initialPosition: 'LATEST' }],
        eachBatch
      })
      await fleet.clock.advance(2_000)
      const [left] = a.split(a.shards[0]!)
      a.store(Buffer.from('after the split'), left)
      b.store(Buffer.from('later of b'))
      await fleet.clock.advance(5_000)
      expect(seen.sort()).toEqual(['a: after the split', 'a: of a', 'b: later of b'])
      const keysOf = (prefix: string): string[] =>
        [...fleet.table.rows.keys()].filter(key => key.startsWith(prefix))
      const [ofA, ofB] = ['123456789012:a:1700000000:', '123456789012:b:1800000000:']
      expect(keysOf(ofA)).toHaveLength(3)
      expect(keysOf(ofB)).toHaveLength(1)
      expect(fleet.table.rows.size).toBe(4)
      expect(fleet.table.rows.get(`${ofA}${left.id}`)).toMatchObject({
        shardId: left.id,
        streamIdentifier: '123456789012:a:1700000000',
        parentShardIds: [a.shards[0]!.id]
      })
      await Promise.all([both.worker.shutdown(), fleet.clock.advance(1_000)])

      const onlyB = start('w2', { streams: [{ streamName: 'b' }], eachBatch })
      await fleet.clock.advance(200_000)
      expect(onlyB.worker.stats.leasesHeld).toBe(1)
      expect(keysOf(ofA)).toHaveLength(3)
      for (const key of keysOf(ofA)) expect(fleet.table.rows.get(key)!.leaseOwner).toBeUndefined()
      await Promise.all([onlyB.worker.shutdown(), fleet.clock.advance(1_000)])

      start('w3', { streams: [{ streamName: 'b' }], eachBatch, formerStreams: { deleteAfterMs: 150_000 } })
      await fleet.clock.advance(140_000)
      expect(keysOf(ofA)).toHaveLength(3)
      await fleet.clock.advance(200_000)
      expect(keysOf(ofA)).toEqual([])
      expect(keysOf(ofB)).toHaveLength(1)
    }
  )
})

describe('all scenarios', complete)
