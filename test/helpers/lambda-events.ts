import { AggregatedRecordBuilder } from '../../core/aggregated-record.ts'
import type { RecordSealer } from '../../core/record-transform.ts'
import type { FirehoseTransformEvent, KinesisEvent, KinesisEventRecord } from '../../lambda/index.ts'

export const streamArn = 'arn:aws:kinesis:eu-west-1:111122223333:stream/orders'
export const shardId = 'shardId-000000000006'

/** As Kinesis numbers records: 56 digits. */
export function sequenceNumber(index: number): string {
  return `4959033827149025660855969253836157109592157598${String(index).padStart(10, '0')}`
}

/** A record as in the event of a Kinesis event source, with all the members that Lambda writes. */
export function aKinesisRecord(
  index: number,
  data: Uint8Array,
  partitionKey = `key-${index}`
): KinesisEventRecord {
  return {
    kinesis: {
      kinesisSchemaVersion: '1.0',
      partitionKey,
      sequenceNumber: sequenceNumber(index),
      data: Buffer.from(data).toString('base64'),
      approximateArrivalTimestamp: 1_545_084_650.987
    },
    eventSource: 'aws:kinesis',
    eventVersion: '1.0',
    eventID: `${shardId}:${sequenceNumber(index)}`,
    eventName: 'aws:kinesis:record',
    invokeIdentityArn: 'arn:aws:iam::111122223333:role/lambda-role',
    awsRegion: 'eu-west-1',
    eventSourceARN: streamArn
  } as KinesisEventRecord
}

export function aKinesisEvent(payloads: readonly Uint8Array[]): KinesisEvent {
  return { Records: payloads.map((data, index) => aKinesisRecord(index, data)) }
}

/** An event of a delivery stream that reads a Kinesis stream. */
export function aTransformEvent(payloads: readonly Uint8Array[]): FirehoseTransformEvent {
  return {
    invocationId: 'invocation-1',
    deliveryStreamArn: 'arn:aws:firehose:eu-west-1:111122223333:deliverystream/orders-s3',
    region: 'eu-west-1',
    sourceKinesisStreamArn: streamArn,
    records: payloads.map((data, index) => ({
      recordId: sequenceNumber(index),
      approximateArrivalTimestamp: 1_545_084_650_987,
      data: Buffer.from(data).toString('base64'),
      kinesisRecordMetadata: {
        sequenceNumber: sequenceNumber(index),
        subsequenceNumber: '',
        partitionKey: `key-${index}`,
        shardId,
        approximateArrivalTimestamp: 1_545_084_650_987
      }
    }))
  }
}

export function anAggregate(parts: readonly (Uint8Array | string)[]): Buffer {
  const builder = new AggregatedRecordBuilder()
  for (const [index, part] of parts.entries())
    builder.add(`user-${index}`, undefined, Buffer.from(part as string))
  return builder.encode()
}

/** What a producer in mode `aggregate` puts. */
export async function aSealedAggregate(sealer: RecordSealer, texts: readonly string[]): Promise<Uint8Array> {
  return sealer.seal(anAggregate(texts))
}

/** What a producer in mode `record` puts. */
export async function anAggregateOfSealed(sealer: RecordSealer, texts: readonly string[]): Promise<Buffer> {
  return anAggregate(await Promise.all(texts.map(async text => sealer.seal(Buffer.from(text)))))
}

/** Changes the last byte, which every message authenticates. */
export function altered(message: Uint8Array): Buffer {
  const bytes = Buffer.from(message)
  bytes[bytes.length - 1]! ^= 1
  return bytes
}
