import type { Shard } from '@aws-sdk/client-kinesis'
import { type HashKeyRange, isInRange } from '../core/hash-key.ts'

/** The open shards of a stream at one moment. Pure. */
export class ShardMap {
  readonly #shardIds: readonly string[]
  /** Last hash key of each shard, rising. */
  readonly #ends: readonly bigint[]
  readonly #ranges: ReadonlyMap<string, HashKeyRange>
  /** When the listing that it was made from began, on the monotonic clock. */
  readonly asOfMs: number

  constructor(shards: readonly Shard[], asOfMs: number) {
    const open = shards
      .map(shard => ({
        shardId: shard.ShardId!,
        start: BigInt(shard.HashKeyRange!.StartingHashKey!),
        end: BigInt(shard.HashKeyRange!.EndingHashKey!)
      }))
      .sort((a, b) => (a.end < b.end ? -1 : 1))
    this.#shardIds = open.map(({ shardId }) => shardId)
    this.#ends = open.map(({ end }) => end)
    this.#ranges = new Map(open.map(({ shardId, start, end }) => [shardId, { start, end }]))
    this.asOfMs = asOfMs
  }

  get size(): number {
    return this.#shardIds.length
  }

  /** The shard that a hash key falls into: the first whose last hash key is not below it. */
  predict(hashKey: bigint): string {
    let low = 0
    let high = this.#ends.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#ends[middle]! < hashKey) low = middle + 1
      else high = middle
    }
    return this.#shardIds[low]!
  }

  /** Whether the shard is open and all of the hash keys lie in its range. */
  covers(shardId: string, hashKeys: readonly bigint[]): boolean {
    const range = this.#ranges.get(shardId)
    return range !== undefined && hashKeys.every(hashKey => isInRange(hashKey, range))
  }

  /** Undefined for a shard that is not open. */
  rangeOf(shardId: string): HashKeyRange | undefined {
    return this.#ranges.get(shardId)
  }

  has(shardId: string): boolean {
    return this.#ranges.has(shardId)
  }
}
