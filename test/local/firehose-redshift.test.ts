import { gunzipSync } from 'node:zlib'
import {
  DeleteDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  UpdateDestinationCommand
} from '@aws-sdk/client-firehose'
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { copyStatement, RedshiftDestination } from '../../local/firehose/destinations/redshift.ts'
import type { RedshiftSettings } from '../../local/firehose/settings.ts'
import { AwsError, type FaultRule, type LocalOptions } from '../../local/index.ts'
import type { CopyRequest } from '../../local/redshift/copy.ts'
import { CopyError } from '../../local/redshift/errors.ts'
import { roleAndBucket, startFirehose } from '../helpers/delivery-streams.ts'
import { DirectDelivery } from '../helpers/direct-delivery.ts'
import { FakeClock, settle } from '../helpers/fake-clock.ts'
import { opened } from '../helpers/local.ts'
import { memoryObjects, s3Settings } from '../helpers/receivers.ts'
import { openRedshift } from '../helpers/redshift.ts'

const redshift = await openRedshift()

const role = roleAndBucket.RoleARN

const settings: RedshiftSettings = {
  kind: 'redshift',
  roleArn: role,
  jdbcUrl: 'jdbc:redshift://127.0.0.1:1/dev',
  username: 'user',
  password: 'password',
  tableName: 'events',
  tableColumns: '',
  copyOptions: '',
  retrySeconds: 3600,
  s3: s3Settings({ prefix: 'in/' }),
  sourceBackup: undefined
}

interface Options {
  readonly settings?: Partial<RedshiftSettings>
  /** Writes to S3 that fail at first. */
  readonly failures?: number
  readonly copy?: (request: CopyRequest, clock: FakeClock) => Promise<void>
}

function aDelivery(options: Options = {}) {
  const clock = new FakeClock()
  const { writer, written } = memoryObjects({ failures: options.failures ?? 0 })
  const copies: CopyRequest[] = []
  const destination = new RedshiftDestination({
    deliveryStreamName: 'd',
    version: '1',
    settings: { ...settings, ...options.settings },
    objects: writer,
    clock,
    async copy(request) {
      copies.push(request)
      await options.copy?.(request, clock)
    }
  })
  return {
    clock,
    delivery: new DirectDelivery(destination, clock),
    copies,
    written,
    folders: () => written.map(({ key }) => key.slice(0, key.indexOf('2026')))
  }
}

const fails = async (): Promise<void> => {
  throw new CopyError('TableNotFound', 'no table')
}

describe('delivery to Redshift', () => {
  it('writes one object and its manifest, and copies from the manifest', async () => {
    const { delivery, copies, written } = aDelivery()
    for (const record of ['{"a":1}', '{"a":2}']) delivery.add(Buffer.from(record))
    await delivery.flush()
    const [object, manifest] = written
    expect(written).toHaveLength(2)
    expect(object).toMatchObject({
      key: expect.stringMatching(/^in\/2026\/07\/13\/14\/d-1-2026-07-13-14-05-00-/),
      text: '{"a":1}{"a":2}'
    })
    expect(manifest!.text).toBe(`{"entries":[{"url":"s3://bucket/${object!.key}","mandatory":true}]}`)
    expect(copies).toMatchObject([
      {
        jdbcUrl: settings.jdbcUrl,
        username: 'user',
        password: 'password',
        statement: `COPY events FROM 's3://bucket/${manifest!.key}' CREDENTIALS 'aws_iam_role=${role}' MANIFEST`
      }
    ])
    expect(delivery.bufferedBytes).toBe(0)
  })

  it('puts the columns behind the table, and the options at the end as they are', () => {
    const given = { tableName: 's.events', tableColumns: 'a, b', copyOptions: "JSON 'auto' GZIP" }
    expect(copyStatement({ ...settings, ...given }, 'manifests/m')).toBe(
      `COPY s.events (a, b) FROM 's3://bucket/manifests/m' CREDENTIALS 'aws_iam_role=${role}' MANIFEST JSON 'auto' GZIP`
    )
  })

  it.each([
    [0, 1],
    [299, 1],
    [300, 2],
    [3600, 13]
  ])(
    'with a retry duration of %i s a COPY that fails is sent %i times, five minutes apart',
    async (retrySeconds, count) => {
      const { clock, delivery, copies, folders } = aDelivery({ settings: { retrySeconds }, copy: fails })
      delivery.add(Buffer.from('a'))
      await delivery.flush()
      await clock.advance(retrySeconds * 1000 - 1)
      if (count > 1) expect(folders()).toEqual(['in/', 'manifests/'])
      await clock.advance(86_400_000)
      expect(copies).toHaveLength(count)
      expect(folders()).toEqual(['in/', 'manifests/', 'errors/manifests/'])
      expect(delivery.bufferedBytes).toBe(0)
    }
  )

  it('sends the same statement again, and loads nothing twice', async () => {
    let failures = 2
    const { clock, delivery, copies, folders } = aDelivery({
      copy: async () => {
        if (failures-- > 0) await fails()
      }
    })
    delivery.add(Buffer.from('a'))
    await delivery.flush()
    await clock.advance(600_000)
    expect(new Set(copies.map(({ statement }) => statement)).size).toBe(1)
    expect(copies).toHaveLength(3)
    expect(folders()).toEqual(['in/', 'manifests/'])
    delivery.add(Buffer.from('b'))
    await delivery.flush()
    expect(folders()).toEqual(['in/', 'manifests/', 'in/', 'manifests/'])
    expect(copies[3]!.statement).not.toBe(copies[0]!.statement)
  })

  it('does not try again when the first COPY outlasts the retry duration', async () => {
    const { delivery, copies, folders } = aDelivery({
      settings: { retrySeconds: 600 },
      copy: async (_, time) => {
        time.block(600_001)
        await fails()
      }
    })
    delivery.add(Buffer.from('a'))
    await delivery.flush()
    expect(copies).toHaveLength(1)
    expect(folders()).toEqual(['in/', 'manifests/', 'errors/manifests/'])
  })

  it('waits for S3 as long as it takes, whatever the retry duration, before it copies', async () => {
    const { clock, delivery, copies, folders } = aDelivery({ settings: { retrySeconds: 0 }, failures: 100 })
    delivery.add(Buffer.from('a'))
    await delivery.flush()
    await clock.advance(80 * 60_000)
    expect(copies).toEqual([])
    await clock.advance(20 * 60_000)
    expect(copies).toHaveLength(1)
    expect(folders()).toEqual(['in/', 'manifests/'])
  })

  it('goes on with the next batch behind one that is skipped', async () => {
    let isFirst = true
    const { delivery, copies, folders } = aDelivery({
      settings: { retrySeconds: 0 },
      copy: async () => {
        if (!isFirst) return
        isFirst = false
        await fails()
      }
    })
    delivery.add(Buffer.alloc(1024 * 1024))
    delivery.add(Buffer.from('b'))
    await delivery.flush()
    expect(copies).toHaveLength(2)
    expect(folders()).toEqual(['in/', 'manifests/', 'errors/manifests/', 'in/', 'manifests/'])
  })

  it('ends a COPY that is under way when the delivery stream is deleted', async () => {
    const { delivery, copies } = aDelivery({
      copy: ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    delivery.add(Buffer.from('a'))
    const flushed = delivery.flush()
    await settle()
    expect(copies).toHaveLength(1)
    await delivery.discard()
    await flushed
    expect(delivery.bufferedBytes).toBe(0)
  })
})

const configuration = {
  RoleARN: role,
  ClusterJDBCURL: 'jdbc:redshift://c.x.us-east-1.redshift.amazonaws.com:5439/dev',
  CopyCommand: { DataTableName: 'events' },
  Username: 'awsuser',
  Password: 'password',
  S3Configuration: roleAndBucket
}

describe('a Redshift destination', () => {
  const start = async () => {
    const test = await startFirehose()
    return {
      ...test,
      createRedshift: (more: object = {}) =>
        test.create({ RedshiftDestinationConfiguration: { ...configuration, ...more } as never }),
      update: (version: string, change: object) =>
        test.firehose.send(
          new UpdateDestinationCommand({
            DeliveryStreamName: 'd',
            CurrentDeliveryStreamVersionId: version,
            DestinationId: 'destinationId-000000000001',
            RedshiftDestinationUpdate: change
          })
        )
    }
  }

  it('describes itself with every default, and without the password', async () => {
    const { createRedshift, destination } = await start()
    await createRedshift()
    const { RedshiftDestinationDescription: found } = await destination()
    const s3 = {
      ...roleAndBucket,
      Prefix: '',
      ErrorOutputPrefix: '',
      BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 300 },
      CompressionFormat: 'UNCOMPRESSED',
      EncryptionConfiguration: { NoEncryptionConfig: 'NoEncryption' },
      CloudWatchLoggingOptions: { Enabled: false }
    }
    expect(found).toEqual({
      RoleARN: role,
      ClusterJDBCURL: configuration.ClusterJDBCURL,
      CopyCommand: { DataTableName: 'events' },
      Username: 'awsuser',
      RetryOptions: { DurationInSeconds: 3600 },
      S3DestinationDescription: s3,
      S3BackupMode: 'Disabled',
      CloudWatchLoggingOptions: { Enabled: false }
    })
  })

  it('updates what is given and keeps the rest; the backup is turned on and never off', async () => {
    const { createRedshift, update, destination } = await start()
    await createRedshift({ RetryOptions: { DurationInSeconds: 60 } })
    await update('1', {
      CopyCommand: { DataTableName: 'other', DataTableColumns: 'a,b', CopyOptions: 'GZIP' },
      S3Update: { Prefix: 'in/', CompressionFormat: 'GZIP' },
      S3BackupMode: 'Enabled',
      S3BackupUpdate: { ...roleAndBucket, Prefix: 'backup/' }
    })
    await update('2', { Password: 'another-password' })
    const { RedshiftDestinationDescription: found, version } = await destination()
    expect(version).toBe('3')
    expect(found).toMatchObject({
      CopyCommand: { DataTableName: 'other', DataTableColumns: 'a,b', CopyOptions: 'GZIP' },
      RetryOptions: { DurationInSeconds: 60 },
      S3DestinationDescription: { ...roleAndBucket, Prefix: 'in/', CompressionFormat: 'GZIP' },
      S3BackupMode: 'Enabled',
      S3BackupDescription: { Prefix: 'backup/' }
    })
    await expect(update('3', { S3BackupMode: 'Disabled' })).rejects.toMatchObject({
      name: 'InvalidArgumentException'
    })
    await expect(update('3', { RetryOptions: { DurationInSeconds: 7201 } })).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining("'redshiftDestinationUpdate.retryOptions.durationInSeconds'")
    })
  })

  const pattern =
    'jdbc:(redshift|postgresql)://((?!-)[A-Za-z0-9-]{1,63}(?<!-)\\.)+(redshift(-serverless)?)\\.([a-zA-Z0-9.]+):\\d{1,5}/[a-zA-Z0-9_$-]+'

  it.each([
    [{ RoleARN: undefined }, 'ValidationException', 'roleARN'],
    [{ ClusterJDBCURL: undefined }, 'ValidationException', 'clusterJDBCURL'],
    [
      { ClusterJDBCURL: 'jdbc:redshift://db.example.com:5439/dev' },
      'ValidationException',
      `'redshiftDestinationConfiguration.clusterJDBCURL' failed to satisfy constraint: Member must satisfy regular expression pattern: ${pattern}`
    ],
    [{ ClusterJDBCURL: 'jdbc:mysql://127.0.0.1:5439/dev' }, 'ValidationException', 'clusterJDBCURL'],
    [{ CopyCommand: undefined }, 'ValidationException', 'copyCommand'],
    [{ CopyCommand: {} }, 'ValidationException', 'copyCommand.dataTableName'],
    [{ CopyCommand: { DataTableName: 'x'.repeat(513) } }, 'ValidationException', 'copyCommand.dataTableName'],
    [{ Password: 'short' }, 'ValidationException', 'password'],
    [{ Username: undefined }, 'InvalidArgumentException', 'Username'],
    [{ Password: undefined }, 'InvalidArgumentException', 'Password'],
    [{ RetryOptions: { DurationInSeconds: 7201 } }, 'ValidationException', 'durationInSeconds'],
    [{ S3Configuration: undefined }, 'ValidationException', 's3Configuration'],
    [
      { S3Configuration: { ...roleAndBucket, Prefix: '!{timestamp:yyyy}/' } },
      'InvalidArgumentException',
      'Prefix must not contain expressions'
    ],
    [
      { S3Configuration: { ...roleAndBucket, ErrorOutputPrefix: 'e/' } },
      'InvalidArgumentException',
      'ErrorOutputPrefix must not be specified'
    ],
    [
      { S3Configuration: { ...roleAndBucket, CompressionFormat: 'Snappy' } },
      'InvalidArgumentException',
      'CompressionFormat Snappy is not supported'
    ],
    [
      { S3Configuration: { ...roleAndBucket, CompressionFormat: 'SNAPPY' } },
      'ValidationException',
      'UNCOMPRESSED]'
    ],
    [{ S3BackupMode: 'Enabled' }, 'ValidationException', 's3BackupConfiguration'],
    [{ S3BackupMode: 'All' }, 'ValidationException', '[Disabled, Enabled]'],
    [
      { SecretsManagerConfiguration: { Enabled: true } },
      'InvalidArgumentException',
      'SecretsManagerConfiguration'
    ],
    [
      { ProcessingConfiguration: { Enabled: true, Processors: [{ Type: 'AppendDelimiterToRecord' }] } },
      'InvalidArgumentException',
      'AppendDelimiterToRecord'
    ]
  ])('refuses %j', async (more, name, text) => {
    const { createRedshift } = await start()
    await expect(createRedshift(more)).rejects.toMatchObject({ name, message: expect.stringContaining(text) })
  })

  it('keeps the password to itself when it refuses it', async () => {
    const { createRedshift } = await start()
    const error: unknown = await createRedshift({ Password: 's3cr' }).catch(caught => caught)
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('s3cr')
  })

  it('skips its batches as Redshift.ConnectionFailed when there is no receiver', async () => {
    const { createRedshift, put, objects } = await start()
    await createRedshift({ RetryOptions: { DurationInSeconds: 0 } })
    await put('a')
    expect((await objects()).map(({ key }) => key.split('2026')[0])).toEqual([
      '',
      'errors/manifests/',
      'manifests/'
    ])
  })

  it('stages what a transform function lets through, and keeps what it fails beside it', async () => {
    const test = await startFirehose({
      firehoseFunctions: {
        f: ({ records }) => ({
          records: records.map(({ recordId }, index) =>
            index === 0
              ? { recordId, result: 'Ok', data: Buffer.from('A').toString('base64') }
              : { recordId, result: 'ProcessingFailed' }
          )
        })
      }
    })
    await test.create({
      RedshiftDestinationConfiguration: {
        ...configuration,
        RetryOptions: { DurationInSeconds: 0 },
        ProcessingConfiguration: {
          Enabled: true,
          Processors: [
            {
              Type: 'Lambda',
              Parameters: [
                {
                  ParameterName: 'LambdaArn',
                  ParameterValue: 'arn:aws:lambda:us-east-1:000000000000:function:f'
                }
              ]
            }
          ]
        }
      }
    })
    await test.put('a', 'b')
    const objects = await test.objects()
    const textUnder = (folder: string) => objects.find(({ key }) => key.startsWith(`${folder}2026`))?.text
    expect(textUnder('')).toBe('A')
    expect(JSON.parse(textUnder('processing-failed/')!)).toMatchObject({
      rawData: Buffer.from('b').toString('base64')
    })
  })
})

describe.skipIf(redshift === undefined)('the Firehose engine with a Redshift', () => {
  async function start(table: string, more: object = {}, options: LocalOptions = {}) {
    await redshift!.local.query(`create table ${table} (id int, name varchar(20))`)
    const test = await startFirehose({
      ...options,
      receivers: ['redshift'],
      receiverOptions: { redshift: { url: redshift!.local.url } }
    })
    const { jdbcUrl, username, password, query } = test.local.redshift!
    const s3 = opened(new S3Client(test.local.clientConfig('s3')))
    await test.create({
      RedshiftDestinationConfiguration: {
        ...configuration,
        ClusterJDBCURL: jdbcUrl,
        Username: username,
        Password: password,
        CopyCommand: { DataTableName: table, CopyOptions: "JSON 'auto'" },
        RetryOptions: { DurationInSeconds: 0 },
        S3Configuration: { ...roleAndBucket, Prefix: 'in/' },
        ...more
      } as never
    })
    return { ...test, s3, rows: () => query(`select * from ${table} order by id`) }
  }

  it('scenario 20: loads JSON of GZIP objects without newlines; the manifest lists the object, which stays', async () => {
    const { put, objects, rows, s3 } = await start('scenario20', {
      CopyCommand: { DataTableName: 'scenario20', CopyOptions: "JSON 'auto' GZIP" },
      S3Configuration: { ...roleAndBucket, Prefix: 'in/', CompressionFormat: 'GZIP' }
    })
    await put('{"id":1,"name":"a"}', '{"id":2,"name":"b"}')
    const [object, manifest, ...others] = await objects()
    expect(others).toEqual([])
    expect(object!.key).toMatch(/^in\/2026\/07\/13\/14\/d-1-2026-07-13-14-05-00-[0-9a-f-]{36}\.gz$/)
    expect(manifest!.key).toMatch(/^manifests\/2026\/07\/13\/14\/d-1-2026-07-13-14-05-00-[0-9a-f-]{36}$/)
    expect(manifest!.text).toBe(`{"entries":[{"url":"s3://bucket/${object!.key}","mandatory":true}]}`)
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: object!.key }))
    expect(gunzipSync(await Body!.transformToByteArray()).toString()).toBe(
      '{"id":1,"name":"a"}{"id":2,"name":"b"}'
    )
    expect(await rows()).toEqual([
      { id: 1, name: 'a' },
      { id: 2, name: 'b' }
    ])
  })

  it('scenario 21: skips the batch when the table is missing; a manifest under errors/ tells Redshift.TableNotFound', async () => {
    const { put, objects, rows, s3, local } = await start('scenario21', {
      CopyCommand: { DataTableName: 'nothing', CopyOptions: "JSON 'auto'" }
    })
    await put('{"id":1,"name":"a"}')
    const [errors, object, manifest] = await objects()
    expect(await rows()).toEqual([])
    expect(object!.text).toBe('{"id":1,"name":"a"}')
    expect(errors!.key).toMatch(
      /^errors\/manifests\/2026\/07\/13\/14\/d-1-2026-07-13-14-05-00-[0-9a-f-]{36}$/
    )
    expect(errors!.text).toBe(`{"entries":[{"url":"s3://bucket/${object!.key}","mandatory":true}]}`)
    expect(errors!.text).toBe(manifest!.text)
    const { Metadata } = await s3.send(new HeadObjectCommand({ Bucket: 'bucket', Key: errors!.key }))
    expect(Metadata).toEqual({ 'error-code': 'Redshift.TableNotFound' })
    expect(local.firehoseBufferedBytes()).toBe(0)
  })

  it('loads what it could not once the table is there, after five minutes', async () => {
    const { put, objects, rows, clock, local } = await start('late', {
      RetryOptions: { DurationInSeconds: 600 }
    })
    await redshift!.local.query('alter table late rename to early')
    await put('{"id":1,"name":"a"}')
    await objects()
    await redshift!.local.query('alter table early rename to late')
    expect(await rows()).toEqual([])
    await clock.advance(300_000)
    await local.flushFirehose()
    expect(await rows()).toEqual([{ id: 1, name: 'a' }])
    expect((await objects()).map(({ key }) => key.split('2026')[0])).toEqual(['in/', 'manifests/'])
  })

  it('skips a whole batch for one bad record', async () => {
    const { put, objects, rows } = await start('whole')
    await put('{"id":1}', '{"id":"x"}', '{"id":3}')
    expect((await objects()).map(({ key }) => key.split('2026')[0])).toEqual([
      'errors/manifests/',
      'in/',
      'manifests/'
    ])
    expect(await rows()).toEqual([])
  })

  it('copies records as they were put to the backup, whatever becomes of them', async () => {
    const { put, objects, rows } = await start('backed', {
      S3BackupMode: 'Enabled',
      S3BackupConfiguration: { ...roleAndBucket, Prefix: 'backup/' }
    })
    await put('{"id":1}', '{"id":2}')
    const found = await objects()
    expect(found.map(({ key }) => key.split('2026')[0])).toEqual(['backup/', 'in/', 'manifests/'])
    expect(found[0]!.text).toBe('{"id":1}{"id":2}')
    expect(await rows()).toHaveLength(2)
  })

  it('reads JSONPaths out of the bucket', async () => {
    const { put, objects, rows, s3 } = await start('paths', {
      CopyCommand: {
        DataTableName: 'paths',
        DataTableColumns: 'name',
        CopyOptions: "JSON 's3://bucket/p.json'"
      }
    })
    await s3.send(
      new PutObjectCommand({ Bucket: 'bucket', Key: 'p.json', Body: '{"jsonpaths":["$.user.name"]}' })
    )
    await put('{"user":{"name":"a"}}')
    await objects()
    expect(await rows()).toEqual([{ id: null, name: 'a' }])
  })

  it('takes the address of any cluster of AWS for the receiver', async () => {
    const { put, objects, rows, firehose } = await start('anywhere', {
      ClusterJDBCURL: 'jdbc:postgresql://w.000000000000.eu-west-1.redshift-serverless.amazonaws.com:5439/dev'
    })
    await put('{"id":1}')
    await objects()
    expect(await rows()).toHaveLength(1)
    const { DeliveryStreamDescription: found } = await firehose.send(
      new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'd' })
    )
    expect(JSON.stringify(found)).not.toContain(redshift!.local.password)
  })

  describe('and a scripted fault', () => {
    const startFaulty = (table: string, fault: Pick<FaultRule, 'kind'> & Partial<FaultRule>) =>
      start(
        table,
        { RetryOptions: { DurationInSeconds: 600 } },
        { faults: [{ service: 'redshift', times: 1, ...fault }] }
      )

    it.each([
      ['throttle', {}, [], 'Redshift.ConnectionFailed', 1],
      ['copy-refused', { errorCode: 'ReadOnlyCluster' }, [], 'Redshift.ReadOnlyCluster', 1],
      ['dropped-connection', {}, [], 'Redshift.ConnectionFailed', 1],
      // The rows are there, Firehose cannot know, and the retry loads them again.
      ['lost-answer', {}, [{ id: 1, name: 'a' }], 'Redshift.ConnectionFailed', 2]
    ] as const)('%s %j: rows %j at first, then a retry', async (kind, more, atFirst, errorCode, finally_) => {
      const table = `fault_${kind.replace('-', '_')}`
      const { put, objects, rows, clock, local } = await startFaulty(table, { kind, ...more })
      await put('{"id":1,"name":"a"}')
      await objects()
      expect(await rows()).toEqual(atFirst)
      expect((await local.inspect.firehose()).streams).toMatchObject([{ lastError: { errorCode } }])
      expect(local.faults.log()).toMatchObject([{ service: 'redshift', operation: 'COPY', kind }])
      await clock.advance(300_000)
      await local.flushFirehose()
      expect(await rows()).toHaveLength(finally_)
      expect((await objects()).map(({ key }) => key.split('2026')[0])).toEqual(['in/', 'manifests/'])
    })

    it('delays the COPY on the clock of the engines', async () => {
      const { put, rows, clock, local } = await startFaulty('delayed', { kind: 'delay', delayMs: 60_000 })
      await put('{"id":1,"name":"a"}')
      const flushed = local.flushFirehose()
      while (local.faults.log().length === 0) await settle()
      expect(await rows()).toEqual([])
      await clock.advance(60_000)
      await flushed
      expect(await rows()).toHaveLength(1)
    })

    it('a COPY that is delayed ends with its delivery stream', async () => {
      const { put, rows, local, firehose } = await startFaulty('forgotten', {
        kind: 'delay',
        delayMs: 60_000
      })
      await put('{"id":1,"name":"a"}')
      const flushed = local.flushFirehose()
      while (local.faults.log().length === 0) await settle()
      await firehose.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: 'd' }))
      await flushed
      expect(await rows()).toEqual([])
      expect((await local.inspect.redshift()).copies).toMatchObject([
        { table: 'forgotten', rows: 0, errorMessage: 'the connection to the database failed' }
      ])
    })

    it('meets the table that it names, and no other', async () => {
      const rule = { kind: 'copy-refused', errorCode: 'DiskFull', times: 2 } as const
      const { put, objects, rows, local } = await startFaulty('named', { ...rule, key: 'unnamed' })
      await put('{"id":1}')
      await objects()
      expect(await rows()).toHaveLength(1)
      local.faults.script([{ service: 'redshift', ...rule, key: 'named' }])
      await put('{"id":2}')
      await objects()
      expect(await rows()).toHaveLength(1)
      expect(local.faults.log()).toHaveLength(1)
    })

    it('comes from a function as well, whose unknown codes are an InternalError', async () => {
      const tables: (string | undefined)[] = []
      const { put, objects, rows, local } = await start(
        'by_function',
        {},
        {
          faults: {
            redshift: ({ table }) => {
              tables.push(table)
              return { kind: 'error', error: new AwsError('OutOfCheese', 'told by the function') }
            }
          }
        }
      )
      await put('{"id":1}')
      await objects()
      expect(tables).toEqual(['by_function'])
      expect(await rows()).toEqual([])
      expect((await local.inspect.firehose()).streams).toMatchObject([
        { lastError: { errorCode: 'InternalError' } }
      ])
    })
  })
})
