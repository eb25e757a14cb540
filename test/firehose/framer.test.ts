import { describe, expect, it } from 'vitest'
import { createFramer, type FramingOptions } from '../../firehose/framer.ts'
import { type FrameFunction, Framing, UndeliverableError } from '../../firehose/index.ts'
import { recordsOf } from '../helpers/sink.ts'

function frame(
  framing: Framing | FrameFunction,
  data: string | Buffer,
  options: Partial<FramingOptions> = {}
): string {
  const framer = createFramer({
    framing,
    deliver: 'plaintext',
    destination: undefined,
    recordIdField: undefined,
    maxRecordBytes: 1_000,
    ...options
  })
  return Buffer.from(framer(recordsOf(data)[0]!)).toString('latin1')
}

const elasticsearch = { destination: 'elasticsearch' } as const
const withId = { recordIdField: 'id' }
const id = '"id":"s/shardId-000000000000/1/0"'

describe('framing', () => {
  it.each([
    [Framing.ndjson, '{"a":1}', '{"a":1}\n'],
    [Framing.ndjson, '{"a":1}\n', '{"a":1}\n'],
    [Framing.ndjson, '{"a":1}\r\n', '{"a":1}\r\n'],
    [Framing.ndjson, ' "a" ', ' "a" \n'],
    [Framing.ndjson, '{"a":"\\n"}', '{"a":"\\n"}\n'],
    [Framing.lines, 'any text', 'any text\n'],
    [Framing.lines, 'any text\n', 'any text\n'],
    [Framing.lines, '', '\n'],
    [Framing.none, 'any\ntext', 'any\ntext'],
    [Framing.none, '', '']
  ])('%s sends %j as %j', (framing, text, expected) => {
    expect(frame(framing, text)).toBe(expected)
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
    const refuse = (): unknown => frame(framing, data)
    expect(refuse).toThrow(UndeliverableError)
    expect(refuse).toThrow(expect.objectContaining({ code: 'SEALSTREAM_UNDELIVERABLE', retryable: false }))
    expect(refuse).not.toThrow(/secret/)
  })

  it('sends binary lines byte for byte and leaves the record alone', () => {
    const data = Buffer.from([0xff, 0x00, 0xfe])
    expect(frame(Framing.lines, data)).toBe('\xff\x00\xfe\n')
    expect([...data]).toEqual([0xff, 0x00, 0xfe])
  })

  it.each([
    ['{"a":1}', '{"a":1}'],
    ['{"a":1}\n', '{"a":1}']
  ])('gives Elasticsearch the document %j without a line feed', (text, expected) => {
    expect(frame(Framing.ndjson, text, elasticsearch)).toBe(expected)
  })

  it.each(['1', '[]', 'null', '"{}"'])('refuses %j where documents are needed', text => {
    expect(() => frame(Framing.ndjson, text, elasticsearch)).toThrow('takes JSON objects')
    expect(() => frame(Framing.ndjson, text, withId)).toThrow('takes JSON objects')
  })

  it('takes the bytes of a function, whose error is the cause alone', () => {
    const upper: FrameFunction = (data, { subSequenceNumber }) =>
      Buffer.from(`${subSequenceNumber}:${Buffer.from(data).toString().toUpperCase()};`)
    expect(frame(upper, 'ab')).toBe('0:AB;')
    const cause = new Error('cannot frame secret')
    const throwing = (): unknown =>
      frame(() => {
        throw cause
      }, 'secret')
    expect(throwing).toThrow(expect.objectContaining({ code: 'SEALSTREAM_UNDELIVERABLE', cause }))
    expect(throwing).not.toThrow(/secret/)
    expect(() => frame((() => 'text') as never, 'a')).toThrow('returned no bytes')
    const reason = new UndeliverableError('not today')
    expect(() =>
      frame(() => {
        throw reason
      }, 'a')
    ).toThrow(reason)
  })

  it('measures what it has framed', () => {
    expect(frame(Framing.lines, 'x'.repeat(9), { maxRecordBytes: 10 })).toHaveLength(10)
    expect(() => frame(Framing.lines, 'x'.repeat(10), { maxRecordBytes: 10 })).toThrow(
      '11 bytes with framing, at most 10'
    )
    expect(frame(Framing.lines, `${'x'.repeat(9)}\n`, { maxRecordBytes: 10 })).toHaveLength(10)
  })

  it('makes one line of base64 of a Kinesis record, whatever it holds', () => {
    const data = Buffer.from([0x00, 0x0a, 0xff, 0x0a])
    const line = frame(Framing.none, data, { deliver: 'ciphertext' })
    expect(line).toBe(`${data.toString('base64')}\n`)
  })
})

describe('record ids', () => {
  it.each([
    ['{"a":1}', `{${id},"a":1}\n`],
    ['{"a":1}\n', `{${id},"a":1}\n`],
    [' {}', ` {${id}}\n`],
    ['{ }', `{${id} }\n`]
  ])('puts the id first in %j', (text, expected) => {
    expect(frame(Framing.ndjson, text, withId)).toBe(expected)
    expect(JSON.parse(expected)).toMatchObject({ id: 's/shardId-000000000000/1/0' })
    expect(frame(Framing.ndjson, text, { ...withId, ...elasticsearch })).toBe(expected.slice(0, -1))
  })

  it('writes any name of a member as JSON does', () => {
    const name = 'ä "quoted"'
    const framed = Buffer.from(frame(Framing.ndjson, '{"x":2}', { recordIdField: name }), 'latin1').toString()
    expect(JSON.parse(framed)).toEqual({ [name]: 's/shardId-000000000000/1/0', x: 2 })
  })

  it('refuses a record that has such a member: two would make either of them win', () => {
    expect(() => frame(Framing.ndjson, '{"id":"secret"}', withId)).toThrow('a member "id" of its own')
    expect(frame(Framing.ndjson, '{"a":{"id":1}}', withId)).toBe(`{${id},"a":{"id":1}}\n`)
  })

  it('refuses a record that does not say where it came from', () => {
    const framer = createFramer({
      framing: 'ndjson',
      deliver: 'plaintext',
      destination: undefined,
      recordIdField: 'id',
      maxRecordBytes: 100
    })
    expect(() => framer({ data: Buffer.from('{}') })).toThrow('needs the stream, shard and position')
  })
})
