import type { CancelTimer, Clock } from '../../core/clock.ts'
import type {
  Attempt,
  BufferedRecord,
  Destination,
  RecordFault,
  RecordOutcome
} from './destinations/destination.ts'
import { newRecord } from './record.ts'
import { WorkQueue } from './work-queue.ts'

interface Batch {
  readonly partition: string
  readonly destination: Destination
  readonly records: BufferedRecord[]
  bytes: number
}

interface OpenBatch {
  readonly batch: Batch
  readonly cancelAge: CancelTimer
}

/** What one attempt came to, or one write of error records to the backup. */
export interface AttemptReport {
  /** Whether it went to the backup. */
  readonly isBackup: boolean
  /** Whether everything has arrived. */
  readonly isSuccess: boolean
  /** What has arrived. */
  readonly records: number
  readonly bytes: number
  /** Name of what was thrown. */
  readonly error?: string | undefined
}

interface Failure {
  readonly record: BufferedRecord
  readonly outcome: Extract<RecordOutcome, { kind: 'failed' }>
}

/** Of one delivery stream, unless AWS raises it (https://docs.aws.amazon.com/firehose/latest/dev/limits.html). */
const maxActivePartitions = 500

const tooManyPartitions: RecordFault = {
  errorCode: 'DynamicPartitioning.ActivePartitionLimitExceeded',
  errorMessage: 'The number of active partitions has exceeded the configured limit.'
}

/** Hears of every record that is put into a buffer, and of those that are done with: delivered, or backed up. */
export interface DeliveryWatcher {
  added(record: BufferedRecord): void
  done(records: readonly BufferedRecord[]): void
  /** Of those that go to the backup which takes everything. */
  readonly copies?: DeliveryWatcher
  /** Of those that a transform function has still to return. */
  readonly sources?: DeliveryWatcher
}

/** The latest failure, without the words of the destination, which may quote a record. */
export interface DeliveryError {
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number
  readonly errorCode: string
  /** Records that failed at that attempt. */
  readonly records: number
}

/**
 * The buffer of one delivery stream, and the delivery of its batches, one at a time and in order. A batch is cut when
 * it reaches the size, or when its first record reaches the age. What failed is tried again for as long as the
 * destination says, and goes to the destination's backup afterwards; a backup that cannot be written stops delivery
 * until it can.
 */
export class Delivery {
  readonly #clock: Clock
  readonly #watcher: DeliveryWatcher | undefined
  readonly #queue: WorkQueue<Batch>
  /** Hears of every attempt. */
  onAttempt: ((report: AttemptReport) => void) | undefined
  #destination: Destination
  /** Delivers every record to the backup, beside the destination. */
  #copy: Delivery | undefined
  /** An update may end the copying, while copies still wait. */
  #isCopying = false
  /** By partition. */
  readonly #open = new Map<string, OpenBatch>()
  #bufferedBytes = 0
  #lastError: DeliveryError | undefined

  constructor(destination: Destination, clock: Clock, watcher?: DeliveryWatcher) {
    this.#destination = destination
    this.#clock = clock
    this.#watcher = watcher
    this.#queue = new WorkQueue({
      clock,
      work: batch => this.#deliver(batch),
      onDone: ({ bytes }) => {
        this.#bufferedBytes -= bytes
      }
    })
    this.#copyTo(destination.backup?.all)
  }

  /** Bytes that are not delivered yet, copies for a backup included. */
  get bufferedBytes(): number {
    return this.#bufferedBytes + (this.#copy?.bufferedBytes ?? 0)
  }

  /** When the oldest record came that is not delivered yet, milliseconds since 1970; undefined when there is none. */
  get oldestArrivedMs(): number | undefined {
    const open = [...this.#open.values()].map(({ batch }) => batch)
    const arrivals = [...this.#queue.batches.slice(0, 1), ...open].map(({ records }) => records[0]!.arrivedMs)
    return arrivals.length === 0 ? undefined : Math.min(...arrivals)
  }

  /** The same for copies to the backup. */
  get oldestCopyArrivedMs(): number | undefined {
    return this.#copy?.oldestArrivedMs
  }

  /** undefined while nothing has failed. */
  get lastError(): DeliveryError | undefined {
    return this.#lastError ?? this.#copy?.lastError
  }

  /** Whether something is under way that does not wait for time to pass. */
  get isBusy(): boolean {
    return this.#queue.isBusy || (this.#copy?.isBusy ?? false)
  }

  /** From here on: what is buffered already goes where it was put for. */
  changeDestination(destination: Destination): void {
    this.#cutAll()
    this.#destination = destination
    this.#copyTo(destination.backup?.all)
  }

  /** For the backup that takes every record as it came. */
  keepCopy(record: BufferedRecord): void {
    // Another record to whoever counts them: one may be delivered without the other.
    if (this.#isCopying) this.#copy?.buffer(newRecord(record.data, record.arrivedMs, record.origin))
  }

  /** For the destination; or why it cannot be. */
  buffer(record: BufferedRecord): RecordFault | undefined {
    const partition = this.#destination.partitionOf?.(record) ?? ''
    if (typeof partition !== 'string') return partition
    let batch = this.#open.get(partition)?.batch
    if (batch === undefined) {
      if (this.#activePartitions() >= maxActivePartitions) return tooManyPartitions
      batch = this.#openBatch(partition)
    }
    this.#put(record, batch)
    this.#watcher?.added(record)
    if (isFull(batch)) this.#cut(partition)
    return undefined
  }

  /** Takes back what was accepted once, for the destination that it was put for. Delivered from `start` on. */
  refill(destination: Destination, records: readonly BufferedRecord[]): void {
    const batches = new Map<string, Batch>()
    for (const record of records) {
      const given = destination.partitionOf?.(record)
      const partition = typeof given === 'string' ? given : ''
      let batch = batches.get(partition)
      if (batch === undefined || isFull(batch)) {
        batch = { partition, destination, records: [], bytes: 0 }
        batches.set(partition, batch)
        this.#queue.push(batch)
      }
      this.#put(record, batch)
    }
  }

  /** The same for the backup that takes everything. */
  refillCopies(destination: Destination, records: readonly BufferedRecord[]): void {
    this.#copy ??= this.#copyDelivery(destination)
    this.#copy.refill(destination, records)
  }

  /** Delivers the batches that are there. */
  start(): void {
    this.#copy?.start()
    this.#queue.start()
  }

  /** Cuts what is buffered, and waits until all is delivered or nothing goes on before time has passed. */
  async flush(): Promise<void> {
    this.#cutAll()
    const copied = this.#copy?.flush()
    await this.#queue.settled()
    await copied
  }

  /** Drops what is buffered, as the deletion of a delivery stream does. Resolves when no delivery is under way. */
  async discard(): Promise<void> {
    for (const { cancelAge } of this.#open.values()) cancelAge()
    this.#open.clear()
    this.#bufferedBytes = 0
    await Promise.all([this.#queue.discard(), this.#copy?.discard()])
  }

  #copyTo(destination: Destination | undefined): void {
    this.#isCopying = destination !== undefined
    if (this.#copy === undefined) {
      if (destination !== undefined) this.#copy = this.#copyDelivery(destination)
    } else if (destination === undefined) {
      this.#copy.#cutAll()
    } else {
      this.#copy.changeDestination(destination)
    }
  }

  #copyDelivery(destination: Destination): Delivery {
    const copy = new Delivery(destination, this.#clock, this.#watcher?.copies)
    copy.onAttempt = report => this.onAttempt?.({ ...report, isBackup: true })
    return copy
  }

  /** Those that hold records. */
  #activePartitions(): number {
    if (this.#destination.partitionOf === undefined) return 0
    return new Set([...this.#open.keys(), ...this.#queue.batches.map(({ partition }) => partition)]).size
  }

  #openBatch(partition: string): Batch {
    const destination = this.#destination
    const batch: Batch = { partition, destination, records: [], bytes: 0 }
    const ageMs = destination.bufferIntervalSeconds * 1000
    const cancelAge = this.#clock.schedule(() => this.#cut(partition), ageMs, { unref: true })
    this.#open.set(partition, { batch, cancelAge })
    return batch
  }

  #put(record: BufferedRecord, batch: Batch): void {
    const bytes = record.data.length + batch.destination.framingBytes
    batch.records.push(record)
    batch.bytes += bytes
    this.#bufferedBytes += bytes
  }

  #cutAll(): void {
    for (const partition of [...this.#open.keys()]) this.#cut(partition)
  }

  #cut(partition: string): void {
    const open = this.#open.get(partition)
    if (open === undefined) return
    open.cancelAge()
    this.#open.delete(partition)
    this.#queue.push(open.batch)
    this.start()
  }

  async #deliver({ destination, records }: Batch): Promise<void> {
    const { signal } = this.#queue
    let pending: readonly BufferedRecord[] = records
    let sinceFirstFailureMs = 0
    for (let attempts = 1; ; attempts += 1) {
      const startedMs = this.#clock.now()
      const { outcomes, uncountedMs = 0, error } = await this.#attempt(destination, pending)
      // Told before anything else: what has arrived has arrived, also when nobody waits for it any more.
      const arrived = pending.filter((_, index) => outcomes[index]!.kind === 'delivered')
      this.#report(arrived, pending.length, { error })
      this.#watcher?.done(arrived)
      if (signal.aborted) return
      if (attempts > 1) sinceFirstFailureMs += this.#clock.now() - startedMs - uncountedMs
      const failures = failuresOf(pending, outcomes)
      if (failures.length > 0) {
        const { errorCode } = failures[0]!.outcome
        this.#lastError = { atMs: this.#clock.wallTime(), errorCode, records: failures.length }
      }
      const delayMs = destination.retryDelayMs(attempts)
      const isOver = sinceFirstFailureMs + delayMs > destination.retryDurationMs
      const given = failures.filter(({ outcome }) => isOver || outcome.isFinal)
      if (given.length > 0) await this.#backUp(destination, given, attempts)
      pending = failures.filter(failure => !given.includes(failure)).map(({ record }) => record)
      if (pending.length === 0) return
      await this.#queue.wait(delayMs).catch(() => {})
      if (signal.aborted) return
      sinceFirstFailureMs += delayMs
    }
  }

  /** `error`: name of what was thrown. */
  async #attempt(
    destination: Destination,
    records: readonly BufferedRecord[]
  ): Promise<Attempt & { readonly error?: string }> {
    const { signal } = this.#queue
    try {
      return await destination.deliver(records, { signal, wait: ms => this.#queue.wait(ms) })
    } catch (error) {
      const failed = {
        kind: 'failed',
        errorCode: 'InternalError',
        errorMessage: error instanceof Error ? error.name : 'unknown error',
        isFinal: false,
        members: {}
      } as const
      return { outcomes: records.map(() => failed), error: (error as Error).name }
    }
  }

  async #backUp(destination: Destination, failures: readonly Failure[], attemptsMade: number): Promise<void> {
    const attemptEndingTimestamp = this.#clock.wallTime()
    const lines = failures.map(({ record, outcome }) =>
      JSON.stringify({
        attemptsMade,
        arrivalTimestamp: record.arrivedMs,
        errorCode: outcome.errorCode,
        errorMessage: outcome.errorMessage,
        attemptEndingTimestamp,
        rawData: record.data.toString('base64'),
        ...outcome.members
      })
    )
    const records = failures.map(({ record }) => record)
    const isWritten = await this.#queue.untilDone(
      async () => destination.backup?.writeFailed(lines, records[0]!.arrivedMs),
      error => this.#report([], records.length, { isBackup: true, error: (error as Error).name })
    )
    if (!isWritten) return
    this.#watcher?.done(records)
    this.#report(records, records.length, { isBackup: true })
  }

  #report(
    arrived: readonly BufferedRecord[],
    attempted: number,
    { isBackup = false, error }: { readonly isBackup?: boolean; readonly error?: string | undefined }
  ): void {
    this.onAttempt?.({
      isBackup,
      isSuccess: arrived.length === attempted,
      records: arrived.length,
      bytes: arrived.reduce((sum, { data }) => sum + data.length, 0),
      error
    })
  }
}

/** Whether it is to be cut. */
function isFull({ bytes, destination }: Batch): boolean {
  return bytes >= destination.bufferSizeMiB * 1024 * 1024
}

function failuresOf(
  records: readonly BufferedRecord[],
  outcomes: readonly RecordOutcome[]
): readonly Failure[] {
  return records.flatMap((record, index) => {
    const outcome = outcomes[index]!
    return outcome.kind === 'failed' ? [{ record, outcome }] : []
  })
}
