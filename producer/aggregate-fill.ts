import { AggregateSize, emptyAggregateBytes, mostBytesAdded } from '../core/aggregated-record.ts'
import type { PendingRecord } from './pending-record.ts'

/**
 * User records that will share an aggregate, and whether another one fits. Far from the limit an upper bound does,
 * as if every key were new; the exact size is worked out when the bound comes near.
 */
export class AggregateFill {
  readonly records: PendingRecord[] = []
  readonly #maxBytes: number
  #bound = emptyAggregateBytes
  #exact: AggregateSize | undefined

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Upper bound of the aggregate's bytes. */
  get mostBytes(): number {
    return this.#bound
  }

  /** Whether the aggregate has reached its size. */
  get isFull(): boolean {
    return this.#bound >= this.#maxBytes && this.#size().bytes >= this.#maxBytes
  }

  /** Whether the aggregate would stay within its size with this record. */
  fits(record: PendingRecord): boolean {
    if (this.#bound + this.#most(record) <= this.#maxBytes) return true
    const { partitionKey } = record.record
    return this.#size().with(partitionKey, record.explicitHashKey, record.payload.length) <= this.#maxBytes
  }

  add(record: PendingRecord): void {
    this.#bound += this.#most(record)
    this.records.push(record)
    if (this.#exact !== undefined) addTo(this.#exact, record)
  }

  #most({ partitionKeyBytes, explicitHashKey, payload }: PendingRecord): number {
    return mostBytesAdded(this.records.length, partitionKeyBytes, explicitHashKey, payload.length)
  }

  #size(): AggregateSize {
    if (this.#exact === undefined) {
      this.#exact = new AggregateSize()
      for (const record of this.records) addTo(this.#exact, record)
    }
    return this.#exact
  }
}

function addTo(size: AggregateSize, { record, explicitHashKey, payload }: PendingRecord): void {
  size.add(record.partitionKey, explicitHashKey, payload.length)
}
