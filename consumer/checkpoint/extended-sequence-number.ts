/** Values of a checkpoint that are no sequence number, as the KCL stores them. */
export const Sentinel = {
  /** Oldest record that the stream still holds. */
  trimHorizon: 'TRIM_HORIZON',
  /** What comes after now. */
  latest: 'LATEST',
  /** The timestamp of the configuration; it is not stored. */
  atTimestamp: 'AT_TIMESTAMP',
  /** The shard is read to its end. */
  shardEnd: 'SHARD_END'
} as const
export type Sentinel = (typeof Sentinel)[keyof typeof Sentinel]

/** A position in a shard: after this user record. */
export interface ExtendedSequenceNumber {
  /** Decimal digits, or a sentinel. */
  readonly sequenceNumber: string
  /** Index inside the aggregate; 0 for a sentinel and for a record that was not aggregated. */
  readonly subSequenceNumber: number
}

const ranks: Readonly<Record<string, number>> = {
  [Sentinel.atTimestamp]: 0,
  [Sentinel.trimHorizon]: 1,
  [Sentinel.latest]: 2,
  [Sentinel.shardEnd]: 4
}

export function isSentinel(sequenceNumber: string): sequenceNumber is Sentinel {
  return Object.hasOwn(ranks, sequenceNumber)
}

/** Negative, zero or positive; sequence numbers compare as integers, sentinels stand around them. */
export function compareSequence(a: ExtendedSequenceNumber, b: ExtendedSequenceNumber): number {
  const rank = rankOf(a.sequenceNumber) - rankOf(b.sequenceNumber)
  if (rank !== 0) return rank
  if (!isSentinel(a.sequenceNumber)) {
    const [first, second] = [BigInt(a.sequenceNumber), BigInt(b.sequenceNumber)]
    if (first !== second) return first < second ? -1 : 1
  }
  return a.subSequenceNumber - b.subSequenceNumber
}

export function sentinelPosition(sentinel: Sentinel): ExtendedSequenceNumber {
  return { sequenceNumber: sentinel, subSequenceNumber: 0 }
}

function rankOf(sequenceNumber: string): number {
  return ranks[sequenceNumber] ?? 3
}
