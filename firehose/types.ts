import type { PutRecordBatchCommandInput, PutRecordBatchCommandOutput } from '@aws-sdk/client-firehose'
import type { CallOptions } from '../core/aws-ports.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { FailureClass } from '../core/service-errors.ts'
import type { ConsumedRecord } from '../core/user-record.ts'

/** The one Firehose call that the sink makes. */
export interface FirehosePort {
  putRecordBatch(
    input: PutRecordBatchCommandInput,
    options?: CallOptions
  ): Promise<PutRecordBatchCommandOutput>
}

/** A record to deliver. Where it came from is only needed for `recordIdField`. */
export interface SinkRecord extends Partial<Omit<ConsumedRecord, 'data'>> {
  readonly data: Uint8Array
}

/** What `put` resolves with. */
export interface SinkPutResult {
  /** Of the Firehose record; packed records share it. Firehose takes it back nowhere: it is for the books. */
  readonly recordId: string
}

/** What `putAll` resolves with. */
export interface SinkPutAllResult {
  readonly delivered: number
  readonly failed: number
}

/** Counters since the sink was made. `offered` = `delivered` + `undeliverable` + `failed` + `inFlight`. */
export interface SinkStats {
  /** Records that were taken; one that is offered again counts again. */
  readonly offered: number
  /** Records for which Firehose gave a RecordId. */
  readonly delivered: number
  /** Records that can never be delivered as they are. */
  readonly undeliverable: number
  /** Records without a RecordId when the sink, or who offered them, gave up; some of them may be stored. */
  readonly failed: number
  readonly inFlight: number
  readonly requests: number
  /** Firehose records that were delivered: fewer than `delivered` where records are packed. */
  readonly entriesDelivered: number
  /** Firehose records that were sent again. */
  readonly retries: number
  /** Firehose records and requests that Firehose throttled. */
  readonly throttled: number
  /** Bytes of the delivered records, framing included. */
  readonly bytesDelivered: number
  /** What Firehose bills for them: each Firehose record by 5 KiB, as with a direct put. */
  readonly bytesBilled: number
  /** What it would bill beyond that, were they not packed. */
  readonly bytesSaved: number
  /** Bytes of framed records that are held now. */
  readonly bufferedBytes: number
  /** Bytes a second that the sink sends at most, since Firehose throttled; undefined without a bound. */
  readonly bytesPerSecondLimit: number | undefined
}

/** What a sink tells while it works. Never a payload. */
export type SinkEvent =
  /** Some entries, or the whole request, failed and are sent again after a pause. */
  | {
      readonly type: 'retrying'
      readonly entries: number
      readonly failure: FailureClass
      readonly errorCode: string
      readonly delayMs: number
    }
  | { readonly type: 'recordUndeliverable'; readonly errorCode: ErrorCode }
  /** Firehose throttled: the sink sends no more than this from now on. */
  | { readonly type: 'slowed'; readonly bytesPerSecond: number }
  /** The bound of `slowed` is gone. */
  | { readonly type: 'recovered' }
