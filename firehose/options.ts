import type { FirehoseClient, FirehoseClientConfig } from '@aws-sdk/client-firehose'
import {
  checkAtMostOne,
  checkInteger,
  checkKnownOptions,
  checkOneOf,
  checkString
} from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { Framing } from '../core/record-framing.ts'
import {
  DiagnosticsChannel,
  resolveSurroundings,
  type Surroundings,
  surroundingNames
} from '../core/surroundings.ts'
import type { Packing } from './batcher.ts'
import { Destination, gluing } from './destination.ts'
import type { FrameFunction, FramingOptions } from './framer.ts'
import type { FirehosePort, SinkEvent } from './types.ts'

/** Limits of the service: https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html */
const limits = { batchRecords: 500, batchBytes: 4_194_304, recordBytes: 1_024_000 }

/**
 * `maxPackBytes`: fifty of the 5 KiB that Firehose bills by, of which no more than one is wasted. `maxPackRecords`: what
 * Firehose takes apart again, https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-multirecord-deaggergation.html
 */
const defaultPacking: Packing = { maxPackBytes: 256_000, maxPackRecords: 500 }

export interface DeliveryStreamSinkOptions extends Partial<Surroundings<SinkEvent>> {
  readonly deliveryStreamName: string
  /**
   * How records are told apart at the destination; there is no default, because a wrong guess glues them. A function
   * makes the bytes by itself. Not with `deliver: 'ciphertext'`, which has lines of its own.
   */
  readonly framing?: Framing | FrameFunction
  /**
   * `plaintext`: records as they come from the worker. `ciphertext`: one line of base64 for each Kinesis record as it
   * was received, from a worker with `open: false`, which needs no right to any key; `sealstream open` reads them.
   * @default 'plaintext'
   */
  readonly deliver?: 'plaintext' | 'ciphertext'
  /** What lies behind the delivery stream; `packing` and Elasticsearch need to know. @default unknown */
  readonly destination?: Destination
  /**
   * Whether small records share a Firehose record, each of which is billed by 5 KiB. Only for `s3`, `redshift` and
   * `splunk`, which glue records together in any case; a transformation function gets the pack as one record.
   * `true` stands for 256_000 bytes and 500 records. Range of `maxPackBytes` 1 to 1_024_000, of `maxPackRecords` 1 to
   * 100_000; Firehose takes apart, as dynamic partitioning needs it, no more than 500.
   * @default false
   */
  readonly packing?: boolean | Partial<Packing>
  /**
   * Name of a member that is put into each record, a JSON object: its stream, shard, sequence and sub-sequence number.
   * It is the same whenever the record is delivered again. With `framing: 'ndjson'` alone.
   * @default none
   */
  readonly recordIdField?: string
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
   * Longest time that a record waits for company, in milliseconds, from when it was taken. Range 0 to 60_000; with 0
   * it leaves with what was put without a pause. Either way records gather while all requests are under way.
   * @default 0; 1_000 with packing
   */
  readonly maxBufferedMs?: number
  /**
   * Most bytes of framed records that are held, with 256 bytes of bookkeeping for each; then callers wait. As much may
   * wait in `put` alone, beyond that it rejects. Range 8_388_608 to 4_294_967_296.
   * @default 33_554_432
   */
  readonly maxBufferedBytes?: number
  /**
   * Time after which a record that fails is not sent again, in milliseconds: from the call for `deliver` and `put`,
   * from when it was taken for `putAll` and `writable`. Range 1 to 86_400_000.
   * @default no bound but the caller's signal
   */
  readonly maxElapsedMs?: number
}

export interface ResolvedSinkOptions extends Surroundings<SinkEvent>, FramingOptions {
  readonly deliveryStreamName: string
  readonly packing: Packing | undefined
  readonly maxBatchRecords: number
  readonly maxBatchBytes: number
  readonly maxConcurrentRequests: number
  readonly maxBufferedMs: number
  readonly maxBufferedBytes: number
  readonly maxElapsedMs: number
}

const knownOptions = [
  'deliveryStreamName',
  'framing',
  'deliver',
  'destination',
  'packing',
  'recordIdField',
  'client',
  'clientConfig',
  'firehose',
  'maxBatchRecords',
  'maxBatchBytes',
  'maxRecordBytes',
  'maxConcurrentRequests',
  'maxBufferedMs',
  'maxBufferedBytes',
  'maxElapsedMs',
  ...surroundingNames
] as const satisfies readonly (keyof DeliveryStreamSinkOptions)[]

export function resolveOptions(options: DeliveryStreamSinkOptions): ResolvedSinkOptions {
  checkKnownOptions('', options, knownOptions)
  checkAtMostOne(options, ['client', 'clientConfig', 'firehose'])
  const { batchRecords, batchBytes, recordBytes } = limits
  const packing = resolvePacking(options)
  return {
    deliveryStreamName: checkString('deliveryStreamName', options.deliveryStreamName),
    ...resolveFraming(options),
    packing,
    maxBatchRecords: checkInteger(
      'maxBatchRecords',
      options.maxBatchRecords ?? batchRecords,
      1,
      batchRecords
    ),
    maxBatchBytes: checkInteger('maxBatchBytes', options.maxBatchBytes ?? 4_000_000, recordBytes, batchBytes),
    maxRecordBytes: checkInteger('maxRecordBytes', options.maxRecordBytes ?? recordBytes, 1, recordBytes),
    maxConcurrentRequests: checkInteger('maxConcurrentRequests', options.maxConcurrentRequests ?? 4, 1, 256),
    maxBufferedMs: checkInteger(
      'maxBufferedMs',
      options.maxBufferedMs ?? (packing === undefined ? 0 : 1_000),
      0,
      60_000
    ),
    maxBufferedBytes: checkInteger(
      'maxBufferedBytes',
      options.maxBufferedBytes ?? 33_554_432,
      8_388_608,
      4_294_967_296
    ),
    maxElapsedMs:
      options.maxElapsedMs === undefined
        ? Number.POSITIVE_INFINITY
        : checkInteger('maxElapsedMs', options.maxElapsedMs, 1, 86_400_000),
    ...resolveSurroundings(options, DiagnosticsChannel.sink, options.deliveryStreamName)
  }
}

function resolveFraming(options: DeliveryStreamSinkOptions): Omit<FramingOptions, 'maxRecordBytes'> {
  const { destination, recordIdField } = options
  const deliver = checkOneOf('deliver', options.deliver ?? 'plaintext', ['plaintext', 'ciphertext'])
  if (destination !== undefined) checkOneOf('destination', destination, Object.values(Destination))
  const isForDocuments = destination === Destination.elasticsearch
  if (deliver === 'ciphertext') {
    if (isForDocuments)
      throw new InvalidOptionError('deliver', `'ciphertext' is no JSON, as ${destination} needs it`)
    if (options.framing !== undefined)
      throw new InvalidOptionError(
        'framing',
        "cannot stand beside deliver: 'ciphertext', which has lines of its own"
      )
  }
  const framing =
    typeof options.framing === 'function'
      ? options.framing
      : checkOneOf(
          'framing',
          deliver === 'ciphertext' ? Framing.none : options.framing,
          // Documents are checked before they are put: Firehose would keep a bad one only in its backup.
          isForDocuments ? [Framing.ndjson] : Object.values(Framing)
        )
  if (recordIdField !== undefined) {
    checkString('recordIdField', recordIdField)
    if (framing !== Framing.ndjson) throw new InvalidOptionError('recordIdField', "needs framing: 'ndjson'")
  }
  return { framing, deliver, destination, recordIdField }
}

function resolvePacking({ packing = false, destination }: DeliveryStreamSinkOptions): Packing | undefined {
  if (packing === false) return undefined
  if (destination === undefined || !gluing.includes(destination)) {
    throw new InvalidOptionError(
      'packing',
      `needs destination: ${gluing.map(name => `'${name}'`).join(' or ')}, where one record may stand for several`
    )
  }
  if (packing === true) return defaultPacking
  if (typeof packing !== 'object' || packing === null) {
    throw new InvalidOptionError('packing', `expected true, false or its bounds, found ${typeof packing}`)
  }
  checkKnownOptions('packing', packing, ['maxPackBytes', 'maxPackRecords'])
  const { maxPackBytes, maxPackRecords } = { ...defaultPacking, ...packing }
  return {
    maxPackBytes: checkInteger('packing.maxPackBytes', maxPackBytes, 1, limits.recordBytes),
    maxPackRecords: checkInteger('packing.maxPackRecords', maxPackRecords, 1, 100_000)
  }
}
