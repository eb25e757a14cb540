import { describe, expect, it } from 'vitest'
import { type InputLine, parseLine, readLines } from '../../cli/input.ts'

async function lines(chunks: readonly (string | Buffer)[], max = 100): Promise<InputLine[]> {
  async function* source(): AsyncGenerator<Buffer | string> {
    yield* chunks
  }
  const found: InputLine[] = []
  for await (const some of readLines(source(), max)) found.push(...some)
  return found
}

const texts = (found: InputLine[]): string[] =>
  found.map(line => `${line.number}:${line.bytes.toString('utf8')}`)

describe('readLines', () => {
  it('splits at LF and CRLF, wherever the chunks are cut', async () => {
    const text = 'a\nbc\r\n\nd\n'
    const whole = texts(await lines([text]))
    expect(whole).toEqual(['1:a', '2:bc', '4:d'])
    for (let cut = 1; cut < text.length; cut += 1) {
      expect(texts(await lines([text.slice(0, cut), Buffer.from(text.slice(cut))]))).toEqual(whole)
    }
  })

  it('takes a last line without terminator, and drops a byte order mark', async () => {
    expect(texts(await lines(['\uFEFFa\nb']))).toEqual(['1:a', '2:b'])
    expect(await lines([])).toEqual([])
  })

  it('holds at most the bound of a line that is too long, and goes on behind it', async () => {
    const found = await lines(['x'.repeat(70), 'x'.repeat(70), '\nnext\n'])
    expect(found.map(({ number, bytes, tooLong }) => [number, bytes.length, tooLong])).toEqual([
      [1, 100, true],
      [2, 4, false]
    ])
  })
})

describe('parseLine', () => {
  const parse = (text: string): unknown =>
    parseLine(
      { number: 1, bytes: Buffer.from(text), tooLong: false },
      { format: 'ndjson', partitionKeyField: 'key' }
    )

  it('takes the partition key from the member', () => {
    expect(parse('{"key":"k","v":1}')).toMatchObject({ ok: true, partitionKey: 'k' })
    expect(parse('{"key":7}')).toMatchObject({ ok: true, partitionKey: '7' })
    expect(parse(`{"key":"${'é'.repeat(256)}"}`)).toMatchObject({ ok: true })
  })

  it.each([
    ['{"key":', 'is not a JSON object'],
    ['[1]', 'is not a JSON object'],
    ['"text"', 'is not a JSON object'],
    ['{"v":1}', 'has no partition key: member key is missing'],
    ['{"key":null}', 'has no partition key: member key is missing'],
    ['{"key":""}', 'has an empty partition key in member key'],
    ['{"key":{}}', 'member key is neither a string nor a number'],
    [`{"key":"${'k'.repeat(257)}"}`, 'has a partition key of 257 characters']
  ])('says what is wrong with %s', (text, reason) => {
    expect(parse(text)).toMatchObject({ ok: false, reason: expect.stringContaining(reason) })
  })

  it('spreads plain lines by their digest', () => {
    const line = { number: 1, bytes: Buffer.from('plain'), tooLong: false }
    expect(parseLine(line, { format: 'lines', partitionKeyField: undefined })).toMatchObject({
      ok: true,
      partitionKey: expect.stringMatching(/^[0-9a-f]{32}$/)
    })
  })
})
