import type { PostgresRow } from './postgres-client.ts'
import { quoteName } from './table.ts'

export interface RedshiftTableSummary {
  readonly schema: string
  readonly name: string
  readonly rows: number
  /** In their order, with types as PostgreSQL writes them, such as `character varying(20)`. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
}

const tablesQuery = `
  select n.nspname as schema, c.relname as name,
    coalesce(
      json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) order by a.attnum)
        filter (where a.attname is not null),
      '[]') as columns
  from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where c.relkind in ('r', 'p') and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'
  group by n.nspname, c.relname
  order by n.nspname, c.relname`

/** Undefined table or schema: it was dropped after it was listed. */
const goneStates: readonly unknown[] = ['42P01', '3F000']

/** The tables of a database, without those of the system; each with its rows counted one by one. */
export async function tableSummaries(
  query: (sql: string) => Promise<readonly PostgresRow[]>
): Promise<readonly RedshiftTableSummary[]> {
  const found: RedshiftTableSummary[] = []
  for (const row of await query(tablesQuery)) {
    const { schema, name, columns } = row as unknown as Omit<RedshiftTableSummary, 'rows'>
    try {
      const [counted] = await query(`select count(*) as rows from ${quoteName(schema)}.${quoteName(name)}`)
      found.push({ schema, name, rows: Number(counted!.rows), columns })
    } catch (error) {
      if (!goneStates.includes((error as { code?: unknown }).code)) throw error
    }
  }
  return found
}
