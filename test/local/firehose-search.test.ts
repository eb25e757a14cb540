import { UpdateDestinationCommand } from '@aws-sdk/client-firehose'
import { describe, expect, it } from 'vitest'
import { rotatedIndex } from '../../local/firehose/destinations/index-rotation.ts'
import { SearchDestination } from '../../local/firehose/destinations/search.ts'
import type { SearchSettings } from '../../local/firehose/settings.ts'
import type { FailReceiverRequest } from '../../local/receiver.ts'
import { createSearchEngine } from '../../local/search/engine.ts'
import { roleAndBucket, startFirehose } from '../helpers/delivery-streams.ts'
import { DirectDelivery } from '../helpers/direct-delivery.ts'
import { FakeClock, settle } from '../helpers/fake-clock.ts'
import { errorRecords, memoryBackup, s3Settings, sendTo } from '../helpers/receivers.ts'

interface Options {
  readonly settings?: Partial<SearchSettings>
  readonly fault?: FailReceiverRequest
  readonly takesAll?: boolean
  readonly backupFailures?: number
}

function aDelivery({ settings, fault, takesAll = false, backupFailures = 0 }: Options = {}) {
  const clock = new FakeClock()
  const search = createSearchEngine({ fault })
  const send = sendTo(search.handle)
  const { backup, written } = memoryBackup('elasticsearch-failed', { takesAll, failures: backupFailures })
  const destination = new SearchDestination({
    settings: {
      kind: 'search',
      family: 'Elasticsearch',
      roleArn: roleAndBucket.RoleARN,
      domainArn: '',
      clusterEndpoint: 'http://search.test',
      endpoint: 'http://search.test',
      indexName: 'i',
      typeName: '',
      rotationPeriod: 'NoRotation',
      usesDocumentIds: true,
      bufferSizeMiB: 1,
      bufferIntervalSeconds: 60,
      retrySeconds: 300,
      s3BackupMode: takesAll ? 'AllDocuments' : 'FailedDocumentsOnly',
      s3: s3Settings(),
      ...settings
    },
    backup,
    send
  })
  const delivery = new DirectDelivery(destination, clock)
  const put = (...records: string[]): void => {
    for (const record of records) delivery.add(Buffer.from(record))
  }
  const stored = (index = 'i') =>
    search.store.has(index) ? search.store.documents(index).map(({ source }) => source) : []
  return { clock, search, send, delivery, put, stored, written }
}

/** Answers the first `count` requests with `status`. */
function failFirst(count: number, status: number): FailReceiverRequest {
  let left = count
  return () => (left-- > 0 ? { kind: 'answer', status, body: {} } : undefined)
}

describe('delivery to a search index', () => {
  it('scenario 17: indexes two of three documents, and keeps the one that violates the mapping', async () => {
    const { search, delivery, put, stored, written, clock } = aDelivery({ settings: { retrySeconds: 0 } })
    search.store.create('i', { properties: { n: { type: 'integer' } } })
    put('{"n":1}', '{"n":"two"}', '{"n":3}')
    await delivery.flush()
    expect(stored()).toEqual([{ n: 1 }, { n: 3 }])
    expect(written).toHaveLength(1)
    expect(written[0]!.key).toMatch(/^elasticsearch-failed\/2026\/07\/13\/14\/d-1-2026-07-13-14-05-00-/)
    expect(errorRecords(written[0]!.text)).toEqual([
      {
        attemptsMade: 1,
        arrivalTimestamp: clock.wallTime(),
        errorCode: '400',
        errorMessage: 'document_parsing_exception: failed to parse field [n] of type [integer]',
        attemptEndingTimestamp: clock.wallTime(),
        data: '{"n":"two"}',
        esDocumentId: expect.stringMatching(/^49\d{54}\.0$/),
        esIndexName: 'i',
        esTypeName: ''
      }
    ])
    expect(delivery.bufferedBytes).toBe(0)
  })

  it('scenario 18: a cluster that answers 429 gets the same ids again, and each document once', async () => {
    const { clock, delivery, put, stored, send, written } = aDelivery({ fault: failFirst(1, 429) })
    put('{"n":1}', '{"n":2}')
    await delivery.flush()
    expect(stored()).toEqual([])
    await clock.advance(299_999)
    expect(send.requests).toHaveLength(1)
    await clock.advance(1)
    expect(stored()).toEqual([{ n: 1 }, { n: 2 }])
    expect(send.requests).toHaveLength(2)
    expect(send.requests[1]!.body).toEqual(send.requests[0]!.body)
    expect(written).toEqual([])
  })

  it('scenario 19: one flush over midnight goes to two indices, by the arrival of each record', async () => {
    const { clock, delivery, put, stored, send } = aDelivery({ settings: { rotationPeriod: 'OneDay' } })
    await clock.advance(Date.UTC(2026, 6, 13, 23, 59, 59) - clock.wallTime())
    put('{"n":1}')
    await clock.advance(1_000)
    put('{"n":2}')
    await delivery.flush()
    expect(stored('i-2026-07-13')).toEqual([{ n: 1 }])
    expect(stored('i-2026-07-14')).toEqual([{ n: 2 }])
    expect(send.requests).toHaveLength(1)
  })

  it('stores a document once when the answer to its first request is lost', async () => {
    let isFirst = true
    const loseFirst: FailReceiverRequest = () => {
      const fault = isFirst ? ({ kind: 'loseAnswer' } as const) : undefined
      isFirst = false
      return fault
    }
    const { clock, delivery, put, stored } = aDelivery({ fault: loseFirst })
    put('{"n":1}')
    await delivery.flush()
    await clock.advance(300_000)
    expect(stored()).toEqual([{ n: 1 }])
  })

  it('stores it twice in that case when the cluster makes the ids', async () => {
    let isFirst = true
    const { clock, delivery, put, stored, send } = aDelivery({
      settings: { usesDocumentIds: false },
      fault: () => {
        const fault = isFirst ? ({ kind: 'loseAnswer' } as const) : undefined
        isFirst = false
        return fault
      }
    })
    put('{"n":1}')
    await delivery.flush()
    await clock.advance(300_000)
    expect(stored()).toEqual([{ n: 1 }, { n: 1 }])
    expect(send.requests[0]!.body.toString()).toBe('{"index":{"_index":"i"}}\n{"n":1}\n')
  })

  it('sends only what failed again, until the retry duration is over', async () => {
    const tooMany = { status: 429, error: { type: 'busy', reason: 'later' } }
    let requests = 0
    const { clock, delivery, put, written, send } = aDelivery({
      settings: { retrySeconds: 600 },
      fault: () => {
        requests += 1
        const items = requests === 1 ? [{ index: { status: 201 } }, { index: tooMany }] : [{ index: tooMany }]
        return { kind: 'answer', status: 200, body: { errors: true, items } }
      }
    })
    put('{"n":1}', '{"n":2}')
    await delivery.flush()
    await clock.advance(600_000 - 1)
    expect(written).toEqual([])
    await clock.advance(1)
    expect(send.requests.map(({ body }) => body.toString().match(/"n":\d/g))).toEqual([
      ['"n":1', '"n":2'],
      ['"n":2'],
      ['"n":2']
    ])
    expect(errorRecords(written[0]!.text)).toMatchObject([
      { attemptsMade: 3, errorCode: '429', errorMessage: 'busy: later', data: '{"n":2}' }
    ])
  })

  it.each([
    [0, 1],
    [299, 1],
    [300, 2],
    [7200, 25]
  ])(
    'with a retry duration of %i s a cluster that is down is asked %i times',
    async (retrySeconds, attempts) => {
      const { clock, delivery, put, written, send } = aDelivery({
        settings: { retrySeconds },
        fault: () => ({ kind: 'reset' })
      })
      put('{"n":1}')
      await delivery.flush()
      await clock.advance(8_000_000)
      expect(send.requests).toHaveLength(attempts)
      expect(errorRecords(written[0]!.text)).toMatchObject([
        { attemptsMade: attempts, errorCode: 'ES.ServiceException' }
      ])
    }
  )

  it.each([400, 404, 413])('gives a batch up at once that is answered %i', async status => {
    const { delivery, put, written } = aDelivery({ fault: failFirst(1, status) })
    put('{"n":1}')
    await delivery.flush()
    expect(errorRecords(written[0]!.text)).toMatchObject([{ attemptsMade: 1, errorCode: String(status) }])
  })

  it('takes a conflict as delivered: an earlier attempt has stored the document', async () => {
    const items = [{ index: { status: 409, error: { type: 'version_conflict_engine_exception' } } }]
    const { delivery, put, written } = aDelivery({
      fault: () => ({ kind: 'answer', status: 200, body: { errors: true, items } })
    })
    put('{"n":1}')
    await delivery.flush()
    expect(written).toEqual([])
    expect(delivery.bufferedBytes).toBe(0)
  })

  it('takes a 200 that does not answer for every document as a failure', async () => {
    const { clock, delivery, put, stored, written } = aDelivery({ fault: failFirst(1, 200) })
    put('{"n":1}')
    await delivery.flush()
    expect(written).toEqual([])
    await clock.advance(300_000)
    expect(stored()).toEqual([{ n: 1 }])
  })

  it('fails a record of several lines alone, and takes a newline at the end away', async () => {
    const { delivery, put, stored, written } = aDelivery()
    put('{"n":1}\n', '{"n":2}\n{"index":{"_index":"other"}}\n{"n":3}', '', '{"n":4}\r\n')
    await delivery.flush()
    expect(stored()).toEqual([{ n: 1 }, { n: 4 }])
    expect(errorRecords(written[0]!.text)).toMatchObject([
      { errorCode: '400', data: '{"n":2}\n{"index":{"_index":"other"}}\n{"n":3}' },
      { errorCode: '400', data: '' }
    ])
  })

  it('keeps all documents with AllDocuments, and the failed ones besides', async () => {
    const { search, clock, put, written } = aDelivery({
      takesAll: true,
      settings: { retrySeconds: 0 }
    })
    search.store.create('i', { properties: { n: { type: 'integer' } } })
    put('{"n":1}', '{"n":"two"}')
    await clock.advance(60_000)
    await settle()
    expect(written.map(({ text }) => text)).toContain('{"n":1}{"n":"two"}')
    expect(written.find(({ key }) => key.startsWith('2026/07/13/14/d-1-'))).toBeDefined()
    expect(written.filter(({ key }) => key.startsWith('elasticsearch-failed/'))).toHaveLength(1)
    expect(written).toHaveLength(2)
  })

  it('stops while the backup cannot be written, and drops nothing', async () => {
    const { clock, delivery, put, stored, written } = aDelivery({
      settings: { retrySeconds: 0 },
      fault: failFirst(1, 503),
      backupFailures: 2
    })
    put('{"n":1}')
    await delivery.flush()
    put('{"n":2}')
    await delivery.flush()
    expect(written).toEqual([])
    expect(stored()).toEqual([])
    expect(delivery.bufferedBytes).toBe(14)
    await clock.advance(3_000)
    expect(errorRecords(written[0]!.text)).toMatchObject([{ errorCode: '503', data: '{"n":1}' }])
    expect(stored()).toEqual([{ n: 2 }])
    expect(delivery.bufferedBytes).toBe(0)
  })

  it('holds later batches up while one is tried again', async () => {
    const { clock, delivery, put, stored } = aDelivery({ fault: failFirst(1, 503) })
    put('{"n":1}')
    await delivery.flush()
    put('{"n":2}')
    await delivery.flush()
    await clock.advance(299_999)
    expect(stored()).toEqual([])
    await clock.advance(1)
    expect(stored()).toEqual([{ n: 1 }, { n: 2 }])
  })

  it('ends a wait for the next attempt when the delivery stream is deleted', async () => {
    const { clock, delivery, put, send, written } = aDelivery({ fault: () => ({ kind: 'reset' }) })
    put('{"n":1}')
    await delivery.flush()
    await delivery.discard()
    await clock.advance(8_000_000)
    expect(send.requests).toHaveLength(1)
    expect(written).toEqual([])
    expect(clock.pending).toBe(0)
  })
})

describe('index rotation', () => {
  const at = Date.UTC(2016, 1, 25, 13)
  it.each([
    ['NoRotation', 'myindex'],
    ['OneHour', 'myindex-2016-02-25-13'],
    ['OneDay', 'myindex-2016-02-25'],
    ['OneMonth', 'myindex-2016-02'],
    // The rule of the guide; its example says w08.
    ['OneWeek', 'myindex-2016-w09']
  ] as const)('%s', (period, index) => {
    expect(rotatedIndex('myindex', period, at)).toBe(index)
  })

  it.each([
    // 2023 begins on a Sunday, so weeks of 7 days from there.
    [Date.UTC(2023, 0, 1), '2023-w01'],
    [Date.UTC(2023, 0, 7, 23, 59), '2023-w01'],
    [Date.UTC(2023, 0, 8), '2023-w02'],
    // The week of 29 December 2024 has its Saturday in 2025.
    [Date.UTC(2024, 11, 28), '2024-w52'],
    [Date.UTC(2024, 11, 29), '2025-w01']
  ])('counts weeks from Sunday, %i', (ms, week) => {
    expect(rotatedIndex('i', 'OneWeek', ms)).toBe(`i-${week}`)
  })
})

const configuration = {
  RoleARN: roleAndBucket.RoleARN,
  IndexName: 'i',
  IndexRotationPeriod: 'NoRotation' as const,
  S3Configuration: { ...roleAndBucket, Prefix: 'backup/' }
}

describe('delivery streams to Elasticsearch and OpenSearch', () => {
  it.each([
    ['ElasticsearchDestinationConfiguration', 'elasticsearch-failed'],
    ['AmazonopensearchserviceDestinationConfiguration', 'AmazonOpenSearchService-failed']
  ])('%s delivers over HTTP to the domain, and failures to %s under the prefix', async (member, folder) => {
    const { create, put, objects, local } = await startFirehose({ receivers: ['search'] })
    const domain = { DomainARN: 'arn:aws:es:us-east-1:000000000000:domain/flights' }
    await create({ [member]: { ...configuration, ...domain } })
    await put('{"n":1}', 'not JSON')
    const written = await objects()
    expect(local.search!.documents('i').map(({ source }) => source)).toEqual([{ n: 1 }])
    expect(written).toHaveLength(1)
    expect(written[0]!.key).toMatch(new RegExp(`^backup/${folder}/2026/07/13/14/d-1-`))
    expect(errorRecords(written[0]!.text)).toMatchObject([{ data: 'not JSON', esIndexName: 'i' }])
  })

  it('takes ClusterEndpoint, and evaluates ErrorOutputPrefix', async () => {
    const { create, put, objects, local } = await startFirehose({ receivers: ['search'] })
    await create({
      ElasticsearchDestinationConfiguration: {
        ...configuration,
        ClusterEndpoint: `${local.search!.url}/`,
        S3Configuration: {
          ...roleAndBucket,
          ErrorOutputPrefix: 'e/!{firehose:error-output-type}/!{timestamp:yyyy}/'
        }
      }
    })
    await put('{"n":1}', '[]')
    expect((await objects()).map(({ key }) => key)).toEqual([
      expect.stringMatching(/^e\/elasticsearch-failed\/2026\/d-1-/)
    ])
    expect(local.search!.documents('i')).toHaveLength(1)
  })

  it('describes itself with every default', async () => {
    const { create, destination } = await startFirehose({ receivers: ['search'] })
    const domain = { DomainARN: 'arn:aws:es:us-east-1:000000000000:domain/flights' }
    const { RoleARN, IndexName, S3Configuration } = configuration
    await create({
      ElasticsearchDestinationConfiguration: { RoleARN, IndexName, S3Configuration, ...domain }
    })
    expect(await destination()).toEqual({
      DestinationId: 'destinationId-000000000001',
      version: '1',
      ElasticsearchDestinationDescription: {
        RoleARN,
        ...domain,
        IndexName: 'i',
        TypeName: '',
        IndexRotationPeriod: 'OneDay',
        BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 300 },
        RetryOptions: { DurationInSeconds: 300 },
        S3BackupMode: 'FailedDocumentsOnly',
        DocumentIdOptions: { DefaultDocumentIdFormat: 'FIREHOSE_DEFAULT' },
        CloudWatchLoggingOptions: { Enabled: false },
        S3DestinationDescription: expect.objectContaining({ Prefix: 'backup/', ...roleAndBucket })
      }
    })
  })

  it('updates what is given, keeps the rest, and never becomes another type', async () => {
    const { create, destination, firehose, put, local } = await startFirehose({ receivers: ['search'] })
    const domain = { DomainARN: 'arn:aws:es:us-east-1:000000000000:domain/flights' }
    await create({
      ElasticsearchDestinationConfiguration: {
        ...configuration,
        ...domain,
        S3BackupMode: 'AllDocuments',
        S3Configuration: { ...roleAndBucket, Prefix: 'p/', CompressionFormat: 'GZIP' }
      }
    })
    const update = (version: string, change: object) =>
      firehose.send(
        new UpdateDestinationCommand({
          DeliveryStreamName: 'd',
          CurrentDeliveryStreamVersionId: version,
          DestinationId: 'destinationId-000000000001',
          ...change
        })
      )
    await put('{"n":1}')
    await update('1', {
      ElasticsearchDestinationUpdate: {
        IndexName: 'j',
        ClusterEndpoint: local.search!.url,
        S3Update: { Prefix: 'q/' }
      }
    })
    await put('{"n":2}')
    await local.flushFirehose()
    expect(['i', 'j'].map(index => local.search!.documents(index).map(({ source }) => source))).toEqual([
      [{ n: 1 }],
      [{ n: 2 }]
    ])
    const { version, ElasticsearchDestinationDescription: found } = await destination()
    expect(version).toBe('2')
    expect(found).toMatchObject({
      IndexName: 'j',
      ClusterEndpoint: local.search!.url,
      S3BackupMode: 'AllDocuments',
      S3DestinationDescription: { Prefix: 'q/', CompressionFormat: 'GZIP' }
    })
    expect(found!.DomainARN).toBeUndefined()
    for (const change of [
      { ExtendedS3DestinationUpdate: roleAndBucket },
      { AmazonopensearchserviceDestinationUpdate: { IndexName: 'k' } }
    ]) {
      await expect(update('2', change)).rejects.toMatchObject({
        name: 'InvalidArgumentException',
        message: expect.stringContaining('not supported')
      })
    }
    await expect(
      update('2', { ElasticsearchDestinationUpdate: { S3Update: { CompressionFormat: 'gzip' } } })
    ).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('elasticsearchDestinationUpdate.s3Update.compressionFormat')
    })
    expect((await destination()).version).toBe('2')
  })

  it.each([
    [{ IndexName: undefined }, 'ValidationException', 'elasticsearchDestinationConfiguration.indexName'],
    [{ IndexName: 'x'.repeat(81) }, 'ValidationException', 'indexName'],
    [{ RoleARN: 'role' }, 'ValidationException', 'roleARN'],
    [{ S3Configuration: undefined }, 'ValidationException', 's3Configuration'],
    [
      { S3Configuration: { RoleARN: roleAndBucket.RoleARN } },
      'ValidationException',
      'elasticsearchDestinationConfiguration.s3Configuration.bucketARN'
    ],
    [
      { IndexRotationPeriod: 'OneYear' },
      'ValidationException',
      '[NoRotation, OneHour, OneDay, OneWeek, OneMonth]'
    ],
    [{ S3BackupMode: 'AllEvents' }, 'ValidationException', '[FailedDocumentsOnly, AllDocuments]'],
    [{ RetryOptions: { DurationInSeconds: 7201 } }, 'ValidationException', 'retryOptions.durationInSeconds'],
    [{ BufferingHints: { SizeInMBs: 101, IntervalInSeconds: 1 } }, 'ValidationException', 'sizeInMBs'],
    [{ DocumentIdOptions: { DefaultDocumentIdFormat: 'MINE' } }, 'ValidationException', 'documentIdOptions'],
    [{ DomainARN: undefined }, 'InvalidArgumentException', 'DomainARN and ClusterEndpoint'],
    [{ ClusterEndpoint: 'http://localhost' }, 'InvalidArgumentException', 'DomainARN and ClusterEndpoint'],
    [{ DomainARN: undefined, ClusterEndpoint: 'ftp://x' }, 'ValidationException', 'clusterEndpoint'],
    [{ DomainARN: undefined, ClusterEndpoint: 'http://a:b@x' }, 'InvalidArgumentException', 'credentials'],
    [{ VpcConfiguration: {} }, 'InvalidArgumentException', 'VpcConfiguration'],
    [{}, 'InvalidArgumentException', 'was not found']
  ])('refuses %j', async (change, name, text) => {
    // No receiver: the domain of an ARN cannot be found.
    const { create } = await startFirehose()
    const given = { ...configuration, DomainARN: 'arn:aws:es:us-east-1:000000000000:domain/x', ...change }
    await expect(create({ ElasticsearchDestinationConfiguration: given as never })).rejects.toMatchObject({
      name,
      message: expect.stringContaining(text)
    })
  })
})
