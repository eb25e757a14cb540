import { type Action, AwsError } from '../../aws-json.ts'
import { decodeIterator, encodeIterator } from '../iterators.ts'
import { rateExceeded, readShard, shardOf, startOf } from '../shard-reading.ts'
import type { KinesisStore } from '../store.ts'
import { validateCount } from '../validations/stream.ts'

// Largest answer of one call (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html).
const maxAnswerRecords = 10_000
const maxAnswerBytes = 10 * 1024 * 1024

export const getShardIterator =
  (store: KinesisStore): Action =>
  input => {
    const stream = store.streamOf(input)
    const shard = shardOf(stream, input.ShardId)
    const from = startOf(
      shard,
      {
        type: input.ShardIteratorType,
        startingNumber: input.StartingSequenceNumber,
        timestamp: input.Timestamp
      },
      store.clock
    )
    return {
      ShardIterator: encodeIterator(
        { stream: stream.name, createdMs: stream.createdMs, shardId: shard.id, from },
        store.clock
      )
    }
  }

export const getRecords =
  (store: KinesisStore): Action =>
  input => {
    const limits = {
      maxRecords: validateCount('limit', input.Limit ?? maxAnswerRecords, 1, maxAnswerRecords),
      maxBytes: maxAnswerBytes
    }
    const position = decodeIterator(input.ShardIterator, store.clock)
    const named = input.StreamARN === undefined ? {} : { StreamARN: input.StreamARN }
    // Throws when the two are not the same.
    const stream = store.streamOf({ StreamName: position.stream, ...named })
    if (stream.createdMs !== position.createdMs) {
      throw new AwsError('ResourceNotFoundException', `Stream ${stream.name} was created anew.`)
    }
    const shard = shardOf(stream, position.shardId)
    if (!store.mayRead(shard)) {
      throw new AwsError('ProvisionedThroughputExceededException', rateExceeded(store, stream, shard))
    }
    const { next, isAtEnd, bytes, ...output } = readShard(shard, position.from, limits, store.clock)
    shard.readBytes1s.takeAnswer(bytes)
    return {
      ...output,
      ...(isAtEnd ? {} : { NextShardIterator: encodeIterator({ ...position, from: next }, store.clock) })
    }
  }
