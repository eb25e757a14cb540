import type { CallOptions } from './aws-ports.ts'
import type { SealstreamError } from './errors.ts'
import type { ConsumedRecord } from './user-record.ts'

/** A record that can never be delivered as it is, such as one over the destination's size limit. */
export interface UndeliverableRecord {
  readonly record: ConsumedRecord
  readonly error: SealstreamError
}

/** Port through which a worker hands records to a destination, such as a Firehose delivery stream. */
export interface RecordSink {
  /**
   * Resolves when the destination has acknowledged every record but those that it returns as undeliverable.
   * Rejects when it gave up or the signal aborted; the caller may offer the same records again.
   */
  deliver(records: readonly ConsumedRecord[], options?: CallOptions): Promise<readonly UndeliverableRecord[]>
  /** Sends what is held and stops. */
  close(): Promise<void>
}

/** A Kinesis record that cannot be processed, kept as it was received: sealed bytes stay sealed. */
export interface DeadLetter {
  readonly streamName: string
  readonly shardId: string
  readonly sequenceNumber: string
  /** The user records inside that failed; undefined when it is the whole Kinesis record. */
  readonly subSequenceNumbers: readonly number[] | undefined
  readonly partitionKey: string | undefined
  /** Payload of the Kinesis record, byte for byte. */
  readonly data: Uint8Array
  readonly approximateArrivalTimestamp: Date | undefined
  /** Stable code of the fault; never a message that could quote the payload. */
  readonly errorCode: string
  /** How often processing was tried, from 1; undefined where nobody counted. */
  readonly attempts?: number
}

/** Port through which dead letters are kept. Resolves only when the dead letter is stored. */
export interface DeadLetterStore {
  put(deadLetter: DeadLetter, options?: CallOptions): Promise<void>
}
