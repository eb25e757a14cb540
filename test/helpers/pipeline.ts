import { randomBytes } from 'node:crypto'
import type { KinesisClient } from '@aws-sdk/client-kinesis'
import { S3Client } from '@aws-sdk/client-s3'
import { SQSClient } from '@aws-sdk/client-sqs'
import { expect, onTestFinished } from 'vitest'
import {
  type DeadLetter,
  type DeadLetterSource,
  SqsDeadLetterSource,
  Worker,
  type WorkerEvent,
  type WorkerOptions
} from '../../consumer/index.ts'
import { systemClock } from '../../core/clock.ts'
import { createKinesisClient } from '../../core/kinesis-client.ts'
import type { ConsumedRecord } from '../../core/user-record.ts'
import {
  clientConfigOf,
  createPipeline,
  type Ledger,
  type Pipeline,
  recordsOf
} from '../../pipeline/index.ts'
import { openTestEngine, type TestEngine } from './engine.ts'

/** A provisioned pipeline on the engine under test, with names of its own. All of it ends with the test. */
export async function startPipeline(
  plan: Parameters<TestEngine['plan']>[0] = {},
  options: Parameters<typeof openTestEngine>[0] = {}
): Promise<{ test: TestEngine; pipeline: Pipeline; kinesis: KinesisClient }> {
  const test = await openTestEngine(options)
  onTestFinished(() => test.close())
  const pipeline = createPipeline(test.plan(plan), { engine: test.engine })
  onTestFinished(() => pipeline.close())
  await pipeline.provision()
  const kinesis = createKinesisClient(clientConfigOf(test.engine, 'kinesis'))
  onTestFinished(() => kinesis.destroy())
  return { test, pipeline, kinesis }
}

export interface RunningWorker {
  readonly events: WorkerEvent[]
  readonly stats: ReturnType<Pipeline['createWorker']>['stats']
  stop(): Promise<void>
}

export function startWorker(pipeline: Pipeline, workerId: string): RunningWorker {
  const stop = new AbortController()
  const events: WorkerEvent[] = []
  const worker = pipeline.createWorker({ workerId, onEvent: event => events.push(event) })
  const running = worker.run({ signal: stop.signal })
  const end = async (): Promise<void> => {
    stop.abort()
    await running
  }
  onTestFinished(end)
  return {
    events,
    get stats() {
      return worker.stats
    },
    stop: end
  }
}

/** Reads the queue of a pipeline without waiting for messages. Ends with the test. */
export function deadLetterQueue({ engine }: TestEngine, { plan }: Pipeline): DeadLetterSource {
  const sqs = new SQSClient(clientConfigOf(engine, 'sqs'))
  const s3 = new S3Client(clientConfigOf(engine, 's3'))
  onTestFinished(() => {
    sqs.destroy()
    s3.destroy()
  })
  const { queue, bucket, prefix } = plan.deadLetters
  return new SqsDeadLetterSource({
    client: sqs,
    queue,
    claims: { client: s3, bucket, prefix },
    waitSeconds: 0
  })
}

/** Reads the destination until everything has come out, or time is up. Dead letters stay in their queue. */
export async function untilSettled(
  pipeline: Pipeline,
  test: TestEngine,
  ledger: Ledger,
  timeoutMs = 25_000
): Promise<DeadLetter[]> {
  const objects = pipeline.createObjectReader()
  const queue = deadLetterQueue(test, pipeline)
  const held = []
  const found: DeadLetter[] = []
  const deadline = systemClock.now() + timeoutMs
  while (!ledger.settled && systemClock.now() < deadline) {
    await systemClock.sleep(100)
    await test.local?.flushFirehose()
    for await (const { body } of objects.readNew()) {
      for (const record of recordsOf(body, pipeline.plan.destinations[0]!.framing)) ledger.deliver(record)
    }
    for (const received of await queue.receive()) {
      const letter = await received.read()
      held.push(received)
      found.push(letter)
      ledger.deadLetter(letter.sequenceNumber, letter.subSequenceNumbers)
    }
  }
  for (const received of held) await received.release()
  return found
}

export async function putAll(
  pipeline: Pipeline,
  ledger: Ledger,
  records: readonly { key: string; data: Buffer }[]
): Promise<void> {
  const producer = pipeline.createProducer()
  await Promise.all(
    records.map(async ({ key, data }) => {
      const index = ledger.accept(data)
      const { sequenceNumber, subSequenceNumber } = await producer.put({ partitionKey: key, data })
      ledger.acknowledge(index, sequenceNumber, subSequenceNumber)
    })
  )
  await producer.close()
  const { accepted, acknowledged, handedBack, inFlight } = producer.stats
  expect({ accepted, acknowledged, handedBack, inFlight }).toEqual({
    accepted: records.length,
    acknowledged: records.length,
    handedBack: 0,
    inFlight: 0
  })
}

export const records = (count: number, from = 0): { key: string; data: Buffer }[] =>
  Array.from({ length: count }, (_, index) => ({
    key: `key-${(from + index) % 50}`,
    data: Buffer.from(JSON.stringify({ id: `r${from + index}`, secret: randomBytes(24).toString('base64') }))
  }))

export interface Collecting extends RunningWorker {
  readonly received: ConsumedRecord[]
  /** How `run` ends. */
  readonly ended: Promise<void>
}

/** A worker on the pipeline's stream with a handler of the test's own. Ends with the test. */
export function collect(
  { engine }: TestEngine,
  pipeline: Pipeline,
  overrides: Partial<WorkerOptions> & { readonly workerId: string }
): Collecting {
  const stop = new AbortController()
  const events: WorkerEvent[] = []
  const received: ConsumedRecord[] = []
  const { stream, consumer } = pipeline.plan
  const worker = new Worker({
    applicationName: consumer.applicationName,
    streamName: stream.name,
    initialPosition: 'TRIM_HORIZON',
    failoverTimeMs: consumer.failoverTimeMs,
    idleTimeBetweenReadsMs: consumer.idleTimeBetweenReadsMs,
    createTable: true,
    kinesis: { clientConfig: clientConfigOf(engine, 'kinesis') },
    dynamodb: { clientConfig: clientConfigOf(engine, 'dynamodb') },
    eachBatch: batch => void received.push(...batch),
    onEvent: event => events.push(event),
    ...overrides
  })
  const running = worker.run({ signal: stop.signal })
  const end = async (): Promise<void> => {
    stop.abort()
    await running
  }
  let isLookedAt = false
  // A failure that nobody looked at fails the test here.
  onTestFinished(() => (isLookedAt ? end().catch(() => {}) : end()))
  return {
    events,
    received,
    get ended() {
      isLookedAt = true
      return running
    },
    get stats() {
      return worker.stats
    },
    stop: end
  }
}

/** The payloads as text, sorted: what came, whatever its order. */
export const texts = (received: readonly { readonly data: Uint8Array }[]): string[] =>
  received.map(({ data }) => Buffer.from(data).toString('utf8')).sort()
