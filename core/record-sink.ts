import type { CallOptions } from './aws-ports.ts'
import type { SealstreamError } from './errors.ts'
import type { ConsumedRecord } from './user-record.ts'

/** A record that can never be delivered as it is, such as one over the destination's size limit. */
export interface UndeliverableRecord {
  readonly record: ConsumedRecord
  readonly error: SealstreamError
}

export interface DeliverOptions extends CallOptions {
  /** Told of the index of each record that the destination has acknowledged, in any order, once each. */
  readonly onAcknowledged?: ((index: number) => void) | undefined
}

/** Port through which a worker hands records to a destination, such as a Firehose delivery stream. */
export interface RecordSink {
  /**
   * What it expects to be handed: user records, opened where the stream is sealed, or Kinesis records as they were
   * received. A worker that hands on the other kind is refused.
   * @default either
   */
  readonly takes?: 'userRecords' | 'kinesisRecords' | undefined
  /**
   * Resolves when the destination has acknowledged every record but those that it returns as undeliverable.
   * Rejects when it gave up or the signal aborted; the caller may offer the same records again.
   */
  deliver(
    records: readonly ConsumedRecord[],
    options?: DeliverOptions
  ): Promise<readonly UndeliverableRecord[]>
  /** Sends what is held for company, at once: whoever waits for it wants to stop. */
  flush?(): Promise<void>
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
