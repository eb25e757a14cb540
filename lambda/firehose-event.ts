import type { FirehoseTransformRecord } from '../core/deaggregate.ts'

/*
 * What Firehose hands to its transformation function, and what it takes back
 * (https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html).
 */

export interface FirehoseTransformEvent {
  readonly invocationId: string
  readonly deliveryStreamArn: string
  readonly region: string
  /** There when the delivery stream reads a Kinesis stream. */
  readonly sourceKinesisStreamArn?: string | undefined
  readonly records: readonly FirehoseTransformEventRecord[]
}

export interface FirehoseTransformEventRecord extends FirehoseTransformRecord {
  readonly kinesisRecordMetadata?:
    | (NonNullable<FirehoseTransformRecord['kinesisRecordMetadata']> & {
        readonly shardId?: string | undefined
      })
    | undefined
}

export type TransformedRecord =
  | {
      readonly recordId: string
      readonly result: 'Ok'
      /** Base64. */
      readonly data: string
      readonly metadata?: { readonly partitionKeys: Readonly<Record<string, string>> }
    }
  | { readonly recordId: string; readonly result: 'Dropped' | 'ProcessingFailed' }

export interface FirehoseTransformResponse {
  /** One for each record of the event, in its order. */
  readonly records: readonly TransformedRecord[]
}
