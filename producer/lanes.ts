import { type HashKeyRange, isInRange } from '../core/hash-key.ts'
import type { Batch } from './kinesis-record.ts'
import type { PendingRecord } from './pending-record.ts'

export interface LanesOptions {
  /** Takes a batch whose turn has come. The lane is free again with `finish`. */
  readonly onTurn: (batch: Batch) => void
  readonly isOfShard: (container: string) => boolean
  /** The later records of the lane that are in no batch yet. */
  readonly takeOpen: (container: string) => readonly PendingRecord[]
  /** Takes records of a lane that is no more, in order. */
  readonly onDissolved: (records: readonly PendingRecord[]) => void
}

interface Lane {
  readonly shardId: string
  readonly tenant: string | undefined
  readonly waiting: Batch[]
  /** Range of a shard that is no more: what is under way must end before the others go elsewhere. */
  moving: HashKeyRange | undefined
}

/**
 * Ordered mode: one lane for each container, one of its batches under way at a time. Records of one partition key
 * share a lane, so they cannot overtake each other; lanes run beside each other.
 */
export class Lanes {
  readonly #options: LanesOptions
  /** Lanes with a batch under way. */
  readonly #busy = new Map<string, Lane>()
  readonly #moving = new Map<string, Lane>()

  constructor(options: LanesOptions) {
    this.#options = options
  }

  add(batch: Batch): void {
    const lane = this.#busy.get(batch.container)
    if (lane !== undefined) {
      lane.waiting.push(batch)
      return
    }
    const { container, shardId, records } = batch
    this.#busy.set(container, { shardId, tenant: records[0]!.tenant, waiting: [], moving: undefined })
    this.#options.onTurn(batch)
  }

  /** The rest of a batch that was too large for one record: it is next. */
  addNext(batch: Batch): void {
    this.#busy.get(batch.container)!.waiting.unshift(batch)
  }

  /** The batch under way has ended; `again` are those of its records that go round once more. */
  finish(container: string, again: readonly PendingRecord[] = []): void {
    const lane = this.#busy.get(container)
    if (lane === undefined) return
    if (again.length > 0 || lane.moving !== undefined) {
      this.#dissolve(container, lane, again)
      return
    }
    const next = lane.waiting.shift()
    // Not at once: a batch may end within its turn, and a lane of thousands would exhaust the stack.
    if (next === undefined) this.#busy.delete(container)
    else queueMicrotask(() => this.#options.onTurn(next))
  }

  /** Keeps a record behind those of its old shard that are still under way; false when there are none. */
  hold(record: PendingRecord): boolean {
    if (this.#moving.size === 0) return false
    for (const [container, lane] of this.#moving) {
      if (lane.tenant !== record.tenant || !isInRange(record.hashKey, lane.moving!)) continue
      lane.waiting.push({ container, shardId: lane.shardId, records: [record] })
      return true
    }
    return false
  }

  /**
   * The shards with a range are no more: the records of their lanes go elsewhere as soon as nothing of them is
   * under way. Lanes of one hash key stay as they are.
   */
  move(rangeOf: (shardId: string) => HashKeyRange | undefined): void {
    for (const [container, lane] of this.#busy) {
      const range = this.#options.isOfShard(container) ? rangeOf(lane.shardId) : undefined
      if (range === undefined || lane.moving !== undefined) continue
      const records = this.#options.takeOpen(container)
      if (records.length > 0) lane.waiting.push({ container, shardId: lane.shardId, records })
      lane.moving = range
      this.#moving.set(container, lane)
    }
  }

  #dissolve(container: string, lane: Lane, again: readonly PendingRecord[]): void {
    this.#busy.delete(container)
    this.#moving.delete(container)
    const rest = lane.waiting.flatMap(({ records }) => records)
    this.#options.onDissolved([...again, ...rest, ...this.#options.takeOpen(container)])
  }
}
