import type { Delivery } from './delivery.ts'
import type { BufferedRecord } from './destinations/destination.ts'
import { deAggregate } from './processing/de-aggregate.ts'
import type { ProcessingSettings } from './processing/settings.ts'
import { Transform, type TransformOptions } from './processing/transform.ts'
import { newRecord } from './record.ts'

export interface IntakeOptions extends Omit<TransformOptions, 'deliver' | 'writeFailed'> {
  readonly delivery: Delivery
  readonly processing: ProcessingSettings
  readonly writeFailed: TransformOptions['writeFailed']
}

/**
 * The way of a record from its arrival to the buffer of its destination, in the order of the service: a copy for a
 * backup that takes everything as it came, de-aggregation, transformation.
 */
export class Intake {
  readonly #delivery: Delivery
  readonly #transform: Transform
  #processing: ProcessingSettings
  #writeFailed: TransformOptions['writeFailed']
  readonly #refilled: BufferedRecord[] = []

  constructor(options: IntakeOptions) {
    this.#delivery = options.delivery
    this.#processing = options.processing
    this.#writeFailed = options.writeFailed
    this.#transform = new Transform({
      ...options,
      deliver: record => this.#delivery.buffer(record),
      writeFailed: (lines, arrivedMs) => this.#writeFailed(lines, arrivedMs)
    })
  }

  /** Whether something is under way that does not wait for time to pass. */
  get isBusy(): boolean {
    return this.#transform.isBusy || this.#delivery.isBusy
  }

  /** Bytes that are not delivered yet, copies for a backup included. */
  get bufferedBytes(): number {
    return this.#transform.bufferedBytes + this.#delivery.bufferedBytes
  }

  /** When the oldest record came that is not delivered yet, milliseconds since 1970; undefined when there is none. */
  get oldestArrivedMs(): number | undefined {
    const oldest = [this.#transform.oldestArrivedMs, this.#delivery.oldestArrivedMs].filter(
      ms => ms !== undefined
    )
    return oldest.length === 0 ? undefined : Math.min(...oldest)
  }

  /** From here on. What a function has still to return goes where the delivery stream then delivers to. */
  changeProcessing(processing: ProcessingSettings, writeFailed: TransformOptions['writeFailed']): void {
    this.#processing = processing
    this.#writeFailed = writeFailed
  }

  add(record: BufferedRecord): void {
    this.#delivery.keepCopy(record)
    const { deAggregation } = this.#processing
    for (const part of partsOf(record, deAggregation)) this.#process(part)
  }

  /** Takes back what was accepted once, and no function has returned. Goes on from `start` on. */
  refill(records: readonly BufferedRecord[]): void {
    this.#refilled.push(...records)
  }

  start(): void {
    this.#delivery.start()
    for (const record of this.#refilled.splice(0)) this.#process(record)
  }

  /** Delivers what is held, and waits until all is delivered or nothing goes on before time has passed. */
  async flush(): Promise<void> {
    await this.#transform.flush()
    await this.#delivery.flush()
  }

  /** Drops what is held. Resolves when nothing is under way. */
  async discard(): Promise<void> {
    await Promise.all([this.#transform.discard(), this.#delivery.discard()])
  }

  #process(record: BufferedRecord): void {
    const { transform } = this.#processing
    if (transform === undefined) this.#delivery.buffer(record)
    else this.#transform.add(record, transform)
  }
}

function partsOf(
  record: BufferedRecord,
  how: ProcessingSettings['deAggregation']
): readonly BufferedRecord[] {
  if (how === undefined) return [record]
  const parts = deAggregate(record.data, how)
  if (parts.length === 1 && parts[0] === record.data) return [record]
  return parts.map(data => newRecord(data, record.arrivedMs, record.origin))
}
