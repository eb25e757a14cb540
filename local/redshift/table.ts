import { CopyError } from './errors.ts'
import type { PostgresClient } from './postgres-client.ts'
import type { Column } from './values.ts'

/** What a COPY loads into. */
export interface Table {
  /** In quotes, for statements. */
  readonly name: string
  /** In the order of the list, or of the table. */
  readonly columns: readonly Column[]
}

/** Without a list of its own a COPY leaves out columns that make their values themselves. */
const columnsQuery = `
  select a.attname as name, t.typname as type, a.atttypmod as modifier,
    a.attidentity <> '' or a.attgenerated <> '' as generated
  from pg_attribute a join pg_type t on t.oid = a.atttypid
  where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped
  order by a.attnum`

/** @throws {CopyError} ColumnNotFound; and what PostgreSQL says about a table that is not there */
export async function describeTable(
  client: PostgresClient,
  path: readonly string[],
  names: readonly string[] | undefined
): Promise<Table> {
  const name = path.map(quoteName).join('.')
  const { rows } = await client.query(columnsQuery, [name])
  const all = (rows as unknown as ColumnRow[]).map(row => ({ ...toColumn(row), generated: row.generated }))
  const columns = names?.map(wanted => {
    const column = all.find(one => one.name === wanted)
    if (column === undefined)
      throw new CopyError('ColumnNotFound', 'a column of the list is not in the table')
    return column
  })
  return { name, columns: columns ?? all.filter(({ generated }) => !generated) }
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

interface ColumnRow {
  readonly name: string
  readonly type: string
  readonly modifier: number
  readonly generated: boolean
}

/** Modifiers are 4 more than what they say, and -1 for none; a numeric's holds its precision in the upper half. */
function toColumn({ name, type, modifier }: ColumnRow): Column {
  const bound = modifier < 4 ? undefined : modifier - 4
  return {
    name,
    type,
    maxBytes: type === 'varchar' || type === 'bpchar' ? bound : undefined,
    scale: type === 'numeric' && bound !== undefined ? bound & 0x7ff : undefined
  }
}
