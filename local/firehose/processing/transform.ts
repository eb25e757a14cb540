import { randomUUID } from 'node:crypto'
import type { CancelTimer, Clock } from '../../../core/clock.ts'
import type { DeliveryWatcher } from '../delivery.ts'
import { type BufferedRecord, doublingDelayMs, type RecordFault } from '../destinations/destination.ts'
import { WorkQueue } from '../work-queue.ts'
import type { TransformSettings } from './settings.ts'
import { transformOutcomes } from './transform-answer.ts'
import { transformRecord } from './transform-event.ts'
import {
  type FirehoseFunctions,
  type Invocation,
  invokeFunction,
  maxPayloadBytes
} from './transform-function.ts'

/** A record that is not delivered, and why. */
interface ProcessingFailure extends RecordFault {
  readonly record: BufferedRecord
}

export interface TransformOptions {
  readonly clock: Clock
  readonly functions: FirehoseFunctions
  readonly deliveryStreamArn: string
  readonly region: string
  /** The Kinesis stream that is read from; undefined for direct puts. */
  readonly sourceArn: string | undefined
  /** Takes a record on, or says why it cannot. */
  readonly deliver: (record: BufferedRecord) => RecordFault | undefined
  /** Keeps error records, one JSON document each. Rejects when that failed. */
  readonly writeFailed: (lines: readonly string[], arrivedMs: number) => Promise<void>
  /** Hears of records that come in, and of those that are done with; not of those that were handed on. */
  readonly watcher?: DeliveryWatcher | undefined
  /** Hears how an invocation went, and what it let through. */
  readonly onInvoked?: (invoked: InvocationReport) => void
}

export interface InvocationReport {
  readonly isSuccess: boolean
  readonly durationMs: number
  /** Records that came back to be delivered, and their bytes. */
  readonly records: number
  readonly bytes: number
}

interface Batch {
  readonly settings: TransformSettings
  readonly records: BufferedRecord[]
  bytes: number
  payloadBytes: number
}

/** Around the records of an event, rounded up. */
const eventBytes = 1024

/**
 * The function that records go through, with a buffer of its own. Batches are invoked one at a time and in order; one
 * whose failures cannot be written holds up the next ones, because nothing else would keep its records.
 */
export class Transform {
  readonly #options: TransformOptions
  readonly #queue: WorkQueue<Batch>
  #open: Batch | undefined
  #cancelAge: CancelTimer | undefined
  #bufferedBytes = 0

  constructor(options: TransformOptions) {
    this.#options = options
    this.#queue = new WorkQueue({
      clock: options.clock,
      work: batch => this.#work(batch),
      onDone: ({ bytes }) => {
        this.#bufferedBytes -= bytes
      }
    })
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** Whether something is under way that does not wait for time to pass. */
  get isBusy(): boolean {
    return this.#queue.isBusy
  }

  /** Wall time at which the oldest record that is here arrived; undefined when there is none. */
  get oldestArrivedMs(): number | undefined {
    return (this.#queue.batches[0] ?? this.#open)?.records[0]?.arrivedMs
  }

  /** A batch that is open goes to the function that it was begun for. */
  add(record: BufferedRecord, settings: TransformSettings): void {
    const payloadBytes = payloadBytesOf(record)
    const isOver =
      this.#open !== undefined && this.#open.payloadBytes + payloadBytes > maxPayloadBytes - eventBytes
    if (isOver || this.#open?.settings !== settings) this.#cut()
    if (this.#open === undefined) {
      this.#open = { settings, records: [], bytes: 0, payloadBytes: 0 }
      const ageMs = settings.bufferIntervalSeconds * 1000
      this.#cancelAge = this.#options.clock.schedule(() => this.#cut(), ageMs, { unref: true })
    }
    this.#open.records.push(record)
    this.#options.watcher?.added(record)
    this.#open.bytes += record.data.length
    this.#open.payloadBytes += payloadBytes
    this.#bufferedBytes += record.data.length
    if (this.#open.bytes >= settings.bufferSizeMiB * 1024 * 1024) this.#cut()
  }

  /** Invokes with what is buffered, and waits until all went through or nothing goes on before time has passed. */
  async flush(): Promise<void> {
    this.#cut()
    await this.#queue.settled()
  }

  /** Drops what is buffered. Resolves when nothing is under way. */
  async discard(): Promise<void> {
    this.#cancelAge?.()
    this.#open = undefined
    this.#bufferedBytes = 0
    await this.#queue.discard()
  }

  #cut(): void {
    this.#cancelAge?.()
    this.#cancelAge = undefined
    if (this.#open === undefined) return
    this.#queue.push(this.#open)
    this.#open = undefined
    this.#queue.start()
  }

  async #work({ settings, records }: Batch): Promise<void> {
    const { signal } = this.#queue
    for (let attempts = 1; ; attempts += 1) {
      const startedMs = this.#options.clock.now()
      const invocation = await this.#invoke(settings.lambdaArn, records)
      if (signal.aborted) return
      const durationMs = this.#options.clock.now() - startedMs
      if (invocation.kind === 'failed' && attempts <= settings.retries) {
        this.#options.onInvoked?.({ isSuccess: false, durationMs, records: 0, bytes: 0 })
        await this.#queue.wait(doublingDelayMs(attempts)).catch(() => {})
        if (signal.aborted) return
        continue
      }
      const failures = this.#takeOn(records, invocation, durationMs)
      if (failures.length > 0) await this.#giveUp(failures, attempts, settings.lambdaArn)
      return
    }
  }

  #invoke(lambdaArn: string, records: readonly BufferedRecord[]): Promise<Invocation> {
    const { clock, functions, deliveryStreamArn, region, sourceArn } = this.#options
    const event = {
      invocationId: randomUUID(),
      deliveryStreamArn,
      ...(sourceArn === undefined ? {} : { sourceKinesisStreamArn: sourceArn }),
      region,
      records: records.map(transformRecord)
    }
    return invokeFunction(functions, lambdaArn, event, { clock, signal: this.#queue.signal })
  }

  /** Hands on what the function lets through; what is left has failed. */
  #takeOn(
    records: readonly BufferedRecord[],
    invocation: Invocation,
    durationMs: number
  ): readonly ProcessingFailure[] {
    const failures: ProcessingFailure[] = []
    const dropped: BufferedRecord[] = []
    let count = 0
    let bytes = 0
    const outcomes =
      invocation.kind === 'failed'
        ? records.map(() => invocation)
        : transformOutcomes(records, invocation.answer)
    records.forEach((record, index) => {
      const outcome = outcomes[index]!
      if (outcome.kind === 'dropped') {
        dropped.push(record)
        return
      }
      if (outcome.kind === 'failed') {
        failures.push({ record, errorCode: outcome.errorCode, errorMessage: outcome.errorMessage })
        return
      }
      const { data, partitionKeys } = outcome
      const fault = this.#options.deliver({ ...record, data, partitionKeys })
      count += 1
      bytes += data.length
      if (fault !== undefined) failures.push({ record, ...fault })
    })
    this.#options.watcher?.done(dropped)
    const isSuccess = invocation.kind === 'answered'
    this.#options.onInvoked?.({ isSuccess, durationMs, records: count, bytes })
    return failures
  }

  async #giveUp(
    failures: readonly ProcessingFailure[],
    attemptsMade: number,
    lambdaArn: string
  ): Promise<void> {
    const attemptEndingTimestamp = this.#options.clock.wallTime()
    const lines = failures.map(({ record, errorCode, errorMessage }) =>
      JSON.stringify({
        rawData: record.data.toString('base64'),
        errorCode,
        errorMessage,
        attemptsMade,
        arrivalTimestamp: record.arrivedMs,
        attemptEndingTimestamp,
        // The guide writes lambdaArn; the service was seen to write it so.
        lambdaARN: lambdaArn
      })
    )
    const isWritten = await this.#queue.untilDone(() =>
      this.#options.writeFailed(lines, failures[0]!.record.arrivedMs)
    )
    if (isWritten) this.#options.watcher?.done(failures.map(({ record }) => record))
  }
}

/** In the event, with the comma. The data is not encoded for it. */
function payloadBytesOf(record: BufferedRecord): number {
  const { length } = record.data
  const withoutData = JSON.stringify(transformRecord({ ...record, data: Buffer.alloc(0) }))
  return Buffer.byteLength(withoutData) + Math.ceil(length / 3) * 4 + 1
}
