import type { DeliveredPiece, DestinationReader } from './destination-reader.ts'
import type { ResolvedRedshiftDestination } from './destinations.ts'

/** A database that holds the table of a Redshift destination. */
export interface RowSource {
  query(sql: string, values?: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** A column that numbers the rows in the order in which they came, and that no record fills. */
  readonly orderColumn: string
}

const pageRows = 2_000

/** Reads the columns that the records fill, by pages. A column without a value is a member that the record has not. */
export class RowReader implements DestinationReader {
  readonly identity = 'json'
  readonly #source: RowSource
  readonly #table: string
  readonly #columns: readonly string[]
  #last: unknown = 0

  constructor(source: RowSource, { table, columns }: Pick<ResolvedRedshiftDestination, 'table' | 'columns'>) {
    this.#source = source
    this.#table = table
    this.#columns = columns
  }

  async skipExisting(): Promise<void> {
    const { orderColumn } = this.#source
    const [row] = await this.#source.query(`SELECT max(${orderColumn}) AS last FROM ${this.#table}`)
    this.#last = row?.last ?? 0
  }

  async *readNew(signal?: AbortSignal): AsyncGenerator<DeliveredPiece> {
    const { orderColumn } = this.#source
    const columns = this.#columns.length === 0 ? '*' : [...this.#columns, orderColumn].join(', ')
    const sql = `SELECT ${columns} FROM ${this.#table} WHERE ${orderColumn} > $1 ORDER BY ${orderColumn} LIMIT ${pageRows}`
    for (;;) {
      signal?.throwIfAborted()
      const rows = await this.#source.query(sql, [this.#last])
      if (rows.length === 0) return
      this.#last = rows.at(-1)![orderColumn]
      yield { place: this.#table, records: rows.map(row => this.#members(row)) }
      if (rows.length < pageRows) return
    }
  }

  #members(row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    const filled = Object.entries(row).filter(
      ([name, value]) => name !== this.#source.orderColumn && value !== null
    )
    return Object.fromEntries(filled)
  }
}
