import { hash } from 'node:crypto'

// The engine maps keys with code of its own: a mistake in the product's mapping must show, not cancel out.

/** Largest 128-bit hash key. */
export const largestHashKey = BigInt('340282366920938463463374607431768211455')

/** A hash key in 32 hexadecimal digits, lower case: in the order of the numbers, and compared faster. */
export type HashKeyText = string

export function hashKeyText(hashKey: bigint): HashKeyText {
  return hashKey.toString(16).padStart(32, '0')
}

/** MD5 of the partition key in UTF-8, read as an unsigned integer. */
export function hashOfPartitionKey(partitionKey: string): HashKeyText {
  return hash('md5', partitionKey, 'hex')
}

export interface HashKeyRange {
  readonly start: bigint
  /** The last key that belongs to it. */
  readonly end: bigint
}

/** `count` ranges of equal size that cover all hash keys; the last one takes the rest. */
export function evenRanges(count: number): HashKeyRange[] {
  const width = (largestHashKey + 1n) / BigInt(count)
  return Array.from({ length: count }, (_, index) => ({
    start: width * BigInt(index),
    end: index === count - 1 ? largestHashKey : width * BigInt(index + 1) - 1n
  }))
}
