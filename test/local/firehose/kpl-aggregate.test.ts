import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aggregatedRecords } from '../../../local/firehose/source/kpl-aggregate.ts'
import { encodeByProtobufjs, frame } from '../../helpers/aggregation-oracles.ts'

const decode = (hex: string) =>
  aggregatedRecords(Buffer.from(hex.replaceAll(' ', ''), 'hex'))?.map(({ partitionKey, data }) => [
    partitionKey,
    data.toString()
  ])
const framed = (body: string) => frame(Buffer.from(body.replaceAll(' ', ''), 'hex')).toString('hex')

const a = `f3899ac2 0a026b31 1a0908001a0568656c6c6f 1a0a08001a06776f726c6421 de14534f2bafe3a31858a5ec0bfbc746`

describe('an aggregate of the Kinesis Producer Library', () => {
  it.each([
    [
      a,
      [
        ['k1', 'hello'],
        ['k1', 'world!']
      ]
    ],
    [
      `f3899ac2 0a026b31 0a026b32 1203313233 1a0508001a0161 1a0808011000 1a026262 1a0708001a03636363
       39d1f03db020e6c60565adbcf42ca269`.replaceAll('\n', ''),
      [
        ['k1', 'a'],
        ['k2', 'bb'],
        ['k1', 'ccc']
      ]
    ],
    [
      'f3899ac2 0a02c3a9 0a0162 1a0508001a0178 1a0408011a00 0de198a46eeb7787a1625655d65728ec',
      [
        ['é', 'x'],
        ['b', '']
      ]
    ]
  ])('vector %# is taken apart', (hex, expected) => {
    expect(decode(hex)).toEqual(expected)
  })

  it('is read whatever the order of its fields is, unknown ones passed over', () => {
    const body = '1a0508001a0161 0a026b31 2801 3204ffffffff 3d00000000 410000000000000000'
    expect(decode(framed(body))).toEqual([['k1', 'a']])
  })

  it('may hold nothing', () => {
    expect(decode(framed('0a026b31'))).toEqual([])
  })

  it.each([
    ['', 'nothing'],
    ['f3899ac2', 'the magic alone'],
    ['f3899ac2 d41d8cd98f00b204e9800998ecf8427e', 'no body'],
    [a.slice(0, -1).concat('7'), 'another digest'],
    [a.replace('f3', 'f2'), 'another magic'],
    [framed('0a026b31 1a050807 1a0161'), 'an index outside of the keys'],
    [framed('0a026b31 1a0708001000 1a0161'), 'an index outside of the hash keys'],
    [framed('0a026b31 1a020800'), 'a record without data'],
    [framed('0a026b31 1a03 1a0161'), 'a record without a key'],
    [framed('0a05 6b31'), 'a field that is cut off'],
    [framed('0a026b31 08'), 'a varint that is cut off'],
    [framed('0a026b31 0b'), 'a wire type that is none'],
    [framed('0a026b31 02016b'), 'a field number that is none']
  ])('%s is none: %s', hex => {
    expect(decode(hex)).toBeUndefined()
  })

  it('is read as it was written by another implementation', () => {
    const userRecord = fc.record({
      partitionKey: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
      explicitHashKey: fc.option(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map(String), {
        nil: undefined
      }),
      data: fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes).toString('hex'))
    })
    fc.assert(
      fc.property(fc.array(userRecord, { minLength: 1, maxLength: 200 }), records => {
        const read = aggregatedRecords(encodeByProtobufjs(records))
        expect(read?.map(({ partitionKey, data }) => ({ partitionKey, data: data.toString('hex') }))).toEqual(
          records.map(({ partitionKey, data }) => ({ partitionKey, data }))
        )
      }),
      { numRuns: 50 }
    )
  })

  it('with any bit turned over is none', () => {
    const bytes = Buffer.from(a.replaceAll(' ', ''), 'hex')
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const altered = Buffer.from(bytes)
      altered[bit >> 3]! ^= 1 << (bit & 7)
      expect(aggregatedRecords(altered)).toBeUndefined()
    }
  })
})
