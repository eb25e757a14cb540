import { createRequire } from 'node:module'
import { StateError } from '../state/index.ts'

/** The part of the package `level` that is used: a database of JSON values, in the order of their keys. */
interface LevelDatabase {
  open(): Promise<void>
  close(): Promise<void>
  put(key: string, value: object): Promise<void>
  clear(range: { readonly gte: string; readonly lt: string }): Promise<void>
  iterator(range: { readonly gte: string; readonly lt: string }): AsyncIterable<readonly [string, Table]>
}

interface Table {
  readonly TableName: string
  readonly TableStatus: string
  readonly GlobalSecondaryIndexes?: readonly object[]
}

/**
 * Ends what tables were in the middle of when their process died, before `dynalite` sees them: it ends changes of
 * status on timers alone. The keys are its own: `table~<table>`, `item-<table>~…`, `tag-<table>~…`,
 * `index-<local or global>~<table>~<index>~…`; no name of a table holds a `~`.
 * @throws {StateError} when the database cannot be opened
 */
export async function repairTables(folder: string): Promise<void> {
  const { Level } = createRequire(createRequire(import.meta.url).resolve('dynalite'))('level') as {
    Level: new (path: string, options: object) => LevelDatabase
  }
  const database = new Level(folder, { valueEncoding: 'json' })
  await database.open().catch(() => {
    throw StateError.damaged(folder, 'its database cannot be opened')
  })
  try {
    for await (const [key, table] of database.iterator(below('table~'))) {
      if (table.TableStatus === 'DELETING') await deleteTable(database, table.TableName)
      else if (table.TableStatus !== 'ACTIVE') await database.put(key, activated(table))
    }
  } finally {
    await database.close()
  }
}

async function deleteTable(database: LevelDatabase, name: string): Promise<void> {
  const prefixes = [`item-${name}~`, `tag-${name}~`, `index-local~${name}~`, `index-global~${name}~`]
  for (const prefix of prefixes) await database.clear(below(prefix))
  // Last, so that a repair that is cut short is made up for by the next one.
  await database.clear({ gte: `table~${name}`, lt: `table~${name}\u0000` })
}

function activated(table: Table): object {
  const { GlobalSecondaryIndexes: indexes } = table
  return {
    ...table,
    TableStatus: 'ACTIVE',
    ...(indexes === undefined
      ? {}
      : { GlobalSecondaryIndexes: indexes.map(index => ({ ...index, IndexStatus: 'ACTIVE' })) })
  }
}

/** All keys that begin with `prefix`, which ends in `~`. */
function below(prefix: string): { readonly gte: string; readonly lt: string } {
  return { gte: prefix, lt: `${prefix.slice(0, -1)}\u007f` }
}
