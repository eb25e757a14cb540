import { describe, expect, it } from 'vitest'
import {
  compareSequence,
  type ExtendedSequenceNumber,
  isSentinel
} from '../../consumer/checkpoint/extended-sequence-number.ts'
import { nextState, type Outcome, type ShardConsumerState } from '../../consumer/lifecycle/states.ts'

describe('the states of a shard consumer', () => {
  const outcomes: readonly Outcome[] = ['succeeded', 'shardEnded', 'leaseLost', 'shutdownRequested']
  const bug = 'a bug'
  const table: Record<ShardConsumerState, readonly string[]> = {
    waitingOnParents: ['initializing', bug, 'done', 'releasing'],
    initializing: ['processing', bug, 'losing', 'releasing'],
    processing: ['processing', 'endingShard', 'losing', 'stopping'],
    endingShard: ['releasing', bug, 'losing', 'stopping'],
    stopping: ['releasing', bug, 'losing', 'releasing'],
    losing: ['done', bug, 'done', 'done'],
    releasing: ['done', bug, 'done', bug],
    done: [bug, bug, bug, bug]
  }
  const cases = Object.entries(table).flatMap(([state, row]) =>
    outcomes.map((outcome, index) => [state as ShardConsumerState, outcome, row[index]!] as const)
  )

  it.each(cases)('%s after %s: %s', (state, outcome, expected) => {
    if (expected === bug) expect(() => nextState(state, outcome)).toThrow(/bug: no transition/)
    else expect(nextState(state, outcome)).toBe(expected)
  })
})

describe('positions in a shard', () => {
  const ascending: readonly ExtendedSequenceNumber[] = [
    { sequenceNumber: 'AT_TIMESTAMP', subSequenceNumber: 0 },
    { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 },
    { sequenceNumber: 'LATEST', subSequenceNumber: 0 },
    { sequenceNumber: '0', subSequenceNumber: 0 },
    { sequenceNumber: '9', subSequenceNumber: 0 },
    { sequenceNumber: '9', subSequenceNumber: 3 },
    { sequenceNumber: '10', subSequenceNumber: 0 },
    { sequenceNumber: '49590338271490256608559692538361571095921575989136588898', subSequenceNumber: 0 },
    { sequenceNumber: '49590338271490256608559692538361571095921575989136588899', subSequenceNumber: 0 },
    { sequenceNumber: 'SHARD_END', subSequenceNumber: 0 }
  ]

  it('compare as integers, with the sentinels around them', () => {
    for (const [i, a] of ascending.entries()) {
      for (const [j, b] of ascending.entries()) {
        expect(Math.sign(compareSequence(a, b)), `${a.sequenceNumber} ${b.sequenceNumber}`).toBe(
          Math.sign(i - j)
        )
      }
    }
  })

  it('know their sentinels', () => {
    for (const { sequenceNumber } of ascending) {
      expect(isSentinel(sequenceNumber)).toBe(!/^\d+$/.test(sequenceNumber))
    }
    expect(isSentinel('constructor')).toBe(false)
  })
})
