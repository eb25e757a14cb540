import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { surveyDeadLetters } from '../../consumer/index.ts'
import { AggregatedRecordBuilder } from '../../core/aggregated-record.ts'
import {
  clientConfigOf,
  createPipeline,
  Ledger,
  type Pipeline,
  type PipelinePlan,
  PlaintextScan,
  packNeedles,
  recordsOf
} from '../../pipeline/index.ts'
import type { TestEngine } from '../helpers/engine.ts'
import {
  deadLetterQueue,
  putAll,
  records,
  startPipeline,
  startWorker,
  untilSettled
} from '../helpers/pipeline.ts'

async function seal(pipeline: Pipeline, data: Uint8Array | string): Promise<Buffer> {
  const sealer = pipeline.createSealer()!
  try {
    return Buffer.from(await sealer.seal(Buffer.from(data as string)))
  } finally {
    sealer.close()
  }
}

/** Puts Kinesis records as they are, and has the ledger know the user records inside by stand-ins. */
async function putRaw(
  { plan }: Pipeline,
  kinesis: KinesisClient,
  ledger: Ledger,
  raw: readonly { readonly data: Uint8Array; readonly users: readonly string[] }[]
): Promise<readonly string[]> {
  const { Records = [] } = await kinesis.send(
    new PutRecordsCommand({
      StreamName: plan.stream.name,
      Records: raw.map(({ data }) => ({ PartitionKey: 'x', Data: data }))
    })
  )
  return Records.map(({ SequenceNumber }, index) => {
    for (const [sub, text] of raw[index]!.users.entries()) {
      ledger.acknowledge(ledger.accept(Buffer.from(text)), SequenceNumber!, sub)
    }
    return SequenceNumber!
  })
}

/** The same pipeline, where every record must carry one more pair. */
function stricter(test: TestEngine, plan: PipelinePlan): Pipeline {
  const pipeline = createPipeline(
    { ...plan, sealing: { ...plan.sealing, context: { schema: 'two' } } },
    { engine: test.engine }
  )
  onTestFinished(() => pipeline.close())
  return pipeline
}

async function claims(test: TestEngine, { plan }: Pipeline): Promise<(string | undefined)[]> {
  const s3 = new S3Client(clientConfigOf(test.engine, 's3'))
  onTestFinished(() => s3.destroy())
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: plan.deadLetters.bucket }))
  return Contents.map(({ Key }) => Key)
}

/** The lease table, item by item. */
async function leases(test: TestEngine, { plan }: Pipeline): Promise<string[]> {
  const dynamodb = new DynamoDBClient(clientConfigOf(test.engine, 'dynamodb'))
  onTestFinished(() => dynamodb.destroy())
  const { Items = [] } = await dynamodb.send(
    new ScanCommand({ TableName: plan.consumer.applicationName, ConsistentRead: true })
  )
  return Items.map(item => JSON.stringify(Object.entries(item).sort())).sort()
}

describe('dead letters', () => {
  it('lie in an encrypted queue that keeps them for 14 days', async () => {
    const { test, pipeline } = await startPipeline()
    const sqs = new SQSClient(clientConfigOf(test.engine, 'sqs'))
    onTestFinished(() => sqs.destroy())
    const { QueueUrl } = await sqs.send(
      new GetQueueUrlCommand({ QueueName: pipeline.plan.deadLetters.queue })
    )
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] })
    )
    expect(Attributes).toMatchObject({ SqsManagedSseEnabled: 'true', MessageRetentionPeriod: '1209600' })
    // Again changes nothing, and finds the queue.
    await pipeline.provision()
  })

  it('are the records as received: in the message, or as a claim where SQS takes no more', async () => {
    const { test, pipeline, kinesis } = await startPipeline({ stream: { shards: 1 } })
    const small = await seal(pipeline, 'small secret of some length')
    const large = await seal(pipeline, 'large secret of some length'.repeat(34_000))
    for (const data of [small, large]) data[data.length - 20]! ^= 1
    const ledger = new Ledger()
    const numbers = await putRaw(pipeline, kinesis, ledger, [
      { data: small, users: ['small'] },
      { data: large, users: ['large'] }
    ])
    await putAll(pipeline, ledger, records(20))
    const worker = startWorker(pipeline, 'w1')
    const letters = await untilSettled(pipeline, test, ledger)
    await worker.stop()
    expect(ledger.summary).toMatchObject({ delivered: 20, deadLettered: 2, lost: 0 })
    const bySequence = new Map(letters.map(letter => [letter.sequenceNumber, letter]))
    for (const [index, data] of [small, large].entries()) {
      const letter = bySequence.get(numbers[index]!)
      expect(letter).toMatchObject({
        streamName: pipeline.plan.stream.name,
        shardId: 'shardId-000000000000',
        subSequenceNumbers: undefined,
        partitionKey: 'x',
        errorCode: 'SEALSTREAM_AUTHENTICATION_FAILED'
      })
      expect(Buffer.from(letter!.data).equals(data)).toBe(true)
    }
    expect(await claims(test, pipeline)).toEqual([
      expect.stringContaining(`${pipeline.plan.stream.name}/shardId-000000000000/${numbers[1]}-`)
    ])
    if (test.local !== undefined) {
      const scan = new PlaintextScan(packNeedles([Buffer.from('secret of some length')]))
      let found = 0
      let isQueued = false
      for await (const blob of test.local.everythingAtRest()) {
        found += scan.scan(blob)
        isQueued ||= Buffer.from(blob).includes(small.toString('base64'))
      }
      expect({ found, isQueued }).toEqual({ found: 0, isQueued: true })
    }
    // Nothing has changed: whoever replays them gets them back.
    const { failed, failures, endedBy } = await pipeline.replayDeadLetters()
    expect({ failed, failures, endedBy }).toEqual({
      failed: 2,
      failures: { SEALSTREAM_AUTHENTICATION_FAILED: 2 },
      endedBy: 'empty'
    })
    expect(await claims(test, pipeline)).toHaveLength(1)
  }, 60_000)

  it('are replayed when the cause is gone: exactly what failed, and no checkpoint moves', async () => {
    const { test, pipeline, kinesis } = await startPipeline({ stream: { shards: 2 } })
    const { name, stream, consumer, destinations } = pipeline.plan
    const { readers: _, ...sameStream } = stream
    const strict = stricter(test, { name, stream: sameStream, consumer, destinations })
    const ledger = new Ledger()
    const lenient = records(30)
    await putAll(pipeline, ledger, lenient)
    await putAll(strict, ledger, records(30, 30))
    // One aggregate of which the middle fails, and a large record that does.
    const aggregate = new AggregatedRecordBuilder()
    const parts = ['first', 'second', 'third'].map(id => JSON.stringify({ id }))
    for (const [index, text] of parts.entries()) {
      aggregate.add('k', undefined, await seal(index === 1 ? pipeline : strict, text))
    }
    const large = JSON.stringify({ id: 'large', text: 'one '.repeat(225_000) })
    await putRaw(pipeline, kinesis, ledger, [
      { data: aggregate.encode(), users: parts },
      { data: await seal(pipeline, large), users: [large] }
    ])
    const worker = startWorker(strict, 'w1')
    await untilSettled(strict, test, ledger)
    await worker.stop()
    expect(ledger.summary).toMatchObject({ delivered: 32, deadLettered: 32, lost: 0, foreign: 0 })
    const survey = await surveyDeadLetters({ source: deadLetterQueue(test, pipeline) })
    expect(survey).toMatchObject({ malformed: 0, endedBy: 'empty' })
    expect(survey.byErrorCode).toEqual({ SEALSTREAM_CONTEXT_MISMATCH: survey.found })

    const before = await leases(test, pipeline)
    const objects = pipeline.createObjectReader()
    await objects.skipExisting()
    expect(await pipeline.replayDeadLetters()).toEqual({
      replayed: survey.found,
      userRecords: 32,
      notRemoved: 0,
      failed: 0,
      failures: {},
      left: 0,
      endedBy: 'empty'
    })
    const delivered: string[] = []
    await expect
      .poll(
        async () => {
          await test.local?.flushFirehose()
          for await (const { body } of objects.readNew()) {
            for (const record of recordsOf(body, destinations[0]!.framing)) {
              ledger.deliver(record)
              delivered.push(record.toString())
            }
          }
          return delivered.length
        },
        { timeout: 20_000 }
      )
      .toBe(32)
    expect(delivered.sort()).toEqual([...lenient.map(({ data }) => data.toString()), parts[1], large].sort())
    expect(ledger.summary).toMatchObject({ delivered: 64, deadLettered: 0, duplicates: 0, foreign: 0 })
    expect(before.length).toBeGreaterThanOrEqual(2)
    expect(await leases(test, pipeline)).toEqual(before)
    expect(await deadLetterQueue(test, pipeline).receive()).toEqual([])
    expect(await claims(test, pipeline)).toEqual([])
  }, 60_000)

  it('are objects in S3 alone where the plan says so, and replayed from there', async () => {
    const { test, pipeline, kinesis } = await startPipeline({
      stream: { shards: 1 },
      deadLetters: { kind: 's3', prefix: 'dead/' }
    })
    const { name, stream, consumer, destinations } = pipeline.plan
    const { readers: _, ...sameStream } = stream
    const deadLetters = { kind: 's3', prefix: 'dead/' } as const
    const strict = stricter(test, { name, stream: sameStream, consumer, destinations, deadLetters })
    await putRaw(pipeline, kinesis, new Ledger(), [
      { data: await seal(pipeline, '{"id":"one"}'), users: ['one'] }
    ])
    const worker = startWorker(strict, 'w1')
    await expect.poll(() => worker.stats.deadLettered, { timeout: 15_000 }).toBe(1)
    await worker.stop()
    expect(await claims(test, pipeline)).toEqual([expect.stringContaining('dead/')])
    expect(await pipeline.replayDeadLetters()).toMatchObject({ replayed: 1, userRecords: 1, failed: 0 })
    expect(await claims(test, pipeline)).toEqual([])
  }, 60_000)
})
