import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sentinelPosition } from '../../consumer/checkpoint/extended-sequence-number.ts'
import { HeldLease } from '../../consumer/leases/held-lease.ts'
import type { Lease } from '../../consumer/leases/lease.ts'
import { assignLeases } from '../../consumer/leases/lease-assignment.ts'
import { LeaseObserver, type ObservedLease } from '../../consumer/leases/lease-observer.ts'
import { deferred } from '../../core/concurrency.ts'
import { ServiceError } from '../../core/service-errors.ts'
import { FakeClock, settle } from '../helpers/fake-clock.ts'
import { serviceError } from '../helpers/fake-kinesis.ts'
import { aLease } from '../helpers/leases.ts'
import { MemoryLeaseTable } from '../helpers/memory-lease-table.ts'
import { seeds } from '../helpers/seeds.ts'

const failoverTimeMs = 10_000
const throttled = (): ServiceError =>
  new ServiceError('dynamodb', 'UpdateItem', serviceError('ProvisionedThroughputExceededException', 400))

const lease = aLease

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

const leasesToTake = (
  leases: readonly Omit<ObservedLease, 'changedMs'>[],
  policy: Parameters<typeof assignLeases>[1]
): readonly Lease[] => {
  const { take, steal } = assignLeases(leases, policy)
  return [...take, ...steal]
}

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

  it('is lost when the answer to a write comes behind its time and before its timer', async () => {
    const { clock, table, held, lost, at } = hold()
    const { promise, resolve } = deferred<void>()
    const checkpoint = table.checkpoint.bind(table)
    table.checkpoint = async (...given) => {
      const written = await checkpoint(...given)
      await promise
      return written
    }
    const late = held.checkpoint(at(1))
    await settle()
    // The process slept, and wakes up to the answer first.
    clock.block(10_001)
    resolve(undefined)
    await expect(late).rejects.toMatchObject({ code: 'SEALSTREAM_LEASE_LOST' })
    expect(held.signal.aborted).toBe(true)
    expect(lost).toEqual(['a'])
    expect(table.rows.get('a')).toMatchObject({ checkpoint: { sequenceNumber: '1' } })
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
