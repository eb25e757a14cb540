import type { Action } from '../../aws-json.ts'
import { evenRanges, type HashKeyRange, largestHashKey } from '../hash-keys.ts'
import { isOpen, type Shard } from '../shard.ts'
import type { KinesisStore, Stream } from '../store.ts'
import { reshardableStream } from '../validations/stream-state.ts'
import { validateTargetShardCount } from '../validations/update-shard-count.ts'

export const updateShardCount =
  (store: KinesisStore): Action =>
  input => {
    const stream = reshardableStream(store, input)
    const open = stream.shards.filter(isOpen).length
    const target = validateTargetShardCount(input, open)
    for (const range of rangesFor(stream, target)) cutOut(store, stream, range)
    return {
      StreamName: stream.name,
      CurrentShardCount: open,
      TargetShardCount: target,
      StreamARN: stream.arn
    }
  }

/** Equal ranges whose boundaries are those of open shards where the two differ by rounding alone. */
function rangesFor(stream: Stream, count: number): readonly HashKeyRange[] {
  const tolerance = largestHashKey / BigInt(count) / 1_000_000n
  const starts = evenRanges(count).map(({ start: ideal }) => {
    const near = stream.shards.find(
      shard => isOpen(shard) && shard.start >= ideal - tolerance && shard.start <= ideal + tolerance
    )
    return near?.start ?? ideal
  })
  return starts.map((start, index) => {
    const next = starts[index + 1]
    return { start, end: next === undefined ? largestHashKey : next - 1n }
  })
}

/**
 * Makes one open shard of exactly this range: splits at its end, then merges what lies inside. As on AWS, this
 * leaves short-lived shards behind. Ranges come in order, so that the start is a boundary already.
 */
function cutOut(store: KinesisStore, stream: Stream, { start, end }: HashKeyRange): void {
  const across = stream.shards.find(shard => isOpen(shard) && shard.start <= end && shard.end > end)
  if (across !== undefined) {
    store.reshard(
      stream,
      [across],
      [
        { start: across.start, end },
        { start: end + 1n, end: across.end }
      ]
    )
  }
  for (;;) {
    const [first, second] = shardsWithin(stream, start, end)
    if (first === undefined || second === undefined) return
    store.reshard(stream, [first, second], [{ start, end: second.end }])
  }
}

function shardsWithin(stream: Stream, start: bigint, end: bigint): readonly Shard[] {
  return stream.shards
    .filter(shard => isOpen(shard) && shard.start >= start && shard.end <= end)
    .sort((a, b) => (a.start < b.start ? -1 : 1))
}
