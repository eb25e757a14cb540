import { AggregatedRecordBuilder, startsWithMagic } from '../core/aggregated-record.ts'
import { type RecordSealer, SealMode } from '../core/record-transform.ts'
import type { Batch, KinesisRecord } from './kinesis-record.ts'
import type { PendingRecord } from './pending-record.ts'

/** Outer partition key of an aggregate; the explicit hash key decides the shard. As the KPL writes it. */
const aggregatePartitionKey = 'a'
/** Longest outer partition key of a sealed aggregate: a hash key in decimal. */
export const longestHashKeyText = 39

export interface PackerOptions {
  readonly mode: SealMode | undefined
  readonly sealer: RecordSealer | undefined
  /** Whether the records of an aggregate have one partition key, which then is the outer one, too. */
  readonly isByPartitionKey: boolean
}

/**
 * Turns user records of one container into one Kinesis record.
 *
 * not sealed   lone: its bytes; several: the aggregate
 * record       the same, every user record's payload being a sealed message
 * aggregate    one sealed message around the aggregate, also around a lone record, whose keys it keeps
 */
export class Packer {
  readonly #sealer: RecordSealer | undefined
  readonly #sealsAggregates: boolean
  readonly #isByPartitionKey: boolean

  constructor({ mode, sealer, isByPartitionKey }: PackerOptions) {
    this.#sealer = sealer
    this.#sealsAggregates = mode === SealMode.aggregate
    this.#isByPartitionKey = isByPartitionKey
  }

  /** Bytes that the aggregate of this record and others may have so that what is stored has at most `storedBytes`. */
  aggregateBytes(storedBytes: number, { record, tenant }: PendingRecord): number {
    if (this.#sealsAggregates) {
      return storedBytes - longestHashKeyText - this.#sealer!.overheadBytes(storedBytes, tenant)
    }
    return (
      storedBytes -
      (this.#isByPartitionKey ? Buffer.byteLength(record.partitionKey) : aggregatePartitionKey.length)
    )
  }

  /**
   * A promise only when a data key must be had first. Throws, or rejects, with what the sealer says:
   * `KeyUnavailableError` when the key cannot be had at the moment.
   */
  pack(batch: Batch): KinesisRecord | Promise<KinesisRecord> {
    const { records } = batch
    const first = records[0]!
    if (this.#sealsAggregates) {
      const outerKey = String(first.hashKey)
      const sealed = this.#sealer!.seal(aggregate(records), first.tenant)
      const finish = (data: Uint8Array): KinesisRecord => kinesisRecord(batch, data, outerKey, outerKey, true)
      return sealed instanceof Promise ? sealed.then(finish) : finish(sealed)
    }
    // A reader would take a lone record that begins as an aggregate does for one.
    if (records.length === 1 && !startsWithMagic(first.payload)) {
      return kinesisRecord(batch, first.payload, first.record.partitionKey, first.explicitHashKey, false)
    }
    const outerKey = this.#isByPartitionKey ? first.record.partitionKey : aggregatePartitionKey
    return kinesisRecord(batch, aggregate(records), outerKey, String(first.hashKey), true)
  }
}

function aggregate(records: readonly PendingRecord[]): Uint8Array {
  const builder = new AggregatedRecordBuilder()
  for (const { record, explicitHashKey, payload } of records)
    builder.add(record.partitionKey, explicitHashKey, payload)
  return builder.encode()
}

function kinesisRecord(
  batch: Batch,
  data: Uint8Array,
  partitionKey: string,
  explicitHashKey: string | undefined,
  isAggregated: boolean
): KinesisRecord {
  let deadlineMs = Number.POSITIVE_INFINITY
  for (const record of batch.records) deadlineMs = Math.min(deadlineMs, record.deadlineMs)
  return {
    batch,
    data,
    partitionKey,
    explicitHashKey,
    isAggregated,
    bytes: data.length + Buffer.byteLength(partitionKey),
    deadlineMs
  }
}
