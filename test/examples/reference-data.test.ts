import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { Signer } from '@aws-sdk/rds-signer'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAuthority } from '../helpers/certificates.ts'
import { openTlsPostgres } from '../helpers/tls-postgres.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { openDatabase } = await import(`${root}examples/reference-data/database.js`)
const { createStations, enriching } = await import(`${root}examples/reference-data/enrich.js`)

const database = await openTlsPostgres()
await database?.query('create role reader login')
await database?.query('create table stations (id text primary key, name text not null)')
await database?.query("insert into stations values ('s1', 'Weir'), ('s2', 'Bridge')")
await database?.query('grant select on stations to reader')

/** What is used of a pool of the package `pg`, which ships no types. */
interface Pool {
  query(text: string): Promise<{ readonly rows: object[] }>
  connect(): Promise<{ query: Pool['query']; release(): void }>
  end(): Promise<void>
}

/** So that no two are the same. */
let tokens = 0

/** A token of the real signer, which the database takes until there is another: then it has expired. */
async function aSigner() {
  const signer = {
    token: '',
    asked: 0,
    async renew(): Promise<void> {
      tokens += 1
      signer.token = await new Signer({
        hostname: 'localhost',
        port: database!.port,
        username: 'reader',
        region: 'eu-west-1',
        credentials: { accessKeyId: `AKID${tokens}`, secretAccessKey: 'SECRET-MARKER' }
      }).getAuthToken()
      await database!.query(`alter role reader password '${signer.token}'`)
    },
    async getAuthToken(): Promise<string> {
      signer.asked += 1
      return signer.token
    }
  }
  await signer.renew()
  return signer
}

async function open(
  overrides: { readonly signer?: object; readonly ca?: string; readonly port?: number } = {}
): Promise<Pool> {
  const pool = openDatabase({
    host: 'localhost',
    port: database!.port,
    database: database!.database,
    user: 'reader',
    ca: database!.ca,
    ...overrides,
    signer: overrides.signer ?? (await aSigner())
  })
  onTestFinished(() => pool.end())
  return pool
}

describe.skipIf(database === undefined)('a database that is asked with tokens', () => {
  it('takes a new token for each new connection, and leaves open ones alone when theirs has expired', async () => {
    const signer = await aSigner()
    const pool = await open({ signer })
    expect(signer.token).toMatch(/^localhost:\d+\/\?Action=connect&.*X-Amz-Expires=900/)
    const first = await pool.connect()
    expect((await first.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')).rows).toEqual([
      { ssl: true }
    ])
    const expired = signer.token
    await signer.renew()
    expect(signer.token).not.toBe(expired)
    const second = await pool.connect()
    await first.query('select 1')
    expect(signer.asked).toBe(2)
    first.release()
    second.release()
    await pool.query('select 1')
    expect(signer.asked).toBe(2)
  })

  it('refuses a token that has expired, and says nothing of it', async () => {
    const signer = await aSigner()
    const expired = signer.token
    await signer.renew()
    const pool = await open({ signer: { getAuthToken: async () => expired } })
    const error = await pool.query('select 1').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: '28P01' })
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/X-Amz|SECRET-MARKER/)
  })

  it('shows no token of a pool that is open', async () => {
    const pool = await open()
    await pool.query('select 1')
    expect(inspect(pool, { depth: 10 })).not.toMatch(/X-Amz|SECRET-MARKER/)
  })

  it('sends no token to who cannot show a certificate of the authority', async () => {
    const { certificate } = await createAuthority('another authority')
    const signer = await aSigner()
    const pool = await open({ ca: certificate, signer })
    await expect(pool.query('select 1')).rejects.toMatchObject({
      code: expect.stringMatching(/CERT|SIGNATURE|ISSUER/)
    })
    expect(signer.asked).toBe(0)
  })

  it('cannot be reached without TLS', async () => {
    const pg = (await import('pg' as string)).default
    const { token: password } = await aSigner()
    const client = new pg.Client({
      host: '127.0.0.1',
      port: database!.port,
      database: database!.database,
      user: 'reader',
      password
    })
    await expect(client.connect()).rejects.toMatchObject({
      code: '28000',
      message: expect.stringContaining('no encryption')
    })
  })
})

const record = (station: string, litres = 1) => ({
  data: Buffer.from(JSON.stringify({ station, litres }))
})

describe.skipIf(database === undefined)('a handler that adds what a table knows', () => {
  it('asks once for a batch, and again when what it knows is too old', async () => {
    let now = 0
    const pool = await open()
    const asked = vi.spyOn(pool, 'query')
    const stored: object[] = []
    const handle = enriching(
      createStations({ pool, maxAgeMs: 1_000, now: () => now }),
      (records: object[]) => {
        stored.push(...records)
      }
    )
    await handle([record('s1'), record('s2'), record('s1', 2), record('unknown')])
    await handle([record('s2', 3), record('unknown', 3)])
    expect(asked).toHaveBeenCalledTimes(1)
    expect(stored).toEqual([
      { station: 's1', litres: 1, stationName: 'Weir' },
      { station: 's2', litres: 1, stationName: 'Bridge' },
      { station: 's1', litres: 2, stationName: 'Weir' },
      { station: 'unknown', litres: 1, stationName: undefined },
      { station: 's2', litres: 3, stationName: 'Bridge' },
      { station: 'unknown', litres: 3, stationName: undefined }
    ])
    await database!.query("update stations set name = 'New Bridge' where id = 's2'")
    now = 1_000
    await handle([record('s2')])
    expect(stored.at(-1)).toMatchObject({ stationName: 'New Bridge' })
    expect(asked).toHaveBeenCalledTimes(2)
  })

  it('keeps no more rows than it may, and has those of a batch all the same', async () => {
    const pool = await open()
    const asked = vi.spyOn(pool, 'query')
    const stations = createStations({ pool, maxRows: 1 })
    expect((await stations.namesOf(['s1', 's2'])).size).toBe(2)
    await stations.namesOf(['s2'])
    expect(asked).toHaveBeenCalledTimes(1)
    await stations.namesOf(['s1'])
    expect(asked).toHaveBeenCalledTimes(2)
  })

  it('fails when the database cannot be had, so that the records come again', async () => {
    const pool = await open({ port: 1 })
    const stored: object[] = []
    const handle = enriching(createStations({ pool }), (records: object[]) => stored.push(...records))
    await expect(handle([record('s1')])).rejects.toThrow()
    expect(stored).toEqual([])
  })
})
