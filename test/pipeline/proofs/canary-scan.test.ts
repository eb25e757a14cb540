import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { CanaryScan, canaryForms } from '../../../pipeline/proofs/canary-scan.ts'
import { inflatedStreams } from '../../../pipeline/proofs/inflated-streams.ts'

const canary = Buffer.from(randomBytes(24).toString('hex'))

describe('CanaryScan', () => {
  it.each(Object.keys(canaryForms(canary)))('finds the canary in the form: %s', name => {
    expect(new CanaryScan(canary).finds(canaryForms(canary)[name]!)).toBe(true)
  })

  it('finds none of the forms of another canary', () => {
    const scan = new CanaryScan(canary)
    const other = canaryForms(Buffer.from(randomBytes(24).toString('hex')))
    expect(Object.keys(other).filter(name => scan.finds(other[name]!))).toEqual([])
  })

  it('finds what was packed and then encoded, as a dead letter is', () => {
    const body = JSON.stringify({ data: gzipSync(`{"id":"${canary}"}`).toString('base64') })
    expect(new CanaryScan(canary).finds(Buffer.from(body))).toBe(true)
  })

  it('counts pieces, bytes and hits by place', () => {
    const scan = new CanaryScan(canary)
    scan.enter('lease table')
    scan.add('shard', Buffer.from('nothing here'))
    scan.add('shard', canary)
    expect(scan.places).toEqual({
      'lease table': { pieces: 0, bytes: 0, hits: 0 },
      shard: { pieces: 2, bytes: 12 + canary.length, hits: 1 }
    })
    expect(scan.hits).toBe(1)
  })
})

describe('inflatedStreams', () => {
  it('unpacks what there is of a stream that was cut off', () => {
    const text = randomBytes(3_000).toString('hex')
    const packed = gzipSync(text)
    const found = [...inflatedStreams(packed.subarray(0, packed.length - 100))].map(String)
    expect(found.some(piece => piece.length > 5_000 && text.startsWith(piece))).toBe(true)
  })
})
