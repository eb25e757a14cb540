import { describe, expect, it } from 'vitest'
import { deferred } from '../../../core/concurrency.ts'
import { Kcl3Fleet } from '../../helpers/kcl3-fleet.ts'
import { throttled } from '../../helpers/lease-fleet.ts'
import { aLease } from '../../helpers/leases.ts'
import { numberedScenarios } from '../../helpers/numbered-scenarios.ts'

const { scenario, complete } = numberedScenarios('kcl3', [19, 20, 21])
const shard0 = 'shardId-000000000000'

/** What a leader, of whatever kind, writes to begin a handoff: the counter stays. */
function startHandoff(fleet: Kcl3Fleet, shardId: string, to: string): void {
  const row = fleet.table.rows.get(shardId)!
  fleet.table.rows.set(shardId, { ...row, leaseOwner: to, checkpointOwner: row.leaseOwner })
}

/** Puts a record for each second that passes. */
async function live(fleet: Kcl3Fleet, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    for (const shard of fleet.kinesis.shards) {
      if (shard.isOpen) fleet.kinesis.store(Buffer.from(`${shard.id} at ${fleet.clock.now()}`), shard)
    }
    await fleet.clock.advance(1_000)
  }
}

/** Puts no lease anywhere by itself: another leader has the lock, and keeps it. */
function underForeignLeader(fleet: Kcl3Fleet): void {
  fleet.rows.clientVersion = 'CLIENT_VERSION_3X'
  const beat = (): void => {
    fleet.rows.lock = {
      ownerName: 'java',
      leaseDurationMs: 120_000,
      recordVersionNumber: `beat ${fleet.clock.now()}`,
      isReleased: false
    }
    fleet.clock.schedule(beat, 30_000)
  }
  beat()
}

describe('a handoff', () => {
  scenario(19, 'goes through, is late, or ends with either worker', async () => {
    // Success: the processor may checkpoint what it has in hand, and nothing is read twice.
    const orderly = new Kcl3Fleet(1)
    underForeignLeader(orderly)
    const calls: string[] = []
    const processorOf = (workerId: string) => () => ({
      initialize: ({ checkpoint }: { checkpoint: { sequenceNumber: string } }) => {
        calls.push(
          `${workerId} begins at ${checkpoint.sequenceNumber === 'TRIM_HORIZON' ? 'the beginning' : 'a checkpoint'}`
        )
      },
      processRecords: ({ records }: { records: readonly never[] }) => orderly.record(workerId, records),
      shutdownRequested: async ({ checkpointer }: { checkpointer: { checkpoint(): Promise<void> } }) => {
        calls.push(`${workerId} is asked to stop`)
        await checkpointer.checkpoint()
      },
      leaseLost: () => void calls.push(`${workerId} has lost it`)
    })
    orderly.join('a', { processor: processorOf('a') as never })
    await orderly.clock.advance(2_000)
    orderly.table.rows.set(shard0, { ...orderly.table.rows.get(shard0)!, leaseOwner: 'a', leaseCounter: 1 })
    await live(orderly, 5)
    orderly.join('b', { processor: processorOf('b') as never })
    await live(orderly, 3)
    const counter = orderly.table.rows.get(shard0)!.leaseCounter
    startHandoff(orderly, shard0, 'b')
    expect(orderly.table.rows.get(shard0)!.leaseCounter).toBe(counter)
    await live(orderly, 8)
    expect(orderly.ownersOf(shard0)).toEqual(['b', undefined])
    expect(orderly.table.rows.get(shard0)).toMatchObject({ ownerSwitchesSinceCheckpoint: 1 })
    expect(calls).toEqual(['a begins at the beginning', 'a is asked to stop', 'b begins at a checkpoint'])
    const texts = orderly.texts(shard0)
    expect(texts).toHaveLength(new Set(texts).size)
    expect(texts).toHaveLength(16)
    expect(orderly.eventsOf('leaseHandoffRequested')).toMatchObject([{ workerId: 'a', to: 'b' }])
    expect(orderly.eventsOf('leaseHandedOver')).toMatchObject([{ workerId: 'a', to: 'b', isInTime: true }])

    // A processor that does not end: after 30 s the lease goes, and its late checkpoint does nothing.
    const slow = new Kcl3Fleet(1)
    underForeignLeader(slow)
    const gate = deferred<void>()
    let signalled = false
    slow.join('a', {
      shutdownTimeoutMs: 100_000,
      eachBatch: async (records, { signal }) => {
        slow.record('a', records)
        signal.addEventListener('abort', () => {
          signalled = true
        })
        await gate.promise
      }
    })
    await slow.clock.advance(2_000)
    slow.table.rows.set(shard0, { ...slow.table.rows.get(shard0)!, leaseOwner: 'a', leaseCounter: 1 })
    await live(slow, 3)
    slow.join('b')
    startHandoff(slow, shard0, 'b')
    await live(slow, 29)
    expect(slow.ownersOf(shard0)).toEqual(['b', 'a'])
    expect(signalled).toBe(false)
    await live(slow, 6)
    expect(slow.ownersOf(shard0)).toEqual(['b', undefined])
    expect(signalled).toBe(true)
    const before = slow.checkpointOf(shard0)
    gate.resolve()
    await slow.clock.advance(100)
    expect(slow.checkpointOf(shard0)).toBe(before)
    await live(slow, 5)
    expect(new Set(slow.texts(shard0)).size).toBe(43)
    expect(slow.eventsOf('leaseHandedOver')).toMatchObject([{ workerId: 'a', isInTime: false }])

    // The owner dies in the middle of it; and, the other time, the worker that waits does.
    for (const dying of ['a', 'b'] as const) {
      const fleet = new Kcl3Fleet(1)
      const leader = fleet.join('leader', { maxLeases: 1_000 })
      await fleet.clock.advance(3_000)
      expect(leader.worker.stats.fleet).toEqual({ isLeader: true, rules: 'kcl3' })
      const members = { a: fleet.join('a'), b: fleet.join('b') }
      await fleet.clock.advance(2_000)
      fleet.table.rows.set(shard0, { ...fleet.table.rows.get(shard0)!, leaseOwner: 'a', leaseCounter: 100 })
      await live(fleet, 4)
      startHandoff(fleet, shard0, 'b')
      if (dying === 'b') members.b.die()
      else members.a.die()
      await live(fleet, 30)
      const [owner, working] = fleet.ownersOf(shard0)
      expect(['a', 'b', 'leader']).toContain(owner)
      expect(owner).not.toBe(dying)
      expect(working).toBeUndefined()
      await live(fleet, 5)
      expect(new Set(fleet.texts(shard0)).size).toBe(39)
    }
  })

  scenario(20, 'that another leader begins is noticed at the renewal, and renewed through', async () => {
    const fleet = new Kcl3Fleet(1)
    underForeignLeader(fleet)
    const gate = deferred<void>()
    const worker = fleet.join('ours', {
      eachBatch: async records => {
        fleet.record('ours', records)
        await gate.promise
      }
    })
    await fleet.clock.advance(2_000)
    fleet.table.rows.set(shard0, { ...fleet.table.rows.get(shard0)!, leaseOwner: 'ours', leaseCounter: 1 })
    await live(fleet, 4)
    // Only the renewal can tell: scans fail.
    worker.table.fail = operation => (operation === 'list' ? new Error('no scan') : undefined)
    startHandoff(fleet, shard0, 'java')
    const { leaseCounter } = fleet.table.rows.get(shard0)!
    await live(fleet, 12)
    expect(fleet.ownersOf(shard0)).toEqual(['java', 'ours'])
    expect(fleet.table.rows.get(shard0)!.leaseCounter).toBeGreaterThanOrEqual(leaseCounter + 3)
    expect(fleet.eventsOf('leaseHandoffRequested')).toHaveLength(1)
    expect(fleet.eventsOf('leaseLost')).toEqual([])
    gate.resolve()
    await fleet.clock.advance(1_000)
    expect(fleet.ownersOf(shard0)).toEqual(['java', undefined])
    expect(fleet.checkpointOf(shard0)).not.toBe('TRIM_HORIZON/0')
    expect(worker.worker.stats.leases).toMatchObject({ handedOver: 1, lost: 0 })
  })
})

describe('a fleet', () => {
  scenario(21, 'reads on when its leader dies, and has a new one after the lock has run out', async () => {
    const fleet = new Kcl3Fleet(6)
    const leader = fleet.join('w1')
    await fleet.clock.advance(2_000)
    const others = [fleet.join('w2'), fleet.join('w3')]
    await live(fleet, 120)
    expect(fleet.owned).toEqual({ w1: 2, w2: 2, w3: 2 })
    const isLeading = () => others.some(({ worker }) => worker.stats.fleet?.isLeader)
    expect(leader.worker.stats.fleet?.isLeader).toBe(true)
    leader.die()
    const deadMs = fleet.clock.now()
    const orphans = [...fleet.table.rows.values()].filter(({ leaseOwner }) => leaseOwner === 'w1')
    let ledMs: number | undefined
    let assignedMs: number | undefined
    while (assignedMs === undefined && fleet.clock.now() - deadMs < 120_000) {
      await live(fleet, 1)
      if (isLeading()) ledMs ??= fleet.clock.now()
      if (fleet.owned.w1 === undefined) assignedMs = fleet.clock.now()
      else expect(isLeading()).toBe(false)
    }
    // The lock lasts three failover times from its last heartbeat, which is at most one failover time old.
    expect(ledMs! - deadMs).toBeGreaterThan(19_000)
    expect(ledMs! - deadMs).toBeLessThanOrEqual(32_000)
    // Its successor has watched the leases all the while.
    expect(assignedMs! - ledMs!).toBeLessThanOrEqual(1_000)
    console.log(
      `a new leader ${(ledMs! - deadMs) / 1_000} s after the old one died, its leases assigned with that`
    )
    // The other shards were read all the while.
    for (const { id } of fleet.kinesis.shards.filter(shard =>
      orphans.every(({ shardId }) => shardId !== shard.id)
    )) {
      const late = fleet.handled.filter(
        ({ shardId, text }) => shardId === id && Number(text.split(' at ')[1]) >= deadMs
      )
      expect(late.length).toBeGreaterThan(15)
    }
    await live(fleet, 60)
    expect(fleet.owned).toEqual({ w2: 3, w3: 3 })
    for (const { id } of fleet.kinesis.shards)
      expect(new Set(fleet.texts(id)).size).toBeGreaterThanOrEqual(180)
  })

  it('spreads the leases over workers that join, without taking any from a worker that is not done', async () => {
    const fleet = new Kcl3Fleet(8)
    fleet.join('w1')
    await live(fleet, 10)
    expect(fleet.owned).toEqual({ w1: 8 })
    fleet.join('w2')
    await live(fleet, 90)
    expect(fleet.owned).toEqual({ w1: 4, w2: 4 })
    expect(fleet.eventsOf('leaseLost')).toEqual([])
    expect(fleet.eventsOf('leaseHandedOver')).toHaveLength(4)
    const texts = fleet.texts()
    expect(texts).toHaveLength(new Set(texts).size)
    // Balanced is balanced.
    const assigned = fleet.eventsOf('leaseAssigned').length
    await live(fleet, 300)
    expect(fleet.eventsOf('leaseAssigned')).toHaveLength(assigned)
  })

  it('hands the leases and the lock of a worker that stops over at once, and forgets it', async () => {
    const fleet = new Kcl3Fleet(4)
    const one = fleet.join('w1')
    await live(fleet, 5)
    const two = fleet.join('w2')
    await live(fleet, 5)
    one.stop.abort()
    await live(fleet, 4)
    expect(one.outcome()).toBe('stopped')
    expect(fleet.owned).toEqual({ w2: 4 })
    expect([...fleet.rows.workers.keys()]).toEqual(['w2'])
    expect(two.worker.stats.fleet?.isLeader).toBe(true)
    two.stop.abort()
    await live(fleet, 3)
    expect(fleet.owned).toEqual({ nobody: 4 })
    expect(fleet.rows).toMatchObject({ lock: undefined, clientVersion: 'CLIENT_VERSION_3X' })
    expect(fleet.rows.workers.size).toBe(0)
  })

  it('assigns nothing to a worker that looks dead, although its row is still young', async () => {
    const fleet = new Kcl3Fleet(4)
    fleet.join('w1')
    await live(fleet, 2)
    const two = fleet.join('w2')
    await live(fleet, 60)
    expect(fleet.owned).toEqual({ w1: 2, w2: 2 })
    two.die()
    await live(fleet, 15)
    expect(fleet.owned).toEqual({ w1: 4 })
    expect(fleet.eventsOf('leaseAssigned').slice(-2)).toMatchObject([{ to: 'w1' }, { to: 'w1' }])
  })

  it('keeps within the leader’s maxLeases, and tells what is left over', async () => {
    const fleet = new Kcl3Fleet(5)
    fleet.join('w1', { maxLeases: 2 })
    await live(fleet, 3)
    expect(fleet.owned).toEqual({ w1: 2, nobody: 3 })
    expect(fleet.eventsOf('leaseSpillover').at(-1)).toMatchObject({ leases: 3 })
    fleet.join('w2', { maxLeases: 2 })
    await live(fleet, 3)
    expect(fleet.owned).toEqual({ w1: 2, w2: 2, nobody: 1 })
  })

  it('refuses to begin where workers take leases for themselves, and begins where those are gone', async () => {
    const fleet = new Kcl3Fleet(2)
    const older = fleet.start('older')
    await live(fleet, 5)
    const refused = fleet.join('newer')
    await live(fleet, 15)
    expect(refused.outcome()).toMatchObject({ code: 'SEALSTREAM_LEASE_TABLE_REFUSED', owners: ['older'] })
    expect(fleet.rows).toEqual({ lock: undefined, clientVersion: undefined, workers: new Map() })
    older.stop.abort()
    await live(fleet, 3)
    fleet.join('newer')
    await live(fleet, 3)
    expect(fleet.owned).toEqual({ newer: 2 })
  })

  it('begins although its row cannot be written yet, and is assigned leases once it can', async () => {
    const fleet = new Kcl3Fleet(2)
    underForeignLeader(fleet)
    const worker = fleet.join('w1')
    worker.table.fail = operation => (operation === 'publish' ? throttled() : undefined)
    await live(fleet, 3)
    expect(worker.outcome()).toBeUndefined()
    expect(fleet.eventsOf('callFailed').length).toBeGreaterThan(0)
    expect(fleet.rows.workers.size).toBe(0)
    worker.table.fail = undefined
    await live(fleet, 2)
    expect([...fleet.rows.workers.keys()]).toEqual(['w1'])
  })

  it('does not wait for ever for an owner that renews and does not let go', async () => {
    const fleet = new Kcl3Fleet(2)
    fleet.join('w1')
    await live(fleet, 3)
    const stuck = 'shardId-000000000001'
    const renew = (): void => {
      const row = fleet.table.rows.get(stuck)!
      if (row.leaseOwner === 'w1' && row.checkpointOwner === undefined) return
      fleet.table.rows.set(stuck, { ...row, leaseCounter: row.leaseCounter + 1 })
      fleet.clock.schedule(renew, 3_000)
    }
    const row = fleet.table.rows.get(stuck)!
    fleet.table.rows.set(stuck, { ...row, leaseOwner: 'w1', checkpointOwner: 'java', leaseCounter: 50 })
    renew()
    await live(fleet, 38)
    expect(fleet.ownersOf(stuck)).toEqual(['w1', 'java'])
    await live(fleet, 4)
    expect(fleet.ownersOf(stuck)).toEqual(['w1', undefined])
  })

  it('takes over from workers that died, when their leases have run out', async () => {
    const fleet = new Kcl3Fleet(2)
    fleet.table.rows.set(
      shard0,
      aLease(shard0, { leaseOwner: 'dead', leaseCounter: 7, hashKeyRange: fleet.kinesis.shards[0] as never })
    )
    fleet.join('newer')
    await live(fleet, 25)
    expect(fleet.ownersOf(shard0)).toEqual(['newer', undefined])
  })

  it('tells of a worker that holds leases and has no row, once', async () => {
    const fleet = new Kcl3Fleet(3)
    fleet.join('w1')
    await live(fleet, 5)
    fleet.start('older')
    await live(fleet, 40)
    expect(fleet.eventsOf('kcl2WorkerSeen')).toMatchObject([{ workerId: 'w1' }])
    expect(fleet.eventsOf('kcl2WorkerSeen')[0]).toMatchObject({ type: 'kcl2WorkerSeen' })
  })
})

describe('a migration from KCL 2', () => {
  it('is followed: leases are taken by each worker until the fleet is at 3, and again after it went back', async () => {
    const fleet = new Kcl3Fleet(4)
    fleet.rows.clientVersion = 'CLIENT_VERSION_UPGRADE_FROM_2X'
    const one = fleet.join('w1')
    await live(fleet, 5)
    fleet.join('w2')
    await live(fleet, 60)
    expect(fleet.owned).toEqual({ w1: 2, w2: 2 })
    // Its leader has to see that everybody publishes.
    expect([...fleet.rows.workers.keys()]).toEqual(['w1', 'w2'])
    expect(fleet.rows.lock).toBeUndefined()
    expect(fleet.eventsOf('leaseAssigned')).toEqual([])
    expect(one.worker.stats.fleet).toEqual({ isLeader: false, rules: 'kcl2' })

    const stolen = fleet.eventsOf('leaseLost').length
    fleet.rows.clientVersion = 'CLIENT_VERSION_3X_WITH_ROLLBACK'
    await live(fleet, 5)
    expect(fleet.rows.lock).toBeDefined()
    const three = fleet.join('w3')
    await live(fleet, 90)
    expect(Math.max(...Object.values(fleet.owned))).toBe(2)
    expect(Object.keys(fleet.owned)).toHaveLength(3)
    expect(fleet.eventsOf('leaseLost')).toHaveLength(stolen)

    fleet.rows.clientVersion = 'CLIENT_VERSION_2X'
    await live(fleet, 5)
    expect(fleet.rows.lock).toBeUndefined()
    const rows = new Map(fleet.rows.workers)
    three.die()
    await live(fleet, 60)
    expect(fleet.owned).toEqual({ w1: 2, w2: 2 })
    // Nothing that KCL 2 could not read is written.
    expect(fleet.rows.workers).toEqual(rows)
    expect(fleet.eventsOf('leaseRulesChanged').map(event => 'rules' in event && event.rules)).toEqual([
      'kcl3',
      'kcl3',
      'kcl2',
      'kcl2',
      'kcl2'
    ])
    const texts = fleet.texts()
    for (const { id } of fleet.kinesis.shards) expect(new Set(fleet.texts(id)).size).toBeGreaterThan(200)
    expect(texts.length).toBeGreaterThan(800)
  })

  it('to something that is not known here is left alone', async () => {
    const fleet = new Kcl3Fleet(1)
    fleet.rows.clientVersion = 'CLIENT_VERSION_9X'
    const worker = fleet.join('w1')
    await live(fleet, 2)
    expect(worker.outcome()).toMatchObject({ code: 'SEALSTREAM_LEASE_TABLE_REFUSED' })
    expect(fleet.table.rows.size).toBe(0)
  })
})

describe('two workers under one id', () => {
  it('are told apart by the row: the older one ends', async () => {
    const fleet = new Kcl3Fleet(2)
    const first = fleet.join('same')
    await live(fleet, 7)
    const second = fleet.join('same')
    await live(fleet, 40)
    expect(first.outcome()).toMatchObject({ code: 'SEALSTREAM_DUPLICATE_WORKER', workerId: 'same' })
    expect(second.outcome()).toBeUndefined()
    expect(fleet.eventsOf('duplicateWorker')).toHaveLength(1)
  })
})

describe('the numbered scenarios', () => complete())
