import { type Action, AwsError } from '../../aws-json.ts'
import { isOpen, type Shard } from '../shard.ts'
import type { KinesisStore, Stream } from '../store.ts'
import { decodeToken, encodeToken } from '../tokens.ts'
import { type ShardFilter, validateShardFilter } from '../validations/shard-filter.ts'
import { validateCount } from '../validations/stream.ts'
import { shardOutput } from './shards.ts'

/** What a token stands for already. */
const notBesideToken = ['StreamName', 'ShardFilter', 'ExclusiveStartShardId', 'StreamCreationTimestamp']

export const listShards =
  (store: KinesisStore): Action =>
  input => {
    const limit = validateCount('maxResults', input.MaxResults ?? 1_000, 1, 10_000)
    const token = decodeToken('ListShards', input.NextToken, store.clock)
    const beside = notBesideToken.find(member => input[member] !== undefined)
    if (token !== undefined && beside !== undefined) {
      throw new AwsError('InvalidArgumentException', `NextToken and ${beside} cannot be provided together.`)
    }
    const stream = store.streamOf(token === undefined ? input : { StreamName: token.stream })
    checkCreation(store, stream, input.StreamCreationTimestamp)
    const filter = token === undefined ? input.ShardFilter : token.filter
    const after = token?.after ?? input.ExclusiveStartShardId
    const shards = stream.shards
      .filter(isListed(validateShardFilter(filter), store.horizonMs(stream)))
      .filter(({ id }) => typeof after !== 'string' || id > after)
    const page = shards.slice(0, limit)
    const last = page.at(-1)
    return {
      Shards: page.map(shardOutput),
      ...(shards.length > limit && last !== undefined
        ? {
            NextToken: encodeToken('ListShards', { stream: stream.name, filter, after: last.id }, store.clock)
          }
        : {})
    }
  }

/** Tells a stream from an earlier one of the same name. */
function checkCreation(store: KinesisStore, stream: Stream, seconds: unknown): void {
  if (typeof seconds !== 'number' || Math.round(seconds * 1000) === stream.createdMs) return
  throw new AwsError(
    'ResourceNotFoundException',
    `Stream ${stream.name} under account ${store.options.accountId} was not created at that time.`
  )
}

/** The shards of one moment cover each hash key once: at the moment of a reshard, the parents. */
function isListed(filter: ShardFilter, horizonMs: number): (shard: Shard) => boolean {
  const wasOpenAt =
    (ms: number) =>
    ({ openedMs, closedMs }: Shard) =>
      openedMs < ms && (closedMs ?? ms) >= ms
  switch (filter.type) {
    case 'AT_LATEST':
      return isOpen
    case 'AT_TRIM_HORIZON':
      return wasOpenAt(horizonMs)
    case 'AT_TIMESTAMP':
      return wasOpenAt(Math.max(filter.ms, horizonMs))
    case 'FROM_TIMESTAMP':
      return ({ closedMs }) => (closedMs ?? filter.ms) >= filter.ms
    case 'AFTER_SHARD_ID':
      return ({ id }) => id > filter.shardId
    case 'FROM_TRIM_HORIZON':
      // The store keeps no others.
      return () => true
  }
}
