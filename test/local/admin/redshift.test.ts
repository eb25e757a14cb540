import { describe, expect, it } from 'vitest'
import type { RedshiftInspection } from '../../../local/admin/inspect.ts'
import { CopyLog } from '../../../local/redshift/copy-log.ts'
import { tableSummaries } from '../../../local/redshift/table-summaries.ts'
import { roleAndBucket, startFirehose } from '../../helpers/delivery-streams.ts'
import { openLocal } from '../../helpers/local.ts'
import { openRedshift } from '../../helpers/redshift.ts'

const redshift = await openRedshift()

describe.skipIf(redshift === undefined)('the inspection of Redshift', () => {
  async function start(table: string, copyOptions = "JSON 'auto'") {
    const { query } = redshift!.local
    await query('drop schema public cascade')
    await query('create schema public')
    await query(`create table ${table} (id int not null, name varchar(20))`)
    const test = await startFirehose({
      receivers: ['redshift'],
      receiverOptions: { redshift: { url: redshift!.local.url } }
    })
    const { jdbcUrl, username, password } = redshift!.local
    await test.create({
      RedshiftDestinationConfiguration: {
        RoleARN: roleAndBucket.RoleARN,
        ClusterJDBCURL: jdbcUrl,
        Username: username,
        Password: password,
        CopyCommand: { DataTableName: table, CopyOptions: copyOptions },
        RetryOptions: { DurationInSeconds: 0 },
        S3Configuration: roleAndBucket
      }
    })
    const manifests = async () =>
      (await test.objects())
        .map(({ key }) => key)
        .filter(key => key.startsWith('manifests/'))
        .map(key => `s3://bucket/${key}`)
    return { ...test, manifests, inspect: () => test.local.inspect.redshift() }
  }

  it('tells tables with columns and counts of rows, and each COPY with its manifest', async () => {
    const { put, manifests, inspect, clock } = await start('flights')
    await put('{"id":1,"name":"secret payload"}', '{"id":2}')
    const [manifest] = await manifests()
    const found = await inspect()
    expect(found).toEqual({
      tables: [
        {
          schema: 'public',
          name: 'flights',
          rows: 2,
          columns: [
            { name: 'id', type: 'integer' },
            { name: 'name', type: 'character varying(20)' }
          ]
        }
      ],
      copies: [
        {
          atMs: clock.wallTime(),
          table: 'flights',
          manifest,
          rows: 2,
          refusedRows: 0,
          errorCode: undefined,
          errorMessage: undefined
        }
      ]
    })
    expect(JSON.stringify(found)).not.toContain('secret')
  })

  it('counts rows that were passed over, those of the reader and those of the database', async () => {
    const { put, manifests, inspect } = await start('partly', "JSON 'auto' MAXERROR 10")
    await put('{"id":1}', '{"id":"x"}', '{"name":"without an id"}', '{"id":4}')
    await manifests()
    expect((await inspect()).copies).toMatchObject([{ rows: 2, refusedRows: 2, errorCode: undefined }])
  })

  it('tells the error of a COPY that failed, without what it is about', async () => {
    const { put, manifests, inspect } = await start('failing')
    await put('{"id":"secret payload"}')
    const [manifest] = await manifests()
    const found = await inspect()
    expect(found.copies).toEqual([
      {
        atMs: expect.any(Number),
        table: 'failing',
        manifest,
        rows: 0,
        refusedRows: 0,
        errorCode: 'DataLoadFailed',
        errorMessage: expect.any(String)
      }
    ])
    expect(JSON.stringify(found)).not.toContain('secret')
  })

  it('tells a lost answer by its rows and its error', async () => {
    const { put, manifests, inspect, local } = await start('lost')
    local.faults.script([{ service: 'redshift', kind: 'lost-answer' }])
    await put('{"id":1}')
    await manifests()
    expect(await inspect()).toMatchObject({
      tables: [{ rows: 1 }],
      copies: [{ rows: 1, errorCode: 'ConnectionFailed' }]
    })
  })

  it('forgets the COPYs with a reset', async () => {
    const { put, manifests, inspect, local } = await start('forgetful')
    await put('{"id":1}')
    await manifests()
    await local.reset()
    // The server was there already: it is left alone.
    expect(await inspect()).toMatchObject({ tables: [{ rows: 1 }], copies: [] })
  })

  it('is reached over HTTP, alone and among the others, and so are its faults', async () => {
    const { put, manifests, local } = await start('remote')
    const call = async (path: string, request: RequestInit = {}) =>
      (await fetch(`${local.endpoint}/_sealstream/${path}`, request)).json()
    const rules = [{ service: 'redshift', kind: 'copy-refused', errorCode: 'DiskFull', times: 1 }]
    await call('faults', { method: 'PUT', body: JSON.stringify(rules) })
    await put('{"id":1}')
    await manifests()
    const found = (await call('inspect/redshift')) as RedshiftInspection
    expect(found).toMatchObject({ tables: [{ rows: 0 }], copies: [{ rows: 0, errorCode: 'DiskFull' }] })
    expect(await call('inspect')).toMatchObject({ firehose: {}, redshift: found })
    expect(await call('faults')).toMatchObject({ rules: [{ hits: 1 }], log: [{ service: 'redshift' }] })
  })

  it('knows tables of any schema and any name, one without columns too', async () => {
    await start('plain')
    const { query } = redshift!.local
    await query('create schema "o""dd"')
    await query('create table "o""dd"."Ta ble" ()')
    const found = await tableSummaries(query)
    await query('drop schema "o""dd" cascade')
    expect(found).toMatchObject([
      { schema: 'o"dd', name: 'Ta ble', rows: 0, columns: [] },
      { schema: 'public', name: 'plain', rows: 0 }
    ])
  })
})

describe('what can be told of Redshift without one', () => {
  it('rejects where the receiver does not run', async () => {
    const local = await openLocal({ services: ['sqs'] })
    await expect(local.inspect.redshift()).rejects.toMatchObject({ code: 'SEALSTREAM_ENGINE_UNAVAILABLE' })
  })

  it('leaves out a table that is dropped while tables are counted, and no other error', async () => {
    const listed = ['gone', 'there'].map(name => ({ schema: 'public', name, columns: [] }))
    const queried = (code: string) => async (sql: string) => {
      if (sql.includes('pg_class')) return listed
      if (sql.includes('"gone"')) throw Object.assign(new Error('gone'), { code })
      return [{ rows: '3' }]
    }
    expect(await tableSummaries(queried('42P01'))).toEqual([{ ...listed[1], rows: 3 }])
    await expect(tableSummaries(queried('42501'))).rejects.toMatchObject({ code: '42501' })
  })

  it('keeps the last thousand COPYs', () => {
    const log = new CopyLog({ wallTime: () => 7 })
    for (let rows = 0; rows <= 1_000; rows += 1) {
      log.add({
        table: 't',
        manifest: undefined,
        rows,
        refusedRows: 0,
        errorCode: undefined,
        errorMessage: undefined
      })
    }
    expect(log.copies).toHaveLength(1_000)
    expect(log.copies[0]).toMatchObject({ atMs: 7, rows: 1 })
  })
})
