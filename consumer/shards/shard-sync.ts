import type { ListShardsCommandInput, Shard } from '@aws-sdk/client-kinesis'
import type { KinesisReaderPort } from '../../core/aws-ports.ts'
import { ServiceError } from '../../core/service-errors.ts'
import { Sentinel, sentinelPosition } from '../checkpoint/extended-sequence-number.ts'
import type { Lease } from '../leases/lease.ts'
import type { LeaseTable } from '../leases/lease-table.ts'
import type { InitialPosition } from '../options.ts'
import { missingLeases, newLease, type ShardInfo, toShardInfo } from './shard-graph.ts'

export interface ShardSyncOptions {
  readonly kinesis: KinesisReaderPort
  readonly streamName: string
  readonly table: LeaseTable
  readonly initialPosition: InitialPosition
  readonly signal: AbortSignal
}

/** Makes the leases that the stream's shards need. Every worker may do it at any time: rows are made once. */
export class ShardSync {
  readonly #options: ShardSyncOptions

  constructor(options: ShardSyncOptions) {
    this.#options = options
  }

  /** Returns how many leases were made. */
  async run(leases: readonly Lease[]): Promise<number> {
    const { initialPosition, table } = this.#options
    const initial = sentinelPosition(
      typeof initialPosition === 'string' ? initialPosition : Sentinel.atTimestamp
    )
    // A row that is missing from a table in use was lost, or never made: from LATEST it would skip what came since.
    const repaired = initialPosition === 'LATEST' ? sentinelPosition(Sentinel.trimHorizon) : initial
    const missing =
      leases.length === 0
        ? (await this.listShards(filterOf(initialPosition))).map(shard => newLease(shard, initial))
        : missingLeases(await this.listShards(), leases, repaired)
    let made = 0
    // One after another: a parent's row stands before its children's.
    for (const lease of missing) if (await table.create(lease)) made += 1
    return made
  }

  async listShards(filter?: ListShardsCommandInput['ShardFilter']): Promise<ShardInfo[]> {
    const { kinesis, streamName, signal } = this.#options
    const shards: Shard[] = []
    let token: string | undefined
    try {
      do {
        const page = await kinesis.listShards(
          token === undefined
            ? {
                StreamName: streamName,
                MaxResults: 1_000,
                ...(filter === undefined ? {} : { ShardFilter: filter })
              }
            : { NextToken: token, MaxResults: 1_000 },
          { signal }
        )
        shards.push(...(page.Shards ?? []))
        token = page.NextToken
      } while (token !== undefined)
    } catch (cause) {
      throw new ServiceError('kinesis', 'ListShards', cause)
    }
    return shards.map(toShardInfo)
  }
}

function filterOf(position: InitialPosition): NonNullable<ListShardsCommandInput['ShardFilter']> {
  if (typeof position !== 'string') return { Type: 'AT_TIMESTAMP', Timestamp: position.timestamp }
  return { Type: position === 'LATEST' ? 'AT_LATEST' : 'AT_TRIM_HORIZON' }
}
