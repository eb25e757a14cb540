import { describe, expect, it } from 'vitest'
import type { Batch, Member } from '../../firehose/batch.ts'
import { Batcher, type BatcherOptions } from '../../firehose/batcher.ts'
import { billedBytes } from '../../firehose/billing.ts'
import { Offer } from '../../firehose/offer.ts'
import { FakeClock, settle } from '../helpers/fake-clock.ts'

function start(options: Partial<BatcherOptions> = {}) {
  const clock = new FakeClock()
  const batches: Batch[] = []
  const state = { mayLeave: true }
  const batcher = new Batcher({
    clock,
    maxBatchRecords: 5,
    maxBatchBytes: 10,
    maxBufferedMs: 1_000,
    packing: undefined,
    mayLeave: () => state.mayLeave,
    onBatch: batch => batches.push(batch),
    ...options
  })
  const offer = new Offer({
    counters: { offered: 0, delivered: 0, undeliverable: 0, failed: 0 },
    onEvent: () => {}
  })
  const add = (...sizes: readonly number[]): void => {
    for (const [index, size] of sizes.entries()) {
      const member: Member = { offer, record: { data: Buffer.alloc(0) }, index, deadlineMs: 0 }
      batcher.add(Buffer.alloc(size), member)
    }
  }
  const sizes = () => batches.map(({ entries }) => entries.map(({ data }) => data.length))
  const members = () => batches.map(({ entries }) => entries.map(entry => entry.members.length))
  return { clock, batcher, batches, state, add, sizes, members }
}

describe('batches', () => {
  it.each([
    [[], 5, 10, []],
    [[1, 2, 3], 5, 10, [[1, 2, 3]]],
    [[5, 5, 1], 5, 10, [[5, 5], [1]]],
    [[1, 1, 1, 1, 1], 2, 10, [[1, 1], [1, 1], [1]]],
    [[11, 1, 11], 5, 10, [[11], [1], [11]]],
    [[0, 0, 10, 0], 5, 10, [[0, 0, 10, 0]]]
  ])('cuts %j at %i records and %i bytes', (given, maxBatchRecords, maxBatchBytes, expected) => {
    const { batcher, add, sizes, batches } = start({ maxBatchRecords, maxBatchBytes })
    add(...given)
    batcher.seal()
    expect(sizes()).toEqual(expected)
    for (const { bytes, entries } of batches)
      expect(bytes).toBe(entries.reduce((sum, { data }) => sum + data.length, 0))
  })

  it('leave when the first record has waited long enough, and not before', async () => {
    const { clock, add, sizes } = start()
    add(1)
    await clock.advance(900)
    add(2)
    await clock.advance(99)
    expect(sizes()).toEqual([])
    await clock.advance(1)
    expect(sizes()).toEqual([[1, 2]])
    add(3)
    await clock.advance(999)
    expect(sizes()).toEqual([[1, 2]])
    await clock.advance(1)
    expect(sizes()).toEqual([[1, 2], [3]])
    expect(clock.pending).toBe(0)
  })

  it('start a new age once they left full', async () => {
    const { clock, add, sizes } = start()
    add(5)
    await clock.advance(900)
    add(5, 1)
    expect(sizes()).toEqual([[5, 5]])
    await clock.advance(999)
    expect(sizes()).toEqual([[5, 5]])
    await clock.advance(1)
    expect(sizes()).toEqual([[5, 5], [1]])
  })

  it('that are due grow until there is a slot for them', async () => {
    const { clock, batcher, state, add, sizes } = start()
    state.mayLeave = false
    add(1)
    await clock.advance(5_000)
    add(2)
    batcher.leaveIfDue()
    expect(sizes()).toEqual([])
    state.mayLeave = true
    batcher.leaveIfDue()
    expect(sizes()).toEqual([[1, 2]])
    add(3)
    batcher.leaveIfDue()
    expect(sizes()).toEqual([[1, 2]])
  })

  it('without an age take what is put without a pause', async () => {
    const { batcher, add, sizes } = start({ maxBufferedMs: 0 })
    add(1)
    await settle(1)
    add(2)
    batcher.pause()
    batcher.pause()
    add(3)
    expect(sizes()).toEqual([])
    await settle(1)
    add(4)
    batcher.pause()
    await settle(1)
    expect(sizes()).toEqual([[1, 2, 3], [4]])
  })
})

describe('packs', () => {
  it.each([
    [[4, 4, 4], [[8, 4]], [[2, 1]]],
    [[9, 1, 1], [[9, 2]], [[1, 2]]],
    [[1, 1, 1, 1], [[3, 1]], [[3, 1]]],
    [[0, 0, 0, 0], [[0, 0]], [[3, 1]]],
    [
      [8, 8, 8],
      [[8, 8], [8]],
      [[1, 1], [1]]
    ]
  ])('of %j are %j', (given, expectedSizes, expectedMembers) => {
    const { batcher, add, sizes, members } = start({
      maxBatchRecords: 2,
      maxBatchBytes: 100,
      packing: { maxPackBytes: 8, maxPackRecords: 3 }
    })
    add(...given)
    batcher.seal()
    expect(sizes()).toEqual(expectedSizes)
    expect(members()).toEqual(expectedMembers)
  })

  it('keep a batch within its bytes, the open pack included', () => {
    const { batcher, add, sizes } = start({ packing: { maxPackBytes: 8, maxPackRecords: 3 } })
    add(3, 3, 3, 3)
    batcher.seal()
    expect(sizes()).toEqual([[6, 3], [3]])
  })

  it('never hold more entries than a batch may', () => {
    const { batcher, add, sizes } = start({
      maxBatchRecords: 1,
      maxBatchBytes: 100,
      packing: { maxPackBytes: 2, maxPackRecords: 2 }
    })
    add(1, 1, 1, 1, 1)
    batcher.seal()
    expect(sizes()).toEqual([[2], [2], [1]])
  })
})

describe('billing', () => {
  it.each([
    [0, 5_120],
    [1, 5_120],
    [5_120, 5_120],
    [5_121, 10_240],
    [41_000, 46_080],
    [51_220, 56_320]
  ])('counts %i bytes as %i', (bytes, billed) => {
    expect(billedBytes(bytes)).toBe(billed)
  })
})
