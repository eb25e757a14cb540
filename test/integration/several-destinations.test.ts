import { describe, expect, it, onTestFinished } from 'vitest'
import { AwsError } from '../../local/aws-json.ts'
import type { LocalEngines, LocalOptions } from '../../local/index.ts'
import { createPipeline, embeddedEngine, Ledger, type PlanDestination } from '../../pipeline/index.ts'
import { aDeadLetter } from '../helpers/dead-letters.ts'
import { openLocal } from '../helpers/local.ts'
import { putAll, records, startWorker } from '../helpers/pipeline.ts'

const bufferIntervalSeconds = 1

/** A pipeline to S3, a search index and Splunk, and the ledger of all three. The engines alone have such receivers. */
async function start(options: LocalOptions = {}) {
  const local = await openLocal({ receivers: ['search', 'hec'], ...options })
  const search = local.search!
  const hec = local.hec!
  const destinations: PlanDestination[] = [
    { kind: 's3', framing: 'lines', bufferIntervalSeconds },
    { kind: 'opensearch', domainArn: 'arn:aws:es:us-east-1:000000000000:domain/d', bufferIntervalSeconds },
    { kind: 'splunk', framing: 'lines', endpoint: hec.url, token: hec.token, bufferIntervalSeconds }
  ]
  const pipeline = createPipeline(
    {
      name: 'o',
      stream: { shards: 2 },
      consumer: { failoverTimeMs: 30_000, idleTimeBetweenReadsMs: 200 },
      destinations
    },
    { engine: embeddedEngine(local) }
  )
  onTestFinished(() => pipeline.close())
  await pipeline.provision()
  const sources = { searchUrl: search.url, takeEvents: () => hec.takeEvents() }
  const readers = pipeline.plan.destinations.map(each => pipeline.createReader(each, sources)!)
  const ledger = new Ledger(
    readers.map(({ identity }, index) => ({ name: pipeline.plan.destinations[index]!.kind, identity }))
  )
  return {
    local,
    pipeline,
    ledger,
    async collect(): Promise<void> {
      await local.flushFirehose()
      for (const [destination, reader] of readers.entries()) {
        for await (const piece of reader.readNew()) {
          for (const record of piece.records) ledger.deliver(record, destination)
        }
      }
    }
  }
}

const counted = (delivered: number) => ({ delivered, duplicates: 0, foreign: 0 })

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  await expect.poll(isTrue, { timeout: 20_000, interval: 50 }).toBe(true)
}

async function atRest(local: LocalEngines): Promise<string> {
  const blobs: Uint8Array[] = []
  for await (const blob of local.everythingAtRest()) blobs.push(blob)
  return Buffer.concat(blobs).toString('latin1')
}

describe('a pipeline with several destinations', { timeout: 60_000 }, () => {
  it('brings every record to each of them, told apart by its content', async () => {
    const { pipeline, ledger, local, collect } = await start()
    await putAll(pipeline, ledger, records(400))
    const worker = startWorker(pipeline, 'w1')
    await until(async () => {
      await collect()
      return ledger.settled
    })
    await worker.stop()
    await collect()
    expect(ledger.summary).toEqual({
      accepted: 400,
      delivered: 400,
      duplicates: 0,
      deadLettered: 0,
      handedBack: 0,
      inFlight: 0,
      lost: 0,
      foreign: 0,
      destinations: { s3: counted(400), opensearch: counted(400), splunk: counted(400) }
    })
    expect(JSON.stringify(pipeline.plan) + (await atRest(local))).not.toContain(local.hec!.token)
  })

  it('holds its checkpoint while one of them fails, and puts nothing to the others again', async () => {
    let isDown = true
    const { pipeline, ledger, collect } = await start({
      faults: {
        firehose: (operation, { DeliveryStreamName }) =>
          isDown && operation === 'PutRecordBatch' && DeliveryStreamName === 'o-splunk'
            ? { kind: 'error', error: new AwsError('AccessDeniedException', 'not allowed') }
            : undefined
      }
    })
    await putAll(pipeline, ledger, records(50))
    const worker = startWorker(pipeline, 'w1')
    await until(() => worker.stats.retries >= 3)
    await collect()
    expect(ledger.summary).toMatchObject({
      delivered: 0,
      lost: 50,
      destinations: { s3: counted(50), opensearch: counted(50), splunk: counted(0) }
    })
    expect(worker.stats.processed).toBe(0)
    isDown = false
    await until(async () => {
      await collect()
      return ledger.settled
    })
    await worker.stop()
    expect(ledger.summary).toMatchObject({ delivered: 50, duplicates: 0, lost: 0 })
  })

  it('keeps what one of them can never take as a dead letter, whoever has it', async () => {
    const { pipeline, ledger, collect } = await start()
    await putAll(pipeline, ledger, [{ key: 'k', data: Buffer.from('no document') }, ...records(3)])
    const letters: (readonly number[] | undefined)[] = []
    const stop = new AbortController()
    const worker = pipeline.createWorker({
      onDeadLetter({ sequenceNumber, subSequenceNumbers }) {
        letters.push(subSequenceNumbers)
        ledger.deadLetter(sequenceNumber, subSequenceNumbers)
      }
    })
    const running = worker.run({ signal: stop.signal })
    await until(async () => {
      await collect()
      return ledger.settled
    })
    stop.abort()
    await running
    await collect()
    expect(letters).toEqual([[expect.any(Number)]])
    expect(ledger.summary).toMatchObject({
      delivered: 3,
      deadLettered: 1,
      lost: 0,
      destinations: { s3: counted(4), opensearch: counted(3), splunk: counted(4) }
    })
  })

  it('replays dead letters to all of them', async () => {
    const { pipeline, ledger, collect } = await start()
    const sealer = pipeline.createSealer()!
    const line = Buffer.from('{"id":"a"}')
    await pipeline.deadLetters.put(aDeadLetter({ streamName: 'o', data: await sealer.seal(line) }))
    sealer.close()
    ledger.accept(line)
    expect(await pipeline.replayDeadLetters()).toMatchObject({ replayed: 1, failed: 0 })
    await until(async () => {
      await collect()
      return ledger.settled
    })
    expect(ledger.summary).toMatchObject({ delivered: 1, foreign: 0, duplicates: 0 })
  })
})
