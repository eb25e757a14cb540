import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PlaintextScan, packNeedles } from '../../pipeline/index.ts'
import { seeds } from '../helpers/seeds.ts'

const needle = Buffer.from('{"id":"a1","carrier":"Zürich Ærø 航空"}')
const scan = new PlaintextScan(packNeedles([needle]))
const utf16le = (text: Uint8Array): Buffer => Buffer.from(Buffer.from(text).toString('utf8'), 'utf16le')
const utf16be = (text: Uint8Array): Buffer => utf16le(text).swap16()
const text = (encoding: 'hex' | 'base64' | 'base64url') => (bytes: Uint8Array) =>
  Buffer.from(Buffer.from(bytes).toString(encoding))
const upperHex = (bytes: Uint8Array): Buffer => Buffer.from(Buffer.from(bytes).toString('hex').toUpperCase())

const disguises = {
  raw: (bytes: Uint8Array) => Buffer.from(bytes),
  hex: text('hex'),
  'upper-case hex': upperHex,
  base64: text('base64'),
  base64url: text('base64url'),
  'UTF-16 little endian': utf16le,
  'UTF-16 big endian': utf16be
}
const nested = {
  'base64 in UTF-16': (bytes: Uint8Array) => utf16le(text('base64')(bytes)),
  'hex in UTF-16': (bytes: Uint8Array) => utf16be(text('hex')(bytes)),
  'UTF-16 in base64': (bytes: Uint8Array) => text('base64')(utf16le(bytes)),
  'base64 in base64': (bytes: Uint8Array) => text('base64')(text('base64')(bytes))
}

describe('the scan for plaintext', () => {
  it.each(Object.entries({ ...disguises, ...nested }))(
    'finds a needle in %s at every offset',
    (_, disguise) => {
      for (let offset = 0; offset < 8; offset += 1) {
        const blob = Buffer.concat([randomBytes(offset), disguise(needle), randomBytes(9)])
        expect(scan.scan(blob)).toBe(1)
        expect(scan.scan(Buffer.concat([Buffer.alloc(offset, 'a'), disguise(needle)]))).toBe(1)
      }
    }
  )

  it.each([text('base64'), text('base64url'), text('hex'), upperHex])(
    'finds a needle at every alignment inside of a larger text that was encoded',
    encode => {
      for (let before = 0; before < 6; before += 1) {
        for (let after = 0; after < 4; after += 1) {
          const whole = Buffer.concat([randomBytes(before), needle, randomBytes(after)])
          expect(scan.scan(encode(whole))).toBe(1)
        }
      }
    }
  )

  it('does not find what differs in one byte, or stands there in part', () => {
    for (let at = 0; at < needle.length; at += 1) {
      const other = Buffer.from(needle)
      other[at]! ^= 1
      expect(scan.scan(other)).toBe(0)
    }
    expect(scan.scan(needle.subarray(1))).toBe(0)
    expect(scan.scan(needle.subarray(0, -1))).toBe(0)
    expect(scan.scan(Buffer.alloc(0))).toBe(0)
  })

  it('counts a needle once, however often it stands there', () => {
    expect(scan.scan(Buffer.concat([needle, Buffer.from(' '), needle, text('hex')(needle)]))).toBe(1)
  })

  it('says how many needles were too short to look for', () => {
    const short = new PlaintextScan(
      packNeedles([Buffer.alloc(11, 'a'), Buffer.alloc(12, 'b'), Buffer.alloc(0)])
    )
    expect(short.ignored).toBe(2)
    expect(short.scan(Buffer.alloc(20, 'a'))).toBe(0)
    expect(short.scan(Buffer.alloc(20, 'b'))).toBe(1)
    expect(new PlaintextScan(packNeedles([])).scan(randomBytes(100))).toBe(0)
  })

  it('finds exactly the needles that a search for each by itself finds', () => {
    // Few letters, so that windows are shared and needles stand inside of each other.
    const bytes = fc
      .array(fc.constantFrom('a', 'b'), { minLength: 10, maxLength: 40 })
      .map(letters => Buffer.from(letters.join('')))
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 30 }), fc.array(bytes, { maxLength: 8 }), (needles, parts) => {
        const blob = Buffer.concat([randomBytes(3), ...parts, ...needles.slice(0, 2), randomBytes(3)])
        const expected = needles.filter(each => each.length >= 12 && blob.includes(each)).length
        // 'aabb…' is base64 as well: what it decodes to holds none of the letters in a row.
        expect(new PlaintextScan(packNeedles(needles)).scan(blob)).toBe(expected)
      }),
      { numRuns: seeds(300) }
    )
  })

  it('looks for many needles with a common beginning at once', () => {
    const lines = Array.from({ length: 20_000 }, (_, index) =>
      Buffer.from(`{"origin":"LAX","destination":"SFO","id":"${index}"}`)
    )
    const many = new PlaintextScan(packNeedles(lines))
    expect(many.scan(Buffer.concat(lines.slice(100, 200)))).toBe(100)
    expect(many.scan(randomBytes(100_000))).toBe(0)
  })
})
