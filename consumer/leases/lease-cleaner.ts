import type { Clock } from '../../core/clock.ts'
import { FailureClass, ServiceError } from '../../core/service-errors.ts'
import { childrenOf, type ShardInfo } from '../shards/shard-graph.ts'
import type { ShardSync } from '../shards/shard-sync.ts'
import type { WorkerEvent } from '../types.ts'
import { hasBegun, isFinished, type Lease } from './lease.ts'
import { leaseKeyOf } from './lease-key.ts'
import type { LeaseTable } from './lease-table.ts'

/** What becomes of the leases of streams that this worker is not told to read any more, in a table of several. */
export type FormerStreams = 'keep' | { readonly deleteAfterMs: number }

export interface LeaseCleanerOptions {
  readonly table: LeaseTable
  readonly streams: readonly ShardSync[]
  readonly clock: Clock
  readonly onEvent: (event: WorkerEvent) => void
  /** @default 'keep' */
  readonly formerStreams?: FormerStreams
}

/** Time between two looks for rows whose shard is gone, in milliseconds; the KCL's. */
const garbageMs = 1_800_000

/**
 * The finished leases that nobody needs any more: their children are known and each of them has begun, and no row
 * of their own parents is left. So grandparents go first, a generation at each look, and a row that is missing
 * between two that stand is known to be lost. A child's missing row keeps its parent's. Pure.
 */
export function removableLeases(leases: readonly Lease[]): readonly Lease[] {
  const byKey = new Map(leases.map(lease => [lease.leaseKey, lease]))
  return leases.filter(lease => {
    const find = (shardId: string): Lease | undefined =>
      byKey.get(leaseKeyOf(lease.streamIdentifier, shardId))
    return (
      isFinished(lease) &&
      lease.childShardIds.length > 0 &&
      lease.childShardIds.every(id => {
        const child = find(id)
        return child !== undefined && hasBegun(child)
      }) &&
      lease.parentShardIds.every(id => find(id) === undefined)
    )
  })
}

/** Removes the leases of finished shards. Every worker may do it at any time: a row that has changed stays. */
export class LeaseCleaner {
  readonly #options: LeaseCleanerOptions
  #garbageMs: number
  /** By stream identifier, since when leases of a stream that is not read were seen. */
  #formerSinceMs = new Map<string, number>()

  constructor(options: LeaseCleanerOptions) {
    this.#options = options
    this.#garbageMs = options.clock.now()
  }

  /** Takes the leases as they were last read. @throws ServiceError */
  async run(leases: readonly Lease[]): Promise<void> {
    for (const lease of removableLeases(leases)) await this.#delete(lease, 'finished')
    const isGarbageDue = this.#options.clock.now() - this.#garbageMs >= garbageMs
    if (isGarbageDue) this.#garbageMs = this.#options.clock.now()
    for (const stream of this.#options.streams) {
      const finished = leases.filter(lease => stream.owns(lease) && isFinished(lease))
      const unknown = finished.filter(({ childShardIds }) => childShardIds.length === 0)
      if (unknown.length > 0 || (isGarbageDue && finished.length > 0)) {
        await this.#compare(finished, await this.#list(stream))
      }
    }
    await this.#removeFormerStreams(leases)
  }

  /** Old writers name no children; and a shard beyond the retention has nothing that anybody could come back for. */
  async #compare(finished: readonly Lease[], shards: readonly ShardInfo[]): Promise<void> {
    const listed = new Set(shards.map(({ shardId }) => shardId))
    const children = childrenOf(shards)
    for (const lease of finished) {
      const childShardIds = children.get(lease.shardId) ?? []
      if (!listed.has(lease.shardId)) await this.#delete(lease, 'garbage')
      else if (lease.childShardIds.length === 0 && childShardIds.length > 0) {
        await this.#options.table.describe(lease, { childShardIds })
      }
    }
  }

  /** No shards for a stream that is gone. */
  async #list(stream: ShardSync): Promise<readonly ShardInfo[]> {
    try {
      return await stream.listShards()
    } catch (error) {
      if (error instanceof ServiceError && error.failure === FailureClass.notFound) return []
      throw error
    }
  }

  async #removeFormerStreams(leases: readonly Lease[]): Promise<void> {
    const { streams, formerStreams = 'keep', clock } = this.#options
    if (formerStreams === 'keep') return
    const before = this.#formerSinceMs
    this.#formerSinceMs = new Map()
    for (const lease of leases) {
      const { streamIdentifier } = lease
      if (streamIdentifier === undefined || streams.some(stream => stream.owns(lease))) continue
      const sinceMs = before.get(streamIdentifier) ?? clock.now()
      this.#formerSinceMs.set(streamIdentifier, sinceMs)
      // One that is held is read by a worker that was told so.
      if (lease.leaseOwner === undefined && clock.now() - sinceMs >= formerStreams.deleteAfterMs) {
        await this.#delete(lease, 'formerStream')
      }
    }
  }

  async #delete(lease: Lease, reason: 'finished' | 'garbage' | 'formerStream'): Promise<void> {
    if (!(await this.#options.table.delete(lease))) return
    this.#options.onEvent({ type: 'leaseDeleted', leaseKey: lease.leaseKey, reason })
  }
}
