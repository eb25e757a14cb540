import { describe, expect, it } from 'vitest'

const { judgePuts } = await import(new URL('./kpl-judge.js', import.meta.url).href)

interface Put {
  readonly partitionKey: string
  readonly explicitHashKey: string
  readonly data: Buffer
}

interface Position {
  readonly shardId: string
  readonly sequenceNumber: string
  readonly subSequenceNumber: number
}

type Delivery = Position & Omit<Put, 'explicitHashKey'> & { readonly explicitHashKey: string | undefined }

interface Answer {
  readonly isOk: boolean
  readonly attempts: number
  readonly codes: readonly string[]
  readonly shardId: string
  readonly sequenceNumber: string
}

const ranges = new Map([
  ['low', { start: 0n, end: 99n }],
  ['high', { start: 100n, end: 199n }]
])

function aPut(index: number, explicitHashKey: string): Put {
  const data = Buffer.alloc(6, 7)
  data.writeUInt32BE(index)
  return { partitionKey: `key-${index}`, explicitHashKey, data }
}

const puts = [aPut(0, '5'), aPut(1, '99'), aPut(2, '100')]
const [first, second, third] = puts as [Put, Put, Put]

function delivered(put: Put, position: Position): Delivery {
  return { ...put, ...position }
}

/** Two in one aggregate, and one alone. */
function deliveries(): [Delivery, Delivery, Delivery] {
  return [
    delivered(first, { shardId: 'low', sequenceNumber: '1', subSequenceNumber: 0 }),
    delivered(second, { shardId: 'low', sequenceNumber: '1', subSequenceNumber: 1 }),
    {
      ...delivered(third, { shardId: 'high', sequenceNumber: '9', subSequenceNumber: 0 }),
      explicitHashKey: undefined
    }
  ]
}

function answers(changes: Partial<Answer> = {}): ReadonlyMap<number, Answer> {
  const answer = { isOk: true, attempts: 1, codes: [] }
  return new Map([
    [0, { ...answer, shardId: 'low', sequenceNumber: '1', ...changes }],
    [1, { ...answer, shardId: 'low', sequenceNumber: '1' }],
    [2, { ...answer, shardId: 'high', sequenceNumber: '9' }]
  ])
}

const again = delivered(first, { shardId: 'low', sequenceNumber: '2', subSequenceNumber: 0 })

describe('the judge of what the Kinesis Producer Library put', () => {
  it('is content when everything came as it was put', () => {
    expect(judgePuts(puts, answers(), deliveries(), ranges)).toMatchObject({
      put: 3,
      read: 3,
      alone: 1,
      kinesisRecords: 2,
      faults: []
    })
  })

  it('is content with a duplicate that a retry explains', () => {
    const findings = judgePuts(
      puts,
      answers({ attempts: 2, codes: ['Wrong Shard'] }),
      [...deliveries(), again],
      ranges
    )
    expect(findings).toMatchObject({ duplicates: 1, strayDuplicates: 0, wrongShard: 1, faults: [] })
  })

  const [a, b, c] = deliveries()
  it.each<[string, Delivery[], ReadonlyMap<number, Answer>]>([
    ['1 records are missing', [a, c, { ...a, sequenceNumber: '2' }], answers({ attempts: 2 })],
    ['0 has other bytes', [{ ...a, data: Buffer.concat([a.data, a.data]) }, b, c], answers()],
    ['0 has another partition key', [{ ...a, partitionKey: 'key' }, b, c], answers()],
    ['0 has another explicit hash key', [{ ...a, explicitHashKey: '6' }, b, c], answers()],
    // Not alone, and so it should be there.
    ['0 has another explicit hash key', [{ ...a, explicitHashKey: undefined }, b, c], answers()],
    ['a record that nobody put: 3', [a, b, c, { ...again, data: aPut(3, '5').data }], answers()],
    ['1 duplicates that no retry explains', [a, b, c, again], answers()],
    ['1 records were read twice', [a, b, c, a], answers({ attempts: 2 })],
    ['0 is not where the producer was told that it is', [a, b, c], answers({ sequenceNumber: '3' })],
    ['2 is in no shard of its hash key', [a, b, { ...c, shardId: 'low' }], answers()],
    ['0 was given up: Expired', [a, b, c], answers({ isOk: false, codes: ['', 'Expired'] })],
    ['nothing was aggregated', [c], answers()]
  ])('finds: %s', (fault, had, told) => {
    expect(judgePuts(puts, told, had, ranges).faults).toContain(fault)
  })
})
