import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  AggregatedRecordBuilder,
  decodeAggregatedRecord,
  isAggregated,
  MalformedAggregateError
} from '../../core/aggregated-record.ts'
import { hashKeyOf, isInRange, maxHashKey, parseHashKey } from '../../core/hash-key.ts'
import { seeds } from '../helpers/seeds.ts'

type Put = readonly [partitionKey: string, explicitHashKey: string | undefined, data: string]

function encode(puts: readonly Put[]): Buffer {
  const builder = new AggregatedRecordBuilder()
  for (const [partitionKey, explicitHashKey, data] of puts) {
    const expected = builder.sizeWith(partitionKey, explicitHashKey, Buffer.from(data))
    builder.add(partitionKey, explicitHashKey, Buffer.from(data))
    expect(builder.size).toBe(expected)
  }
  const bytes = builder.encode()
  expect(bytes.length).toBe(builder.size)
  return bytes
}

function decode(bytes: Uint8Array): Put[] | undefined {
  return decodeAggregatedRecord(bytes)?.map(
    record => [record.partitionKey, record.explicitHashKey, Buffer.from(record.data).toString()] as const
  )
}

/** A frame with the right digest around any body. */
function frame(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from('f3899ac2', 'hex'), body, createHash('md5').update(body).digest()])
}

// Worked examples, computed from the format's description and checked against other implementations.
const examples: { name: string; puts: Put[]; hex: string }[] = [
  {
    name: 'two user records with one key',
    puts: [
      ['k1', undefined, 'hello'],
      ['k1', undefined, 'world!']
    ],
    hex: 'f3899ac20a026b311a0908001a0568656c6c6f1a0a08001a06776f726c6421de14534f2bafe3a31858a5ec0bfbc746'
  },
  {
    name: 'an explicit hash key on the middle one alone',
    puts: [
      ['k1', undefined, 'a'],
      ['k2', '123', 'bb'],
      ['k1', undefined, 'ccc']
    ],
    hex: 'f3899ac20a026b310a026b3212033132331a0508001a01611a08080110001a0262621a0708001a0363636339d1f03db020e6c60565adbcf42ca269'
  },
  {
    name: 'a key of two UTF-8 bytes and empty data',
    puts: [
      ['é', undefined, 'x'],
      ['b', undefined, '']
    ],
    hex: 'f3899ac20a02c3a90a01621a0508001a01781a0408011a000de198a46eeb7787a1625655d65728ec'
  }
]

describe('aggregated record', () => {
  it.each(examples)('is byte for byte what the KPL writes: $name', ({ puts, hex }) => {
    expect(encode(puts).toString('hex')).toBe(hex)
    expect(decode(Buffer.from(hex, 'hex'))).toEqual(puts)
  })

  it('keeps the order of keys that look like integers', () => {
    const puts: Put[] = ['5', '3', '10', '3'].map((key, index) => [key, undefined, String(index)])
    expect(decode(encode(puts))).toEqual(puts)
  })

  it('is a plain record when magic, length, digest or body are wrong', () => {
    const right = Buffer.from(examples[0]!.hex, 'hex')
    const flipped = Buffer.from(right)
    flipped[flipped.length - 1]! ^= 1
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('f3899ac2', 'hex'),
      Buffer.from('f3899ac2d41d8cd98f00b204e9800998ecf8427e', 'hex'),
      flipped,
      Buffer.concat([Buffer.from('f3899ac3', 'hex'), right.subarray(4)]),
      frame(Buffer.from('ff', 'hex')),
      frame(Buffer.from('0a05', 'hex')),
      frame(Buffer.from('1a020800', 'hex')),
      frame(Buffer.from('1a031a0161', 'hex')),
      frame(Buffer.from('0801', 'hex')),
      frame(Buffer.from('07', 'hex'))
    ]) {
      expect(decode(bytes)).toBeUndefined()
    }
    for (let end = 0; end < right.length; end += 1) expect(isAggregated(right.subarray(0, end))).toBe(false)
  })

  it('refuses an index outside its table', () => {
    expect(() => decode(frame(Buffer.from('0a016b1a0508071a0161', 'hex')))).toThrow(MalformedAggregateError)
    expect(() => decode(frame(Buffer.from('0a016b1a07080010051a0161', 'hex')))).toThrow(
      /explicit hash key index 5, table of 0/
    )
  })

  it('takes an aggregate of one, unknown fields, tags, and tables behind the records', () => {
    expect(decode(encode([['k', undefined, 'one']]))).toEqual([['k', undefined, 'one']])
    expect(decode(frame(Buffer.from('1a0a08001a016122030a01740a016b7a0178', 'hex')))).toEqual([
      ['k', undefined, 'a']
    ])
  })

  it('comes back as it was put, whatever was put', () => {
    const put = fc.tuple(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
      fc.option(fc.bigInt({ min: 0n, max: maxHashKey }).map(String), { nil: undefined }),
      fc.string({ maxLength: 300 })
    )
    fc.assert(
      fc.property(fc.array(put, { minLength: 1, maxLength: 200 }), puts => {
        expect(decode(encode(puts))).toEqual(puts)
      }),
      { numRuns: seeds(100) }
    )
  })
})

describe('hash keys', () => {
  it('are the unsigned MD5 of the partition key, or the explicit hash key', () => {
    expect(hashKeyOf({ partitionKey: 'k1' })).toBe(242208671286853988395785178707875403226n)
    expect(hashKeyOf({ partitionKey: 'é' })).toBe(136732923097551493579404309126273812335n)
    expect(hashKeyOf({ partitionKey: 'k1', explicitHashKey: '123' })).toBe(123n)
  })

  it('parse from plain decimals in range alone', () => {
    expect(parseHashKey('007')).toBe(7n)
    expect(parseHashKey(String(maxHashKey))).toBe(maxHashKey)
    for (const text of ['', '-1', '1.5', '0x10', ' 1', String(maxHashKey + 1n)])
      expect(parseHashKey(text)).toBeUndefined()
  })

  it('lie in a range with both ends inclusive', () => {
    const range = { start: 10n, end: 20n }
    expect([9n, 10n, 20n, 21n].map(key => isInRange(key, range))).toEqual([false, true, true, false])
  })
})
