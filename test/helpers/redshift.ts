import { randomUUID } from 'node:crypto'
import { afterAll } from 'vitest'
import { type CopyRequest, createCopyRunner } from '../../local/redshift/copy.ts'
import { type RunningRedshift, startRedshift } from '../../local/redshift/engine.ts'
import { EngineStartError } from '../../local/testing/errors.ts'

/** A Redshift that ends with the test file; undefined, with the reason printed, where no PostgreSQL can be had. */
export async function openRedshift(): Promise<RunningRedshift | undefined> {
  try {
    const redshift = await startRedshift()
    afterAll(() => redshift.close())
    return redshift
  } catch (error) {
    if (!(error instanceof EngineStartError) || error.reason !== 'package-missing') throw error
    console.warn(`skipped: ${error.message}`)
    return undefined
  }
}

/** The bucket `bucket` in memory, and COPY from it into tables of `redshift`. */
export function copyBucket(redshift: RunningRedshift) {
  const objects = new Map<string, Buffer>()
  const run = createCopyRunner({
    objects: {
      hasBucket: bucket => bucket === 'bucket',
      readObject: async (_, key) => objects.get(key)
    },
    connectionString: request => redshift.connectionString(request)
  })
  const { jdbcUrl, username, password, query } = redshift.local
  const request = (statement: string, more: Partial<CopyRequest> = {}): Promise<void> =>
    run({ jdbcUrl, username, password, statement, signal: new AbortController().signal, ...more })
  return {
    objects,
    request,
    /** Loads `data` into a table made for it, and reads it back: each row as an array of texts. */
    async load(
      definition: string,
      data: string | Buffer | readonly (string | Buffer)[],
      options: string,
      columns = ''
    ): Promise<readonly (readonly (string | null)[])[]> {
      const table = `t_${randomUUID().replaceAll('-', '')}`
      await query(`create table ${table} (${definition})`)
      const pieces = typeof data === 'string' || Buffer.isBuffer(data) ? [data] : data
      const keys = pieces.map((piece, index) => {
        const key = `${table}/${index}`
        objects.set(key, Buffer.from(piece as Buffer))
        return key
      })
      const entries = keys.map(key => ({ url: `s3://bucket/${key}`, mandatory: true }))
      objects.set(`${table}/manifest`, Buffer.from(JSON.stringify({ entries })))
      await request(
        `COPY ${table}${columns} FROM 's3://bucket/${table}/manifest' CREDENTIALS 'aws_iam_role=r' MANIFEST ${options}`
      )
      const [names] = await query(
        'select array_agg(attname::text order by attnum) as names from pg_attribute where attrelid = $1::regclass and attnum > 0',
        [table]
      )
      const texts = (names!.names as string[]).map(name => `"${name}"::text`).join(', ')
      const rows = await query(`select array[${texts}] as row from ${table} order by ctid`)
      return rows.map(({ row }) => row as (string | null)[])
    }
  }
}
