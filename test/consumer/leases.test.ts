import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sentinelPosition } from '../../consumer/checkpoint/extended-sequence-number.ts'
import { HeldLease } from '../../consumer/leases/held-lease.ts'
import type { Lease } from '../../consumer/leases/lease.ts'
import { leasesToTake } from '../../consumer/leases/lease-assignment.ts'
import { LeaseCoordinator } from '../../consumer/leases/lease-coordinator.ts'
import { LeaseObserver } from '../../consumer/leases/lease-observer.ts'
import { ShardSync } from '../../consumer/shards/shard-sync.ts'
import type { WorkerEvent } from '../../consumer/types.ts'
import { deferred } from '../../core/concurrency.ts'
import { ServiceError } from '../../core/service-errors.ts'
import { FakeClock, settle } from '../helpers/fake-clock.ts'
import { FakeKinesis, serviceError } from '../helpers/fake-kinesis.ts'
import { MemoryLeaseTable } from '../helpers/memory-lease-table.ts'
import { seeds } from '../helpers/seeds.ts'

const failoverTimeMs = 10_000
const throttled = (): ServiceError =>
  new ServiceError('dynamodb', 'UpdateItem', serviceError('ProvisionedThroughputExceededException', 400))

function lease(leaseKey: string, more: Partial<Lease> = {}): Lease {
  return {
    leaseKey,
    leaseOwner: undefined,
    leaseCounter: 0,
    ownerSwitchesSinceCheckpoint: 0,
    checkpoint: sentinelPosition('TRIM_HORIZON'),
    parentShardIds: [],
    childShardIds: [],
    hashKeyRange: undefined,
    ...more
  }
}

describe('the observer', () => {
  const available = (observer: LeaseObserver, leases: readonly Lease[], nowMs: number): string[] =>
    observer
      .observe(leases, nowMs)
      .filter(({ isAvailable }) => isAvailable)
      .map(({ lease: { leaseKey } }) => leaseKey)

  it('takes a lease for expired only after its counter stood still for the failover time, by our own clock', () => {
    const observer = new LeaseObserver(failoverTimeMs)
    const held = lease('a', { leaseOwner: 'w1', leaseCounter: 7 })
    expect(available(observer, [held], 0)).toEqual([])
    expect(available(observer, [held], 10_000)).toEqual([])
    expect(available(observer, [held], 10_001)).toEqual(['a'])
    expect(available(observer, [{ ...held, leaseCounter: 8 }], 10_002)).toEqual([])
    expect(available(observer, [{ ...held, leaseCounter: 8 }], 20_002)).toEqual([])
    expect(available(observer, [{ ...held, leaseCounter: 8 }], 20_003)).toEqual(['a'])
  })

  it('finds a new lease without an owner very old, and one that was just released not', () => {
    const observer = new LeaseObserver(failoverTimeMs)
    const held = lease('b', { leaseOwner: 'w1', leaseCounter: 1 })
    expect(observer.observe([lease('a'), held], 0)).toMatchObject([
      { isAvailable: true, isVeryOld: true },
      { isAvailable: false, isVeryOld: false }
    ])
    const released = lease('b', { leaseCounter: 2 })
    expect(observer.observe([released], 1)).toMatchObject([{ isAvailable: true, isVeryOld: false }])
    expect(observer.observe([released], 30_002)).toMatchObject([{ isAvailable: true, isVeryOld: true }])
  })

  it('leaves finished leases out', () => {
    const finished = lease('a', { checkpoint: sentinelPosition('SHARD_END') })
    expect(new LeaseObserver(failoverTimeMs).observe([finished], 0)).toEqual([])
  })
})

describe('the assignment', () => {
  const policy = { workerId: 'me', maxLeases: 1_000, maxLeasesToSteal: 1, random: () => 0.5 }
  const held = (owner: string, count: number) =>
    Array.from({ length: count }, (_, index) => ({
      lease: lease(`${owner}-${index}`, { leaseOwner: owner }),
      isAvailable: false,
      isVeryOld: false
    }))
  const free = (count: number, isVeryOld: boolean) =>
    Array.from({ length: count }, (_, index) => ({
      lease: lease(`free-${index}`),
      isAvailable: true,
      isVeryOld
    }))

  it('takes all new leases in one round', () => {
    expect(leasesToTake(free(100, true), policy)).toHaveLength(100)
  })

  it('never goes beyond maxLeases', () => {
    expect(leasesToTake(free(100, true), { ...policy, maxLeases: 7 })).toHaveLength(7)
    expect(leasesToTake([...held('me', 7), ...free(3, false)], { ...policy, maxLeases: 7 })).toEqual([])
    expect(leasesToTake([...held('me', 5), ...free(30, false)], { ...policy, maxLeases: 7 })).toHaveLength(2)
  })

  it('takes of the available ones no more than its share', () => {
    expect(leasesToTake([...held('other', 4), ...free(4, false)], policy)).toHaveLength(4)
    expect(leasesToTake([...held('other', 6), ...free(2, false)], policy)).toHaveLength(2)
    expect(leasesToTake([...held('other', 2), ...held('me', 4), ...free(2, false)], policy)).toEqual([])
  })

  it('steals one of the most loaded worker', () => {
    const stolen = leasesToTake([...held('a', 3), ...held('b', 7)], policy)
    expect(stolen).toHaveLength(1)
    expect(stolen[0]!.leaseOwner).toBe('b')
    expect(leasesToTake([...held('a', 5), ...held('me', 5)], policy)).toEqual([])
    // With one more than a third each, nobody is above the share, and one moves all the same.
    expect(leasesToTake([...held('a', 5), ...held('b', 5)], policy)).toHaveLength(1)
  })

  it('takes one each when there are more workers than leases', () => {
    expect(leasesToTake([...held('a', 1), ...held('b', 1)], policy)).toEqual([])
    expect(leasesToTake([...held('a', 1), ...held('b', 1), ...free(1, false)], policy)).toHaveLength(1)
  })

  it('evens out whatever workers come and go, and then rests', () => {
    const scenario = fc.record({
      leases: fc.integer({ min: 1, max: 30 }),
      fleets: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }),
      seed: fc.integer()
    })
    fc.assert(
      fc.property(scenario, ({ leases, fleets, seed }) => {
        let state = seed >>> 0
        const random = (): number => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
          return state / 2 ** 32
        }
        const owners: (string | undefined)[] = Array.from({ length: leases }, () => undefined)
        const round = (worker: string): number => {
          const seen = owners.map((owner, index) => ({
            lease: lease(String(index), { leaseOwner: owner }),
            isAvailable: owner === undefined,
            isVeryOld: false
          }))
          const taken = leasesToTake(seen, { ...policy, workerId: worker, random })
          for (const { leaseKey } of taken) owners[Number(leaseKey)] = worker
          return taken.length
        }
        for (const size of fleets) {
          const workers = Array.from({ length: size }, (_, index) => `w${index}`)
          for (const [index, owner] of owners.entries()) {
            if (owner !== undefined && !workers.includes(owner)) owners[index] = undefined
          }
          for (let turn = 0; turn < 60; turn += 1) for (const worker of workers) round(worker)
          const counts = workers.map(worker => owners.filter(owner => owner === worker).length)
          const share = Math.ceil(leases / size)
          expect(owners).not.toContain(undefined)
          // The KCL's rules stop as soon as nobody needs more than one.
          expect(Math.max(...counts)).toBeLessThanOrEqual(Math.max(share, 1))
          expect(Math.min(...counts)).toBeGreaterThanOrEqual(
            leases < size ? 0 : share - 2 + (share === 1 ? 1 : 0)
          )
          for (let turn = 0; turn < 10; turn += 1) {
            for (const worker of workers) expect(round(worker), 'no lease moves any more').toBe(0)
          }
        }
      }),
      { numRuns: seeds(200) }
    )
  })
})

function hold(table = new MemoryLeaseTable()) {
  const clock = new FakeClock()
  const taken = lease('a', { leaseOwner: 'me', leaseCounter: 1 })
  table.rows.set('a', taken)
  const lost: string[] = []
  const held = new HeldLease({
    lease: taken,
    table,
    clock,
    failoverTimeMs,
    takenMs: clock.now(),
    onLost: ({ leaseKey }) => lost.push(leaseKey)
  })
  const at = (number: number) => ({
    checkpoint: { sequenceNumber: String(number), subSequenceNumber: 0 }
  })
  return { clock, table, held, lost, at }
}

describe('a held lease', () => {
  it('expires on its own clock before anyone else may take it, and writes nothing from then on', async () => {
    const { clock, table, held, lost, at } = hold()
    await clock.advance(9_999)
    expect(held.signal.aborted).toBe(false)
    await clock.advance(1)
    expect(held.signal.reason).toMatchObject({ code: 'SEALSTREAM_LEASE_LOST', leaseKey: 'a' })
    expect(lost).toEqual(['a'])
    await expect(held.checkpoint(at(1))).rejects.toMatchObject({ code: 'SEALSTREAM_LEASE_LOST' })
    await held.renew()
    expect(table.writes).toBe(0)
    expect(clock.pending).toBe(0)
  })

  it('is lost after a blocked event loop, before any write, also when nobody took it', async () => {
    const { clock, table, held, at } = hold()
    // The timer could not fire: time has passed all the same.
    const realNow = clock.now.bind(clock)
    clock.now = () => realNow() + 10_001
    await expect(held.checkpoint(at(1))).rejects.toMatchObject({ code: 'SEALSTREAM_LEASE_LOST' })
    expect(held.signal.aborted).toBe(true)
    expect(table.writes).toBe(0)
  })

  it('is refused by the condition when another worker took it, and shows that worker’s values', async () => {
    const { table, held, lost, at } = hold()
    table.rows.set('a', lease('a', { leaseOwner: 'other', leaseCounter: 9 }))
    await expect(held.checkpoint(at(5))).rejects.toMatchObject({ code: 'SEALSTREAM_LEASE_LOST' })
    expect(lost).toEqual(['a'])
    expect(table.rows.get('a')).toMatchObject({ leaseOwner: 'other', leaseCounter: 9 })
  })

  it('counts its age from when the write was sent', async () => {
    const { clock, table, held } = hold()
    const { promise, resolve } = deferred<void>()
    const renew = table.renew.bind(table)
    table.renew = async seen => {
      await promise
      return renew(seen)
    }
    const renewing = held.renew()
    await clock.advance(5_000)
    resolve(undefined)
    await renewing
    await clock.advance(4_999)
    expect(held.signal.aborted).toBe(false)
    await clock.advance(1)
    expect(held.signal.aborted).toBe(true)
  })

  it('outlives throttled renewals for half of the failover time, and not for twice', async () => {
    const { clock, table, held, lost } = hold()
    table.fail = () => throttled()
    await clock.advance(5_000)
    await expect(held.renew()).rejects.toMatchObject({ failure: 'throttled' })
    table.fail = undefined
    await held.renew()
    expect(held.signal.aborted).toBe(false)
    table.fail = () => throttled()
    for (let step = 0; step < 6; step += 1) {
      await clock.advance(3_000)
      await held.renew().catch(() => {})
    }
    expect(lost).toEqual(['a'])
  })

  it('moves the counter by exactly one for each of a thousand renewals and checkpoints at once', async () => {
    const { table, held, lost, at } = hold()
    const writes = Array.from({ length: 1_000 }, (_, index) =>
      index % 2 === 0 ? held.renew() : held.checkpoint(at(index))
    )
    await Promise.all(writes)
    expect(table.writes).toBe(1_000)
    expect(table.rows.get('a')).toMatchObject({
      leaseCounter: 1_001,
      leaseOwner: 'me',
      checkpoint: { sequenceNumber: '999' }
    })
    expect(held.lease).toEqual(table.rows.get('a'))
    expect(lost).toEqual([])
  })

  it('is released for others at once: no owner, counter one up, and no more writes', async () => {
    const { clock, table, held, lost, at } = hold()
    await held.release()
    expect(table.rows.get('a')).toMatchObject({ leaseOwner: undefined, leaseCounter: 2 })
    await expect(held.checkpoint(at(1))).rejects.toMatchObject({ code: 'SEALSTREAM_LEASE_LOST' })
    await clock.advance(60_000)
    expect(lost).toEqual([])
    expect(held.signal.aborted).toBe(false)
  })

  it('is lost when a scan shows a newer row of another owner, and not by an older one', () => {
    const { held, lost } = hold()
    held.noteOwner(lease('a', { leaseOwner: 'former', leaseCounter: 0 }), 'me')
    held.noteOwner(lease('a', { leaseOwner: 'me', leaseCounter: 3 }), 'me')
    expect(lost).toEqual([])
    held.noteOwner(lease('a', { leaseOwner: 'other', leaseCounter: 3 }), 'me')
    expect(lost).toEqual(['a'])
  })
})

/** Several coordinators over one table and one clock. */
function fleet(shards = 4) {
  const clock = new FakeClock()
  const table = new MemoryLeaseTable()
  const kinesis = new FakeKinesis(shards)
  const owned = new Map<string, Set<string>>()
  const events: (WorkerEvent & { readonly workerId: string })[] = []
  const add = (workerId: string, maxLeases = 100, own: MemoryLeaseTable = table) => {
    const mine = new Set<string>()
    const held = new Map<string, HeldLease>()
    owned.set(workerId, mine)
    const coordinator: LeaseCoordinator = new LeaseCoordinator({
      table: own,
      shardSync: new ShardSync({
        kinesis,
        streamName: 's',
        table,
        initialPosition: 'TRIM_HORIZON',
        signal: new AbortController().signal
      }),
      workerId,
      failoverTimeMs,
      maxLeases,
      clock,
      random: () => 0.5,
      onEvent: event => {
        events.push({ ...event, workerId })
        if (event.type === 'leaseLost') mine.delete(event.leaseKey)
      },
      mayTake: () => true,
      onTaken: each => {
        mine.add(each.leaseKey)
        held.set(each.leaseKey, each)
      }
    })
    return { coordinator, mine, held }
  }
  const counts = (): number[] => [...owned.values()].map(({ size }) => size)
  return { clock, table, kinesis, add, counts, owned, events }
}

/** The process is gone: its loops stop and nothing is given back. */
async function crash({ coordinator }: { coordinator: LeaseCoordinator }): Promise<void> {
  await coordinator.close()
}

describe('the coordinator', () => {
  it('makes the leases of an empty table, takes them, and keeps them', async () => {
    const { clock, table, add, counts, events } = fleet(10)
    const one = add('w1')
    await one.coordinator.start()
    expect(counts()).toEqual([10])
    await clock.advance(60_000)
    expect(events.filter(({ type }) => type === 'leaseLost')).toEqual([])
    for (const row of table.rows.values()) expect(row).toMatchObject({ leaseOwner: 'w1' })
    await one.coordinator.close()
    expect(clock.pending).toBe(10)
  })

  it('shares ten leases as workers come, and passes on what a dead one held', async () => {
    const { clock, add, counts, owned, table } = fleet(10)
    const one = add('w1')
    await one.coordinator.start()
    const two = add('w2')
    await two.coordinator.start()
    await clock.advance(20_000)
    expect(counts()).toEqual([5, 5])
    const three = add('w3')
    await three.coordinator.start()
    await clock.advance(20_000)
    expect(counts().sort()).toEqual([3, 3, 4])
    await crash(one)
    await crash(two)
    owned.get('w1')!.clear()
    owned.get('w2')!.clear()
    await clock.advance(20_000)
    expect(counts()).toEqual([0, 0, 10])
    const before = table.writes
    await clock.advance(30_000)
    expect(counts()).toEqual([0, 0, 10])
    // Renewals alone: nothing is taken back and forth.
    expect(table.writes - before).toBeLessThanOrEqual(10 * 10)
    await three.coordinator.close()
  })

  it('takes a dead worker’s lease only after the failover time of its own observation, from the checkpoint', async () => {
    const { clock, table, add, events } = fleet(1)
    const one = add('w1')
    await one.coordinator.start()
    await one.held.get('shardId-000000000000')!.checkpoint({
      checkpoint: { sequenceNumber: '42', subSequenceNumber: 7 }
    })
    await crash(one)
    const counter = table.rows.get('shardId-000000000000')!.leaseCounter
    await clock.advance(5_000)
    const two = add('w2')
    await two.coordinator.start()
    await clock.advance(9_900)
    expect(two.mine.size).toBe(0)
    expect(table.rows.get('shardId-000000000000')!.leaseCounter).toBe(counter)
    await clock.advance(2_000)
    expect(two.mine.size).toBe(1)
    expect(table.rows.get('shardId-000000000000')).toMatchObject({
      leaseOwner: 'w2',
      ownerSwitchesSinceCheckpoint: 1,
      checkpoint: { sequenceNumber: '42', subSequenceNumber: 7 }
    })
    expect(events.find(({ type, workerId }) => type === 'leaseTaken' && workerId === 'w2')).toMatchObject({
      previousOwner: 'w1'
    })
    await two.coordinator.close()
  })

  it.each([1_000, 60_000])('resumes at once under the same id, %i ms after a crash', async pauseMs => {
    const { clock, table, add, events } = fleet(3)
    await crash(await started(add('w1')))
    await clock.advance(pauseMs)
    events.length = 0
    const again = await started(add('w1'))
    expect(again.mine.size).toBe(3)
    for (const row of table.rows.values()) {
      expect(row).toMatchObject({ leaseOwner: 'w1', ownerSwitchesSinceCheckpoint: 1 })
    }
    await again.coordinator.close()
  })

  it('does not care when the wall clock jumps', async () => {
    const { clock, add, counts, events } = fleet(4)
    const one = await started(add('w1'))
    const two = await started(add('w2'))
    await clock.advance(20_000)
    expect(counts()).toEqual([2, 2])
    events.length = 0
    clock.jumpWallTime(3_600_000)
    await clock.advance(15_000)
    clock.jumpWallTime(-7_200_000)
    await clock.advance(15_000)
    expect(events).toEqual([])
    await one.coordinator.close()
    await two.coordinator.close()
  })

  it('lets exactly one of two workers win the same lease', async () => {
    const { clock, add, counts, table } = fleet(1)
    const one = add('w1')
    const two = add('w2')
    await Promise.all([one.coordinator.start(), two.coordinator.start()])
    expect(counts().sort()).toEqual([0, 1])
    expect([...table.rows.values()][0]).toMatchObject({ leaseCounter: 1, ownerSwitchesSinceCheckpoint: 1 })
    await clock.advance(30_000)
    expect(counts().sort()).toEqual([0, 1])
    await one.coordinator.close()
    await two.coordinator.close()
  })

  it('keeps to maxLeases and leaves the rest without an owner', async () => {
    const { clock, add, table } = fleet(5)
    const one = await started(add('w1', 2))
    await clock.advance(60_000)
    expect(one.mine.size).toBe(2)
    expect([...table.rows.values()].filter(({ leaseOwner }) => leaseOwner === undefined)).toHaveLength(3)
    await one.coordinator.close()
  })

  it('hands a released lease over within one scan', async () => {
    const { clock, add, table, events } = fleet(1)
    const one = await started(add('w1'))
    const two = await started(add('w2'))
    await one.coordinator.stopTaking()
    await one.coordinator.giveUp(one.held.get('shardId-000000000000')!, { release: true })
    expect([...table.rows.values()][0]!.leaseOwner).toBeUndefined()
    await one.coordinator.close()
    await clock.advance(1_000)
    expect(two.mine.size).toBe(1)
    expect(events.filter(({ type }) => type === 'leaseReleased')).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'leaseLost')).toEqual([])
    await two.coordinator.close()
  })

  it('goes on when a scan fails, says so, and loses no lease to it', async () => {
    const { clock, table, add, events } = fleet(2)
    const one = await started(add('w1'))
    table.fail = operation => (operation === 'list' ? throttled() : undefined)
    await clock.advance(30_000)
    table.fail = undefined
    expect(one.mine.size).toBe(2)
    expect(events.filter(({ type }) => type === 'callFailed').length).toBeGreaterThan(5)
    expect(events.some(({ type }) => type === 'leaseLost')).toBe(false)
    await one.coordinator.close()
  })

  it('loses its leases at renewals that fail for too long, and nobody is a second owner', async () => {
    const { clock, table, add, owned } = fleet(2)
    const isolated = new MemoryLeaseTable()
    isolated.rows = table.rows
    const one = await started(add('w1', 100, isolated))
    const two = await started(add('w2', 100))
    // A lease that is stolen has two owners until its victim's next renewal; here nothing is left to steal.
    await clock.advance(20_000)
    expect([one.mine.size, two.mine.size]).toEqual([1, 1])
    isolated.fail = () => throttled()
    for (let ms = 0; ms < 40_000; ms += 100) {
      await clock.advance(100)
      const both = [...owned.get('w1')!].filter(key => owned.get('w2')!.has(key))
      expect(both).toEqual([])
    }
    expect(one.mine.size).toBe(0)
    expect(two.mine.size).toBe(2)
    isolated.fail = undefined
    await one.coordinator.close()
    await two.coordinator.close()
  })

  it('makes a row again that was deleted by hand', async () => {
    const { clock, table, add, events } = fleet(2)
    const one = await started(add('w1'))
    table.rows.delete('shardId-000000000001')
    await clock.advance(4_000)
    expect(events).toContainEqual({ type: 'leaseLost', leaseKey: 'shardId-000000000001', workerId: 'w1' })
    await clock.advance(121_000)
    expect(one.mine.size).toBe(2)
    expect(table.rows.get('shardId-000000000001')).toMatchObject({
      leaseOwner: 'w1',
      checkpoint: { sequenceNumber: 'TRIM_HORIZON' }
    })
    await one.coordinator.close()
  })
})

async function started<T extends { coordinator: LeaseCoordinator }>(worker: T): Promise<T> {
  await worker.coordinator.start()
  await settle()
  return worker
}
