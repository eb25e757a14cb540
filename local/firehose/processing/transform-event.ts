import type { BufferedRecord } from '../destinations/destination.ts'

/** What a transform function is invoked with (https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html). */
export interface FirehoseTransformEvent {
  readonly invocationId: string
  readonly deliveryStreamArn: string
  /** Only for a delivery stream that reads from a Kinesis stream. */
  readonly sourceKinesisStreamArn?: string
  readonly region: string
  readonly records: readonly FirehoseTransformRecord[]
}

export interface FirehoseTransformRecord {
  readonly recordId: string
  /** Milliseconds since 1970. */
  readonly approximateArrivalTimestamp: number
  /** Base64. */
  readonly data: string
  /** Only for a delivery stream that reads from a Kinesis stream. */
  readonly kinesisRecordMetadata?: {
    readonly sequenceNumber: string
    readonly subsequenceNumber: number
    readonly partitionKey: string
    readonly shardId: string
    /** Milliseconds since 1970. */
    readonly approximateArrivalTimestamp: number
  }
}

/** What a transform function returns. */
export interface FirehoseTransformResponse {
  readonly records: readonly {
    readonly recordId: string
    readonly result: 'Ok' | 'Dropped' | 'ProcessingFailed'
    /** Base64; needed for `Ok`. */
    readonly data?: string
    readonly metadata?: { readonly partitionKeys?: Readonly<Record<string, string>> }
  }[]
}

export function transformRecord(record: BufferedRecord): FirehoseTransformRecord {
  const { data, arrivedMs, origin } = record
  return {
    recordId: transformId(record),
    approximateArrivalTimestamp: arrivedMs,
    data: data.toString('base64'),
    ...(origin === undefined
      ? {}
      : { kinesisRecordMetadata: { ...origin, approximateArrivalTimestamp: arrivedMs } })
  }
}

/** 56 digits, as in the events of the service. */
export function transformId({ id }: BufferedRecord): string {
  return id.replace(/\.\d+$/, '')
}
