import { expect, test } from 'vitest'

const { compareReaders } = await import(new URL('./compare-readers.js', import.meta.url).href)

const put = new Map([
  ['a', 'k1'],
  ['b', 'k2'],
  ['c', 'k1']
])
const given = [
  aGiven('a', '10', 0, 'k1'),
  { ...aGiven('b', '10', 1, 'k2'), explicitHashKey: '7' },
  aGiven('c', '9000', 0, 'k1')
]

test('finds nothing where both readers gave all records at the same places', () => {
  expect(compareReaders(put, given, given)).toEqual({
    put: 3,
    read: 3,
    missing: 0,
    altered: 0,
    given: 3,
    samePlace: 3,
    insideAggregates: 1,
    shards: 1,
    twice: 0,
    leftOutByTheKcl: 0,
    faults: []
  })
})

test('lets our own consumer give an aggregate more, where the KCL leaves one out', () => {
  const findings = compareReaders(put, given, [...given, aGiven('b', '11', 0, 'k2')])
  expect(findings).toMatchObject({ leftOutByTheKcl: 1, faults: [] })
})

test.each([
  ['a missing record', given.slice(0, 2), '1 records never came'],
  ['other bytes', with1({ text: 'B' }), '1 records that nobody put, or with another partition key'],
  [
    'another partition key',
    with1({ partitionKey: 'k1' }),
    '1 records that nobody put, or with another partition key'
  ],
  [
    'another explicit hash key',
    with1({ explicitHashKey: '8' }),
    '1 records that our own consumer has not at the same place'
  ],
  [
    'another sub-sequence number',
    with1({ subSequenceNumber: 2 }),
    '1 records that our own consumer has not at the same place'
  ],
  ['the wrong order', [...given].reverse(), '2 records not after the one before in their shard'],
  ['a record again', [...given, given[2]], '1 records not after the one before in their shard']
])('finds %s', (_, theirs, fault) => {
  expect(compareReaders(put, theirs, given).faults).toContain(fault)
})

test('finds that our own consumer gave less than was put', () => {
  expect(compareReaders(put, given, given.slice(0, 2)).faults).toContain(
    'our own consumer gave 2 of 3 records'
  )
})

function aGiven(text: string, sequenceNumber: string, subSequenceNumber: number, partitionKey: string) {
  return { shardId: 's0', sequenceNumber, subSequenceNumber, partitionKey, explicitHashKey: undefined, text }
}

/** What the KCL gave, its second record changed. */
function with1(change: object) {
  return given.map((each, index) => (index === 1 ? { ...each, ...change } : each))
}
