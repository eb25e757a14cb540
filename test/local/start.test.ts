import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { CreateDeliveryStreamCommand, FirehoseClient, PutRecordCommand } from '@aws-sdk/client-firehose'
import {
  CreateStreamCommand,
  KinesisClient,
  ListStreamsCommand,
  PutRecordCommand as PutKinesisRecordCommand,
  RegisterStreamConsumerCommand,
  SplitShardCommand
} from '@aws-sdk/client-kinesis'
import {
  CreateAliasCommand,
  CreateKeyCommand,
  EnableKeyRotationCommand,
  KMSClient
} from '@aws-sdk/client-kms'
import { CreateBucketCommand, ListBucketsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient
} from '@aws-sdk/client-sqs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { InvalidOptionError } from '../../core/errors.ts'
import { type LocalEngines, type LocalOptions, startLocal, VirtualClock } from '../../local/index.ts'
import { opened, openLocal } from '../helpers/local.ts'
import { restartable } from '../helpers/state.ts'

const RoleARN = 'arn:aws:iam::000000000000:role/firehose'

function clientsOf(local: LocalEngines) {
  return {
    kinesis: opened(new KinesisClient({ ...local.clientConfig('kinesis'), maxAttempts: 1 })),
    dynamodb: opened(new DynamoDBClient({ ...local.clientConfig('dynamodb'), maxAttempts: 1 })),
    kms: opened(new KMSClient({ ...local.clientConfig('kms'), maxAttempts: 1 })),
    s3: opened(new S3Client({ ...local.clientConfig('s3'), maxAttempts: 1 })),
    sqs: opened(new SQSClient({ ...local.clientConfig('sqs'), maxAttempts: 1 })),
    firehose: opened(new FirehoseClient({ ...local.clientConfig('firehose'), maxAttempts: 1 }))
  }
}
type Clients = ReturnType<typeof clientsOf>

/** One of everything, called `name`, with something in it. */
async function fill({ kinesis, dynamodb, kms, s3, sqs, firehose }: Clients, name: string): Promise<void> {
  await kinesis.send(new CreateStreamCommand({ StreamName: name, ShardCount: 2 }))
  await kinesis.send(
    new PutKinesisRecordCommand({ StreamName: name, PartitionKey: 'key', Data: Buffer.from('data') })
  )
  await dynamodb.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'k', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'k', KeyType: 'HASH' }]
    })
  )
  await dynamodb.send(new PutItemCommand({ TableName: name, Item: { k: { S: 'a' } } }))
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  await kms.send(new CreateAliasCommand({ AliasName: `alias/${name}`, TargetKeyId: KeyMetadata!.KeyId! }))
  await kms.send(new EnableKeyRotationCommand({ KeyId: KeyMetadata!.KeyId! }))
  await s3.send(new CreateBucketCommand({ Bucket: name }))
  await s3.send(new PutObjectCommand({ Bucket: name, Key: 'folder/object', Body: 'bytes' }))
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }))
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'message' }))
  await firehose.send(
    new CreateDeliveryStreamCommand({
      DeliveryStreamName: name,
      ExtendedS3DestinationConfiguration: { RoleARN, BucketARN: `arn:aws:s3:::${name}` }
    })
  )
  await firehose.send(
    new PutRecordCommand({ DeliveryStreamName: name, Record: { Data: Buffer.from('record') } })
  )
}

describe('services', () => {
  it('run alone where they are asked for; what asks for another one learns so at once', async () => {
    const local = await openLocal({ services: ['kinesis'] })
    const { kinesis, dynamodb, kms, s3 } = clientsOf(local)
    await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    expect(local.services).toEqual(['kinesis'])
    const error = { name: 'ServiceNotRunningException', $metadata: { httpStatusCode: 501, attempts: 1 } }
    const calls = [
      () => kms.send(new CreateKeyCommand({})),
      () => dynamodb.send(new PutItemCommand({ TableName: 'table', Item: {} })),
      () => s3.send(new ListBucketsCommand({}))
    ]
    for (const call of calls) await expect(call()).rejects.toMatchObject(error)
    await expect(calls[0]!()).rejects.toThrow(
      'kms does not run here, only kinesis: name it in the option services.'
    )
    await expect(local.inspect.kms()).rejects.toMatchObject({ code: 'SEALSTREAM_ENGINE_UNAVAILABLE' })
    expect([local.kmsRequests(), local.kmsRequestLog(), local.firehoseBufferedBytes()]).toEqual([0, [], 0])
    const held: Uint8Array[] = []
    for await (const piece of local.everythingAtRest()) held.push(piece)
    expect(held).toHaveLength(1)
  })

  it('bring S3 with Firehose', async () => {
    const local = await openLocal({ services: ['firehose'] })
    expect(local.services).toEqual(['s3', 'firehose'])
    await clientsOf(local).s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  })

  it.each([[[]], [['kinesis', 'ec2']]])('refuse %j', async services => {
    const start = startLocal({ services } as LocalOptions)
    await expect(start).rejects.toBeInstanceOf(InvalidOptionError)
    await expect(start).rejects.toMatchObject({ option: 'services' })
  })

  it('refuse faults that are none', async () => {
    const faults = [{ service: 'kinesis', kind: 'none' }] as never
    await expect(startLocal({ faults })).rejects.toMatchObject({ option: 'faults[0].kind' })
  })

  it('share nothing, however many run in one process', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => openLocal({ clock: 'virtual' })))
    const ports = new Set(all.flatMap(({ endpoint, endpoints }) => [endpoint, ...Object.values(endpoints)]))
    expect(ports.size).toBe(20 * 7)
    await Promise.all(
      all.map(async (local, index) => {
        local.faults.script([{ service: 'sqs', kind: 'throttle', afterRequests: index + 2, times: 1 }])
        await fill(clientsOf(local), `name-${index}`)
        await local.clock.advance(index)
      })
    )
    const origin = new VirtualClock().now()
    for (const [index, local] of all.entries()) {
      const name = `name-${index}`
      const kinesis = await local.inspect.kinesis()
      expect(kinesis.streams.map(stream => [stream.name, stream.records])).toEqual([[name, 1]])
      expect((await local.inspect.dynamodb()).tables.map(table => [table.name, table.items])).toEqual([
        [name, 1]
      ])
      expect((await local.inspect.kms()).keys.map(({ aliases }) => aliases)).toEqual([[`alias/${name}`]])
      expect((await local.inspect.s3()).buckets.map(bucket => bucket.name)).toEqual([name])
      expect((await local.inspect.sqs()).queues.map(queue => queue.name)).toEqual([name])
      expect((await local.inspect.firehose()).streams.map(stream => stream.name)).toEqual([name])
      expect(local.faults.rules()).toMatchObject([{ requests: 2, hits: 0 }])
      expect(local.clock.now()).toBe(origin + index)
    }
    expect(new Set(all.map(({ outputFolder }) => outputFolder)).size).toBe(20)
  })
})

describe('what the engines hold', () => {
  it('is told by names, counts and bytes, without a payload or a key', async () => {
    const local = await openLocal({ receivers: ['search', 'hec'], clock: 'virtual' })
    const clients = clientsOf(local)
    await fill(clients, 'orders')
    await clients.kinesis.send(
      new SplitShardCommand({
        StreamName: 'orders',
        ShardToSplit: 'shardId-000000000000',
        NewStartingHashKey: '85070591730234615865843651857942052864'
      })
    )
    const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/orders'
    await clients.kinesis.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'reader' }))
    const kinesis = await local.inspect.kinesis()
    expect(kinesis).toMatchObject({
      streams: [
        { name: 'orders', status: 'ACTIVE', mode: 'PROVISIONED', retentionHours: 24, isEncrypted: false }
      ]
    })
    const [stream] = kinesis.streams
    expect(stream).toMatchObject({ records: 1, bytes: 7, consumers: ['reader'] })
    expect(stream?.shards.map(({ id, isOpen, parents }) => [id.slice(-1), isOpen, parents.length])).toEqual([
      ['0', false, 0],
      ['1', true, 0],
      ['2', true, 1],
      ['3', true, 1]
    ])
    expect(stream?.shards.filter(({ lastSequenceNumber }) => lastSequenceNumber !== undefined)).toHaveLength(
      1
    )
    expect(await local.inspect.dynamodb()).toMatchObject({
      tables: [{ name: 'orders', status: 'ACTIVE', items: 1, indexes: [] }]
    })
    expect(await local.inspect.kms()).toMatchObject({
      requests: 3,
      keys: [
        { state: 'Enabled', isRotationEnabled: true, rotations: 0, grants: 0, aliases: ['alias/orders'] }
      ]
    })
    expect(await local.inspect.s3()).toMatchObject({
      buckets: [
        {
          name: 'orders',
          versioning: undefined,
          count: 1,
          bytes: 5,
          encryption: { algorithm: 'AES256' },
          hasPolicy: false,
          hasObjectLock: false,
          settings: ['publicAccessBlock', 'ownershipControls'],
          objects: [{ key: 'folder/object', bytes: 5 }]
        }
      ]
    })
    expect(await local.inspect.sqs()).toEqual({
      queues: [{ name: 'orders', visible: 1, inFlight: 0, delayed: 0 }]
    })
    expect(await local.inspect.firehose()).toMatchObject({
      streams: [{ name: 'orders', destination: 's3', version: 1, bufferedBytes: 6, lastError: undefined }]
    })
    expect(await local.inspect.search()).toEqual({ bytes: 0, indices: [] })
    expect(await local.inspect.hec()).toEqual({
      events: 0,
      bytes: 0,
      channels: 0,
      pendingAcknowledgements: 0
    })
    const all = await (await fetch(`${local.endpoint}/_sealstream/inspect`)).text()
    for (const payload of ['data', 'message', 'record']) {
      expect(all).not.toContain(`"${Buffer.from(payload).toString('base64')}"`)
    }
    // 32 bytes of material in any of their usual forms.
    expect(all).not.toMatch(/[0-9a-f]{64}|[A-Za-z0-9+/]{43}=/)
  })

  it('tells the last error of a delivery by its code, without the words of the destination', async () => {
    const local = await openLocal({
      receivers: ['search'],
      clock: 'virtual',
      faults: [{ service: 'search', kind: 'partial-failure', entries: [1] }]
    })
    const { s3, firehose } = clientsOf(local)
    await s3.send(new CreateBucketCommand({ Bucket: 'backup' }))
    await firehose.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName: 'd',
        ElasticsearchDestinationConfiguration: {
          RoleARN,
          ClusterEndpoint: local.search!.url,
          IndexName: 'flights',
          IndexRotationPeriod: 'NoRotation',
          BufferingHints: { IntervalInSeconds: 60, SizeInMBs: 5 },
          RetryOptions: { DurationInSeconds: 300 },
          S3Configuration: { RoleARN, BucketARN: 'arn:aws:s3:::backup' }
        }
      })
    )
    for (const text of ['{"n":1}', '{"n":2}']) {
      await firehose.send(
        new PutRecordCommand({ DeliveryStreamName: 'd', Record: { Data: Buffer.from(text) } })
      )
    }
    await local.clock.advance(60_000)
    const [stream] = (await local.inspect.firehose()).streams
    expect(stream?.lastError).toEqual({ atMs: local.clock.wallTime(), errorCode: '429', records: 1 })
    expect((await local.inspect.search()).indices).toEqual([{ name: 'flights', documents: 1 }])
  })
})

describe('virtual time', () => {
  it('delivers when the buffering interval is over, and resolves when the object lies there', async () => {
    const local = await openLocal({ clock: 'virtual' })
    await fill(clientsOf(local), 'orders')
    const objects = async (): Promise<number | undefined> => (await local.inspect.s3()).buckets[0]?.count
    await local.clock.advance(299_999)
    expect(await objects()).toBe(1)
    await local.clock.advance(1)
    expect(await objects()).toBe(2)
    expect(local.firehoseBufferedBytes()).toBe(0)
  })

  it('is one with that of a clock that is given, for what else runs on it', async () => {
    const clock = new VirtualClock()
    const local = await openLocal({ clock, statusDelayMs: 1_000, services: ['kinesis'] })
    await clientsOf(local).kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    const order: string[] = []
    clock.schedule(() => order.push('later'), 2_000)
    clock.schedule(() => order.push('first'), 10)
    expect((await local.inspect.kinesis()).streams[0]?.status).toBe('CREATING')
    await local.clock.advance(1_000)
    expect((await local.inspect.kinesis()).streams[0]?.status).toBe('ACTIVE')
    expect(order).toEqual(['first'])
    await clock.advance(1_000)
    expect([local.clock.now(), local.clock.wallTime()]).toEqual([clock.now(), clock.wallTime()])
    expect(order).toEqual(['first', 'later'])
  })

  it('is refused where time moves by itself', async () => {
    const local = await openLocal({ services: ['sqs'] })
    await expect(local.clock.advance(1)).rejects.toMatchObject({ option: 'clock' })
  })
})

describe('reset', () => {
  const everything = async ({ inspect }: LocalEngines) => ({
    kinesis: (await inspect.kinesis()).streams,
    dynamodb: (await inspect.dynamodb()).tables,
    kms: (await inspect.kms()).keys,
    s3: (await inspect.s3()).buckets,
    sqs: (await inspect.sqs()).queues,
    firehose: (await inspect.firehose()).streams,
    search: (await inspect.search()).indices,
    hec: (await inspect.hec()).events
  })
  const nothing = { kinesis: [], dynamodb: [], kms: [], s3: [], sqs: [], firehose: [], search: [], hec: 0 }
  const fillReceivers = async ({ search, hec }: LocalEngines): Promise<void> => {
    await fetch(`${search!.url}/flights/_doc/1`, { method: 'PUT', body: '{"n":1}' })
    await fetch(`${hec!.url}/services/collector/event`, {
      method: 'POST',
      headers: {
        authorization: `Splunk ${hec!.token}`,
        'x-splunk-request-channel': '00000000-0000-4000-8000-000000000000'
      },
      body: '{"event":1}'
    })
  }

  it('has a state folder forget everything, and keep what comes after', async () => {
    const restart = restartable({ receivers: ['search', 'hec'] })
    const local = await restart()
    await fill(clientsOf(local), 'orders')
    await fillReceivers(local)
    await local.reset()
    expect(await everything(local)).toEqual(nothing)
    const again = await restart()
    expect(await everything(again)).toEqual(nothing)
    expect(again.hec?.token).toBe(local.hec?.token)

    await again.reset()
    await fill(clientsOf(again), 'orders')
    await fillReceivers(again)
    await again.flushFirehose()
    const before = await everything(again)
    expect(before).toMatchObject({ search: [{ documents: 1 }], hec: 1, kms: [{}], sqs: [{ visible: 1 }] })
    expect(await everything(await restart())).toEqual(before)
  })

  it('has a state folder forget engines that do not run as well', async () => {
    const restart = restartable({ receivers: ['search', 'hec'] })
    const local = await restart()
    await fill(clientsOf(local), 'orders')
    await fillReceivers(local)
    const other = await restart({ services: ['sqs'], receivers: [] })
    await other.reset()
    expect(await everything(await restart())).toEqual(nothing)
  })

  it('has requests under way leave nothing in a state folder', async () => {
    const restart = restartable()
    const local = await restart()
    const { s3, sqs, kinesis } = clientsOf(local)
    await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }))
    local.faults.script([{ service: 'kinesis', kind: 'delay', delayMs: 3_600_000 }])
    const requests = Array.from({ length: 10 }, (_, index) => [
      s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: `a/${index}`, Body: Buffer.alloc(100_000) })),
      sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'message' })),
      kinesis.send(
        new PutKinesisRecordCommand({ StreamName: 's', PartitionKey: 'key', Data: Buffer.from('data') })
      )
    ]).flat()
    const settled = Promise.allSettled(requests)
    while (local.faults.log().length === 0) await new Promise(resolve => setImmediate(resolve))
    await local.reset()
    await settled
    const { s3: buckets, sqs: queues, kinesis: streams } = (await restart()).inspect
    expect([(await buckets()).buckets, (await queues()).queues, (await streams()).streams]).toEqual([
      [],
      [],
      []
    ])
  })

  it('empties everything at the same addresses, and puts the faults back', async () => {
    const local = await openLocal({
      receivers: ['search', 'hec'],
      faults: [{ service: 'kms', kind: 'throttle', operation: 'Encrypt' }]
    })
    const clients = clientsOf(local)
    await fill(clients, 'orders')
    await fillReceivers(local)
    local.faults.script([{ service: 'sqs', kind: 'throttle', operation: 'PurgeQueue' }])
    const { endpoints } = local
    await local.reset()
    expect(local.endpoints).toEqual(endpoints)
    expect(await local.inspect.kinesis()).toEqual({ storedBytes: 0, streams: [] })
    expect(await local.inspect.dynamodb()).toEqual({ tables: [] })
    expect(await local.inspect.kms()).toEqual({ requests: 0, keys: [] })
    expect(await local.inspect.s3()).toEqual({ buckets: [] })
    expect(await local.inspect.sqs()).toEqual({ queues: [] })
    expect(await local.inspect.firehose()).toEqual({ streams: [] })
    expect(await local.inspect.search()).toEqual({ bytes: 0, indices: [] })
    expect(await local.inspect.hec()).toMatchObject({ events: 0, bytes: 0, channels: 0 })
    expect([local.search?.indices(), local.hec?.events()]).toEqual([[], []])
    expect(await readdir(local.outputFolder)).toEqual([])
    expect(local.faults.rules().map(({ rule }) => rule.operation)).toEqual(['Encrypt'])
    // The same clients, on the connections that they have.
    await fill(clients, 'orders')
    expect((await local.inspect.kinesis()).streams[0]?.records).toBe(1)
  })

  it('drops buffers and what the old engines would have done later', async () => {
    const local = await openLocal({ clock: 'virtual', statusDelayMs: 1_000 })
    const clients = clientsOf(local)
    const name = 'orders'
    await clients.s3.send(new CreateBucketCommand({ Bucket: name }))
    await clients.firehose.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName: name,
        ExtendedS3DestinationConfiguration: { RoleARN, BucketARN: `arn:aws:s3:::${name}` }
      })
    )
    await clients.firehose.send(
      new PutRecordCommand({ DeliveryStreamName: name, Record: { Data: Buffer.from('record') } })
    )
    await clients.kinesis.send(new CreateStreamCommand({ StreamName: name, ShardCount: 1 }))
    await local.reset()
    await clients.s3.send(new CreateBucketCommand({ Bucket: name }))
    await local.clock.advance(600_000)
    expect((await local.inspect.s3()).buckets).toMatchObject([{ name, count: 0 }])
    expect((await local.inspect.kinesis()).streams).toEqual([])
  })

  it('ends the readers and the transforms of delivery streams', async () => {
    let invocations = 0
    const clock = new VirtualClock()
    const local = await openLocal({
      clock,
      firehoseFunctions: {
        f: ({ records }) => {
          invocations += 1
          return { records: records.map(({ recordId, data }) => ({ recordId, data, result: 'Ok' })) }
        }
      }
    })
    const { kinesis, s3, firehose } = clientsOf(local)
    const name = 'orders'
    const createStream = () => kinesis.send(new CreateStreamCommand({ StreamName: name, ShardCount: 1 }))
    const putToStream = () =>
      kinesis.send(
        new PutKinesisRecordCommand({ StreamName: name, PartitionKey: 'key', Data: Buffer.from('data') })
      )
    await createStream()
    await s3.send(new CreateBucketCommand({ Bucket: name }))
    const pendingBefore = clock.pending
    await firehose.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName: name,
        DeliveryStreamType: 'KinesisStreamAsSource',
        KinesisStreamSourceConfiguration: {
          KinesisStreamARN: `arn:aws:kinesis:us-east-1:000000000000:stream/${name}`,
          RoleARN
        },
        ExtendedS3DestinationConfiguration: {
          RoleARN,
          BucketARN: `arn:aws:s3:::${name}`,
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
    )
    await putToStream()
    await local.clock.advance(1_000)
    // In the buffer of the function.
    expect(local.firehoseBufferedBytes()).toBe(4)
    // Of the reader, and of that buffer.
    expect(clock.pending).toBe(pendingBefore + 2)
    await local.reset()
    expect(clock.pending).toBe(pendingBefore)
    await createStream()
    await s3.send(new CreateBucketCommand({ Bucket: name }))
    await putToStream()
    await local.clock.advance(600_000)
    expect(invocations).toBe(0)
    expect((await local.inspect.s3()).buckets).toMatchObject([{ name, count: 0 }])
  })

  it('cuts what waits, and lets in what comes meanwhile', async () => {
    const local = await openLocal()
    const { sqs, kinesis } = clientsOf(local)
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }))
    local.faults.script([
      // None at all, but for the log.
      { service: 'sqs', kind: 'delay', delayMs: 0, operation: 'ReceiveMessage' },
      { service: 'sqs', kind: 'delay', delayMs: 3_600_000, operation: 'GetQueueUrl' },
      // Over HTTP/2, as the SDK's client of Kinesis has it.
      { service: 'kinesis', kind: 'delay', delayMs: 3_600_000, operation: 'CreateStream' }
    ])
    const waiting = sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }))
    const received = expect(waiting).rejects.not.toHaveProperty('$metadata.httpStatusCode')
    const delayed = [
      sqs.send(new GetQueueUrlCommand({ QueueName: 'q' })),
      kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    ]
    const ended = delayed.map(call => expect(call).rejects.not.toHaveProperty('$metadata.httpStatusCode'))
    // All of them must be with the engines.
    while (local.faults.log().length < 3) await new Promise(resolve => setImmediate(resolve))
    const [first, second] = [local.reset(), local.reset()]
    const listed = kinesis.send(new ListStreamsCommand({}))
    await Promise.all([first, second, received, ...ended])
    expect((await listed).StreamNames).toEqual([])
  })

  it('leaves other files of an output folder alone', async () => {
    const outputFolder = await mkdtemp(join(tmpdir(), 'sealstream-test-'))
    onTestFinished(() => rm(outputFolder, { recursive: true }))
    await writeFile(join(outputFolder, 'mine.txt'), 'mine')
    const local = await openLocal({ outputFolder, services: ['s3'] })
    const { s3 } = clientsOf(local)
    await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    const puts = Array.from({ length: 20 }, (_, index) =>
      s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: `a/${index}`, Body: Buffer.alloc(100_000) }))
    )
    const settled = Promise.allSettled(puts)
    await local.reset()
    await settled
    expect(await readdir(outputFolder)).toEqual(['mine.txt'])
  })

  it('leaves them alone inside a state folder that is named by a link, too', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'sealstream-test-'))
    onTestFinished(() => rm(parent, { recursive: true }))
    const [linked, stateFolder] = [join(parent, 'folder'), join(parent, 'link')]
    await mkdir(join(linked, 'out'), { recursive: true })
    await symlink(linked, stateFolder, 'junction')
    const outputFolder = join(stateFolder, 'out')
    await writeFile(join(outputFolder, 'mine.txt'), 'mine')
    const local = await openLocal({ stateFolder, outputFolder, services: ['s3'] })
    await clientsOf(local).s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    await local.reset()
    expect(await readdir(outputFolder)).toEqual(['mine.txt'])
  })
})
