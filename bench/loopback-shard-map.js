// Shards of equal width, as the loopback service has them.
import { createHash } from 'node:crypto'

const hashKeys = 1n << 128n
/** Digits of the service's sequence numbers. */
const sequenceNumberDigits = 56

/**
 * Rising over the whole service, hence in each shard.
 * @param {number} number
 */
export function sequenceNumber(number) {
  return `49${String(number).padStart(sequenceNumberDigits - 2, '0')}`
}

/** @param {string} streamName as `loopbackStream` makes it */
export function shardCountOf(streamName) {
  const shardCount = Number(/^loopback-(\d+)(?:-|$)/.exec(streamName)?.[1])
  if (!(shardCount > 0)) throw new Error(`no such stream: ${streamName}`)
  return shardCount
}

/** @param {number} index */
export function shardId(index) {
  return `shardId-${String(index).padStart(12, '0')}`
}

/**
 * The last shard takes what the division leaves over.
 * @param {number} index
 * @param {number} shardCount
 */
export function rangeOf(index, shardCount) {
  const width = hashKeys / BigInt(shardCount)
  const start = BigInt(index) * width
  return { start, last: index === shardCount - 1 ? hashKeys - 1n : start + width - 1n }
}

/**
 * @param {{ readonly partitionKey: string, readonly explicitHashKey?: string | undefined }} entry
 * @param {number} shardCount
 */
export function shardOf({ partitionKey, explicitHashKey }, shardCount) {
  const hashKey =
    explicitHashKey === undefined
      ? BigInt(`0x${createHash('md5').update(partitionKey).digest('hex')}`)
      : BigInt(explicitHashKey)
  return Math.min(shardCount - 1, Number(hashKey / (hashKeys / BigInt(shardCount))))
}
