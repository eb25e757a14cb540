import { ListShardsCommand, MergeShardsCommand, SplitShardCommand } from '@aws-sdk/client-kinesis'

/**
 * Splits the first open shard of a stream in the middle.
 * @param {import('@aws-sdk/client-kinesis').KinesisClient} kinesis
 * @param {string} streamName
 */
export async function splitFirst(kinesis, streamName) {
  const [first] = await openShards(kinesis, streamName)
  if (first === undefined) throw new Error('no open shard')
  await kinesis.send(
    new SplitShardCommand({
      StreamName: streamName,
      ShardToSplit: first.ShardId,
      NewStartingHashKey: String((first.start + first.end) / 2n)
    })
  )
}

/**
 * Merges the first two open shards of a stream.
 * @param {import('@aws-sdk/client-kinesis').KinesisClient} kinesis
 * @param {string} streamName
 */
export async function mergeFirst(kinesis, streamName) {
  const [left, right] = await openShards(kinesis, streamName)
  await kinesis.send(
    new MergeShardsCommand({
      StreamName: streamName,
      ShardToMerge: left?.ShardId,
      AdjacentShardToMerge: right?.ShardId
    })
  )
}

/**
 * In the order of their hash keys.
 * @param {import('@aws-sdk/client-kinesis').KinesisClient} kinesis
 * @param {string} streamName
 */
async function openShards(kinesis, streamName) {
  const { Shards: shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName: streamName }))
  return shards
    .filter(({ SequenceNumberRange: range }) => range?.EndingSequenceNumber === undefined)
    .map(({ ShardId, HashKeyRange: range }) => ({
      ShardId,
      start: BigInt(range?.StartingHashKey ?? 0),
      end: BigInt(range?.EndingHashKey ?? 0)
    }))
    .sort((a, b) => (a.start < b.start ? -1 : 1))
}
