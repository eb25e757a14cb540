import { type Action, AwsError } from '../../aws-json.ts'
import { isOpen, type KinesisStore, type Shard, type Stream } from '../store.ts'
import { validateCount } from '../validations/stream.ts'
import { reshardableStream } from '../validations/stream-state.ts'

export function shardOutput(shard: Shard): object {
  const [parent, adjacent] = shard.parents
  return {
    ShardId: shard.id,
    ...(parent === undefined ? {} : { ParentShardId: parent }),
    ...(adjacent === undefined ? {} : { AdjacentParentShardId: adjacent }),
    HashKeyRange: rangeOutput(shard),
    SequenceNumberRange: {
      StartingSequenceNumber: String(shard.startingSequenceNumber),
      ...(shard.endingSequenceNumber === undefined
        ? {}
        : { EndingSequenceNumber: String(shard.endingSequenceNumber) })
    }
  }
}

export function rangeOutput({ start, end }: Shard): object {
  return { StartingHashKey: String(start), EndingHashKey: String(end) }
}

export const listShards =
  (store: KinesisStore): Action =>
  input => {
    const limit = validateCount('maxResults', input.MaxResults ?? 1000, 1, 10_000)
    const token = typeof input.NextToken === 'string' ? decodeToken(input.NextToken) : undefined
    if (token !== undefined && (input.StreamName !== undefined || input.ShardFilter !== undefined)) {
      throw new AwsError('InvalidArgumentException', 'NextToken and StreamName cannot be provided together.')
    }
    const stream = store.streamOf(token === undefined ? input : { StreamName: token.stream })
    const filter = token === undefined ? input.ShardFilter : token.filter
    const after = token?.after ?? input.ExclusiveStartShardId
    const shards = filtered(stream, filter, store).filter(({ id }) => typeof after !== 'string' || id > after)
    const page = shards.slice(0, limit)
    return {
      Shards: page.map(shardOutput),
      ...(shards.length > limit
        ? { NextToken: encodeToken({ stream: stream.name, filter, after: page.at(-1)!.id }) }
        : {})
    }
  }

function filtered(stream: Stream, filter: unknown, store: KinesisStore): readonly Shard[] {
  if (filter === undefined || filter === null) return stream.shards
  const { Type: type, ShardId: after, Timestamp: seconds } = filter as Record<string, unknown>
  const horizonMs = store.clock.wallTime() - stream.retentionHours * 3_600_000
  const endedAfter = (ms: number) => (shard: Shard) => shard.closedMs === undefined || shard.closedMs >= ms
  switch (type) {
    case 'AT_LATEST':
      return stream.shards.filter(isOpen)
    case 'AT_TRIM_HORIZON':
      // Only the generation that was open at the horizon: here, all of a young stream's first shards.
      return stream.shards.filter(
        shard => endedAfter(horizonMs)(shard) && openedBefore(stream, shard, horizonMs)
      )
    case 'FROM_TRIM_HORIZON':
      return stream.shards.filter(endedAfter(horizonMs))
    case 'AFTER_SHARD_ID':
      return stream.shards.filter(({ id }) => id > String(after))
    case 'AT_TIMESTAMP':
      return stream.shards.filter(
        shard =>
          endedAfter(Number(seconds) * 1000)(shard) && openedBefore(stream, shard, Number(seconds) * 1000)
      )
    case 'FROM_TIMESTAMP':
      return stream.shards.filter(endedAfter(Number(seconds) * 1000))
    default:
      throw new AwsError('InvalidArgumentException', 'ShardFilter has an invalid type.')
  }
}

/** A shard opens when its parents close; those without parents are as old as the stream. */
function openedBefore(stream: Stream, shard: Shard, ms: number): boolean {
  const parents = stream.shards.filter(({ id }) => shard.parents.includes(id))
  return parents.every(({ closedMs }) => closedMs !== undefined && closedMs < ms)
}

interface Token {
  readonly stream: string
  readonly filter: unknown
  readonly after: string
}

function encodeToken(token: Token): string {
  return Buffer.from(JSON.stringify(token)).toString('base64')
}

function decodeToken(text: string): Token {
  try {
    return JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as Token
  } catch {
    throw new AwsError('ExpiredNextTokenException', 'NextToken is not valid.')
  }
}

export const splitShard =
  (store: KinesisStore): Action =>
  input => {
    const stream = reshardableStream(store, input)
    const shard = openShard(stream, input.ShardToSplit)
    const at = BigInt(String(input.NewStartingHashKey))
    if (at <= shard.start + 1n || at >= shard.end) {
      throw new AwsError(
        'InvalidArgumentException',
        `NewStartingHashKey is not inside the range of ${shard.id}.`
      )
    }
    store.reshard(
      stream,
      [shard],
      [
        { start: shard.start, end: at - 1n },
        { start: at, end: shard.end }
      ]
    )
    return {}
  }

export const mergeShards =
  (store: KinesisStore): Action =>
  input => {
    const stream = reshardableStream(store, input)
    const parents = [input.ShardToMerge, input.AdjacentShardToMerge].map(id => openShard(stream, id))
    const [low, high] = [...parents].sort((a, b) => (a.start < b.start ? -1 : 1))
    if (low!.end + 1n !== high!.start) {
      throw new AwsError('InvalidArgumentException', `Shards ${low!.id} and ${high!.id} are not adjacent.`)
    }
    store.reshard(stream, parents, [{ start: low!.start, end: high!.end }])
    return {}
  }

function openShard(stream: Stream, id: unknown): Shard {
  const shard = stream.shards.find(candidate => candidate.id === id)
  if (shard === undefined) {
    throw new AwsError(
      'ResourceNotFoundException',
      `Could not find shard ${String(id)} in stream ${stream.name}.`
    )
  }
  if (!isOpen(shard)) {
    throw new AwsError('InvalidArgumentException', `Shard ${shard.id} is closed.`)
  }
  return shard
}
