import { randomUUID } from 'node:crypto'
import type { CancelTimer, Clock } from '../../../core/clock.ts'
import type { DeliveryWatcher } from '../delivery.ts'
import { type BufferedRecord, doublingDelayMs, type RecordFault } from '../destinations/destination.ts'
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
  readonly #stop = new AbortController()
  #open: Batch | undefined
  #cancelAge: CancelTimer | undefined
  #queue: Batch[] = []
  #working: Promise<void> | undefined
  #waiters: (() => void)[] = []
  /** Time has to pass before work goes on. */
  #isWaiting = false
  #bufferedBytes = 0

  constructor(options: TransformOptions) {
    this.#options = options
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** Whether something is under way that does not wait for time to pass. */
  get isBusy(): boolean {
    return this.#working !== undefined && !this.#isWaiting
  }

  /** Wall time at which the oldest record that is here arrived; undefined when there is none. */
  get oldestArrivedMs(): number | undefined {
    return (this.#queue[0] ?? this.#open)?.records[0]?.arrivedMs
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
    if (this.#working === undefined || this.#isWaiting) return
    await new Promise<void>(resolve => {
      this.#waiters.push(resolve)
    })
  }

  /** Drops what is buffered. Resolves when nothing is under way. */
  async discard(): Promise<void> {
    this.#cancelAge?.()
    this.#stop.abort()
    this.#open = undefined
    this.#queue = []
    this.#bufferedBytes = 0
    this.#wake()
    await this.#working
  }

  #cut(): void {
    this.#cancelAge?.()
    this.#cancelAge = undefined
    if (this.#open === undefined) return
    this.#queue.push(this.#open)
    this.#open = undefined
    this.#working ??= this.#workAll().finally(() => {
      this.#working = undefined
      this.#wake()
    })
  }

  async #workAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue[0]!
      await this.#work(batch)
      // A discard in the meantime has emptied the queue and the count.
      if (this.#queue[0] !== batch) continue
      this.#queue.shift()
      this.#bufferedBytes -= batch.bytes
    }
  }

  async #work({ settings, records }: Batch): Promise<void> {
    for (let attempts = 1; ; attempts += 1) {
      const startedMs = this.#options.clock.now()
      const invocation = await this.#invoke(settings.lambdaArn, records)
      if (this.#stop.signal.aborted) return
      const durationMs = this.#options.clock.now() - startedMs
      if (invocation.kind === 'failed' && attempts <= settings.retries) {
        this.#options.onInvoked?.({ isSuccess: false, durationMs, records: 0, bytes: 0 })
        await this.#wait(doublingDelayMs(attempts)).catch(() => {})
        if (this.#stop.signal.aborted) return
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
    return invokeFunction(functions, lambdaArn, event, { clock, signal: this.#stop.signal })
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

  /** Until it succeeds: nothing else would keep the records. */
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
    for (let attempts = 1; !this.#stop.signal.aborted; attempts += 1) {
      try {
        await this.#options.writeFailed(lines, failures[0]!.record.arrivedMs)
        this.#options.watcher?.done(failures.map(({ record }) => record))
        return
      } catch {
        await this.#wait(doublingDelayMs(attempts)).catch(() => {})
      }
    }
  }

  async #wait(ms: number): Promise<void> {
    this.#isWaiting = true
    this.#wake()
    try {
      await this.#options.clock.sleep(ms, this.#stop.signal)
    } finally {
      this.#isWaiting = false
    }
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }
}

/** In the event, with the comma. The data is not encoded for it. */
function payloadBytesOf(record: BufferedRecord): number {
  const { length } = record.data
  const withoutData = JSON.stringify(transformRecord({ ...record, data: Buffer.alloc(0) }))
  return Buffer.byteLength(withoutData) + Math.ceil(length / 3) * 4 + 1
}
