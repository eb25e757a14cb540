import { S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DeliveryStreamSink } from '../../firehose/index.ts'
import { ObjectReader } from '../../pipeline/delivered-objects.ts'
import { clientConfigOf, type Pipeline } from '../../pipeline/index.ts'
import { aConsumedRecord } from '../helpers/consumed-records.ts'
import type { TestEngine } from '../helpers/engine.ts'
import { startPipeline } from '../helpers/pipeline.ts'

/** Everything delivered, in the order of the keys. */
async function delivered(
  test: TestEngine,
  pipeline: Pipeline
): Promise<{ readonly key: string; readonly body: string }[]> {
  await test.local?.flushFirehose()
  const s3 = new S3Client(clientConfigOf(test.engine, 's3'))
  onTestFinished(() => s3.destroy())
  const found = []
  for await (const { key, body } of new ObjectReader(
    s3,
    pipeline.plan.destinations[0]!.bucket,
    ''
  ).readNew()) {
    found.push({ key, body: body.toString('utf8') })
  }
  return found
}

describe('the Firehose sink', () => {
  it.each([
    ['ndjson', '{"n":1}\n{"n":2}\n{"n":3}\n'],
    ['lines', '{"n":1}\n{"n":2}\n{"n":3}\n'],
    ['none', '{"n":1}{"n":2}{"n":3}']
  ] as const)(
    'delivers what framing %s makes, under a key with prefix and stream name',
    async (framing, body) => {
      const { test, pipeline } = await startPipeline()
      const { deliveryStreamName, prefix } = pipeline.plan.destinations[0]!
      const sink = new DeliveryStreamSink({
        deliveryStreamName,
        framing,
        clientConfig: clientConfigOf(test.engine, 'firehose')
      })
      const put = [1, 2, 3].map(n => aConsumedRecord(Buffer.from(JSON.stringify({ n })), n))
      expect(await sink.deliver(put)).toEqual([])
      await sink.close()
      await expect
        .poll(async () => (await delivered(test, pipeline)).map(object => object.body).join(''), {
          timeout: 20_000
        })
        .toBe(body)
      for (const { key } of await delivered(test, pipeline)) {
        expect(key.startsWith(prefix)).toBe(true)
        expect(key).toContain(deliveryStreamName)
      }
    }
  )

  it('returns what Firehose can never take, and delivers the rest, over several batches', async () => {
    const { test, pipeline } = await startPipeline()
    const sink = new DeliveryStreamSink({
      deliveryStreamName: pipeline.plan.destinations[0]!.deliveryStreamName,
      framing: 'lines',
      clientConfig: clientConfigOf(test.engine, 'firehose')
    })
    const put = Array.from({ length: 1_200 }, (_, index) =>
      aConsumedRecord(Buffer.from(`record ${index}`), index)
    )
    const oversize = aConsumedRecord(Buffer.alloc(1_024_001, 120), 1_200)
    const undeliverable = await sink.deliver([...put, oversize])
    await sink.close()
    expect(undeliverable.map(({ record }) => record.sequenceNumber)).toEqual(['1200'])
    expect(sink.stats).toMatchObject({
      offered: 1_201,
      delivered: 1_200,
      undeliverable: 1,
      failed: 0,
      inFlight: 0
    })
    await expect
      .poll(
        async () =>
          (await delivered(test, pipeline)).flatMap(({ body }) => body.trimEnd().split('\n')).sort().length,
        { timeout: 20_000 }
      )
      .toBe(1_200)
  })
})
