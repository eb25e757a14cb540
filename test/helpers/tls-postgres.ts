import { chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { type RunningRedshift, startRedshift } from '../../local/redshift/engine.ts'
import { EngineStartError } from '../../local/testing/errors.ts'
import { createAuthority, type Identity } from './certificates.ts'

export interface TlsPostgres {
  readonly port: number
  readonly database: string
  /** The authority that its certificate, for `localhost`, is signed by; in PEM. */
  readonly ca: string
  query: RunningRedshift['local']['query']
}

/**
 * A PostgreSQL that takes connections over TLS alone, and passwords in the clear within, as RDS takes tokens. It ends with
 * the test file. Undefined, with the reason printed, where no PostgreSQL can be had.
 */
export async function openTlsPostgres(): Promise<TlsPostgres | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'sealstream-tls-postgres-'))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  const server = await start(folder)
  if (server === undefined) return undefined
  afterAll(() => server.close())
  const authority = await createAuthority()
  const data = join(folder, 'data')
  await putIdentity(data, await authority.issue('localhost', '127.0.0.1'))
  await writeFile(join(data, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 password\n')
  const { query, url } = server.local
  await query('alter system set ssl = on')
  await query('select pg_reload_conf()')
  const { port, pathname } = new URL(url)
  return { port: Number(port), database: pathname.slice(1), ca: authority.certificate, query }
}

async function start(folder: string): Promise<RunningRedshift | undefined> {
  try {
    return await startRedshift({ folder })
  } catch (error) {
    if (!(error instanceof EngineStartError) || error.reason !== 'package-missing') throw error
    console.warn(`skipped: ${error.message}`)
    return undefined
  }
}

/** Under the names that the server looks for; it wants the key for itself alone. */
async function putIdentity(data: string, { key, certificate }: Identity): Promise<void> {
  const { uid, gid } = await stat(data)
  for (const [name, text] of [
    ['server.crt', certificate],
    ['server.key', key]
  ] as const) {
    const file = join(data, name)
    await writeFile(file, text, { mode: 0o600 })
    if (process.getuid?.() === 0) await chown(file, uid, gid)
  }
}
