import { describe, expect, it } from 'vitest'
import {
  attributesToCompare,
  attributesToRemove,
  canonicalRow,
  digestOfRows
} from '../../../consumer/migration/canonical-row.ts'
import { aRow } from '../../helpers/lease-rows.ts'

const names = ['a', 'b']

describe('a canonical row', () => {
  it('does not depend on the order of attributes, sets and members', () => {
    const one = { a: { SS: ['x', 'y'] }, b: { M: { p: { N: '1' }, q: { NULL: true as const } } } }
    const two = { b: { M: { q: { NULL: true as const }, p: { N: '1' } } }, a: { SS: ['y', 'x'] } }
    expect(canonicalRow(one, names)).toBe(canonicalRow(two, names))
  })

  it.each([
    [{ a: { S: '1' } }, { a: { N: '1' } }],
    [{ a: { S: '1' } }, { b: { S: '1' } }],
    [{ a: { L: [{ S: 'x' }, { S: 'y' }] } }, { a: { L: [{ S: 'y' }, { S: 'x' }] } }],
    [{ a: { B: Buffer.from([1]) } }, { a: { B: Buffer.from([2]) } }],
    [{ a: { BS: [Buffer.from([1])] } }, { a: { BS: [Buffer.from([2])] } }],
    [{ a: { NS: ['1'] } }, { a: { SS: ['1'] } }],
    [{ a: { M: { x: { BOOL: true } } } }, { a: { M: { x: { BOOL: false } } } }]
  ])('tells %j from %j', (one, two) => {
    expect(canonicalRow(one, names)).not.toBe(canonicalRow(two, names))
  })

  it('compares neither owner nor counter, and asks for what is pending to be gone', () => {
    const compared = attributesToCompare(aRow('a', '1', { leaseOwner: { S: 'w' }, strange: { S: 'x' } }))
    expect(compared).not.toContain('leaseOwner')
    expect(compared).not.toContain('leaseCounter')
    expect(compared).toEqual(expect.arrayContaining(['checkpoint', 'strange', 'pendingCheckpoint']))
    expect(attributesToRemove(aRow('a', '1', { pendingCheckpoint: { S: '2' } }))).toEqual([
      'pendingCheckpointSubSequenceNumber',
      'pendingCheckpointState'
    ])
  })
})

describe('the digest of rows', () => {
  it('does not depend on their order, but on each of them', () => {
    expect(digestOfRows(['a', 'b'])).toBe(digestOfRows(['b', 'a']))
    expect(digestOfRows(['a', 'b'])).not.toBe(digestOfRows(['a']))
    expect(digestOfRows(['a', 'a'])).not.toBe(digestOfRows(['a']))
  })
})
