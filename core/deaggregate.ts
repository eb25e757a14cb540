import type { _Record as KinesisRecord } from '@aws-sdk/client-kinesis'
import { MalformedAggregateError, type MalformedReason, readAggregatedRecord } from './aggregated-record.ts'
import { InvalidRecordError } from './errors.ts'

/** One record of the event that a Lambda function gets from a Kinesis event source: the members that are read. */
export interface LambdaKinesisRecord {
  readonly kinesis: {
    /** Base64. */
    readonly data: string
    readonly partitionKey?: string | undefined
    readonly sequenceNumber: string
    /** In seconds, with fractions. */
    readonly approximateArrivalTimestamp: number
  }
}

/** One record of the event that a Firehose transformation function gets: the members that are read. */
export interface FirehoseTransformRecord {
  readonly recordId: string
  /** Base64. */
  readonly data: string
  /** In milliseconds. */
  readonly approximateArrivalTimestamp?: number | undefined
  /** There when the delivery stream reads a Kinesis stream. */
  readonly kinesisRecordMetadata?:
    | {
        readonly partitionKey?: string | undefined
        readonly sequenceNumber: string
        /** Empty for a record that was not aggregated. */
        readonly subsequenceNumber?: string | number | undefined
        /** In milliseconds; events for tests have been seen with an ISO 8601 text. */
        readonly approximateArrivalTimestamp: number | string
      }
    | undefined
}

/** A user record as `deaggregate` hands it out. */
export interface DeaggregatedRecord<SequenceNumber = string> {
  /** Undefined where the record came without one: record distribution AUTO, or Firehose without a stream. */
  readonly partitionKey: string | undefined
  /** Of this user record inside its aggregate; Kinesis gives no explicit hash key back for a plain record. */
  readonly explicitHashKey: string | undefined
  /** A view into the Kinesis record's bytes. */
  readonly data: Uint8Array
  /** Of the Kinesis record; every user record of one aggregate shares it. */
  readonly sequenceNumber: SequenceNumber
  /** Index inside the aggregate, from 0. Of a plain record 0, or what Firehose says that it was. */
  readonly subSequenceNumber: number
  /** Whether it was taken out of an aggregate here. */
  readonly isAggregated: boolean
  /** Of the Kinesis record. */
  readonly approximateArrivalTimestamp: Date | undefined
}

export interface DeaggregateOptions {
  /**
   * Told of each Kinesis record that begins as an aggregate does and cannot be taken apart, right before it is
   * handed out whole, as one plain record. What it throws is thrown by `deaggregate`.
   */
  readonly onMalformed?: (reason: MalformedReason, sequenceNumber: string | undefined) => void
}

type OneOrMany<T> = T | readonly T[]

/**
 * The user records of Kinesis records, in their order: of records as the SDK reads them from a stream, as a
 * Lambda function gets them, or as a Firehose transformation function gets them. Nothing is decrypted.
 *
 * A record that is no aggregate, or a malformed one, comes out once and whole; an aggregate of no user records
 * comes out as nothing. What came out of an aggregate is not taken apart again.
 * @throws InvalidRecordError for something that is none of these records
 */
export function deaggregate(
  records: OneOrMany<KinesisRecord | LambdaKinesisRecord>,
  options?: DeaggregateOptions
): DeaggregatedRecord[]
/** A Firehose record that no Kinesis stream delivered has no sequence number. */
export function deaggregate(
  records: OneOrMany<FirehoseTransformRecord>,
  options?: DeaggregateOptions
): DeaggregatedRecord<string | undefined>[]
export function deaggregate(
  records: OneOrMany<SourceRecord>,
  { onMalformed }: DeaggregateOptions = {}
): DeaggregatedRecord<string | undefined>[] {
  const userRecords: DeaggregatedRecord<string | undefined>[] = []
  for (const record of isMany(records) ? records : [records]) {
    const whole = plainRecord(record)
    const { sequenceNumber, approximateArrivalTimestamp } = whole
    const parts = readAggregatedRecord(
      whole.data,
      (partitionKey, explicitHashKey, data, subSequenceNumber) => ({
        partitionKey,
        explicitHashKey,
        data,
        sequenceNumber,
        subSequenceNumber,
        isAggregated: true,
        approximateArrivalTimestamp
      })
    )
    if (parts === undefined) userRecords.push(whole)
    else if (parts instanceof MalformedAggregateError) {
      onMalformed?.(parts.reason, sequenceNumber)
      userRecords.push(whole)
    } else for (const part of parts) userRecords.push(part)
  }
  return userRecords
}

type SourceRecord = KinesisRecord | LambdaKinesisRecord | FirehoseTransformRecord

// What `Array.isArray` says of a union with a read-only array helps the compiler in neither branch.
function isMany(records: OneOrMany<SourceRecord>): records is readonly SourceRecord[] {
  return Array.isArray(records)
}

function plainRecord(record: SourceRecord): DeaggregatedRecord<string | undefined> {
  if ('kinesis' in record) return fromLambda(record)
  if ('recordId' in record) return fromFirehose(record)
  if (!(record.Data instanceof Uint8Array)) {
    throw new InvalidRecordError(
      'Data',
      'must be bytes; expected a record of GetRecords or SubscribeToShard, or of a Lambda Kinesis or Firehose transformation event'
    )
  }
  return {
    partitionKey: record.PartitionKey,
    explicitHashKey: undefined,
    data: record.Data,
    sequenceNumber: record.SequenceNumber,
    subSequenceNumber: 0,
    isAggregated: false,
    approximateArrivalTimestamp: record.ApproximateArrivalTimestamp
  }
}

/** A record of Lambda as a whole, not taken apart. */
export function fromLambda({ kinesis }: LambdaKinesisRecord): DeaggregatedRecord {
  return {
    partitionKey: kinesis.partitionKey,
    explicitHashKey: undefined,
    data: Buffer.from(kinesis.data, 'base64'),
    sequenceNumber: kinesis.sequenceNumber,
    subSequenceNumber: 0,
    isAggregated: false,
    // A fraction times 1000 may fall just short of its millisecond, and Date cuts.
    approximateArrivalTimestamp: new Date(Math.round(kinesis.approximateArrivalTimestamp * 1_000))
  }
}

/** A record of Firehose as a whole, not taken apart. */
export function fromFirehose(record: FirehoseTransformRecord): DeaggregatedRecord<string | undefined> {
  const { kinesisRecordMetadata: metadata } = record
  const arrival = metadata?.approximateArrivalTimestamp ?? record.approximateArrivalTimestamp
  return {
    partitionKey: metadata?.partitionKey,
    explicitHashKey: undefined,
    data: Buffer.from(record.data, 'base64'),
    sequenceNumber: metadata?.sequenceNumber,
    subSequenceNumber: Number(metadata?.subsequenceNumber ?? 0),
    isAggregated: false,
    approximateArrivalTimestamp: arrival === undefined ? undefined : new Date(arrival)
  }
}
