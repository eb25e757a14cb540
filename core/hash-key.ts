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
  return BigInt(`0x${hash('md5', record.partitionKey, 'hex')}`)
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
