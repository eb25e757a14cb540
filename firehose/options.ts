import type { FirehoseClient, FirehoseClientConfig } from '@aws-sdk/client-firehose'
import {
  checkAtMostOne,
  checkInteger,
  checkKnownOptions,
  checkOneOf,
  checkString
} from '../core/check-option.ts'
import {
  DiagnosticsChannel,
  resolveSurroundings,
  type Surroundings,
  surroundingNames
} from '../core/surroundings.ts'
import { Framing } from './record-framing.ts'
import type { FirehosePort, SinkEvent } from './types.ts'

/** Limits of the service: https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html */
const limits = { batchRecords: 500, batchBytes: 4_194_304, recordBytes: 1_024_000 }

export interface DeliveryStreamSinkOptions extends Partial<Surroundings<SinkEvent>> {
  readonly deliveryStreamName: string
  /** How records are told apart at the destination; there is no default, because a wrong guess glues them. */
  readonly framing: Framing
  /** A client to use as it is; the caller destroys it. At most one of `client`, `clientConfig` and `firehose`. */
  readonly client?: FirehoseClient
  /** What to make a client from. @default the SDK's conventions */
  readonly clientConfig?: FirehoseClientConfig
  /** The call itself, for tests and simulations. */
  readonly firehose?: FirehosePort
  /** Most records in one request. Range 1 to 500. @default 500 */
  readonly maxBatchRecords?: number
  /**
   * Most bytes in one request, framing included. Range 1_024_000 to 4_194_304.
   * @default 4_000_000, below the service's 4 MiB, because what it counts besides the data is not documented
   */
  readonly maxBatchBytes?: number
  /** Largest record, in bytes with its framing; larger ones are undeliverable. Range 1 to 1_024_000. @default 1_024_000 */
  readonly maxRecordBytes?: number
  /** Requests under way at once, over all calls of `deliver`. Range 1 to 256. @default 4 */
  readonly maxConcurrentRequests?: number
  /**
   * Longest time that one call of `deliver` keeps trying, in milliseconds. Range 1 to 86_400_000.
   * @default no bound but the caller's signal
   */
  readonly maxElapsedMs?: number
}

export interface ResolvedSinkOptions extends Surroundings<SinkEvent> {
  readonly deliveryStreamName: string
  readonly framing: Framing
  readonly maxBatchRecords: number
  readonly maxBatchBytes: number
  readonly maxRecordBytes: number
  readonly maxConcurrentRequests: number
  readonly maxElapsedMs: number
}

const knownOptions = [
  'deliveryStreamName',
  'framing',
  'client',
  'clientConfig',
  'firehose',
  'maxBatchRecords',
  'maxBatchBytes',
  'maxRecordBytes',
  'maxConcurrentRequests',
  'maxElapsedMs',
  ...surroundingNames
] as const satisfies readonly (keyof DeliveryStreamSinkOptions)[]

export function resolveOptions(options: DeliveryStreamSinkOptions): ResolvedSinkOptions {
  checkKnownOptions('', options, knownOptions)
  checkAtMostOne(options, ['client', 'clientConfig', 'firehose'])
  const { batchRecords, batchBytes, recordBytes } = limits
  return {
    deliveryStreamName: checkString('deliveryStreamName', options.deliveryStreamName),
    framing: checkOneOf('framing', options.framing, Object.values(Framing)),
    maxBatchRecords: checkInteger(
      'maxBatchRecords',
      options.maxBatchRecords ?? batchRecords,
      1,
      batchRecords
    ),
    maxBatchBytes: checkInteger('maxBatchBytes', options.maxBatchBytes ?? 4_000_000, recordBytes, batchBytes),
    maxRecordBytes: checkInteger('maxRecordBytes', options.maxRecordBytes ?? recordBytes, 1, recordBytes),
    maxConcurrentRequests: checkInteger('maxConcurrentRequests', options.maxConcurrentRequests ?? 4, 1, 256),
    maxElapsedMs:
      options.maxElapsedMs === undefined
        ? Number.POSITIVE_INFINITY
        : checkInteger('maxElapsedMs', options.maxElapsedMs, 1, 86_400_000),
    ...resolveSurroundings(options, DiagnosticsChannel.sink, options.deliveryStreamName)
  }
}
