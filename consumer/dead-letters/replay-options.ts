import type { CallOptions } from '../../core/aws-ports.ts'
import { checkInteger, checkKnownOptions, checkString } from '../../core/check-option.ts'
import { InvalidOptionError } from '../../core/errors.ts'
import type { OpenOptions } from '../../core/open-options.ts'
import type { RecordSink } from '../../core/record-sink.ts'
import {
  DiagnosticsChannel,
  resolveSurroundings,
  type Surroundings,
  surroundingNames
} from '../../core/surroundings.ts'
import type { BatchHandler } from '../handlers/handlers.ts'
import { checkTaken } from '../options.ts'
import type { DeadLetterSource } from './dead-letter-source.ts'
import type { EndedBy } from './hold-each.ts'

/** What a replay tells while it works. Never a payload, a key or a context value. */
export type ReplayEvent =
  | {
      readonly type: 'letterReplayed'
      readonly shardId: string
      readonly sequenceNumber: string
      /** User records that were handed on. */
      readonly userRecords: number
    }
  /** It stays in the store. */
  | {
      readonly type: 'letterFailed'
      /** Undefined for something that is no dead letter. */
      readonly shardId: string | undefined
      readonly sequenceNumber: string | undefined
      readonly errorCode: string
    }
  /** It was replayed, and its removal failed: it may come again. */
  | {
      readonly type: 'letterNotRemoved'
      readonly shardId: string
      readonly sequenceNumber: string
      readonly errorCode: string
    }

/** Bounds of a look through the dead letters. */
export interface DeadLetterBounds extends CallOptions {
  readonly source: DeadLetterSource
  /** Most dead letters; SQS lets 120,000 be held at a time. Range 1 to 100_000. @default 10_000 */
  readonly limit?: number
  /**
   * Longest time, in milliseconds; nobody else can have what is held meanwhile. Range 1_000 to 39_600_000.
   * @default 300_000
   */
  readonly maxDurationMs?: number
}

export interface ReplayOptions extends DeadLetterBounds, Partial<Surroundings<ReplayEvent>> {
  /** Dead letters of other streams stay where they are. */
  readonly streamName: string
  /** As of the worker: `false` hands Kinesis records on as they were received. */
  readonly open?: OpenOptions | false
  /** Exactly one of `eachBatch` and `sink`. Called with the user records of one Kinesis record at a time. */
  readonly eachBatch?: BatchHandler
  /** Stays open. */
  readonly sink?: RecordSink
}

/** In dead letters unless another unit is named. */
export interface ReplayResult {
  /** Taken by the handler or the sink. */
  readonly replayed: number
  /** User records that were handed on in them. */
  readonly userRecords: number
  /** Of those replayed: not removed from the store, so that they may come again. */
  readonly notRemoved: number
  /** Tried, and still in the store. */
  readonly failed: number
  /** Why they failed: error code -> how many. */
  readonly failures: Readonly<Record<string, number>>
  /** Seen, not tried, and still in the store: those of other streams, and what was in hand at the end. */
  readonly left: number
  /** `empty`: nothing more was there. The others say which bound ended it first. */
  readonly endedBy: EndedBy
}

/** What the dead letters say about themselves. */
export interface DeadLetterSurvey {
  readonly found: number
  /** Why they were dead-lettered: error code -> how many. */
  readonly byErrorCode: Readonly<Record<string, number>>
  /** Things in the store that are no dead letters. */
  readonly malformed: number
  readonly endedBy: EndedBy
}

const boundNames = ['source', 'limit', 'maxDurationMs', 'signal'] as const
const replayNames = [...boundNames, 'streamName', 'open', 'eachBatch', 'sink', ...surroundingNames] as const

/** @throws InvalidOptionError */
export function checkBounds(options: DeadLetterBounds): {
  readonly limit: number
  readonly maxDurationMs: number
} {
  if (typeof options.source?.receive !== 'function') {
    throw new InvalidOptionError(
      'source',
      'expected a source of dead letters, such as an SqsDeadLetterSource'
    )
  }
  return {
    limit: checkInteger('limit', options.limit ?? 10_000, 1, 100_000),
    maxDurationMs: checkInteger('maxDurationMs', options.maxDurationMs ?? 300_000, 1_000, 39_600_000)
  }
}

/** @throws InvalidOptionError */
export function checkSurveyOptions(options: object): void {
  checkKnownOptions('', options, [...boundNames, 'clock', 'logger'])
}

/** @throws InvalidOptionError */
export function resolveReplay(options: ReplayOptions) {
  checkKnownOptions('', options, replayNames)
  if ((options.eachBatch === undefined) === (options.sink === undefined)) {
    throw new InvalidOptionError('eachBatch', 'expected exactly one of eachBatch and sink')
  }
  checkTaken(options)
  checkKnownOptions('open', options.open || {}, ['keyring', 'context', 'unstoredContext', 'acceptPlaintext'])
  return {
    ...checkBounds(options),
    streamName: checkString('streamName', options.streamName),
    ...resolveSurroundings(options, DiagnosticsChannel.replay, options.streamName)
  }
}
