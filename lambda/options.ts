import { checkBoolean, checkKnownOptions, checkOneOf, checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { type OpenOptions, resolveOpen } from '../core/open-options.ts'
import { Framing } from '../core/record-framing.ts'
import type { DeadLetterStore } from '../core/record-sink.ts'
import { DiagnosticsChannel, resolveSurroundings, type Surroundings } from '../core/surroundings.ts'
import type { ConsumedRecord } from '../core/user-record.ts'
import type { FirehoseTransformEvent } from './firehose-event.ts'
import type { LambdaContext, LambdaEvent } from './types.ts'

/** What both kinds of function take. */
export interface FunctionOptions extends Partial<Pick<Surroundings<LambdaEvent>, 'logger' | 'onEvent'>> {
  /** Without it, records are de-aggregated and handed on as they came. */
  readonly open?: OpenOptions
  /**
   * Name of the stream that the records were sealed for.
   * @default that of the event's ARN
   */
  readonly streamName?: string
}

/** The tumbling window that an invocation belongs to. */
export interface TumblingWindow {
  readonly start: string
  readonly end: string
  /** Whether the window ends with this invocation; then there may be no records. */
  readonly isFinal: boolean
  /** Whether it ends early because its state is too large. */
  readonly isTerminatedEarly: boolean
  /** As Lambda kept it. What it is when the handler is done goes back to Lambda. */
  state: unknown
}

export interface KinesisBatchContext {
  readonly streamName: string
  readonly shardId: string
  /** Undefined without a tumbling window. */
  readonly window: TumblingWindow | undefined
  /** As the function got it. */
  readonly lambda: LambdaContext | undefined
}

/** Position of a user record; a record itself is one. */
export type RecordPosition = Pick<ConsumedRecord, 'sequenceNumber' | 'subSequenceNumber'>

/**
 * Processes the user records of one invocation, in their order. They count as processed when it resolves, but for those
 * whose positions it returns: everything from the first of these on comes again. When it rejects, so does the
 * invocation, and all of them come again.
 */
export type KinesisBatchHandler = (
  records: readonly ConsumedRecord[],
  context: KinesisBatchContext
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler without failures returns nothing
) => Promise<void | readonly RecordPosition[]> | void | readonly RecordPosition[]

/** Processes one user record. When it rejects, this record and all behind it come again. */
export type KinesisRecordHandler = (
  record: ConsumedRecord,
  context: KinesisBatchContext
) => Promise<void> | void

export interface KinesisHandlerOptions extends FunctionOptions {
  /** Exactly one of `eachBatch` and `eachRecord`. */
  readonly eachBatch?: KinesisBatchHandler
  readonly eachRecord?: KinesisRecordHandler
  /**
   * Told of the user records that were processed and come again all the same, since a batch is taken up again at a
   * Kinesis record only: those before a failure inside its aggregate, and with `eachBatch` those behind it. When it
   * rejects, so does the invocation.
   */
  readonly onComeAgain?: (
    records: readonly ConsumedRecord[],
    context: KinesisBatchContext
  ) => Promise<void> | void
  /**
   * Where records go that can never be opened. Without it such a record is returned to the source, as one that the
   * handler failed.
   */
  readonly deadLetters?: DeadLetterStore
}

/** A user record as a transformation gets it: opened, and de-aggregated. */
export interface TransformRecord {
  /** Of the Firehose record; every user record of one sealed aggregate shares it. */
  readonly recordId: string
  readonly data: Uint8Array
  /** Undefined without a Kinesis stream as source. */
  readonly partitionKey: string | undefined
  readonly explicitHashKey: string | undefined
  readonly shardId: string | undefined
  readonly sequenceNumber: string | undefined
  /** Index inside the aggregate, whoever took it apart. */
  readonly subSequenceNumber: number
  readonly approximateArrivalTimestamp: Date | undefined
}

/** What a record becomes. */
export type TransformResult =
  /** Its new bytes. */
  | Uint8Array
  | {
      readonly data: Uint8Array
      /** Of the object key, each a text that is not empty; with `dynamicPartitioning` alone. */
      readonly partitionKeys?: Readonly<Record<string, string>>
    }
  /** It is not delivered, and counts as a success. */
  | 'Dropped'

export interface TransformContext {
  readonly event: Omit<FirehoseTransformEvent, 'records'>
  /** As the function got it. */
  readonly lambda: LambdaContext | undefined
}

/**
 * Re-shapes one user record, or drops it. What it throws fails the one record, but an error whose member `retryable` is
 * true fails the invocation, so that Firehose invokes again. It sees records again when Firehose does so.
 */
export type Transform = (
  record: TransformRecord,
  context: TransformContext
) => Promise<TransformResult> | TransformResult

export interface FirehoseTransformOptions extends FunctionOptions {
  /** Of the delivery stream. It decides whether a record may become several lines. */
  readonly destination: 's3' | 'redshift' | 'splunk' | 'elasticsearch' | 'http'
  /** Whether the object keys depend on the records; with the destination `s3` alone. @default false */
  readonly dynamicPartitioning?: boolean
  /**
   * How user records are told apart at the destination. Not beside the processor `AppendDelimiterToRecord`, which would
   * end every line twice.
   * @default 'ndjson' for `s3`, `redshift` and `splunk`; the others keep records apart and take 'none' alone
   */
  readonly framing?: Framing
  /** @default every user record stays as it is */
  readonly transform?: Transform
}

type Resolved<T extends FunctionOptions, Defaulted extends keyof T> = Omit<
  T,
  Defaulted | keyof FunctionOptions
> &
  Required<Pick<T, Defaulted>> &
  Pick<Surroundings<LambdaEvent>, 'logger' | 'onEvent'> & {
    readonly open: Required<OpenOptions> | undefined
    readonly streamName: string | undefined
  }

export type ResolvedKinesisHandlerOptions = Resolved<KinesisHandlerOptions, never>
export type ResolvedTransformOptions = Resolved<
  FirehoseTransformOptions,
  'dynamicPartitioning' | 'framing' | 'transform'
>

const commonNames = [
  'open',
  'streamName',
  'logger',
  'onEvent'
] as const satisfies readonly (keyof FunctionOptions)[]

export function resolveKinesisHandler(options: KinesisHandlerOptions): ResolvedKinesisHandlerOptions {
  checkKnownOptions('', options, [...commonNames, 'eachBatch', 'eachRecord', 'onComeAgain', 'deadLetters'])
  const { eachBatch, eachRecord, onComeAgain, deadLetters } = options
  if ((eachBatch === undefined) === (eachRecord === undefined)) {
    throw new InvalidOptionError('eachBatch', 'expected exactly one of eachBatch and eachRecord')
  }
  return {
    ...resolveCommon(options),
    ...(eachBatch === undefined ? {} : { eachBatch: checkFunction('eachBatch', eachBatch) }),
    ...(eachRecord === undefined ? {} : { eachRecord: checkFunction('eachRecord', eachRecord) }),
    ...(onComeAgain === undefined ? {} : { onComeAgain: checkFunction('onComeAgain', onComeAgain) }),
    ...(deadLetters === undefined ? {} : { deadLetters })
  }
}

export function resolveTransform(options: FirehoseTransformOptions): ResolvedTransformOptions {
  checkKnownOptions('', options, [
    ...commonNames,
    'destination',
    'dynamicPartitioning',
    'framing',
    'transform'
  ])
  const destination = checkOneOf('destination', options.destination, [
    's3',
    'redshift',
    'splunk',
    'elasticsearch',
    'http'
  ])
  const dynamicPartitioning = checkBoolean('dynamicPartitioning', options.dynamicPartitioning ?? false)
  if (dynamicPartitioning && destination !== 's3') {
    throw new InvalidOptionError(
      'dynamicPartitioning',
      `goes with the destination 's3' alone, found '${destination}'`
    )
  }
  const keepsRecordsApart = destination === 'elasticsearch' || destination === 'http'
  const { transform = ({ data }: TransformRecord) => data } = options
  return {
    ...resolveCommon(options),
    destination,
    dynamicPartitioning,
    framing: checkOneOf(
      'framing',
      options.framing ?? (keepsRecordsApart ? Framing.none : Framing.ndjson),
      keepsRecordsApart ? [Framing.none] : Object.values(Framing)
    ),
    transform: checkFunction('transform', transform)
  }
}

function resolveCommon(options: FunctionOptions): Resolved<FunctionOptions, never> {
  const { logger, onEvent } = resolveSurroundings(
    options,
    DiagnosticsChannel.lambda,
    options.streamName ?? ''
  )
  return {
    open: resolveOpen(options.open),
    streamName: options.streamName === undefined ? undefined : checkString('streamName', options.streamName),
    logger,
    onEvent
  }
}

function checkFunction<T>(option: string, value: T): T {
  if (typeof value === 'function') return value
  throw new InvalidOptionError(option, `expected a function, found ${typeof value}`)
}
