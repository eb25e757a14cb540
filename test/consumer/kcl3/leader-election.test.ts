import { describe, expect, it } from 'vitest'
import type { LeaderLock } from '../../../consumer/leases/kcl3/fleet-rows.ts'
import { LeaderElection } from '../../../consumer/leases/kcl3/leader-election.ts'
import { ServiceError } from '../../../core/service-errors.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { serviceError } from '../../helpers/fake-kinesis.ts'
import { MemoryFleetTable, newFleetRows } from '../../helpers/memory-fleet-table.ts'
import { MemoryLeaseTable } from '../../helpers/memory-lease-table.ts'

const timedOut = (): ServiceError => new ServiceError('dynamodb', 'UpdateItem', serviceError('TimeoutError'))

function electorate() {
  const clock = new FakeClock()
  const rows = newFleetRows()
  let versions = 0
  const enter = (workerId: string) => {
    const leases = new MemoryLeaseTable()
    const table = new MemoryFleetTable(rows, leases)
    const election = new LeaderElection({
      table,
      workerId,
      leaseDurationMs: 30_000,
      heartbeatMs: 10_000,
      clock,
      newVersion: () => {
        versions += 1
        return `v${versions}`
      }
    })
    return { election, leases, run: () => election.run(rows.lock) }
  }
  const foreign = (lock: Partial<LeaderLock>): void => {
    rows.lock = {
      ownerName: 'java',
      leaseDurationMs: 120_000,
      recordVersionNumber: 'x1',
      isReleased: false,
      ...lock
    }
  }
  return { clock, rows, enter, foreign }
}

describe('the election', () => {
  it('has one leader, whose heartbeats give the lock new versions', async () => {
    const { clock, rows, enter } = electorate()
    const [one, two] = [enter('one'), enter('two')]
    await one.run()
    await two.run()
    expect([one.election.isLeader, two.election.isLeader]).toEqual([true, false])
    const versions = new Set<string | undefined>()
    for (let second = 0; second < 100; second += 1) {
      await clock.advance(1_000)
      await one.run()
      await two.run()
      versions.add(rows.lock?.recordVersionNumber)
    }
    expect([one.election.isLeader, two.election.isLeader]).toEqual([true, false])
    expect(versions.size).toBe(11)
  })

  it('waits for as long as the lock itself says, by the own clock', async () => {
    const { clock, enter, foreign } = electorate()
    foreign({})
    const one = enter('one')
    await one.run()
    await clock.advance(119_000)
    await one.run()
    expect(one.election.isLeader).toBe(false)
    foreign({ recordVersionNumber: 'x2' })
    await one.run()
    await clock.advance(120_000)
    await one.run()
    expect(one.election.isLeader).toBe(false)
    await clock.advance(1)
    await one.run()
    expect(one.election.isLeader).toBe(true)
  })

  it('takes at once what was given back, and what a former life left behind', async () => {
    const { rows, enter, foreign } = electorate()
    foreign({ isReleased: true })
    await enter('one').run()
    expect(rows.lock).toMatchObject({ ownerName: 'one', leaseDurationMs: 30_000, isReleased: false })
    const again = enter('one')
    await again.run()
    expect(again.election.isLeader).toBe(true)
    await again.election.resign()
    expect(rows.lock).toBeUndefined()
    expect(again.election.isLeader).toBe(false)
  })

  it('ends when another has taken the lock, and by itself when no heartbeat got through', async () => {
    const { clock, enter, foreign } = electorate()
    const one = enter('one')
    await one.run()
    foreign({})
    await clock.advance(10_000)
    await one.run()
    expect(one.election.isLeader).toBe(false)

    const two = electorate()
    const late = two.enter('late')
    await late.run()
    late.leases.fail = operation => (operation === 'keepLock' ? timedOut() : undefined)
    await two.clock.advance(20_000)
    await expect(late.run()).rejects.toBeInstanceOf(ServiceError)
    expect(late.election.isLeader).toBe(true)
    await two.clock.advance(10_001)
    expect(late.election.isLeader).toBe(false)
  })

  it('goes on when the answer to a heartbeat was lost', async () => {
    const { clock, enter } = electorate()
    const one = enter('one')
    await one.run()
    await clock.advance(10_000)
    one.leases.loseAnswer = operation => (operation === 'keepLock' ? timedOut() : undefined)
    await expect(one.run()).rejects.toBeInstanceOf(ServiceError)
    one.leases.loseAnswer = undefined
    await one.run()
    await one.run()
    expect(one.election.isLeader).toBe(true)
    await clock.advance(30_000)
    await one.run()
    expect(one.election.isLeader).toBe(true)
  })
})
