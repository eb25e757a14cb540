import type { ConformanceEngine } from './engines.ts'

export type ConformanceResult = 'pass' | 'differs' | 'not there' | 'unsteady' | 'not run' | 'no service'

/** Columns of the table, in their order, behind that of the cases. */
export const columns: readonly ConformanceEngine[] = ['embedded', 'kinesis-local', 'localstack']

/** Rows of the table in docs/engines.md, cell by cell. */
function rowsOf(page: string): readonly (readonly string[])[] {
  const [, table = ''] = /<!-- conformance -->([\s\S]*)<!-- \/conformance -->/.exec(page) ?? []
  return [...table.matchAll(/^\| `([^`]+)` \|(.*)\|$/gm)].map(([, id, rest]) => [
    id!,
    ...rest!.split('|').map(cell => cell.trim())
  ])
}

export function idsOfTable(page: string): readonly string[] {
  return rowsOf(page).map(([id]) => id!)
}

/** What the table says of one engine, by the id of the case. */
export function resultsOfTable(page: string, engine: ConformanceEngine): Readonly<Record<string, string>> {
  // Id, title, then the engines.
  const at = 2 + columns.indexOf(engine)
  return Object.fromEntries(rowsOf(page).map(row => [row[0]!, row[at]!]))
}
