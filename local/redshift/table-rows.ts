import type { CopyStatement } from './copy-statement.ts'
import { csvRows } from './csv-rows.ts'
import { delimitedRows } from './delimited-rows.ts'
import { CopyError } from './errors.ts'
import { jsonObjects } from './json-objects.ts'
import { type JsonPath, valueAt } from './json-paths.ts'
import { type JsonValue, parseJsonValue } from './json-value.ts'
import type { Row } from './load-rows.ts'
import { maxRowBytes, RowFault } from './rows.ts'
import { decodeUtf8 } from './utf8.ts'
import { type Column, convertValue } from './values.ts'

export interface TableRowsInput {
  readonly bytes: Buffer
  readonly statement: CopyStatement
  readonly columns: readonly Column[]
  /** Of the JSONPaths file, when the statement names one. */
  readonly paths: readonly JsonPath[] | undefined
}

/** The rows that an object holds, converted for their columns, and a fault in the place of each that is wrong. */
export function* tableRows(input: TableRowsInput): Generator<Row | RowFault> {
  const { statement, columns } = input
  for (const read of readers(input)) {
    try {
      const fields = read()
      yield columns.map((column, index) => convertValue(fields[index] ?? null, column, statement.values))
    } catch (error) {
      if (!(error instanceof RowFault)) throw error
      yield error
    }
  }
}

/** Each gives the decoded fields of one row, or throws its fault. */
function* readers({ bytes, statement, columns, paths }: TableRowsInput): Generator<() => Row> {
  const { format, values } = statement
  const latin1 = bytes.toString('latin1')
  if (format.kind === 'json') {
    const find = jsonFields(format.fields === 'auto ignorecase', columns, paths)
    for (const { text, isWhole } of jsonObjects(latin1)) {
      yield () => {
        if (!isWhole) throw new RowFault('a JSON object does not end')
        checkSize(text)
        return find(parseJsonValue(decodeUtf8(text, values.invalidCharacter)))
      }
    }
    return
  }
  for (const row of format.kind === 'csv' ? csvRows(latin1, format) : delimitedRows(latin1, format)) {
    yield () => {
      if (row.kind === 'fault') throw new RowFault(row.reason)
      const fields = row.fields.map(field =>
        field === null ? null : decodeUtf8(field, values.invalidCharacter)
      )
      checkSize(...row.fields)
      return fillUp(fields, columns, format.fillsRecords)
    }
  }
}

/** Fields of a JSON value, one for each column. */
function jsonFields(
  ignoresCase: boolean,
  columns: readonly Column[],
  paths: readonly JsonPath[] | undefined
): (value: JsonValue) => Row {
  if (paths !== undefined) {
    if (paths.length !== columns.length) {
      throw new CopyError('ColumnMismatch', 'there are not as many JSONPaths as columns')
    }
    return value => paths.map(path => jsonText(valueAt(value, path)))
  }
  const fold = (name: string): string => (ignoresCase ? name.toLowerCase() : name)
  return value => {
    if (value.kind !== 'object') throw new RowFault('a JSON array needs JSONPaths')
    const members = ignoresCase
      ? new Map([...value.members].map(([name, member]) => [fold(name), member]))
      : value.members
    return columns.map(({ name }) => jsonText(members.get(fold(name))))
  }
}

function jsonText(value: JsonValue | undefined): string | null {
  return value?.text ?? null
}

function fillUp(fields: Row, columns: readonly Column[], fillsRecords: boolean): Row {
  if (fields.length > columns.length) throw new RowFault('a row has more fields than columns')
  if (fields.length === columns.length) return fields
  if (!fillsRecords) throw new RowFault('a row has fewer fields than columns')
  const missing = columns.slice(fields.length).map(({ type }) => (type === 'varchar' ? '' : null))
  return [...fields, ...missing]
}

/** Every character is a byte still. */
function checkSize(...latin1: readonly (string | null)[]): void {
  const sizeBytes = latin1.reduce((sum, field) => sum + (field?.length ?? 0), 0)
  if (sizeBytes > maxRowBytes) throw new RowFault('a row is larger than 4 MiB')
}
