import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isRowError } from './errors.ts'
import type { Postgres, PostgresClient } from './postgres-client.ts'
import { quoteName, type Table } from './table.ts'

export interface RowLoaderOptions {
  readonly postgres: Postgres
  /** In a transaction. */
  readonly client: PostgresClient
  readonly table: Table
}

/** A row of the table, a text or null for each of its columns. */
export type Row = readonly (string | null)[]

/**
 * Loads rows by COPY … FROM STDIN. Those that PostgreSQL refuses are found by halves, each under a savepoint; `onFault`
 * is told of each, and ends the load by throwing.
 */
export async function loadRows(
  options: RowLoaderOptions,
  rows: readonly Row[],
  onFault: (error: unknown) => void
): Promise<void> {
  if (rows.length === 0) return
  const { client } = options
  await client.query('savepoint rows')
  try {
    await copyIn(options, rows)
    await client.query('release savepoint rows')
    return
  } catch (error) {
    if (!isRowError(error)) throw error
    await client.query('rollback to savepoint rows')
    await client.query('release savepoint rows')
    if (rows.length === 1) {
      onFault(error)
      return
    }
  }
  const middle = rows.length >> 1
  await loadRows(options, rows.slice(0, middle), onFault)
  await loadRows(options, rows.slice(middle), onFault)
}

async function copyIn({ postgres, client, table }: RowLoaderOptions, rows: readonly Row[]): Promise<void> {
  const columns = table.columns.map(({ name }) => quoteName(name)).join(', ')
  const stream = client.query(postgres.copyFrom(`copy ${table.name} (${columns}) from stdin`))
  await pipeline(Readable.from(pieces(rows)), stream)
}

/** Rows to the chunk: one each would cost a message each. */
const rowsPerPiece = 500

function* pieces(rows: readonly Row[]): Generator<string> {
  for (let at = 0; at < rows.length; at += rowsPerPiece) {
    yield rows
      .slice(at, at + rowsPerPiece)
      .map(row => `${row.map(copyText).join('\t')}\n`)
      .join('')
  }
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function copyText(value: string | null): string {
  return value === null ? '\\N' : value.replace(/[\\\t\n\r]/g, character => escapes[character]!)
}
