import { describe, expect, it } from 'vitest'
import { type Row, readRow } from '../../../consumer/migration/rows.ts'
import { judgeRows } from '../../../consumer/migration/verdicts.ts'
import { aRow } from '../../helpers/lease-rows.ts'

const judge = (source: readonly Row[], target: readonly Row[], once: readonly string[] = []) =>
  judgeRows(source.map(readRow), target.map(readRow), new Set(once)).map(({ is, key }) => `${is} ${key}`)

const range = (start: string, end: string) => ({ startingHashKey: { S: start }, endingHashKey: { S: end } })
const owned = { leaseOwner: { S: 'w' } }
const parents = (...ids: string[]) => ({ parentShardId: { SS: ids } })
const children = (...ids: string[]) => ({ childShardIds: { SS: ids } })

describe('a lease of both tables', () => {
  it.each([
    ['equal', aRow('a', '10'), aRow('a', '10')],
    ['equal', aRow('a', '10', { leaseCounter: { N: '9' }, ...owned }), aRow('a', '10')],
    ['equal', aRow('a', '10'), aRow('a', '10', range('0', '9'))],
    ['behind', aRow('a', '100'), aRow('a', '99')],
    ['behind', aRow('a', '10', { checkpointSubSequenceNumber: { N: '3' } }), aRow('a', '10')],
    ['behind', aRow('a', 'SHARD_END'), aRow('a', '10')],
    ['behind', aRow('a', '10'), aRow('a', 'TRIM_HORIZON')],
    ['behind', aRow('a', '10'), aRow('a', 'LATEST')],
    ['behind', aRow('a', '10'), aRow('a', '10', { pendingCheckpoint: { S: '12' } })],
    ['behind', aRow('a', '10', { strange: { S: 'x' } }), aRow('a', '10')],
    ['worked', aRow('a', '100'), aRow('a', '99', owned)],
    ['worked', aRow('a', '99'), aRow('a', '100')],
    ['worked', aRow('a', '99'), aRow('a', 'SHARD_END')],
    ['worked', aRow('a', 'LATEST'), aRow('a', 'LATEST', owned)],
    ['conflict', aRow('a', '99'), aRow('a', 'LATEST', owned)],
    ['conflict', aRow('a', 'TRIM_HORIZON'), aRow('a', 'LATEST')],
    ['conflict', aRow('a', '10', range('0', '9')), aRow('a', '10', range('0', '19'))],
    ['conflict', aRow('a', 'nonsense'), aRow('a', '10')],
    ['conflict', aRow('a', '10'), aRow('a', 'nonsense')],
    ['conflict', aRow('a', '10'), { leaseKey: { S: 'a' }, entityType: { S: 'STREAM' } }]
  ])('is %s: %j beside %j', (expected, source, target) => {
    expect(judge([source], [target])).toEqual([`${expected} a`])
  })

  it('is held in both when both name an owner', () => {
    const verdict = (source: Row) => judgeRows([readRow(source)], [readRow(aRow('a', '1', owned))])
    expect(verdict(aRow('a', '1', owned))).toEqual([{ is: 'worked', key: 'a', isHeldInBoth: true }])
    expect(verdict(aRow('a', '1'))).toEqual([{ is: 'worked', key: 'a', isHeldInBoth: false }])
  })
})

describe('a lease of the source alone', () => {
  it('is missing, parents before children', () => {
    expect(judge([aRow('shard-2'), aRow('shard-1')], [])).toEqual(['missing shard-1', 'missing shard-2'])
  })

  it('was cleaned up in the target when it was there before, or when its children have begun there', () => {
    expect(judge([aRow('a')], [], ['a'])).toEqual(['cleaned a'])
    const child = (checkpoint: string) => aRow('b', checkpoint, parents('a'))
    expect(judge([aRow('a', '7')], [child('9')])).toEqual(['cleaned a', 'foreign b'])
    expect(judge([aRow('a', '7')], [child('TRIM_HORIZON')])).toEqual(['missing a', 'foreign b'])
    // Of two children that the parent names one is not there.
    expect(judge([aRow('a', '7', children('b', 'c'))], [child('9')])).toEqual(['missing a', 'foreign b'])
  })
})

describe('a lease of the target alone', () => {
  it('is gone when its children have begun in the source, and nobody holds it', () => {
    const source = [aRow('b', '9', parents('a')), aRow('c', 'LATEST', parents('a'))]
    expect(judge(source, [...source, aRow('a', '7')]).at(-1)).toBe('gone a')
    expect(judge(source, [...source, aRow('a', '7', owned)]).at(-1)).toBe('foreign a')
    expect(judge([aRow('b', 'TRIM_HORIZON', parents('a'))], [aRow('a', '7')]).at(-1)).toBe('foreign a')
  })

  it('is told from one of another stream of the same table', () => {
    const [one, two] = ['111122223333:one:1', '111122223333:two:1']
    const source = [aRow(`${one}:b`, '9', parents('a'))]
    expect(judge(source, [...source, aRow(`${one}:a`, '7'), aRow(`${two}:a`, '7')])).toEqual([
      `equal ${one}:b`,
      `gone ${one}:a`,
      `foreign ${two}:a`
    ])
  })
})

describe('rows of other kinds', () => {
  const typed = (key: string, entityType: string, more = {}): Row => ({
    leaseKey: { S: key },
    entityType: { S: entityType },
    ...more
  })

  it('stay behind when they say who is at work, and are copied once otherwise', () => {
    const source = [
      typed('Leader', 'LEADER'),
      typed('worker-1', 'WORKER_METRIC_STATS'),
      typed('Migration3.0', 'CLIENT_VERSION_MIGRATION', { cv: { S: 'CLIENT_VERSION_2X' } }),
      typed('TableMigration3.5', 'TABLE_MIGRATION'),
      typed('stream', 'STREAM'),
      typed('what', 'SOMETHING_NEW')
    ]
    const lasting = ['Migration3.0', 'TableMigration3.5', 'stream', 'what']
    expect(judge(source, [])).toEqual(lasting.map(key => `missing ${key}`))
    expect(judge(source, source)).toEqual(lasting.map(key => `equal ${key}`))
    const other = typed('Migration3.0', 'CLIENT_VERSION_MIGRATION', { cv: { S: 'CLIENT_VERSION_3X' } })
    expect(judge([source[2]!], [other])).toEqual(['conflict Migration3.0'])
  })
})
