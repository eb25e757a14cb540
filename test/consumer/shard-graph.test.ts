import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sentinelPosition } from '../../consumer/checkpoint/extended-sequence-number.ts'
import { isFinished, type Lease } from '../../consumer/leases/lease.ts'
import {
  missingLeases,
  newLease,
  parentsAreFinished,
  type ShardInfo
} from '../../consumer/shards/shard-graph.ts'
import { maxHashKey } from '../../core/hash-key.ts'
import { FakeKinesis } from '../helpers/fake-kinesis.ts'
import { seeds } from '../helpers/seeds.ts'

const latest = sentinelPosition('LATEST')
const trimHorizon = sentinelPosition('TRIM_HORIZON')
const shardEnd = sentinelPosition('SHARD_END')

function shard(id: string, parents: readonly string[] = [], isOpen = true): ShardInfo {
  return {
    shardId: id,
    parentShardIds: parents,
    hashKeyRange: { start: 0n, end: maxHashKey },
    isOpen,
    startingSequenceNumber: BigInt(id)
  }
}

const lease = (id: string, checkpoint = trimHorizon): Lease => newLease(shard(id), checkpoint)
const made = (shards: readonly ShardInfo[], leases: readonly Lease[], initial = latest) =>
  missingLeases(shards, leases, initial).map(
    ({ leaseKey, checkpoint }) => `${leaseKey} ${checkpoint.sequenceNumber}`
  )

describe('missing leases', () => {
  // 0 split into 2 and 3; 1 stays; 3 split into 4 and 5.
  const shards = [
    shard('0', [], false),
    shard('1'),
    shard('2', ['0']),
    shard('3', ['0'], false),
    shard('4', ['3']),
    shard('5', ['3'])
  ]

  it('gives a hole the oldest ancestor, which brings the younger ones by itself', () => {
    expect(made(shards, [])).toEqual(['0 LATEST', '1 LATEST'])
  })

  it('leaves children to an ancestor that is not finished', () => {
    expect(made(shards, [lease('0'), lease('1')])).toEqual([])
  })

  it('starts the children of a finished parent at TRIM_HORIZON, also with LATEST', () => {
    expect(made(shards, [lease('0', shardEnd), lease('1')])).toEqual(['2 TRIM_HORIZON', '3 TRIM_HORIZON'])
    expect(made(shards, [lease('0', shardEnd), lease('1'), lease('2'), lease('3', shardEnd)])).toEqual([
      '4 TRIM_HORIZON',
      '5 TRIM_HORIZON'
    ])
  })

  it('repairs the row of one child that was deleted while its sibling goes on', () => {
    expect(made(shards, [lease('0', shardEnd), lease('1'), lease('2')])).toEqual(['3 TRIM_HORIZON'])
  })

  it('starts a shard whose parents are beyond the retention at the initial position', () => {
    expect(made([shard('7', ['6'])], [])).toEqual(['7 LATEST'])
  })

  it('waits after a merge until both parents are finished', () => {
    const merged = [shard('0', [], false), shard('1', [], false), shard('2', ['0', '1'])]
    expect(made(merged, [lease('0', shardEnd), lease('1')])).toEqual([])
    expect(made(merged, [lease('0', shardEnd), lease('1', shardEnd)])).toEqual(['2 TRIM_HORIZON'])
    // One parent has no lease: it is made, and the child waits for it.
    expect(made(merged, [lease('0', shardEnd)])).toEqual(['1 LATEST'])
  })

  it('begins with the oldest ancestors of a merge’s other side, and leaves the rest to the leases there are', () => {
    const merged = [
      ...['0', '1', '2', '3'].map(id => shard(id, [], false)),
      shard('4'),
      shard('5', [], false),
      shard('6', ['0', '1'], false),
      shard('7', ['2', '3'], false),
      shard('8', ['6', '7']),
      shard('9', ['5']),
      shard('10', ['5'])
    ]
    expect(made(merged, [lease('4'), lease('5'), lease('7')], trimHorizon)).toEqual([
      '0 TRIM_HORIZON',
      '1 TRIM_HORIZON'
    ])
  })

  it('does not read again what was cleaned up: a parent whose other child has begun is finished', () => {
    const begun = { sequenceNumber: '9', subSequenceNumber: 0 }
    expect(made(shards, [lease('1'), lease('2', begun)])).toEqual(['3 TRIM_HORIZON'])
    // Also when only a grandchild's row is left of that side.
    expect(made(shards, [lease('1'), lease('4', begun), lease('5')])).toEqual(['2 TRIM_HORIZON'])
    expect(made(shards, [lease('1'), lease('2')])).toEqual(['0 LATEST'])
  })

  it('looks at each shard once, however often it was split and merged', () => {
    const stream: ShardInfo[] = [shard('0', [], false)]
    for (let last = 0; last < 300; last += 3) {
      const [left, right, next] = [String(last + 1), String(last + 2), String(last + 3)]
      stream.push(shard(left, [String(last)], false), shard(right, [String(last)], false))
      stream.push(shard(next, [left, right], last < 297))
    }
    stream[stream.length - 1] = { ...stream.at(-1)!, isOpen: true }
    expect(made(stream, [])).toEqual(['0 LATEST'])
  })

  it('makes nothing for closed shards that nobody needs', () => {
    expect(made([shard('0', [], false)], [])).toEqual([])
  })

  it('covers every open shard after any resharding, whatever rows are lost, and brings every shard about', () => {
    const scenario = fc.record({
      steps: fc.array(fc.record({ split: fc.boolean(), pick: fc.nat(100) }), { maxLength: 12 }),
      finished: fc.array(fc.nat(40), { maxLength: 10 }),
      lost: fc.array(fc.nat(40), { maxLength: 10 })
    })
    fc.assert(
      fc.property(scenario, ({ steps, finished, lost }) => {
        const stream = new FakeKinesis(2)
        for (const { split, pick } of steps) {
          const open = stream.shards
            .filter(({ isOpen }) => isOpen)
            .sort((a, b) => (a.start < b.start ? -1 : 1))
          const at = pick % open.length
          if (split || at + 1 >= open.length) stream.split(open[at]!)
          else stream.merge(open[at]!, open[at + 1]!)
        }
        const infos = stream.shards.map(({ id, parents, start, end, isOpen }, index) => ({
          shardId: id,
          parentShardIds: parents,
          hashKeyRange: { start, end },
          isOpen,
          startingSequenceNumber: BigInt(index)
        }))
        const byId = new Map(infos.map(info => [info.shardId, info]))
        const leases = new Map<string, Lease>()
        const sync = (): number => {
          const missing = missingLeases(infos, [...leases.values()], trimHorizon)
          for (const each of missing) leases.set(each.leaseKey, each)
          return missing.length
        }
        const finish = (key: string): void => {
          const row = leases.get(key)
          if (row === undefined || byId.get(key)!.isOpen || !parentsAreFinished(row, leases)) return
          for (const child of infos) {
            if (child.parentShardIds.includes(key) && !leases.has(child.shardId)) {
              leases.set(child.shardId, newLease(child, trimHorizon))
            }
          }
          leases.set(key, { ...row, checkpoint: shardEnd })
        }
        sync()
        for (const index of finished) finish(infos[index % infos.length]!.shardId)
        for (const index of lost) leases.delete(infos[index % infos.length]!.shardId)

        sync()
        expect(sync(), 'a second look finds nothing').toBe(0)
        // Every open shard has a lease, or an ancestor that is not finished.
        const isCovered = (id: string): boolean => {
          const row = leases.get(id)
          if (row !== undefined) return !isFinished(row)
          return (byId.get(id)?.parentShardIds ?? []).some(isCovered)
        }
        for (const { shardId, isOpen } of infos) if (isOpen) expect(isCovered(shardId), shardId).toBe(true)
        // Reading on to the end brings every open shard about.
        for (let round = 0; round <= infos.length; round += 1) {
          for (const { shardId } of infos) finish(shardId)
          sync()
        }
        for (const { shardId, isOpen } of infos) {
          if (isOpen) expect(leases.has(shardId), shardId).toBe(true)
        }
      }),
      { numRuns: seeds(300) }
    )
  })
})

describe('parents', () => {
  it('block their children until they are finished; a parent without a lease does not', () => {
    const child = newLease(shard('2', ['0', '1']), trimHorizon)
    const table = (...leases: Lease[]): Map<string, Lease> =>
      new Map(leases.map(each => [each.leaseKey, each]))
    expect(parentsAreFinished(child, table())).toBe(true)
    expect(parentsAreFinished(child, table(lease('0')))).toBe(false)
    expect(parentsAreFinished(child, table(lease('0', shardEnd)))).toBe(true)
    expect(parentsAreFinished(child, table(lease('0', shardEnd), lease('1')))).toBe(false)
    expect(parentsAreFinished(child, table(lease('0', shardEnd), lease('1', shardEnd)))).toBe(true)
  })
})
