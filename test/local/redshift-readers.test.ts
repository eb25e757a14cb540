import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCopyStatement } from '../../local/redshift/copy-statement.ts'
import { csvRows } from '../../local/redshift/csv-rows.ts'
import { delimitedRows } from '../../local/redshift/delimited-rows.ts'
import { isLoopback, parseJdbcUrl } from '../../local/redshift/jdbc-url.ts'
import { jsonObjects } from '../../local/redshift/json-objects.ts'
import { type JsonValue, parseJsonValue } from '../../local/redshift/json-value.ts'
import { type RawRow, RowFault } from '../../local/redshift/rows.ts'
import { tableRows } from '../../local/redshift/table-rows.ts'
import { decodeUtf8 } from '../../local/redshift/utf8.ts'

const lines = {
  headerLines: 0,
  ignoresBlankLines: false,
  fillsRecords: false,
  nullText: '\\N'
}

/** Texts of what a reader has to take care of. */
const field = fc.string({
  unit: fc.constantFrom('a', ' ', '"', "'", ',', '|', '\\', '\n', '\r', 'N', '\xe4')
})
const rows = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 })

const fieldsOf = (read: Iterable<RawRow>) =>
  [...read].map(row => (row.kind === 'row' ? row.fields : row.reason))

describe('a COPY statement', () => {
  it('names table, columns and manifest, names folded to lower case unless they stand in quotes', () => {
    expect(
      parseCopyStatement(
        `copy "My ""Schema""".Events (ID, "Name")\n from 's3://bucket/a''b/m' manifest csv quote '%' maxerror 3;`
      )
    ).toMatchObject({
      table: ['My "Schema"', 'events'],
      columns: ['id', 'Name'],
      manifest: { bucket: 'bucket', key: "a'b/m" },
      format: { kind: 'csv', quote: '%', delimiter: ',' },
      maxErrors: 3
    })
  })

  it('is refused with SyntaxError or IncorrectCopyOptions wherever it is cut off', () => {
    const whole = `COPY s."t" (a, "b") FROM 's3://bucket/m' CREDENTIALS 'x' JSON AS 'auto' MANIFEST`
    for (let end = 0; end < whole.length; end += 1) {
      expect(() => parseCopyStatement(whole.slice(0, end))).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(SyntaxError|IncorrectCopyOptions)$/) })
      )
    }
  })
})

describe('objects of JSON', () => {
  const toPlain = (value: JsonValue): unknown =>
    value.kind === 'object'
      ? Object.fromEntries([...value.members].map(([name, member]) => [name, toPlain(member)]))
      : value.kind === 'array'
        ? value.items.map(toPlain)
        : value.text

  /** Scalars but texts as they are written. */
  const asTexts = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(asTexts)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, asTexts(member)]))
        : typeof value === 'string' || value === null
          ? value
          : JSON.stringify(value)

  const document = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()))

  it('are found behind each other with any white space between them, and read as they were written', () => {
    fc.assert(
      fc.property(fc.array(document), fc.constantFrom('', ' ', '\n', '\r\n\t'), (documents, between) => {
        const text = documents.map(one => JSON.stringify(one)).join(between)
        const pieces = [...jsonObjects(text)]
        expect(pieces.every(({ isWhole }) => isWhole)).toBe(true)
        expect(pieces.map(piece => toPlain(parseJsonValue(piece.text)))).toEqual(documents.map(asTexts))
      })
    )
  })

  it('are not found when they are cut off', () => {
    fc.assert(
      fc.property(document, fc.nat(), (one, cut) => {
        const text = JSON.stringify(one)
        const end = 1 + (cut % (text.length - 1))
        expect([...jsonObjects(text.slice(0, end))]).toEqual([{ text: text.slice(0, end), isWhole: false }])
      })
    )
  })

  it.each([
    '{"a":01}',
    '{"a":+1}',
    '{"a":1.}',
    '{a:1}',
    "{'a':1}",
    '{"a":"\n"}',
    '{"a" 1}',
    '{"a":1]',
    '[1 2]',
    '[1,]'
  ])('are refused as %j', text => {
    expect(() => parseJsonValue(text)).toThrow('the JSON is not valid')
  })

  it('are refused when they are nested too deeply, and do not end the process', () => {
    expect(() => parseJsonValue('['.repeat(100_000) + ']'.repeat(100_000))).toThrow('the JSON is not valid')
  })
})

describe('rows', () => {
  it('of CSV come out as they were quoted', () => {
    fc.assert(
      fc.property(rows, given => {
        const text = given.map(row => row.map(one => `"${one.replaceAll('"', '""')}"`).join(',')).join('\n')
        expect(fieldsOf(csvRows(text, { kind: 'csv', quote: '"', delimiter: ',', ...lines }))).toEqual(
          given.map(row => row.map(one => (one === '\\N' ? null : one)))
        )
      })
    )
  })

  it('of delimited text come out as they were escaped', () => {
    fc.assert(
      fc.property(rows, given => {
        const text = given
          .map(row => `${row.map(one => one.replace(/[|\\\n\r]/g, '\\$&')).join('|')}\n`)
          .join('')
        expect(
          fieldsOf(
            delimitedRows(text, {
              kind: 'delimited',
              escapes: true,
              removesQuotes: false,
              delimiter: '|',
              ...lines
            })
          )
        ).toEqual(given)
      })
    )
  })

  it('keep the bytes of any text in UTF-8, and replace each one that is none', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), text => {
        expect(decodeUtf8(Buffer.from(text).toString('latin1'), undefined)).toBe(text)
      })
    )
    fc.assert(
      fc.property(fc.uint8Array(), bytes => {
        const given = Buffer.from(bytes)
        const text = decodeUtf8(given.toString('latin1'), '?')
        expect(Buffer.byteLength(text)).toBe(given.length)
      })
    )
  })
})

describe('a row', () => {
  const read = (options: string, data: string) => {
    const statement = parseCopyStatement(`COPY t FROM 's3://bucket/m' MANIFEST ${options}`)
    const columns = ['a', 'b'].map(name => ({ name, type: 'text', maxBytes: undefined, scale: undefined }))
    return [...tableRows({ bytes: Buffer.from(data), statement, columns, paths: undefined })].map(row =>
      row instanceof RowFault ? row.message : row.map(text => text?.length)
    )
  }

  it('holds at most 4 MiB', () => {
    const most = 'x'.repeat(4 * 1024 * 1024 - 1)
    expect(read('', `1|${most}`)).toEqual([[1, most.length]])
    expect(read('', `1|${most}y`)).toEqual(['a row is larger than 4 MiB'])
    const json = `{"b":"${most.slice(7)}"}`
    expect(read("JSON 'auto'", json)).toEqual([[undefined, most.length - 7]])
    expect(read("JSON 'auto'", json.replace(':', ': '))).toEqual(['a row is larger than 4 MiB'])
  })
})

describe('a JDBC address', () => {
  it.each([
    ['jdbc:redshift://127.0.0.1:5439/dev', { host: '127.0.0.1', port: 5439, database: 'dev' }, true],
    ['jdbc:postgresql://localhost:1/a_b-$', { host: 'localhost', port: 1, database: 'a_b-$' }, true],
    ['jdbc:redshift://[::1]:5439/dev', { host: '[::1]', port: 5439, database: 'dev' }, true],
    [
      'jdbc:redshift://127.0.0.1.example.com:5439/dev',
      { host: '127.0.0.1.example.com', port: 5439, database: 'dev' },
      false
    ]
  ])('%s is taken apart', (url, parts, isLocal) => {
    expect(parseJdbcUrl(url)).toEqual(parts)
    expect(isLoopback(parts.host)).toBe(isLocal)
  })

  it.each([
    'redshift://127.0.0.1:1/dev',
    'jdbc:redshift://127.0.0.1/dev',
    'jdbc:redshift://u:p@127.0.0.1:1/dev',
    'jdbc:redshift://127.0.0.1:1/'
  ])('%s is none', url => {
    expect(parseJdbcUrl(url)).toBeUndefined()
  })
})
