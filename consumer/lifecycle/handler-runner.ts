import { backoffDelayMs } from '../../core/backoff.ts'
import { ErrorCode, isSealstreamError, SealstreamError } from '../../core/errors.ts'
import type { UndeliverableRecord } from '../../core/record-sink.ts'
import type { ConsumedRecord } from '../../core/user-record.ts'
import type { WorkerCounters } from '../counters.ts'
import { HandlerOverdueError, ProcessorFailedError } from '../errors.ts'
import type { BatchContext, RecordPosition } from '../handlers/handlers.ts'
import { type OnProgress, PartlyProcessed, type ShardHandler } from '../handlers/shard-handler.ts'
import type { ResolvedWorkerOptions } from '../options.ts'

export interface HandlerRunnerOptions {
  readonly shardId: string
  readonly options: ResolvedWorkerOptions
  readonly handler: ShardHandler
  readonly counters: WorkerCounters
  readonly waitSignal: AbortSignal
  readonly handlerSignal: AbortSignal
  /** Throws when the lease is over, whatever its timer has told so far. */
  readonly ensureHeld: () => void
  /** A call has begun, or ended. */
  readonly onCall: (isRunning: boolean) => void
  /** A call did not end within twice its deadline: whoever holds the lease next should try. */
  readonly onStuck: () => void
}

/** A user record that is given up, and how often it was tried. */
export interface GivenUp extends UndeliverableRecord {
  readonly attempts: number
}

/** Records that failed in one call, and why; `named` says that the handler named them one by one. */
interface Failure {
  readonly records: readonly ConsumedRecord[]
  readonly cause: unknown
  readonly named: boolean
}

/** What comes with the records of a batch. */
export interface BatchCall extends Omit<BatchContext, 'signal'> {
  readonly onProgress?: OnProgress | undefined
}

/** Backoff in milliseconds; guessed. */
const failureBackoff = { baseMs: 100, maxMs: 10_000 }

/**
 * Calls the handler until every record is processed, or given up as the failure policy says: the batch is tried
 * `maxAttempts` times, then halves of it, down to the records that fail by themselves. It never skips.
 */
export class HandlerRunner {
  readonly #given: HandlerRunnerOptions

  constructor(given: HandlerRunnerOptions) {
    this.#given = given
  }

  /** Rejects with the reason of one of the signals. */
  async run(records: readonly ConsumedRecord[], context: BatchCall): Promise<readonly GivenUp[]> {
    const { maxAttempts, bisect } = this.#given.options.failurePolicy
    const givenUp: GivenUp[] = []
    const parts: { readonly records: readonly ConsumedRecord[]; readonly tried: number }[] = [
      { records, tried: 0 }
    ]
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      const { failure, attempts } = await this.#tryUntilGivenUp(part.records, part.tried, context, givenUp)
      if (failure === undefined) continue
      const { records: left, cause, named } = failure
      if (left.length > 1 && bisect && !named) {
        const middle = left.length >>> 1
        // Whoever is alone in the end has had its attempts; a part gets one more.
        const tried = maxAttempts - 1
        parts.unshift({ records: left.slice(0, middle), tried }, { records: left.slice(middle), tried })
        continue
      }
      const error = new ProcessorFailedError(cause)
      givenUp.push(...left.map(record => ({ record, error, attempts })))
    }
    return givenUp
  }

  async #tryUntilGivenUp(
    records: readonly ConsumedRecord[],
    tried: number,
    context: BatchCall,
    givenUp: GivenUp[]
  ): Promise<{ readonly failure: Failure | undefined; readonly attempts: number }> {
    const { options, counters, waitSignal, handler } = this.#given
    let left = records
    let counted = tried
    for (let attempt = 0; ; attempt += 1) {
      const failure = await this.#try(left, context, attempt + 1, givenUp)
      if (failure === undefined) return { failure: undefined, attempts: counted + 1 }
      // Some were processed: the others begin anew.
      counted = failure.records.length < left.length && !failure.named ? 1 : counted + 1
      left = failure.records
      const isPassing = handler.isSink || isPassingFault(failure.cause)
      if (isPassing) counted -= 1
      else if (counted >= options.failurePolicy.maxAttempts) return { failure, attempts: counted }
      counters.retries += 1
      const delayMs = backoffDelayMs(attempt, { ...failureBackoff, random: options.random })
      await options.clock.sleep(delayMs, waitSignal)
    }
  }

  /** One call. Resolves with what failed in it. */
  async #try(
    records: readonly ConsumedRecord[],
    call: BatchCall,
    attempt: number,
    givenUp: GivenUp[]
  ): Promise<Failure | undefined> {
    const { handlerSignal, handler } = this.#given
    const { onProgress, ...context } = call
    try {
      const { failed, undeliverable } = await this.#call(signal =>
        handler.process(records, { ...context, signal }, onProgress)
      )
      givenUp.push(...undeliverable.map(each => ({ ...each, attempts: attempt })))
      if (failed.length === 0) return undefined
      const named = recordsAt(records, failed)
      this.#report(attempt, undefined)
      return { records: named, cause: undefined, named: true }
    } catch (error) {
      handlerSignal.throwIfAborted()
      const done = error instanceof PartlyProcessed ? error.done : 0
      const cause = error instanceof PartlyProcessed ? error.cause : error
      this.#report(attempt, cause)
      return { records: records.slice(done), cause, named: false }
    }
  }

  /** Aborts the call's signal at its deadline. The call itself cannot be ended: it is waited for all the same. */
  async #call<T>(task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { options, shardId, handlerSignal, onCall, onStuck } = this.#given
    const { handlerTimeoutMs, clock } = options
    this.#given.ensureHeld()
    onCall(true)
    if (handlerTimeoutMs === undefined) {
      try {
        return await task(handlerSignal)
      } finally {
        onCall(false)
      }
    }
    const overdue = new AbortController()
    let cancel = clock.schedule(() => {
      options.onEvent({ type: 'handlerOverdue', shardId, afterMs: handlerTimeoutMs })
      overdue.abort(new HandlerOverdueError(handlerTimeoutMs))
      cancel = clock.schedule(onStuck, handlerTimeoutMs)
    }, handlerTimeoutMs)
    try {
      return await task(AbortSignal.any([handlerSignal, overdue.signal]))
    } finally {
      cancel()
      onCall(false)
    }
  }

  #report(attempt: number, cause: unknown): void {
    const { options, shardId } = this.#given
    const errorCode = isSealstreamError(cause) ? cause.code : ErrorCode.processorFailed
    options.onEvent({ type: 'batchFailed', shardId, attempt, errorCode, errorName: nameOf(cause) })
    options.logger.error({ shardId, attempt, errorCode }, 'a batch failed and is tried again')
  }
}

/** Of a service or a key that the handler uses: it is no fault of the records. */
function isPassingFault(cause: unknown): boolean {
  return cause instanceof SealstreamError || isSealstreamError(cause) ? cause.retryable : false
}

/** The records with these positions, in their order. A position that was not handed over stands for the whole batch. */
function recordsAt(
  records: readonly ConsumedRecord[],
  positions: readonly RecordPosition[]
): readonly ConsumedRecord[] {
  const keyOf = ({ sequenceNumber, subSequenceNumber }: RecordPosition): string =>
    `${sequenceNumber}/${subSequenceNumber}`
  const wanted = new Set(positions.map(keyOf))
  const found = records.filter(record => wanted.has(keyOf(record)))
  return found.length === wanted.size ? found : records
}

function nameOf(cause: unknown): string {
  if (cause === undefined) return 'Failed'
  return cause instanceof Error ? cause.name : typeof cause
}
