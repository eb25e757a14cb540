import type { KeyStats } from '../core/record-transform.ts'
import type { FailureClass } from '../core/service-errors.ts'

/** Where a user record went. */
export interface PutResult {
  readonly shardId: string
  /** Of the Kinesis record; every user record of one aggregate shares it. */
  readonly sequenceNumber: string
  /** Index of the user record inside its aggregate, from 0; 0 for a record that was not aggregated. */
  readonly subSequenceNumber: number
  /** Requests that carried the record, this one included; not those that another entry made invalid. */
  readonly attempts: number
  /** An earlier attempt may have been stored as well: its answer was lost, or it went to another shard. */
  readonly maybeDuplicate: boolean
}

/** One attempt that failed. */
export interface FailedAttempt {
  /** Milliseconds since the record was accepted. */
  readonly afterMs: number
  /** Error of the entry or of the whole request, such as `ProvisionedThroughputExceededException`. */
  readonly errorCode: string
}

/** Counters since the producer was made. `accepted` = `acknowledged` + `handedBack` + `inFlight`. */
export interface ProducerStats {
  readonly accepted: number
  readonly acknowledged: number
  /** Records whose `put` was rejected after they had been accepted. */
  readonly handedBack: number
  readonly inFlight: number
  /** Bytes of the buffer that are taken, see `maxBufferedBytes`. */
  readonly pendingBytes: number
  /** Kinesis records that were acknowledged. */
  readonly kinesisRecords: number
  /** Bytes of data that were accepted. */
  readonly bytesIn: number
  /** Bytes of data of the Kinesis records that were acknowledged: sealed, unless sealing is off. */
  readonly bytesSealed: number
  readonly putRecordsRequests: number
  /** Kinesis records that were sent again. */
  readonly retries: number
  /** Entries and requests that Kinesis throttled. */
  readonly throttled: number
  /** Kinesis records that went to another shard than predicted. */
  readonly wrongShard: number
  /** `put()` calls that wait for room, and the bytes of their records. */
  readonly waitingPuts: number
  readonly waitingBytes: number
  /** Age of the oldest record that is in flight, in milliseconds; 0 without one. */
  readonly oldestMs: number
  readonly keys: KeyStats
}

/** What became of the records of one `putAll()`. `accepted` = `acknowledged` + `handedBack`. */
export interface PutAllResult {
  readonly accepted: number
  readonly acknowledged: number
  readonly handedBack: number
}

/** What a producer tells while it works. Never a payload, a key or a context value. */
export type ProducerEvent =
  /** The key cannot be had: records are held until they expire. Once per outage. */
  | { readonly type: 'keyUnavailable'; readonly serviceCode: string | undefined }
  | { readonly type: 'keyAvailable' }
  | { readonly type: 'throttled'; readonly records: number }
  | { readonly type: 'requestFailed'; readonly failure: FailureClass; readonly serviceCode: string }
  | { readonly type: 'wrongShard'; readonly predicted: string; readonly actual: string }
  | { readonly type: 'shardMapRefreshed'; readonly shards: number }
  | { readonly type: 'shardMapUnavailable'; readonly failure: FailureClass; readonly serviceCode: string }
  /** DescribeStreamSummary failed: record limit and distribution are not known. Once until it succeeds. */
  | { readonly type: 'streamUndescribed'; readonly failure: FailureClass; readonly serviceCode: string }
  /** AUTO spreads records regardless of their keys: then aggregation is off. */
  | { readonly type: 'recordDistribution'; readonly isAuto: boolean }
  /** Ordered mode: a record was handed back, and with it this many later ones of its partition key. */
  | { readonly type: 'laneStopped'; readonly records: number }
