import { describe, expect, it } from 'vitest'
import { sentinelPosition } from '../../../consumer/checkpoint/extended-sequence-number.ts'
import { LeaseLostError } from '../../../consumer/errors.ts'
import type { Lease } from '../../../consumer/leases/lease.ts'
import { removableLeases } from '../../../consumer/leases/lease-cleaner.ts'
import { deferred } from '../../../core/concurrency.ts'
import { maxHashKey } from '../../../core/hash-key.ts'
import { LeaseFleet, throttled } from '../../helpers/lease-fleet.ts'
import { aLease } from '../../helpers/leases.ts'
import { MemoryLeaseTable } from '../../helpers/memory-lease-table.ts'
import { numberedScenarios } from '../../helpers/numbered-scenarios.ts'
import { TestFleet } from '../../helpers/worker-fleet.ts'

const { scenario, complete } = numberedScenarios('leases', [6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 31])
const shard0 = 'shardId-000000000000'
const at = (sequenceNumber: string, subSequenceNumber = 0) => ({
  checkpoint: { sequenceNumber, subSequenceNumber }
})
const owners = ({ table }: LeaseFleet | TestFleet): (string | undefined)[] =>
  [...table.rows.values()].map(({ leaseOwner }) => leaseOwner)

describe('a worker that fails', () => {
  scenario(
    6,
    'that crashes loses its lease after the failover time of the other’s own observation',
    async () => {
      const fleet = new LeaseFleet(1)
      const one = await fleet.start('w1')
      await one.held.get(shard0)!.checkpoint(at('42', 7))
      await one.crash()
      const counter = fleet.table.rows.get(shard0)!.leaseCounter
      await fleet.clock.advance(5_000)
      const two = await fleet.start('w2')
      await fleet.clock.advance(9_900)
      expect(two.held.size).toBe(0)
      expect(fleet.table.rows.get(shard0)!.leaseCounter).toBe(counter)
      await fleet.clock.advance(2_000)
      expect(two.held.size).toBe(1)
      expect(fleet.table.rows.get(shard0)).toMatchObject({
        leaseOwner: 'w2',
        ownerSwitchesSinceCheckpoint: 1,
        checkpoint: { sequenceNumber: '42', subSequenceNumber: 7 }
      })
      expect(fleet.eventsOf('leaseTaken').at(-1)).toMatchObject({ workerId: 'w2', previousOwner: 'w1' })
    }
  )

  scenario(7, 'that restarts under its id resumes at once, in a tenure of its own', async () => {
    for (const pauseMs of [1_000, 60_000]) {
      const fleet = new LeaseFleet(3)
      const before = await fleet.start('w1')
      const former = before.held.get(shard0)!
      await before.crash()
      await fleet.clock.advance(pauseMs)
      const again = await fleet.start('w1')
      expect(again.held.size).toBe(3)
      expect(again.held.get(shard0)).not.toBe(former)
      for (const row of fleet.table.rows.values()) {
        expect(row).toMatchObject({ leaseOwner: 'w1', leaseCounter: 2, ownerSwitchesSinceCheckpoint: 1 })
      }
      await expect(former.checkpoint(at('1'))).rejects.toMatchObject({ code: 'SEALSTREAM_LEASE_LOST' })
      expect(fleet.table.rows.get(shard0)!.checkpoint.sequenceNumber).toBe('TRIM_HORIZON')
    }
  })

  scenario(8, 'that wakes after another took over writes nothing, and starts no handler call', async () => {
    const fleet = new TestFleet(1)
    const [gate, handling] = [deferred<void>(), deferred<void>()]
    const table = Object.assign(new MemoryLeaseTable(), { rows: fleet.table.rows })
    let isPaused = false
    const zombie = fleet.start('w1', {
      leaseTable: table,
      eachBatch: async records => {
        fleet.record('w1', records)
        handling.resolve()
        await gate.promise
      }
    })
    // What the process does while it stands still: nothing.
    table.gate = () => (isPaused ? gate.promise : undefined)
    fleet.kinesis.store(Buffer.from('a'))
    await fleet.clock.advance(1_500)
    await handling.promise
    isPaused = true
    const writes = table.writes
    fleet.start('w2')
    await fleet.clock.advance(15_000)
    expect(fleet.table.rows.get(shard0)).toMatchObject({
      leaseOwner: 'w2',
      checkpoint: { sequenceNumber: '1' }
    })
    fleet.kinesis.store(Buffer.from('b'))
    isPaused = false
    gate.resolve()
    await fleet.clock.advance(5_000)
    expect(table.writes).toBe(writes)
    expect(fleet.handled.map(({ workerId, text }) => `${workerId} ${text}`)).toEqual(['w1 a', 'w2 a', 'w2 b'])
    expect(fleet.eventsOf('leaseLost')).toMatchObject([{ workerId: 'w1', leaseKey: shard0 }])
    expect(fleet.table.rows.get(shard0)).toMatchObject({
      leaseOwner: 'w2',
      checkpoint: { sequenceNumber: '2' }
    })
    zombie.stop.abort()
  })

  scenario(
    9,
    'that wakes before anybody took its lease gives it up all the same, and says how late it is',
    async () => {
      const fleet = new LeaseFleet(1)
      const one = await fleet.start('w1')
      const former = one.held.get(shard0)!
      const { leaseCounter } = fleet.table.rows.get(shard0)!
      fleet.clock.block(12_000)
      // The answer of a call comes in before any timer: the lease is past its time, and nothing has said so yet.
      expect(() => former.ensureHeld()).toThrow(expect.objectContaining({ code: 'SEALSTREAM_LEASE_LOST' }))
      await fleet.clock.advance(100)
      expect(fleet.table.rows.get(shard0)!.leaseCounter).toBe(leaseCounter)
      expect(fleet.eventsOf('leaseLost')).toHaveLength(1)
      expect(fleet.eventsOf('renewalLate')).toEqual([
        { type: 'renewalLate', workerId: 'w1', lateMs: expect.closeTo(12_000 - 10_000 / 3 + 25, 0) }
      ])
      await fleet.clock.advance(15_000)
      expect(one.held.get(shard0)).toBeDefined()
      expect(one.held.get(shard0)).not.toBe(former)
    }
  )

  scenario(10, 'does not matter to its leases when the wall clock jumps', async () => {
    const fleet = new LeaseFleet(4)
    await fleet.start('w1')
    await fleet.start('w2')
    await fleet.clock.advance(20_000)
    expect(fleet.counts).toEqual([2, 2])
    fleet.events.length = 0
    for (const ms of [3_600_000, -7_200_000]) {
      fleet.clock.jumpWallTime(ms)
      await fleet.clock.advance(15_000)
    }
    expect(fleet.events).toEqual([])
  })

  scenario(
    11,
    'keeps its leases through half a failover time without a write, and loses them after two',
    async () => {
      const fleet = new LeaseFleet(2)
      const one = await fleet.start('w1')
      const two = await fleet.start('w2')
      await fleet.clock.advance(20_000)
      expect(fleet.counts).toEqual([1, 1])
      fleet.events.length = 0
      const fail = (operation: string): Error | undefined =>
        operation === 'renew' || operation === 'take' ? throttled() : undefined
      one.table.fail = fail
      await fleet.clock.advance(5_000)
      one.table.fail = undefined
      await fleet.clock.advance(5_000)
      expect(fleet.eventsOf('leaseLost')).toEqual([])
      expect(fleet.counts).toEqual([1, 1])
      one.table.fail = fail
      for (let ms = 0; ms < 20_000; ms += 100) {
        await fleet.clock.advance(100)
        for (const key of one.held.keys()) expect(two.held.has(key), key).toBe(false)
      }
      expect(fleet.counts).toEqual([0, 2])
      expect(fleet.eventsOf('leaseLost')).toMatchObject([{ workerId: 'w1' }])
    }
  )

  scenario(13, 'no: a thousand renewals and checkpoints at once move the counter by a thousand', async () => {
    const fleet = new LeaseFleet(1)
    const one = await fleet.start('w1')
    const held = one.held.get(shard0)!
    await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        index % 2 === 0 ? held.renew() : held.checkpoint(at(`${index}`))
      )
    )
    expect(one.table.writes).toBe(1_001)
    expect(fleet.table.rows.get(shard0)).toMatchObject({
      leaseCounter: 1_001,
      leaseOwner: 'w1',
      checkpoint: { sequenceNumber: '999' }
    })
    expect(held.lease).toEqual(fleet.table.rows.get(shard0))
    expect(fleet.eventsOf('leaseLost')).toEqual([])
  })
})

describe('workers that share', () => {
  scenario(
    14,
    'two that take the same lease in one scan: one wins, the other counts it as untaken',
    async () => {
      const fleet = new LeaseFleet(1)
      fleet.table.rows.set(shard0, aLease(shard0, { hashKeyRange: { start: 0n, end: maxHashKey } }))
      await Promise.all([fleet.start('w1'), fleet.start('w2')])
      expect([...fleet.counts].sort()).toEqual([0, 1])
      expect(fleet.members.map(({ coordinator }) => coordinator.counts.untaken).sort()).toEqual([0, 1])
      expect(fleet.members.map(({ coordinator }) => coordinator.counts.taken).sort()).toEqual([0, 1])
      expect(fleet.table.rows.get(shard0)).toMatchObject({ leaseCounter: 1, ownerSwitchesSinceCheckpoint: 1 })
      await fleet.clock.advance(30_000)
      expect([...fleet.counts].sort()).toEqual([0, 1])
    }
  )

  scenario(15, 'ten leases: even with one, two, three and one worker, and then nothing moves', async () => {
    const fleet = new LeaseFleet(10)
    const one = await fleet.start('w1')
    expect(fleet.counts).toEqual([10])
    const two = await fleet.start('w2')
    // One look at a fleet that is just starting is no reason to steal.
    expect(two.held.size).toBe(0)
    let before = 0
    for (let second = 0; second < 20; second += 1) {
      await fleet.clock.advance(1_000)
      expect(two.coordinator.counts.stolen - before, 'steals of one scan').toBeLessThanOrEqual(1)
      before = two.coordinator.counts.stolen
    }
    expect(fleet.counts).toEqual([5, 5])
    expect(two.coordinator.counts).toMatchObject({ taken: 5, stolen: 5 })
    await fleet.start('w3')
    await fleet.clock.advance(20_000)
    expect([...fleet.counts].sort()).toEqual([3, 3, 4])
    fleet.events.length = 0
    await fleet.clock.advance(20_000)
    expect(fleet.events).toEqual([])
    await one.crash()
    await two.crash()
    await fleet.clock.advance(20_000)
    expect(fleet.counts).toEqual([0, 0, 10])
  })

  scenario(16, 'a cap below the need is kept, told once, and leaves the rest without an owner', async () => {
    const fleet = new TestFleet(5)
    const { worker } = fleet.start('w1', { maxLeases: 2 })
    await fleet.clock.advance(60_000)
    expect(worker.stats).toMatchObject({ leasesHeld: 2, leases: { spillover: 3 } })
    expect(owners(fleet).filter(owner => owner === undefined)).toHaveLength(3)
    expect(fleet.eventsOf('leaseSpillover')).toEqual([{ type: 'leaseSpillover', workerId: 'w1', leases: 3 }])
    fleet.start('w2')
    await fleet.clock.advance(20_000)
    expect(owners(fleet)).not.toContain(undefined)
    expect(fleet.eventsOf('leaseSpillover').at(-1)).toMatchObject({ leases: 1 })
  })

  scenario(17, 'a hundred new leases are taken by one worker in one round', async () => {
    const fleet = new LeaseFleet(100)
    const one = await fleet.start('w1')
    expect(one.held.size).toBe(100)
    expect(one.coordinator.counts).toMatchObject({ taken: 100, stolen: 0, untaken: 0 })
  })

  scenario(
    18,
    'one that is shut down leaves no owner, and another goes on within a scan, with nothing twice',
    async () => {
      const fleet = new TestFleet(4)
      const one = fleet.start('w1')
      await fleet.clock.advance(1_500)
      for (const shard of fleet.kinesis.shards) fleet.kinesis.store(Buffer.from(`of ${shard.id}`), shard)
      await fleet.clock.advance(2_000)
      const counters = [...fleet.table.rows.values()].map(({ leaseCounter }) => leaseCounter)
      one.stop.abort()
      await fleet.clock.advance(10)
      expect(one.outcome()).toBe('stopped')
      expect([...fleet.table.rows.values()]).toMatchObject(
        counters.map(counter => ({ leaseOwner: undefined, leaseCounter: counter + 1 }))
      )
      expect(fleet.eventsOf('leaseReleased')).toHaveLength(4)
      expect(fleet.eventsOf('leaseLost')).toEqual([])
      const two = fleet.start('w2')
      await fleet.clock.advance(1_000)
      expect(two.worker.stats.leasesHeld).toBe(4)
      await fleet.clock.advance(5_000)
      expect(fleet.handled.every(({ workerId }) => workerId === 'w1')).toBe(true)
      expect(fleet.handled).toHaveLength(4)
    }
  )

  it('hands what one releases to another that runs already, at its next scan', async () => {
    const fleet = new LeaseFleet(6)
    const one = await fleet.start('w1')
    const two = await fleet.start('w2')
    await fleet.clock.advance(20_000)
    expect(fleet.counts).toEqual([3, 3])
    await one.coordinator.stopTaking()
    for (const held of [...one.held.values()]) await one.coordinator.giveUp(held, { release: true })
    await fleet.clock.advance(1_000)
    expect(two.held.size).toBe(6)
  })
})

describe('cleaning up', () => {
  const end = { checkpoint: sentinelPosition('SHARD_END') }
  const parent = (more: Partial<Lease> = {}): Lease => aLease('p', { ...end, childShardIds: ['c'], ...more })
  const child = (sequenceNumber: string): Lease =>
    aLease('c', { ...at(sequenceNumber), parentShardIds: ['p'] })
  const keys = (...leases: Lease[]): string[] => removableLeases(leases).map(({ leaseKey }) => leaseKey)

  scenario(
    31,
    'a finished lease goes when its children have begun and its own parents are gone',
    async () => {
      expect(keys(parent(), child('TRIM_HORIZON'))).toEqual([])
      expect(keys(parent(), child('AT_TIMESTAMP'))).toEqual([])
      expect(keys(parent(), child('5'))).toEqual(['p'])
      expect(keys(parent(), child('LATEST'))).toEqual(['p'])
      expect(keys(parent())).toEqual([])
      expect(keys(parent({ childShardIds: [] }), child('5'))).toEqual([])
      expect(keys(parent({ checkpoint: at('4').checkpoint }), child('5'))).toEqual([])
      const grandparent = aLease('g', { ...end, childShardIds: ['p'] })
      expect(keys(parent({ parentShardIds: ['g'] }), child('5'), grandparent)).toEqual(['g'])
      expect(keys(parent({ parentShardIds: ['g'] }), child('5'))).toEqual(['p'])

      // And by a worker, through two reshards.
      const fleet = new TestFleet(1)
      fleet.start('w1')
      await fleet.clock.advance(2_000)
      const [left] = fleet.kinesis.split(fleet.kinesis.shards[0]!)
      await fleet.clock.advance(5_000)
      fleet.kinesis.split(left)
      await fleet.clock.advance(10_000)
      expect(fleet.table.rows.size).toBe(5)
      for (const shard of fleet.kinesis.shards.filter(({ isOpen }) => isOpen))
        fleet.kinesis.store(Buffer.from('x'), shard)
      await fleet.clock.advance(400_000)
      expect([...fleet.table.rows.keys()]).toEqual(
        fleet.kinesis.shards.filter(({ isOpen }) => isOpen).map(({ id }) => id)
      )
      expect(fleet.eventsOf('leaseDeleted')).toMatchObject([
        { leaseKey: shard0, reason: 'finished' },
        { leaseKey: left.id, reason: 'finished' }
      ])
      // Nothing that was cleaned up is read again.
      expect(fleet.handled).toHaveLength(3)
      expect(fleet.eventsOf('leaseHole')).toEqual([])
    }
  )

  it('keeps finished leases when it is told to', async () => {
    const fleet = new TestFleet(1)
    fleet.start('w1', { cleanupLeases: false })
    await fleet.clock.advance(2_000)
    for (const shard of fleet.kinesis.split(fleet.kinesis.shards[0]!))
      fleet.kinesis.store(Buffer.from('x'), shard)
    await fleet.clock.advance(400_000)
    expect(fleet.table.rows.size).toBe(3)
  })

  it('names the children of an old writer’s row, and drops the row of a shard beyond the retention', async () => {
    const fleet = new TestFleet(1)
    const row = fleet.kinesis.shards[0]!
    const [left] = fleet.kinesis.split(row)
    for (const shard of fleet.kinesis.shards.slice(1)) fleet.kinesis.store(Buffer.from('x'), shard)
    fleet.table.rows.set(row.id, aLease(row.id, end))
    fleet.table.rows.set('shardId-old', aLease('shardId-old', end))
    fleet.start('w1')
    await fleet.clock.advance(300_000)
    expect([...fleet.table.rows.keys()].sort()).toEqual([left.id, fleet.kinesis.shards[2]!.id])
    expect(fleet.eventsOf('leaseDeleted').map(event => 'reason' in event && event.reason)).toEqual(
      expect.arrayContaining(['garbage', 'finished'])
    )
    expect(fleet.texts()).toEqual(['x', 'x'])
  })
})

describe('the coordinator', () => {
  it('writes no more than the KCL: a renewal for each lease and third of the failover time', async () => {
    const fleet = new LeaseFleet(10)
    await fleet.start('w1')
    await fleet.start('w2')
    await fleet.clock.advance(30_000)
    const [writes, scans] = [
      fleet.writes,
      fleet.members.reduce((sum, { table }) => sum + table.usage.scans, 0)
    ]
    await fleet.clock.advance(600_000)
    const kclRenewals = 10 * Math.ceil(600_000 / (10_000 / 3 - 25))
    expect(fleet.writes - writes).toBeLessThanOrEqual(kclRenewals)
    expect(fleet.writes - writes).toBeGreaterThan(0.9 * kclRenewals)
    // A scan a second for each worker.
    expect(fleet.members.reduce((sum, { table }) => sum + table.usage.scans, 0) - scans).toBeLessThanOrEqual(
      1_200
    )
    // No listing of shards while nothing is missing.
    expect(fleet.kinesis.listings).toBe(2)
  })

  it('scans a table of a hundred leases at half the failover time', async () => {
    const fleet = new LeaseFleet(100)
    const one = await fleet.start('w1')
    const { scans } = one.table.usage
    await fleet.clock.advance(50_000)
    expect(one.table.usage.scans - scans).toBe(10)
  })

  it('renews every other lease while the renewal of one hangs', async () => {
    const fleet = new LeaseFleet(3)
    const one = await fleet.start('w1')
    const renew = one.table.renew.bind(one.table)
    const hanging = deferred<undefined>()
    one.table.renew = lease => (lease.leaseKey === shard0 ? hanging.promise : renew(lease))
    await fleet.clock.advance(30_000)
    expect(new Set(fleet.eventsOf('leaseLost').map(event => 'leaseKey' in event && event.leaseKey))).toEqual(
      new Set([shard0])
    )
    hanging.resolve(undefined)
  })

  it('goes on when a scan fails, says so, and loses no lease to it', async () => {
    const fleet = new LeaseFleet(2)
    const one = await fleet.start('w1')
    one.table.fail = operation => (operation === 'list' ? throttled() : undefined)
    await fleet.clock.advance(30_000)
    expect(one.held.size).toBe(2)
    expect(fleet.eventsOf('callFailed').length).toBeGreaterThan(5)
    expect(fleet.eventsOf('leaseLost')).toEqual([])
  })

  it('resumes at the next scan a lease whose take was carried out without an answer', async () => {
    const fleet = new LeaseFleet(1)
    const table = Object.assign(new MemoryLeaseTable(), { rows: fleet.table.rows })
    let isLost = true
    table.loseAnswer = operation => {
      if (operation !== 'take' || !isLost) return undefined
      isLost = false
      return throttled()
    }
    await fleet.start('w0').then(({ crash }) => crash())
    await fleet.start('w1', { table })
    await fleet.clock.advance(11_000)
    expect(fleet.table.rows.get(shard0)!.leaseOwner).toBe('w1')
    await fleet.clock.advance(1_000)
    expect(fleet.counts.at(-1)).toBe(1)
    expect(isLost).toBe(false)
  })

  it('ends the older of two workers that live under one id, and not one whose own writes came late', async () => {
    const fleet = new LeaseFleet(2)
    const older = await fleet.start('twin')
    const newer = await fleet.start('twin')
    await fleet.clock.advance(5_000)
    expect(older.fatal[0]).toMatchObject({
      code: 'SEALSTREAM_DUPLICATE_WORKER',
      workerId: 'twin',
      leaseKey: expect.stringMatching(/^shardId/)
    })
    expect(fleet.eventsOf('duplicateWorker').length).toBeGreaterThan(0)
    await older.crash()
    await fleet.clock.advance(30_000)
    expect(newer.fatal).toEqual([])
    expect(newer.held.size).toBe(2)
  })

  it('takes no tenure of its own for a twin, however often it slept through one', async () => {
    const fleet = new LeaseFleet(1)
    const { fatal, held } = await fleet.start('slow')
    for (let tenure = 1; tenure <= 4; tenure += 1) {
      for (let step = 0; held.size === 0 && step < 1_000; step += 1) await fleet.clock.advance(50)
      expect(held.size).toBe(1)
      // Past its time before the next scan, and the reader of the shard is the first who notices.
      fleet.clock.block(11_000)
      expect(() => held.get(shard0)?.ensureHeld()).toThrow(LeaseLostError)
      await fleet.clock.advance(0)
      expect(fleet.eventsOf('leaseLost')).toHaveLength(tenure)
    }
    expect(fatal).toEqual([])
  })

  it('finds a twin also after it slept past its time and lost everything', async () => {
    const fleet = new LeaseFleet(1)
    const older = await fleet.start('twin')
    older.table.fail = () => throttled()
    await fleet.clock.advance(12_000)
    expect(older.held.size).toBe(0)
    await fleet.start('twin')
    older.table.fail = undefined
    await fleet.clock.advance(9_000)
    expect(older.fatal[0]).toMatchObject({ code: 'SEALSTREAM_DUPLICATE_WORKER', leaseKey: shard0 })
  })
})

describe('all scenarios', complete)
