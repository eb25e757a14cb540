import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'

/** Life of a shard iterator (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html). */
const lifeMs = 5 * 60_000

/** A place in a shard: records from this sequence number on. */
export interface Position {
  readonly stream: string
  /** A stream that was deleted and made again is another one. */
  readonly createdMs: number
  readonly shardId: string
  readonly from: bigint
}

/** Opaque to clients; made of plain text, since nobody gains anything by forging one here. */
export function encodeIterator(position: Position, clock: Clock): string {
  const { stream, createdMs, shardId, from } = position
  const text = JSON.stringify([stream, createdMs, shardId, String(from), clock.wallTime()])
  return Buffer.from(text).toString('base64')
}

export function decodeIterator(iterator: unknown, clock: Clock): Position {
  const parts = parse(iterator)
  if (!isIterator(parts)) throw new AwsError('InvalidArgumentException', 'Invalid ShardIterator.')
  const [stream, createdMs, shardId, from, madeMs] = parts
  const now = clock.wallTime()
  if (now - madeMs > lifeMs) {
    throw new AwsError(
      'ExpiredIteratorException',
      `Iterator expired. The iterator was created at time ${new Date(madeMs).toUTCString()} while right now it is ${new Date(now).toUTCString()} which is further in the future than the tolerated delay of ${lifeMs} milliseconds.`
    )
  }
  return { stream, createdMs, shardId, from: BigInt(from) }
}

type Parts = readonly [stream: string, createdMs: number, shardId: string, from: string, madeMs: number]

function isIterator(parts: unknown): parts is Parts {
  if (
    !Array.isArray(parts) ||
    parts.map(part => typeof part).join() !== 'string,number,string,string,number'
  ) {
    return false
  }
  return /^\d+$/.test(String(parts[3]))
}

function parse(iterator: unknown): unknown {
  try {
    return JSON.parse(Buffer.from(String(iterator), 'base64').toString('utf8'))
  } catch {
    return undefined
  }
}
