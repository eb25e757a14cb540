import { MergeShardsCommand, PutRecordsCommand, SplitShardCommand } from '@aws-sdk/client-kinesis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { kinesisPort } from '../../core/kinesis-client.ts'
import { AwsError } from '../../local/aws-json.ts'
import { createPipeline, Ledger, PlaintextScan, packNeedles } from '../../pipeline/index.ts'
import { putAll, records, startPipeline, startWorker, untilSettled } from '../helpers/pipeline.ts'

describe('the pipeline', () => {
  it.each(['aggregate', 'record', 'off'] as const)(
    'carries every record to S3 in mode %s, over two workers',
    async mode => {
      const { test, pipeline } = await startPipeline({ sealing: { mode } })
      const workers = [startWorker(pipeline, 'w1'), startWorker(pipeline, 'w2')]
      const ledger = new Ledger()
      const put = records(500)
      await putAll(pipeline, ledger, put)
      expect(await untilSettled(pipeline, test, ledger)).toEqual([])
      expect(ledger.summary).toMatchObject({ delivered: 500, lost: 0, foreign: 0, deadLettered: 0 })
      for (const worker of workers) await worker.stop()
      for (const { stats } of workers) {
        expect(stats.read).toBe(stats.processed + stats.deadLettered + stats.filtered + stats.inHand)
        expect(stats.inHand).toBe(0)
      }
      if (test.local !== undefined) {
        const scan = new PlaintextScan(packNeedles(put.map(({ data }) => data)))
        let found = 0
        for await (const blob of test.local.everythingAtRest()) found += scan.scan(blob)
        // Without sealing the same scan finds the records: it can see what it looks for.
        if (mode === 'off') expect(found).toBeGreaterThanOrEqual(500)
        else expect(found).toBe(0)
      }
    }
  )

  it('dead-letters an altered record and one sealed for another stream as received, and goes on', async () => {
    const { test, pipeline, kinesis } = await startPipeline({ stream: { shards: 1 } })
    const sealer = pipeline.createSealer()!
    onTestFinished(() => sealer.close())
    const altered = Buffer.from(await sealer.seal(Buffer.from('{"id":"altered"}')))
    altered[altered.length - 20]! ^= 1
    const foreignPipeline = createPipeline(
      { ...test.plan(), sealing: { keyId: pipeline.plan.sealing.keyId } },
      { engine: test.engine }
    )
    onTestFinished(() => foreignPipeline.close())
    const foreignSealer = foreignPipeline.createSealer()!
    onTestFinished(() => foreignSealer.close())
    const foreign = Buffer.from(await foreignSealer.seal(Buffer.from('{"id":"foreign"}')))
    const plain = Buffer.from('{"id":"plain"}')

    const ledger = new Ledger()
    await putAll(pipeline, ledger, records(20))
    const put = await kinesis.send(
      new PutRecordsCommand({
        StreamName: pipeline.plan.stream.name,
        Records: [altered, foreign, plain].map(Data => ({ PartitionKey: 'x', Data }))
      })
    )
    for (const [index, { SequenceNumber }] of (put.Records ?? []).entries()) {
      ledger.acknowledge(ledger.accept(Buffer.from(`bad ${index}`)), SequenceNumber!, 0)
    }
    await putAll(pipeline, ledger, records(20, 20))
    const worker = startWorker(pipeline, 'w1')
    const letters = await untilSettled(pipeline, test, ledger)
    expect(ledger.summary).toMatchObject({ delivered: 40, deadLettered: 3, lost: 0, foreign: 0 })
    expect(
      letters.map(({ errorCode, data }) => [errorCode, Buffer.from(data).toString('base64')]).sort()
    ).toEqual(
      [
        ['SEALSTREAM_AUTHENTICATION_FAILED', altered.toString('base64')],
        ['SEALSTREAM_CONTEXT_MISMATCH', foreign.toString('base64')],
        ['SEALSTREAM_PLAINTEXT_REFUSED', plain.toString('base64')]
      ].sort()
    )
    await worker.stop()
    expect(worker.stats).toMatchObject({ deadLettered: 3, processed: 40, inHand: 0 })
  })

  it('follows a split and a merge while records flow', async () => {
    const { test, pipeline, kinesis } = await startPipeline({ stream: { shards: 2 } })
    const worker = startWorker(pipeline, 'w1')
    const ledger = new Ledger()
    await putAll(pipeline, ledger, records(100))
    const StreamName = pipeline.plan.stream.name
    const shards = async (): Promise<{ id: string; start: bigint; end: bigint }[]> =>
      ((await kinesisPort(kinesis).listShards({ StreamName })).Shards ?? [])
        .filter(shard => shard.SequenceNumberRange?.EndingSequenceNumber === undefined)
        .map(shard => ({
          id: shard.ShardId!,
          start: BigInt(shard.HashKeyRange!.StartingHashKey!),
          end: BigInt(shard.HashKeyRange!.EndingHashKey!)
        }))
        .sort((a, b) => (a.start < b.start ? -1 : 1))
    const [first] = await shards()
    await kinesis.send(
      new SplitShardCommand({
        StreamName,
        ShardToSplit: first!.id,
        NewStartingHashKey: String((first!.start + first!.end) / 2n)
      })
    )
    await putAll(pipeline, ledger, records(100, 100))
    await expect.poll(async () => (await shards()).length, { timeout: 10_000 }).toBe(3)
    const [left, right] = await shards()
    await expect
      .poll(
        () =>
          kinesis
            .send(
              new MergeShardsCommand({ StreamName, ShardToMerge: left!.id, AdjacentShardToMerge: right!.id })
            )
            .then(() => true)
            .catch(() => false),
        { timeout: 10_000 }
      )
      .toBe(true)
    await putAll(pipeline, ledger, records(100, 200))
    expect(await untilSettled(pipeline, test, ledger)).toEqual([])
    expect(ledger.summary).toMatchObject({ delivered: 300, lost: 0, foreign: 0 })
    await worker.stop()
  })

  it.skipIf(process.env.SEALSTREAM_ENDPOINT !== undefined)(
    'holds the shard while the key cannot be had, raises an event, and goes on by itself',
    async () => {
      let outage: AwsError | undefined
      const { test, pipeline } = await startPipeline(
        { stream: { shards: 1 } },
        {
          faults: {
            kms: operation =>
              operation === 'Decrypt' && outage !== undefined ? { kind: 'error', error: outage } : undefined
          }
        }
      )
      for (const error of [
        new AwsError('AccessDeniedException', 'denied'),
        new AwsError('ThrottlingException', 'slow down'),
        new AwsError('DisabledException', 'disabled'),
        new AwsError('KMSInternalException', 'down', 500)
      ]) {
        outage = error
        const ledger = new Ledger()
        // A new worker has no cached data key and must ask.
        const worker = startWorker(pipeline, `w-${error.type}`)
        await putAll(pipeline, ledger, records(10))
        await expect
          .poll(() => worker.events.map(event => event.type), { timeout: 15_000 })
          .toContain('keyUnavailable')
        expect(worker.stats).toMatchObject({ processed: 0, deadLettered: 0 })
        outage = undefined
        const letters = await untilSettled(pipeline, test, ledger)
        expect({ type: error.type, letters, ...ledger.summary }).toMatchObject({
          letters: [],
          delivered: 10,
          lost: 0
        })
        expect(worker.events.map(event => event.type)).toContain('keyAvailable')
        await worker.stop()
      }
    },
    60_000
  )

  it('refuses to start on a stream that does not exist, and says so', async () => {
    const { test } = await startPipeline()
    const pipeline = createPipeline(test.plan(), { engine: test.engine })
    onTestFinished(() => pipeline.close())
    const producer = pipeline.createProducer()
    await expect(producer.put({ partitionKey: 'k', data: Buffer.from('x') })).rejects.toMatchObject({
      code: 'SEALSTREAM_PUT_FAILED'
    })
    await producer.close()
    expect(producer.stats).toMatchObject({ accepted: 1, handedBack: 1, inFlight: 0 })
  })
})
