import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand
} from '@aws-sdk/client-kinesis'
import { expect, it, onTestFinished } from 'vitest'
import { kmsKeyring } from '../../crypto/index.ts'
import { firehoseTransform, type KinesisEvent, kinesisHandler } from '../../lambda/index.ts'
import { clientConfigOf } from '../../pipeline/index.ts'
import { startPipeline } from '../helpers/pipeline.ts'

const recordCount = 60

/** What the stream holds, as Lambda would hand it to a function: an event for each shard. */
async function eventsOf(kinesis: KinesisClient, streamName: string): Promise<readonly KinesisEvent[]> {
  const { Shards: shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName: streamName }))
  const eventSourceARN = `arn:aws:kinesis:us-east-1:000000000000:stream/${streamName}`
  const events: KinesisEvent[] = []
  for (const { ShardId: shardId } of shards) {
    const { ShardIterator } = await kinesis.send(
      new GetShardIteratorCommand({
        StreamName: streamName,
        ShardId: shardId,
        ShardIteratorType: 'TRIM_HORIZON'
      })
    )
    const { Records: records = [] } = await kinesis.send(new GetRecordsCommand({ ShardIterator }))
    events.push({
      Records: records.map(record => ({
        eventID: `${shardId}:${record.SequenceNumber}`,
        eventSourceARN,
        kinesis: {
          data: Buffer.from(record.Data!).toString('base64'),
          partitionKey: record.PartitionKey!,
          sequenceNumber: record.SequenceNumber!,
          approximateArrivalTimestamp: record.ApproximateArrivalTimestamp!.getTime() / 1_000
        }
      }))
    })
  }
  return events
}

it.each(['aggregate', 'record'] as const)(
  'what a producer sealed in mode %s comes out of a Kinesis handler and a Firehose transformation',
  async mode => {
    const { test, pipeline, kinesis } = await startPipeline({ stream: { shards: 2 }, sealing: { mode } })
    const { plan } = pipeline
    const producer = pipeline.createProducer()
    const numbers = Array.from({ length: recordCount }, (_, n) => n)
    const puts = numbers.map(n =>
      producer.put({ partitionKey: `k${n % 7}`, data: Buffer.from(JSON.stringify({ n })) })
    )
    await producer.flush()
    await Promise.all(puts)
    const open = {
      keyring: kmsKeyring({ keyId: plan.sealing.keyId, clientConfig: clientConfigOf(test.engine, 'kms') }),
      context: { pipeline: plan.name }
    }
    const seen: number[] = []
    const numberOf = (text: string): number => (JSON.parse(text) as { n: number }).n
    const handler = kinesisHandler({
      open,
      eachRecord: ({ data }) => void seen.push(numberOf(Buffer.from(data).toString()))
    })
    const transform = firehoseTransform({ destination: 's3', open, streamName: plan.stream.name })
    onTestFinished(() => {
      handler.close()
      transform.close()
    })
    const lines: number[] = []
    for (const event of await eventsOf(kinesis, plan.stream.name)) {
      expect(await handler(event)).toEqual({ batchItemFailures: [] })
      const { records } = await transform({
        invocationId: 'i',
        deliveryStreamArn: 'arn:aws:firehose:us-east-1:000000000000:deliverystream/d',
        region: 'us-east-1',
        records: event.Records.map((record, index) => ({
          recordId: String(index),
          data: record.kinesis.data,
          approximateArrivalTimestamp: 0
        }))
      })
      for (const record of records) {
        const text = record.result === 'Ok' ? Buffer.from(record.data, 'base64').toString() : ''
        lines.push(...text.trim().split('\n').map(numberOf))
      }
    }
    const ascending = (a: number, b: number): number => a - b
    expect(seen.toSorted(ascending)).toEqual(numbers)
    expect(lines.toSorted(ascending)).toEqual(numbers)
  }
)
