import { describe, expect, it } from 'vitest'
import { awsEngine, clientConfigOf, endpointEngine } from '../../pipeline/engine.ts'
import { definePipeline, type PipelinePlan } from '../../pipeline/plan.ts'
import type { StreamReader } from '../../pipeline/stream-readers.ts'

describe('definePipeline', () => {
  it('derives every name from the pipeline name', () => {
    expect(definePipeline({ name: 'orders' })).toMatchObject({
      stream: {
        name: 'orders',
        mode: 'provisioned',
        shards: 4,
        maxRecordKiB: 1_024,
        recordDistribution: 'partitionKey',
        readers: []
      },
      sealing: { mode: 'aggregate', keyId: 'alias/orders' },
      consumer: { applicationName: 'orders-worker', initialPosition: 'TRIM_HORIZON' },
      destinations: [
        {
          kind: 's3',
          deliveryStreamName: 'orders-s3',
          bucket: 'orders-delivered',
          prefix: 'records/',
          framing: 'ndjson',
          bufferSizeMiB: 5,
          bufferIntervalSeconds: 60,
          compression: 'UNCOMPRESSED'
        }
      ],
      producer: {
        aggregateBy: 'shard',
        ordered: false,
        onLaneFailure: 'stop',
        maxRecordsPerAggregate: undefined,
        rateLimitPercent: 150
      },
      deadLetters: {
        kind: 'sqs',
        queue: 'orders-dead-letters',
        keyId: undefined,
        bucket: 'orders-dead-letters',
        prefix: ''
      }
    })
  })

  it.each([
    [{ name: 'orders', steam: {} }, 'option steam: unknown'],
    [{ name: 'orders', stream: { shard: 1 } }, 'option stream.shard: unknown; known are name, mode, shards'],
    [
      { name: 'orders', stream: { shards: 0 } },
      'option stream.shards: expected an integer from 1 to 10000, found 0'
    ],
    [{ name: 'orders', stream: 4 }, 'option stream: expected an object'],
    [{ name: 'Orders' }, 'option name: expected 1 to 40 lower-case letters'],
    [{}, 'option name: expected a string'],
    [
      { name: 'o', sealing: { mode: 'both' } },
      "option sealing.mode: expected 'aggregate' or 'record' or 'off'"
    ],
    [{ name: 'o', deadLetters: { kind: 'dynamodb' } }, "option deadLetters.kind: expected 'sqs' or 's3'"],
    [
      { name: 'o', deadLetters: { kind: 's3', queue: 'q' } },
      "option deadLetters.queue: goes with deadLetters.kind 'sqs' alone"
    ],
    [
      { name: 'o', deadLetters: { kind: 's3', keyId: 'alias/k' } },
      "option deadLetters.keyId: goes with deadLetters.kind 'sqs' alone"
    ],
    [
      { name: 'o', deadLetters: { queue: 'q.fifo' } },
      'option deadLetters.queue: expected 1 to 80 letters, digits, hyphens and underscores, or the URL'
    ],
    [
      { name: 'o', sealing: { context: { stream: 'x' } } },
      'option sealing.context.stream: is set by the pipeline'
    ],
    [{ name: 'o', sealing: { context: { schema: 7 } } }, 'option sealing.context.schema: expected a string'],
    [
      { name: 'o', stream: { mode: 'ON_DEMAND' } },
      "option stream.mode: expected 'provisioned' or 'on-demand', found 'ON_DEMAND'"
    ],
    [
      { name: 'o', stream: { mode: 'on-demand', shards: 2 } },
      "option stream.shards: goes with stream.mode 'provisioned' alone"
    ],
    [
      { name: 'o', stream: { maxRecordKiB: 1_023 } },
      'option stream.maxRecordKiB: expected an integer from 1024 to 10240, found 1023'
    ],
    [{ name: 'o', stream: { maxRecordKiB: 10_241 } }, 'option stream.maxRecordKiB'],
    [
      { name: 'o', stream: { recordDistribution: 'random' } },
      "option stream.recordDistribution: expected 'partitionKey' or 'auto'"
    ],
    [
      { name: 'o', stream: { recordDistribution: 'auto' } },
      "option stream.recordDistribution: 'auto' goes with stream.mode 'on-demand' alone"
    ],
    [
      { name: 'o', stream: { mode: 'on-demand', recordDistribution: 'auto' }, producer: { ordered: true } },
      "option producer.ordered: there is no order with stream.recordDistribution 'auto'"
    ],
    [
      { name: 'o', consumer: { retrieval: 'push' } },
      "option consumer.retrieval: expected 'polling' or 'fan-out', found 'push'"
    ],
    [
      { name: 'o', producer: { aggregateBy: 'key' } },
      "option producer.aggregateBy: expected 'shard' or 'partitionKey'"
    ],
    [
      { name: 'o', producer: { ordered: 'yes' } },
      'option producer.ordered: expected true or false, found string'
    ],
    [
      { name: 'o', producer: { onLaneFailure: 'skip' } },
      "option producer.onLaneFailure: expected 'stop' or 'continue'"
    ],
    [
      { name: 'o', producer: { maxRecordsPerAggregate: 100_001 } },
      'option producer.maxRecordsPerAggregate: expected an integer from 1 to 100000, found 100001'
    ],
    [
      { name: 'o', producer: { maxRecordBytes: 1_023 } },
      'option producer.maxRecordBytes: expected an integer from 1024 to 1023999, found 1023'
    ],
    [{ name: 'o', producer: { maxRecordBytes: 2.5 } }, 'option producer.maxRecordBytes: expected an integer'],
    [
      { name: 'o', producer: { order: true } },
      'option producer.order: unknown; known are aggregateBy, ordered'
    ]
  ])('refuses %j and names the member', (plan, message) => {
    expect(() => definePipeline(plan as unknown as PipelinePlan)).toThrow(message)
  })

  it('does not quote a context value', () => {
    const plan = { name: 'o', sealing: { context: { tenant: ['secret-value'] } } } as unknown as PipelinePlan
    expect(() => definePipeline(plan)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') })
    )
  })
})

describe('readers of the stream', () => {
  const deaggregating: [string, StreamReader][] = [
    ['a KCL application', { kind: 'kcl' }],
    ['a Lambda function without our handler', { kind: 'lambda' }],
    ["a Firehose to 'elasticsearch'", { kind: 'firehose', destination: 'elasticsearch' }],
    ["a Firehose to 'http'", { kind: 'firehose', destination: 'http' }],
    [
      'a Firehose with dynamic partitioning',
      { kind: 'firehose', destination: 's3', dynamicPartitioning: true }
    ]
  ]
  const transforming: StreamReader[] = [
    { kind: 'firehose', destination: 's3' },
    { kind: 'firehose', destination: 's3', dynamicPartitioning: false },
    { kind: 'firehose', destination: 'redshift' },
    { kind: 'firehose', destination: 'splunk' },
    { kind: 'lambda', handler: 'sealstream' }
  ]
  const planWith = (readers: readonly StreamReader[], plan: Omit<PipelinePlan, 'name' | 'stream'> = {}) =>
    definePipeline({ name: 'o', stream: { readers }, ...plan })

  it.each(deaggregating)('%s cannot read sealed aggregates, which are the default', (who, reader) => {
    const readers = [{ kind: 'firehose', destination: 's3' } as const, reader]
    const message = `option sealing.mode: 'aggregate' cannot be read by stream.readers[1], ${who}, which de-aggregates before it decrypts: expected 'record' or 'off'`
    expect(() => planWith(readers)).toThrow(message)
    expect(() => planWith(readers, { sealing: { mode: 'aggregate' } })).toThrow(message)
  })

  it.each(deaggregating)('%s reads sealed records and plain ones', (_, reader) => {
    for (const mode of ['record', 'off'] as const) {
      expect(planWith([reader], { sealing: { mode } }).stream.readers).toMatchObject([reader])
    }
  })

  it.each(transforming)('%j reads whatever is put', reader => {
    for (const mode of ['aggregate', 'record', 'off'] as const) {
      expect(planWith([reader], { sealing: { mode } }).stream.readers).toMatchObject([reader])
    }
  })

  it('several batches of a shard at a time need aggregates of one partition key, for a Lambda function that counts on its order', () => {
    const parallel = { kind: 'lambda', handler: 'sealstream', parallelizationFactor: 4 } as const
    const one = { ...parallel, parallelizationFactor: 1 }
    for (const producer of [{}, { aggregateBy: 'shard' }] as const) {
      expect(() => planWith([one, parallel], { producer })).toThrow(
        "option producer.aggregateBy: 'shard' keeps no order of a partition key for stream.readers[1], a Lambda function with parallelizationFactor 4: expected 'partitionKey', or keyOrder false there"
      )
    }
    expect(planWith([parallel], { producer: { aggregateBy: 'partitionKey' } }).stream.readers).toEqual([
      { ...parallel, keyOrder: true }
    ])
    expect(planWith([one, { ...parallel, keyOrder: false }]).producer.aggregateBy).toBe('shard')
    const stream = { mode: 'on-demand', recordDistribution: 'auto', readers: [parallel] } as const
    expect(definePipeline({ name: 'o', stream }).producer.aggregateBy).toBe('shard')
  })

  it('nobody but our own worker reads whatever is put', () => {
    for (const mode of ['aggregate', 'record', 'off'] as const) {
      expect(planWith([], { sealing: { mode } }).stream.readers).toEqual([])
    }
  })

  it.each([
    ['kcl', 'option stream.readers: expected a list of readers'],
    [['kcl'], 'option stream.readers[0]: expected an object'],
    [
      [{ kind: 'flink' }],
      "option stream.readers[0].kind: expected 'kcl' or 'lambda' or 'firehose', found 'flink'"
    ],
    [[{ kind: 'kcl', destination: 's3' }], 'option stream.readers[0].destination: unknown; known are kind'],
    [
      [{ kind: 'firehose' }],
      "option stream.readers[0].destination: expected 's3' or 'redshift' or 'splunk' or 'elasticsearch' or 'http'"
    ],
    [
      [{ kind: 'lambda' }, { kind: 'firehose', destination: 'splunk', dynamicPartitioning: true }],
      "option stream.readers[1].dynamicPartitioning: goes with the destination 's3' alone, found 'splunk'"
    ],
    [
      [{ kind: 'lambda', parallelizationFactor: 11 }],
      'option stream.readers[0].parallelizationFactor: expected an integer from 1 to 10, found 11'
    ],
    [
      [{ kind: 'lambda', handler: 'mine' }],
      "option stream.readers[0].handler: expected 'sealstream' or 'other'"
    ],
    [[{ kind: 'lambda', keyOrder: 0 }], 'option stream.readers[0].keyOrder: expected true or false'],
    [[{ kind: 'lambda', factor: 1 }], 'option stream.readers[0].factor: unknown'],
    [
      [{ kind: 'firehose', destination: 's3', dynamicPartitioning: 1 }],
      'option stream.readers[0].dynamicPartitioning: expected true or false, found number'
    ]
  ])('refuses %j and names the member', (readers, message) => {
    const plan = { name: 'o', stream: { readers }, sealing: { mode: 'record' } } as unknown as PipelinePlan
    expect(() => definePipeline(plan)).toThrow(message)
  })

  it.each(['record', 'off'] as const)(
    'a Firehose takes 500 user records out of an aggregate, in mode %s',
    mode => {
      const readers: StreamReader[] = [{ kind: 'kcl' }, { kind: 'firehose', destination: 's3' }]
      const perAggregate = (maxRecordsPerAggregate?: number) =>
        planWith(readers, {
          sealing: { mode },
          ...(maxRecordsPerAggregate === undefined ? {} : { producer: { maxRecordsPerAggregate } })
        }).producer.maxRecordsPerAggregate
      expect(perAggregate()).toBe(500)
      expect(perAggregate(20)).toBe(20)
      expect(() => perAggregate(501)).toThrow(
        'option producer.maxRecordsPerAggregate: expected an integer from 1 to 500, what Firehose, stream.readers[1], takes out of one Kinesis record, found 501'
      )
    }
  )

  it('that limit holds neither for sealed aggregates nor for other readers', () => {
    const producer = { maxRecordsPerAggregate: 501 }
    const firehose: StreamReader = { kind: 'firehose', destination: 's3' }
    expect(planWith([firehose], { producer }).producer.maxRecordsPerAggregate).toBe(501)
    expect(planWith([firehose]).producer.maxRecordsPerAggregate).toBeUndefined()
    const record = { sealing: { mode: 'record' }, producer } as const
    expect(planWith([{ kind: 'kcl' }, { kind: 'lambda' }], record).producer.maxRecordsPerAggregate).toBe(501)
  })

  it.each([
    ['ndjson', [], 1_023_999],
    ['lines', [], 1_023_999],
    ['none', [], 1_024_000],
    ['none', [{ kind: 'firehose', destination: 's3' }], 1_023_999]
  ] as const)('with framing %s and readers %j a record has at most %3$d bytes', (framing, readers, most) => {
    const largest = (maxRecordBytes?: number) =>
      definePipeline({
        name: 'o',
        stream: { readers, maxRecordKiB: 10_240 },
        destinations: [{ kind: 's3', framing }],
        ...(maxRecordBytes === undefined ? {} : { producer: { maxRecordBytes } })
      }).producer.maxRecordBytes
    expect(largest()).toBe(most)
    expect(largest(2_000)).toBe(2_000)
    expect(() => largest(most + 1)).toThrow(
      `option producer.maxRecordBytes: expected an integer from 1024 to ${most}, what Firehose delivers`
    )
  })
})

describe('engines', () => {
  it('pass endpoint, region and credentials explicitly, so that no environment leads a local run to AWS', () => {
    const engine = endpointEngine('http://127.0.0.1:4566')
    expect(clientConfigOf(engine, 'kinesis')).toEqual({
      endpoint: 'http://127.0.0.1:4566',
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' }
    })
    expect(clientConfigOf(engine, 's3')).toMatchObject({ forcePathStyle: true })
  })

  it('leave everything to the SDK on AWS', () => {
    expect(clientConfigOf(awsEngine, 's3')).toEqual({})
  })
})
