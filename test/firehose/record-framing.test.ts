import { describe, expect, it } from 'vitest'
import { Framing, UndeliverableError } from '../../firehose/index.ts'
import { frameRecord } from '../../firehose/record-framing.ts'
import { splitBatches } from '../../firehose/split-batches.ts'

describe('framing', () => {
  it.each([
    [Framing.ndjson, '{"a":1}', '{"a":1}\n'],
    [Framing.ndjson, '{"a":1}\n', '{"a":1}\n'],
    [Framing.ndjson, '{"a":1}\r\n', '{"a":1}\r\n'],
    [Framing.ndjson, ' "Ærø" ', ' "Ærø" \n'],
    [Framing.ndjson, '{"a":"\\n"}', '{"a":"\\n"}\n'],
    [Framing.lines, 'any text', 'any text\n'],
    [Framing.lines, 'any text\n', 'any text\n'],
    [Framing.lines, '', '\n'],
    [Framing.none, 'any\ntext', 'any\ntext'],
    [Framing.none, '', '']
  ])('%s sends %j as %j', (framing, text, expected) => {
    expect(Buffer.from(frameRecord(framing, Buffer.from(text))).toString()).toBe(expected)
  })

  it.each([
    [Framing.ndjson, Buffer.from('')],
    [Framing.ndjson, Buffer.from('{"secret":')],
    [Framing.ndjson, Buffer.from('{"secret":\n1}')],
    [Framing.ndjson, Buffer.from('{"secret":1}\n\n')],
    [Framing.ndjson, Buffer.from('\n{"secret":1}')],
    [Framing.ndjson, Buffer.from([0x22, 0xff, 0x22])],
    [Framing.lines, Buffer.from('secret\nsecret')],
    [Framing.lines, Buffer.from('\n\n')]
  ])('%s refuses %j, and the error does not quote it', (framing, data) => {
    const refuse = (): unknown => frameRecord(framing, data)
    expect(refuse).toThrow(UndeliverableError)
    expect(refuse).toThrow(expect.objectContaining({ code: 'SEALSTREAM_UNDELIVERABLE', retryable: false }))
    expect(refuse).not.toThrow(/secret/)
  })

  it('sends binary lines byte for byte and leaves the record alone', () => {
    const data = Buffer.from([0xff, 0x00, 0xfe])
    expect([...frameRecord(Framing.lines, data)]).toEqual([0xff, 0x00, 0xfe, 0x0a])
    expect([...data]).toEqual([0xff, 0x00, 0xfe])
  })
})

describe('batches', () => {
  const sizesOf = (sizes: readonly number[], maxBatchRecords: number, maxBatchBytes: number) =>
    [
      ...splitBatches(
        sizes.map(size => ({ data: Buffer.alloc(size) })),
        { maxBatchRecords, maxBatchBytes }
      )
    ].map(batch => batch.map(({ data }) => data.length))

  it.each([
    [[], 5, 10, []],
    [[1, 2, 3], 5, 10, [[1, 2, 3]]],
    [[5, 5, 1], 5, 10, [[5, 5], [1]]],
    [[1, 1, 1, 1, 1], 2, 10, [[1, 1], [1, 1], [1]]],
    [[11, 1, 11], 5, 10, [[11], [1], [11]]],
    [[0, 0, 10, 0], 5, 10, [[0, 0, 10, 0]]]
  ])('cuts %j at %i records and %i bytes', (sizes, records, bytes, expected) => {
    expect(sizesOf(sizes, records, bytes)).toEqual(expected)
  })
})
