import fc from 'fast-check'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import {
  AggregatedRecordBuilder,
  decodeAggregatedRecord,
  isAggregated,
  MalformedAggregateError,
  type MalformedReason,
  readAggregatedRecord
} from '../../core/aggregated-record.ts'
import { hashKeyOf, isInRange, maxHashKey, parseHashKey } from '../../core/hash-key.ts'
import {
  decodeByKinesisAgg,
  decodeByProtobufjs,
  encodeByKinesisAgg,
  encodeByProtobufjs,
  frame,
  type PlainUserRecord
} from '../helpers/aggregation-oracles.ts'
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

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

// Worked examples, computed from the format's description and checked against other implementations.
const examples: { name: string; puts: Put[]; bytes: Buffer; outerHashKey: bigint }[] = [
  {
    name: 'A: two user records with one key',
    puts: [
      ['k1', undefined, 'hello'],
      ['k1', undefined, 'world!']
    ],
    bytes: hex(
      'f3899ac2 0a026b31 1a0908001a0568656c6c6f 1a0a08001a06776f726c6421 de14534f2bafe3a31858a5ec0bfbc746'
    ),
    outerHashKey: 242208671286853988395785178707875403226n
  },
  {
    name: 'B: an explicit hash key on the middle one alone',
    puts: [
      ['k1', undefined, 'a'],
      ['k2', '123', 'bb'],
      ['k1', undefined, 'ccc']
    ],
    bytes: hex(
      'f3899ac2 0a026b31 0a026b32 1203313233 1a0508001a0161 1a08080110001a026262 1a0708001a03636363 39d1f03db020e6c60565adbcf42ca269'
    ),
    outerHashKey: 242208671286853988395785178707875403226n
  },
  {
    name: 'C: a key of two UTF-8 bytes and empty data',
    puts: [
      ['é', undefined, 'x'],
      ['b', undefined, '']
    ],
    bytes: hex('f3899ac2 0a02c3a9 0a0162 1a0508001a0178 1a0408011a00 0de198a46eeb7787a1625655d65728ec'),
    outerHashKey: 136732923097551493579404309126273812335n
  }
]
const exampleA = examples[0]!.bytes

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}

const reasonOf = (bytes: Uint8Array): MalformedReason | undefined => {
  const read = readAggregatedRecord(bytes, () => undefined)
  return read instanceof MalformedAggregateError ? read.reason : undefined
}

describe('aggregated record', () => {
  it.each(examples)('is byte for byte what the KPL writes: $name', ({ puts, bytes, outerHashKey }) => {
    expect(encode(puts).toString('hex')).toBe(bytes.toString('hex'))
    expect(decode(bytes)).toEqual(puts)
    const [partitionKey, explicitHashKey] = puts[0]!
    expect(hashKeyOf({ partitionKey, explicitHashKey })).toBe(outerHashKey)
  })

  it('keeps the order of keys that look like integers', () => {
    const puts: Put[] = ['5', '3', '10', '3'].map((key, index) => [key, undefined, String(index)])
    expect(decode(encode(puts))).toEqual(puts)
  })

  it.each([
    ['no bytes', '', undefined],
    ['the magic alone', 'f3899ac2', undefined],
    ['the magic and the MD5 of nothing', 'f3899ac2 d41d8cd98f00b204e9800998ecf8427e', undefined],
    ['another magic', `f3899ac3${exampleA.toString('hex', 4)}`, undefined],
    [
      'A with its last bit flipped',
      flipped(exampleA, exampleA.length * 8 - 8).toString('hex'),
      'wrongDigest'
    ],
    ['a varint without end', frame(hex('ff')).toString('hex'), 'invalidBody'],
    ['a varint of eleven bytes', frame(hex('28ffffffffffffffffffff01')).toString('hex'), 'invalidBody'],
    ['a field behind the end', frame(hex('0a05')).toString('hex'), 'invalidBody'],
    ['a record without data', frame(hex('1a020800')).toString('hex'), 'invalidBody'],
    ['a record without a partition key', frame(hex('1a031a0161')).toString('hex'), 'invalidBody'],
    ['a table entry that is a number', frame(hex('0801')).toString('hex'), 'invalidBody'],
    ['data that is a number', frame(hex('0a016b 1a0408001801')).toString('hex'), 'invalidBody'],
    ['a wire type that does not exist', frame(hex('2f01')).toString('hex'), 'invalidBody'],
    ['a tag of more than 32 bits', frame(hex('fa808080800100')).toString('hex'), 'invalidBody'],
    ['field number zero', frame(hex('020161')).toString('hex'), 'invalidBody'],
    [
      'a bad index before a bad record',
      frame(hex('0a016b 1a0508071a0161 1a020800')).toString('hex'),
      'invalidBody'
    ]
  ])('is a plain record: %s', (_, text, reason) => {
    expect(decode(hex(text))).toBeUndefined()
    expect(reasonOf(hex(text))).toBe(reason)
  })

  it('is a plain record after any cut or flipped bit', () => {
    for (let end = 0; end < exampleA.length; end += 1) {
      expect(isAggregated(exampleA.subarray(0, end))).toBe(false)
    }
    for (let bit = 0; bit < exampleA.length * 8; bit += 1) {
      expect(isAggregated(flipped(exampleA, bit))).toBe(false)
    }
  })

  it('never fails but for an index, whatever the body is', () => {
    const body = exampleA.subarray(4, -16)
    const outcomes = new Set<string>()
    for (let bit = 0; bit < body.length * 8; bit += 1) {
      const read = readAggregatedRecord(frame(flipped(body, bit)), () => undefined)
      outcomes.add(read instanceof MalformedAggregateError ? read.reason : 'userRecords')
    }
    expect([...outcomes].sort()).toEqual(['indexOutsideTable', 'invalidBody', 'userRecords'])
  })

  it('refuses an index outside its table', () => {
    const withIndex7 = Buffer.from(exampleA.subarray(4, -16))
    // Tag and length of the table entry, of the first record, and of the second, whose index follows.
    withIndex7[4 + 11 + 3] = 7
    expect(() => decode(frame(withIndex7))).toThrow('user record 1: partition key index 7, table of 1')
    expect(() => decode(frame(hex('0a016b 1a0708001005 1a0161')))).toThrow(MalformedAggregateError)
    expect(() => decode(frame(hex('0a016b 1a07080010051a0161')))).toThrow(
      'user record 0: explicit hash key index 5, table of 0'
    )
  })

  it('takes an aggregate of one, unknown fields, tags, and tables behind the records', () => {
    expect(decode(encode([['k', undefined, 'one']]))).toEqual([['k', undefined, 'one']])
    expect(decode(frame(hex('1a0a08001a016122030a0174 0a016b 7a0178')))).toEqual([['k', undefined, 'a']])
  })

  it('gives no user records for a table of keys alone', () => {
    expect(decode(frame(hex('0a016b')))).toEqual([])
  })

  it('hands out views, also into a part of a larger buffer', () => {
    const larger = Buffer.concat([Buffer.alloc(9), exampleA, Buffer.alloc(9)])
    const [first] = decodeAggregatedRecord(larger.subarray(9, -9))!
    expect(Buffer.from(first!.data).toString()).toBe('hello')
    expect(first!.data.buffer).toBe(larger.buffer)
  })
})

describe('aggregated records, property tests', () => {
  const anyKey = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 })
  const hashKey = fc.bigInt({ min: 0n, max: maxHashKey }).map(String)
  const data = fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes).toString('hex'))
  const userRecords = (
    partitionKey: fc.Arbitrary<string>,
    explicitHashKey: fc.Arbitrary<string | undefined>
  ): fc.Arbitrary<PlainUserRecord[]> =>
    fc.array(fc.record({ partitionKey, explicitHashKey, data }), { minLength: 1, maxLength: 200 })

  const ours = (records: readonly PlainUserRecord[]): Buffer => {
    const builder = new AggregatedRecordBuilder()
    for (const { partitionKey, explicitHashKey, data: text } of records) {
      const expected = builder.sizeWith(partitionKey, explicitHashKey, hex(text))
      builder.add(partitionKey, explicitHashKey, hex(text))
      expect(builder.size).toBe(expected)
    }
    const bytes = builder.encode()
    expect(bytes.length).toBe(builder.size)
    return bytes
  }
  const read = (bytes: Uint8Array): PlainUserRecord[] | undefined =>
    decodeAggregatedRecord(bytes)?.map(record => ({
      ...record,
      data: Buffer.from(record.data).toString('hex')
    }))

  it('are byte for byte what protobufjs writes, and come back as they were put', () => {
    fc.assert(
      fc.property(userRecords(anyKey, fc.option(hashKey, { nil: undefined })), records => {
        const bytes = ours(records)
        expect(bytes.equals(encodeByProtobufjs(records))).toBe(true)
        expect(read(bytes)).toEqual(records)
      }),
      { numRuns: seeds(100) }
    )
  })

  it.each([0, 122, 123, 124, 127, 128, 16_378, 16_383, 16_384, 2_097_152])(
    'have lengths as protobufjs writes them: %d bytes of data',
    dataBytes => {
      const record = { partitionKey: 'k', explicitHashKey: undefined, data: 'ab'.repeat(dataBytes) }
      const bytes = ours([record])
      expect(bytes.equals(encodeByProtobufjs([record]))).toBe(true)
      expect(read(bytes)?.[0]?.data === record.data).toBe(true)
    }
  )

  it('are byte for byte what aws-kinesis-agg writes, in the cases that it gets right', () => {
    // None that a plain object takes for an index, and so puts first.
    const key = anyKey.map(text => `k${text}`)
    const largeHashKey = fc.bigInt({ min: 1n << 32n, max: maxHashKey }).map(String)
    fc.assert(
      fc.property(
        fc.oneof(userRecords(key, fc.constant(undefined)), userRecords(key, largeHashKey)),
        records => {
          const bytes = ours(records)
          expect(bytes.equals(encodeByKinesisAgg(records))).toBe(true)
          expect(decodeByKinesisAgg(bytes)).toEqual(records)
        }
      ),
      { numRuns: seeds(100) }
    )
  })

  it('are read as protobufjs reads them: fields in any order, repeated keys, tags, unknown fields', () => {
    type Part =
      | { readonly kind: 'key' | 'hashKey' | 'unknown'; readonly text: string }
      | {
          readonly kind: 'record'
          readonly at: number
          readonly hashAt: number | undefined
          readonly text: string
        }
    const part: fc.Arbitrary<Part> = fc.oneof(
      fc.record({ kind: fc.constant('key' as const), text: fc.constantFrom('a', 'b', '5', '3', 'é') }),
      fc.record({ kind: fc.constant('hashKey' as const), text: hashKey }),
      fc.record({ kind: fc.constant('unknown' as const), text: fc.string() }),
      fc.record({
        kind: fc.constant('record' as const),
        at: fc.nat(),
        hashAt: fc.option(fc.nat(), { nil: undefined }),
        text: fc.string()
      })
    )
    const writePart = (writer: protobuf.Writer, entry: Part, keys: number, hashKeys: number): void => {
      if (entry.kind === 'record') {
        // Data first, an unknown field between, the tag last.
        writer.uint32(0x1a).fork().uint32(0x1a).bytes(Buffer.from(entry.text)).uint32(0x28).uint32(300)
        if (entry.hashAt !== undefined && hashKeys > 0) writer.uint32(0x10).uint64(entry.hashAt % hashKeys)
        writer.uint32(0x08).uint64(entry.at % keys)
        writer.uint32(0x22).fork().uint32(0x0a).string('tag').ldelim().ldelim()
      } else if (entry.kind === 'key') writer.uint32(0x0a).string(entry.text)
      else if (entry.kind === 'hashKey') writer.uint32(0x12).string(entry.text)
      else writer.uint32(0x7a).string(entry.text).uint32(0x81).double(1)
    }
    fc.assert(
      fc.property(fc.array(part, { maxLength: 60 }), parts => {
        const all: readonly Part[] = [...parts, { kind: 'key', text: 'last' }]
        const count = (kind: Part['kind']): number => all.filter(entry => entry.kind === kind).length
        const writer = protobuf.Writer.create()
        for (const entry of all) writePart(writer, entry, count('key'), count('hashKey'))
        const bytes = frame(writer.finish())
        expect(read(bytes)).toEqual(decodeByProtobufjs(bytes))
        expect(read(bytes)).toHaveLength(count('record'))
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
