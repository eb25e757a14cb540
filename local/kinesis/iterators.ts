import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'

/** Life of a shard iterator. */
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
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(String(iterator), 'base64').toString('utf8'))
  } catch {
    parts = undefined
  }
  if (!Array.isArray(parts) || parts.length !== 5) {
    throw new AwsError('InvalidArgumentException', 'Invalid ShardIterator.')
  }
  const [stream, createdMs, shardId, from, madeMs] = parts as [string, number, string, string, number]
  if (clock.wallTime() - madeMs > lifeMs) {
    throw new AwsError(
      'ExpiredIteratorException',
      `Iterator expired. The iterator was created at time ${new Date(madeMs).toISOString()} while right now it is later than 5 minutes after it.`
    )
  }
  return { stream, createdMs, shardId, from: BigInt(from) }
}
