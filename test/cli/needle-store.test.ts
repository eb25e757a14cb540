import { describe, expect, it } from 'vitest'
import { NeedleStore } from '../../cli/needle-store.ts'

const line = (index: number): Buffer => Buffer.from(`line number ${String(index).padStart(6, '0')}`)

describe('the needles of the scan', () => {
  it('finds every line and every canary that it was given', () => {
    const store = new NeedleStore()
    for (let index = 0; index < 1_000; index += 1) store.add(line(index))
    const scan = store.scan([Buffer.from('a canary of 16 b')])
    for (let index = 0; index < 1_000; index += 1) expect(scan(line(index))).toBe(1)
    expect(scan(Buffer.from('<a canary of 16 b>'))).toBe(1)
    expect(scan(line(1_000))).toBe(0)
  })

  it.each([{ maxCount: 100 }, { maxBytes: 100 * line(0).length }])(
    'keeps a sample that is spread over the whole input within %j',
    limits => {
      const store = new NeedleStore(limits)
      for (let index = 0; index < 10_000; index += 1) store.add(line(index))
      expect(store.size).toBeLessThanOrEqual(100)
      expect(store.size).toBeGreaterThan(40)
      const scan = store.scan([])
      const found = Array.from({ length: 10_000 }, (_, index) => index).filter(index => scan(line(index)) > 0)
      expect(found).toHaveLength(store.size)
      const gaps = found.slice(1).map((index, at) => index - found[at]!)
      expect(new Set(gaps).size).toBe(1)
      expect(found.at(-1)).toBeGreaterThan(9_800)
    }
  )

  it('passes over a line that is larger than all of its room', () => {
    const store = new NeedleStore({ maxBytes: 10 })
    store.add(Buffer.alloc(11))
    expect(store.size).toBe(0)
  })
})
