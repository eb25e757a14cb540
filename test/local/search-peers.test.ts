import { CreateDeliveryStreamCommand, FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { Client as ElasticsearchClient, errors as elasticsearchErrors } from '@elastic/elasticsearch'
import { Client as OpenSearchClient, errors as openSearchErrors } from '@opensearch-project/opensearch'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { FailReceiverRequest } from '../../local/receiver.ts'
import { opened, openLocal } from '../helpers/local.ts'

// Peers that nobody here wrote: the official clients of both products, against the receiver of the engines.

const documents = Array.from({ length: 300 }, (_, at) => ({
  order: at,
  city: at % 3 === 0 ? 'Oslo' : 'Bergen'
}))

/** Refuses every item of the first `count` bulk requests, as a cluster does whose queue is full. */
function busyFor(count: number): FailReceiverRequest {
  let left = count
  return ({ path, body }) => {
    if (!path.endsWith('/_bulk') || left-- <= 0) return undefined
    const error = { type: 'es_rejected_execution_exception', reason: 'queue is full' }
    const operations = body
      .toString()
      .split('\n')
      .filter(line => line.startsWith('{"index"'))
    const items = operations.map(() => ({ index: { _index: 'a', status: 429, error } }))
    const headers = { 'x-elastic-product': 'Elasticsearch' }
    return { kind: 'answer', status: 200, headers, body: { took: 0, errors: true, items } }
  }
}

async function open(fault?: FailReceiverRequest) {
  const engines = await openLocal({
    receivers: ['search'],
    ...(fault === undefined ? {} : { faults: { search: fault } })
  })
  const node = engines.search!.url
  const elasticsearch = new ElasticsearchClient({ node })
  const openSearch = new OpenSearchClient({ node })
  onTestFinished(async () => {
    await elasticsearch.close()
    await openSearch.close()
  })
  return { engines, elasticsearch, openSearch }
}

/** Puts documents through a delivery stream, and waits until all of them are where they belong. */
async function deliver(engines: Awaited<ReturnType<typeof open>>['engines'], records: readonly object[]) {
  const firehose = opened(new FirehoseClient(engines.clientConfig('firehose')))
  const s3 = opened(new S3Client(engines.clientConfig('s3')))
  await s3.send(new CreateBucketCommand({ Bucket: 'backup' }))
  const RoleARN = 'arn:aws:iam::000000000000:role/firehose'
  await firehose.send(
    new CreateDeliveryStreamCommand({
      DeliveryStreamName: 'orders',
      AmazonopensearchserviceDestinationConfiguration: {
        RoleARN,
        ClusterEndpoint: engines.search!.url,
        IndexName: 'orders',
        IndexRotationPeriod: 'NoRotation',
        RetryOptions: { DurationInSeconds: 0 },
        S3Configuration: { RoleARN, BucketARN: 'arn:aws:s3:::backup' }
      }
    })
  )
  const Records = records.map(record => ({ Data: Buffer.from(JSON.stringify(record)) }))
  await firehose.send(new PutRecordBatchCommand({ DeliveryStreamName: 'orders', Records }))
  await engines.flushFirehose()
}

describe('the client of Elasticsearch', () => {
  it('finds and counts what Firehose delivered', async () => {
    const { engines, elasticsearch } = await open()
    await deliver(engines, documents)
    expect((await elasticsearch.count({ index: 'orders' })).count).toBe(300)
    const query = { term: { 'city.keyword': 'Oslo' } }
    const found = await elasticsearch.search<{ order: number }>({ index: 'orders', query, size: 200 })
    expect(found.hits.total).toEqual({ value: 100, relation: 'eq' })
    expect(found.hits.hits.map(({ _source: source }) => source!.order % 3)).toEqual(Array(100).fill(0))
  })

  it('writes by its bulk helper, and drops what the mapping refuses, with the reason', async () => {
    const { elasticsearch } = await open()
    await elasticsearch.indices.create({ index: 'a', mappings: { properties: { order: { type: 'long' } } } })
    const dropped: (string | undefined)[] = []
    const result = await elasticsearch.helpers.bulk<object>({
      datasource: [...documents, { order: 'not a number' }],
      onDocument: () => ({ index: { _index: 'a' } }),
      onDrop: ({ status, error }) => dropped.push(`${status} ${error?.type}`)
    })
    expect(result).toMatchObject({ total: 301, successful: 300, failed: 1 })
    expect(dropped).toEqual(['400 document_parsing_exception'])
  })

  it('tells each item of a bulk request apart', async () => {
    const { elasticsearch } = await open()
    await elasticsearch.create({ index: 'a', id: 'taken', document: {} })
    const { errors, items } = await elasticsearch.bulk({
      operations: [
        { create: { _index: 'a', _id: 'taken' } },
        {},
        { create: { _index: 'a', _id: 'free' } },
        {},
        { delete: { _index: 'a', _id: 'nothing' } }
      ]
    })
    expect(errors).toBe(true)
    expect(items.map(item => Object.values(item)[0]?.status)).toEqual([409, 201, 404])
  })

  it('tries items again by itself that are answered 429', async () => {
    const { engines, elasticsearch } = await open(busyFor(2))
    const result = await elasticsearch.helpers.bulk<object>({
      datasource: [...documents],
      onDocument: () => ({ index: { _index: 'a' } }),
      wait: 1,
      retries: 5
    })
    expect(result).toMatchObject({ successful: 300, failed: 0 })
    expect(engines.search!.documents('a')).toHaveLength(300)
  })

  it('knows the errors by their types', async () => {
    const { elasticsearch } = await open()
    const refused = await elasticsearch.search({ index: 'nothing' }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(elasticsearchErrors.ResponseError)
    expect(refused).toMatchObject({ statusCode: 404, message: expect.stringContaining('index_not_found') })
    expect(await elasticsearch.exists({ index: 'nothing', id: 'a' })).toBe(false)
  })
})

describe('the client of OpenSearch', () => {
  it('finds and counts what Firehose delivered', async () => {
    const { engines, openSearch } = await open()
    await deliver(engines, documents)
    expect((await openSearch.count({ index: 'orders' })).body.count).toBe(300)
    const { body } = await openSearch.search({
      index: 'orders',
      body: { query: { match: { city: 'oslo' } } }
    })
    expect(body.hits.total).toEqual({ value: 100, relation: 'eq' })
    expect(body.hits.hits).toHaveLength(10)
  })

  it('writes by its bulk helper, and drops what the mapping refuses', async () => {
    const { openSearch } = await open()
    await openSearch.indices.create({
      index: 'a',
      body: { mappings: { properties: { order: { type: 'long' } } } }
    })
    const dropped: unknown[] = []
    const result = await openSearch.helpers.bulk({
      datasource: [...documents, { order: 'not a number' }],
      onDocument: () => ({ index: { _index: 'a' } }),
      onDrop: ({ status }: { readonly status: number }) => dropped.push(status)
    })
    expect(result).toMatchObject({ total: 301, successful: 300, failed: 1 })
    expect(dropped).toEqual([400])
  })

  it('tries items again by itself that are answered 429', async () => {
    const { engines, openSearch } = await open(busyFor(1))
    const result = await openSearch.helpers.bulk({
      datasource: [...documents],
      onDocument: () => ({ index: { _index: 'a' } }),
      wait: 1,
      retries: 5
    })
    expect(result).toMatchObject({ successful: 300, failed: 0 })
    expect(engines.search!.documents('a')).toHaveLength(300)
  })

  it('knows the errors by their types', async () => {
    const { openSearch } = await open()
    const refused = await openSearch.search({ index: 'nothing' }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(openSearchErrors.ResponseError)
    expect(refused).toMatchObject({ statusCode: 404 })
  })
})
