import type { Clock } from '../../core/clock.ts'
import { ErrorCode, InvalidOptionError, SealstreamError } from '../../core/errors.ts'
import type { Engines } from '../engines.ts'
import type { LocalFaults } from '../faults/fault-script.ts'
import type { CreatedReceivers } from '../receivers.ts'
import { VirtualClock } from '../virtual-clock.ts'
import {
  type DynamodbInspection,
  type FirehoseInspection,
  type HecInspection,
  inspectDynamodb,
  inspectFirehose,
  inspectHec,
  inspectKinesis,
  inspectKms,
  inspectRedshift,
  inspectS3,
  inspectSearch,
  inspectSqs,
  type KinesisInspection,
  type KmsInspection,
  type RedshiftInspection,
  type S3Inspection,
  type SearchInspection,
  type SqsInspection
} from './inspect.ts'

/**
 * What the engines hold, as plain data: names, counts and bytes, never a payload or the material of a key.
 * Each rejects with SEALSTREAM_ENGINE_UNAVAILABLE where its service does not run.
 */
export interface LocalInspect {
  kinesis(): Promise<KinesisInspection>
  dynamodb(): Promise<DynamodbInspection>
  kms(): Promise<KmsInspection>
  s3(): Promise<S3Inspection>
  sqs(): Promise<SqsInspection>
  firehose(): Promise<FirehoseInspection>
  search(): Promise<SearchInspection>
  hec(): Promise<HecInspection>
  redshift(): Promise<RedshiftInspection>
}

/** The time of the engines. */
export interface LocalClock extends Clock {
  /**
   * Moves a virtual clock on by `ms` milliseconds: what falls due on the way runs in its order, and deliveries that it
   * starts are waited for, a second each at most.
   * @throws InvalidOptionError when the clock is the system's, or one of the caller's own
   */
  advance(ms: number): Promise<void>
}

export interface Control {
  readonly faults: LocalFaults
  readonly inspect: LocalInspect
  readonly clock: LocalClock
  /** Names of `inspect` that run. */
  readonly running: readonly (keyof LocalInspect)[]
  reset(): Promise<void>
}

export function inspectOf(engines: () => Engines, stores: CreatedReceivers['stores']): LocalInspect {
  const of = <T>(service: string, engine: T | undefined): T => {
    if (engine !== undefined) return engine
    throw new SealstreamError(ErrorCode.engineUnavailable, `${service} does not run here`)
  }
  return {
    kinesis: async () => inspectKinesis(of('kinesis', engines().kinesis).store),
    dynamodb: async () => inspectDynamodb(of('dynamodb', engines().dynamodb)),
    kms: async () => inspectKms(of('kms', engines().kms).store),
    s3: async () => inspectS3(of('s3', engines().s3).store),
    sqs: async () => inspectSqs(of('sqs', engines().sqs).store),
    firehose: async () => inspectFirehose(of('firehose', engines().firehose).store),
    search: async () => inspectSearch(of('search', stores.search)),
    hec: async () => inspectHec(of('hec', stores.hec)),
    redshift: async () => inspectRedshift(of('redshift', stores.redshift))
  }
}

export function localClock(clock: Clock): LocalClock {
  return {
    now: () => clock.now(),
    wallTime: () => clock.wallTime(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    schedule: (callback, ms, options) => clock.schedule(callback, ms, options),
    async advance(ms) {
      if (!(clock instanceof VirtualClock)) {
        throw new InvalidOptionError('clock', "time moves by itself: start the engines with clock: 'virtual'")
      }
      if (!(ms >= 0 && Number.isFinite(ms))) {
        throw new InvalidOptionError('ms', 'must be a number from 0 up')
      }
      await clock.advance(ms)
    }
  }
}
