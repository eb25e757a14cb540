import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { loadPostgres } from '../../local/redshift/postgres-client.ts'
import { settle } from '../helpers/fake-clock.ts'
import { copyBucket, openRedshift } from '../helpers/redshift.ts'

const redshift = await openRedshift()

describe.skipIf(redshift === undefined)('a COPY', () => {
  const start = () => copyBucket(redshift!)
  const ab = 'a int, b varchar(10)'

  describe('of JSON', () => {
    it('reads objects that stand back to back, in lines, or with white space between them', async () => {
      expect(
        await start().load(ab, '{"a":1,"b":"x"}{"a":2,"b":"}{"}\n\n  {"a":3,"b":"\\"{"}', "JSON 'auto'")
      ).toEqual([
        ['1', 'x'],
        ['2', '}{'],
        ['3', '"{']
      ])
    })

    it('auto takes members by the names of columns, case-sensitively, and ignores others', async () => {
      expect(await start().load(ab, '{"A":1,"b":"x","c":{"a":9}}', "JSON AS 'auto'")).toEqual([[null, 'x']])
    })

    it('auto ignorecase takes them whatever their case', async () => {
      expect(
        await start().load('a int, "B" text', '{"A":1,"b":"x"}', "FORMAT AS JSON 'auto ignorecase'")
      ).toEqual([['1', 'x']])
    })

    it('takes values by JSONPaths, one for each column, out of objects and arrays', async () => {
      const bucket = start()
      bucket.objects.set('paths', Buffer.from(`{"jsonpaths":["$.x.y", "$['z'][1]"]}`))
      expect(await bucket.load(ab, '{"x":{"y":1},"z":[0,"b"]} {"z":[]}', "JSON 's3://bucket/paths'")).toEqual(
        [
          ['1', 'b'],
          [null, null]
        ]
      )
      bucket.objects.set('paths', Buffer.from('{"jsonpaths":["$[0]","$[1]"]}'))
      expect(await bucket.load(ab, '[1,"b"][2,null]', "JSON 's3://bucket/paths'")).toEqual([
        ['1', 'b'],
        ['2', null]
      ])
    })

    it.each([
      ['{"jsonpaths":["$.a"]}', 'ColumnMismatch'],
      ['{"jsonpaths":["$.a","$.*"]}', 'IncorrectJsonPathsFile'],
      ['{"jsonpaths":["a","b"]}', 'IncorrectJsonPathsFile'],
      ['not JSON', 'IncorrectJsonPathsFile']
    ])('refuses the JSONPaths file %j with %s', async (file, code) => {
      const bucket = start()
      bucket.objects.set('paths', Buffer.from(file))
      await expect(bucket.load(ab, '{"a":1}', "JSON 's3://bucket/paths'")).rejects.toMatchObject({ code })
    })

    it('loads a nested value as its text, and numbers with all their digits', async () => {
      expect(
        await start().load(
          'o text, l text, n numeric(38,0), t boolean',
          '{"o":{"x": [1,2]},"l":[true, null],"n":12345678901234567890123456789012345678,"t":true}',
          "JSON 'auto'"
        )
      ).toEqual([['{"x": [1,2]}', '[true, null]', '12345678901234567890123456789012345678', 'true']])
    })

    it('gives NULL to a column of the list that is missing, and its DEFAULT to one that is not on it', async () => {
      const definition = "a int default 7, b text default 'd', c text default 'e'"
      expect(
        await start().load(definition, '{"c":"x"}{"a":1,"b":"y","c":"z"}', "JSON 'auto'", ' (b, c)')
      ).toEqual([
        ['7', null, 'x'],
        ['7', 'y', 'z']
      ])
    })

    it.each(['{"a":1} {"a":', '{"a":1,}', 'a', '[1]', '{"a":"x"}', '{"a":1'])(
      'loads nothing of %j',
      async data => {
        await expect(start().load(ab, data, "JSON 'auto'")).rejects.toMatchObject({ code: 'DataLoadFailed' })
      }
    )
  })

  describe('of CSV', () => {
    it('reads quoted fields with delimiters, line ends and doubled quotes in them', async () => {
      expect(await start().load(ab, '1,"a,""b"""\r\n 2 , "c\nd" \n3,', 'CSV')).toEqual([
        ['1', 'a,"b"'],
        ['2', 'c\nd'],
        ['3', '']
      ])
    })

    it('takes another quote and delimiter', async () => {
      expect(await start().load(ab, "1;'a;''b'\n2;\"", "FORMAT CSV QUOTE AS '''' DELIMITER AS ';'")).toEqual([
        ['1', "a;'b"],
        ['2', '"']
      ])
    })

    it.each(['1,"a', '1,a"b', '1,"a"b', '1', '1,a,b'])('loads nothing of %j', async data => {
      await expect(start().load(ab, data, 'CSV')).rejects.toMatchObject({ code: 'DataLoadFailed' })
    })
  })

  describe('of delimited text', () => {
    it('separates fields by | and rows by newlines, and knows \\N', async () => {
      expect(await start().load(ab, '1|x,"y\n2|\\N\r\n3|\\n\n', '')).toEqual([
        ['1', 'x,"y'],
        ['2', null],
        ['3', '\\n']
      ])
    })

    it.each([
      ["'\\t'", '\t'],
      ["'\\036'", '\x1e'],
      ["'~'", '~']
    ])('takes %s as delimiter', async (text, delimiter) => {
      expect(await start().load(ab, `1${delimiter}x`, `DELIMITER ${text}`)).toEqual([['1', 'x']])
    })

    it('takes what stands behind a backslash as it is with ESCAPE', async () => {
      expect(await start().load(ab, '1|a\\|b\\\\\n2|c\\\nd\n3|\\N\n4|\\\\N', 'ESCAPE')).toEqual([
        ['1', 'a|b\\'],
        ['2', 'c\nd'],
        ['3', null],
        ['4', '\\N']
      ])
    })

    it('strips quotes with REMOVEQUOTES, delimiters within them kept', async () => {
      expect(await start().load(ab, `1|"a|b"\n2|'c"'\n3|d"`, 'REMOVEQUOTES')).toEqual([
        ['1', 'a|b'],
        ['2', 'c"'],
        ['3', 'd"']
      ])
      await expect(start().load(ab, '1|"a', 'REMOVEQUOTES')).rejects.toMatchObject({ code: 'DataLoadFailed' })
    })
  })

  it('decompresses with GZIP, and fails for an object that is not compressed', async () => {
    const bucket = start()
    expect(await bucket.load(ab, [gzipSync('1|x\n'), gzipSync('2|y\n')], 'GZIP')).toEqual([
      ['1', 'x'],
      ['2', 'y']
    ])
    await expect(bucket.load(ab, '1|x', 'GZIP')).rejects.toMatchObject({ code: 'DataLoadFailed' })
    await expect(bucket.load(ab, gzipSync('1|x'), '')).rejects.toMatchObject({ code: 'DataLoadFailed' })
  })

  it('skips headers, of each object, and blank lines', async () => {
    expect(
      await start().load(ab, ['h\nh\n1|x\n\n2|y\n', 'h\nh\n3|z'], 'IGNOREHEADER AS 2 IGNOREBLANKLINES')
    ).toEqual([
      ['1', 'x'],
      ['2', 'y'],
      ['3', 'z']
    ])
    expect(await start().load(ab, 'h\n1,x\n\n', 'CSV IGNOREHEADER 1 IGNOREBLANKLINES')).toEqual([['1', 'x']])
  })

  it('fills missing fields with FILLRECORD: NULL, and an empty text for VARCHAR', async () => {
    expect(await start().load(`${ab}, c int, d varchar(3)`, '1|x\n2\n', 'FILLRECORD')).toEqual([
      ['1', 'x', null, ''],
      ['2', '', null, '']
    ])
    await expect(start().load(ab, '1', '')).rejects.toMatchObject({ code: 'DataLoadFailed' })
  })

  it('makes NULL of NULL AS, of empty fields and of blanks as it is told; of empty numbers always', async () => {
    const data = '|\n1|  \n2|nil'
    expect(await start().load(ab, data, '')).toEqual([
      [null, ''],
      ['1', '  '],
      ['2', 'nil']
    ])
    expect(await start().load(ab, data, "NULL AS 'nil' EMPTYASNULL BLANKSASNULL")).toEqual([
      [null, null],
      ['1', null],
      ['2', null]
    ])
    expect(await start().load(ab, '1|\0', "NULL AS '\\0'")).toEqual([['1', null]])
  })

  describe('of times', () => {
    const times = 'd date, t timestamp, z timestamptz'

    it('takes YYYY-MM-DD HH:MI:SS and no other form', async () => {
      expect(
        await start().load(times, '2026-07-13|2026-07-13 14:05:09|2026-07-13 14:05:09.5+02', '')
      ).toEqual([['2026-07-13', '2026-07-13 14:05:09', '2026-07-13 12:05:09.5+00']])
      for (const row of ['13.7.2026||', '|2026-07-13T14:05:09Z|', '||yesterday', '2026-02-30||']) {
        await expect(start().load(times, row, '')).rejects.toMatchObject({ code: 'DataLoadFailed' })
      }
    })

    it("'auto' takes what PostgreSQL understands", async () => {
      expect(
        await start().load(
          times,
          'Jul 13 2026|2026-07-13T14:05:09Z|20260713T140509+0200',
          "DATEFORMAT 'auto' TIMEFORMAT 'auto'"
        )
      ).toEqual([['2026-07-13', '2026-07-13 14:05:09', '2026-07-13 12:05:09+00']])
    })

    it.each([
      ['epochsecs', '1783951509', '1783951509.25', '2026-07-13 14:05:09', '2026-07-13 14:05:09.25+00'],
      ['epochmillisecs', '1783951509250', '-1', '2026-07-13 14:05:09.25', '1969-12-31 23:59:59.999+00']
    ])('%s takes numbers', async (format, t, z, expectedT, expectedZ) => {
      expect(await start().load(times, `|${t}|${z}`, `TIMEFORMAT '${format}'`)).toEqual([
        [null, expectedT, expectedZ]
      ])
      await expect(start().load(times, '|1e3|', `TIMEFORMAT '${format}'`)).rejects.toMatchObject({
        code: 'DataLoadFailed'
      })
    })

    it('takes patterns', async () => {
      expect(
        await start().load(
          times,
          '13-JUL-26|07/13/2026 02:05:09 PM|07/13/2026 12:05:09 AM',
          "DATEFORMAT AS 'DD-MON-YY' TIMEFORMAT AS 'MM/DD/YYYY HH12:MI:SS AM'"
        )
      ).toEqual([['2026-07-13', '2026-07-13 14:05:09', '2026-07-13 00:05:09+00']])
      expect(await start().load(times, '|2026.07.13T14:05|', "TIMEFORMAT 'YYYY.MM.DDTHH24:MI'")).toEqual([
        [null, '2026-07-13 14:05:00', null]
      ])
    })
  })

  it('counts the bytes of a column, and cuts to whole characters with TRUNCATECOLUMNS', async () => {
    expect(await start().load('v varchar(5), c char(3)', 'ääx|ä  ', '')).toEqual([['ääx', 'ä']])
    await expect(start().load('v varchar(5), c char(3)', 'äää|x', '')).rejects.toMatchObject({
      code: 'DataLoadFailed'
    })
    expect(await start().load('v varchar(5), c char(3)', 'äää|ää', 'TRUNCATECOLUMNS')).toEqual([['ää', 'ä']])
  })

  it('trims blanks at the end of VARCHAR with TRIMBLANKS', async () => {
    expect(await start().load('v varchar(5), w varchar(9)', ' x  |   ', 'TRIMBLANKS')).toEqual([[' x', '']])
    expect(await start().load('v varchar(5)', ' x  ', '')).toEqual([[' x  ']])
  })

  it('leaves decimals off that are too many, and rounds them with ROUNDEC', async () => {
    const definition = 'a numeric(8,2), b numeric(8,0), c numeric'
    expect(await start().load(definition, '-1.239|.9|1.239', '')).toEqual([['-1.23', '0', '1.239']])
    expect(await start().load(definition, '-1.239|.9|1.239', 'ROUNDEC')).toEqual([['-1.24', '1', '1.239']])
  })

  it('fails for bytes that are no UTF-8, or replaces each with ACCEPTINVCHARS; null characters go', async () => {
    const bad = Buffer.concat([Buffer.from('ä'), Buffer.from([0xc3, 0x28, 0xed, 0xa0, 0x80, 0])])
    await expect(start().load('v varchar(20)', bad, '')).rejects.toMatchObject({ code: 'DataLoadFailed' })
    expect(await start().load('v varchar(20)', bad, 'ACCEPTINVCHARS')).toEqual([['ä?(???']])
    expect(await start().load('v varchar(20)', bad, "ACCEPTINVCHARS AS '^'")).toEqual([['ä^(^^^']])
    const json = Buffer.concat([Buffer.from('{"v":"'), Buffer.from([0xff]), Buffer.from('\\u0000x"}')])
    expect(await start().load('v varchar(20)', json, "JSON 'auto' ACCEPTINVCHARS")).toEqual([['?x']])
  })

  describe('with bad rows', () => {
    const definition = 'a int not null, b int check (b < 10)'
    const data = '1|1\nx|1\n2|2\n3|30\n|4\n5|5|5\n6|6'

    it('fails at the first one, and loads nothing', async () => {
      await expect(start().load(definition, data, '')).rejects.toMatchObject({ code: 'DataLoadFailed' })
    })

    it('goes on until there are as many as MAXERROR says', async () => {
      const good = [
        ['1', '1'],
        ['2', '2'],
        ['6', '6']
      ]
      expect(await start().load(definition, data, 'MAXERROR AS 5')).toEqual(good)
      await expect(start().load(definition, data, 'MAXERROR 4')).rejects.toMatchObject({ name: 'CopyError' })
      expect(await start().load(definition, data, 'IGNOREALLERRORS')).toEqual(good)
    })

    it('goes on behind JSON that is not valid', async () => {
      expect(await start().load(ab, '{"a":1}{"a":,}x\n{"a":2}[3]{"a":', "JSON 'auto' MAXERROR 10")).toEqual([
        ['1', null],
        ['2', null]
      ])
    })
  })

  it('accepts and ignores where data lies, by which right, and how a table is stored', async () => {
    expect(
      await start().load(
        ab,
        '1|x',
        "REGION AS 'eu-west-1' COMPUPDATE OFF STATUPDATE ON COMPROWS 100000 IAM_ROLE default ACCESS_KEY_ID 'k' SECRET_ACCESS_KEY 's' SESSION_TOKEN 't';"
      )
    ).toEqual([['1', 'x']])
  })

  it.each([
    'BZIP2',
    'LZOP',
    'ZSTD',
    'FORMAT AS PARQUET',
    'FIXEDWIDTH',
    'ENCODING UTF16',
    'EXPLICIT_IDS',
    'ACCEPTANYDATE',
    "JSON 'noshred'",
    'JSON',
    "JSON 'auto' CSV",
    "JSON 'auto' NULL 'x'",
    'CSV ESCAPE',
    "QUOTE '!'",
    "DELIMITER '||'",
    "CSV QUOTE ','",
    'MAXERROR 100001',
    'MAXERROR many',
    'MAXERROR 3 IGNOREALLERRORS',
    'GZIP GZIP',
    "CREDENTIALS 'again'",
    'MANIFEST',
    'GZIP 1'
  ])('refuses %s with IncorrectCopyOptions', async options => {
    await expect(start().load(ab, '1|x', options)).rejects.toMatchObject({ code: 'IncorrectCopyOptions' })
  })

  describe('fails with', () => {
    const from = "FROM 's3://bucket/m' MANIFEST"

    async function failing() {
      const bucket = start()
      const { query } = redshift!.local
      await query('create schema if not exists s')
      await query('create table if not exists s.t (a int not null, b int)')
      await query(
        "do $$ begin create role guest login password 'guest-password'; exception when duplicate_object then null; end $$"
      )
      await query('grant usage on schema s to guest')
      bucket.objects.set('data', Buffer.from('1|2\n'))
      bucket.objects.set('null', Buffer.from('|2\n'))
      const manifest = (key: string, ...urls: object[]) =>
        bucket.objects.set(key, Buffer.from(JSON.stringify({ entries: urls })))
      manifest('m', { url: 's3://bucket/data', mandatory: true })
      manifest('none', { url: 's3://bucket/nothing' })
      manifest('missing', { url: 's3://bucket/nothing', mandatory: true })
      manifest('elsewhere', { url: 's3://other/nothing', mandatory: true })
      manifest('partly', { url: 's3://bucket/nothing' }, { url: 's3://bucket/data' })
      manifest('nulls', { url: 's3://bucket/null' })
      manifest('empty')
      return bucket
    }

    it.each([
      ['TableNotFound', `COPY nothing ${from}`],
      ['TableNotFound', `COPY nowhere.t ${from}`],
      ['ColumnNotFound', `COPY s.t (a, c) ${from}`],
      ['SyntaxError', `COPY s.t (a ${from}`],
      ['SyntaxError', `COPY s.t FROM 'emr://x/m' MANIFEST`],
      ['SyntaxError', `COPY s.t ${from} NULL AS 'x`],
      ['IncorrectCopyOptions', `COPY s.t FROM 's3://bucket/m'`],
      ['MissingS3File', `COPY s.t FROM 's3://bucket/nowhere' MANIFEST`],
      ['MissingS3File', `COPY s.t FROM 's3://bucket/missing' MANIFEST`],
      ['MissingS3File', `COPY s.t FROM 's3://bucket/none' MANIFEST`],
      ['S3BucketAccessDenied', `COPY s.t FROM 's3://other/m' MANIFEST`],
      ['S3BucketAccessDenied', `COPY s.t FROM 's3://bucket/elsewhere' MANIFEST`],
      ['DataLoadFailed', `COPY s.t FROM 's3://bucket/data' MANIFEST`],
      ['DataLoadFailed', `COPY s.t FROM 's3://bucket/empty' MANIFEST`],
      ['MissingColumn', `COPY s.t FROM 's3://bucket/nulls' MANIFEST`]
    ])('%s: %s', async (code, statement) => {
      const { request } = await failing()
      await expect(request(statement)).rejects.toMatchObject({ name: 'CopyError', code })
    })

    it.each([
      ['AuthenticationFailed', { password: 'wrong-password' }],
      ['AuthenticationFailed', { username: 'nobody' }],
      ['InsufficientPrivilege', { username: 'guest', password: 'guest-password' }],
      ['DatabaseNotFound', { jdbcUrl: 'jdbc:redshift://c.x.us-east-1.redshift.amazonaws.com:5439/prod' }],
      ['ConnectionFailed', { jdbcUrl: 'jdbc:redshift://127.0.0.1:1/dev' }]
    ])('%s when it is sent with %j', async (code, more) => {
      const { request } = await failing()
      await expect(request(`COPY s.t ${from}`, more)).rejects.toMatchObject({ name: 'CopyError', code })
    })

    it('nothing when an object is missing that may be', async () => {
      const { request } = await failing()
      await redshift!.local.query('truncate s.t')
      await request('COPY "s"."t" (B, a) FROM \'s3://bucket/partly\' MANIFEST')
      expect(await redshift!.local.query('select * from s.t')).toEqual([{ a: 2, b: 1 }])
    })

    it('ReadOnlyCluster where nothing can be written', async () => {
      const { request } = await failing()
      const { query } = redshift!.local
      await query('create role reader superuser login password $$reader-password$$')
      await query('alter role reader set default_transaction_read_only = on')
      await expect(
        request(`COPY s.t ${from}`, { username: 'reader', password: 'reader-password' })
      ).rejects.toMatchObject({ code: 'ReadOnlyCluster' })
    })

    it('ConnectionFailed when it is ended while it waits', async () => {
      const { request } = await failing()
      const holder = (await loadPostgres()).client(redshift!.local.url)
      await holder.connect()
      await holder.query('begin')
      await holder.query('lock table s.t')
      const stop = new AbortController()
      const outcome = expect(request(`COPY s.t ${from}`, { signal: stop.signal })).rejects.toMatchObject({
        code: 'ConnectionFailed'
      })
      const waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
      while ((await redshift!.local.query(waiting)).length === 0) await settle()
      stop.abort()
      await outcome
      await holder.end()
    })
  })

  it('tells nothing of the data in its errors', async () => {
    const secret = 'top-secret-value'
    const error: unknown = await start()
      .load(ab, `${secret}|x`, '')
      .catch(caught => caught)
    expect(error).toMatchObject({
      code: 'DataLoadFailed',
      message: 'the database answered with SQLSTATE 22P02'
    })
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(secret)
  })

  it('loads nothing of several objects when one is wrong', async () => {
    const bucket = start()
    await redshift!.local.query('create table several (a int)')
    bucket.objects.set('1', Buffer.from('1\n2\n'))
    bucket.objects.set('2', Buffer.from('x\n'))
    bucket.objects.set('m', Buffer.from('{"entries":[{"url":"s3://bucket/1"},{"url":"s3://bucket/2"}]}'))
    await expect(bucket.request("COPY several FROM 's3://bucket/m' MANIFEST")).rejects.toMatchObject({
      code: 'DataLoadFailed'
    })
    expect(await redshift!.local.query('select * from several')).toEqual([])
  })

  it('knows the SQL of PostgreSQL, and no other', async () => {
    const { query } = redshift!.local
    for (const statement of [
      'create table d (a int) distkey (a)',
      'create table d (a super)',
      "copy d from 's3://bucket/m' manifest",
      'select * from stl_load_errors'
    ]) {
      await expect(query(statement)).rejects.toMatchObject({ code: expect.stringMatching(/^42/) })
    }
  })

  it('gives TEXT, and VARCHAR without a width, no bound of 256 bytes', async () => {
    const long = 'x'.repeat(300)
    expect(await start().load('t text, v varchar', `${long}|${long}`, '')).toEqual([[long, long]])
  })

  it('rejects a duplicate of a key, which Redshift loads', async () => {
    await expect(start().load('a int primary key', '1\n1\n', '')).rejects.toMatchObject({
      code: 'DataLoadFailed'
    })
  })
})
