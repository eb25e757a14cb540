import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FleetLoad } from '../../../consumer/leases/kcl3/fleet-load.ts'
import type { WorkerRow } from '../../../consumer/leases/kcl3/fleet-rows.ts'
import type { Lease } from '../../../consumer/leases/lease.ts'
import { aLease } from '../../helpers/leases.ts'

const worker = (
  workerId: string,
  metrics: Record<string, readonly number[]> = {},
  limit = 80
): WorkerRow => ({
  workerId,
  updatedSeconds: 0,
  metrics: new Map(Object.entries(metrics)),
  limits: new Map(Object.keys(metrics).map(name => [name, limit]))
})
const held = (owner: string, count: number, throughputKBps?: number): Lease[] =>
  Array.from({ length: count }, (_, index) =>
    aLease(`${owner}-${index}-${throughputKBps}`, { leaseOwner: owner, throughputKBps })
  )
const loadOf = (
  leases: readonly Lease[],
  workers: readonly WorkerRow[],
  more: { readonly available?: readonly Lease[]; readonly maxLeases?: number } = {}
): FleetLoad =>
  new FleetLoad({
    leases: [...leases, ...(more.available ?? [])],
    available: new Set((more.available ?? []).map(({ leaseKey }) => leaseKey)),
    workers,
    maxLeases: more.maxLeases ?? 1_000,
    random: () => 0.5
  })
const all = (): boolean => true

describe('placing leases that nobody works', () => {
  it('gives each to whoever has least, also where nothing was read yet', () => {
    const available = held('gone', 6)
    const load = loadOf([], [worker('a'), worker('b'), worker('c')], { available })
    const placed = available.map(lease => load.place(lease)!)
    expect(['a', 'b', 'c'].map(id => placed.filter(to => to === id).length)).toEqual([2, 2, 2])
  })

  it('weighs what is read of the leases, not how many they are', () => {
    const available = held('gone', 3, 10)
    const load = loadOf([...held('a', 1, 100), ...held('b', 5, 5)], [worker('a'), worker('b')], { available })
    expect(available.map(lease => load.place(lease))).toEqual(['b', 'b', 'b'])
  })

  it('weighs metrics of the workers where they have some', () => {
    const [lease] = held('gone', 1, 10)
    const workers = [worker('busy', { C: [70, 70] }), worker('idle', { C: [10, 10] })]
    const load = loadOf([...held('busy', 1, 10), ...held('idle', 3, 10)], workers, { available: [lease!] })
    expect(load.place(lease!)).toBe('idle')
  })

  it('leaves what nobody has room for', () => {
    const available = held('gone', 3)
    const load = loadOf(held('a', 1), [worker('a'), worker('b')], { available, maxLeases: 2 })
    expect(available.map(lease => load.place(lease))).toEqual(['b', 'a', 'b'])
    expect(load.hasRoom('a')).toBe(false)
    expect(load.place(aLease('one more'))).toBeUndefined()
    expect(loadOf([], [], { available }).place(available[0]!)).toBeUndefined()
  })
})

describe('balancing', () => {
  it('moves part of what a worker has too much, and then rests', () => {
    const workers = [worker('a'), worker('b')]
    let leases = held('a', 4)
    const counts: number[] = []
    for (let run = 0; run < 4; run += 1) {
      const moves = loadOf(leases, workers).balance(all)
      leases = leases.map(lease => ({
        ...lease,
        leaseOwner: moves.find(move => move.lease === lease)?.to ?? lease.leaseOwner
      }))
      counts.push(leases.filter(({ leaseOwner }) => leaseOwner === 'a').length)
    }
    expect(counts).toEqual([3, 2, 2, 2])
  })

  it('leaves a fleet alone that is even within a tenth, or that cannot become more even', () => {
    expect(
      loadOf([...held('a', 10, 10.5), ...held('b', 10, 10)], [worker('a'), worker('b')]).balance(all)
    ).toEqual([])
    expect(
      loadOf(
        [...held('a', 4), ...held('b', 3), ...held('c', 3)],
        ['a', 'b', 'c'].map(id => worker(id))
      ).balance(all)
    ).toEqual([])
    expect(loadOf(held('a', 1), [worker('a'), worker('b')]).balance(all)).toEqual([])
  })

  it('leaves a worker the one lease that is hot, and moves the idle ones away from it', () => {
    const idle = held('a', 3, 0)
    const moves = loadOf(
      [...held('a', 1, 1_000), ...idle, ...held('b', 1, 10)],
      [worker('a'), worker('b')]
    ).balance(all)
    expect(new Set(moves.map(({ lease }) => lease))).toEqual(new Set(idle))
  })

  it('follows the metric that asks for most, within its limit', () => {
    const workers = [worker('a', { C: [60], M: [50] }), worker('b', { C: [20], M: [30] })]
    const moves = loadOf([...held('a', 4, 10), ...held('b', 4, 10)], workers).balance(all)
    expect(moves).toHaveLength(1)
    expect(moves[0]).toMatchObject({ to: 'b' })
    // What b would come to is beyond its limit.
    expect(
      loadOf(
        [...held('a', 4, 10), ...held('b', 4, 10)],
        [workers[0]!, worker('b', { C: [20], M: [30] }, 25)]
      ).balance(all)
    ).toEqual([])
  })

  it('does not move what moves already, and counts it where it goes', () => {
    const moving = aLease('moving', { leaseOwner: 'b', checkpointOwner: 'a' })
    const workers = [worker('a'), worker('b')]
    expect(loadOf([...held('a', 3), moving], workers).balance(lease => lease !== moving)).toHaveLength(1)
    expect(
      loadOf([...held('a', 2), moving, ...held('b', 1)], workers).balance(lease => lease !== moving)
    ).toEqual([])
  })

  it('brings every fleet to rest, with no worker further from the average than by its lightest lease', () => {
    const scenario = fc.record({
      loads: fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 40 }),
      fleets: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }),
      seed: fc.integer({ min: 1 })
    })
    fc.assert(
      fc.property(scenario, ({ loads, fleets, seed }) => {
        let state = seed >>> 0
        const random = (): number => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
          return state / 2 ** 32
        }
        let leases = loads.map((throughputKBps, index) => aLease(`lease-${index}`, { throughputKBps }))
        for (const size of fleets) {
          const workers = Array.from({ length: size }, (_, index) => worker(`w${index}`))
          const ids = new Set(workers.map(({ workerId }) => workerId))
          let moves = 0
          for (let run = 0; run < 200; run += 1) {
            const available = leases.filter(
              ({ leaseOwner }) => leaseOwner === undefined || !ids.has(leaseOwner)
            )
            const load = new FleetLoad({
              leases,
              available: new Set(available.map(({ leaseKey }) => leaseKey)),
              workers,
              maxLeases: 1_000,
              random
            })
            const to = new Map(available.map(lease => [lease.leaseKey, load.place(lease)!]))
            const moved = load.balance(lease => !to.has(lease.leaseKey))
            for (const each of moved) to.set(each.lease.leaseKey, each.to)
            leases = leases.map(lease => ({
              ...lease,
              leaseOwner: to.get(lease.leaseKey) ?? lease.leaseOwner
            }))
            moves = moved.length
          }
          expect(moves).toBe(0)
          const held = workers.map(({ workerId }) =>
            leases.filter(({ leaseOwner }) => leaseOwner === workerId)
          )
          const weights = held.map(own => own.reduce((sum, { throughputKBps }) => sum + throughputKBps!, 0))
          const average = weights.reduce((sum, weight) => sum + weight, 0) / size
          const heaviest = Math.max(...weights)
          const least = Math.min(...weights)
          const lightest = Math.min(
            ...held[weights.indexOf(heaviest)]!.map(({ throughputKBps }) => throughputKBps!)
          )
          // Nobody could take over the lightest lease of the most loaded worker without coming above the average.
          if (heaviest > average * 1.1) expect(least + lightest).toBeGreaterThan(average * 0.98)
        }
      })
    )
  })
})
