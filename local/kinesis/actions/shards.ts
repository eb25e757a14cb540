import { type Action, AwsError } from '../../aws-json.ts'
import { isOpen, type Shard } from '../shard.ts'
import type { KinesisStore, Stream } from '../store.ts'
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
