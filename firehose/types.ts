import type { PutRecordBatchCommandInput, PutRecordBatchCommandOutput } from '@aws-sdk/client-firehose'
import type { CallOptions } from '../core/aws-ports.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { FailureClass } from '../core/service-errors.ts'

/** The one Firehose call that the sink makes. */
export interface FirehosePort {
  putRecordBatch(
    input: PutRecordBatchCommandInput,
    options?: CallOptions
  ): Promise<PutRecordBatchCommandOutput>
}

/** Counters since the sink was made. `offered` = `delivered` + `undeliverable` + `failed` + `inFlight`. */
export interface SinkStats {
  /** Records handed to `deliver`; one that is offered again counts again. */
  readonly offered: number
  /** Records for which Firehose gave a RecordId. */
  readonly delivered: number
  /** Records that were returned as undeliverable. */
  readonly undeliverable: number
  /** Records that were not acknowledged when `deliver` gave up; some of them may be stored. */
  readonly failed: number
  readonly inFlight: number
  readonly requests: number
  /** Entries that were sent again. */
  readonly retries: number
  /** Entries and requests that Firehose throttled. */
  readonly throttled: number
  /** Bytes of the delivered entries, framing included. */
  readonly bytesDelivered: number
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
