import { hash } from 'node:crypto'

/** Hash keys are unsigned 128-bit integers; the ranges of a stream's open shards cover all of them. */
export const maxHashKey = (1n << 128n) - 1n

/** Both ends are inclusive. */
export interface HashKeyRange {
  readonly start: bigint
  readonly end: bigint
}

/**
 * The hash key that decides a user record's shard: its explicit hash key, else the MD5 of its partition key's
 * UTF-8 bytes as an **unsigned** big-endian integer.
 */
export function hashKeyOf(record: {
  readonly partitionKey: string
  readonly explicitHashKey?: string | undefined
}): bigint {
  if (record.explicitHashKey !== undefined) return BigInt(record.explicitHashKey)
  return BigInt(`0x${hexHashKeyOf(record.partitionKey)}`)
}

/** The hash key of a partition key as `hexHashKey` writes it. */
export function hexHashKeyOf(partitionKey: string): string {
  return hash('md5', partitionKey, 'hex')
}

/** 32 digits in lower case: such texts have the order of their numbers, and need no bigint to be compared. */
export function hexHashKey(hashKey: bigint): string {
  return hashKey.toString(16).padStart(32, '0')
}

/** Parses an explicit hash key; undefined unless it is a decimal integer in range. `007` is `7`, as in the KPL. */
export function parseHashKey(text: string): bigint | undefined {
  if (!/^\d{1,60}$/.test(text)) return undefined
  const value = BigInt(text)
  return value <= maxHashKey ? value : undefined
}

export function isInRange(hashKey: bigint, range: HashKeyRange): boolean {
  return hashKey >= range.start && hashKey <= range.end
}
