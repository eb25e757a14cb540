import { AggregatedRecordBuilder } from '../core/aggregated-record.ts'
import { type RecordSealer, SealMode } from '../core/record-transform.ts'
import type { KinesisRecord } from './kinesis-record.ts'
import type { PendingRecord } from './pending-record.ts'

/** Outer partition key of an aggregate; the explicit hash key decides the shard. As the KPL writes it. */
const aggregatePartitionKey = 'a'

/**
 * Turns user records of one predicted shard into one Kinesis record.
 *
 * not sealed   lone: its bytes; several: the aggregate
 * record       the same, every user record's data being a sealed message
 * aggregate    one sealed message around the aggregate, also around a lone record, whose keys it keeps
 */
export class Packer {
  readonly #mode: SealMode | undefined
  readonly #sealer: RecordSealer | undefined

  constructor(mode: SealMode | undefined, sealer: RecordSealer | undefined) {
    this.#mode = mode
    this.#sealer = sealer
  }

  /** Bytes of one user record's data inside the aggregate. */
  dataBytes({ record, tenant }: PendingRecord): number {
    const { length } = record.data
    return this.#mode === SealMode.record ? length + this.#sealer!.overheadBytes(length, tenant) : length
  }

  /** Bytes that an aggregate may have so that what is stored has at most `storedBytes`. */
  aggregateBytes(storedBytes: number, tenant: string | undefined): number {
    return this.#mode === SealMode.aggregate
      ? storedBytes - this.#sealer!.overheadBytes(storedBytes, tenant)
      : storedBytes
  }

  /**
   * All records are of one tenant. A promise only when a data key must be had first. Throws, or rejects, with what the sealer says:
   * `KeyUnavailableError` when the key cannot be had at the moment.
   */
  pack(shardId: string, records: readonly PendingRecord[]): KinesisRecord | Promise<KinesisRecord> {
    if (this.#sealer === undefined) {
      return compose(
        shardId,
        records,
        records.map(({ record }) => record.data)
      )
    }
    if (this.#mode === SealMode.aggregate) {
      const outerKey = String(records[0]!.hashKey)
      const sealed = this.#sealer.seal(
        aggregate(
          records,
          records.map(({ record }) => record.data)
        ),
        records[0]!.tenant
      )
      const finish = (data: Uint8Array): KinesisRecord =>
        kinesisRecord(shardId, records, data, outerKey, outerKey, true)
      return sealed instanceof Promise ? sealed.then(finish) : finish(sealed)
    }
    const sealer = this.#sealer
    const sealed = records.map(({ record, tenant }) => sealer.seal(record.data, tenant))
    if (sealed.some(data => data instanceof Promise)) {
      return Promise.all(sealed).then(all => compose(shardId, records, all))
    }
    return compose(shardId, records, sealed as Uint8Array[])
  }
}

function compose(
  shardId: string,
  records: readonly PendingRecord[],
  data: readonly Uint8Array[]
): KinesisRecord {
  const first = records[0]!
  if (records.length === 1) {
    return kinesisRecord(shardId, records, data[0]!, first.record.partitionKey, first.explicitHashKey, false)
  }
  return kinesisRecord(
    shardId,
    records,
    aggregate(records, data),
    aggregatePartitionKey,
    String(first.hashKey),
    true
  )
}

function aggregate(records: readonly PendingRecord[], data: readonly Uint8Array[]): Uint8Array {
  const builder = new AggregatedRecordBuilder()
  for (let index = 0; index < records.length; index += 1) {
    const { record, explicitHashKey } = records[index]!
    builder.add(record.partitionKey, explicitHashKey, data[index]!)
  }
  return builder.encode()
}

function kinesisRecord(
  predictedShardId: string,
  userRecords: readonly PendingRecord[],
  data: Uint8Array,
  partitionKey: string,
  explicitHashKey: string | undefined,
  isAggregated: boolean
): KinesisRecord {
  return {
    data,
    partitionKey,
    explicitHashKey,
    predictedShardId,
    userRecords,
    isAggregated,
    bytes: data.length + Buffer.byteLength(partitionKey),
    deadlineMs: userRecords.reduce(
      (earliest, { deadlineMs }) => Math.min(earliest, deadlineMs),
      Number.POSITIVE_INFINITY
    )
  }
}
