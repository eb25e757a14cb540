import type { PendingRecord } from './pending-record.ts'

/** Ordered mode: which records of one partition key are not settled, in the order of their puts. */
export class KeyOrder {
  readonly #records = new Map<string, Set<PendingRecord>>()
  /** Partition key -> the last put that came before its failure was known. */
  readonly #stopped = new Map<string, number>()

  /** The tenant of the key's records that are not settled; undefined when there are none. */
  tenantOf(partitionKey: string): string | undefined {
    for (const { tenant } of this.#records.get(partitionKey) ?? []) return tenant
    return undefined
  }

  add(record: PendingRecord): void {
    const { partitionKey } = record.record
    const records = this.#records.get(partitionKey)
    if (records === undefined) this.#records.set(partitionKey, new Set([record]))
    else records.add(record)
  }

  delete(record: PendingRecord): void {
    const { partitionKey } = record.record
    const records = this.#records.get(partitionKey)
    records?.delete(record)
    if (records?.size === 0) this.#records.delete(partitionKey)
  }

  /**
   * Stops the key behind the record of order `failed`: returns its later records that are not under way, in order.
   * `last` is the order of the last put so far; those that still wait for room are stopped when they come.
   */
  stop(partitionKey: string, failed: number, last: number): readonly PendingRecord[] {
    this.#stopped.set(partitionKey, last)
    return [...(this.#records.get(partitionKey) ?? [])].filter(
      ({ state, order }) => state === 'waiting' && order > failed
    )
  }

  isStopped(partitionKey: string, order: number): boolean {
    return this.#stopped.size > 0 && order <= (this.#stopped.get(partitionKey) ?? -1)
  }

  /** No put waits for room any more: every later one was made with its failure known. */
  forgetStops(): void {
    if (this.#stopped.size > 0) this.#stopped.clear()
  }
}
