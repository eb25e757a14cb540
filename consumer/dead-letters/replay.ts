import { type Clock, systemClock } from '../../core/clock.ts'
import { ErrorCode, isSealstreamError } from '../../core/errors.ts'
import { type Logger, silentLogger } from '../../core/logger.ts'
import { RecordReader } from '../../core/record-reader.ts'
import type { DeadLetter } from '../../core/record-sink.ts'
import type { RecordOpener } from '../../core/record-transform.ts'
import type { ConsumedRecord } from '../../core/user-record.ts'
import { Checkpointer } from '../checkpoint/checkpointer.ts'
import { Sentinel, sentinelPosition } from '../checkpoint/extended-sequence-number.ts'
import { ProcessorFailedError } from '../errors.ts'
import type { HeldDeadLetter } from './dead-letter-source.ts'
import { MalformedDeadLetterError } from './errors.ts'
import { holdEach, type Visited } from './hold-each.ts'
import {
  checkBounds,
  checkSurveyOptions,
  type DeadLetterBounds,
  type DeadLetterSurvey,
  type ReplayOptions,
  type ReplayResult,
  resolveReplay
} from './replay-options.ts'

/**
 * Puts dead letters through opening, de-aggregation and handler or sink again, one Kinesis record at a time and of
 * each only the user records that failed. What the handler took is removed from the store; everything else stays
 * there. Leases and checkpoints are never touched.
 *
 * Resolves also when the signal aborts: `endedBy` tells.
 * @throws InvalidOptionError, and ServiceError when the store cannot be read
 */
export async function replayDeadLetters(options: ReplayOptions): Promise<ReplayResult> {
  const replay = new Replay(options)
  try {
    return await replay.run()
  } finally {
    replay.close()
  }
}

/**
 * Counts the dead letters by why they are there, and reads no payload. They are held meanwhile, and released.
 * @throws InvalidOptionError, and ServiceError when the store cannot be read
 */
export async function surveyDeadLetters(
  options: DeadLetterBounds & { readonly clock?: Clock; readonly logger?: Logger }
): Promise<DeadLetterSurvey> {
  checkSurveyOptions(options)
  const byErrorCode: Record<string, number> = {}
  let found = 0
  let malformed = 0
  const { endedBy } = await holdEach(
    options.source,
    {
      ...checkBounds(options),
      clock: options.clock ?? systemClock,
      logger: options.logger ?? silentLogger,
      signal: options.signal
    },
    async ({ summary }) => {
      if (summary === undefined) malformed += 1
      else {
        found += 1
        count(byErrorCode, summary.errorCode)
      }
      return 'kept'
    }
  )
  return { found, byErrorCode, malformed, endedBy }
}

class Replay {
  readonly #given: ReplayOptions
  readonly #options: ReturnType<typeof resolveReplay>
  readonly #opener: RecordOpener | undefined
  readonly #failures: Record<string, number> = {}
  readonly #counts = { replayed: 0, userRecords: 0, notRemoved: 0, failed: 0, left: 0 }

  constructor(options: ReplayOptions) {
    this.#given = options
    this.#options = resolveReplay(options)
    const open = options.open || undefined
    this.#opener = open?.keyring.createOpener({
      streamName: this.#options.streamName,
      ...(open.context === undefined ? {} : { context: open.context }),
      ...(open.unstoredContext === undefined ? {} : { unstoredContext: open.unstoredContext })
    })
  }

  async run(): Promise<ReplayResult> {
    const { clock, logger, limit, maxDurationMs } = this.#options
    const { source, signal } = this.#given
    const { endedBy, unvisited } = await holdEach(
      source,
      { clock, logger, limit, maxDurationMs, signal },
      (held, stop) => this.#replay(held, stop)
    )
    this.#counts.left += unvisited
    return { ...this.#counts, failures: this.#failures, endedBy }
  }

  close(): void {
    this.#opener?.close()
  }

  async #replay(held: HeldDeadLetter, signal: AbortSignal): Promise<Visited> {
    const { streamName, onEvent } = this.#options
    if (held.summary !== undefined && held.summary.streamName !== streamName) {
      this.#counts.left += 1
      return 'kept'
    }
    const named = { shardId: held.summary?.shardId, sequenceNumber: held.summary?.sequenceNumber }
    let letter: DeadLetter
    let records: readonly ConsumedRecord[]
    try {
      letter = await held.read({ signal })
      records = await this.#open(letter)
      if (records.length > 0) await this.#handOn(letter, records, signal)
    } catch (error) {
      // Cut off by the end of the replay: that is no verdict on the record.
      if (signal.aborted) this.#counts.left += 1
      else {
        this.#counts.failed += 1
        count(this.#failures, codeOf(error))
        onEvent({ type: 'letterFailed', ...named, errorCode: codeOf(error) })
      }
      return 'kept'
    }
    const { shardId, sequenceNumber } = letter
    this.#counts.replayed += 1
    this.#counts.userRecords += records.length
    onEvent({ type: 'letterReplayed', shardId, sequenceNumber, userRecords: records.length })
    try {
      // Without the signal: what was handed on must not come again because the replay is ending.
      await held.remove()
    } catch (error) {
      this.#counts.notRemoved += 1
      onEvent({ type: 'letterNotRemoved', shardId, sequenceNumber, errorCode: codeOf(error) })
    }
    return 'taken'
  }

  /** The user records that failed. Rejects while one of them cannot be opened: then none is handed on. */
  async #open(letter: DeadLetter): Promise<readonly ConsumedRecord[]> {
    const reader = new RecordReader({
      streamName: letter.streamName,
      shardId: letter.shardId,
      opener: this.#opener,
      asReceived: this.#given.open === false,
      acceptPlaintext: (this.#given.open || undefined)?.acceptPlaintext ?? false,
      // Whatever shard it lay in: these very records are to be handed on.
      hashKeyRange: undefined
    })
    const { userRecords, faults } = await reader.read({
      SequenceNumber: letter.sequenceNumber,
      PartitionKey: letter.partitionKey,
      Data: letter.data,
      ApproximateArrivalTimestamp: letter.approximateArrivalTimestamp
    })
    const { subSequenceNumbers: failed } = letter
    const fault = faults.find(
      ({ subSequenceNumbers: wrong }) =>
        failed === undefined || wrong === undefined || wrong.some(index => failed.includes(index))
    )
    if (fault !== undefined) throw fault.error
    if (failed === undefined) return userRecords
    const chosen = userRecords.filter(({ subSequenceNumber }) => failed.includes(subSequenceNumber))
    if (chosen.length < failed.length) throw new MalformedDeadLetterError('subSequenceNumbers')
    return chosen
  }

  async #handOn(letter: DeadLetter, records: readonly ConsumedRecord[], signal: AbortSignal): Promise<void> {
    const { sink, eachBatch } = this.#given
    if (sink === undefined) {
      const { streamName, shardId } = letter
      const checkpointer = idleCheckpointer(shardId, records)
      const context = { streamName, shardId, signal, millisBehindLatest: 0, checkpointer }
      const failed = await eachBatch!(records, context)
      if (failed !== undefined && failed.length > 0) throw new ProcessorFailedError(undefined)
      return
    }
    const [undeliverable] = await sink.deliver(records, { signal })
    if (undeliverable !== undefined) throw undeliverable.error
  }
}

/** For a handler that checkpoints: a replay moves no checkpoint. */
function idleCheckpointer(leaseKey: string, records: readonly ConsumedRecord[]): Checkpointer {
  const nothing = async (): Promise<void> => {}
  const checkpointer = new Checkpointer({
    leaseKey,
    start: sentinelPosition(Sentinel.trimHorizon),
    writer: { checkpoint: nothing, prepare: nothing, end: nothing },
    storable: position => position
  })
  for (const record of records) checkpointer.permit(record)
  return checkpointer
}

function codeOf(error: unknown): string {
  return isSealstreamError(error) ? error.code : ErrorCode.processorFailed
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}
