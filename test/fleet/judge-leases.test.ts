import { expect, test } from 'vitest'

const { allowedMoves, judgeLeases, strangeAttribute } = await import(
  new URL('./judge-leases.js', import.meta.url).href
)

const course = { workers: ['w1'], failoverTimeMs: 4_000, script: [[10, 'kill w1']] as [number, string][] }

test('finds nothing where a checkpoint rises from sentinel to sentinel', () => {
  const checkpoints = ['AT_TIMESTAMP', 'TRIM_HORIZON', 'LATEST', '9', '10', 'SHARD_END']
  const findings = judgeLeases(
    checkpoints.map((checkpoint, second) => scan(second, { checkpoint })),
    course
  )
  expect(findings).toMatchObject({ tableScans: 6, checkpointsBack: 0, attributesKept: 1, faults: [] })
})

test.each([
  [{ checkpoint: '10' }, { checkpoint: '9' }],
  [
    { checkpoint: '10', sub: 5 },
    { checkpoint: '10', sub: 4 }
  ],
  [{ checkpoint: '10' }, { checkpoint: 'LATEST' }],
  [{ checkpoint: 'SHARD_END' }, { checkpoint: '10' }],
  [{ checkpoint: 'TRIM_HORIZON' }, { checkpoint: 'AT_TIMESTAMP' }]
])('finds that a checkpoint went back from %j to %j', (before, after) => {
  const findings = judgeLeases([scan(0, before), scan(1, after)], course)
  expect(findings.faults).toEqual(['the checkpoint of s0 went back after 1 s'])
})

test('takes a row that was away for a new one', () => {
  const scans = [scan(0, { checkpoint: '10' }), { second: 1, rows: [] }, scan(2, { checkpoint: 'LATEST' })]
  expect(judgeLeases(scans, course)).toMatchObject({ checkpointsBack: 0, faults: [] })
})

test('counts a move once, with or without a time in which nobody holds the lease', () => {
  const scans = ['w1', undefined, 'w2', 'w2', undefined, 'w2', 'w1'].map((owner, second) =>
    scan(second, { owner })
  )
  expect(judgeLeases(scans, course)).toMatchObject({ leaseMoves: 2, mostMovesOfOneLease: 2, faults: [] })
})

test('finds a lease that moves more often than the script explains', () => {
  const scans = ['w1', 'w2', 'w1', 'w2', 'w1'].map((owner, second) => scan(second, { owner }))
  expect(judgeLeases(scans, course).faults).toEqual(['s0 moved 4 times, the script explains 3'])
})

test('allows a lease what happened since shortly before it was there', () => {
  const script = [
    [10, 'split'],
    [20, 'kill w1'],
    [30, 'start w4'],
    [40, 'merge']
  ]
  const long = { workers: ['w1', 'w2', 'w3'], failoverTimeMs: 4_000, script }
  expect(allowedMoves(long, 0)).toBe(4 + 4 + 3 + 2 + 6)
  expect(allowedMoves(long, 40)).toBe(3 + 2 + 6)
  expect(allowedMoves(long, 41)).toBe(2 + 6)
})

test('finds that a worker removed an attribute that it does not know', () => {
  const scans = [scan(0, {}), scan(1, {}), scan(2, { isMarked: false })]
  expect(judgeLeases(scans, course)).toMatchObject({
    attributesLost: 1,
    attributesKept: 0,
    faults: [
      'a worker removed an attribute that it does not know from s0',
      'no lease still has the attribute that no worker knows'
    ]
  })
})

function scan(
  second: number,
  row: {
    readonly owner?: string | undefined
    readonly checkpoint?: string
    readonly sub?: number
    readonly isMarked?: boolean
  }
) {
  const { owner, checkpoint = 'TRIM_HORIZON', sub = 0, isMarked = true } = row
  return {
    second,
    rows: [
      {
        leaseKey: { S: 's0' },
        checkpoint: { S: checkpoint },
        checkpointSubSequenceNumber: { N: String(sub) },
        ...(owner === undefined ? {} : { leaseOwner: { S: owner } }),
        ...(isMarked ? { [strangeAttribute]: { S: strangeAttribute } } : {})
      }
    ]
  }
}
