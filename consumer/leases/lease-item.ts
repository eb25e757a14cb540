import { type ExtendedSequenceNumber, isSentinel } from '../checkpoint/extended-sequence-number.ts'
import type { Lease } from './lease.ts'
import { parseLeaseKey } from './lease-key.ts'
import { LeaseAttribute as A, leaseEntityType } from './lease-schema.ts'

/** An item as the document client gives it, with numbers as they are on the wire. */
export type Item = Readonly<Record<string, unknown>>

/** What a row of the table is. */
export type ParsedRow =
  | { readonly kind: 'lease'; readonly lease: Lease }
  /** Something else that shares the table, such as the KCL's leader lock. */
  | { readonly kind: 'foreign' }
  /** Meant as a lease and not readable as one. `reason` names the attribute, never its value. */
  | { readonly kind: 'corrupt'; readonly leaseKey: string; readonly reason: string }

class CorruptRow extends Error {}

/** Reads one row. Attributes that are not known here are left out: no write of ours touches them. */
export function parseRow(item: Item): ParsedRow {
  if (!isMeantAsLease(item)) return { kind: 'foreign' }
  try {
    return { kind: 'lease', lease: toLease(item) }
  } catch (error) {
    if (!(error instanceof CorruptRow)) throw error
    return { kind: 'corrupt', leaseKey: String(item[A.leaseKey]), reason: error.message }
  }
}

/** A whole row, for a lease that is made. */
export function toItem(lease: Lease): Item {
  return {
    [A.leaseKey]: lease.leaseKey,
    ...(lease.leaseOwner === undefined ? {} : { [A.leaseOwner]: lease.leaseOwner }),
    [A.leaseCounter]: lease.leaseCounter,
    [A.ownerSwitchesSinceCheckpoint]: lease.ownerSwitchesSinceCheckpoint,
    [A.checkpoint]: lease.checkpoint.sequenceNumber,
    [A.checkpointSubSequenceNumber]: lease.checkpoint.subSequenceNumber,
    ...(lease.parentShardIds.length === 0 ? {} : { [A.parentShardId]: new Set(lease.parentShardIds) }),
    ...toMetaItem(lease),
    ...(lease.streamIdentifier === undefined
      ? {}
      : { [A.streamName]: lease.streamIdentifier, [A.shardId]: lease.shardId })
  }
}

/** What is known about the shard itself. */
export function toMetaItem({
  childShardIds,
  hashKeyRange
}: Pick<Lease, 'childShardIds' | 'hashKeyRange'>): Item {
  return {
    ...(childShardIds.length === 0 ? {} : { [A.childShardIds]: new Set(childShardIds) }),
    ...(hashKeyRange === undefined
      ? {}
      : {
          [A.startingHashKey]: String(hashKeyRange.start),
          [A.endingHashKey]: String(hashKeyRange.end)
        })
  }
}

/** A row of a kind that is not known has neither a lease's type nor anything of a lease. */
function isMeantAsLease(item: Item): boolean {
  const entityType = item[A.entityType]
  if (entityType !== undefined) return entityType === leaseEntityType
  return A.leaseCounter in item || A.checkpoint in item
}

function toLease(item: Item): Lease {
  const leaseKey = String(item[A.leaseKey])
  const state = item[A.pendingCheckpointState]
  return {
    leaseKey,
    ...parseLeaseKey(leaseKey),
    leaseOwner: textOf(item[A.leaseOwner]),
    checkpointOwner: textOf(item[A.checkpointOwner]),
    leaseCounter: integerOf(item, A.leaseCounter),
    ownerSwitchesSinceCheckpoint: integerOf(item, A.ownerSwitchesSinceCheckpoint, 0),
    checkpoint: positionOf(item, A.checkpoint, A.checkpointSubSequenceNumber),
    pendingCheckpoint:
      item[A.pendingCheckpoint] === undefined
        ? undefined
        : positionOf(item, A.pendingCheckpoint, A.pendingCheckpointSubSequenceNumber),
    // The Java KCL writes a number here when it makes a row with pending state: a slip that says nothing.
    pendingCheckpointState: state instanceof Uint8Array ? state : undefined,
    parentShardIds: toList(item[A.parentShardId]),
    childShardIds: toList(item[A.childShardIds]),
    hashKeyRange: rangeOf(item),
    throughputKBps: throughputOf(item)
  }
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** It steers how load is spread and nothing else: one that makes no sense counts as none. */
function throughputOf(item: Item): number | undefined {
  const number = numberOf(item[A.throughputKBps])
  return number !== undefined && Number.isFinite(number) && number >= 0 ? number : undefined
}

function positionOf(item: Item, sequence: string, subSequence: string): ExtendedSequenceNumber {
  const sequenceNumber = item[sequence]
  if (typeof sequenceNumber !== 'string' || !(isSentinel(sequenceNumber) || /^\d+$/.test(sequenceNumber))) {
    throw new CorruptRow(sequence)
  }
  return { sequenceNumber, subSequenceNumber: integerOf(item, subSequence, 0) }
}

function integerOf(item: Item, name: string, missing?: number): number {
  const value = item[name]
  if (value === undefined && missing !== undefined) return missing
  const number = numberOf(value)
  if (number === undefined || !Number.isSafeInteger(number) || number < 0) throw new CorruptRow(name)
  return number
}

/** Undefined for what is no DynamoDB number. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  const text = (value as { readonly value?: unknown } | null | undefined)?.value
  return typeof text === 'string' ? Number(text) : undefined
}

function rangeOf(item: Item): Lease['hashKeyRange'] {
  const [start, end] = [item[A.startingHashKey], item[A.endingHashKey]]
  if (start === undefined && end === undefined) return undefined
  if (typeof start !== 'string' || !/^\d+$/.test(start)) throw new CorruptRow(A.startingHashKey)
  if (typeof end !== 'string' || !/^\d+$/.test(end) || BigInt(end) < BigInt(start)) {
    throw new CorruptRow(A.endingHashKey)
  }
  return { start: BigInt(start), end: BigInt(end) }
}

function toList(value: unknown): readonly string[] {
  return value instanceof Set ? [...(value as Set<string>)].sort() : []
}
